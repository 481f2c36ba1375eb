"""Orders with their progress: how far they have come, and what became of their numbers."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from central import schema
from central.errors import NotFound
from central.queries.balances import NOTHING, Counted, counted
from central.queries.models import AtGateway, OrderProgress
from central.queries.paging import Page, page
from central.queries.sorting import Sorting
from central.register.certificates.approval import permits
from central.register.entities.standing import standings
from central.register.licences import usage
from central.register.orders.standing import Footing, Obstacle
from central.register.places.models import Where
from central.register.places.standing import workplaces
from central.register.subject import no_such


class Wanted(NamedTuple):
    """Orders with all of it: `entity` is that of the product, `state` as its acts have left it."""

    entity: str | None = None
    state: str | None = None
    product: str | None = None
    licence: str | None = None
    gateway: str | None = None


EVERY = Wanted()


def listed(
    connection: Connection,
    limit: int,
    cursor: str | None = None,
    wanted: Wanted = EVERY,
    sort: str = "-created",
) -> Page[OrderProgress]:
    """The newest orders first, or by another column. Raises `Refused` for a cursor that no page of
    this order gave."""
    table, product, shared = schema.orders, schema.product, schema.order_gateway
    sorting = Sorting(sort, table.c, [table.c.code])
    query = sorting.page(select(*sorting.columns), limit, cursor)
    if wanted.entity is not None:
        query = query.join(product, product.c.code == table.c.product).where(
            product.c.entity == wanted.entity
        )
    if wanted.gateway is not None:
        query = query.join(shared, shared.c.order_code == table.c.code).where(
            shared.c.gateway == wanted.gateway
        )
    for name in ("state", "product", "licence"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(table.c[name] == value)
    rows = page(connection.execute(query).all(), limit, sorting.key)
    codes = [row.code for row in rows.items]
    found = {order.code: order for order in by_codes(connection, codes)}
    return Page(items=[found[code] for code in codes], next=rows.next)


def one(connection: Connection, code: str) -> OrderProgress:
    """Raises `NotFound`."""
    found = by_codes(connection, [code])
    if not found:
        raise NotFound(no_such("order", code))
    return found[0]


def by_codes(connection: Connection, codes: Collection[str]) -> list[OrderProgress]:
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
    places = workplaces(connection, {name for row in rows for name in row.gateways})
    return [
        _order(
            row,
            Footing(of[row.entity], *usage.of(row), permitted[row.product]),
            places,
            numbers.get(row.code, NOTHING),
            now,
        )
        for row in rows
    ]


def _order(
    row: Row[Any], footing: Footing, places: Mapping[str, Where], numbers: Counted, now: datetime
) -> OrderProgress:
    found = footing.against(now)
    state, reason, said = "released", "", ""
    if row.state in ("draft", "completed", "closed", "cancelled"):
        state, said = row.state, row.reason
    elif found is not None:
        state, reason, said = "suspended", found.code, _said(found, row, footing)
    elif row.state == "paused":
        state, reason, said = "held", "order-held", row.reason
    elif numbers.balance.good >= row.quantity:
        state, reason = "finished", "order-finished"
    return OrderProgress(
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
        created=row.created,
        gateways=sorted(row.gateways),
        at=[_at(name, places[name], row, footing, now) for name in sorted(row.gateways)],
        quarantined=numbers.quarantined,
        duplicated=numbers.duplicated,
        balance=numbers.balance,
        unaccounted=numbers.unaccounted,
    )


def _at(name: str, where: Where, row: Row[Any], footing: Footing, now: datetime) -> AtGateway:
    found = footing.against(now, where)
    if found is None:
        return AtGateway(gateway=name, obstacle="", said="")
    return AtGateway(gateway=name, obstacle=found.code, said=_said(found, row, footing))


def _said(obstacle: Obstacle, row: Row[Any], footing: Footing) -> str:
    """An officer's words. A place may be another entity's: why it is closed stands there alone."""
    match obstacle.of:
        case "entity":
            return footing.standing.said(obstacle.code)
        case "licence":
            return str(row.licence_reason)
        case "place":
            return ""
        case "product":
            return footing.permit.reason
