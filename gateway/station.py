"""One station: carries the cycle's effects out, journals first; and what people may ask of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from drivers.protocols import CodeReader, Marker, Outcome
from gateway import testimony
from gateway.choice import Work
from gateway.config import StationConfig
from gateway.contract.plan import Due
from gateway.contract.record import RecordRef
from gateway.cycle import step
from gateway.execution import Execution, new_cycle_id
from gateway.logbook import NOBODY, Author, Logbook
from gateway.moves import (
    ARMED_PHASES,
    RESTING,
    Acknowledged,
    Begin,
    CheckPart,
    Cycle,
    Decided,
    Effect,
    Event,
    Job,
    Judged,
    Note,
    Phase,
    ReadAgain,
    Recover,
    Seen,
    Typed,
)
from gateway.numbering import MarkAt
from gateway.permission import Permission
from gateway.pictures import Pictures
from gateway.plan import choose

log = logging.getLogger(__name__)

GO_ON = frozenset({"good", "marked", "trial-done"})
"""How a part may end for a run to take the next one by itself."""
READ_ON = frozenset({"read-back", "nothing-new", "nothing-seen", "nothing-waits", "under-way"})
"""How a read may end for a run of a reading post to go on."""

Observer = Callable[[str, str, Effect], Awaitable[None]]
"""Told "before" and "after", the station and the effect: how the tests kill at every step."""


class NotNow(Exception):
    """What was asked cannot be done in this state; `note` says why, in the catalogues' words."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.code)
        self.note = note


@dataclass(frozen=True)
class Run:
    """Cycles that follow each other by themselves, until somebody stops them or a part is bad."""

    author: Author
    quantity: int | None = None
    order: str | None = None
    """What it was started for; the run ends where the plan has it no more."""


