"""Marks as the live page shows them: a component's present state and the record that spoke last."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    lateral,
    literal,
    select,
    true,
    union,
)

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
    item = schema.item
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(item.c.id < before)
    if state is not None:
        conditions.append(item.c.state == state)
        if state != "good":  # said, since a plan that is kept knows no value: see `item_amiss`
            conditions.append(item.c.state != "good")
    # Which they are is asked first: in one question with all the rest it would be answered by a
    # walk down all items, of which few may be of one gateway, one order or one entity.
    asked: Select[tuple[int]] | None = None
    if gateway is not None:
        if order is not None:
            conditions.append(item.c.order_code == order)
        if entity is not None:
            conditions.append(item.c.order_code.in_(_orders_of(entity)))
        asked = _at(gateway, conditions, before, limit)
    elif order is not None or entity is not None:
        asked = _of(order, entity, and_(true(), *conditions), limit)
    if asked is None:
        return _marks(connection, and_(true(), *conditions), limit)
    return _marks(connection, item.c.id.in_(connection.execute(asked).scalars()), limit)


def _at(
    gateway: str, conditions: list[ColumnElement[bool]], before: int | None, limit: int
) -> Select[tuple[int]]:
    """The newest of a gateway, from the newest of each of its streams."""
    item, claim, stream = schema.item, schema.claim, schema.stream
    marked = select(claim.c.item).distinct().where(claim.c.stream == stream.c.id)
    if before is not None:
        marked = marked.where(claim.c.item < before)
    if conditions:
        one = lateral(select(item.c.id).where(item.c.id == claim.c.item, *conditions).limit(1))
        marked = marked.select_from(claim.join(one, true()))
    newest = lateral(marked.order_by(claim.c.item.desc()).limit(limit))
    return (
        select(newest.c.item)
        .select_from(stream.join(newest, true()))
        .where(stream.c.gateway == gateway)
        .distinct()
        .order_by(newest.c.item.desc())
        .limit(limit)
    )


def _of(
    order: str | None, entity: str | None, wanted: ColumnElement[bool], limit: int
) -> Select[tuple[int]]:
    """The newest of an order, or of an entity's products, from the newest of each order.

    An order that the register does not know is claimed by marks too.
    """
    if entity is None:
        assert order is not None
        return _newest_of(literal(order), wanted, limit)
    orders, product = schema.orders, schema.product
    newest = lateral(_newest_of(orders.c.code, wanted, limit))
    found = (
        select(newest.c.id)
        .select_from(orders.join(newest, true()))
        .join(product, product.c.code == orders.c.product)
        .where(product.c.entity == entity)
        .order_by(newest.c.id.desc())
        .limit(limit)
    )
    return found if order is None else found.where(orders.c.code == order)


def _newest_of(
    code: ColumnElement[str], wanted: ColumnElement[bool], limit: int
) -> Select[tuple[int]]:
    """As a range of one order, so that an index which begins with the order is the only one in that
    order: what PostgreSQL expects of a walk down all items, an old order belies."""
    item = schema.item
    return (
        select(item.c.id)
        .where(item.c.order_code.between(code, code), wanted)
        .order_by(item.c.order_code.desc(), item.c.id.desc())
        .limit(limit)
    )


def _orders_of(entity: str) -> Select[tuple[str]]:
    orders, product = schema.orders, schema.product
    return (
        select(orders.c.code)
        .join(product, product.c.code == orders.c.product)
        .where(product.c.entity == entity)
    )


class Changed(NamedTuple):
    """What batches changed: the newest of the marks, how many there are, and all their orders."""

    marks: list[Mark]
    of: int
    orders: frozenset[str]


def changed_by(connection: Connection, batch_ids: Collection[int], limit: int) -> Changed:
    """The marks that these batches name or change, as they stand now; `limit` of them at most."""
    item, claim, about = schema.item, schema.claim, schema.about
    ids = list(batch_ids)
    if not ids:
        return Changed([], 0, frozenset())
    touched = union(
        select(claim.c.item.label("id")).where(claim.c.batch.in_(ids)),
        select(about.c.item).where(about.c.batch.in_(ids)),
        select(item.c.id).where(item.c.changed.in_(ids)),
    ).subquery()
    newest = select(touched.c.id).order_by(touched.c.id.desc()).limit(limit + 1)
    chosen = list(connection.execute(newest).scalars())
    marks = of_ids(connection, chosen[:limit])
    if len(chosen) <= limit:
        return Changed(marks, len(chosen), frozenset(mark.order for mark in marks))
    of, orders = connection.execute(
        select(func.count(), func.array_agg(item.c.order_code.distinct())).join_from(
            touched, item, item.c.id == touched.c.id
        )
    ).one()
    return Changed(marks, of, frozenset(orders))


def of_ids(connection: Connection, ids: Collection[int]) -> list[Mark]:
    """Those of these ids that there are, the newest first."""
    return _marks(connection, schema.item.c.id.in_(list(ids)), None) if ids else []


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
        duplicated=row.duplicated or row.disputed,
        remark=row.remark,
        record=batch.key(pos),
        type="" if record is None else record.type,
        at=None if record is None else record.at,
        received=batch.received,
        station=None if record is None else record.station,
        operator=None if record is None else record.operator,
        witnesses=list(record.witnesses) if isinstance(record, Settled) else [],
    )
