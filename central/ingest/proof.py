"""Proof that this register is older than it was, and the hold that follows.

A gateway keeps the last receipt and sends it with its state. A receipt that this register signed,
and whose records it does not hold, proves that a backup was put in its place and that nobody
declared the restore. What a gateway says without such a receipt is a claim: it stops nothing.
"""

from collections.abc import Callable
from datetime import datetime

from central.ingest import ingest_acts, store
from central.ingest.database import Connection
from central.ingest.facts import Stream
from central.register.incarnation import PROVED_OLDER
from central.said import said
from gateway.contract.errors import ContractError
from gateway.contract.receipt import Receipt, decode_receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import State


def own_receipt(state: State, gateway: str, key: SigningKey) -> Receipt | None:
    """Return the receipt of a state if this register signed it for that gateway."""
    if state.receipt is None:
        return None
    try:
        receipt = decode_receipt(state.receipt.encode(), {key.id: key.public}.get)
    except ContractError:
        return None
    return receipt if receipt.gateway == gateway else None


def contradiction(
    receipt: Receipt,
    incarnation: int,
    stream: Stream | None,
    head_at: Callable[[int], bytes | None],
) -> str | None:
    """Return what the receipt confirms and this register does not hold; None where it holds all.

    `stream`: the receipt's as it stands; `head_at`: its head at a seq, None within a gap.
    """
    if receipt.incarnation < incarnation:
        return None  # what was confirmed before a declared restore is sent again
    if receipt.incarnation > incarnation:
        return said(
            "{gateway} holds a receipt of incarnation {theirs}; this register is {ours}",
            gateway=receipt.gateway,
            theirs=receipt.incarnation,
            ours=incarnation,
        )
    if stream is None or receipt.committed > stream.committed:
        return said(
            "{gateway} holds a receipt for record {epoch}/{seq}; this register ends at {end}",
            gateway=receipt.gateway,
            epoch=receipt.epoch,
            seq=receipt.committed,
            end=0 if stream is None else stream.committed,
        )
    head = head_at(receipt.committed)
    if head is not None and head.hex() != receipt.head:
        return said(
            "{gateway} holds a receipt for record {epoch}/{seq}, which is another one here",
            gateway=receipt.gateway,
            epoch=receipt.epoch,
            seq=receipt.committed,
        )
    return None


def weigh(connection: Connection, receipt: Receipt, now: datetime) -> None:
    """Hold this register if the receipt proves that it is older than it was."""
    stream = store.lock_stream(connection, receipt.gateway, receipt.epoch)
    ours = store.incarnation(connection)

    def head_at(seq: int) -> bytes | None:
        assert stream is not None
        return store.head_at(connection, stream, seq)

    why = contradiction(receipt, ours, stream, head_at)
    if why is not None:
        _hold(connection, str(ours), why, now)


def _hold(connection: Connection, incarnation: str, why: str, now: datetime) -> None:
    """Enter the act, once; what follows from it is `central.register.incarnation`'s."""
    if store.is_held(connection):
        return
    ingest_acts.act(connection, "register", incarnation, PROVED_OLDER, {}, why, now)
    connection.execute(
        "INSERT INTO setting (name, value) VALUES ('older', %s) ON CONFLICT DO NOTHING", (why,)
    )
