"""What a station says in the journal of its own effects: outcomes, trials and verdicts.

Pure: from what the cycle knows to the drafts of records. Whatever a device or a reader says is
cut to what a record can hold, so that it never stops a station.
"""

from drivers.protocols import Outcome, Reading
from gateway.contract.record import (
    Latched,
    Marked,
    PositionOutcome,
    RecordRef,
    Settled,
    Trial,
    Unlatched,
    Verified,
)
from gateway.logbook import Draft
from gateway.moves import Entry, PlaceVerdict, RecordMarked

BY_READING = "a matching read"
LONGEST_TEXT = 2000
"""Characters that a record's text fields hold."""


def marked(effect: RecordMarked) -> list[Draft]:
    """What the marker said, and the latch where no reading can settle it."""
    outcome = effect.outcome
    results = [
        PositionOutcome(
            position=position,
            did=outcome.at(position).value,
            cause=_told(outcome.cause),
            echo=None if outcome.echo is None else _told(outcome.echo),
        )
        for position in effect.positions
    ]
    drafts = [Draft(Marked, {"intent": effect.intent, "results": results})]
    return [*drafts, latched(outcome)] if effect.latches else drafts


def trial(outcome: Outcome, device: str, job: str, text: str) -> Draft:
    """A shot of fixed test text; it carries no number."""
    fields = {
        "device": device,
        "job": job,
        "text": text,
        "did": outcome.did.value,
        "cause": _told(outcome.cause),
    }
    return Draft(Trial, fields)


def verified(
    verdict: PlaceVerdict,
    entry: Entry,
    of: RecordRef,
    device: str,
    reading: Reading | None,
    reason: str,
) -> Draft:
    """What was read on a part, or judged by eye for the reason that the order gives."""
    fields: dict[str, object] = {
        "of": of,
        "position": verdict.position,
        "device": device,
        "content": None if verdict.content is None else _told(verdict.content),
        "symbology": _told(reading.symbology, 200) if reading else "",
        "grade": _told(reading.grade, 200) if reading else "",
        "entry": entry,
        "verdict": verdict.verdict,
        "reason": reason,
    }
    return Draft(Verified, fields)


def resolved(position: int, of: RecordRef) -> Draft:
    """A matching read has settled an unknown outcome."""
    return Draft(Settled, {"of": of, "position": position, "how": "read", "reason": BY_READING})


def unlatched() -> Draft:
    """Every unknown outcome of the station was settled by a matching read."""
    return Draft(Unlatched, {"latch": "unknown-outcome", "reason": BY_READING})


def latched(outcome: Outcome) -> Draft:
    """The station waits for a reading or for two people."""
    return Draft(Latched, {"latch": "unknown-outcome", "cause": _told(outcome.cause)})


def _told(text: str, limit: int = LONGEST_TEXT) -> str:
    """What a device said, as a record can hold it: whatever it says, it does not stop a station."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if each == "\0" or "\ud800" <= each <= "\udfff" else each
        for each in text[:limit]
    )
