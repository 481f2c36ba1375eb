"""Orders with their progress: how far they have come, and what became of their numbers."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from central import schema
from central.errors import NotFound
from central.queries.balances import NOTHING, Counted, counted
from central.queries.models import Order
from central.register.certificates.approval import permits
from central.register.certificates.models import Permit
from central.register.entities.standing import Standing, standings
from central.register.licences import usage


def listed(connection: Connection, limit: int, *, entity: str | None = None) -> list[Order]:
    """The newest orders first; `entity`: those of its products."""
    table, product = schema.orders, schema.product
    query = select(table.c.code).order_by(table.c.created.desc(), table.c.code).limit(limit)
    if entity is not None:
        query = query.join(product, product.c.code == table.c.product).where(
            product.c.entity == entity
        )
    return by_codes(connection, list(connection.execute(query).scalars()))


def one(connection: Connection, code: str) -> Order:
    """Raises `NotFound`."""
    found = by_codes(connection, [code])
    if not found:
        raise NotFound(f"no order {code}")
    return found[0]


def by_codes(connection: Connection, codes: Collection[str]) -> list[Order]:
    """The orders of these codes, newest first."""
    wanted = list(codes)
    if not wanted:
        return []
    orders, product, licence = schema.orders, schema.product, schema.licence
    shared = schema.order_gateway
    rows = connection.execute(
        select(
            orders,
            product.c.model,
            product.c.calibre,
            product.c.entity,
            *usage.columns(),
            select(func.coalesce(func.array_agg(shared.c.gateway), []))
            .where(shared.c.order_code == orders.c.code)
            .scalar_subquery()
            .label("gateways"),
        )
        .join(product, product.c.code == orders.c.product)
        .join(licence, licence.c.number == orders.c.licence)
        .where(orders.c.code.in_(wanted))
        .order_by(orders.c.created.desc(), orders.c.code)
    ).all()
    numbers = counted(connection, "order", codes=wanted)
    now = datetime.now(UTC)
    of = standings(connection, {row.entity for row in rows})
    permitted = permits(connection, {row.product for row in rows})
    return [
        _order(row, of[row.entity], permitted[row.product], numbers.get(row.code, NOTHING), now)
        for row in rows
    ]


def _order(
    row: Row[Any], standing: Standing, permit: Permit, numbers: Counted, now: datetime
) -> Order:
    licence, use = usage.of(row)
    barred = standing.obstacle(now)
    against = (
        (barred, standing.said(barred)),
        (licence.against(use, now), row.licence_reason),
        (permit.obstacle(now), permit.reason),
    )
    found = next(((code, words) for code, words in against if code), None)
    state, reason, said = "released", "", ""
    if row.state in ("draft", "completed", "closed", "cancelled"):
        state, said = row.state, row.reason
    elif found is not None:
        state, (reason, said) = "suspended", found
    elif row.state == "paused":
        state, reason, said = "held", "order-held", row.reason
    elif numbers.balance.good >= row.quantity:
        state, reason = "finished", "order-finished"
    return Order(
        code=row.code,
        product=row.product,
        model=row.model,
        calibre=row.calibre,
        kind=row.kind,
        entity=row.entity,
        quantity=row.quantity,
        contents=row.contents,
        lot=row.lot,
        state=state,
        reason=reason,
        said=said,
        licence=row.licence,
        gateways=sorted(row.gateways),
        quarantined=numbers.quarantined,
        duplicated=numbers.duplicated,
        balance=numbers.balance,
        unaccounted=numbers.unaccounted,
    )
