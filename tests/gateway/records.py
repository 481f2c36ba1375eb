"""Records as a gateway would journal them, short to write down; and what a mark of number n is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.contract.record import (
    ClockState,
    FromBlock,
    Intent,
    Item,
    Latched,
    Mark,
    Marked,
    Observed,
    PositionOutcome,
    Readback,
    Record,
    RecordRef,
    Repeat,
    Settled,
    Trial,
    Unlatched,
    Verified,
)
from gateway.ledger import Ledger

GATEWAY = "gramsh.line-2"
OTHER = "policani.line-1"
STATION = "laser"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

R = TypeVar("R", bound=Record)


def content(number: int, component: str = "") -> str:
    piece = f"\x1d20P{component.upper()}" if component else ""
    return f"[)>\x1e06\x1d18S7A720{number:08d}{piece}\x1e\x04"


def mark(
    number: int,
    position: int = 1,
    *,
    block: str = "b1",
    order: str = "o1",
    piece: str = "",
    pieces: int | None = None,
    readback: Readback | None = None,
    source: Repeat | None = None,
) -> Mark:
    """Of a fresh number, or of `source`; `piece` is the component and its code in the symbol."""
    return Mark(
        position=position,
        component=piece or "receiver",
        order=order,
        job="1",
        kind="serial",
        item=Item(uii=f"D7A720{number:08d}", elements=f"06:18S=7A720{number:08d}"),
        content=content(number, piece),
        text=(f"{number:08d}",),
        readback=readback,
        pieces=pieces,
        source=source or FromBlock(block=block, space="s1", number=number),
    )


def sampled(every: int, *, last: bool = False) -> Readback:
    return Readback(mode="sample", every=every, last=last)


def common(seq: int, station: str | None = STATION) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": NOON + timedelta(seconds=seq),
        "clock": ClockState(synced=True),
        "station": station,
        "salt": f"{seq:032x}",
    }


def ref(seq: int, gateway: str = GATEWAY) -> RecordRef:
    return RecordRef(gateway=gateway, epoch=1, seq=seq)


def repeat(
    seq: int, position: int = 1, gateway: str = GATEWAY, *, number: int | None = None
) -> Repeat:
    return Repeat(of=ref(seq, gateway), position=position, number=number)


def intent_of(
    seq: int, *marks: Mark, sequence: int | None = None, station: str = STATION
) -> Intent:
    return Intent(
        **common(seq, station), cycle=f"c{seq}", start="operator", sequence=sequence, marks=marks
    )


def intent(
    seq: int, number: int, *, sequence: int | None = None, station: str = STATION, block: str = "b1"
) -> Intent:
    return intent_of(seq, mark(number, block=block), sequence=sequence, station=station)


def marked(
    seq: int, of: int, did: str | Mapping[int, str], cause: str = "", station: str = STATION
) -> Marked:
    """`did`: of position 1, or by position."""
    places = {1: did} if isinstance(did, str) else did
    results = tuple(
        PositionOutcome.model_validate({"position": at, "did": each, "cause": cause})
        for at, each in places.items()
    )
    return Marked(**common(seq, station), intent=of, results=results)


def verified(
    seq: int,
    of: int | RecordRef,
    verdict: str,
    seen: str | None = None,
    entry: str = "device",
    position: int = 1,
) -> Verified:
    return Verified.model_validate(
        {
            **common(seq),
            "of": ref(of) if isinstance(of, int) else of,
            "position": position,
            "device": "reader",
            "content": seen,
            "entry": entry,
            "verdict": verdict,
        }
    )


def settled(seq: int, of: int, how: str, position: int = 1) -> Settled:
    return Settled.model_validate(
        {**common(seq), "of": ref(of), "position": position, "how": how, "reason": "seen by both"}
    )


def observed(seq: int, *codes: str, entry: str = "device") -> Observed:
    return Observed.model_validate(
        {**common(seq), "purpose": "readback", "codes": codes, "entry": entry}
    )


def latched(seq: int, cause: str = "link-timeout") -> Latched:
    return Latched(**common(seq), latch="unknown-outcome", cause=cause)


def unlatched(seq: int) -> Unlatched:
    return Unlatched(**common(seq), latch="unknown-outcome", reason="seen by both")


def approved(seq: int, of: int) -> Unlatched:
    """A second person approves the first piece that the intent `of` marked."""
    return Unlatched(**common(seq), latch="first-piece", reason="", witnesses=("L-1",), of=ref(of))


def trial(seq: int, text: str, did: str = "done") -> Trial:
    return Trial.model_validate(
        {**common(seq), "device": "marker", "job": "1", "text": text, "did": did}
    )


def fold(*records: Record) -> Ledger:
    """The ledger of a journal that holds these records."""
    ledger = Ledger(GATEWAY, 1)
    for record in records:
        ledger.apply(record)
    return ledger
