"""One station: carries the cycle's effects out against its devices, journals first."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from uuid import uuid4

from drivers.errors import DeviceError, DeviceRefused
from drivers.protocols import (
    Activity,
    CodeReader,
    Did,
    Marker,
    MarkText,
    Outcome,
    Reading,
    Shot,
)
from gateway import testimony
from gateway.config import StationConfig
from gateway.contract.errors import JournalError, JournalFull
from gateway.contract.record import (
    Intent,
    Mark,
    RecordRef,
    Settled,
    Unlatched,
)
from gateway.cycle import step
from gateway.logbook import NOBODY, Author, Draft, Logbook
from gateway.moves import (
    ARMED_PHASES,
    RESTING,
    Acknowledged,
    Arm,
    AwaitOutcome,
    Begin,
    CommitIntent,
    Committed,
    Cycle,
    Decided,
    Disarm,
    Disarmed,
    Done,
    Effect,
    Ended,
    Event,
    Failed,
    Fire,
    Inspect,
    Inspected,
    Job,
    Judged,
    Look,
    Note,
    NotPermitted,
    Open,
    Phase,
    Prepare,
    Prepared,
    Read,
    ReadAgain,
    RecordMarked,
    RecordTrial,
    RecordVerified,
    Recover,
    Refused,
    Saw,
    WriteGuard,
)
from gateway.permission import Permission
from gateway.plan import Permit, choose
from gateway.tasks import end

log = logging.getLogger(__name__)

TRIAL_CONTENT = "[)>\x1e06\x1d1PTRIAL\x1e\x04"
"""The fixed text of a trial shot: a part number alone makes no UII."""
WITHDRAWAL_CHECK_S = 0.2
"""How often an armed station asks whether it still may mark."""
JOURNAL_RETRY_S = 1.0
DISARM_PAUSE_S = 3.0
"""The longest pause between two attempts to disarm; the first are quicker."""
LAST_SEQUENCE = 65535

Observer = Callable[[str, str, Effect], Awaitable[None]]
"""Told "before" and "after", the station and the effect: how the tests kill at every step."""


def new_cycle_id() -> str:
    return str(uuid4())


class NotNow(Exception):
    """What was asked cannot be done in this state; `note` says why, in the catalogues' words."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.code)
        self.note = note


