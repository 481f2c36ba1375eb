"""What a seed's world consists of: gateways, stations and orders, drawn from the seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from central.plan.facts import Limits, Member, Order
from gateway.config import DeviceConfig, StationConfig
from gateway.contract.plan import Component, Template, Verify
from tests.simulation.bench import Bench
from tests.simulation.bench import build as build_bench
from tests.simulation.chance import Chance
from tests.simulation.decisions import Panel
from tests.simulation.machine import Machine
from tests.simulation.officers import licence
from tests.simulation.people import Operator

if TYPE_CHECKING:
    from tests.simulation.world import World

LEASE = timedelta(hours=8)
SHORT_LEASES_S = (8, 12, 25)
"""Leases that end while a world lasts; the plan is compiled anew every 20 s."""
NAMING = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1d20P{component}\x1e\x04"
"""A weapon's symbol with the component's code; the other one carries the number alone."""
SHARED = "[)>\x1e06\x1d17VA7G1H\x1d1PM71\x1dS{serial}\x1e\x04"
PACKAGE = "[)>\x1e06\x1d17VA7G2H\x1d1T{lot}\x1dS{serial}\x1e\x04"
WEAPON = (
    Component(name="receiver", symbol="RCV"),
    Component(name="barrel", symbol="BRL"),
    Component(name="slide", symbol="SLD", job="3"),
)
GATEWAYS = ("gramsh.line-1", "gramsh.line-2", "polican.pack")
DEVICE = DeviceConfig(kind="sim", url="sim")


@dataclass(frozen=True)
class Line:
    """One station to be: which pieces it marks, how many places it has, and what looks at them."""

    gateway: str
    name: str
    components: tuple[str, ...] = ()
    positions: int = 1
    readers: bool = True
    marks: bool = True


@dataclass(frozen=True)
class Scene:
    """What is made, and where."""

    orders: tuple[Order, ...]
    lines: tuple[Line, ...]


def build(world: "World") -> None:
    """Put machines, benches, operators and orders into the world."""
    chance = world.chance.of("scenery")
    officers = world.centre.officers
    leases = world.chance.of("lease")
    officers.limits = Limits(
        timedelta(seconds=leases.pick(SHORT_LEASES_S)) if leases.yes(0.15) else LEASE,
        chance.pick((2, 4, 6, 20)),
        due_marks=chance.pick((4, 200)),
        settle=timedelta(seconds=chance.pick((0.5, 2))),
        void_after=timedelta(seconds=world.chance.of("void").pick((1e7, 1e7, 30, 12))),
    )
    base = _order(world, "G-1")
    wish = world.aim.wish
    kinds = {name: kind for name, kind in KINDS.items() if not wish.scenes or name in wish.scenes}
    draw = chance.weighted({name: weight for name, (_, weight) in kinds.items()})
    scene = kinds[draw][0](base, chance)
    if wish.readers:
        scene = replace(scene, lines=tuple(replace(each, readers=True) for each in scene.lines))
    if wish.two:
        scene = replace(scene, lines=_doubled(scene.lines))
    if world.chance.of("first-piece").yes(0.15):
        scene = replace(scene, orders=tuple(_asks_for_approval(each) for each in scene.orders))
    for order in scene.orders:
        officers.orders[order.code] = order
        officers.spaces[order.space] = 1
    for gateway in dict.fromkeys(line.gateway for line in scene.lines):
        lines = [line for line in scene.lines if line.gateway == gateway]
        world.enrol(add_machine(world, gateway, lines, chance.of(gateway)), "new gateway")


def _asks_for_approval(order: Order) -> Order:
    """Its first piece at each station is approved by a second person."""
    update = {"first_piece": "approved-by-second"}
    return replace(order, verify=order.verify.model_copy(update=update))


def _doubled(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """With a second station that marks, on the first one's gateway."""
    first = lines[0]
    if sum(line.gateway == first.gateway and line.marks for line in lines) > 1:
        return lines
    return (*lines, replace(first, name=f"{first.name}-2"))


