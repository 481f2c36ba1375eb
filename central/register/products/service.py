"""Entering, amending, withdrawing and reinstating a product, and opening its number space."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, Refused
from central.register.acts import Act, Why, Work
from central.register.asked import faults_of
from central.register.entities.service import ENTITY
from central.register.numbers.spaces import SPACE
from central.register.products.enterprise import foreign, ncage_of
from central.register.products.models import (
    FIXED_BY_ORDERS,
    TRIAL_LOTS,
    LotFormat,
    NewProduct,
    ProductAmendment,
    ProductState,
    trial_order,
)
from central.register.subject import Row, Subject, held, impossible, new
from central.said import Word, joined, said
from gateway.contract.plan import Component, Template
from gateway.contract.uii import UiiError, construct, decode

_STEPS: dict[str, tuple[ProductState, ProductState]] = {
    "withdrawn": ("active", "withdrawn"),
    "reinstated": ("withdrawn", "active"),
}
"""By act: the state that it leads from, and the one that it leads to."""


class Product(Row):
    """A product as the register holds it. `reason` is that of the last change of its state.

    Acts from before a field was kept do not name it; the default stands for that.
    """

    code: str
    entity: str
    model: str
    calibre: str
    nsn: str | None = None
    category: str | None = None
    country: str | None = None
    kind: Literal["serial", "package"]
    lot_format: LotFormat = "free"
    components: list[dict[str, Any]]
    template: dict[str, Any]
    space: str
    tray: int | None
    state: ProductState = "active"
    reason: str = ""
    created: datetime


def apply(state: Product | None, act: Act) -> Product:
    """`entered` and `amended`; `withdrawn` and `reinstated` in turn. Raises `Conflict`, `NotFound`.

    `amended` sets the fields that it names.
    """
    if act.what == "entered":
        new("product", state, act)
        return Product.of(act, created=act.at)
    product = held("product", state, act)
    if act.what == "amended":
        if product.state != "active":
            raise Conflict(impossible("product", act.key, product.state, "amended"))
        return Product.model_validate({**product.model_dump(), **act.payload, "version": act.id})
    origin, target = _STEPS[act.what]
    if product.state != origin:
        raise Conflict(impossible("product", act.key, product.state, act.what))
    return product.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


PRODUCT = Subject("product", schema.product, Product, apply)


def add(work: Work, asked: NewProduct) -> Product:
    """Raises `Conflict`, `NotFound` or `Refused`. The numbers of a space are of one entity."""
    space = asked.space or f"{asked.entity}.{asked.code}"
    _require_own_space(work.connection, asked.entity, space)
    ENTITY.require(work.connection, asked.entity)
    _require_own_enterprise(work.connection, asked)
    work.act(SPACE, space, "opened")
    return work.act(
        PRODUCT, asked.code, "entered", asked.model_dump(mode="json") | {"space": space}
    )


def amend(work: Work, code: str, asked: ProductAmendment, why: Why) -> Product:
    """Raises `NotFound`; `Refused` with all faults of what it would become; `Conflict` where an
    order has fixed what is to change."""
    PRODUCT.lock(work.connection, code, work.expected)
    product = PRODUCT.require(work.connection, code)
    changes = asked.model_dump(
        mode="json", exclude_unset=True, include=set(ProductAmendment.model_fields)
    )
    held_now = product.model_dump(mode="json")
    changes = {name: value for name, value in changes.items() if held_now[name] != value}
    if not changes:
        raise Refused(said("it is so already: nothing would change"))
    fixed = sorted(changes.keys() & FIXED_BY_ORDERS)
    if fixed and has_orders(work.connection, code):
        raise Conflict(
            said(
                "product {code} has orders: it keeps {fields};"
                " what is marked otherwise is another product",
                code=code,
                fields=joined(", ", (Word(each, "field") for each in fixed)),
            )
        )
    try:
        whole = NewProduct.model_validate(
            {name: value for name, value in held_now.items() if name in NewProduct.model_fields}
            | changes
        )
    except ValidationError as error:
        raise Refused(faults_of(error, "message")) from error
    if "template" in changes:
        _require_own_enterprise(work.connection, whole)
    if "space" in changes:
        _require_own_space(work.connection, product.entity, changes["space"])
        work.act(SPACE, changes["space"], "opened")
    return work.act(PRODUCT, code, "amended", changes, why=why, expects=True)


def change(work: Work, code: str, what: Literal["withdrawn", "reinstated"], why: Why) -> Product:
    """Raises `NotFound` or `Conflict`."""
    return work.act(
        PRODUCT, code, what, why=why, gateways=marking(work.connection, code), expects=True
    )


def construct_of(product: Product) -> int | None:
    """The construct of its UII by MIL-STD-130, from the data identifiers of its template."""
    template = Template.model_validate(product.template)
    components = tuple(Component.model_validate(each) for each in product.components)
    order = trial_order(template, components, TRIAL_LOTS[product.lot_format])
    try:
        return construct(decode(order.content(1, components[0])))
    except UiiError:
        return None  # entered before its template was checked as it is today


def has_orders(connection: Connection, code: str) -> bool:
    """Whether anything was ever ordered of it."""
    orders = schema.orders
    found = connection.execute(select(orders.c.code).where(orders.c.product == code).limit(1))
    return found.first() is not None


def _require_own_space(connection: Connection, entity: str, space: str) -> None:
    """Raises `Conflict`."""
    table = schema.product
    others = select(table.c.code).where(table.c.space == space, table.c.entity != entity)
    if connection.execute(others.limit(1)).first() is not None:
        raise Conflict(said("number space {space} is another entity's", space=space))


def _require_own_enterprise(connection: Connection, product: NewProduct) -> None:
    """Raises `Refused`."""
    ncage = ncage_of(connection, product.entity)
    found = foreign(product.template, product.components, product.lot_format, ncage)
    if found:
        raise Refused(joined("; ", found))


def marking(connection: Connection, code: str) -> Iterable[str]:
    """The gateways of all orders of a product."""
    order, at = schema.orders, schema.order_gateway
    return connection.execute(
        select(at.c.gateway)
        .join(order, order.c.code == at.c.order_code)
        .where(order.c.product == code)
        .distinct()
    ).scalars()
