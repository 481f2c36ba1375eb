"""Reads from the register what a plan follows from, and carries out what was decided."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select, text

from central import schema
from central.config import Plan as PlanConfig
from central.plan import candidates
from central.plan.compile import compile_plan
from central.plan.facts import (
    Facts,
    Held,
    HeldBlock,
    Limits,
    Member,
    Order,
    PlanKey,
    StreamKey,
    held_by,
)
from central.plan.issuing import InDatabase, Issuing
from central.register import incarnation
from central.register.acts import Work
from central.register.certificates.approval import permits
from central.register.certificates.models import Permit
from central.register.entities.standing import Standing, standings
from central.register.licences import usage
from central.register.numbers import service as numbers
from central.register.numbers.blocks import BLOCK
from central.register.numbers.guard import beyond
from central.register.places.standing import workplaces
from central.register.products.models import Import, filled
from gateway.contract.plan import CentralKey, Component, Person, Plan, Template, Verify, encode_plan
from gateway.contract.signed import SigningKey, take_apart


@dataclass(frozen=True)
class Signed:
    """A plan as it is published."""

    gateway: str
    incarnation: int
    version: int
    payload: bytes


@dataclass(frozen=True)
class Stream:
    """The newest epoch of a gateway."""

    id: int
    epoch: int
    state: str
    accepted: PlanKey | None


def renew(
    work: Work,
    gateway: str,
    config: PlanConfig,
    key: SigningKey,
    keys: tuple[CentralKey, ...],
    now: datetime,
    issuing: Issuing,
) -> tuple[Signed | None, datetime | None]:
    """Sign and store a new plan where the present one no longer says what is so; else None.

    Also says when to look again, untold. A gateway without a live stream gets no plan. Raises
    `RegisterOlder`.
    """
    connection = work.connection
    incarnation.ensure_current(connection)
    known = connection.execute(
        select(schema.gateway.c.name)
        .where(schema.gateway.c.name == gateway)
        .with_for_update(key_share=True)
    ).first()
    if known is None:  # a device, whose latch was told of
        return None, None
    stream = _newest_streams(connection, [gateway]).get(gateway)
    if stream is None or stream.state != "live":
        return None, None
    facts = read_facts(work, gateway, stream, config, keys, now, issuing)
    decision = compile_plan(facts)
    issued = {issue.space: issue.start + issue.size for issue in decision.issues}
    if issued and not issuing.secure(beyond(facts.spaces, issued)):
        decision = compile_plan(replace(facts, may_issue=False))
    for void in decision.voids:
        work.act(BLOCK, void.block, void.cause)
    if decision.plan is None:
        return None, decision.again
    which = decision.plan.which.key()
    for issue in decision.issues:
        numbers.issue(
            connection, issue.space, issue.size, stream.id, issue.order, which, start=issue.start
        )
    payload = encode_plan(decision.plan, key)
    connection.execute(
        schema.plan.insert().values(
            gateway=gateway,
            incarnation=which[0],
            version=which[1],
            epoch=stream.epoch,
            body=payload,
        )
    )
    return Signed(gateway, *which, payload), decision.again


def latest_signed(connection: Connection, gateway: str) -> Signed | None:
    """The newest plan of a gateway as it was signed."""
    table = schema.plan
    row = connection.execute(
        select(table)
        .where(table.c.gateway == gateway)
        .order_by(table.c.incarnation.desc(), table.c.version.desc(), table.c.brought)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Signed(gateway, row.incarnation, row.version, bytes(row.body))


def read_facts(
    work: Work,
    gateway: str,
    stream: Stream,
    config: PlanConfig,
    keys: tuple[CentralKey, ...],
    now: datetime,
    issuing: Issuing,
) -> Facts:
    """All that the gateway's plan follows from."""
    connection = work.connection
    orders, streams, blocks = read_orders(connection, gateway)
    spaces = issuing.begin(InDatabase(work), {order.space for order in orders})
    latest = latest_signed(connection, gateway)
    former = None if latest is None else decoded(latest.payload)
    held = _held_elsewhere(connection, gateway, orders, streams)
    in_play = frozenset(mark for found in held.values() for mark in found.marks)
    limits = Limits(
        timedelta(hours=config.lease_hours),
        config.block_size,
        config.reserve,
        timedelta(days=config.void_after_days),
    )
    me = StreamKey(gateway, stream.epoch)
    return Facts(
        gateway=gateway,
        epoch=stream.epoch,
        accepted=stream.accepted,
        former=former,
        incarnation=incarnation.current(connection),
        may_issue=spaces is not None,
        orders=orders,
        blocks=tuple(block for owner, block in blocks if owner == stream.id),
        spaces=spaces or {},
        people=_people(connection, gateway),
        keys=keys,
        limits=limits,
        now=now,
        numbers=candidates.read(connection, me, stream.id, orders, former, in_play, limits),
        in_play=in_play,
        blind=frozenset(name for name, found in held.items() if found.blind),
        where=workplaces(connection, [gateway])[gateway],
    )


