"""Receipts: what the register has committed of a stream, signed for one boot."""

from datetime import datetime

from central.ingest.database import Connection
from gateway.contract.receipt import MAX_REFUSED, Receipt, Refusal, encode_receipt
from gateway.contract.signed import SigningKey


def receipt(
    connection: Connection, gateway: str, epoch: int, boot: str, now: datetime
) -> Receipt | None:
    """The cumulative receipt as the committed rows give it; None for an epoch never opened."""
    row = connection.execute(
        "SELECT id, committed, head, state,"
        " (SELECT value::bigint FROM setting WHERE name = 'incarnation'),"
        " (SELECT count(*) FROM refusal r WHERE r.stream = stream.id AND resolved IS NULL)"
        " FROM stream WHERE gateway = %s AND epoch = %s",
        (gateway, epoch),
    ).fetchone()
    if row is None:
        return None
    stream, committed, head, state, incarnation, open_refusals = row
    refused = (
        connection.execute(
            "SELECT seq, code, detail FROM refusal WHERE stream = %s AND resolved IS NULL"
            " ORDER BY seq LIMIT %s",
            (stream, MAX_REFUSED),
        ).fetchall()
        if open_refusals
        else []
    )
    return Receipt(
        gateway=gateway,
        epoch=epoch,
        boot=boot,
        at=now,
        incarnation=incarnation,
        committed=committed,
        head=bytes(head).hex(),
        refused=tuple(Refusal(seq=seq, code=code, detail=text) for seq, code, text in refused),
        refused_more=max(0, open_refusals - MAX_REFUSED),
        latch=None if state == "live" else state,
    )


def signed_receipt(
    connection: Connection, key: SigningKey, gateway: str, epoch: int, boot: str, now: datetime
) -> bytes | None:
    """The payload to publish, or None for an epoch never opened."""
    found = receipt(connection, gateway, epoch, boot, now)
    return None if found is None else encode_receipt(found, key)
