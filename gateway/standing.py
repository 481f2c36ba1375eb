"""What the records add up to at one station: marks under way, the last parts, counts, groups.

The ledger says which station each record is about, and what has become of the mark that it names.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from drivers.protocols import Did
from gateway.contract.record import Intent, Mark, Marked, Observed, ShiftEnd, Trial, Verified
from gateway.contract.uii import serial
from gateway.moves import Open, PlaceVerdict, remembered
from gateway.numbering import MarkAt
from gateway.shift import Ended, Shift

PARTS_SHOWN = 10
SHOTS_KEPT = 240
SHIFTS_SHOWN = 6


@dataclass(frozen=True)
class Part:
    """One marked part as the screen lists it. `state` is open, good, rejected, unknown, …"""

    seq: int
    position: int
    at: datetime
    order: str
    component: str
    text: str
    """The legible text, or the UII where there is none."""
    uii: str
    serial: str
    state: str
    entry: str = ""
    """How its last verdict came: device, keyed or eye; empty before there is one."""
    verdict: str = ""
    """What was last read or judged of it, also where that settles nothing."""
    reads: int = 0
    """How often it was."""
    read: str = ""
    """The content that was read then; empty where nothing was."""
    grade: str = ""
    """The reader's grade of it, where it gives one."""
    picture: str = ""
    """The name of the picture in which it was read, or not; empty where none is kept."""
    took: float | None = None
    """Seconds from the intent to the marker's word."""


@dataclass(frozen=True)
class FirstPiece:
    """The first piece of an order and component, which a second person has to approve."""

    at: MarkAt
    mark: Mark
    operator: str | None
    """Who had it marked: somebody else approves it."""
    state: str = ""

    @property
    def of(self) -> tuple[str, str]:
        """Its order and component."""
        return self.mark.order, self.mark.component


