"""Entering, holding and releasing an order."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotLicensed, Refused
from central.register.acts import Act, Why, Work
from central.register.licences.models import obstacle
from central.register.orders.models import NewMember, NewOrder
from central.register.products.service import PRODUCT
from central.register.subject import Part, Row, Subject, held, new
from gateway.contract.plan import Component, Template


class Order(Row):
    """An order as the register holds it: released or held. `reason` is that of the last change."""

    code: str
    product: str
    licence: str
    kind: str
    quantity: int
    contents: int | None
    lot: str | None
    job: str
    template: dict[str, Any]
    components: list[dict[str, Any]]
    verify: dict[str, Any]
    expect: list[str]
    tray: int | None
    members: tuple[NewMember, ...]
    state: str
    reason: str
    created: datetime


def apply(state: Order | None, act: Act) -> Order:
    """`entered`, then `held` and `released` in turn. Raises `Conflict` or `NotFound`."""
    if act.what == "entered":
        new("order", state, act)
        return Order.of(act, state="released", reason="", created=act.at)
    order = held("order", state, act)
    if order.state == act.what:
        raise Conflict(f"order {act.key} is {act.what} already")
    return order.model_copy(update={"state": act.what, "reason": act.reason, "version": act.id})


ORDER = Subject(
    "order",
    schema.orders,
    Order,
    apply,
    parts={"members": Part(schema.order_gateway, "order_code", {"gateway": "name"})},
)


def add(work: Work, asked: NewOrder) -> Order:
    """Raises `NotFound`, `NotLicensed`, `Refused` or `Conflict`."""
    product = PRODUCT.require(work.connection, asked.product)
    template = asked.template or Template.model_validate(product.template)
    components = asked.components or tuple(
        Component.model_validate(component) for component in product.components
    )
    tray = product.tray if asked.tray is None else asked.tray
    faults = asked.faults(product.kind, template, components, tray)
    if faults:
        raise Refused("; ".join(faults))
    return work.act(
        ORDER,
        asked.code,
        "entered",
        asked.model_dump(mode="json", exclude={"gateways"})
        | {
            "licence": _licence(work.connection, product.entity, asked.licence),
            "kind": product.kind,
            "template": template.model_dump(mode="json"),
            "components": [component.model_dump(mode="json") for component in components],
            "tray": tray,
            "members": [member.model_dump(mode="json") for member in asked.members],
        },
        gateways=[member.name for member in asked.members],
    )


def change(work: Work, code: str, what: str, why: Why) -> Order:
    """`what`: held or released. Raises `NotFound` or `Conflict`."""
    gateways = sharing(work.connection, code)
    return work.act(ORDER, code, what, why=why, gateways=gateways, expects=True)


def sharing(connection: Connection, code: str) -> Iterable[str]:
    """The gateways of an order."""
    at = schema.order_gateway
    return connection.execute(select(at.c.gateway).where(at.c.order_code == code)).scalars()


def _licence(connection: Connection, entity: str, asked: str | None) -> str:
    """The asked licence, or the entity's one in force that lasts longest."""
    table = schema.licence
    now = datetime.now(UTC)
    for row in connection.execute(
        select(table).where(table.c.entity == entity).order_by(table.c.valid_until.desc())
    ):
        if asked not in (None, row.number):
            continue
        fault = obstacle(row.state, row.valid_from, row.valid_until, now)
        if not fault:
            return str(row.number)
        if asked is not None:
            raise NotLicensed(f"licence {row.number}: {fault}")
    raise NotLicensed(f"no licence in force covers {entity}")
