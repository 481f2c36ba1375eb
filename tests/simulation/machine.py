"""One computer that runs one gateway: its disks, its clock, and the process that comes and goes.

What runs in the process is the real thing, put together by `gateway.core.assemble`; here are its
edges. A process may end between any two effects, and inside a write.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.clock import TrustedClock
from gateway.config import UplinkConfig
from gateway.contract.errors import JournalCorrupt, JournalError, RolledBack
from gateway.contract.plan import CentralKey
from gateway.contract.record import Opened
from gateway.contract.signed import SigningKey
from gateway.core import Chance as Injected
from gateway.core import Core, Devices, Proof, assemble, disarm_first, keep_disarmed
from gateway.guard import Guard, Mark
from gateway.identity import Identity
from gateway.journal import Journal
from gateway.latches import Latches
from gateway.logbook import Draft, Logbook
from gateway.moves import Effect, Phase
from gateway.station import Station
from gateway.tasks import end
from tests.simulation.bench import Bench
from tests.simulation.chance import Chance
from tests.simulation.disk import SLOT, Disk, MemorySlip, MemorySlots, MemoryStore
from tests.simulation.loop import ProcessEnded, SimLoop
from tests.simulation.network import Broker, SimLink
from tests.simulation.story import Story

if TYPE_CHECKING:
    from tests.simulation.scenery import Line

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""What the true time is when the world begins."""
RESTART_S = 1.0
"""How soon the service manager starts a process again that could not start."""
FOLD_S = 2.0
"""The longest that a start reads its journal, with its devices already disarmed."""
UPLINK = UplinkConfig(resend_after_s=2, backoff_max_s=4, start_grace_s=5)


@dataclass
class Clock:
    """The machine's own idea of the time."""

    loop: SimLoop
    offset: float = 0.0
    """Seconds that it is off."""
    synchronised: bool = True

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.loop.now + self.offset)

    def monotonic(self) -> float:
        return self.loop.now

    def correct(self) -> None:
        """Somebody sets it, or it hears of its time server again."""
        self.offset, self.synchronised = 0.0, True

    def trusted(self, *, hardware: bool) -> TrustedClock:
        return TrustedClock(
            hardware, self.wall, self.monotonic, synchronised=lambda: self.synchronised
        )


@dataclass(eq=False)
class Epoch:
    """What lies on the disk of one enrolment."""

    disk: Disk
    slip: MemorySlip
    identity: Identity
    mark: Mark | None = None
    """What the guard knew when a later epoch began."""

    def copy(self) -> "Epoch":
        return Epoch(self.disk.copy(), MemorySlip(self.slip.content), self.identity)


@dataclass(eq=False)
class Run:
    """One process."""

    number: int
    alive: bool = True
    core: Core | None = None
    """None where the journal cannot be opened and nothing but disarming is done."""
    latches: Latches | None = None
    link: SimLink | None = None
    tasks: list[asyncio.Future[None]] = field(default_factory=list)
    contradicted: str = ""
    """Why this process may not mark, by what it can know: its guard is ahead of its journal."""


