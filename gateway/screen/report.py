"""An order's report of a shift that was ended: the counts that were signed, and every mark.

All of it is read out of the journal again, so that it is the same whenever it is asked for.
"""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.contract.record import (
    Intent,
    Observed,
    Record,
    ShiftEnd,
    Tally,
    decode_record,
)
from gateway.contract.uii import serial
from gateway.journal import Journal
from gateway.ledger import Ledger
from gateway.moves import Note
from gateway.numbering import MarkAt
from gateway.screen.sheet import Sheet
from gateway.screen.texts import Texts
from gateway.shift import BINS, by_hand, in_bin
from gateway.standing import StationLedger
from gateway.station import NotNow

ZONE = ZoneInfo("Europe/Tirane")
PAGE = 50
"""Records that are read at a time, some milliseconds of work: stations work on meanwhile."""


class NoReport(LookupError):
    """No such shift was ended at the station, or nothing of the order was marked in it."""


@dataclass(frozen=True)
class Line:
    """One mark."""

    seq: int
    at: datetime
    serial: str
    uii: str
    component: str
    operator: str | None
    state: str


@dataclass(frozen=True)
class Report:
    """`head` is the journal's after `record`, which ended the shift."""

    gateway: str
    epoch: int
    record: Observed
    end: ShiftEnd
    tally: Tally
    head: str
    lines: tuple[Line, ...]
    began: datetime


@dataclass
class _Kept(StationLedger):
    """A station's ledger that forgets no mark of record `since` or of a later one."""

    since: int = 1
    states: dict[MarkAt, str] = field(default_factory=dict)

    def show(self, at: MarkAt, order: str, before: str, state: str, entry: str) -> None:
        super().show(at, order, before, state, entry)
        if at[0] >= self.since:
            self.states[at] = state


class ShiftMarks:
    """The marks of a shift, as they stand after the last record that was applied.

    It takes the journal's records from the very first on: what became of a mark may follow from
    one of an earlier shift, as in a group of which one sample is read.
    """

    def __init__(self, gateway: str, epoch: int, station: str, first: int) -> None:
        self._station, self._first = station, first
        self._kept = _Kept(since=first)
        self._ledger = Ledger(gateway, epoch, stations={station: self._kept})
        self._intents: list[Intent] = []
        self.began: datetime | None = None
        """When the first record of the shift was written."""

    def apply(self, record: Record) -> None:
        self._ledger.apply(record)
        if record.station != self._station or record.seq < self._first:
            return
        self.began = min(self.began or record.at, record.at)
        if isinstance(record, Intent):
            self._intents.append(record)

    def lines(self, order: str) -> tuple[Line, ...]:
        return tuple(
            Line(
                seq=intent.seq,
                at=intent.at,
                serial=serial(mark.item.elements),
                uii=mark.item.uii,
                component=mark.component,
                operator=intent.operator,
                state=self._kept.states[intent.seq, mark.position],
            )
            for intent in self._intents
            for mark in intent.marks
            if mark.order == order
        )


async def read(journal: Journal, station: str, seq: int, order: str) -> Report:
    """The report of an order, of the shift that record `seq` ended.

    Raises `NoReport`; and `NotNow` where its marks do not add up to the counts that were signed,
    since such a paper would prove nothing.
    """
    found = [record async for record in _records(journal, seq, seq)]
    ending = found[0] if found else None
    if not isinstance(ending, Observed) or ending.shift is None or ending.station != station:
        raise NoReport
    tally = next((each for each in ending.shift.orders if each.order == order), None)
    head = journal.head_at(seq)
    if tally is None or head is None:
        raise NoReport
    marks = ShiftMarks(journal.gateway, journal.epoch, station, ending.shift.first)
    async for record in _records(journal, 1, seq):
        marks.apply(record)
    lines = marks.lines(order)
    if Counter(line.state for line in lines) != tally.states:
        raise NotNow(Note("report-differs", (("order", order),)))
    return Report(
        journal.gateway,
        journal.epoch,
        ending,
        ending.shift,
        tally,
        head.hex(),
        lines,
        marks.began or ending.at,
    )


