"""Records out of the bodies of stored batches, and the proof that comes with each."""

import base64
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, lateral, select
from sqlalchemy.orm import aliased

from central import schema
from central.queries.models import Evidence, LifeEntry, RecordKey
from gateway.contract.batch import BatchHeader, first_head, heads
from gateway.contract.encoding import parse_line
from gateway.contract.errors import ContractError
from gateway.contract.record import Record, decode_record
from gateway.contract.signed import Signed

Place = tuple[int, int]
"""(batch, pos)."""


@dataclass(frozen=True)
class StoredBatch:
    """A batch's row with the stream that it belongs to."""

    id: int
    stream: int
    gateway: str
    epoch: int
    first: int
    last: int
    head: bytes
    header: bytes
    key_id: str
    sig: bytes
    lines: tuple[bytes, ...]
    received: datetime

    def key(self, pos: int) -> RecordKey:
        return RecordKey(gateway=self.gateway, epoch=self.epoch, seq=self.first + pos)

    def record(self, pos: int) -> Record | None:
        """None where the bytes are no record of this contract."""
        try:
            return decode_record(self.lines[pos])
        except (ContractError, IndexError):
            return None


def batches(connection: Connection, ids: Iterable[int]) -> dict[int, StoredBatch]:
    """The stored batches of these ids, with their bodies."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    batch, stream = schema.batch, schema.stream
    rows = connection.execute(
        select(batch, stream.c.gateway, stream.c.epoch)
        .join(stream, stream.c.id == batch.c.stream)
        .where(batch.c.id.in_(wanted))
    )
    return {
        row.id: StoredBatch(
            id=row.id,
            stream=row.stream,
            gateway=row.gateway,
            epoch=row.epoch,
            first=row.first,
            last=row.last,
            head=bytes(row.head),
            header=bytes(row.header),
            key_id=row.key_id,
            sig=bytes(row.sig),
            lines=tuple(bytes(row.body).split(b"\n")),
            received=row.received,
        )
        for row in rows
    }


@dataclass(frozen=True)
class StreamKey:
    """A key of a stream, and the records that it may sign: to `last`, or on where that is None."""

    public: bytes
    first: int
    last: int | None

    def is_good_for(self, batch: StoredBatch) -> bool:
        return self.first <= batch.first and (self.last is None or batch.last <= self.last)


def keys_of(connection: Connection, streams: Collection[int]) -> dict[tuple[int, str], StreamKey]:
    """By stream and the key's id."""
    key = schema.stream_key
    rows = connection.execute(select(key).where(key.c.stream.in_(sorted(streams))))
    return {
        (row.stream, row.key_id): StreamKey(bytes(row.public), row.from_seq, row.to_seq)
        for row in rows
    }


