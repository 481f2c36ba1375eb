"""Shifts that are ended: one begins where the last ended, and no mark is left out of its counts.

Its report is read from the journal alone, and there each mark stands as it was counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.contract.record import Intent, Observed, Record, ShiftEnd, decode_record
from gateway.journal import Entry
from gateway.screen.report import ShiftMarks
from tests.simulation.first_pieces import Where


@dataclass
class Shifts:
    """What each station has announced since its last shift ended."""

    _first: dict[Where, int] = field(default_factory=dict)
    _marks: dict[Where, dict[str, int]] = field(default_factory=dict)
    """By order, how many."""

    def hear(
        self, machine: str, gateway: str, epoch: int, record: Record, journal: Sequence[Entry]
    ) -> str:
        """What is wrong, or nothing."""
        where = (machine, epoch, record.station or "")
        if isinstance(record, Intent):
            marks = self._marks.setdefault(where, {})
            for mark in record.marks:
                marks[mark.order] = marks.get(mark.order, 0) + 1
        if not isinstance(record, Observed) or record.shift is None:
            return ""
        told = {tally.order: sum(tally.states.values()) for tally in record.shift.orders}
        marks, first = self._marks.pop(where, {}), self._first.get(where, 1)
        self._first[where] = record.seq + 1
        if told != marks:
            return f"{where}: record {record.seq} counts {told}, and {marks} were announced"
        if record.shift.first != first:
            return f"{where}: record {record.seq} begins at {record.shift.first}, not at {first}"
        report = ShiftMarks(gateway, epoch, where[2], first)
        for entry in journal[: record.seq]:
            report.apply(decode_record(entry.body))
        return _told_otherwise(record.shift, report)


def _told_otherwise(shift: ShiftEnd, report: ShiftMarks) -> str:
    for tally in shift.orders:
        stand = Counter(line.state for line in report.lines(tally.order))
        if stand != tally.states:
            return (
                f"the report of {tally.order} tells {dict(stand)}, and {tally.states} were signed"
            )
    return ""