class Machine:
    """`crash` names the next point at which the process ends: (moment, what)."""

    def __init__(
        self,
        name: str,
        loop: SimLoop,
        chance: Chance,
        story: Story,
        broker: Broker,
        benches: list[Bench],
        *,
        hardware_clock: bool = False,
        label: str = "",
    ) -> None:
        self.name = name
        self.label = label or name
        self.loop = loop
        self.chance = chance
        self.story = story
        self.broker = broker
        self.benches = {bench.config.name: bench for bench in benches}
        self.clock = Clock(loop)
        self.hardware_clock = hardware_clock
        self.earlier_release = chance.of("release").yes(0.25)
        """It brings no plan to a register that was restored."""
        self.epochs: dict[int, Epoch] = {}
        self.guard = MemorySlots()
        self.run: Run | None = None
        self.runs = 0
        self._ending: asyncio.Future[None] | None = None
        self.phases: dict[str, Phase] = {}
        """Where each station's cycle stood last; before the first start, nowhere."""
        self.crash: tuple[str, str] | None = None
        self.held_down = False
        """Nobody starts it again for now."""
        self.lines: list[Line] = []
        """What its stations were made from, for a copy of it."""
        self.misled = False
        """Its kernel has called a clock synchronised that was ahead."""
        self.clone = False
        """It is a copy that somebody made of another machine."""
        self.lied = False
        """Its disk has lost what it had said was safe."""
        self.damaged = False
        """A byte of its journal was flipped at some time."""
        self.lost_guard = False
        """Its guard's medium was taken out at some time."""
        self.doubtful = False
        """Its journal and its guard are another machine's, or of another time."""
        self.on_phase: Callable[[Machine, str, Phase], None] = lambda _m, _s, _p: None
        self.on_effect: Callable[[Machine, str, str, Effect], None] = lambda _m, _s, _w, _e: None
        self.on_end: Callable[[Machine, str], None] = lambda _m, _w: None
        self.on_begun: Callable[[Machine], None] = lambda _m: None
        self.on_records: Callable[[Machine], None] = lambda _m: None
        self.on_breakdown: Callable[[Machine, str], None] = lambda _m, _w: None

    # -- what it keeps

    @property
    def epoch(self) -> Epoch:
        """The newest enrolment's."""
        return self.epochs[max(self.epochs)]

    def install(
        self, epoch: int, previous: bytes, key: SigningKey, keys: tuple[CentralKey, ...], why: str
    ) -> None:
        """What `gateway.enrolment.enrol` leaves behind; the gateway does not run."""
        assert self.run is None
        disk = Disk.new(self.name, epoch, previous)
        made = Epoch(disk, MemorySlip(), Identity(key, keys))
        if self.epochs:
            self.epoch.mark = self.guarded()
        self.epochs[epoch] = made
        self.guard = MemorySlots()
        journal = Journal(MemoryStore(disk))
        guard = Guard(self.guard)
        journal.set_meta("guard", guard.name)
        guard.create(Mark(self.name, epoch, 0, journal.first_head))
        clock = self.clock.trusted(hardware=self.hardware_clock)
        logbook = Logbook(journal, guard, clock, salt=lambda: self.chance.hex(16))
        logbook.append(Draft(Opened, {"reason": why}))
        logbook.write_guard()
        journal.close()

    # -- the process

    @property
    def core(self) -> Core | None:
        """Of the process that runs, if its journal could be opened."""
        return self.run.core if self.run is not None and self.run.alive else None

    def station(self, name: str) -> Station | None:
        core = self.core
        return None if core is None else core.stations[name]

    @property
    def latches(self) -> tuple[str, ...]:
        """Those that stand now, by the process or by what it left on the disk."""
        if self.run is not None and self.run.latches is not None:
            return tuple(self.run.latches.causes)
        return tuple(Latches(self.epoch.slip).causes) if self.epochs else ()

    def start(self) -> None:
        """Start the process, unless it runs or is held down."""
        if self.run is not None or self.held_down or not self.epochs:
            return
        self.runs += 1
        run = self.run = Run(self.runs)
        starting = asyncio.ensure_future(self._start(run))
        starting.add_done_callback(lambda task: None if task.cancelled() else task.result())
        run.tasks = [starting]

    async def _start(self, run: Run) -> None:
        """Disarm, read the journal for as long as it takes, and let the stations begin."""
        here = self.epoch
        here.slip.seam = self.guard.seam = lambda moment, what: self._seam(run, moment, what)
        try:
            store = MemoryStore(here.disk, seam=self.guard.seam)
            journal = Journal(store, nonce=lambda: self.chance.hex(8))
            devices = {name: self._devices(run, name) for name in self.benches}
            proofs = await disarm_first(journal, devices)
            await asyncio.sleep(self.chance.uniform(0, FOLD_S))
            self._alive(run)
            run.contradicted = self._contradiction()
            self._begin(run, journal, devices, proofs)
        except ProcessEnded:
            return
        except (JournalError, OSError) as error:
            self.story.tell(self.label, f"cannot start: {error}")
            self._gone(run, "could not start", RESTART_S)
            return
        for task in run.tasks:
            task.add_done_callback(lambda task: self._task_done(run, task))
        self.on_begun(self)

    def snapshot(self) -> tuple[Epoch, MemorySlots]:
        """What a backup of both disks holds, or a clone."""
        return self.epoch.copy(), self.guard.copy()

    def guarded(self) -> Mark | None:
        """What the guard's medium holds, wherever it is."""
        try:
            return Guard(self.guard.copy()).read()
        except RolledBack:
            return None

    def _contradiction(self) -> str:
        mark, disk = self.guarded(), self.epoch.disk
        if mark is None or not self.guard.present:
            return "the guard cannot be read"
        if mark.epoch != disk.epoch or mark.seq > len(disk.entries):
            return f"the guard knows record {mark.seq} of epoch {mark.epoch}"
        if mark.seq and disk.entries[mark.seq - 1].head != mark.head:
            return f"the guard knows another record {mark.seq}"
        return ""

    def _begin(
        self, run: Run, journal: Journal, devices: dict[str, Devices], proofs: dict[str, Proof]
    ) -> None:
        here = self.epoch
        run.latches = latches = Latches(here.slip)
        run.link = SimLink(self.broker, here.identity.key if self.earlier_release else None)
        try:
            core = run.core = assemble(
                journal=journal,
                guard=Guard(self.guard, self._at_once),
                latches=latches,
                clock=self.clock.trusted(hardware=self.hardware_clock),
                identity=here.identity,
                link=run.link,
                uplink=UPLINK,
                stations=[bench.config for bench in self.benches.values()],
                devices=devices,
                proofs=proofs,
                observer=lambda moment, station, effect: self._observe(
                    run, moment, station, effect
                ),
                chance=Injected(
                    salt=lambda: self.chance.hex(16),
                    cycle_id=lambda: self.chance.hex(8),
                    jitter=self.chance.uniform,
                ),
            )
        except JournalCorrupt as error:
            latches.set("journal-corrupt", str(error))
            self.story.tell(self.label, f"starts latched: {error}")
            found = [(each.marker, name) for name, each in devices.items()]
            markers = [(marker, name) for marker, name in found if marker is not None]
            run.tasks = [asyncio.ensure_future(keep_disarmed(*each)) for each in markers]
            return
        self.story.tell(self.label, f"starts, epoch {core.journal.epoch}, boot {core.boot}")
        core.on_change.append(lambda: self._changed(run))
        run.tasks = [asyncio.ensure_future(work) for work in core.tasks()]

    def _devices(self, run: Run, name: str) -> Devices:
        return self.benches[name].drivers(lambda: run.core.stations[name] if run.core else None)

    def stop(self, reason: str = "killed", again: float | None = RESTART_S) -> None:
        """The process ends at once, wherever it is."""
        if self.run is not None:
            self._gone(self.run, reason, again)

    async def stop_well(self, again: float | None = RESTART_S) -> None:
        """What SIGTERM does."""
        run = self.run
        if run is None or run.core is None:
            self.stop("stopped", again)
            return
        self.story.tell(self.label, "is asked to stop")
        try:
            await run.core.wind_down()
            if run.alive:
                await end(run.tasks)
        except ProcessEnded:
            return
        self._gone(run, "stopped", again)

    def _gone(self, run: Run, reason: str, again: float | None) -> None:
        if not run.alive:
            return
        run.alive = False
        if self.run is run:
            self.run = None
        for epoch in self.epochs.values():
            epoch.disk.let_go()
        if run.link is not None:
            run.link.drop()
        self.story.tell(self.label, f"the process ends: {reason}")
        self.on_end(self, reason)
        self.phases.clear()
        self.crash = None
        for task in run.tasks:
            task.cancel()
        self._ending = asyncio.ensure_future(end(run.tasks))
        if again is not None:
            self.loop.call_later(again, self.start)

    def _task_done(self, run: Run, task: "asyncio.Future[None]") -> None:
        if task.cancelled() or not run.alive:
            return
        fault = task.exception()
        if isinstance(fault, ProcessEnded):
            return
        if fault is not None:
            raise fault
        raise RuntimeError(f"{self.label}: a task of the gateway has ended")

    # -- where it may end

    def _alive(self, run: Run) -> None:
        if not run.alive:
            raise ProcessEnded

    def die(self, run: Run, reason: str) -> None:
        """End this process here and now; does not return."""
        again = self.chance.uniform(0.2, 4)
        self._gone(run, reason, again)
        raise ProcessEnded

    def _seam(self, run: Run, moment: str, what: str) -> None:
        self._alive(run)
        if (moment, what) == ("after", "add"):
            self.on_records(self)
        if self.crash == (moment, what):
            if (moment, what) == ("before", "guard"):
                self.guard.tear(self.chance.int(-SLOT, SLOT))  # as likely as not, its whole page
            self.die(run, f"killed {moment} {what}")

    def _at_once(self, call: Callable[[], None]) -> asyncio.Future[None]:
        """A call that the gateway makes beside its event loop."""
        ended = self.loop.create_future()
        try:
            call()
        except OSError as error:
            ended.set_exception(error)
        else:
            ended.set_result(None)
        return ended

    async def _observe(self, run: Run, moment: str, station: str, effect: Effect) -> None:
        self._alive(run)
        self.on_effect(self, station, moment, effect)
        if self.crash == (moment, f"{station}:{type(effect).__name__}"):
            self.die(run, f"killed {moment} {type(effect).__name__} of {station}")

    def _changed(self, run: Run) -> None:
        self._alive(run)
        assert run.core is not None
        for name, station in run.core.stations.items():
            if station.broken:
                self.on_breakdown(self, f"{name}: {station.broken}")
            phase = station.cycle.phase
            if self.phases.get(name) is not phase:
                self.phases[name] = phase
                self.on_phase(self, name, phase)
                self._alive(run)