def _order(world: "World", code: str) -> Order:
    """One component, each part read back; the scenes change what they need."""
    return Order(
        code=code,
        product="M70",
        kind="serial",
        quantity=8,
        contents=None,
        lot=None,
        job="1",
        template=Template(content=NAMING, lines=("{serial}",), serial_prefix="G"),
        components=WEAPON[:1],
        verify=Verify(mode="each"),
        expect=(),
        tray=None,
        space="UMG.M70",
        state="released",
        licence=licence(world.centre.now()),
        members=(Member(GATEWAYS[0]),),
    )


def _each(base: Order, chance: Chance) -> Scene:
    """One component at one gateway."""
    return _parts(base, chance, GATEWAYS[:1])


def _shared(base: Order, chance: Chance) -> Scene:
    """One component, and two gateways that open numbers of the order."""
    return _parts(base, chance, GATEWAYS[:2])


def _parts(base: Order, chance: Chance, names: tuple[str, ...]) -> Scene:
    """Gateways of one or two stations each."""
    lines = [Line(name, "laser") for name in names]
    lines += [Line(name, "laser-2") for name in names if chance.yes(0.25)]
    members = tuple(Member(name) for name in names)
    quantity = chance.int(8, 14) * len(names)
    return Scene((replace(base, quantity=quantity, members=members),), tuple(lines))


def _weapons(base: Order, chance: Chance) -> Scene:
    """Receiver, barrel and slide: at one station, at two, or at two gateways."""
    one, two = GATEWAYS[:2]
    template = base.template
    if chance.yes(0.35):
        template = template.model_copy(update={"content": SHARED})
    mode = chance.weighted({"each": 0.7, "sample": 0.3})
    order = replace(
        base,
        quantity=chance.int(4, 7),
        components=WEAPON[: chance.pick((2, 3))],
        template=template,
        verify=Verify(mode=mode, every=chance.pick((2, 3))),
    )
    names = tuple(component.name for component in order.components)
    where = chance.pick(("one", "stations", "gateways", "both"))
    if where == "one":
        return Scene((order,), (Line(one, "laser"),))
    if where == "stations":
        lines = (Line(one, "laser", names[:1]), Line(one, "laser-2", names[1:]))
        return Scene((order,), lines)
    if where == "gateways":
        members = (Member(one, names[:1]), Member(two, names[1:]))
    else:
        members = (Member(one), Member(two))
    return Scene((replace(order, members=members),), (Line(one, "laser"), Line(two, "laser")))


def _trays(base: Order, chance: Chance) -> Scene:
    """Packages on trays, each or every so many read back."""
    tray = chance.int(2, 4)
    names = GATEWAYS[: chance.weighted({1: 0.7, 2: 0.3})]
    order = replace(
        _packages(base, chance),
        quantity=chance.int(2, 5) * tray * len(names) + chance.int(0, 2),
        tray=tray,
        verify=chance.pick((Verify(mode="each"), Verify(mode="sample", every=chance.int(2, 5)))),
        members=tuple(Member(name) for name in names),
    )
    return Scene((order,), tuple(Line(name, "packer", (), tray) for name in names))


def _packages(base: Order, chance: Chance) -> Order:
    return replace(
        base,
        product="BOX",
        kind="package",
        contents=chance.pick((20, 500)),
        lot="L26-11",
        template=Template(content=PACKAGE, lines=("{lot}", "{serial}"), serial_prefix="P"),
        components=(Component(name="carton"),),
        space="UMG.BOX",
    )


def _elsewhere(base: Order, chance: Chance) -> Scene:
    """Marked at one gateway, read at another; or at a reading post of the same one."""
    one, two = GATEWAYS[:2]
    is_post = chance.yes(0.4)
    order = replace(
        base,
        quantity=chance.int(6, 10),
        verify=Verify(mode="elsewhere"),
        members=(Member(one),) if is_post else (Member(one), Member(two, (), reads=True)),
    )
    if is_post:
        post = Line(one, "post", marks=False, positions=chance.pick((1, 2)))
    else:
        post = Line(two, "post", marks=False)
    return Scene((order,), (Line(one, "laser", readers=chance.yes(0.6)), post))


