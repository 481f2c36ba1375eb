"""The marks of a journal that went on in two places: pure functions over a batch kept as evidence.

Nobody can say which pieces the numbers of either branch stand on, so all of them are disputed.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

from pydantic import BaseModel

from central.ingest.facts import Claim, Evidence, Received, Stream
from central.ingest.naming import named_item
from gateway.contract.record import FromBlock, Intent
from gateway.contract.uii import serial

_TWO_BRANCHES = ("forked", "two-of-me")


class Disputed(BaseModel, frozen=True):
    """A mark that one of the two branches announced. `held`: by the branch in the register."""

    seq: int
    position: int
    held: bool
    uii: str
    component: str
    serial: str
    order: str
    station: str
    space: str | None
    number: int | None


def proves_two_branches(stream: Stream, evidence: Evidence) -> bool:
    """Return whether evidence shows that a second journal of this epoch went on.

    Evidence that is answered with a receipt is a batch whose signature holds.
    """
    if stream.is_device or not evidence.answer:
        return False
    return evidence.latch is not None or stream.state in _TWO_BRANCHES


def parting(stream: Stream, received: Received, head_at: Callable[[int], bytes | None]) -> int:
    """Return the number of a batch's first record that the register does not hold as it is."""
    header = received.batch.header
    overlap = range(header.first, min(header.last, stream.committed) + 1)

    def differs(seq: int) -> bool:
        return received.chain[seq - header.first] != head_at(seq)

    return header.first + bisect_left(overlap, True, key=differs)


def announced(received: Received, since: int) -> list[Disputed]:
    """Return the marks that the batch announces from record `since` on."""
    found = []
    for record in received.records:
        if not isinstance(record, Intent) or record.seq < since:
            continue
        for mark in record.marks:
            named = named_item(mark)
            fresh = mark.source if isinstance(mark.source, FromBlock) else None
            found.append(
                Disputed(
                    seq=record.seq,
                    position=mark.position,
                    held=False,
                    uii=named.uii,
                    component=mark.component,
                    serial=serial(named.elements),
                    order=mark.order,
                    station=record.station or "",
                    space=None if fresh is None else fresh.space,
                    number=None if fresh is None else fresh.number,
                )
            )
    return found


def held_since(claims: Iterable[tuple[Claim, str]], since: int) -> list[Disputed]:
    """Return the marks that the register holds from record `since` on.

    `claims`: claims of the stream, each with its item's serial number.
    """
    return [
        Disputed(
            seq=claim.seq,
            position=claim.position,
            held=True,
            uii=claim.item[0],
            component=claim.item[1],
            serial=serial_number,
            order=claim.order,
            station=claim.station,
            space=claim.space,
            number=claim.number,
        )
        for claim, serial_number in claims
        if claim.seq >= since
    ]
