"""What the rules are told and what they answer: plain values, no SQL and no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from central.ingest.life import Item, ItemKey
from central.ingest.samples import Group
from gateway.contract.batch import Batch
from gateway.contract.plan import Plan
from gateway.contract.record import Intent, Record, Settled, Verified
from gateway.contract.topics import Boot

PlanKey = tuple[int, int]
"""(incarnation, version)."""
PlanKeys = Mapping[str, bytes]
"""By their ids, the public keys that this register signs plans with."""
StreamState = Literal["live", "forked", "two-of-me", "closed"]


class RecordKey(NamedTuple):
    """A record anywhere."""

    gateway: str
    epoch: int
    seq: int


class MarkKey(NamedTuple):
    """A mark anywhere: the record that announced it, and the position."""

    gateway: str
    epoch: int
    seq: int
    position: int


@dataclass(frozen=True)
class Key:
    """A gateway's public key and the records it signs; `to_seq` None while it is the current."""

    id: str
    public: bytes
    from_seq: int
    to_seq: int | None


@dataclass(frozen=True)
class Stream:
    """One epoch of a gateway or a device as the register holds it, locked."""

    id: int
    gateway: str
    epoch: int
    committed: int
    head: bytes
    state: StreamState
    boot: Boot | None
    plan: PlanKey | None
    keys: tuple[Key, ...]
    is_device: bool = False
    """It scans, and has nothing to mark with."""


@dataclass(frozen=True)
class Received:
    """A batch whose own bytes are consistent; its signature and place are not checked yet."""

    payload: bytes
    batch: Batch
    boot: Boot
    chain: tuple[bytes, ...]
    """The head after each record."""
    records: tuple[Record | None, ...]
    """None where the bytes are no record of this contract, or not of this place."""
    faults: tuple[str, ...]
    """Why, for those."""


@dataclass(frozen=True)
class Evidence:
    """Bytes to keep, and why they did not become a batch. `answer`: with a receipt all the same."""

    gateway: str
    reason: str
    detail: str
    payload: bytes
    answer: bool
    latch: StreamState | None = None
    """The stream's new state, where this latches it."""


@dataclass(frozen=True)
class Dropped:
    """Nothing to keep: a replay, a batch beyond what is committed, or one that comes too soon.
    Answered with a receipt, after which the sender sends what is wanted.

    `older`: the register is proved older than it was, and takes nothing until that is declared.
    `unheard`: it accepts a plan that a restored register may have forgotten, and its sender has not
    heard of the restore.
    """

    reason: Literal["replay", "gap", "older", "unheard"]


@dataclass(frozen=True)
class Brought:
    """A plan that a batch brings, which its new records accept and this register has signed."""

    plan: Plan
    payload: bytes


@dataclass(frozen=True)
class Unjudged:
    """A batch that the rules stumble over is kept without being judged. `claims`: its marks claim
    their numbers, and the plans that it brings are stored."""

    fault: str
    claims: bool = True


@dataclass(frozen=True)
class Suffix:
    """The records from index `start` on are new."""

    start: int


class Held(NamedTuple):
    """The item that a mark claims; `fresh` when the mark spends a number of a block."""

    item: ItemKey
    fresh: bool


@dataclass(frozen=True)
class Waiting:
    """A statement of another stream that came too early: judged when more is heard of its mark."""

    by: RecordKey
    of: MarkKey
    says: Verified | Settled
    heard: bool = False
    """The mark is known, and what became of it is not."""


@dataclass(frozen=True)
class Needs:
    """What the law has to know before it can judge a suffix."""

    plans: frozenset[PlanKey]
    uiis: frozenset[str]
    elements: frozenset[str]
    numbers: frozenset[tuple[str, int]]
    marks: frozenset[MarkKey]
    intents: frozenset[RecordKey]
    orders: frozenset[str]
    repeated: frozenset[MarkKey]
    """Of `marks`, those whose number is marked once more: who else claims it matters."""
    awaited: frozenset[RecordKey]
    """Intents that are announced here, or of which something is said: others may wait for that."""
    outcomes: frozenset[MarkKey]
    """Of `marks`, those whose outcome is told here."""
    sampling: bool
    """A mark is announced here that is read by sample."""
    reading: bool
    """A device's read or a decision is told here, which may speak for a whole group."""


@dataclass(frozen=True)
class Known:
    """What the register holds of `Needs`."""

    plans: Mapping[PlanKey, Plan] = field(default_factory=dict)
    items: Mapping[ItemKey, Item] = field(default_factory=dict)
    """Every component of each UII that is needed or claimed by a needed mark; and of each member
    of a group on which this batch may decide."""
    marks: Mapping[MarkKey, Held] = field(default_factory=dict)
    """The needed ones, and every other claim of a number that is repeated."""
    numbers: Mapping[tuple[str, int], tuple[MarkKey, ...]] = field(default_factory=dict)
    intents: Mapping[RecordKey, Intent] = field(default_factory=dict)
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The components that an order's product requires."""
    waiting: Mapping[MarkKey, tuple[Waiting, ...]] = field(default_factory=dict)
    """For each mark of an awaited intent, in the order of arrival."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """The open ones of the stream, and those that a known item has joined."""


@dataclass(frozen=True)
class Claim:
    """One mark of an intent that asserts an item; `fresh` when it spends a number."""

    seq: int
    position: int
    item: ItemKey
    order: str
    space: str | None
    number: int | None
    fresh: bool
    quantity: int | None
    """So many pieces, the mark says, are in the package; None of what is no package."""
    station: str
    """That the record names; empty where it names none."""


@dataclass(frozen=True)
class RecordRow:
    seq: int
    type: str
    at: datetime | None
    verdict: str


@dataclass(frozen=True)
class Refused:
    seq: int
    code: str
    detail: str


@dataclass(frozen=True)
class SpanSeen:
    """Numbers that a gateway says an unknown plan gave it."""

    block: str
    space: str
    start: int
    end: int
    plan: PlanKey


@dataclass(frozen=True)
class Sighting:
    """A gateway's reader read an item that no record has claimed. `position`: which code it was."""

    seq: int
    position: int
    uii: str
    serial: str


@dataclass(frozen=True)
class Rejudged:
    """A waiting record whose mark was heard, and that is refused for another reason now."""

    of: RecordKey
    code: str
    detail: str


@dataclass(frozen=True)
class Conclusions:
    """All that the law draws from a run of one stream's records."""

    plan: PlanKey | None
    """In force after them."""
    records: tuple[RecordRow, ...]
    items: Mapping[ItemKey, Item]
    """New and changed items, as they are afterwards."""
    claims: tuple[Claim, ...]
    about: tuple[tuple[ItemKey, RecordKey], ...]
    """The later records that say something of an item; late ones of other streams too."""
    refused: tuple[Refused, ...]
    resolved: tuple[RecordKey, ...]
    """Refused records that a correction of the same gateway names, or whose mark was heard."""
    rejudged: tuple[Rejudged, ...]
    waiting: Mapping[RecordKey, Waiting]
    """Those that wait from now on, or go on waiting."""
    judged: tuple[RecordKey, ...]
    """Those that wait no longer."""
    groups: Mapping[str, Group]
    """New and changed ones."""
    spans: tuple[SpanSeen, ...]
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True)
class Writes(Conclusions):
    """All that one batch changes."""

    first: int
    last: int
    head: bytes
    boot: Boot
    body: bytes
    next_key: Key | None
    """The key that signs from the next record on."""
