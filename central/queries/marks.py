"""Marks as the live page shows them: a component's present state and the record that spoke last."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, lateral, select, true, union_all

from central import schema
from central.queries.models import Mark, Sample
from central.queries.records import Place, StoredBatch, batches
from gateway.contract.record import Settled


def newest(
    connection: Connection,
    limit: int,
    *,
    before: int | None = None,
    state: str | None = None,
    order: str | None = None,
    gateway: str | None = None,
    entity: str | None = None,
) -> list[Mark]:
    """The latest marks first; `before` is the id of the last one that is known already.

    `entity`: those of its products.
    """
    item, claim, stream = schema.item, schema.claim, schema.stream
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(item.c.id < before)
    if state is not None:
        conditions.append(item.c.state == state)
    if order is not None:
        conditions.append(item.c.order_code == order)
    if gateway is not None:
        conditions.append(
            select(claim.c.item)
            .join(stream, stream.c.id == claim.c.stream)
            .where(claim.c.item == item.c.id, stream.c.gateway == gateway)
            .exists()
        )
    if entity is not None:
        conditions.append(schema.product.c.entity == entity)
    return _marks(connection, and_(true(), *conditions), limit)


def changed_by(connection: Connection, batch_ids: Collection[int]) -> list[Mark]:
    """Every mark that these batches name or change, as it stands now."""
    item, claim, about = schema.item, schema.claim, schema.about
    ids = list(batch_ids)
    if not ids:
        return []
    touched = union_all(
        select(claim.c.item).where(claim.c.batch.in_(ids)),
        select(about.c.item).where(about.c.batch.in_(ids)),
        select(item.c.id).where(item.c.changed.in_(ids)),
    ).subquery()
    return _marks(connection, item.c.id.in_(select(touched.c[0])), None)


def _marks(connection: Connection, condition: ColumnElement[bool], limit: int | None) -> list[Mark]:
    item, orders, product = schema.item, schema.orders, schema.product
    claim, about, group = schema.claim, schema.about, schema.sample_group
    # The last record of each kind, without the bodies: many marks share a batch.
    claimed, said = (
        lateral(
            select(table.c.batch, table.c.pos)
            .where(table.c.item == item.c.id)
            .order_by(table.c.batch.desc(), table.c.pos.desc())
            .limit(1)
        )
        for table in (claim, about)
    )
    rows = connection.execute(
        select(
            item,
            orders.c.product,
            orders.c.lot,
            orders.c.kind,
            product.c.model,
            product.c.calibre,
            group.c.size.label("sample_size"),
            group.c.state.label("sample_state"),
            claimed.c.batch.label("claim_batch"),
            claimed.c.pos.label("claim_pos"),
            said.c.batch.label("said_batch"),
            said.c.pos.label("said_pos"),
        )
        .select_from(item)
        .join(claimed, true())
        .outerjoin(said, true())
        .outerjoin(orders, orders.c.code == item.c.order_code)
        .outerjoin(product, product.c.code == orders.c.product)
        .outerjoin(group, group.c.id == item.c.sample)
        .where(condition)
        .order_by(item.c.id.desc())
        .limit(limit)
    ).all()
    places = [_last(row) for row in rows]
    stored = batches(connection, {batch for batch, _ in places})
    return [_mark(row, stored[batch], pos) for row, (batch, pos) in zip(rows, places, strict=True)]


def sample(row: Row[Any]) -> Sample | None:
    """The group of an item's row, selected with its `sample_size` and `sample_state`."""
    if row.sample_state is None:
        return None
    return Sample(size=row.sample_size, state=row.sample_state)


def _last(row: Row[Any]) -> Place:
    claimed = (row.claim_batch, row.claim_pos)
    return claimed if row.said_batch is None else max(claimed, (row.said_batch, row.said_pos))


def _mark(row: Row[Any], batch: StoredBatch, pos: int) -> Mark:
    record = batch.record(pos)
    return Mark(
        id=row.id,
        changed=row.changed,
        uii=row.uii,
        component=row.component,
        serial=row.serial,
        order=row.order_code,
        product=row.product or "",
        model=row.model or "",
        calibre=row.calibre or "",
        kind=row.kind or "",
        lot=row.lot,
        state=row.state,
        basis=row.basis,
        readback=row.readback,
        sample=sample(row),
        quarantined=row.quarantined,
        duplicated=row.duplicated,
        remark=row.remark,
        record=batch.key(pos),
        type="" if record is None else record.type,
        at=None if record is None else record.at,
        received=batch.received,
        station=None if record is None else record.station,
        operator=None if record is None else record.operator,
        witnesses=list(record.witnesses) if isinstance(record, Settled) else [],
    )
