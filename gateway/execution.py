"""Carries the effects of one station's cycle out: what has to be journalled first, then devices."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from drivers.errors import DeviceError
from drivers.protocols import CodeReader, Did, Marker, Outcome
from gateway import testimony
from gateway.apparatus import TRIAL_CONTENT, Apparatus, texts, told
from gateway.choice import Post, Work, due_reads, next_work
from gateway.config import StationConfig
from gateway.contract.errors import JournalError, JournalFull
from gateway.contract.plan import Due, Plan
from gateway.contract.record import FromBlock, Intent, RecordRef
from gateway.contract.uii import UiiError
from gateway.details import Detail, of_error, of_system
from gateway.logbook import NOBODY, Author, Draft, Logbook
from gateway.moves import (
    AwaitOutcome,
    Check,
    CommitIntent,
    Committed,
    Cycle,
    Done,
    Effect,
    Ended,
    Event,
    Failed,
    Look,
    Note,
    NotPermitted,
    Recorded,
    RecordMarked,
    RecordSeen,
    RecordTrial,
    RecordVerified,
    Saw,
    Seen,
    Told,
    WriteGuard,
)
from gateway.permission import Permission
from gateway.pictures import Pictures
from gateway.plan import Permit
from gateway.tasks import end

log = logging.getLogger(__name__)

WITHDRAWAL_CHECK_S = 0.2
"""How often an armed station asks whether it still may mark."""
READ_PAUSE_S = 0.2
"""Between two reads of a run."""
JOURNAL_RETRY_S = 1.0


def new_cycle_id() -> str:
    return str(uuid4())


@dataclass
class Execution:
    """One station's journal entries and devices, as its cycle needs them."""

    config: StationConfig
    logbook: Logbook
    permission: Permission
    marker: Marker | None
    readers: tuple[CodeReader, ...]
    order: Callable[[], str | None]
    """The order that is worked on."""
    given_up: Callable[[], Note | None]
    """Why people no longer want what the run waits for."""
    on_change: Callable[[], None]
    cycle_id: Callable[[], str] = new_cycle_id
    pictures: Pictures | None = None
    cycle: Cycle = field(default_factory=Cycle)
    """The state that asked for the effect under way."""
    author: Author = NOBODY
    lying: frozenset[Seen] | None = None
    """In a run of reads, what the last one saw: only what is new is told. None: all of it."""
    _apparatus: Apparatus = field(init=False)
    _due: tuple[Plan | None, int, Mapping[str, Due]] = field(
        default_factory=lambda: (None, -1, {}), init=False
    )
    """What is due to be read, with the plan and the answers that it was counted by."""

    def __post_init__(self) -> None:
        self._apparatus = Apparatus(self.marker, self.readers, self.config.read_s)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def post(self) -> Post:
        journal = self.logbook.journal
        return Post(self.name, journal.gateway, journal.epoch, self.config.components)

    def next_work(self, quantity: int | None = None) -> Work | Note:
        """What the next cycle would mark, or why nothing may be marked now."""
        if self.marker is None:
            return Note("reading-post")
        found = self.permission.ask(self.order())
        if not isinstance(found, Permit):
            return found
        if self.logbook.guard.silent:
            return Note("guard-silent")
        order = found.order
        if quantity is not None and (
            order.kind != "package" or not 1 <= quantity <= (order.contents or quantity)
        ):
            return Note("wrong-quantity", (("contents", str(order.contents or 1)),))
        try:
            work = next_work(found, self.logbook.ledger, self.post, quantity)
            if isinstance(work, Work):
                _must_be_one_item(work)
        except UiiError as error:
            return Note("no-uii", (("detail", Detail(str(error), f"uii-{error.code}")),))
        except ValueError as error:
            return Note("no-uii", (("detail", Detail(str(error), "too-large")),))
        if isinstance(work, Work) and not self._can_read(work):
            return Note("no-reader")
        return work

    def due_reads(self) -> Mapping[str, Due]:
        """By content, the marks of other gateways that are to be read back here."""
        plan, answers = self.permission.plan, len(self.logbook.ledger.answered)
        if self._due[0] is not plan or self._due[1] != answers:
            self._due = (plan, answers, due_reads(plan, self.logbook.ledger))
        return self._due[2]

    def _can_read(self, work: Work) -> bool:
        """A reader at every place, unless the order has its parts read elsewhere or by eye."""
        if not self.readers:
            return work.order.verify.mode in ("eye", "elsewhere")
        return set(work.positions) <= set(self._apparatus.places)

    async def carry_out(self, effect: Effect, cycle: Cycle, author: Author) -> Event:
        """One effect, and what came of it. Raises only what no state of the cycle can answer."""
        self.cycle, self.author = cycle, author
        match effect:
            case CommitIntent():
                return self._commit_intent(effect)
            case WriteGuard():
                return await self._write_guard()
            case RecordMarked() | RecordTrial() | RecordVerified():
                return await self._record(effect)
            case RecordSeen():
                return await self._record_seen(effect)
            case Look(waiting=waiting):
                return await self._look(waiting=waiting)
            case AwaitOutcome(by_input=by_input):
                return await self._await_outcome(by_input=by_input)
            case Check() if self.lying is not None:
                await asyncio.sleep(READ_PAUSE_S)  # a part that lies there is seen at once
        last = self.logbook.ledger.station(self.name).sequence
        return await self._apparatus.carry_out(effect, last)

    async def _look(self, *, waiting: bool) -> Event:
        """A look; one that waits for the part before to go is given up with the run."""
        assert self.cycle.job is not None
        if waiting:
            await asyncio.sleep(WITHDRAWAL_CHECK_S)
            withdrawn = self._withdrawn()
            if withdrawn is not None:
                return Failed(withdrawn)
        places = [at for at in self.cycle.job.positions if at in self._apparatus.places]
        try:
            return Saw(await self._apparatus.session(places, self.config.look_s))
        except DeviceError as error:
            return told(error)

    async def _await_outcome(self, *, by_input: bool) -> Event:
        """The shot's end; an armed device is given up when marking is no longer permitted."""
        assert self.marker is not None
        try:
            if not by_input:
                return Ended(await self.marker.outcome(self.config.mark_timeout_s))
            return await self._await_input(self.marker)
        except DeviceError as error:
            return told(error)

    async def _await_input(self, marker: Marker) -> Event:
        waiting = asyncio.ensure_future(marker.outcome(self.config.arm_timeout_s))
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=WITHDRAWAL_CHECK_S)
                if done:
                    return Ended(waiting.result())
                withdrawn = self._withdrawn()
                if withdrawn is not None:
                    return Ended(Outcome(Did.UNKNOWN, withdrawn.code))
        finally:
            await end([waiting])

    def _withdrawn(self) -> Note | None:
        """Why what waits for a part, or for an input, has to stop waiting."""
        job = self.cycle.job
        assert job is not None
        if job.waits and (given_up := self.given_up()) is not None:
            return given_up
        found = self.permission.ask(job.order)
        return found if isinstance(found, Note) else None

    # -- what is journalled

    def _commit_intent(self, effect: CommitIntent) -> Event:
        job = effect.job
        if job.trial:
            found = self.permission.ask(job.order)
            return NotPermitted(found) if isinstance(found, Note) else Done()
        work = self.next_work(job.quantity)
        if isinstance(work, Note):
            return NotPermitted(work)
        chosen = (work.order.id, work.component.name, work.positions, work.job, work.again)
        if chosen != (job.order, job.component, job.positions, job.job, bool(job.own)):
            return NotPermitted(Note("work-changed"))
        assert self.marker is not None
        for text in texts(work.marks):
            refusal = self.marker.refuses(text)
            if refusal is not None:
                return NotPermitted(Note("cannot-carry", (("detail", refusal),)))
        fields = {
            "cycle": self.cycle_id(),
            "start": job.start,
            "sequence": effect.sequence,
            "marks": work.marks,
        }
        try:
            record = self.logbook.begin(Draft(Intent, fields), self.name, self.author)
        except JournalFull:
            return NotPermitted(Note("journal-full"))
        except JournalError as error:
            return NotPermitted(Note(error.code, (("detail", of_error(error)),)))
        return Committed(record.seq, work.marks, effect.sequence)

    async def _write_guard(self) -> Event:
        try:
            await self.logbook.keep_guard()
        except OSError as error:
            return Failed(Note("guard-not-written", (("detail", of_system(error)),)))
        return Done()

    async def _record(self, effect: RecordMarked | RecordTrial | RecordVerified) -> Event:
        kept: dict[int, str] = {}
        if isinstance(effect, RecordVerified) and effect.entry == "device":
            kept = await self._keep_pictures(each.position for each in effect.verdicts)
        await self._journal(self._drafts(effect, kept))
        if isinstance(effect, RecordMarked):
            opened = self.logbook.ledger.station(self.name).open
            return Recorded(opened.due if opened else frozenset())
        return Done()

    async def _keep_pictures(self, places: Iterable[int]) -> dict[int, str]:
        """By place, the name under which its picture is kept: before the record that names it."""
        names: dict[int, str] = {}
        for place in places:
            data = self._apparatus.pictures.get(place)
            if self.pictures is None or data is None:
                continue
            needed = {*self.logbook.ledger.pictures(), *names.values()}
            name = await asyncio.to_thread(self.pictures.keep, data, needed)
            if name is not None:
                names[place] = name
        return names

    async def _journal(self, drafts: list[Draft]) -> None:
        """Journal facts that are already true of the metal: kept trying until they stand."""
        while drafts:
            try:
                self.logbook.append(*drafts, station=self.name, author=self.author)
            except JournalError as error:
                log.error("%s: %s; trying again", self.name, error)  # noqa: TRY400 -- no trace needed
                self.on_change()
                await asyncio.sleep(JOURNAL_RETRY_S)
            else:
                return

    def _drafts(
        self, effect: RecordMarked | RecordTrial | RecordVerified, pictures: Mapping[int, str]
    ) -> list[Draft]:
        match effect:
            case RecordMarked():
                return testimony.marked(effect)
            case RecordTrial(outcome=outcome):
                assert self.config.marker is not None
                job = self.cycle.job.job if self.cycle.job else ""
                return [testimony.trial(outcome, self.config.marker.kind, job, TRIAL_CONTENT)]
            case RecordVerified():
                return self._verdicts(effect, pictures)

    def _verdicts(self, effect: RecordVerified, pictures: Mapping[int, str]) -> list[Draft]:
        opened = self.cycle.open
        assert opened is not None
        assert opened.outcome is not None
        of = self.ref(effect.intent)
        reason = self._why_by_eye(opened.marks[0].order) if effect.entry == "eye" else ""
        drafts: list[Draft] = []
        for each in effect.verdicts:
            seen = Seen(each.position, each.content or "")
            reading = self._apparatus.readings.get(seen) if effect.entry == "device" else None
            device = self._device(each.position, effect.entry)
            picture = pictures.get(each.position)
            drafts.append(
                testimony.verified(each, effect.entry, of, device, reading, reason, picture)
            )
            if each.position in effect.resolved:
                drafts.append(testimony.resolved(each.position, of))
        is_latched = self.name in self.logbook.ledger.unknown
        if effect.latches and not is_latched:
            drafts.append(testimony.latched(opened.outcome))
        elif is_latched and not effect.latches:
            drafts.append(testimony.unlatched())
        return drafts

    async def _record_seen(self, effect: RecordSeen) -> Event:
        """Parts that no cycle has under way: what their codes make good, here or elsewhere."""
        fresh = [each for each in effect.seen if each not in (self.lying or ())]
        if self.lying is not None:
            self.lying = frozenset(effect.seen)
        awaited = testimony.Awaited(self.logbook.ledger, self.due_reads(), self.ref)
        drafts: list[Draft] = []
        note = Note("nothing-seen") if not effect.seen else Note("nothing-new")
        by_device = effect.entry == "device"
        kept = await self._keep_pictures({each.position for each in fresh}) if by_device else {}
        for each in fresh:
            reading = self._apparatus.readings.get(each) if by_device else None
            device = self._device(each.position, effect.entry)
            picture = kept.get(each.position)
            draft, note = awaited.seen(each, effect.entry, device, reading, picture)
            drafts += [draft] if draft else []
        await self._journal(drafts)
        return Told(note)

    def _device(self, position: int, entry: str) -> str:
        """Which device it was that saw a code."""
        if entry != "device":
            return "eye" if entry == "eye" else "keys"
        return self.config.reader[position - 1].kind

    def _why_by_eye(self, order_id: str) -> str:
        plan = self.permission.plan
        order = plan.order(order_id) if plan else None
        return order.verify.reason if order else ""

    def ref(self, seq: int) -> RecordRef:
        journal = self.logbook.journal
        return RecordRef(gateway=journal.gateway, epoch=journal.epoch, seq=seq)


def _must_be_one_item(work: Work) -> None:
    """Raises `UiiError` where a fresh number would not be one item on all of its pieces.

    The ledger knows the pieces of a number by their item: else a piece would be marked again.
    """
    components = work.order.components
    source = work.marks[0].source
    if len(components) > 1 and isinstance(source, FromBlock):
        named = {work.order.item(source.number, component).uii for component in components}
        if len(named) > 1:
            raise UiiError("the template gives the pieces of one number several UIIs")
