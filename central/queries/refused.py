"""What was not accepted: refused records, records that wait, and messages that are no batch."""

import base64

from sqlalchemy import Connection, func, lateral, select, true, tuple_

from central import schema
from central.errors import NotFound
from central.queries.models import BatchView, EvidenceRow, RecordKey, Refusal, Waiting
from central.queries.paging import Count, Page, page, position
from central.queries.records import StoredBatch, batches
from central.register.subject import no_such
from central.screens import kept
from central.screens.texts import LANGUAGES, Language


def refusals(
    connection: Connection,
    limit: int,
    cursor: str | None = None,
    *,
    gateway: str | None = None,
    open_only: bool = True,
) -> Page[Refusal]:
    """The latest first; resolved ones only where they are asked for."""
    refusal, stream = schema.refusal, schema.stream
    # Of its stream's batches the last that begins before it, for which there is an index.
    batch = lateral(
        select(schema.batch.c.id, schema.batch.c.first)
        .where(schema.batch.c.stream == refusal.c.stream, schema.batch.c.first <= refusal.c.seq)
        .order_by(schema.batch.c.first.desc())
        .limit(1)
    )
    record = lateral(
        select(schema.record.c.type, schema.record.c.at)
        .where(
            schema.record.c.batch == batch.c.id,
            schema.record.c.pos == refusal.c.seq - batch.c.first,
        )
        .limit(1)
    )
    query = (
        select(
            refusal,
            stream.c.gateway,
            stream.c.epoch,
            record.c.type,
            record.c.at,
            batch.c.id.label("batch"),
        )
        .select_from(
            refusal.join(stream, stream.c.id == refusal.c.stream)
            .join(batch, true())
            .join(record, true())
        )
        .order_by(batch.c.id.desc(), refusal.c.seq.desc())
        .limit(limit + 1)
    )
    before = position(cursor, Count, Count)
    if before is not None:
        query = query.where(tuple_(batch.c.id, refusal.c.seq) < tuple_(*before))
    if gateway is not None:
        query = query.where(stream.c.gateway == gateway)
    if open_only:
        query = query.where(refusal.c.resolved.is_(None))
    rows = page(connection.execute(query).all(), limit, lambda row: (row.batch, row.seq))
    found = [
        Refusal(
            record=RecordKey(gateway=row.gateway, epoch=row.epoch, seq=row.seq),
            code=row.code,
            detail=row.detail,
            told=_told(row.detail),
            type=row.type,
            at=row.at,
            resolved=row.resolved,
        )
        for row in rows.items
    ]
    return Page(items=found, next=rows.next)


def waiting(connection: Connection, limit: int, cursor: str | None = None) -> Page[Waiting]:
    """What came too early, the oldest first."""
    table, stream = schema.waiting, schema.stream
    query = (
        select(table, stream.c.gateway, stream.c.epoch)
        .join(stream, stream.c.id == table.c.stream)
        .order_by(table.c.batch, table.c.seq)
        .limit(limit + 1)
    )
    after = position(cursor, Count, Count)
    if after is not None:
        query = query.where(tuple_(table.c.batch, table.c.seq) > tuple_(*after))
    rows = page(connection.execute(query).all(), limit, lambda row: (row.batch, row.seq))
    found = [
        Waiting(
            record=RecordKey(gateway=row.gateway, epoch=row.epoch, seq=row.seq),
            of=RecordKey(gateway=row.of_gateway, epoch=row.of_epoch, seq=row.of_seq),
            position=row.of_position,
            heard=row.heard,
        )
        for row in rows.items
    ]
    return Page(items=found, next=rows.next)


def evidence(
    connection: Connection, limit: int, cursor: str | None = None, *, gateway: str | None = None
) -> Page[EvidenceRow]:
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
        .limit(limit + 1)
    )
    before = position(cursor, Count)
    if before is not None:
        query = query.where(table.c.id < before[0])
    if gateway is not None:
        query = query.where(table.c.gateway == gateway)
    rows = page(connection.execute(query).all(), limit, lambda row: (row.id,))
    found = [
        EvidenceRow(
            id=row.id,
            gateway=row.gateway,
            received=row.received,
            reason=row.reason,
            detail=row.detail,
            told=_told(row.detail),
            size=row.size,
            sha256=bytes(row.sha256).hex(),
        )
        for row in rows.items
    ]
    return Page(items=found, next=rows.next)


def _told(detail: str) -> dict[Language, str]:
    return {language: kept.in_words(detail, language) for language in LANGUAGES}


def evidence_bytes(connection: Connection, number: int) -> bytes:
    """A kept message whole, as it arrived. Raises `NotFound`."""
    found = connection.execute(
        select(schema.evidence.c.bytes).where(schema.evidence.c.id == number)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(no_such("evidence", str(number)))
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
        raise NotFound(no_such("batch", str(number)))
    return found[number]