@dataclass
class Station:
    """A marker, a reader where there is one, and the cycle that runs on them."""

    config: StationConfig
    logbook: Logbook
    permission: Permission
    marker: Marker
    reader: CodeReader | None
    on_change: Callable[[], None] = lambda: None
    observer: Observer | None = None
    cycle_id: Callable[[], str] = new_cycle_id
    cycle: Cycle = field(default_factory=Cycle)
    wished_order: str | None = None
    author: Author = NOBODY
    broken: str = ""
    """Why the station's task has ended, if it has."""
    cycles: int = 0
    """Cycles that people have begun since the process started."""
    busy: bool = True
    """Something is under way, from the moment that it was asked for; a recovery, to begin with."""
    _inbox: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    _readings: dict[str, Reading] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def order(self) -> str | None:
        """The order that is worked on here."""
        wished = self.wished_order or self.logbook.ledger.station(self.name).order
        return choose(self.permission.plan, wished)

    # -- what people ask for

    def begin(self, author: Author, *, trial: bool = False) -> int:
        """Start one cycle, and return its number since the process started.

        Raises `NotNow` with the reason, and then nothing has happened.
        """
        if self.cycle.phase is not Phase.IDLE or not self._inbox.empty():
            raise NotNow(Note("busy"))
        found = self.permission.ask(self.order)
        if isinstance(found, Note):
            raise NotNow(found)
        order = found.order
        eye = order.verify.mode == "eye"
        if order.verify.mode not in ("each", "eye"):
            raise NotNow(Note("verify-not-here", (("mode", order.verify.mode),)))
        if self.reader is None and not eye:
            raise NotNow(Note("no-reader"))
        job = Job(
            order=order.id,
            job=order.job,
            start="operator" if self.config.start == "operator" else "plc",
            by_input=self.config.start == "pedal",
            look=self.reader is not None,
            eye=eye,
            trial=trial,
            expect=frozenset(order.expect),
        )
        self.cycles += 1
        self._ask(Begin(job), author)
        return self.cycles

    def choose_order(self, order: str) -> None:
        """Work on another order of the plan from the next part on. Raises `NotNow`."""
        plan = self.permission.plan
        if plan is None or plan.order(order) is None:
            raise NotNow(Note("no-order", (("order", order),)))
        if self.cycle.phase is not Phase.IDLE:
            raise NotNow(Note("busy"))
        self.wished_order = order
        self.on_change()

    def read_again(self, author: Author) -> None:
        if self.reader is None or (self.cycle.open is not None and self.cycle.open.eye):
            raise NotNow(Note("no-reader"))
        self._ask_in((Phase.READ_BLOCKED, Phase.SET_ASIDE, Phase.UNKNOWN), ReadAgain(), author)

    def acknowledge(self, author: Author) -> None:
        """The rejected part lies where rejected parts lie."""
        self._ask_in((Phase.SET_ASIDE,), Acknowledged(), author)

    def judge(self, author: Author, *, legible: bool) -> None:
        self._ask_in((Phase.JUDGING,), Judged(legible), author)

    def settle(self, how: str, reason: str, witnesses: tuple[str, str]) -> None:
        """Two named people decide what became of the open number; journalled, then carried on."""
        opened = self.cycle.open
        phases = (Phase.UNKNOWN, Phase.READ_BLOCKED, Phase.SET_ASIDE)
        if self.cycle.phase not in phases or opened is None or not self._inbox.empty():
            raise NotNow(Note("nothing-to-settle"))
        drafts = [
            Draft(
                Settled,
                {
                    "of": self._ref(opened.seq),
                    "position": mark.position,
                    "how": how,
                    "reason": reason,
                    "witnesses": witnesses,
                },
            )
            for mark in opened.marks
        ]
        if self.name in self.logbook.ledger.unknown:
            drafts.append(
                Draft(
                    Unlatched,
                    {"latch": "unknown-outcome", "reason": reason, "witnesses": witnesses},
                )
            )
        self.logbook.append(*drafts, station=self.name, author=Author(witnesses[0], "pin"))
        self._put(Decided(how))

    def unlatch(self, reason: str, witnesses: tuple[str, str]) -> None:
        """Free the station and leave the number unknown: it is settled elsewhere, or later."""
        if self.cycle.phase is not Phase.UNKNOWN or not self._inbox.empty():
            raise NotNow(Note("nothing-to-settle"))
        fields = {"latch": "unknown-outcome", "reason": reason, "witnesses": witnesses}
        self.logbook.append(
            Draft(Unlatched, fields), station=self.name, author=Author(witnesses[0], "pin")
        )
        self._put(Decided("left-open"))

    def _ask_in(self, phases: tuple[Phase, ...], event: Event, author: Author) -> None:
        if self.cycle.phase not in phases or not self._inbox.empty():
            raise NotNow(Note("not-in-this-state"))
        self._ask(event, author)

    def _ask(self, event: Event, author: Author) -> None:
        self.author = author
        self._put(event)

    def _put(self, event: Event) -> None:
        self.busy = True
        self._inbox.put_nowait(event)

    # -- the loop

    async def run(self) -> None:
        """Recover, then serve what people ask for, for ever. Only cancellation ends it."""
        ledger = self.logbook.ledger.station(self.name)
        self.cycle, self.author, self.busy = Cycle(), NOBODY, True
        while not self._inbox.empty():
            self._inbox.get_nowait()
        found = ledger.open or ledger.aside
        if found is not None:
            found = replace(found, eye=self._by_eye(found))
        await self._drive(Recover(found, ledger.before))
        while True:
            self.busy = not self._inbox.empty()
            self.on_change()
            await self._drive(await self._inbox.get())

    def _by_eye(self, opened: Open) -> bool:
        """Whether a person judges that part: always so where there is no reader."""
        plan = self.permission.plan
        order = plan.order(opened.marks[0].order) if plan else None
        return self.reader is None or (order is not None and order.verify.mode == "eye")

    async def _drive(self, event: Event) -> None:
        effect = self._step(event)
        while effect is not None:
            if self.observer is not None:
                await self.observer("before", self.name, effect)
            following = await self._carry_out(effect)
            if self.observer is not None:
                await self.observer("after", self.name, effect)
            effect = self._step(following)

    def _step(self, event: Event) -> Effect | None:
        before = self.cycle.phase
        self.cycle, effect = step(self.cycle, event)
        if self.cycle.phase is not before and self.cycle.phase in RESTING and self.cycle.note:
            log.info("%s: %s (%s)", self.name, self.cycle.phase.value, self.cycle.note.code)
        self.on_change()
        return effect

    async def _carry_out(self, effect: Effect) -> Event:
        """One effect; devices' errors become events here, and nowhere else."""
        match effect:
            case CommitIntent():
                return self._commit_intent(effect)
            case WriteGuard():
                return self._write_guard()
            case RecordMarked() | RecordTrial() | RecordVerified():
                return await self._record(effect)
            case _:
                try:
                    return await self._at_device(effect)
                except DeviceRefused as error:
                    facts = (("vendor", error.vendor_code), ("detail", error.detail))
                    return Refused(Note(error.code, facts))
                except DeviceError as error:
                    return Failed(Note(error.code, (("detail", error.detail),)))

    async def _at_device(self, effect: Effect) -> Event:
        match effect:
            case Prepare(job=job):
                return await self._prepare(job)
            case Look():
                return Saw(await self._session(self.config.look_s))
            case Read():
                return Saw(await self._session(self.config.read_s))
            case Arm(marks=marks, sequence=sequence):
                await self.marker.arm(Shot(tuple(_texts(marks)), sequence))
                return Done()
            case Fire():
                await self.marker.fire()
                return Done()
            case AwaitOutcome(by_input=by_input):
                return await self._await_outcome(by_input=by_input)
            case Inspect():
                await self.marker.connect()
                status = await self.marker.status()
                if status.activity is Activity.MARKING:
                    await asyncio.sleep(WITHDRAWAL_CHECK_S)
                return Inspected(status)
            case Disarm(sequence=sequence, attempt=attempt):
                if attempt:
                    await asyncio.sleep(min(0.1 * 2 ** min(attempt, 10), DISARM_PAUSE_S))
                await self.marker.connect()
                return Disarmed(await self.marker.disarm(sequence))
        raise AssertionError(f"{effect} is not a device's")

    async def _prepare(self, job: str) -> Event:
        await self.marker.connect()
        await self.marker.disarm()
        await self.marker.select_job(job)
        status = await self.marker.status()
        if status.activity is not Activity.READY:
            return Failed(Note("marker-not-ready", (("state", status.activity.value),)))
        sequence = None
        if status.sequence is not None:
            used = {status.sequence, self.logbook.ledger.station(self.name).sequence}
            sequence = status.sequence % LAST_SEQUENCE + 1
            while sequence in used:  # an intent that the device never saw had it
                sequence = sequence % LAST_SEQUENCE + 1
        return Prepared(status, sequence)

    async def _session(self, seconds: float) -> tuple[str, ...]:
        """One whole reader session. It counts only if every step of it was acknowledged."""
        assert self.reader is not None
        try:
            await self.reader.connect()
            await self.reader.flush()
            await self.reader.open()
            readings = await self.reader.read(seconds)
            await self.reader.close()
        except DeviceError:
            # The next session begins on a fresh wire, so that no late answer is taken for its own.
            with contextlib.suppress(DeviceError):
                await self.reader.shut()
            raise
        self._readings = {reading.content: reading for reading in readings}
        return tuple(self._readings)

    async def _await_outcome(self, *, by_input: bool) -> Event:
        """The shot's end; an armed device is given up when marking is no longer permitted."""
        if not by_input:
            return Ended(await self.marker.outcome(self.config.mark_timeout_s))
        waiting = asyncio.ensure_future(self.marker.outcome(self.config.arm_timeout_s))
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=WITHDRAWAL_CHECK_S)
                if done:
                    return Ended(waiting.result())
                assert self.cycle.job is not None
                found = self.permission.ask(self.cycle.job.order)
                if isinstance(found, Note) and found.code != "numbers-used-up":
                    return Ended(Outcome(Did.UNKNOWN, found.code))
        finally:
            await end([waiting])

    # -- what is journalled

    def _commit_intent(self, effect: CommitIntent) -> Event:
        found = self.permission.ask(effect.job.order)
        if isinstance(found, Note):
            return NotPermitted(found)
        if effect.job.trial:
            return Done()
        try:
            marks = self._marks(found)
        except ValueError as error:  # no UII, or more than a record may hold
            return NotPermitted(Note("no-uii", (("detail", str(error)),)))
        for text in _texts(marks):
            refusal = self.marker.refuses(text)
            if refusal is not None:
                return NotPermitted(Note("cannot-carry", (("detail", refusal),)))
        draft = Draft(
            Intent,
            {
                "cycle": self.cycle_id(),
                "start": effect.job.start,
                "sequence": effect.sequence,
                "marks": marks,
            },
        )
        try:
            record = self.logbook.begin(draft, self.name, self.author)
        except JournalFull:
            return NotPermitted(Note("journal-full"))
        except JournalError as error:
            return NotPermitted(Note(error.code, (("detail", str(error)),)))
        return Committed(record.seq, marks, effect.sequence)

    def _marks(self, found: Permit) -> tuple[Mark, ...]:
        """One component, one position: this station marks one part at a time."""
        return (found.mark(found.order.components[0]),)

    def _write_guard(self) -> Event:
        try:
            self.logbook.write_guard()
        except OSError as error:
            return Failed(Note("guard-not-written", (("detail", str(error)),)))
        return Done()

    async def _record(self, effect: RecordMarked | RecordTrial | RecordVerified) -> Event:
        """Journal a fact that is already true of the metal: kept trying until it stands."""
        drafts = self._drafts(effect)
        while True:
            try:
                self.logbook.append(*drafts, station=self.name, author=self.author)
            except JournalError as error:
                log.error("%s: %s; trying again", self.name, error)  # noqa: TRY400 -- no trace needed
                self.on_change()
                await asyncio.sleep(JOURNAL_RETRY_S)
            else:
                return Done()

    def _drafts(self, effect: RecordMarked | RecordTrial | RecordVerified) -> list[Draft]:
        match effect:
            case RecordMarked():
                return testimony.marked(effect)
            case RecordTrial(outcome=outcome):
                job = self.cycle.job.job if self.cycle.job else ""
                return [testimony.trial(outcome, self.config.marker.kind, job, TRIAL_CONTENT)]
            case RecordVerified():
                return self._verdict(effect)

    def _verdict(self, effect: RecordVerified) -> list[Draft]:
        opened = self.cycle.open
        assert opened is not None
        assert opened.outcome is not None
        of = self._ref(effect.intent)
        device = self.config.reader.kind if self.config.reader else "eye"
        reading = self._readings.get(effect.content or "")
        reason = self._why_by_eye(opened) if effect.entry == "eye" else ""
        drafts = [testimony.verified(effect, of, device, reading, reason)]
        is_latched = self.name in self.logbook.ledger.unknown
        if effect.resolves:
            drafts += testimony.resolved(effect, of, unlatch=is_latched)
        elif effect.latches and not is_latched:
            drafts.append(testimony.latched(opened.outcome))
        return drafts

    def _why_by_eye(self, opened: Open) -> str:
        plan = self.permission.plan
        order = plan.order(opened.marks[0].order) if plan else None
        return order.verify.reason if order else ""

    def _ref(self, seq: int) -> RecordRef:
        journal = self.logbook.journal
        return RecordRef(gateway=journal.gateway, epoch=journal.epoch, seq=seq)

    @property
    def armed(self) -> bool:
        """The device may fire, or may just have fired."""
        return self.cycle.phase in ARMED_PHASES


def _texts(marks: tuple[Mark, ...]) -> list[MarkText]:
    """What the device is given; a trial's fixed text where there is no mark."""
    if not marks:
        return [MarkText(1, TRIAL_CONTENT)]
    return [MarkText(mark.position, mark.content, mark.text) for mark in marks]
