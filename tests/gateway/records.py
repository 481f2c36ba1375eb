"""Records as a gateway would journal them, short to write down; and what a mark of number n is."""

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
    PositionOutcome,
    Record,
    RecordRef,
    Settled,
    Trial,
    Unlatched,
    Verified,
)

GATEWAY = "gramsh.line-2"
STATION = "laser"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

R = TypeVar("R", bound=Record)


def content(number: int) -> str:
    return f"[)>\x1e06\x1d18S7A720{number:08d}\x1e\x04"


def mark(number: int, *, block: str = "b1", order: str = "o1") -> Mark:
    return Mark(
        position=1,
        component="receiver",
        order=order,
        job="1",
        kind="serial",
        item=Item(uii=f"D7A720{number:08d}", elements=f"06:18S=7A720{number:08d}"),
        content=content(number),
        text=(f"{number:08d}",),
        source=FromBlock(block=block, space="s1", number=number),
    )


def common(seq: int, station: str | None = STATION) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": NOON + timedelta(seconds=seq),
        "clock": ClockState(synced=True),
        "station": station,
        "salt": f"{seq:032x}",
    }


def ref(seq: int) -> RecordRef:
    return RecordRef(gateway=GATEWAY, epoch=1, seq=seq)


def intent(
    seq: int, number: int, *, sequence: int | None = None, station: str = STATION, block: str = "b1"
) -> Intent:
    return Intent(
        **common(seq, station),
        cycle=f"c{seq}",
        start="operator",
        sequence=sequence,
        marks=(mark(number, block=block),),
    )


def marked(seq: int, of: int, did: str, cause: str = "", station: str = STATION) -> Marked:
    result = PositionOutcome.model_validate({"position": 1, "did": did, "cause": cause})
    return Marked(**common(seq, station), intent=of, results=(result,))


def verified(
    seq: int, of: int, verdict: str, seen: str | None = None, entry: str = "device"
) -> Verified:
    return Verified.model_validate(
        {
            **common(seq),
            "of": ref(of),
            "position": 1,
            "device": "reader",
            "content": seen,
            "entry": entry,
            "verdict": verdict,
        }
    )


def settled(seq: int, of: int, how: str) -> Settled:
    return Settled.model_validate(
        {**common(seq), "of": ref(of), "position": 1, "how": how, "reason": "seen by both"}
    )


def latched(seq: int, cause: str = "link-timeout") -> Latched:
    return Latched(**common(seq), latch="unknown-outcome", cause=cause)


def unlatched(seq: int) -> Unlatched:
    return Unlatched(**common(seq), latch="unknown-outcome", reason="seen by both")


def trial(seq: int, text: str, did: str = "done") -> Trial:
    return Trial.model_validate(
        {**common(seq), "device": "marker", "job": "1", "text": text, "did": did}
    )
