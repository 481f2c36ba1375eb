"""What may happen in a world, and when: drawn from the seed.

A plan is a fault and the phase of a station's cycle that it waits for; some come by their rate, at
any time. Each fault that lands is counted with the phase that it met.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gateway.contract.topics import Leaf, topic
from gateway.moves import Phase
from tests.simulation import forgery
from tests.simulation.bench import Bench
from tests.simulation.chance import Chance
from tests.simulation.machine import Machine
from tests.simulation.network import FATES, KEEPALIVE_S, Fate
from tests.simulation.wire import WIRE_FATES, WireFate

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True)
class Strike:
    """Everything that a fault may touch."""

    world: "World"
    machine: Machine
    bench: Bench
    chance: Chance


Fault = Callable[[Strike], bool]
"""Strikes; False where there is nothing to strike now."""

# -- the process and its machine


def _crash(strike: Strike) -> bool:
    run = strike.machine.run
    if run is None:
        return False
    strike.world.count("crash", strike.machine)
    strike.machine.die(run, "killed")
    return True


def _crash_soon(moment: str, what: str) -> Fault:
    def plan(strike: Strike) -> bool:
        strike.machine.crash = (moment, what)
        return True

    return plan


def _stop(strike: Strike) -> bool:
    if strike.machine.run is None:
        return False
    strike.world.task(strike.machine.stop_well(strike.chance.uniform(0.5, 5)))
    return True


def _power(strike: Strike) -> bool:
    """The whole machine loses its power, and a disk that lied its last commits."""
    machine = strike.machine
    run = machine.run
    if run is None:
        return False
    gone = machine.epoch.disk.power_cut(strike.chance.int(1, 4))
    machine.story.tell(machine.label, f"power cut; the disk had lied of {gone} commits")
    machine.lied = True
    strike.world.watch.adopt(machine)
    strike.world.count("lying-disk", machine)
    machine.die(run, "power cut")
    return True


def _old_journal(*, guard_too: bool) -> Fault:
    def restore(strike: Strike) -> bool:
        machine = strike.machine
        run = machine.run
        found = strike.world.snapshots.get(machine.label, [])
        found = [each for each in found if each[0].disk.epoch == machine.epoch.disk.epoch]
        if run is None or not found:
            return False
        epoch, guard = strike.chance.pick(found)
        strike.world.count("old-guard" if guard_too else "old-journal", machine)
        machine.story.tell(machine.label, f"its journal of {len(epoch.disk.entries)} is restored")
        machine.epochs[epoch.disk.epoch] = epoch.copy()
        if guard_too:
            machine.guard, machine.doubtful = guard.copy(), True
        machine.lied = True
        strike.world.watch.adopt(machine)
        machine.die(run, "its disk was restored from a backup")
        return True

    return restore


def _clone(*, guard_too: bool) -> Fault:
    def clone(strike: Strike) -> bool:
        world = strike.world
        if strike.machine.clone or any(machine.clone for machine in world.machines):
            return False
        world.clone(strike.machine, guard_too=guard_too)
        return True

    return clone


def _disk_full(strike: Strike) -> bool:
    disk = strike.machine.epoch.disk
    disk.fill(reserve_too=strike.chance.yes(0.3))
    strike.world.tell(strike.machine.label, "the disk is full")
    strike.world.later(strike.chance.uniform(2, 20), disk.free)
    return True


def _disk_broken(strike: Strike) -> bool:
    disk = strike.machine.epoch.disk
    disk.broken = True
    strike.world.tell(strike.machine.label, "the disk refuses writes")
    strike.world.later(strike.chance.uniform(2, 20), disk.free)
    return True


def _guard_gone(strike: Strike) -> bool:
    machine = strike.machine
    machine.guard.present, machine.lost_guard = False, True
    strike.world.tell(machine.label, "the guard's medium is taken out")

    def back() -> None:
        machine.guard.present = True

    strike.world.later(strike.chance.uniform(1, 10), back)
    return True


def _clock(*jumps: float) -> Fault:
    def jump(strike: Strike) -> bool:
        clock = strike.machine.clock
        clock.offset += strike.chance.pick(jumps)
        clock.synchronised = strike.chance.yes(0.5)
        strike.machine.misled |= clock.synchronised and clock.offset > 0
        strike.world.tell(strike.machine.label, f"its clock is off by {clock.offset:+.0f} s")
        return True

    return jump


# -- the network


def _cut(strike: Strike) -> bool:
    strike.world.tell("network", f"{strike.machine.name}: cut")
    strike.world.broker.cut(strike.machine.name)
    return True


def _dead_line(strike: Strike) -> bool:
    seconds = strike.chance.pick((1.0, 4.0, 10.0, KEEPALIVE_S + 5, 3 * KEEPALIVE_S))
    strike.world.tell("network", f"{strike.machine.name}: dead for {seconds:g} s")
    strike.world.broker.deaden(strike.machine.name, seconds)
    return True


def _broker(*, forgets: bool) -> Fault:
    def restart(strike: Strike) -> bool:
        strike.world.tell("broker", f"restarts{' and forgets' if forgets else ''}")
        strike.world.broker.restart(strike.chance.uniform(0.2, 10), forgets=forgets)
        return True

    return restart


def _message(fate: Fate) -> Fault:
    def next_ones(strike: Strike) -> bool:
        for _ in range(strike.chance.int(1, 3)):
            strike.world.broker.weather.due.append((strike.machine.name, fate))
        return True

    return next_ones


def _forged(what: Literal["receipt", "plan", "records"]) -> Fault:
    def forge(strike: Strike) -> bool:
        machine, register = strike.machine, strike.world.centre.register
        if what == "receipt":
            leaf: Leaf = "receipts"
            payload = forgery.receipt(machine, register)
        elif what == "plan":
            leaf, payload = "plan", forgery.plan(machine)
        else:
            leaf, payload = "records", forgery.records(machine, register)
        if payload is None:
            return False
        strike.world.tell("network", f"{machine.name}: somebody forges its {leaf}")
        strike.world.broker.inject(topic(machine.name, leaf), payload)
        return True

    return forge


# -- the centre


def _worker(moment: str) -> Fault:
    def crash(strike: Strike) -> bool:
        strike.world.centre.crash = moment
        return True

    return crash


def _database(strike: Strike) -> bool:
    centre = strike.world.centre
    centre.away_until = centre.loop.now + strike.chance.uniform(1, 15)
    strike.world.tell("centre", "the database is away")
    return True


FORGOTTEN_S = 3.0
"""The least that a restore forgets."""


def _restore(strike: Strike) -> bool:
    """From a backup that knows every epoch: one is made at each enrolment (docs/reliability.md)."""
    centre = strike.world.centre
    if centre.restores >= 2:
        return False
    known = centre.restorable()
    if not known:
        centre.back_up()  # for the next time
    known = [backup for backup in known if backup.at < centre.loop.now - FORGOTTEN_S]
    if not known:
        return False
    centre.restore(strike.chance.pick(known))
    if strike.chance.yes(0.5):  # one gateway cannot tell again what was forgotten before others do
        strike.world.broker.deaden(strike.machine.name, strike.chance.pick((5.0, 15.0)))
    return True


def _suspend(strike: Strike) -> bool:
    world = strike.world
    order = strike.chance.pick(sorted(world.centre.officers.orders))
    world.tell("officer", f"suspends the licence of {order}")
    world.centre.officers.suspend(order, "suspended")
    world.centre.touch()

    def reinstate() -> None:
        world.tell("officer", f"reinstates the licence of {order}")
        world.centre.officers.suspend(order, "active")
        world.centre.touch()

    world.later(strike.chance.uniform(3, 20), reinstate)
    return True


def _hold(strike: Strike) -> bool:
    world = strike.world
    order = strike.chance.pick(sorted(world.centre.officers.orders))
    world.tell("officer", f"holds {order}")
    world.centre.officers.hold(order, held=True)
    world.centre.touch()

    def release() -> None:
        world.tell("officer", f"releases {order}")
        world.centre.officers.hold(order, held=False)
        world.centre.touch()

    world.later(strike.chance.uniform(2, 10), release)
    return True


# -- devices


def _wire(fate: WireFate, whose: str) -> Fault:
    def next_ones(strike: Strike) -> bool:
        if whose == "marker":
            wire = strike.bench.device.wire
        elif strike.bench.eyes:
            wire = strike.chance.pick(strike.bench.eyes).wire
        else:
            return False
        times = strike.chance.pick((1, 1, 1, 2, 3, 6))
        wire.due += [fate] * times
        return True

    return next_ones


def _device_power(strike: Strike) -> bool:
    device = strike.bench.device
    if not device.powered:
        return False
    device.switch(on=False)
    strike.world.later(strike.chance.uniform(0.5, 8), lambda: device.switch(on=True))
    return True


def _mute(strike: Strike) -> bool:
    strike.bench.device.mute += 1
    return True


def _keeps_old_report(strike: Strike) -> bool:
    """Its result stands for longer than it was acknowledged, under the number that it was of."""
    device = strike.bench.device
    if device.kind != "cell":
        return False
    device.keeps = strike.chance.pick((3, 20, 100))
    return True


def _fires_late(strike: Strike) -> bool:
    strike.bench.device.start_late = strike.chance.pick((0.5, 2.0, 7.0, 8.3, 19.6))
    return True


def _faint(strike: Strike) -> bool:
    positions = strike.bench.place.positions
    strike.bench.device.faint = [strike.chance.int(0, positions)]
    return True


def _partly(strike: Strike) -> bool:
    positions = strike.bench.place.positions
    strike.bench.device.stop_after = strike.chance.int(1, positions)
    return True


def _blind(strike: Strike) -> bool:
    for eye in strike.bench.eyes:
        eye.blind = strike.chance.pick((1, 1, 2, 3, 4))
    return bool(strike.bench.eyes)


def _stale(strike: Strike) -> bool:
    for eye in strike.bench.eyes:
        eye.stale = strike.chance.pick((1, 1, 2, 3, 4))
    return bool(strike.bench.eyes)


# -- parts and people


def _swap(what: str) -> Fault:
    def swap(strike: Strike) -> bool:
        return strike.world.swap(strike.bench, what, strike.chance)

    return swap


def _pedal(strike: Strike) -> bool:
    if not strike.bench.by_input:
        return False
    strike.world.tell(strike.bench.name, "somebody treads on the pedal")
    strike.bench.pedal()
    return True


def _lie(strike: Strike) -> bool:
    strike.world.operator(strike.bench).panel.lies += 1
    return True


def _careless(strike: Strike) -> bool:
    operator = strike.world.operator(strike.bench)
    operator.careless = True

    def careful() -> None:
        operator.careless = False

    strike.world.later(4.0, careful)
    return True


FAULTS: dict[str, Fault] = {
    "crash": _crash,
    "crash-before-commit": _crash_soon("before", "add"),
    "crash-after-commit": _crash_soon("after", "add"),
    "crash-before-cursor": _crash_soon("before", "put"),
    "crash-after-cursor": _crash_soon("after", "put"),
    "crash-in-guard": _crash_soon("before", "guard"),
    "crash-after-guard": _crash_soon("after", "guard"),
    "stop": _stop,
    "lying-disk": _power,
    "old-journal": _old_journal(guard_too=False),
    "old-guard": _old_journal(guard_too=True),
    "clone": _clone(guard_too=False),
    "clone-guard": _clone(guard_too=True),
    "disk-full": _disk_full,
    "disk-broken": _disk_broken,
    "guard-gone": _guard_gone,
    "clock-forward": _clock(30, 3600, 6 * 3600),
    "clock-back": _clock(-30, -3600, -6 * 3600),
    "cut": _cut,
    "dead-line": _dead_line,
    "broker-restarts": _broker(forgets=False),
    "broker-forgets": _broker(forgets=True),
    **{f"message-{fate}": _message(fate) for fate in FATES},
    "forged-receipt": _forged("receipt"),
    "forged-plan": _forged("plan"),
    "forged-records": _forged("records"),
    "worker-before-commit": _worker("before-commit"),
    "worker-after-commit": _worker("after-commit"),
    "worker-after-ack": _worker("after-ack"),
    "database-away": _database,
    "restore": _restore,
    "suspend": _suspend,
    "hold": _hold,
    **{f"marker-{fate}": _wire(fate, "marker") for fate in WIRE_FATES},
    **{f"reader-{fate}": _wire(fate, "reader") for fate in WIRE_FATES if fate != "refused"},
    "device-power": _device_power,
    "no-end-report": _mute,
    "old-end-report": _keeps_old_report,
    "fires-late": _fires_late,
    "faint": _faint,
    "partly": _partly,
    "blind": _blind,
    "stale": _stale,
    "swap-blank": _swap("blank"),
    "swap-old": _swap("old"),
    "swap-foreign": _swap("foreign"),
    "take-away": _swap("nothing"),
    "pedal": _pedal,
    "lie": _lie,
    "careless": _careless,
}
COUNTED_LATER = frozenset(
    {"crash", "lying-disk", "old-journal", "old-guard"}
    | {name for name in FAULTS if name.startswith(("crash-", "message-", "marker-", "reader-"))}
    | {name for name in FAULTS if name.startswith("worker-")}
)
"""These are counted where they land, which may be some phases on."""


@dataclass(eq=False)
class Due:
    """A fault that waits for its phase."""

    name: str
    phase: Phase
    station: str | None
    skip: int
    """So many times the phase passes first."""
    delay: float


LEAD: dict[Phase, tuple[tuple[str, Phase], ...]] = {
    Phase.INSPECTING: (("no-end-report", Phase.ARMING), ("marker-unheard", Phase.FIRING)),
    Phase.SET_ASIDE: (("blind-long", Phase.READING), ("faint", Phase.ARMING)),
    Phase.READ_BLOCKED: (("reader-dead", Phase.READING),),
    Phase.SWITCH_OFF: (("marker-dead", Phase.DISARMING),),
    Phase.UNKNOWN: (("unknown", Phase.ARMING), ("unknown-cell", Phase.WAITING)),
}
"""What brings a station into a phase that it does not see on a good day."""


def _lead_reader_dead(strike: Strike) -> bool:
    for eye in strike.bench.eyes:
        eye.wire.due += ["silent"] * 3
    return bool(strike.bench.eyes)


def _lead_marker_dead(strike: Strike) -> bool:
    strike.bench.device.wire.due += ["silent"] * strike.chance.int(4, 6)
    return True


def _lead_blind(strike: Strike) -> bool:
    for eye in strike.bench.eyes:
        eye.blind = 3
    return bool(strike.bench.eyes)


def _lead_unknown(strike: Strike) -> bool:
    strike.bench.device.mute = 1
    for eye in strike.bench.eyes:
        eye.blind = 3
    return True


def _lead_cannot_journal(strike: Strike) -> bool:
    """The disk fills up, and what was journalled last is not heard of at once."""
    strike.world.broker.weather.due.append((strike.machine.name, "lost"))
    disk = strike.machine.epoch.disk
    disk.fill(reserve_too=True)
    strike.world.later(strike.chance.uniform(4, 9), disk.free)
    return True


def _lead_unknown_cell(strike: Strike) -> bool:
    """Power fails in the middle of a mark: not even a cell that keeps its result knows more."""
    device = strike.bench.device
    strike.world.loop.call_later(device.mark_s / 2, lambda: device.switch(on=False))
    strike.world.later(device.mark_s + 1, lambda: device.switch(on=True))
    for eye in strike.bench.eyes:
        eye.blind = 3
    return True


LEADS: dict[str, Fault] = {
    "unknown-cell": _lead_unknown_cell,
    "cannot-journal": _lead_cannot_journal,
    "reader-dead": _lead_reader_dead,
    "marker-dead": _lead_marker_dead,
    "blind-long": _lead_blind,
    "unknown": _lead_unknown,
}


@dataclass
class Plan:
    """The faults of one seed."""

    due: list[Due] = field(default_factory=list)
    until: float = 60.0
    """When they stop."""

    def take(self, phase: Phase, station: str) -> Due | None:
        for each in self.due:
            if each.phase is phase and each.station in (None, station):
                if each.skip:
                    each.skip -= 1
                    continue
                self.due.remove(each)
                return each
        return None


def draw(chance: Chance, stations: list[str]) -> Plan:
    """What happens in this seed's world."""
    plan = Plan(until=chance.pick((20.0, 30.0, 45.0, 60.0)))
    names = list(FAULTS)
    phases = list(Phase)
    for _ in range(chance.pick((1, 3, 5, 6, 8, 10, 14))):
        phase = chance.pick(phases)
        station = chance.pick(stations)
        skip = chance.int(0, 5)
        if phase in LEAD:
            lead, at = chance.pick(LEAD[phase])
            plan.due.append(Due(lead, at, station, skip, 0.0))
            skip = 0
        delay = 0.0 if chance.yes(0.6) else chance.uniform(0, 0.5)
        plan.due.append(Due(chance.pick(names), phase, station, skip, delay))
    return plan


def weather(world: "World", chance: Chance) -> None:
    """Faults by their rate, at any time."""
    if chance.yes(0.4):
        rate = chance.pick((0.005, 0.02, 0.08))
        sky = world.broker.weather
        sky.lost, sky.doubled, sky.reordered, sky.delayed = (
            rate * chance.uniform(0, 2) for _ in range(4)
        )
    for bench in world.benches:
        if chance.yes(0.25):
            fate = chance.pick(WIRE_FATES)
            bench.device.wire.rates = {fate: chance.pick((0.005, 0.02, 0.06))}
        for eye in bench.eyes:
            if chance.yes(0.2):
                read_fate = chance.pick([fate for fate in WIRE_FATES if fate != "refused"])
                eye.wire.rates = {read_fate: chance.pick((0.01, 0.04))}
