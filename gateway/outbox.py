"""What to send next, and what a receipt means. Only a receipt moves the cursor on."""

from dataclasses import dataclass
from typing import Literal

from gateway.contract.batch import MAX_BYTES, MAX_RECORDS, BatchHeader, encode_batch
from gateway.contract.receipt import Receipt, Refusal
from gateway.contract.signed import SigningKey
from gateway.details import Detail, detail
from gateway.journal import Cursor, Journal


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
    size = 0
    head = b""
    for entry in journal.entries(cursor.committed + 1, cursor.committed + MAX_RECORDS):
        size += len(entry.body) + 1
        if bodies and size > MAX_BYTES:
            break
        bodies.append(entry.body)
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
    )
    return encode_batch(header, bodies, key)


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
