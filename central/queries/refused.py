"""What was not accepted: refused records, records that wait, and messages that are no batch."""

import base64

from sqlalchemy import Connection, and_, func, select

from central import schema
from central.errors import NotFound
from central.queries.models import BatchView, EvidenceRow, RecordKey, Refusal, Waiting
from central.queries.records import StoredBatch, batches


def refusals(
    connection: Connection, limit: int, *, gateway: str | None = None, open_only: bool = True
) -> list[Refusal]:
    """The latest first; resolved ones only where they are asked for."""
    refusal, stream, batch, record = schema.refusal, schema.stream, schema.batch, schema.record
    query = (
        select(refusal, stream.c.gateway, stream.c.epoch, record.c.type, record.c.at)
        .join(stream, stream.c.id == refusal.c.stream)
        .join(
            batch,
            and_(
                batch.c.stream == refusal.c.stream,
                batch.c.first <= refusal.c.seq,
                batch.c.last >= refusal.c.seq,
            ),
        )
        .join(
            record,
            and_(record.c.batch == batch.c.id, record.c.pos == refusal.c.seq - batch.c.first),
        )
        .order_by(batch.c.id.desc(), refusal.c.seq.desc())
        .limit(limit)
    )
    if gateway is not None:
        query = query.where(stream.c.gateway == gateway)
    if open_only:
        query = query.where(refusal.c.resolved.is_(None))
    return [
        Refusal(
            record=RecordKey(gateway=row.gateway, epoch=row.epoch, seq=row.seq),
            code=row.code,
            detail=row.detail,
            type=row.type,
            at=row.at,
            resolved=row.resolved,
        )
        for row in connection.execute(query)
    ]


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """What came too early, the oldest first."""
    table, stream = schema.waiting, schema.stream
    rows = connection.execute(
        select(table, stream.c.gateway, stream.c.epoch)
        .join(stream, stream.c.id == table.c.stream)
        .order_by(table.c.batch, table.c.seq)
        .limit(limit)
    )
    return [
        Waiting(
            record=RecordKey(gateway=row.gateway, epoch=row.epoch, seq=row.seq),
            of=RecordKey(gateway=row.of_gateway, epoch=row.of_epoch, seq=row.of_seq),
            position=row.of_position,
            heard=row.heard,
        )
        for row in rows
    ]


def evidence(
    connection: Connection, limit: int, *, gateway: str | None = None
) -> list[EvidenceRow]:
    """The latest first, without their bytes."""
    table = schema.evidence
    query = (
        select(
            table.c.id,
            table.c.gateway,
            table.c.received,
            table.c.reason,
            table.c.detail,
            table.c.sha256,
            func.octet_length(table.c.bytes).label("size"),
        )
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    if gateway is not None:
        query = query.where(table.c.gateway == gateway)
    return [
        EvidenceRow(
            id=row.id,
            gateway=row.gateway,
            received=row.received,
            reason=row.reason,
            detail=row.detail,
            size=row.size,
            sha256=bytes(row.sha256).hex(),
        )
        for row in connection.execute(query)
    ]


def evidence_bytes(connection: Connection, number: int) -> bytes:
    """A kept message whole, as it arrived. Raises `NotFound`."""
    found = connection.execute(
        select(schema.evidence.c.bytes).where(schema.evidence.c.id == number)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"no evidence {number}")
    return bytes(found)


def batch(connection: Connection, number: int) -> BatchView:
    """A stored batch without its body. Raises `NotFound`."""
    found = _stored(connection, number)
    return BatchView(
        id=found.id,
        record=found.key(0),
        last=found.last,
        head=found.head.hex(),
        header=found.header.decode("utf-8", errors="replace"),
        key=found.key_id,
        signature=base64.b64encode(found.sig).decode(),
        received=found.received,
    )


def batch_bytes(connection: Connection, number: int) -> bytes:
    """A batch as it was sent: header, signature, records. Raises `NotFound`.

    Where the message overlapped what was stored before, its first records are left out here.
    """
    found = _stored(connection, number)
    signature = found.key_id.encode() + b" " + base64.b64encode(found.sig)
    return b"\n".join((found.header, signature, *found.lines))


def _stored(connection: Connection, number: int) -> StoredBatch:
    found = batches(connection, [number])
    if number not in found:
        raise NotFound(f"no batch {number}")
    return found[number]