def read_orders(
    connection: Connection, gateway: str
) -> tuple[tuple[Order, ...], dict[str, Stream], list[tuple[int, HeldBlock]]]:
    """A gateway's orders, the newest streams of all that share them, and their blocks."""
    rows = _order_rows(connection, gateway)
    codes = [row.code for row in rows]
    members = _members(connection, codes)
    streams = _newest_streams(
        connection, {member.gateway for found in members.values() for member in found}
    )
    blocks = _blocks(connection, codes, [found.id for found in streams.values()])
    return _orders(connection, rows, members, streams, blocks), streams, blocks


@lru_cache(maxsize=512)
def decoded(payload: bytes) -> Plan:
    """Signed by ourselves and read from our own table: its signature was never in doubt."""
    return Plan.from_line(take_apart("plan", payload).line)


def _newest_streams(connection: Connection, gateways: Any) -> dict[str, Stream]:
    rows = connection.execute(
        text(
            "SELECT DISTINCT ON (gateway) gateway, id, epoch, state, plan_incarnation,"
            " plan_version FROM stream WHERE gateway = ANY(:gateways)"
            " ORDER BY gateway, epoch DESC"
        ),
        {"gateways": sorted(gateways)},
    )
    return {
        row.gateway: Stream(
            row.id,
            row.epoch,
            row.state,
            None if row.plan_incarnation is None else (row.plan_incarnation, row.plan_version),
        )
        for row in rows
    }


def _order_rows(connection: Connection, gateway: str) -> list[Row[Any]]:
    licence = schema.licence
    return list(
        connection.execute(
            select(
                schema.orders,
                schema.product.c.space,
                schema.product.c.entity,
                *usage.columns(),
            )
            .join(schema.order_gateway, schema.order_gateway.c.order_code == schema.orders.c.code)
            .join(schema.product, schema.product.c.code == schema.orders.c.product)
            .join(licence, licence.c.number == schema.orders.c.licence)
            .where(
                schema.order_gateway.c.gateway == gateway,
                schema.orders.c.state.not_in(("draft", "cancelled")),
            )
            .order_by(schema.orders.c.created, schema.orders.c.code)
        )
    )


def _members(connection: Connection, codes: list[str]) -> dict[str, list[Row[Any]]]:
    table = schema.order_gateway
    found: dict[str, list[Row[Any]]] = {code: [] for code in codes}
    for row in connection.execute(
        select(table).where(table.c.order_code.in_(codes)).order_by(table.c.gateway)
    ):
        found[row.order_code].append(row)
    return found


