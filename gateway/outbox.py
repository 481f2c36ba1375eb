"""What to send next, and what a receipt means. Only a receipt moves the cursor on.

A register that was restored from a backup may have forgotten plans that it signed. The batch whose
records accept such a plan brings it: the register checks its own signature and knows it again.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.contract.batch import MAX_BYTES, MAX_RECORDS, BatchHeader, encode_batch
from gateway.contract.encoding import dump_line
from gateway.contract.errors import ContractError
from gateway.contract.plan import Plan
from gateway.contract.receipt import Receipt, Refusal
from gateway.contract.record import Accepted, decode_record
from gateway.contract.signed import SigningKey, take_apart
from gateway.details import Detail, detail
from gateway.journal import Cursor, Journal

_ACCEPTED = b'"type":"accepted"'
"""As every such record holds it: inside a text the quotation marks are escaped."""


@dataclass(frozen=True)
class Moved:
    """The receipt moved the cursor, or confirmed where it stands."""

    committed: int
    refused: tuple[Refusal, ...]
    refused_more: int


@dataclass(frozen=True)
class Ignored:
    """The receipt is older than what is known, or is not for this journal."""

    why: str


@dataclass(frozen=True)
class Less:
    """The receipt confirms less than the register has confirmed already.

    It was delayed, or the register is an older copy of itself: restored, and nobody declared it.
    """

    committed: int


@dataclass(frozen=True)
class Latch:
    """The register and this journal contradict each other; marking stops."""

    latch: Literal["rolled-back", "forked", "two-of-me"]
    cause: Detail


def next_batch(journal: Journal, boot: str, key: SigningKey) -> bytes | None:
    """The batch that follows the cursor, or None when everything is committed."""
    cursor = journal.cursor()
    bodies: list[bytes] = []
    plans: list[str] = []
    size = 0
    head = b""
    for entry in journal.entries(cursor.committed + 1, cursor.committed + MAX_RECORDS):
        plan = _former_plan(journal, cursor.incarnation, entry.body)
        size += len(entry.body) + 1 + (len(dump_line({"plan": plan})) if plan else 0)
        if bodies and size > MAX_BYTES:
            break
        bodies.append(entry.body)
        if plan is not None:
            plans.append(plan)
        head = entry.head
    if not bodies:
        return None
    header = BatchHeader(
        gateway=journal.gateway,
        epoch=journal.epoch,
        boot=boot,
        first=cursor.committed + 1,
        last=cursor.committed + len(bodies),
        prev=cursor.head.hex(),
        head=head.hex(),
        incarnation=cursor.incarnation,
        plans=tuple(plans) or None,
    )
    return encode_batch(header, bodies, key)


def _former_plan(journal: Journal, incarnation: int, body: bytes) -> str | None:
    """The plan that a record accepts, where an incarnation before this one issued it.

    None for one that is damaged: the register judges the records without it.
    """
    record = accepted(body)
    if record is None or record.incarnation >= incarnation:
        return None
    return as_text(journal.plan_of(record.incarnation, record.version))


def accepted(body: bytes) -> Accepted | None:
    """The record, where it accepts a plan."""
    if _ACCEPTED not in body:
        return None
    record = decode_record(body)
    return record if isinstance(record, Accepted) else None


def as_text(payload: bytes | None) -> str | None:
    """A plan as a batch brings it; None where there is none, or where its bytes are damaged."""
    if payload is None:
        return None
    try:
        Plan.from_line(take_apart("plan", payload).line)
        return payload.decode()
    except (ContractError, UnicodeDecodeError):
        return None


def take_receipt(
    journal: Journal, receipt: Receipt, payload: str = ""
) -> Moved | Ignored | Less | Latch:
    """Carry out a receipt whose signature holds; durable when it returns.

    `payload`: the receipt as it was signed, which the journal keeps.
    """
    if receipt.gateway != journal.gateway or receipt.epoch != journal.epoch:
        return Ignored(f"it is for {receipt.gateway}, epoch {receipt.epoch}")
    cursor = journal.cursor()
    if receipt.incarnation < cursor.incarnation:
        return Less(receipt.committed)
    if receipt.latch in ("forked", "two-of-me"):
        told = detail("register-latches")
        return Latch("forked" if receipt.latch == "forked" else "two-of-me", told)
    if receipt.latch is not None:
        # `closed`: a newer epoch was opened, and this is the old journal. Whatever else there may
        # be in later releases: marking stops.
        if receipt.latch == "closed":
            return Latch("rolled-back", detail("register-closed"))
        return Latch("rolled-back", detail("register-says", state=receipt.latch))
    if receipt.incarnation == cursor.incarnation and receipt.committed < cursor.committed:
        return Less(receipt.committed)
    ours = journal.head_at(receipt.committed)
    if ours is None:
        told = detail("register-ahead", seq=receipt.committed, end=journal.end)
        return Latch("rolled-back", told)
    if ours.hex() != receipt.head:
        return Latch("rolled-back", detail("register-other-record", seq=receipt.committed))
    moved = Cursor(receipt.incarnation, receipt.committed, ours)
    if moved != cursor or (payload and not journal.receipt()):
        journal.move_cursor(moved, payload)
    return Moved(receipt.committed, receipt.refused, receipt.refused_more)
