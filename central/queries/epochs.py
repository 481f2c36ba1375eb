"""One gateway in depth: its epochs and their keys, what it runs, and its clock."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection, func, select

from central import schema
from central.queries import gateways
from central.queries.models import Answer, Gateway, Hex
from central.queries.records import StoredBatch, batches
from gateway.contract.record import Opened


class Epoch(Answer):
    """One journal, from its enrolment to the next."""

    epoch: int
    state: Annotated[str, Field(examples=["live", "closed", "forked", "two-of-me"])]
    opened: datetime
    ended: datetime | None
    committed: int
    reason: Annotated[str, Field(description="why it was opened")]


class EpochKey(Answer):
    """A key that signs the records `first` to `last` of an epoch."""

    epoch: int
    key: Annotated[
        str, Field(description="its id: `k` and the first 12 digits of the SHA-256 of `public`")
    ]
    public: Annotated[Hex, Field(description="32 raw bytes")]
    first: int
    last: Annotated[int | None, Field(description="null: it still signs")]


class ClockSeen(Answer):
    """What the newest record says of the gateway's clock. `apart`: seconds from its time to when
    the register had it; of a gateway that is behind with sending, that is no fault of its clock."""

    synced: bool
    offset_ms: float | None
    at: datetime
    received: datetime
    apart: float


class Disputed(Answer):
    """A number that two branches of a journal announced. `found`: two pieces bear it; null while
    nobody has said. One of which one piece was found, or none, is not disputed any more."""

    uii: str
    station: str
    found: Literal["two"] | None


class GatewayView(Gateway):
    """A gateway with its history."""

    disputes: Annotated[list[Disputed], Field(description="numbers of its forks")]
    clock: Annotated[ClockSeen | None, Field(description="null: it has told nothing yet")]
    versions: Annotated[dict[str, str], Field(description="as its newest epoch was opened")]
    connected: Annotated[dict[str, str], Field(description="its devices, as that was opened")]
    epochs: Annotated[list[Epoch], Field(description="the newest first")]
    keys: list[EpochKey]


def one(connection: Connection, name: str) -> GatewayView:
    """Raises `NotFound`."""
    found = gateways.one(connection, name)
    stream, key = schema.stream, schema.stream_key
    rows = connection.execute(
        select(stream).where(stream.c.gateway == name).order_by(stream.c.epoch.desc())
    ).all()
    epochs = {row.id: row.epoch for row in rows}
    keys = connection.execute(
        select(key).where(key.c.stream.in_(list(epochs))).order_by(key.c.stream, key.c.from_seq)
    ).all()
    opened = _opened(connection, rows[0].id) if rows else None
    mark = schema.disputed_mark
    disputed = connection.execute(
        select(
            mark.c.uii,
            func.min(mark.c.station).label("station"),
            func.min(mark.c.found).label("found"),
        )
        .where(mark.c.stream.in_(list(epochs)), mark.c.found.in_(("", "two")))
        .group_by(mark.c.uii)
        .order_by(mark.c.uii)
    ).all()
    return GatewayView(
        **dict(found),
        disputes=[
            Disputed(uii=row.uii, station=row.station, found=row.found or None) for row in disputed
        ],
        clock=_clock(connection, rows[0].id) if rows else None,
        versions={} if opened is None else opened.versions,
        connected={} if opened is None else opened.devices,
        epochs=[
            Epoch(
                epoch=row.epoch,
                state=row.state,
                opened=row.opened,
                ended=row.ended,
                committed=row.committed,
                reason=row.reason,
            )
            for row in rows
        ],
        keys=[
            EpochKey(
                epoch=epochs[row.stream],
                key=row.key_id,
                public=bytes(row.public).hex(),
                first=row.from_seq,
                last=row.to_seq,
            )
            for row in reversed(keys)
        ],
    )


def _batch(connection: Connection, stream: int, *, newest: bool) -> StoredBatch | None:
    table = schema.batch
    order = table.c.first.desc() if newest else table.c.first
    query = select(table.c.id).where(table.c.stream == stream).order_by(order).limit(1)
    number = connection.execute(query).scalar_one_or_none()
    return None if number is None else batches(connection, [number])[number]


def _opened(connection: Connection, stream: int) -> Opened | None:
    """The first record of an epoch, once it has come."""
    batch = _batch(connection, stream, newest=False)
    record = None if batch is None else batch.record(0)
    return record if isinstance(record, Opened) else None


def _clock(connection: Connection, stream: int) -> ClockSeen | None:
    batch = _batch(connection, stream, newest=True)
    record = None if batch is None else batch.record(len(batch.lines) - 1)
    if batch is None or record is None:
        return None
    return ClockSeen(
        synced=record.clock.synced,
        offset_ms=record.clock.offset_ms,
        at=record.at,
        received=batch.received,
        apart=round((batch.received - record.at).total_seconds(), 3),
    )
