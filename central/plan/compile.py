"""What one gateway may mark now: its orders, blocks of numbers, people, lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, text

from central import schema
from central.config import Plan as Limits
from central.register.licences.models import obstacle
from central.register.numbers import service as numbers
from gateway.contract.plan import (
    Block,
    CentralKey,
    Person,
    Plan,
    PlanOrder,
    encode_plan,
)
from gateway.contract.signed import SigningKey, take_apart

OrderState = Literal["released", "held", "finished", "suspended"]


@dataclass(frozen=True)
class Signed:
    """A plan as it is published."""

    gateway: str
    incarnation: int
    version: int
    payload: bytes


def compile_plan(
    connection: Connection,
    gateway: str,
    limits: Limits,
    key: SigningKey,
    keys: tuple[CentralKey, ...],
    now: datetime,
) -> Signed | None:
    """Sign and store a new plan where the present one no longer says what is so; else None.

    Issues numbers within what the orders ask for. A gateway without a live stream gets none.
    """
    stream = _live_stream(connection, gateway)
    if stream is None:
        return None
    incarnation = int(
        connection.execute(
            select(schema.setting.c.value).where(schema.setting.c.name == "incarnation")
        ).scalar_one()
    )
    former = latest(connection, gateway)
    version = former.version + 1 if former and former.incarnation == incarnation else 1
    rows = _order_rows(connection, gateway)
    orders = tuple(_order(connection, row, now) for row in rows)
    for row, order in zip(rows, orders, strict=True):
        if order.state == "released":
            _top_up(connection, row, stream, limits, (incarnation, version))
    plan = Plan(
        gateway=gateway,
        epoch=stream.epoch,
        incarnation=incarnation,
        version=version,
        lease_until=_lease(rows, orders, limits, now),
        orders=orders,
        blocks=_blocks(connection, stream.id),
        people=_people(connection, gateway, now),
        keys=keys,
    )
    if former is not None and not _differs(former, plan, limits, now):
        return None
    payload = encode_plan(plan, key)
    connection.execute(
        schema.plan.insert().values(
            gateway=gateway,
            incarnation=incarnation,
            version=version,
            epoch=stream.epoch,
            body=payload,
        )
    )
    return Signed(gateway, incarnation, version, payload)


def latest(connection: Connection, gateway: str) -> Plan | None:
    """The newest plan of a gateway, from our own table."""
    found = latest_signed(connection, gateway)
    return None if found is None else Plan.from_line(take_apart("plan", found.payload).line)


def latest_signed(connection: Connection, gateway: str) -> Signed | None:
    """The newest plan of a gateway as it was signed."""
    table = schema.plan
    row = connection.execute(
        select(table)
        .where(table.c.gateway == gateway)
        .order_by(table.c.incarnation.desc(), table.c.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Signed(gateway, row.incarnation, row.version, bytes(row.body))


def _live_stream(connection: Connection, gateway: str) -> Row[Any, Any, Any] | None:
    connection.execute(
        select(schema.gateway.c.name).where(schema.gateway.c.name == gateway).with_for_update()
    )
    table = schema.stream
    row = connection.execute(
        select(table.c.id, table.c.epoch, table.c.state)
        .where(table.c.gateway == gateway)
        .order_by(table.c.epoch.desc())
        .limit(1)
    ).one_or_none()
    return row if row is not None and row.state == "live" else None


def _order_rows(connection: Connection, gateway: str) -> Sequence[Row[Any]]:
    licence = schema.licence
    return connection.execute(
        select(
            schema.orders,
            schema.product.c.space,
            licence.c.state.label("licence_state"),
            licence.c.valid_from,
            licence.c.valid_until,
        )
        .join(schema.order_gateway, schema.order_gateway.c.order_code == schema.orders.c.code)
        .join(schema.product, schema.product.c.code == schema.orders.c.product)
        .join(licence, licence.c.id == schema.orders.c.licence)
        .where(schema.order_gateway.c.gateway == gateway)
        .order_by(schema.orders.c.created, schema.orders.c.code)
    ).all()


def _order(connection: Connection, row: Row[Any], now: datetime) -> PlanOrder:
    state: OrderState = "released"
    reason = obstacle(row.licence_state, row.valid_from, row.valid_until, now)
    if reason:
        state = "suspended"
    elif row.state == "held":
        state, reason = "held", "order-held"
    elif _numbers_in(connection, row.code, ("good",)) >= row.quantity:
        state, reason = "finished", "order-finished"
    return PlanOrder(
        id=row.code,
        product=row.product,
        kind=row.kind,
        quantity=row.quantity,
        contents=row.contents,
        lot=row.lot,
        job=row.job,
        template=row.template,
        components=row.components,
        verify=row.verify,
        expect=tuple(row.expect),
        state=state,
        reason=reason,
    )


def _numbers_in(connection: Connection, order: str, states: tuple[str, ...]) -> int:
    item = schema.item
    return int(
        connection.execute(
            select(func.count(item.c.number.distinct())).where(
                item.c.order_code == order, item.c.state.in_(states)
            )
        ).scalar_one()
    )


def _top_up(
    connection: Connection,
    row: Row[Any],
    stream: Row[Any, Any, Any],
    limits: Limits,
    plan: tuple[int, int],
) -> None:
    """Issue a block when few numbers are left here and the order still needs some.

    A number that was voided, scrapped or lost will never be a good item: it is replaced.
    """
    issued, lost = connection.execute(
        text(
            "SELECT coalesce(sum(upper(span) - lower(span)), 0)::bigint,"
            " (SELECT coalesce(sum(upper(l.span) - lower(l.span)), 0)::bigint FROM loss l"
            "   JOIN block k ON k.id = l.block WHERE k.order_code = :order)"
            " FROM block WHERE order_code = :order"
        ),
        {"order": row.code},
    ).one()
    ended = _numbers_in(connection, row.code, ("voided", "scrapped"))
    wanted = row.quantity + lost + ended - issued
    if wanted <= 0:
        return
    left = connection.execute(
        text(
            "SELECT coalesce(sum(upper(b.span) - lower(b.span)"
            "  - (SELECT count(DISTINCT c.number) FROM claim c WHERE c.space = b.space"
            "     AND c.number >= lower(b.span) AND c.number < upper(b.span))), 0)::bigint"
            " FROM block b WHERE b.stream = :stream AND b.order_code = :order"
        ),
        {"stream": stream.id, "order": row.code},
    ).scalar_one()
    if left < max(1, limits.block_size // 2) and numbers.may_issue(connection):
        size = min(limits.block_size, wanted)
        numbers.issue(connection, row.space, size, stream.id, row.code, plan)


def _blocks(connection: Connection, stream: int) -> tuple[Block, ...]:
    """The stream's blocks that still hold a number the register knows no claim of."""
    rows = connection.execute(
        text(
            "SELECT id, space, lower(span) AS start, upper(span) - 1 AS end, order_code"
            " FROM block b WHERE stream = :stream AND order_code IS NOT NULL"
            " AND upper(span) - lower(span) > (SELECT count(DISTINCT c.number) FROM claim c"
            "  WHERE c.space = b.space AND c.number >= lower(b.span)"
            "  AND c.number < upper(b.span))"
            " ORDER BY issued, lower(span)"
        ),
        {"stream": stream},
    ).all()
    return tuple(
        Block(id=row.id, space=row.space, start=row.start, end=row.end, order=row.order_code)
        for row in rows
    )