def _blocks(
    connection: Connection, codes: list[str], streams: list[int]
) -> list[tuple[int, HeldBlock]]:
    """(stream, block), in the order of their issue; those that are void are left out."""
    rows = connection.execute(
        text(
            "SELECT stream, id, space, lower(span) AS start, upper(span) - 1 AS end, order_code,"
            " (SELECT count(DISTINCT c.number) FROM claim c WHERE c.space = b.space"
            "   AND c.number >= lower(b.span) AND c.number < upper(b.span)) AS claimed, issued"
            " FROM block b WHERE order_code = ANY(:codes) AND stream = ANY(:streams)"
            " AND NOT EXISTS (SELECT 1 FROM voided_block v WHERE v.block = b.id)"
            " ORDER BY issued, lower(span)"
        ),
        {"codes": codes, "streams": streams},
    )
    return [
        (
            row.stream,
            HeldBlock(
                *(row.id, row.space, row.start, row.end, row.order_code),
                claimed=row.claimed,
                issued=row.issued,
            ),
        )
        for row in rows
    ]


# Lost: but for what was salvaged. Void: above the highest number claimed, to its end, unless
# a new epoch ended the stream.
# A number is ended by any of its components; one whose repeat did not start is not ended by that.
_COUNTS = text(
    "SELECT code, coalesce(b.issued, 0) AS issued, coalesce(l.lost, 0) AS lost, v.void,"
    " d.doubtful, coalesce(i.good, 0) AS good, coalesce(i.ended, 0) AS ended,"
    " coalesce(i.waiting, 0) AS waiting, i.changed"
    " FROM unnest(CAST(:codes AS text[])) AS w (code)"
    " LEFT JOIN LATERAL (SELECT sum(upper(span) - lower(span))::bigint AS issued FROM block"
    "  WHERE order_code = code) b ON true"
    " LEFT JOIN LATERAL (SELECT sum(upper(l.span) - lower(l.span)"
    "   - (SELECT count(DISTINCT c.number) FROM claim c WHERE c.space = k.space"
    "    AND c.number >= lower(l.span) AND c.number < upper(l.span) AND c.fresh))::bigint AS lost"
    "  FROM loss l"
    "  JOIN block k ON k.id = l.block WHERE k.order_code = code) l ON true"
    " LEFT JOIN LATERAL (SELECT coalesce(sum(upper(k.span) - greatest(lower(k.span),"
    "   coalesce((SELECT max(c.number) + 1 FROM claim c WHERE c.space = k.space"
    "    AND c.number >= lower(k.span) AND c.number < upper(k.span)), 0))), 0)::bigint AS void"
    "  FROM block k JOIN voided_block w ON w.block = k.id JOIN stream s ON s.id = k.stream"
    "  WHERE k.order_code = code AND NOT EXISTS (SELECT 1 FROM stream n"
    "   WHERE n.gateway = s.gateway AND n.epoch > s.epoch)) v ON true"
    " LEFT JOIN LATERAL (SELECT count(DISTINCT d.number) AS doubtful FROM doubt d"
    "  WHERE d.order_code = code AND d.returned IS NULL AND NOT EXISTS (SELECT 1 FROM claim c"
    "   JOIN item i ON i.id = c.item WHERE c.space = d.space AND c.number = d.number"
    "   AND (i.state IN ('good', 'scrapped') OR (i.state = 'voided' AND NOT i.remark)))) d ON true"
    " LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE n.good) AS good,"
    "   count(*) FILTER (WHERE n.ended) AS ended,"
    "   count(*) FILTER (WHERE NOT n.good AND NOT n.ended) AS waiting,"
    "   (SELECT received FROM batch WHERE id = max(n.changed)) AS changed"
    "  FROM (SELECT bool_or(state = 'good') AS good, bool_or(state = 'scrapped'"
    "     OR (state = 'voided' AND NOT remark)) AS ended, max(changed) AS changed"
    "    FROM item WHERE order_code = code AND number IS NOT NULL GROUP BY space, number) n"
    " ) i ON true"
)


