"""What rests on a certificate: its orders, how many items of each state, and which."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    false,
    func,
    lateral,
    or_,
    select,
    true,
)

from central import schema
from central.queries import orders as order_queries
from central.queries.models import Answer
from central.queries.terms import ItemState
from central.register.certificates.acceptance import accepted, lot_accepted
from central.register.certificates.service import Certificate

_NEAR = 1000  # batches: far more than are under way at once


class AffectedOrder(Answer):
    """An order that rests on it; `items` counts its marked components by state."""

    code: str
    product: str
    lot: str | None
    state: Annotated[str, Field(description="as its plan calls it")]
    reason: Annotated[str, Field(description="why not released, as a code")]
    items: dict[ItemState, int]


class AffectedItem(Answer):
    """One component that carries a number."""

    id: int
    uii: Annotated[str, Field(examples=["DA0G1HAK001200"])]
    component: str
    serial: str
    order: str
    state: ItemState
    holder: Annotated[str, Field(description="who has it now")]
    left: Annotated[bool, Field(description="it has left its producer, or is on its way")]


class Affected(Answer):
    """`items` are those heard of since the certificate was issued, in the order in which they
    became known; `next` is `after` of the page that follows. The counts are of the same items, and
    `left` of those among them that have left their producer."""

    certificate: str
    issued: datetime
    orders: list[AffectedOrder]
    counts: dict[ItemState, int]
    left: int
    items: list[AffectedItem]
    next: int | None


class Acceptance(Answer):
    """Whether an item, or an order's lot, is accepted, and by which certificate."""

    uii: str | None = None
    order: str | None = None
    product: str
    lot: str | None
    entity: str
    accepted: bool
    certificate: Annotated[str | None, Field(description="the newest that stands: it decides")]
    until: datetime | None
    certificates: Annotated[list[str], Field(description="all that cover it, newest first")]


def affected(
    connection: Connection,
    certificate: Certificate,
    limit: int,
    after: int,
    *,
    left_only: bool = False,
) -> Affected:
    """`after`: the id of the last item of the page before. `left_only`: of items, only those that
    have left their producer; all are counted."""
    item = schema.item
    resting_on_it = list(connection.execute(_orders(certificate)).scalars())
    items = _items(certificate, _heard_since(connection, certificate))
    if certificate.product is not None:  # by name, so that nobody takes them for half the register
        items = items.where(item.c.order_code.in_(resting_on_it))
    resting = items.subquery()
    counted: dict[str, dict[ItemState, int]] = {}
    total: dict[ItemState, int] = {}
    for row in connection.execute(
        select(resting.c.order_code, resting.c.state, func.count().label("found")).group_by(
            resting.c.order_code, resting.c.state
        )
    ):
        counted.setdefault(row.order_code, {})[row.state] = row.found
        total[row.state] = total.get(row.state, 0) + row.found
    left = connection.execute(
        select(func.count()).select_from(resting).where(resting.c.left)
    ).scalar_one()
    if left_only:
        items = items.where(_LEFT)
    codes = {*resting_on_it, *counted}
    if certificate.product is not None:
        items = items.where(item.c.id.in_(_first_of(items, counted, after, limit + 1)))
    rows = connection.execute(
        items.where(item.c.id > after).order_by(item.c.id).limit(limit + 1)
    ).all()
    return Affected(
        certificate=certificate.number,
        issued=certificate.issued,
        orders=[
            AffectedOrder(
                code=order.code,
                product=order.product,
                lot=order.lot,
                state=order.state,
                reason=order.reason,
                items=counted.get(order.code, {}),
            )
            for order in order_queries.by_codes(connection, codes)
        ],
        counts=total,
        left=left,
        items=[
            AffectedItem(
                id=row.id,
                uii=row.uii,
                component=row.component,
                serial=row.serial,
                order=row.order_code,
                state=row.state,
                holder=row.holder,
                left=row.left,
            )
            for row in rows[:limit]
        ],
        next=rows[limit - 1].id if len(rows) > limit else None,
    )


