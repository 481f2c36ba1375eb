"""Two named people settle what no reader can: what they say, and whether it is so."""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gateway.contract.record import Counted, Mark
from gateway.logbook import Author
from gateway.moves import Open
from gateway.numbering import MarkAt
from gateway.shift import in_bin
from gateway.signoff import approve_first, end_shift, refuse_first
from gateway.station import Station
from tests.simulation.chance import Chance
from tests.simulation.metal import MarkRef, Metal
from tests.simulation.story import Story

if TYPE_CHECKING:
    from tests.simulation.people import Operator

WITNESSES = ("L-1", "Q-1")


@dataclass(frozen=True)
class Decision:
    """What people said of a mark, and whether it was so."""

    mark: MarkRef
    content: str
    component: str
    how: str
    true: bool
    at: float


@dataclass(eq=False)
class Panel:
    """The two who decide, at one station."""

    metal: Metal
    chance: Chance
    story: Story
    decisions: list[Decision]
    shifts: Chance
    """When one ends, and what lies on the bench then."""
    lies: int = 0
    """So many of the next words are wrong."""
    earlier: float = 0.02
    """How likely it is that a part which is over is decided upon."""
    _seen: dict[MarkRef, None] = field(default_factory=dict)

    def lie(self) -> bool:
        if self.lies:
            self.lies -= 1
            return True
        return False

    def note(self, station: Station, opened: Open, mark: Mark, how: str, *, true: bool) -> None:
        journal = station.logbook.journal
        ref = MarkRef(journal.gateway, journal.epoch, opened.seq, mark.position)
        now = self.story.clock()
        self.decisions.append(Decision(ref, mark.content, mark.component, how, true, now))
        if not true:
            self.story.tell("people", f"say {how} of {mark.content}; it is not so")

    def settle(self, operator: "Operator", station: Station) -> None:
        """Look at what lies there and say what becomes of it: of all, or of some of a tray."""
        opened = station.cycle.open
        assert opened is not None
        due = [mark for mark in opened.marks if mark.position in opened.due]
        chosen = due if len(due) == 1 or self.chance.yes(0.6) else self.chance.some(due, 1)
        how = self._honest(operator, opened, chosen)
        if self.lie():
            how = self.chance.pick(["accepted", "voided", "scrapped", "remark"])
        positions = frozenset(mark.position for mark in chosen)
        places = ", ".join(str(each) for each in sorted(positions))
        self.story.tell("people", f"settle record {opened.seq} at {places}: {how}")
        for mark in chosen:
            self.note(station, opened, mark, how, true=self._is_so(operator, mark, how))
        settled = partial(station.settle, opened.seq, how, "seen by both", WITNESSES, positions)
        operator.send(station, settled)
        operator.take_away_settled(opened, how, positions)

    def _honest(self, operator: "Operator", opened: Open, marks: list[Mark]) -> str:
        """What honest people may say of what lies before them."""
        if all(operator.carried(mark) for mark in marks):
            return "accepted"
        parts = [operator.bench.place.at(mark.position) for mark in marks]
        own = all(
            part is not None and all(e.content == mark.content for e in part.engravings)
            for mark, part in zip(marks, parts, strict=True)
        )
        if own and self.chance.yes(0.4):
            return "remark"  # blank, or its own number illegibly: it is marked once more
        blank = all(part is not None and part.blank for part in parts)
        unknown = all(mark.position in opened.unknown for mark in marks)
        return self.chance.pick(["voided", "scrapped"]) if blank and unknown else "scrapped"

    def _is_so(self, operator: "Operator", mark: Mark, how: str) -> bool:
        here = operator.bench.place.at(mark.position)
        carriers = [
            part
            for part in self.metal.carriers(mark.content)
            if any(e.component == mark.component for e in part.engravings)
        ]
        if how == "accepted":
            return operator.carried(mark)
        if how == "voided":
            return not carriers
        # Scrapped, or marked again on the same part: only if it is that part, or there is none.
        return all(carrier is here for carrier in carriers)

    def decides_earlier(self, operator: "Operator", station: Station) -> bool:
        """A part of the last ones was dropped, say: it is scrapped. Whether they did."""
        if not self.chance.yes(self.earlier):
            return False
        parts = [
            part
            for part in station.logbook.ledger.station(station.name).parts
            if part.state in ("good", "rejected", "marked", "unknown")
        ]
        if not parts:
            return False
        part = self.chance.pick(parts)
        at = (part.seq, part.position)
        mark = station.logbook.ledger.mark(at)
        if mark is None:
            return False
        self.story.tell("people", f"scrap what record {part.seq} marked at {part.position}")
        self.decide_earlier(station, at, mark, "scrapped", "dropped")
        return True

    def ends_shift(self, station: Station, author: Author) -> bool:
        """Now and then, with a piece too few on the bench as often as not. Whether they did.

        Rather in the middle of a group, whose one sample speaks for marks of both shifts.
        """
        own = station.logbook.ledger.station(station.name)
        shift = own.shift
        if not self.shifts.yes(0.5 if (own.groups or own.samples) and shift.orders else 0.02):
            return False
        few = self.shifts.int(0, 1)
        counted = {
            order: Counted(
                good=max(0, in_bin(states, "good") - few),
                aside=in_bin(states, "aside"),
                scrapped=in_bin(states, "scrapped"),
            )
            for order, states in shift.orders.items()
        }
        self.story.tell("people", f"end the shift, with {few} too few")
        end_shift(station, shift.first, author, counted, WITNESSES[0], "one was not found")
        return True

    def says_of_first(self, station: Station) -> None:
        """The shift lead comes, sooner or later, and mostly approves a first piece."""
        first = station.logbook.ledger.station(station.name).held
        if first is None or self.chance.yes(0.4):
            return
        if self.chance.yes(0.8):
            self.story.tell("people", f"approve the first piece, of record {first.at[0]}")
            approve_first(station, first.at[0], WITNESSES[0], "")
            return
        self.story.tell("people", f"set the first piece aside, of record {first.at[0]}")
        self._say(station, first.at, first.mark, "scrapped")
        refuse_first(station, first.at[0], WITNESSES[0], "in the wrong place")

    def decide_earlier(self, station: Station, at: MarkAt, mark: Mark, how: str, why: str) -> None:
        """Of a part that no cycle has under way; what they say of it is so."""
        self._say(station, at, mark, how)
        station.settle_earlier(at, how, why, WITNESSES)

    def _say(self, station: Station, at: MarkAt, mark: Mark, how: str) -> None:
        """Before it is journalled: the process may end between the record and the answer."""
        journal = station.logbook.journal
        ref = MarkRef(journal.gateway, journal.epoch, *at)
        now = self.story.clock()
        self.decisions.append(Decision(ref, mark.content, mark.component, how, True, now))
