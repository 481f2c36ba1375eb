"""What a station says in the journal of its own effects: outcomes, trials and verdicts.

Pure: from what the cycle knows to the drafts of records. Whatever a device or a reader says is
cut to what a record can hold, so that it never stops a station.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.protocols import Outcome, Reading
from gateway.contract.plan import Due
from gateway.contract.record import (
    Latched,
    Marked,
    Observed,
    PositionOutcome,
    RecordRef,
    Settled,
    ShiftEnd,
    Trial,
    Unlatched,
    Verified,
)
from gateway.ledger import Ledger
from gateway.logbook import Draft
from gateway.moves import Entry, Note, PlaceVerdict, RecordMarked, Seen

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
    picture: str | None = None,
) -> Draft:
    """What was read on a part, or judged by eye for the reason that the order gives.

    `picture`: its name where one is kept.
    """
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
        "picture": picture,
    }
    return Draft(Verified, fields)


def resolved(position: int, of: RecordRef) -> Draft:
    """A matching read has settled an unknown outcome."""
    return Draft(Settled, {"of": of, "position": position, "how": "read", "reason": BY_READING})


def settled(
    of: RecordRef, position: int, how: str, reason: str, witnesses: tuple[str, ...]
) -> Draft:
    """Named people's decision about one mark."""
    fields = {
        "of": of,
        "position": position,
        "how": how,
        "reason": reason,
        "witnesses": witnesses,
    }
    return Draft(Settled, fields)


def approved(of: RecordRef, position: int, reason: str, approver: str) -> Draft:
    """A second person approves the first piece of an order: the station goes on."""
    fields = {
        "latch": "first-piece",
        "reason": reason,
        "witnesses": (approver,),
        "of": of,
        "position": position,
    }
    return Draft(Unlatched, fields)


def shift_ended(end: ShiftEnd) -> Draft:
    """The end of a shift, with what lies on the bench."""
    fields = {"purpose": "shift-end", "codes": (), "entry": "eye", "shift": end}
    return Draft(Observed, fields)


def freed(reason: str, witnesses: tuple[str, str]) -> Draft:
    """Two named people free a station."""
    fields = {"latch": "unknown-outcome", "reason": reason, "witnesses": witnesses}
    return Draft(Unlatched, fields)


def unlatched() -> Draft:
    """Every unknown outcome of the station was settled by a matching read."""
    return Draft(Unlatched, {"latch": "unknown-outcome", "reason": BY_READING})


def latched(outcome: Outcome) -> Draft:
    """The station waits for a reading or for two people."""
    return Draft(Latched, {"latch": "unknown-outcome", "cause": _told(outcome.cause)})


@dataclass(frozen=True)
class Awaited:
    """What a read outside a cycle may find: marks that wait for it, here and elsewhere."""

    ledger: Ledger
    due: Mapping[str, Due]
    """By content, marks of other gateways."""
    ref: Callable[[int], RecordRef]

    def seen(
        self,
        seen: Seen,
        entry: Entry,
        device: str,
        reading: Reading | None,
        picture: str | None = None,
    ) -> tuple[Draft | None, Note]:
        """The record of one code, and what to tell of it."""
        facts: tuple[tuple[str, str], ...] = (("content", seen.content),)
        if entry == "keyed":
            facts = (*facts, ("entry", entry))
        at = self.ledger.awaiting.get(seen.content)
        if at is not None:
            if self.ledger.is_under_way(at):
                return None, Note("under-way", facts)
            if entry == "keyed" and self.ledger.state_at(at) == "unknown":
                return None, Note("keyed-settles-nothing")
            of, position = self.ref(at[0]), at[1]
        elif seen.content in self.due:
            due = self.due[seen.content]
            of, position = due.of, due.position
        else:
            fields = {
                "purpose": "readback",
                "codes": (_told(seen.content),),
                "device": device,
                "entry": entry,
            }
            return Draft(Observed, fields), Note("nothing-waits", facts)
        verdict = PlaceVerdict(position, "good", seen.content)
        draft = verified(verdict, entry, of, device, reading, "", picture)
        return draft, Note("read-back", facts)


def _told(text: str, limit: int = LONGEST_TEXT) -> str:
    """What a device said, as a record can hold it: whatever it says, it does not stop a station."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if each == "\0" or "\ud800" <= each <= "\udfff" else each
        for each in text[:limit]
    )