def of_item(connection: Connection, uii: str, now: datetime) -> Acceptance | None:
    """None where the register does not know the item."""
    item, orders, product = schema.item, schema.orders, schema.product
    row = connection.execute(
        select(orders.c.product, orders.c.lot, product.c.entity)
        .select_from(item)
        .join(orders, orders.c.code == item.c.order_code)
        .join(product, product.c.code == orders.c.product)
        .where(item.c.uii == uii)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    verdict = accepted(connection, uii, now)
    return Acceptance(
        uii=uii,
        product=row.product,
        lot=row.lot,
        entity=row.entity,
        accepted=verdict.accepted,
        certificate=verdict.by,
        until=verdict.until,
        certificates=list(verdict.considered),
    )


def of_order(connection: Connection, code: str, now: datetime) -> Acceptance | None:
    """Of its lot; without a lot nothing is accepted but items one by one. None: no such order."""
    orders, product = schema.orders, schema.product
    row = connection.execute(
        select(orders.c.product, orders.c.lot, product.c.entity)
        .join(product, product.c.code == orders.c.product)
        .where(orders.c.code == code)
    ).one_or_none()
    if row is None:
        return None
    verdict = None
    if row.lot is not None:
        verdict = lot_accepted(connection, row.product, row.lot, now)
    return Acceptance(
        order=code,
        product=row.product,
        lot=row.lot,
        entity=row.entity,
        accepted=verdict is not None and verdict.accepted,
        certificate=verdict.by if verdict else None,
        until=verdict.until if verdict else None,
        certificates=list(verdict.considered) if verdict else [],
    )


def _covered(certificate: Certificate) -> ColumnElement[bool]:
    """Of an order: that it is of the certificate's product, and lot where it names one."""
    orders = schema.orders
    if certificate.lot is None:
        return orders.c.product == certificate.product
    return (orders.c.product == certificate.product) & (orders.c.lot == certificate.lot)


def _orders(certificate: Certificate) -> Select[str]:
    orders, item, named = schema.orders, schema.item, schema.certificate_item
    if certificate.product is not None:
        return select(orders.c.code).where(_covered(certificate))
    return (
        select(item.c.order_code)
        .join(named, named.c.uii == item.c.uii)
        .where(named.c.certificate == certificate.number)
        .distinct()
    )


def _heard_since(connection: Connection, certificate: Certificate) -> ColumnElement[bool]:
    """Of a claim: that its batch was received since the certificate was issued.

    The number of the first such batch is asked for by itself: only who sees it can tell whether
    few claims follow, or nearly all. Workers number their batches and look at the clock each by
    itself, so the least number is not the earliest time's, yet it is near.
    """
    batch = schema.batch
    earliest = (
        select(batch.c.id)
        .where(batch.c.received >= certificate.issued)
        .order_by(batch.c.received)
        .limit(_NEAR)
        .subquery()
    )
    first = connection.execute(select(func.min(earliest.c.id))).scalar_one()
    return false() if first is None else schema.claim.c.batch >= first


def _first_of(
    items: Select[Any], codes: Collection[str], after: int, limit: int
) -> Select[tuple[int]]:
    """Of each order the first items that come next: a walk along all items might pass by millions
    of others before it meets the first."""
    orders, item = schema.orders.alias(), schema.item
    first = lateral(
        items.with_only_columns(item.c.id)
        .where(item.c.order_code.between(orders.c.code, orders.c.code), item.c.id > after)
        .order_by(item.c.order_code, item.c.id)
        .limit(limit)
    )
    return (
        select(first.c.id)
        .select_from(orders.join(first, true()))
        .where(orders.c.code.in_(list(codes)))
    )


_WHEREABOUTS = (
    select(schema.article.c.holder, schema.article.c.producer, schema.article.c.disposition)
    .where(schema.article.c.code == schema.item.c.uii)
    .limit(1)  # looked up for each item: joined as they are, all articles would be read
    .lateral("whereabouts")
)
_LEFT = func.coalesce(
    or_(
        _WHEREABOUTS.c.holder != _WHEREABOUTS.c.producer,
        _WHEREABOUTS.c.disposition.in_(("in-transit", "exported")),
    ),
    false(),
)
"""Of an item's article: an item of which no event tells is at its producer."""


def _items(certificate: Certificate, heard_since: ColumnElement[bool]) -> Select[Any]:
    """Items that it covers and that were heard of since it was issued; it names those of its own
    whenever they were marked."""
    item, claim = schema.item, schema.claim
    orders, named = schema.orders, schema.certificate_item
    product = schema.product
    found = (
        select(
            item.c.id,
            item.c.uii,
            item.c.component,
            item.c.serial,
            item.c.order_code,
            item.c.state,
            func.coalesce(_WHEREABOUTS.c.holder, product.c.entity).label("holder"),
            _LEFT.label("left"),
        )
        .select_from(item)
        .join(orders, orders.c.code == item.c.order_code)
        .join(product, product.c.code == orders.c.product)
        .outerjoin(_WHEREABOUTS, true())
    )
    if certificate.product is None:
        return found.join(named, named.c.uii == item.c.uii).where(
            named.c.certificate == certificate.number
        )
    return found.where(
        _covered(certificate),
        select(claim.c.item).where(claim.c.item == item.c.id, heard_since).exists(),
    )
