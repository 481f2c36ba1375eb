"""What a seed's world consists of: gateways, stations and orders, drawn from the seed."""

from datetime import timedelta
from typing import TYPE_CHECKING

from central.plan.facts import Limits, Member, Order
from gateway.config import DeviceConfig, StationConfig
from gateway.contract.plan import Component, Template, Verify
from tests.simulation.bench import Bench
from tests.simulation.bench import build as build_bench
from tests.simulation.chance import Chance
from tests.simulation.machine import Machine
from tests.simulation.officers import licence
from tests.simulation.people import Operator

if TYPE_CHECKING:
    from tests.simulation.world import World

SPACE = "UMG.M70"
CONTENT = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1d20P{component}\x1e\x04"
GATEWAYS = ("gramsh.line-1", "gramsh.line-2", "polican.pack")


def build(world: "World") -> None:
    """Put machines, benches, operators and orders into the world."""
    chance = world.chance.of("scenery")
    officers = world.centre.officers
    officers.limits = Limits(timedelta(hours=8), chance.pick((3, 6, 20)))
    officers.spaces[SPACE] = 1
    names = GATEWAYS[: chance.weighted({1: 0.6, 2: 0.4})]
    officers.orders["G-1"] = Order(
        code="G-1",
        product="M70",
        kind="serial",
        quantity=chance.int(8, 16) * len(names),
        contents=None,
        lot=None,
        job="1",
        template=Template(content=CONTENT, lines=("{serial}",), serial_prefix="G"),
        components=(Component(name="receiver", symbol="RCV"),),
        verify=Verify(mode="each"),
        expect=(),
        tray=None,
        space=SPACE,
        held=False,
        licence=licence(world.centre.now()),
        members=tuple(Member(name) for name in names),
    )
    for name in names:
        world.enrol(add_machine(world, name, chance.of(name)), "new gateway")


def add_machine(world: "World", name: str, chance: Chance, *, clone: bool = False) -> Machine:
    """A computer with its stations and the people at them; it is not enrolled yet."""
    label = f"{name}~copy-{len(world.machines)}" if clone else name
    stations = ("laser", "laser-2")[: chance.weighted({1: 0.8, 2: 0.2})]
    benches = [_bench(world, label, station, chance.of(station)) for station in stations]
    machine = Machine(
        name,
        world.loop,
        world.chance.of(f"machine/{label}"),
        world.story,
        world.broker,
        benches,
        hardware_clock=chance.yes(0.5),
        label=label,
    )
    machine.clone = clone
    world.machines.append(machine)
    for bench in benches:
        operator = Operator(
            machine,
            bench,
            world.metal,
            chance.of(f"operator/{bench.name}"),
            world.story,
            world.loop,
            world.decisions,
        )
        world.operators.append(operator)
    return machine


def _bench(world: "World", gateway: str, station: str, chance: Chance) -> Bench:
    config = StationConfig(
        name=station,
        start="pedal" if chance.yes(0.4) else "operator",
        arm_timeout_s=20,
        mark_timeout_s=8,
        look_s=0.2,
        read_s=0.5,
        marker=DeviceConfig(kind="sim", url="sim"),
        reader=DeviceConfig(kind="sim", url="sim"),
    )
    return build_bench(
        f"{gateway}/{station}",
        config,
        chance.pick(("laser", "cell")),
        1,
        readers=True,
        loop=world.loop,
        chance=chance.of("bench"),
        story=world.story,
        metal=world.metal,
    )