def place_of(connection: Connection, key: RecordKey) -> Place | None:
    """Where a record is stored, or None when the register does not hold it."""
    batch, stream = schema.batch, schema.stream
    row = connection.execute(
        select(batch.c.id, batch.c.first, batch.c.last)
        .join(stream, stream.c.id == batch.c.stream)
        .where(
            stream.c.gateway == key.gateway,
            stream.c.epoch == key.epoch,
            batch.c.first <= key.seq,
        )
        .order_by(batch.c.first.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.last < key.seq:
        return None
    return row.id, key.seq - row.first


def entries(connection: Connection, named: Mapping[Place, list[str]]) -> list[LifeEntry]:
    """The records at these places in the order in which they were stored.

    `named` gives the components of the item in question that each record names.
    """
    stored = batches(connection, (batch for batch, _ in named))
    before = heads_before(connection, stored)
    proofs = {batch.id: proof for batch, proof in _proofs(connection, stored, before)}
    verdicts = _verdicts(connection, stored)
    found = []
    for batch_id, pos in sorted(named):
        batch = stored[batch_id]
        line = batch.lines[pos] if pos < len(batch.lines) else b""
        verdict, detail, resolved = verdicts.get((batch_id, pos), ("missing", "", None))
        record = batch.record(pos)
        found.append(
            LifeEntry(
                record=batch.key(pos),
                type="" if record is None else record.type,
                at=None if record is None else record.at,
                station=None if record is None else record.station,
                operator=None if record is None else record.operator,
                operator_auth="none" if record is None else record.operator_auth,
                components=named[batch_id, pos],
                verdict=verdict,
                detail=detail,
                resolved=resolved,
                says=_decoded(line) if record is not None else None,
                text=line.decode("utf-8", errors="replace"),
                evidence=proofs[batch_id].model_copy(
                    update={
                        "sha256": hashlib.sha256(line).hexdigest(),
                        "own": _head_after(batch, pos, before.get(batch_id)),
                    }
                ),
            )
        )
    return found


def _decoded(line: bytes) -> dict[str, Any]:
    return parse_line(line)


def _verdicts(
    connection: Connection, stored: Mapping[int, StoredBatch]
) -> dict[Place, tuple[str, str, datetime | None]]:
    record, batch, refusal = schema.record, schema.batch, schema.refusal
    rows = connection.execute(
        select(record.c.batch, record.c.pos, record.c.verdict, refusal.c.detail, refusal.c.resolved)
        .join(batch, batch.c.id == record.c.batch)
        .outerjoin(
            refusal,
            and_(
                refusal.c.stream == batch.c.stream,
                refusal.c.seq == batch.c.first + record.c.pos,
            ),
        )
        .where(record.c.batch.in_(sorted(stored)))
    )
    return {(row.batch, row.pos): (row.verdict, row.detail or "", row.resolved) for row in rows}


def _head_after(batch: StoredBatch, pos: int, before: bytes | None) -> str | None:
    if before is None or pos >= len(batch.lines):
        return None
    *_, last = heads(before, batch.lines[: pos + 1])
    return last.hex()


def _proofs(
    connection: Connection,
    stored: Mapping[int, StoredBatch],
    before: Mapping[int, bytes | None],
) -> list[tuple[StoredBatch, Evidence]]:
    """Each batch with its evidence, checked now from the stored bytes alone."""
    known = keys_of(connection, {batch.stream for batch in stored.values()})
    found = []
    for batch in stored.values():
        key = known.get((batch.stream, batch.key_id))
        public, in_time = (key.public, key.is_good_for(batch)) if key else (None, False)
        found.append(
            (
                batch,
                Evidence(
                    batch=batch.id,
                    first=batch.first,
                    last=batch.last,
                    head=batch.head.hex(),
                    key=batch.key_id,
                    public=None if public is None else public.hex(),
                    signature=base64.b64encode(batch.sig).decode(),
                    received=batch.received,
                    signed=in_time and is_signed(batch, public),
                    chained=is_chained(batch, before.get(batch.id)),
                    sha256="",
                ),
            )
        )
    return found


def heads_before(
    connection: Connection, stored: Mapping[int, StoredBatch]
) -> dict[int, bytes | None]:
    """By batch, the head from which its first line leads on; None where what is before is not
    there."""
    batch, stream = schema.batch, schema.stream
    earlier = aliased(batch)
    # By `first`, for which there is an index: of its stream's batches the nearest one below.
    former = lateral(
        select(earlier.c.last, earlier.c.head)
        .where(earlier.c.stream == batch.c.stream, earlier.c.first < batch.c.first)
        .order_by(earlier.c.first.desc())
        .limit(1)
    )
    rows = connection.execute(
        select(
            batch.c.id,
            batch.c.first,
            stream.c.gateway,
            stream.c.epoch,
            stream.c.previous_head,
            former.c.head,
        )
        .join(stream, stream.c.id == batch.c.stream)
        .outerjoin(former, former.c.last == batch.c.first - 1)
        .where(batch.c.id.in_(sorted(stored)))
    )
    return {
        row.id: first_head(row.gateway, row.epoch, bytes(row.previous_head))
        if row.first == 1
        else (None if row.head is None else bytes(row.head))
        for row in rows
    }


def is_signed(batch: StoredBatch, public: bytes | None) -> bool:
    """Whether the key signed the stored header, and the header speaks of this batch's end."""
    signed = Signed("batch", batch.header, batch.key_id, batch.sig, b"")
    try:
        signed.verify(lambda _: public)
        header = BatchHeader.from_line(batch.header)
    except ContractError:
        return False
    return (header.gateway, header.epoch, header.last, header.head) == (
        batch.gateway,
        batch.epoch,
        batch.last,
        batch.head.hex(),
    )


def is_chained(batch: StoredBatch, before: bytes | None) -> bool:
    """Whether the stored lines lead from the head before the batch to the batch's own."""
    if before is None or len(batch.lines) != batch.last - batch.first + 1:
        return False
    head = before
    for after in heads(head, batch.lines):
        head = after
    return head == batch.head