@dataclass
class StationLedger:
    """One station's part of the ledger."""

    open: Open | None = None
    aside: Open | None = None
    """The last marks, if all that is left of them was judged bad: nobody may mark them over."""
    again: Open | None = None
    """Marks that two people allowed to be made again on the same parts, and that were not yet."""
    before: frozenset[str] = frozenset()
    sequence: int | None = None
    """The last command number that an intent of this station journalled."""
    order: str | None = None
    parts: deque[Part] = field(default_factory=lambda: deque(maxlen=PARTS_SHOWN))
    shots: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=SHOTS_KEPT))
    """When the last shots were done, and how many marks each made: what a pace is told by."""
    trials: int = 0
    """Shots without a number since the last one with a number."""
    made: dict[str, dict[str, int]] = field(default_factory=dict)
    """By order and state, how many marks."""
    groups: dict[str, list[MarkAt]] = field(default_factory=dict)
    """By order, the marks of the group that still takes members, in order."""
    samples: dict[MarkAt, tuple[MarkAt, ...]] = field(default_factory=dict)
    """By its sample, which is not read yet, the members of each group that is closed."""
    first: FirstPiece | None = None
    """The last first piece, until it is approved."""
    approved: set[tuple[str, str]] = field(default_factory=set)
    """Orders and components whose first piece here was approved."""
    shift: Shift = field(default_factory=Shift)
    ended: deque[Ended] = field(default_factory=lambda: deque(maxlen=SHIFTS_SHOWN))
    """The last shifts that were ended here and have reports: something was marked in them."""

    # -- the parts that are shown, and their counts

    def announced(self, record: Intent, mark: Mark) -> MarkAt | None:
        """One more part on the screen; the mark that leaves it for that."""
        hidden = self.parts[0] if len(self.parts) == PARTS_SHOWN else None
        self.parts.append(
            Part(
                record.seq,
                mark.position,
                record.at,
                mark.order,
                mark.component,
                mark.text[0] if mark.text else mark.item.uii,
                mark.item.uii,
                serial(mark.item.elements),
                "open",
            )
        )
        return None if hidden is None else (hidden.seq, hidden.position)

    def shows(self, at: MarkAt) -> bool:
        return any((part.seq, part.position) == at for part in self.parts)

    def show(self, at: MarkAt, order: str, before: str, state: str, entry: str) -> None:
        """What a mark was counted as, and what it is now."""
        counts = self.made.setdefault(order, {})
        if before:
            counts[before] -= 1
        counts[state] = counts.get(state, 0) + 1
        self.shift.show(at[0], order, before, state)
        for index, part in enumerate(self.parts):
            if (part.seq, part.position) == at:
                self.parts[index] = replace(part, state=state, entry=entry)
        if self.first is not None and self.first.at == at:
            self.first = replace(self.first, state=state)

    def timed(self, record: Marked, done: int) -> None:
        """How long a shot took, and how many marks it made."""
        if done:
            self.shots.append((record.at, done))
        for index, part in enumerate(self.parts):
            if part.seq == record.intent:
                took = (record.at - part.at).total_seconds()
                self.parts[index] = replace(part, took=took if done else None)

    def read(self, contents: Iterable[str]) -> None:
        """Its readers have seen these contents, and may be late with them."""
        self.before = remembered(self.before, contents)

    def heard(self, at: MarkAt, record: Verified) -> None:
        for index, part in enumerate(self.parts):
            if (part.seq, part.position) == at:
                self.parts[index] = replace(
                    part,
                    verdict=record.verdict,
                    reads=part.reads + 1,
                    read=record.content or "",
                    grade=record.grade,
                    picture=record.picture or "",
                )

    # -- the marks under way

    def begin(self, record: Intent) -> None:
        self.trials = 0
        if self.open is not None:
            self.before = frozenset(mark.content for mark in self.open.marks)
        eye = any(mark.readback and mark.readback.mode == "eye" for mark in record.marks)
        self.open = Open(record.seq, record.marks, record.sequence, eye=eye)
        self.aside = None
        self.sequence = record.sequence
        self.order = record.marks[0].order
        for mark in record.marks:
            if mark.readback is not None and mark.readback.first:
                self.first = FirstPiece((record.seq, mark.position), mark, record.operator)

    def reject(self, record: Verified) -> None:
        """A bad verdict on a mark under way: its part waits to be set aside."""
        opened = self.open
        if opened is None or opened.seq != record.of.seq or record.verdict == "good":
            return
        verdict = "unreadable" if record.verdict == "below_grade" else record.verdict
        bad = PlaceVerdict(record.position, verdict, record.content)
        others = tuple(each for each in opened.rejected if each.position != record.position)
        rejected = tuple(sorted([*others, bad], key=lambda each: each.position))
        self.open = replace(opened, rejected=rejected)
        self.end()

    def over(self, at: MarkAt) -> None:
        """Nothing more is expected of that mark where it was made."""
        seq, position = at
        for name in ("open", "aside"):
            opened = getattr(self, name)
            if opened is not None and opened.seq == seq:
                rejected = tuple(each for each in opened.rejected if each.position != position)
                left = replace(opened, due=opened.due - {position}, rejected=rejected)
                setattr(self, name, left)
        if self.aside is not None and not self.aside.due:
            self.aside = None
        self.end()

    def end(self) -> None:
        """Close the open intent once nothing, or nothing but bad parts, is left of it."""
        opened = self.open
        if opened is None or opened.outcome is None:
            return
        rejected = {each.position for each in opened.rejected}
        if opened.due - rejected:
            return
        marked = [m for m in opened.marks if opened.outcome.at(m.position) is not Did.NOT_STARTED]
        if marked:  # of a part that was not marked, a late read can tell nothing
            self.before = frozenset(mark.content for mark in marked)
        self.open = None
        self.aside = opened if opened.due else None

    # -- the shift

    def tried(self, record: Trial) -> None:
        """A shot without a number."""
        self.aside = None
        if record.did != "not_started":
            self.before |= {record.text}
            self.trials += 1
            self.shift.trials += 1

    def end_shift(self, record: Observed, shift: ShiftEnd) -> None:
        orders = tuple(tally.order for tally in shift.orders)
        if orders:
            self.ended.append(Ended(record.seq, record.at, record.operator, orders))
        self.shift = Shift(record.seq + 1)

    # -- the first piece

    @property
    def held(self) -> FirstPiece | None:
        """The first piece that holds the station: it is made, and waits to be approved.

        One that was not made, or is bad, is none: the next piece is a first one again.
        """
        first = self.first
        if first is None or first.state not in ("marked", "good"):
            return None
        return None if self.open is not None and self.open.seq == first.at[0] else first

    def approve(self, at: MarkAt) -> None:
        if self.first is not None and self.first.at == at:
            self.approved.add(self.first.of)
            self.first = None

    # -- groups, and leaves to mark again

    def grouped(self, at: MarkAt, mark: Mark) -> None:
        assert mark.readback is not None
        group = self.groups.setdefault(mark.order, [])
        group.append(at)
        if len(group) >= mark.readback.every or mark.readback.last:
            self.samples[at] = tuple(self.groups.pop(mark.order))

    def allow(self, at: MarkAt, mark: Mark) -> None:
        again = self.again
        if again is None or again.seq != at[0]:
            self.again = Open(at[0], (mark,), None)
        elif mark not in again.marks:
            marks = sorted([*again.marks, mark], key=lambda each: each.position)
            self.again = replace(again, marks=tuple(marks))

    def withdraw(self, at: MarkAt) -> None:
        again = self.again
        if again is not None and again.seq == at[0]:
            left = tuple(mark for mark in again.marks if mark.position != at[1])
            self.again = replace(again, marks=left) if left else None
