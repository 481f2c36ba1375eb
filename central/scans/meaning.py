"""What a record that scans tells: the one table of purposes, and what each asks for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from central.register.articles.models import EventKind
from central.said import said
from gateway.contract.record import Assembled, Observed, Packed, Parted, Record, Unpacked

Scanned: TypeAlias = Observed | Packed | Unpacked | Assembled | Parted
SCANS = ("observed", "packed", "unpacked", "assembled", "parted")

PURPOSES: Mapping[str, EventKind] = {
    "receive": "received",
    "put-away": "stored",
    "move": "moved",
    "dispatch": "dispatched",
    "issue": "issued",
    "count": "seen",
    "pack": "seen",
    "find": "found",
}
"""By the purpose of an `observed`. What was looked for and was not missing is `seen`."""
LEAVES: frozenset[EventKind] = frozenset({"dispatched", "issued"})
"""Of these the place is where it was, and no longer is."""


@dataclass(frozen=True)
class Told:
    """What a record says became of what its codes name. `into`: the code of what they are put into
    or taken out of, and `component` which part of that it is, where the record says it."""

    what: EventKind
    purpose: str
    codes: tuple[str, ...]
    into: str | None = None
    component: str | None = None
    place: str | None = None
    consignment: str | None = None
    counted: bool = False


class NoEvent(Exception):
    """A record is kept, and becomes no event. `code` is stable: see docs/devices.md."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def codes_of(record: Scanned) -> tuple[str, ...]:
    """All that it names by a code."""
    match record:
        case Observed():
            return record.codes
        case Packed() | Unpacked():
            return (record.parent, *record.children)
        case Assembled() | Parted():
            return (record.whole, *record.parts)


def meaning(record: Scanned) -> Told:
    """Raises `NoEvent` where it says what no event tells."""
    match record:
        case Observed():
            what = PURPOSES.get(record.purpose)
            if what is None:
                purpose = repr(record.purpose)
                raise NoEvent(
                    "unknown-purpose",
                    said("{purpose} is none of the register's", purpose=purpose),
                )
            return Told(
                what,
                record.purpose,
                record.codes,
                place=record.place,
                consignment=record.consignment,
                counted=bool(record.counted),
            )
        case Packed() | Unpacked():
            return Told(
                record.type,
                record.type,
                record.children,
                into=record.parent,
                place=record.place,
            )
        case Assembled() | Parted():
            if len(record.parts) != 1:
                many = said("one part is built in or taken out by one record")
                raise NoEvent("one-at-a-time", many)
            return Told(
                "assembled" if isinstance(record, Assembled) else "disassembled",
                record.type,
                record.parts,
                into=record.whole,
                component=record.component,
                place=record.place,
            )


def purpose_of(record: Record | None) -> str:
    """In a word, for who looks at a list of them."""
    if record is None:
        return ""
    return record.purpose if isinstance(record, Observed) else record.type
