"""Records: the facts that a gateway journals. Encoded once; those bytes are the evidence."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool, StrictFloat, TypeAdapter
from pydantic import ValidationError as PydanticValidationError

from gateway.contract.encoding import (
    Count,
    GatewayName,
    Hex32,
    Message,
    Seq,
    Time,
    faults_of,
    parse_line,
)
from gateway.contract.errors import ContractError

Position = Annotated[int, Field(strict=True, ge=1, le=1000)]
Text = Annotated[str, Field(max_length=2000)]
Short = Annotated[str, Field(max_length=200)]


class ClockState(Message):
    """How far the gateway's clock could be trusted when it wrote `at`.

    `offset_ms` is what `at` lacks to the register's time, by the receipts for this boot: below
    zero where the clock is ahead. A gateway without such a receipt gives none.
    """

    synced: StrictBool
    offset_ms: StrictFloat | None = None


def synchronised_time(at: datetime, clock: ClockState) -> datetime | None:
    """Return the true time of a record, as far as its clock was synchronised; else None."""
    if not clock.synced:
        return None
    try:
        return at + timedelta(milliseconds=clock.offset_ms or 0.0)
    except OverflowError:  # an offset of thousands of years is no time
        return None


class RecordRef(Message):
    """A record anywhere: gateway, epoch and sequence number."""

    gateway: GatewayName
    epoch: Seq
    seq: Seq


class Common(Message):
    """What every record says. `salt` is 128 random bits, so that a hash alone tells nothing."""

    seq: Seq
    at: Time
    clock: ClockState
    station: Short | None = None
    operator: Short | None = None
    operator_auth: Literal["badge", "pin", "none"] = "none"
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Opened(Common):
    """The first record of an epoch, and why there is a new one."""

    type: Literal["opened"] = "opened"
    reason: Short
    versions: dict[str, str] = Field(default_factory=dict)
    devices: dict[str, str] = Field(default_factory=dict)
    config: Short = ""


class Span(Message):
    """Numbers `start` to `end` of a space, both included."""

    block: Short
    space: Short
    start: Count
    end: Count


class Accepted(Common):
    """This plan is in force from here on."""

    type: Literal["accepted"] = "accepted"
    incarnation: Count
    version: Count
    lease_until: Time
    blocks: tuple[Span, ...] = ()


class Trial(Common):
    """A shot to set focus or power: fixed test text, no number."""

    type: Literal["trial"] = "trial"
    device: Short
    job: Short
    text: Text
    did: Literal["done", "not_started", "unknown"]
    cause: Text = ""


class Item(Message):
    """What a mark claims: the UII, and the elements that it was derived from, canonically."""

    uii: Annotated[str, Field(min_length=1, max_length=50)]
    elements: Annotated[str, Field(min_length=1, max_length=400)]


class FromBlock(Message):
    """A fresh number."""

    kind: Literal["block"] = "block"
    block: Short
    space: Short
    number: Count


class Repeat(Message):
    """The number of an earlier intent: another component, another station, or a re-mark."""

    kind: Literal["repeat"] = "repeat"
    of: RecordRef
    position: Position = 1
    number: Count | None = None
    """The number that is repeated, so that this journal alone tells which it is."""


class Readback(Message):
    """How a mark is to be read back, as its order said when it was announced.

    `last`: the last part of its order here, which is read whatever the sample.
    `first`: the first piece of its order and component at its station, which is read too; before
    the next one a second person has to approve it.
    """

    mode: Literal["each", "sample", "elsewhere", "eye"]
    every: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    last: StrictBool = False
    first: StrictBool | None = None


class Mark(Message):
    """What is to be engraved at one position. Without `readback` each part is read back."""

    position: Position
    component: Short
    order: Short
    job: Short
    kind: Literal["serial", "package"]
    quantity: Count | None = None
    lot: Short | None = None
    item: Item
    content: Text
    text: tuple[Short, ...] = ()
    readback: Readback | None = None
    pieces: Annotated[int, Field(strict=True, ge=2, le=1000)] | None = None
    """How many pieces of the item carry this number, where more than one does."""
    piece: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    """Which of them this is, in the order in which they are marked; the first opens the number."""
    source: Annotated[FromBlock | Repeat, Field(discriminator="kind")]


class Intent(Common):
    """Before the first byte that carries a number enters a device. It spends the numbers."""

    type: Literal["intent"] = "intent"
    cycle: Short
    start: Literal["operator", "plc"]
    sequence: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    marks: Annotated[tuple[Mark, ...], Field(min_length=1)]


class PositionOutcome(Message):
    """What the marker said of one position."""

    position: Position
    did: Literal["done", "not_started", "unknown"]
    cause: Text = ""
    echo: Text | None = None


class Marked(Common):
    """What became of an intent of this epoch, by the marker's word."""

    type: Literal["marked"] = "marked"
    intent: Seq
    results: Annotated[tuple[PositionOutcome, ...], Field(min_length=1)]
    started: Time | None = None
    ended: Time | None = None