@dataclass
class Station:
    """A marker, a reader a place where there are any, and the cycle that runs on them.

    Without a marker it is a reading post: it reads back what was marked elsewhere.
    """

    config: StationConfig
    logbook: Logbook
    permission: Permission
    marker: Marker | None
    readers: tuple[CodeReader, ...]
    on_change: Callable[[], None] = lambda: None
    observer: Observer | None = None
    cycle_id: Callable[[], str] = new_cycle_id
    pictures: Pictures | None = None
    """Where pictures of readers that take any are kept, if anywhere."""
    proof: tuple[int, Outcome] | None = None
    """An intent, and what the device proved of it when it was disarmed before this start."""
    cycle: Cycle = field(default_factory=Cycle)
    wished_order: str | None = None
    author: Author = NOBODY
    running: Run | None = None
    paused: Note | None = None
    """Why the last run ended."""
    told: Note | None = None
    """How the last part of a run ended, while the next one is awaited."""
    broken: str = ""
    """Why the station's task has ended, if it has."""
    cycles: int = 0
    """Cycles that were begun since the process started."""
    busy: bool = True
    """Something is under way, from the moment that it was asked for; a recovery, to begin with."""
    _inbox: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    _execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        self._execution = Execution(
            self.config,
            self.logbook,
            self.permission,
            self.marker,
            self.readers,
            order=lambda: self.order,
            given_up=self._given_up,
            on_change=lambda: self.on_change(),
            cycle_id=self.cycle_id,
            pictures=self.pictures,
        )

    def _given_up(self) -> Note | None:
        """Why what a run waits for is no longer wanted."""
        if self.running is None:
            return self.paused or Note("stopped")
        return self._gone(self.running.author)

    def _gone(self, author: Author) -> Note | None:
        """Whether the person who started a run may no longer act at the line."""
        plan = self.permission.plan
        if author.person is None or plan is None or not plan.people:
            return None
        now = self.logbook.clock.lease_now()
        for person in plan.people:
            if person.id == author.person and (person.until is None or now < person.until):
                return None
        return Note("operator-left", (("person", author.person),))

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def order(self) -> str | None:
        """The order that is worked on here."""
        wished = self.wished_order or self.logbook.ledger.station(self.name).order
        return choose(self.permission.plan, wished)

    @property
    def by_input(self) -> bool:
        """The device's own input fires."""
        return self.config.by_input

    @property
    def armed(self) -> bool:
        """The device may fire, or may just have fired."""
        return self.cycle.phase in ARMED_PHASES

    @property
    def unanswered(self) -> bool:
        """The device does not answer, and this process can leave it no safer than it is.

        One that was armed by this process gets all its tries. One that an earlier process left is
        as it was found.
        """
        cycle = self.cycle
        tried = cycle.phase is Phase.DISARMING and cycle.recovering and cycle.tries > 0
        return cycle.phase is Phase.SWITCH_OFF or tried

    def next_work(self, quantity: int | None = None) -> Work | Note:
        """What the next cycle would mark, or why nothing may be marked now."""
        return self._execution.next_work(quantity)

    def due_reads(self) -> Mapping[str, Due]:
        """By content, the marks of other gateways that are to be read back here."""
        return self._execution.due_reads()

    # -- what people ask for

    def begin(
        self,
        author: Author,
        order_id: str | None,
        *,
        trial: bool = False,
        quantity: int | None = None,
    ) -> int:
        """Start one cycle of an order, and return its number since the process started.

        `order_id` is the order that the person saw. `quantity` is how many pieces a package holds,
        where it is not what the order says. Raises `NotNow` with the reason, and then nothing has
        happened.
        """
        self.must_be_idle()
        self._must_be_order(order_id)
        work = self.next_work(quantity)
        if isinstance(work, Note):
            raise NotNow(work)
        order = work.order
        if trial and work.again:  # that part still lies there, and may look blank
            raise NotNow(Note("again-waits"))
        job = Job(
            order=order.id,
            job=work.job,
            component=work.component.name,
            positions=work.positions,
            quantity=quantity,
            start="plc" if self.by_input else "operator",
            by_input=self.by_input,
            look=bool(self.readers),
            waits=self.running is not None,
            eye=order.verify.mode == "eye",
            trial=trial,
            expect=frozenset(order.expect),
            own=frozenset(Seen(m.position, m.content) for m in work.marks if work.again),
        )
        if self.running is None:
            self.paused = None  # one part by itself is no run that stands still
        self.cycles += 1
        self._ask(Begin(job), author)
        return self.cycles

    def start_run(
        self, author: Author, order_id: str | None, *, quantity: int | None = None
    ) -> None:
        """Let cycles of an order, or reads at a reading post, follow each other.

        `order_id` is the order that the person saw; a reading post reads whatever is due. Raises
        `NotNow`.

        Only where the device's own input fires: a gateway that triggers by itself would fire at
        whatever lies there, or at a hand.
        """
        self.must_be_idle()
        if self.marker is not None and not self.by_input:
            raise NotNow(Note("no-run-here"))
        order = None
        if self.marker is not None:
            self._must_be_order(order_id)
            order = order_id
        self.running, self.paused, self.told = Run(author, quantity, order), None, None
        self._execution.lying = frozenset()
        try:
            self._go_on(self.running)
        except NotNow:
            self.running = None
            raise

    def stop_run(self, why: Note | None = None) -> None:
        """End the run; a device that waits armed is disarmed. What has begun comes to its end."""
        if self.running is not None:
            self.running, self.paused = None, why or Note("stopped")
            self.on_change()

    def choose_order(self, order: str) -> None:
        """Work on another order of the plan from the next part on. Raises `NotNow`."""
        plan = self.permission.plan
        if plan is None or plan.order(order) is None:
            raise NotNow(Note("no-order", (("order", order),)))
        self.must_be_idle()
        self.wished_order = order
        self.on_change()

    def check_part(self, author: Author, typed: str | None = None) -> None:
        """Read back what lies there, or take what a person says that its symbol says."""
        if typed is None and not self.readers:
            raise NotNow(Note("no-reader"))
        self.must_be_idle()
        refused = self.permission.to_write()
        if refused is not None:
            raise NotNow(refused)
        self._execution.lying = None
        self._ask(CheckPart(typed), author)

    def read_again(self, author: Author, intent: int) -> None:
        """Read the open part once more. Raises `NotNow`."""
        self._must_be_open(intent)
        if not self.readers or (self.cycle.open is not None and self.cycle.open.blind):
            raise NotNow(Note("no-reader"))
        self._ask_in((Phase.READ_BLOCKED, Phase.SET_ASIDE, Phase.UNKNOWN), ReadAgain(), author)

    def type_in(self, author: Author, intent: int, content: str, position: int = 1) -> None:
        """What a person says that the symbol at a place says. It settles no unknown outcome."""
        self._must_be_open(intent)
        opened = self.cycle.open
        if opened is not None and position in opened.unknown:
            raise NotNow(Note("keyed-settles-nothing"))
        if opened is None or position not in opened.due:
            raise NotNow(Note("not-in-this-state"))
        typed = Typed(Seen(position, content))
        self._ask_in((Phase.READ_BLOCKED, Phase.SET_ASIDE), typed, author)

    def acknowledge(self, author: Author, intent: int) -> None:
        """The rejected parts lie where rejected parts lie."""
        self._must_be_open(intent)
        self._ask_in((Phase.SET_ASIDE,), Acknowledged(), author)

    def judge(
        self,
        author: Author,
        intent: int,
        *,
        legible: bool,
        illegible: frozenset[int] = frozenset(),
    ) -> None:
        """A person's eye, on all the parts or, by `illegible`, on some of a tray."""
        self._must_be_open(intent)
        opened = self.cycle.open
        bad = illegible if legible or opened is None else opened.due
        self._ask_in((Phase.JUDGING,), Judged(bad), author)

    def settle(
        self,
        intent: int,
        how: str,
        reason: str,
        witnesses: tuple[str, str],
        positions: frozenset[int] | None = None,
    ) -> None:
        """Two named people decide what became of open numbers; journalled, then carried on.

        `positions`: of these places alone; of all that wait where it is None.
        """
        self._must_be_open(intent)
        opened = self.cycle.open
        phases = (Phase.UNKNOWN, Phase.READ_BLOCKED, Phase.SET_ASIDE)
        if self.cycle.phase not in phases or opened is None or not self._inbox.empty():
            raise NotNow(Note("nothing-to-settle"))
        chosen = opened.due if positions is None else opened.due & positions
        if not chosen:
            raise NotNow(Note("nothing-to-settle"))
        drafts = [
            testimony.settled(self.ref(opened.seq), position, how, reason, witnesses)
            for position in sorted(chosen)
        ]
        if self.name in self.logbook.ledger.unknown and opened.unknown <= chosen:
            drafts.append(testimony.freed(reason, witnesses))
        self.logbook.append(*drafts, station=self.name, author=Author(witnesses[0], "pin"))
        self._put(Decided(how, chosen))

    def settle_earlier(self, at: MarkAt, how: str, reason: str, witnesses: tuple[str, str]) -> None:
        """Two named people decide of a part that no cycle has under way any more."""
        self.must_be_idle()
        if self.logbook.ledger.made_at(at) != self.name:
            raise NotNow(Note("nothing-to-settle"))
        draft = testimony.settled(self.ref(at[0]), at[1], how, reason, witnesses)
        self.logbook.append(draft, station=self.name, author=Author(witnesses[0], "pin"))
        self.on_change()

    def unlatch(self, intent: int, reason: str, witnesses: tuple[str, str]) -> None:
        """Free the station and leave the numbers unknown: settled elsewhere, or later."""
        self._must_be_open(intent)
        opened = self.cycle.open
        if self.cycle.phase is not Phase.UNKNOWN or opened is None or not self._inbox.empty():
            raise NotNow(Note("nothing-to-settle"))
        self.logbook.append(
            testimony.freed(reason, witnesses),
            station=self.name,
            author=Author(witnesses[0], "pin"),
        )
        self._put(Decided("left-open", opened.unknown))

    def ref(self, seq: int) -> RecordRef:
        """A record of this journal, as others name it."""
        return self._execution.ref(seq)

    def tell(self, note: Note) -> None:
        """What people signed for while it rests, as the last that happened here."""
        self.cycle = replace(self.cycle, note=note)  # it is idle: nothing else changes it
        if self.paused is not None:
            self.paused = Note("stopped")
        self.on_change()

    def must_be_idle(self) -> None:
        """Raises `NotNow`."""
        if self.cycle.phase is not Phase.IDLE or not self._inbox.empty():
            raise NotNow(Note("busy"))

    def must_have_begun(self, cycles: int) -> None:
        """Refuse a request to begin from a page older than the last cycle. Raises `NotNow`.

        Two clicks, or a request that is sent again, begin one cycle.
        """
        if cycles != self.cycles:
            raise NotNow(Note("other-part"))

    def _must_be_open(self, intent: int) -> None:
        """Refuse a decision about another intent than the open one. Raises `NotNow`.

        A request may arrive late or twice, and the next part may have begun while PINs were
        checked. Where nothing is open, the phase refuses the decision.
        """
        opened = self.cycle.open
        if opened is not None and opened.seq != intent:
            raise NotNow(Note("other-part"))

    def _must_be_order(self, order_id: str | None) -> None:
        """Refuse to begin an order that the person did not see. Raises `NotNow`."""
        if order_id != self.order:
            raise NotNow(Note("other-order", (("order", self.order or ""),)))

    def _ask_in(self, phases: tuple[Phase, ...], event: Event, author: Author) -> None:
        if self.cycle.phase not in phases or not self._inbox.empty():
            raise NotNow(Note("not-in-this-state"))
        self._ask(event, author)

    def _ask(self, event: Event, author: Author) -> None:
        self.author = author
        self._put(event)

    def _put(self, event: Event) -> None:
        self.busy = True
        if self.running is None and self.paused is not None:
            self.paused = Note("stopped")  # a person has acted on what it was
        self._inbox.put_nowait(event)

    # -- the loop

    async def run(self) -> None:
        """Recover, then serve what people ask for, for ever. Only cancellation ends it."""
        ledger = self.logbook.ledger.station(self.name)
        self.cycle, self.author, self.busy = Cycle(), NOBODY, True
        self.running = None
        while not self._inbox.empty():
            self._inbox.get_nowait()
        if self.marker is not None:
            found = ledger.open or ledger.aside
            proof = None
            if found is not None:
                if self.proof is not None and self.proof[0] == found.seq:
                    proof = self.proof[1]
                plan = self.permission.plan
                order = plan.order(found.marks[0].order) if plan else None
                found = replace(
                    found,
                    blind=found.eye or not self.readers,
                    expect=frozenset(order.expect if order else ()),
                )
            await self._drive(Recover(found, ledger.before, proof))
        while True:
            self.busy = not self._inbox.empty()
            self._next_of_run()
            self.on_change()
            await self._drive(await self._inbox.get())

    def _next_of_run(self) -> None:
        """After a part that ended well, the next; anything else waits for a person."""
        run = self.running
        if run is None or not self._inbox.empty():
            return
        note = self.cycle.note
        if note is not None and note.code not in ("nothing-new", "nothing-seen"):
            self.told = note
        on = GO_ON if self.marker is not None else READ_ON
        if self.cycle.phase is not Phase.IDLE or (note is not None and note.code not in on):
            self.stop_run(note)
            return
        try:
            self._go_on(run)
        except NotNow as refusal:
            self.stop_run(refusal.note)

    def _go_on(self, run: Run) -> None:
        gone = self._gone(run.author) or self.permission.to_write()
        if gone is not None:
            raise NotNow(gone)
        if self.marker is None:
            if not self.readers:
                raise NotNow(Note("no-reader"))
            self._ask(CheckPart(), run.author)
        elif run.order != self.order:  # the choice falls back to one that nobody chose for it
            raise NotNow(Note("no-order", (("order", run.order or ""),)))
        else:
            self.begin(run.author, run.order, quantity=run.quantity)

    async def _drive(self, event: Event) -> None:
        effect = self._step(event)
        while effect is not None:
            if self.observer is not None:
                await self.observer("before", self.name, effect)
            following = await self._execution.carry_out(effect, self.cycle, self.author)
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
