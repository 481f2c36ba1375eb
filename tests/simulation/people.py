"""The people at the line: an operator a station, and two who settle what no reader can.

They do what the screen says and judge by what lies before them; mischief (a swap, a blank in the
place of a marked part, a lie) is done to them or by them only where a fault says so, and is told.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.contract.errors import JournalError
from gateway.contract.record import Mark
from gateway.logbook import Author
from gateway.moves import Note, Open, Phase
from gateway.numbering import MarkAt
from gateway.station import NotNow, Station
from tests.simulation.bench import Bench
from tests.simulation.chance import Chance
from tests.simulation.decisions import WITNESSES, Panel
from tests.simulation.loop import ProcessEnded, SimLoop
from tests.simulation.machine import Machine
from tests.simulation.metal import Metal, Part
from tests.simulation.story import Story

OPERATORS = ("O-1", "O-2", "O-3")
LONGEST_WAIT_S = 4.0
REREAD = 3
"""So often a part that is left over is read once more."""


@dataclass(eq=False)
class Operator:
    """One person at one station."""

    machine: Machine
    bench: Bench
    metal: Metal
    chance: Chance
    story: Story
    loop: SimLoop
    panel: Panel
    """The two who settle."""
    late: Chance
    """What is sent once more, and when."""
    bin: list[Part]
    """Where parts go that are to be read elsewhere, and whence they come."""
    person: str = OPERATORS[0]
    careless: bool = False
    """Begins without looking at what lies there."""
    taken: list[Part] = field(default_factory=list)
    """Parts that left this station, the newest last."""
    why_not: str = ""
    """The last answer to a wish to begin."""
    dead_since: float | None = None
    is_wanted: Callable[[Part], bool] = lambda _part: False
    """Whether a part of the bin still waits for a read."""
    is_open: Callable[[Part], bool] = lambda _part: False
    """Whether it is one of this gateway's own, of which a read would tell something."""
    _noted: str = ""
    """What the symbol of a part says that was left open: somebody hopes to type it in."""
    _changed_for: int = 0
    """The intent before whose shot the parts were changed last."""
    calm: bool = False
    own_marks: Callable[[], list[tuple[MarkAt, Mark]]] = list
    """The marks of this gateway's present journal."""
    _reread: dict[Part, int] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _shown: str | None = None
    """The order that the screen showed when the person looked at it last."""
    begun: str | None = None
    """The order that the person began last."""
    stale: float = field(init=False)
    """How likely it is that a request is sent twice, or from a screen that shows an old order."""

    def __post_init__(self) -> None:
        self.stale = self.late.pick((0.0, 0.0, 0.15, 0.4))

    @property
    def name(self) -> str:
        return self.bench.config.name

    def wake(self) -> None:
        self._woken.set()

    async def work(self) -> None:
        """For ever: wait for something to do, take a moment, do it."""
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT_S):
                    await self._woken.wait()
            await asyncio.sleep(self.chance.uniform(0.1, 0.8))
            with contextlib.suppress(ProcessEnded):
                self._act()

    def _act(self) -> None:
        self._look_after_device()
        station = self.machine.station(self.name)
        if station is None or self.machine.core is None or self.machine.core.latched:
            return
        phase = station.cycle.phase
        was, self._shown = self._shown, station.order
        if self.bench.by_input:
            self._hands_free(station, phase)
        if phase is Phase.SWITCH_OFF:
            self._key()
        if station.busy:
            return
        try:
            self._serve(station, phase, was if self._is_stale() else station.order)
        except NotNow as reason:
            self.why_not = reason.note.code
        except JournalError as error:
            self.why_not = error.code  # nothing was journalled; they try again

    def _hands_free(self, station: Station, phase: Phase) -> None:
        """In a run the part is changed while the station looks, and the pedal trodden after."""
        job = station.cycle.job
        if phase is Phase.WAITING:
            if job is not None and not job.look:  # nothing else makes them wait
                self._change_once(station)
            self.bench.pedal()
        elif phase is Phase.LOOKING and station.running is not None and job:
            if job.own:
                self._lay_again({seen.position: seen.content for seen in job.own})
            else:
                self.lay_blanks(job.component, job.positions)

    def _change_once(self, station: Station) -> None:
        """Lay blank parts before the first tread of a shot, where no look asks for them."""
        opened, job = station.cycle.open, station.cycle.job
        if opened is None or job is None or job.own or self._changed_for == opened.seq:
            return
        self._changed_for = opened.seq
        if not self.careless:
            self.lay_blanks(job.component, job.positions)

    def _look_after_device(self) -> None:
        if self.bench.device.powered:
            self.dead_since = None
        elif self.dead_since is None:
            self.dead_since = self.loop.now
        elif self.loop.now - self.dead_since > 5:
            self.bench.device.switch(on=True)

    def _key(self) -> None:
        """Switched off by its key, as the screen asks; and on again a little later."""
        self.bench.device.switch(on=False)
        self.loop.call_later(2.0, lambda: self.bench.device.switch(on=True))

    def _is_stale(self) -> bool:
        return not self.calm and self.late.yes(self.stale)

    def send(self, station: Station, request: Callable[[], None]) -> None:
        """Ask the station for something; on a stale screen once more, some seconds later."""
        request()
        if self._is_stale():
            self.loop.call_later(self.late.uniform(0.1, 8), self._send_again, station, request)

    def _send_again(self, station: Station, request: Callable[[], None]) -> None:
        if self.calm or self.machine.station(self.name) is not station:
            return  # the process has ended, and the connection with it
        self.story.tell(self.bench.name, "a request arrives once more")
        with contextlib.suppress(NotNow, JournalError, ProcessEnded):
            request()

    def _serve(self, station: Station, phase: Phase, shown: str | None) -> None:
        author = Author(self.person, "pin")
        match phase:
            case Phase.IDLE if station.marker is None:
                self._read_back(station, author)
            case Phase.IDLE:
                self._idle(station, author, shown)
            case Phase.JUDGING:
                self._judge(station, author)
            case Phase.SET_ASIDE:
                self._set_aside(station, author)
            case Phase.READ_BLOCKED:
                self._read_blocked(station, author)
            case Phase.UNKNOWN:
                self._unknown(station, author)

    # -- nothing is under way

    def _idle(self, station: Station, author: Author, shown: str | None) -> None:
        if self._noted:
            said, self._noted = self._noted, ""
            station.check_part(author, said)
            return
        if self.chance.yes(0.03):
            self.person = self.chance.pick(OPERATORS)
        orders = station.permission.plan.orders if station.permission.plan else ()
        released = [order.id for order in orders if order.state == "released"]
        if len(released) > 1 and (self.chance.yes(0.05) or station.order not in released):
            station.choose_order(self.chance.pick(released))
        elif released and station.order not in released:
            station.choose_order(released[0])
        if self.panel.decides_earlier(self, station) or self.panel.ends_shift(station, author):
            return
        if station.readers and not self.calm and self.chance.yes(0.03):
            station.check_part(author)  # somebody wants to know what lies there
            return
        again = station.logbook.ledger.station(self.name).again
        if station.readers and again is None and self._bin_waits() and self.chance.yes(0.5):
            self._read_back(station, author)
            return
        self._begin(station, author, shown)

    def _begin(self, station: Station, author: Author, shown: str | None) -> None:
        work = station.next_work()
        if isinstance(work, Note):
            self.why_not = work.code
            self.clear_away()
            if work.code == "first-piece":
                self.panel.says_of_first(station)
                return
            if self._decides_left_over(station):
                return
            if (self._bin_waits() or self._left_over()) and station.readers:
                self._read_back(station, author)
            elif work.code == "again-first":
                self._choose(station, dict(work.facts)["order"])
            elif work.code in ("nothing-due", "numbers-used-up") and self.chance.yes(0.3):
                self._other_order(station)
            return
        trial = self.chance.yes(0.02)
        if trial:
            self.lay_blanks("plate", (1,))
        elif work.again:
            self._lay_again({mark.position: mark.content for mark in work.marks})
        elif not self.careless:
            self.lay_blanks(work.component.name, work.positions)
        self.why_not = ""
        # Whoever has just chosen an order sees it; others may have an old one before them.
        self.begun = order = work.order.id if station.order != self._shown else shown
        if trial:
            station.begin(author, order, trial=True)
        elif station.by_input:
            station.start_run(author, order)
        elif work.order.kind == "package" and self.chance.yes(0.1):
            station.begin(author, order, quantity=self.chance.int(1, work.order.contents or 1))
        else:
            station.begin(author, order)

    def _other_order(self, station: Station) -> None:
        plan = station.permission.plan
        orders = [o.id for o in plan.orders if o.state == "released"] if plan else []
        if orders:
            station.choose_order(self.chance.pick(orders))

    def _choose(self, station: Station, order: str) -> None:
        """The order of a part that is to be marked again first."""
        plan = station.permission.plan
        if plan is not None and plan.order(order) is not None:
            station.choose_order(order)

    def lay_blanks(self, kind: str, positions: tuple[int, ...]) -> None:
        """Take what is marked away, and lay blank parts of that kind where there are none."""
        place = self.bench.place
        for position in range(1, place.positions + 1):
            part = place.at(position)
            if position not in positions:
                self._lift(position)
            elif part is None or not part.blank or part.kind != kind:
                self._lift(position)
                place.lay(position, self.metal.blank(kind))

    def _lay_again(self, contents: dict[int, str]) -> None:
        """Fetch the parts that are to be marked again, where they were taken away meanwhile."""
        for position, content in contents.items():
            carrying = (p for p in self.bin if any(e.content == content for e in p.engravings))
            if (part := next(carrying, None)) is not None:
                self.bin.remove(part)
                self._lift(position)
                self.bench.place.lay(position, part)

    def _bin_waits(self) -> bool:
        return any(self.is_wanted(part) for part in self.bin)

    def reads_anew(self) -> None:
        """What could not be read before may be read now; nobody is curious any more."""
        self._reread.clear()
        self.calm = True

    def _left_over(self) -> list[Part]:
        """With nothing left to mark: parts of groups that await their sample, and doubtful ones."""
        if self.machine.core is None:
            return []
        return [p for p in self.bin if self._reread.get(p, 0) < REREAD and self.is_open(p)]

    def _decides_left_over(self, station: Station) -> bool:
        """Two people decide of a mark that no reader will: nobody can read it, or no symbol tells
        it from another piece's."""
        ledger = station.logbook.ledger
        for at, mark in self.own_marks():
            if ledger.made_at(at) != station.name or ledger.state_at(at) != "marked":
                continue
            is_legible = bool(self.metal.legible(mark.content, mark.component))
            no_read_counts = is_sampled(mark) and ledger.awaiting.get(mark.content) != at
            if is_legible and not no_read_counts:
                continue
            how, why = ("accepted", "legible") if is_legible else ("scrapped", "illegible")
            self.story.tell("people", f"{how}: what record {at[0]} marked; it is {why}")
            self.panel.decide_earlier(station, at, mark, how, why)
            return True
        return False

    def _read_back(self, station: Station, author: Author) -> None:
        """Lay parts that others marked before the readers, and have them read or type them in."""
        self.clear_away()
        wanted = [part for part in self.bin if self.is_wanted(part)] or self._left_over()
        if not wanted:
            return
        for part in wanted[: max(1, len(self.bench.eyes))]:
            self._reread[part] = self._reread.get(part, 0) + 1
        places = range(1, max(1, len(self.bench.eyes)) + 1)
        for position, part in zip(places, wanted, strict=False):
            self.bin.remove(part)
            self.bench.place.lay(position, part)
        here = self.bench.place.at(1)
        legible = [e.content for e in here.engravings if e.legible] if here else []
        if legible and (not station.readers or self.chance.yes(0.05)):
            station.check_part(author, legible[-1])
        elif station.readers:
            station.check_part(author)

    # -- something waits for a person

    def _judge(self, station: Station, author: Author) -> None:
        opened = station.cycle.open
        assert opened is not None
        due = [mark for mark in opened.marks if mark.position in opened.due]
        bad = frozenset(mark.position for mark in due if not self.carried(mark))
        if self.panel.lie():
            bad = frozenset(mark.position for mark in due) - bad
        for mark in due:
            how = "illegible" if mark.position in bad else "legible"
            is_true = self.carried(mark) == (how == "legible")
            self.panel.note(station, opened, mark, how, true=is_true)
        judged = partial(station.judge, author, opened.seq, legible=not bad, illegible=bad)
        self.send(station, judged)

    def _set_aside(self, station: Station, author: Author) -> None:
        choice = self.chance.weighted({"aside": 0.5, "again": 0.2, "settle": 0.25, "type": 0.05})
        if choice == "again" and self._can_read(station):
            self.send(station, partial(station.read_again, author, self._open(station)))
        elif choice == "type" and self._type(station, author):
            return
        elif choice == "settle":
            self.panel.settle(self, station)
        else:
            self.clear_away()
            self.send(station, partial(station.acknowledge, author, self._open(station)))

    def _read_blocked(self, station: Station, author: Author) -> None:
        choice = self.chance.weighted({"again": 0.75, "type": 0.1, "settle": 0.15})
        if choice == "settle":
            self.panel.settle(self, station)
        elif choice == "again" or not self._type(station, author):
            self.send(station, partial(station.read_again, author, self._open(station)))

    def _unknown(self, station: Station, author: Author) -> None:
        choice = self.chance.weighted({"again": 0.4, "settle": 0.5, "leave": 0.1})
        if choice == "again" and self._can_read(station):
            self.send(station, partial(station.read_again, author, self._open(station)))
        elif choice == "leave":
            self.story.tell(self.bench.name, "two people leave the number open")
            unlatched = partial(station.unlatch, self._open(station), "left for later", WITNESSES)
            self.send(station, unlatched)
            seen = self.bench.place.contents(1)
            self._noted = seen[-1] if seen and self.chance.yes(0.5) else ""
            self.clear_away()
        else:
            self.panel.settle(self, station)

    def _open(self, station: Station) -> int:
        """The intent that the screen shows."""
        assert station.cycle.open is not None
        return station.cycle.open.seq

    def _can_read(self, station: Station) -> bool:
        opened = station.cycle.open
        return bool(station.readers) and not (opened is not None and opened.blind)

    def _type(self, station: Station, author: Author) -> bool:
        """Type what is legible there; whether there was anything to type."""
        opened = station.cycle.open
        assert opened is not None
        for mark in opened.marks:
            if mark.position not in opened.due or mark.position in opened.unknown:
                continue
            contents = self.bench.place.contents(mark.position)
            said = contents[-1] if contents else None
            if self.panel.lie():
                said = mark.content
            if said is not None:
                is_true = said != mark.content or self.carried(mark)
                self.panel.note(station, opened, mark, "typed", true=is_true)
                typed = partial(station.type_in, author, opened.seq, said, mark.position)
                self.send(station, typed)
                return True
        return False

    # -- parts

    def carried(self, mark: Mark) -> bool:
        part = self.bench.place.at(mark.position)
        return part is not None and part.carries(mark.content, mark.component)

    def clear_away(self) -> None:
        for position in range(1, self.bench.place.positions + 1):
            self._lift(position)

    def take_away_settled(self, opened: Open, how: str, positions: frozenset[int]) -> None:
        """What was settled leaves, save for what is to be marked again; so does what is done."""
        for mark in opened.marks:
            stays = mark.position in opened.due - positions
            if not stays and not (how == "remark" and mark.position in positions):
                self._lift(mark.position)

    def _lift(self, position: int) -> None:
        part = self.bench.place.lay(position, None)
        if part is not None:
            self.taken.append(part)
            if not part.blank and part not in self.bin:
                self.bin.append(part)


def is_sampled(mark: Mark) -> bool:
    return mark.readback is not None and mark.readback.mode == "sample"