class Verified(Common):
    """What was read on a part. `reason` says why an eye judged in place of a reader.

    `grade` is the reader's own word: `est. B` is an estimate, no verification. `picture` is the
    SHA-256 of the picture that was read, or in which nothing was; its bytes stay at the gateway.
    """

    type: Literal["verified"] = "verified"
    of: RecordRef
    position: Position
    device: Short
    content: Text | None = None
    symbology: Short = ""
    grade: Short = ""
    entry: Literal["device", "keyed", "eye"]
    verdict: Literal["good", "unreadable", "mismatch", "below_grade"]
    reason: Text = ""
    picture: Hex32 | None = None


class Settled(Common):
    """How an open number ended by a person's decision, or by a read that resolved it."""

    type: Literal["settled"] = "settled"
    of: RecordRef
    position: Position
    how: Literal["accepted", "remark", "scrapped", "voided", "read"]
    reason: Text
    witnesses: tuple[Short, ...] = ()


class Counted(Message):
    """How many pieces of an order lie where, by hand: good ones (and those that wait to be read),
    those set aside, and scrap."""

    good: Count
    aside: Count
    scrapped: Count


class Tally(Message):
    """What an order came to at a station in one shift."""

    order: Short
    states: dict[Short, Count]
    """Of the marks that were made in it, how many stand how at its end: good, marked, rejected,
    unknown, scrapped, voided."""
    left: Count
    """How many numbers of the order the gateway still has."""
    counted: Counted


class ShiftEnd(Message):
    """The end of a shift, signed with its counts. `first` is its first record. `witnesses` and
    `reason`: who signed besides the operator where hand and journal differ, and why they do."""

    first: Seq
    trials: Count
    orders: tuple[Tally, ...] = ()
    witnesses: tuple[Short, ...] = ()
    reason: Text = ""


class Observed(Common):
    """Codes seen, outside a marking cycle: a scan, a count, a foreign mark before firing.

    `purpose` of a scan: receive, put-away, move, dispatch, issue, count, pack, find; a sender may
    have others. `symbologies`: the AIM identifier of each code, in their order. `place` is the code
    of the place or bay that was scanned, `consignment` the number of what comes or goes; `counted`:
    packages were opened, and what is in them is among the codes. A gateway's own: readback, and
    shift-end, which names no code and counts pieces in `shift`.
    """

    type: Literal["observed"] = "observed"
    purpose: Short
    codes: tuple[Text, ...]
    device: Short = ""
    entry: Literal["device", "keyed", "eye"] = "device"
    wedge: StrictBool | None = None
    """Of what is `keyed`: whether a keyboard wedge typed it, and not a person."""
    symbologies: tuple[Short, ...] | None = None
    place: Short | None = None
    consignment: Short | None = None
    counted: StrictBool | None = None
    shift: ShiftEnd | None = None


class Packed(Common):
    """Children into a parent; both named by their whole content."""

    type: Literal["packed"] = "packed"
    parent: Text
    children: tuple[Text, ...]
    place: Short | None = None


class Unpacked(Common):
    type: Literal["unpacked"] = "unpacked"
    parent: Text
    children: tuple[Text, ...]
    place: Short | None = None


class Assembled(Common):
    """Components joined to a whole; all named by their content. `component`: which one of the whole
    a single part is; else its own symbol says it."""

    type: Literal["assembled"] = "assembled"
    whole: Text
    parts: tuple[Text, ...]
    component: Short | None = None
    place: Short | None = None


class Parted(Common):
    type: Literal["parted"] = "parted"
    whole: Text
    parts: tuple[Text, ...]
    component: Short | None = None
    place: Short | None = None


class Corrected(Common):
    """Names the record that it corrects; nothing is edited."""

    type: Literal["corrected"] = "corrected"
    of: RecordRef
    reason: Text
    says: dict[str, str] = Field(default_factory=dict)


class Latched(Common):
    type: Literal["latched"] = "latched"
    latch: Short
    cause: Text


class Unlatched(Common):
    """Who freed a station. Of the latch `first-piece`: who approved the mark at `of`."""

    type: Literal["unlatched"] = "unlatched"
    latch: Short
    reason: Text
    witnesses: tuple[Short, ...] = ()
    of: RecordRef | None = None
    position: Position | None = None


class KeyChanged(Common):
    """From the next record on this key signs. `public` is 32 raw bytes in hex."""

    type: Literal["key_changed"] = "key_changed"
    key: Short
    public: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Closed(Common):
    """The journal ends here on purpose."""

    type: Literal["closed"] = "closed"
    reason: Text


Record: TypeAlias = (
    Opened
    | Accepted
    | Trial
    | Intent
    | Marked
    | Verified
    | Settled
    | Observed
    | Packed
    | Unpacked
    | Assembled
    | Parted
    | Corrected
    | Latched
    | Unlatched
    | KeyChanged
    | Closed
)
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="type")])


def encode_record(record: Record) -> bytes:
    """The record's one encoding: a line of JSON, without a line feed."""
    return record.line()


def decode_record(line: bytes) -> Record:
    """Decode a record of any release of version 1; raises `ContractError`."""
    value = parse_line(line)
    try:
        return _ADAPTER.validate_python(value)
    except PydanticValidationError as error:
        raise ContractError(faults_of(error)) from error