async def _records(journal: Journal, first: int, last: int) -> AsyncIterator[Record]:
    while first <= last:
        entries = list(journal.entries(first, min(first + PAGE - 1, last)))
        if not entries:
            return
        for entry in entries:
            yield decode_record(entry.body)
        first = entries[-1].seq + 1
        await asyncio.sleep(0)


# -- in words


def moment(at: datetime) -> str:
    """Date and time of day at Tirana, to the second."""
    return at.astimezone(ZONE).strftime("%d.%m.%Y %H:%M:%S")


def facts(report: Report, t: Texts) -> Sequence[tuple[str, str]]:
    """What is said of the whole, as (label, words)."""
    record, end = report.record, report.end
    signed = f"{record.operator or '–'} ({t[f'auth.{record.operator_auth}']})"
    return [
        (t["report.gateway"], report.gateway),
        (t["report.station"], record.station or ""),
        (t["report.order"], report.tally.order),
        (t["report.from"], moment(report.began)),
        (t["report.to"], moment(record.at)),
        (t["report.signed"], signed),
        *([(t["report.lead"], ", ".join(end.witnesses))] if end.witnesses else []),
        *([(t["report.reason"], end.reason)] if end.reason else []),
        (t["report.trials"], str(end.trials)),
        (t["report.left"], str(report.tally.left)),
        (t["report.record"], f"{report.gateway}/{report.epoch}/{record.seq}"),
        (t["report.head"], report.head),
    ]


def counts(report: Report, t: Texts) -> Sequence[Sequence[str]]:
    """A table: heads, then a row for each place where pieces lie, and one for void numbers."""
    tally = report.tally
    rows = [[t["report.lies"], t["report.journal"], t["report.hand"], t["report.difference"]]]
    for name in BINS:
        known, seen = in_bin(tally.states, name), by_hand(tally.counted, name)
        apart = f"{seen - known:+d}" if seen != known else "0"
        rows.append([t[f"bin.{name}"], str(known), str(seen), apart])
    for state in ("marked", "unknown", "voided"):
        if tally.states.get(state):
            rows.append([t[f"report.{state}"], str(tally.states[state]), "", ""])
    return rows


def marks(report: Report, t: Texts) -> Sequence[Sequence[str]]:
    """A table: heads, then every mark of the order in that shift."""
    names = ("number", "uii", "component", "state", "time", "operator", "record")
    rows = [[t[f"report.{name}"] for name in names]]
    rows += [
        [
            *(line.serial, line.uii, t.get(f"component.{line.component}", line.component)),
            t.get(f"part.{line.state}", line.state),
            *(moment(line.at), line.operator or "", str(line.seq)),
        ]
        for line in report.lines
    ]
    return rows


def sheet(report: Report, t: Texts, language: str) -> Sheet:
    """All of it, as it stands on paper."""
    return {
        "language": language,
        "title": f"{t['report.title']} {report.tally.order}",
        "facts": facts(report, t),
        "counts_title": t["report.counts"],
        "counts": counts(report, t),
        "marks_title": t["report.marks"],
        "marks": marks(report, t),
        "foot": f"{t['report.head']}: {report.head}",
    }


def as_csv(report: Report, t: Texts) -> bytes:
    """The facts, the counts and the marks, an empty row between them; UTF-8 that says it is."""
    text = io.StringIO()
    writer = csv.writer(text)
    for table in (facts(report, t), counts(report, t), marks(report, t)):
        writer.writerows([_plain(cell) for cell in row] for row in table)
        writer.writerow([])
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    """No cell is a formula to a spreadsheet: people wrote some of them."""
    return f"'{cell}" if cell[:1] in ("=", "@", "\t", "\r") else cell
