"""The first piece of an order at a station: alone, and nothing after it before it is approved.

Told by the journals' records alone, and more leniently than the ledger: what is called a fault
here is one whatever else was so.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.contract.record import Intent, Marked, Record, Settled, Unlatched, Verified
from tests.simulation.metal import MarkRef

Where: TypeAlias = tuple[str, int, str]
"""A machine, its epoch, and the station."""


@dataclass(frozen=True)
class _First:
    ref: MarkRef
    of: tuple[str, str]
    """Order and component."""
    done: bool = False
    made: bool = False
    """It is on the part, and nobody has found it bad."""


@dataclass
class FirstPieces:
    """What each station's last first piece came to."""

    _last: dict[Where, _First] = field(default_factory=dict)
    _approved: set[tuple[Where, tuple[str, str]]] = field(default_factory=set)

    def hear(
        self, machine: str, gateway: str, epoch: int, record: Record, asking: frozenset[str]
    ) -> str:
        """What is wrong, or nothing. `asking`: the orders whose first piece is to be approved."""
        where = (machine, epoch, record.station or "")
        match record:
            case Intent():
                return self._intent(where, gateway, record, asking)
            case Marked(intent=seq, results=results):
                done = all(result.did == "done" for result in results)
                self._learn(where, seq, made=done, done=done)
            case Verified(of=of, verdict=verdict) if of.gateway == gateway and of.epoch == epoch:
                self._read(where, of.seq, good=verdict == "good")
            case Settled(of=of, how=how) if of.gateway == gateway and of.epoch == epoch:
                self._learn(where, of.seq, made=how in ("accepted", "read"))
            case Unlatched(latch="first-piece"):
                first = self._last.pop(where, None)
                if first is None:
                    return f"{machine}: record {record.seq} approves what was not made"
                self._approved.add((where, first.of))
        return ""

    def _intent(self, where: Where, gateway: str, record: Intent, asking: frozenset[str]) -> str:
        first = self._last.get(where)
        if first is not None and first.made:
            return f"{where}: record {record.seq} follows a first piece that nobody approved"
        for mark in record.marks:
            of = (mark.order, mark.component)
            is_first = mark.readback is not None and bool(mark.readback.first)
            if is_first:
                ref = MarkRef(gateway, where[1], record.seq, mark.position)
                self._last[where] = _First(ref, of)
            elif mark.order in asking and (where, of) not in self._approved:
                return f"{where}: record {record.seq} marks no first piece of {of}"
            if is_first and len(record.marks) > 1:
                return f"{where}: record {record.seq} marks more than a first piece"
        return ""

    def _read(self, where: Where, seq: int, *, good: bool) -> None:
        """By whatever station: the one that marked it waits."""
        for at, first in self._last.items():
            if at[:2] == where[:2] and first.ref.seq == seq and (first.done or not good):
                self._last[at] = replace(first, made=good)

    def _learn(self, where: Where, seq: int, *, made: bool, done: bool | None = None) -> None:
        first = self._last.get(where)
        if first is not None and first.ref.seq == seq:
            self._last[where] = replace(first, made=made, done=first.done if done is None else done)
