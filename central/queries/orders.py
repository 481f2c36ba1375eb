"""Orders with their progress: every number issued for one, counted in the term that holds it."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from central import schema
from central.errors import NotFound
from central.queries.models import Balance, Order
from central.queries.terms import TERMS, term_of
from central.register.entities.standing import Standing, standings
from central.register.licences.models import obstacle

# A number's states, gathered over all that claims it; only numbers of the order's own blocks.
_STATES = text(
    "SELECT code, states, count(*) AS numbers,"
    " count(*) FILTER (WHERE quarantined) AS quarantined,"
    " count(*) FILTER (WHERE duplicated) AS duplicated"
    " FROM (SELECT b.order_code AS code, c.space, c.number,"
    "   array_agg(DISTINCT i.state ORDER BY i.state) AS states,"
    "   bool_or(i.quarantined) AS quarantined, bool_or(i.duplicated) AS duplicated"
    "  FROM block b JOIN claim c ON c.space = b.space AND c.number >= lower(b.span)"
    "   AND c.number < upper(b.span) JOIN item i ON i.id = c.item"
    "  WHERE b.order_code = ANY(:codes) GROUP BY b.order_code, c.space, c.number) n"
    " GROUP BY code, states"
)
# Unused: above the highest number claimed, to the block's end, unless a new epoch ended the stream.
_BLOCKS = text(
    "SELECT b.order_code AS code, sum(upper(b.span) - lower(b.span))::bigint AS issued,"
    " coalesce(sum(upper(b.span) - greatest(lower(b.span), coalesce(c.highest + 1, 0)))"
    "  FILTER (WHERE NOT EXISTS (SELECT 1 FROM stream n WHERE n.gateway = s.gateway"
    "   AND n.epoch > s.epoch)), 0)::bigint AS unused,"
    " coalesce(sum(l.lost), 0)::bigint AS lost"
    " FROM block b JOIN stream s ON s.id = b.stream"
    " CROSS JOIN LATERAL (SELECT max(number) AS highest FROM claim"
    "  WHERE claim.space = b.space AND number >= lower(b.span) AND number < upper(b.span)) c"
    " CROSS JOIN LATERAL (SELECT sum(upper(loss.span) - lower(loss.span)) AS lost FROM loss"
    "  WHERE loss.block = b.id) l"
    " WHERE b.order_code = ANY(:codes) GROUP BY b.order_code"
)


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
            licence.c.number.label("licence_number"),
            licence.c.state.label("licence_state"),
            licence.c.reason.label("licence_reason"),
            licence.c.valid_from,
            licence.c.valid_until,
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
    blocks = {row.code: row for row in connection.execute(_BLOCKS, {"codes": wanted})}
    states: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_STATES, {"codes": wanted}):
        states.setdefault(row.code, []).append(row)
    now = datetime.now(UTC)
    of = standings(connection, {row.entity for row in rows})
    return [
        _order(row, of[row.entity], blocks.get(row.code), states.get(row.code, []), now)
        for row in rows
    ]


def _order(
    row: Row[Any],
    standing: Standing,
    block: Row[Any] | None,
    states: list[Row[Any]],
    now: datetime,
) -> Order:
    counts = dict.fromkeys(TERMS, 0)
    for group in states:
        counts[term_of(group.states)] += group.numbers
    balance = Balance(
        issued=block.issued if block else 0,
        unused=block.unused if block else 0,
        lost=block.lost if block else 0,
        **counts,
    )
    held = balance.unused + balance.lost + sum(counts.values())
    against = obstacle(row.licence_state, row.valid_from, row.valid_until, now)
    barred = standing.obstacle()
    state, reason, said = "released", "", ""
    if barred:
        state, reason, said = "suspended", barred, standing.reason
    elif against:
        state, reason, said = "suspended", against, row.licence_reason
    elif row.state == "held":
        state, reason, said = "held", "order-held", row.reason
    elif balance.good >= row.quantity:
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
        licence=row.licence_number,
        gateways=sorted(row.gateways),
        quarantined=sum(group.quarantined for group in states),
        duplicated=sum(group.duplicated for group in states),
        balance=balance,
        unaccounted=balance.issued - held,
    )