def _orders(
    connection: Connection,
    rows: list[Row[Any]],
    members: dict[str, list[Row[Any]]],
    streams: dict[str, Stream],
    blocks: list[tuple[int, HeldBlock]],
) -> tuple[Order, ...]:
    counts = {
        row.code: row for row in connection.execute(_COUNTS, {"codes": [row.code for row in rows]})
    }
    of = standings(connection, {row.entity for row in rows})
    permitted = permits(connection, {row.product for row in rows})
    left: dict[tuple[int, str], int] = {}
    for owner, block in blocks:
        key = (owner, block.order)
        left[key] = left.get(key, 0) + block.unclaimed
    return tuple(
        _order(
            row,
            counts[row.code],
            tuple(_member(found, streams.get(found.gateway), left) for found in members[row.code]),
            of[row.entity],
            permitted[row.product],
        )
        for row in rows
    )


def _member(row: Row[Any], stream: Stream | None, left: dict[tuple[int, str], int]) -> Member:
    return Member(
        gateway=row.gateway,
        components=None if row.components is None else tuple(row.components),
        reads=row.reads,
        block_size=row.block_size,
        reserve=row.reserve,
        epoch=0 if stream is None else stream.epoch,
        live=stream is not None and stream.state == "live",
        held=0 if stream is None else left.get((stream.id, row.order_code), 0),
    )


def _order(
    row: Row[Any],
    counts: Row[Any],
    members: tuple[Member, ...],
    standing: Standing,
    permit: Permit,
) -> Order:
    licence, use = usage.of(row)
    return Order(
        code=row.code,
        product=row.product,
        kind=row.kind,
        quantity=row.quantity,
        contents=row.contents,
        lot=row.lot,
        job=row.job,
        template=filled(
            Template.model_validate(row.template),
            None if row.imported is None else Import.model_validate(row.imported),
        ),
        components=tuple(Component.model_validate(component) for component in row.components),
        verify=Verify.model_validate(row.verify),
        expect=tuple(row.expect),
        tray=row.tray,
        space=row.space,
        state=row.state,
        licence=licence,
        members=members,
        standing=standing,
        issued=counts.issued,
        lost=counts.lost,
        void=counts.void,
        doubtful=counts.doubtful,
        good=counts.good,
        ended=counts.ended,
        waiting=counts.waiting,
        changed=counts.changed,
        category=use.category,
        of_product=use.of_product,
        of_category=use.of_category,
        permit=permit,
    )


def _people(connection: Connection, gateway: str) -> tuple[Person, ...]:
    table = schema.person
    return tuple(
        Person(id=row.code, badge=row.badge, pin=row.pin, roles=tuple(row.roles), until=row.until)
        for row in connection.execute(
            select(table).where(table.c.gateway == gateway).order_by(table.c.code)
        )
    )


def _held_elsewhere(
    connection: Connection, gateway: str, orders: tuple[Order, ...], streams: dict[str, Stream]
) -> dict[str, Held]:
    """What the other gateways may still mark of what was due to them."""
    others = {
        member.gateway
        for order in orders
        if len(order.components) > 1
        for member in order.members
        if member.gateway != gateway and member.epoch
    }
    return {
        other: held_by(
            streams[other].accepted,
            plans_in_play(connection, other, streams[other].epoch, streams[other].accepted),
        )
        for other in sorted(others)
    }


def plans_in_play(
    connection: Connection, gateway: str, epoch: int, accepted: PlanKey | None
) -> list[Plan]:
    """The plan that a stream has accepted, and all that it may still come to accept."""
    rows = connection.execute(
        text(
            "SELECT body FROM plan WHERE gateway = :gateway AND epoch = :epoch"
            " AND (incarnation, version) >= (:incarnation, :version)"
        ),
        {
            "gateway": gateway,
            "epoch": epoch,
            "incarnation": accepted[0] if accepted else 0,
            "version": accepted[1] if accepted else 0,
        },
    )
    return [decoded(bytes(row.body)) for row in rows]
