"""Shifts that are ended: one begins where the last ended, and no mark is left out of its counts."""

from dataclasses import dataclass, field

from gateway.contract.record import Intent, Observed, Record
from tests.simulation.first_pieces import Where


@dataclass
class Shifts:
    """What each station has announced since its last shift ended."""

    _first: dict[Where, int] = field(default_factory=dict)
    _marks: dict[Where, dict[str, int]] = field(default_factory=dict)
    """By order, how many."""

    def hear(self, machine: str, epoch: int, record: Record) -> str:
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
        return ""
