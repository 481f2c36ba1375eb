"""What the journal's records add up to: numbers spent, numbers open, the last parts.

A pure fold over records, so that after any stop the same journal gives the same ledger.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from drivers.protocols import Did, Outcome
from gateway.contract.record import (
    Accepted,
    FromBlock,
    Intent,
    Latched,
    Marked,
    Record,
    Settled,
    Trial,
    Unlatched,
    Verified,
)
from gateway.contract.uii import serial
from gateway.moves import (
    Open,
)

PARTS_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """One marked part as the screen lists it. `state` is open, good, rejected, unknown, …"""

    seq: int
    at: datetime
    order: str
    text: str
    """The legible text, or the UII where there is none."""
    uii: str
    serial: str
    state: str


@dataclass
class StationLedger:
    """One station's part of the ledger."""

    open: Open | None = None
    aside: Open | None = None
    """The last part, if its verdict was bad: nobody may mark it over."""
    before: frozenset[str] = frozenset()
    sequence: int | None = None
    """The last command number that an intent of this station journalled."""
    order: str | None = None
    parts: deque[Part] = field(default_factory=lambda: deque(maxlen=PARTS_SHOWN))
    made: dict[str, dict[str, int]] = field(default_factory=dict)
    """By order and state, how many parts."""


@dataclass
class Spent:
    """Numbers of one space that intents have spent: ranges in order, none touching the next."""

    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        at = bisect_right(self.firsts, number)
        if at and number <= self.lasts[at - 1]:
            return
        self.firsts.insert(at, number)
        self.lasts.insert(at, number)
        for left in (at, at - 1):
            if 0 <= left < len(self.firsts) - 1 and self.lasts[left] + 1 == self.firsts[left + 1]:
                self.lasts[left] = self.lasts.pop(left + 1)
                del self.firsts[left + 1]

    def next_free(self, number: int) -> int:
        """The first number from `number` on that is not spent."""
        at = bisect_right(self.firsts, number)
        return max(number, self.lasts[at - 1] + 1) if at else number


@dataclass
class Ledger:
    """Fold every record of the journal, in order, with `apply`."""

    used: dict[str, int] = field(default_factory=dict)
    """By block, the greatest number that an intent spent."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """By number space: whatever the blocks are called, no number is spent twice."""
    stations: dict[str, StationLedger] = field(default_factory=dict)
    accepted: tuple[int, int] = (0, 0)
    unknown: dict[str, str] = field(default_factory=dict)
    """Stations latched by an unknown outcome, with the cause."""
    _where: dict[int, str] = field(default_factory=dict)
    _states: dict[int, tuple[str, str]] = field(default_factory=dict)

    def station(self, name: str) -> StationLedger:
        return self.stations.setdefault(name, StationLedger())

    def apply(self, record: Record) -> None:
        """Take one record in."""
        match record:
            case Accepted():
                self.accepted = (record.incarnation, record.version)
            case Intent():
                self._intent(record)
            case Marked():
                self._marked(record)
            case Verified():
                self._verified(record)
            case Settled():
                self._settled(record)
            case Latched(latch="unknown-outcome"):
                self.unknown[record.station or ""] = record.cause
            case Unlatched(latch="unknown-outcome"):
                self._unlatched(record.station or "")
            case Trial():
                self._trial(record)
            case _:
                pass

    def _trial(self, record: Trial) -> None:
        station = self.station(record.station or "")
        station.aside = None
        if record.did != "not_started":
            station.before |= {record.text}

    def _intent(self, record: Intent) -> None:
        name = record.station or ""
        station = self.station(name)
        if station.open is not None:
            station.before = frozenset(mark.content for mark in station.open.marks)
        station.open, station.aside = Open(record.seq, record.marks, record.sequence), None
        station.sequence = record.sequence
        station.order = record.marks[0].order
        self._where[record.seq] = name
        for mark in record.marks:
            if isinstance(mark.source, FromBlock):
                spent = self.used.get(mark.source.block, -1)
                self.used[mark.source.block] = max(spent, mark.source.number)
                self.spent.setdefault(mark.source.space, Spent()).add(mark.source.number)
        first = record.marks[0]
        text = first.text[0] if first.text else first.item.uii
        station.parts.append(
            Part(
                record.seq,
                record.at,
                first.order,
                text,
                first.item.uii,
                serial(first.item.elements),
                "open",
            )
        )
        self._count(record.seq, first.order, "open")

    def _marked(self, record: Marked) -> None:
        station = self._station_of(record.intent)
        if station is None or station.open is None or station.open.seq != record.intent:
            return
        result = record.results[0]
        outcome = Outcome(Did(result.did), result.cause, result.echo)
        station.open = replace(station.open, outcome=outcome)
        if outcome.did is Did.NOT_STARTED:
            station.open = None  # on the part before, a late read may still come
            self._show(station, record.intent, "voided")
        else:
            state = "marked" if outcome.did is Did.DONE else "unknown"
            self._show(station, record.intent, state)

    def _verified(self, record: Verified) -> None:
        station = self._station_of(record.of.seq)
        if station is None:
            return
        opened = station.open
        if opened is None or opened.seq != record.of.seq:
            if record.verdict == "good":
                self._put_away(station, record.of.seq)
                self._show(station, record.of.seq, "good")
            return
        unknown = opened.outcome is not None and opened.outcome.did is Did.UNKNOWN
        if record.verdict == "good":
            self._close(station, record.of.seq, "good")
        elif not unknown:
            self._close(station, record.of.seq, "rejected")
            station.aside = replace(opened, rejected=record.verdict)

    def _settled(self, record: Settled) -> None:
        station = self._station_of(record.of.seq)
        if station is None:
            return
        self._put_away(station, record.of.seq)
        state = {"accepted": "good", "read": "good", "remark": "open"}.get(record.how, record.how)
        if station.open is not None and station.open.seq == record.of.seq:
            self._close(station, record.of.seq, state)
        else:
            self._show(station, record.of.seq, state)

    def _unlatched(self, name: str) -> None:
        """The station is free; a number that nobody settled stays unknown for the register."""
        self.unknown.pop(name, None)
        station = self.station(name)
        if station.open is not None:
            self._close(station, station.open.seq, "unknown")

    def _put_away(self, station: StationLedger, seq: int) -> None:
        if station.aside is not None and station.aside.seq == seq:
            station.aside = None

    def _station_of(self, seq: int) -> StationLedger | None:
        name = self._where.get(seq)
        return None if name is None else self.station(name)

    def _close(self, station: StationLedger, seq: int, state: str) -> None:
        if station.open is not None:
            station.before = frozenset(mark.content for mark in station.open.marks)
        station.open = None
        self._show(station, seq, state)

    def _show(self, station: StationLedger, seq: int, state: str) -> None:
        order, _ = self._states[seq]
        self._count(seq, order, state)
        for index, part in enumerate(station.parts):
            if part.seq == seq:
                station.parts[index] = replace(part, state=state)

    def _count(self, seq: int, order: str, state: str) -> None:
        station = self.station(self._where[seq])
        counts = station.made.setdefault(order, {})
        former = self._states.get(seq)
        if former is not None:
            counts[former[1]] -= 1
        counts[state] = counts.get(state, 0) + 1
        self._states[seq] = (order, state)