def _people(connection: Connection, gateway: str, now: datetime) -> tuple[Person, ...]:
    table = schema.person
    return tuple(
        Person(
            id=row.code,
            badge=row.badge,
            pin=row.pin,
            roles=tuple(row.roles),
            until=row.until,
        )
        for row in connection.execute(
            select(table).where(table.c.gateway == gateway).order_by(table.c.code)
        )
        if row.until is None or row.until > now
    )


def _lease(
    rows: Sequence[Row[Any]], orders: tuple[PlanOrder, ...], limits: Limits, now: datetime
) -> datetime:
    """No longer than the first licence that ends: an outage must not outlive it."""
    ends: list[datetime] = [
        row.valid_until
        for row, order in zip(rows, orders, strict=True)
        if order.state == "released"
    ]
    return min([now + timedelta(hours=limits.lease_hours), *ends]).astimezone(UTC)


def _differs(former: Plan, plan: Plan, limits: Limits, now: datetime) -> bool:
    """Whether the new plan says something else, or the lease has run for a quarter."""
    same = former.model_copy(update={"version": plan.version, "lease_until": plan.lease_until})
    if same != plan:
        return True
    renew = timedelta(hours=limits.lease_hours) / 4
    return plan.lease_until != former.lease_until and (
        former.lease_until - now < 3 * renew or plan.lease_until < former.lease_until
    )