def _eye(base: Order, chance: Chance) -> Scene:
    """A person judges, for want of a reader or for another reason."""
    verify = Verify(mode="eye", reason="a curved surface")
    line = Line(GATEWAYS[0], "laser", readers=chance.yes(0.4))
    return Scene((replace(base, quantity=chance.int(6, 10), verify=verify),), (line,))


def _mixed(base: Order, chance: Chance) -> Scene:
    """Two orders at the same stations: they are changed in mid-run."""
    second = replace(
        base,
        code="G-2",
        quantity=chance.int(4, 7),
        verify=chance.pick((Verify(mode="each"), Verify(mode="sample", every=3))),
        template=base.template.model_copy(update={"serial_prefix": "H"}),
        job="2",
        space="UMG.M70B",
    )
    if chance.yes(0.4):
        second = replace(second, components=WEAPON[:2])
    lines = [Line(GATEWAYS[0], "laser")]
    if chance.yes(0.4):
        lines.append(Line(GATEWAYS[0], "laser-2"))
    return Scene((replace(base, quantity=chance.int(5, 8)), second), tuple(lines))


KINDS: dict[str, tuple[Callable[[Order, Chance], Scene], float]] = {
    "each": (_each, 1.8),
    "shared": (_shared, 1.2),
    "weapons": (_weapons, 3.0),
    "trays": (_trays, 2.0),
    "elsewhere": (_elsewhere, 1.5),
    "eye": (_eye, 1.0),
    "mixed": (_mixed, 1.5),
}
"""By name, with how often each is drawn."""


def add_machine(
    world: "World", name: str, lines: list[Line], chance: Chance, *, clone: bool = False
) -> Machine:
    """A computer with its stations and the people at them; it is not enrolled yet."""
    label = f"{name}~copy-{len(world.machines)}" if clone else name
    benches = [_bench(world, label, line, chance.of(line.name)) for line in lines]
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
    machine.clone, machine.lines = clone, lines
    world.machines.append(machine)
    for bench in benches:
        panel = Panel(
            world.metal,
            chance.of(f"panel/{bench.name}"),
            world.story,
            world.decisions,
            chance.of(f"shifts/{bench.name}"),
        )
        operator = Operator(
            machine,
            bench,
            world.metal,
            chance.of(f"operator/{bench.name}"),
            world.story,
            world.loop,
            panel,
            chance.of(f"late/{bench.name}"),
            world.bin,
        )
        operator.is_wanted = partial(world.is_wanted, bench)
        operator.is_open = partial(world.is_open, machine)
        operator.own_marks = partial(world.own_marks, machine)
        world.operators.append(operator)
    return machine


def _start(by_input: bool | None, chance: Chance) -> Literal["operator", "pedal", "plc"]:
    if by_input is None:
        return chance.weighted({"operator": 0.6, "pedal": 0.3, "plc": 0.1})
    return "pedal" if by_input else "operator"


def _bench(world: "World", gateway: str, line: Line, chance: Chance) -> Bench:
    config = StationConfig(
        name=line.name,
        start=_start(world.aim.wish.by_input, chance) if line.marks else "operator",
        components=line.components,
        arm_timeout_s=20,
        mark_timeout_s=8,
        look_s=0.2,
        read_s=0.5,
        marker=DEVICE if line.marks else None,
        reader=(DEVICE,) * line.positions if line.readers else (),
    )
    return build_bench(
        f"{gateway}/{line.name}",
        config,
        "cell" if world.aim.wish.cell else chance.pick(("laser", "cell")),
        line.positions,
        readers=line.readers,
        loop=world.loop,
        chance=chance.of("bench"),
        story=world.story,
        metal=world.metal,
    )
