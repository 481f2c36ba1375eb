"""The acts on an order, and all that is asked before it is released."""

from collections.abc import Callable, Iterable

from pydantic import ValidationError
from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, Refused
from central.register.acts import Why, Work
from central.register.asked import faults_of
from central.register.certificates.approval import require_approval
from central.register.exclusions.screening import screen
from central.register.licences import service as licences
from central.register.lots.recall import require_active
from central.register.orders.models import NewLimits, NewOrder, OrderAmendment
from central.register.orders.rules import Order, apply
from central.register.products.enterprise import foreign, ncage_of
from central.register.products.models import lot_faults
from central.register.products.service import PRODUCT, Product
from central.register.subject import Part, Subject
from central.said import joined, said
from gateway.contract.plan import Component, Template

ORDER = Subject(
    "order",
    schema.orders,
    Order,
    apply,
    parts={"members": Part(schema.order_gateway, "order_code", {"gateway": "name"})},
)
_OF_THE_PRODUCT = ("template", "components", "tray", "licence")
"""What another product gives anew."""


def enter(work: Work, asked: NewOrder) -> Order:
    """A draft: no gateway hears of it. Raises `NotFound`, `NotLicensed`, `Refused`, `Conflict`."""
    screen(work, PRODUCT.require(work.connection, asked.product).entity)
    return work.act(ORDER, asked.code, "drafted", _whole(work.connection, asked))


def amend(work: Work, code: str, asked: OrderAmendment) -> Order:
    """Only a draft. Raises `NotFound`, `NotLicensed`, `Refused` or `Conflict`."""
    order = ORDER.require(work.connection, code, lock=True)
    given = asked.model_dump(exclude_unset=True, exclude={"reason", "basis"})
    known = order.model_dump(include=set(NewOrder.model_fields))
    known["gateways"] = order.members
    if given.get("product", order.product) != order.product:
        for name in _OF_THE_PRODUCT:
            known[name] = None
    try:
        whole = NewOrder.model_validate(known | given)
    except ValidationError as error:
        raise Refused(faults_of(error)) from error
    return work.act(
        ORDER, code, "amended", _whole(work.connection, whole), why=asked.why, expects=True
    )


def release(work: Work, code: str, why: Why) -> Order:
    """Its gateways may mark, from their next plans on. Raises what its checks raise."""
    order = ORDER.require(work.connection, code, lock=True)
    if order.state == "paused":
        raise Conflict(said("order {code} is paused; it is resumed, not released", code=code))
    if order.state == "draft":
        product = PRODUCT.require(work.connection, order.product)
        for check in CHECKS:
            check(work, order, product)
    return change(work, code, "released", why)


def change(work: Work, code: str, what: str, why: Why) -> Order:
    """`what`: paused, resumed, completed, closed or cancelled. Raises `NotFound` or `Conflict`.

    An officer completes an order, and no count of good numbers does: a correction may yet find one
    of them bad, and then it is marked anew. Once it is closed, the plan process voids what of its
    blocks is unused.
    """
    if what == "resumed":
        order = ORDER.require(work.connection, code, lock=True)
        lot_is_active(work, order, PRODUCT.require(work.connection, order.product))
        screen(work, _entity(work.connection, code))
    gateways = sharing(work.connection, code)
    return work.act(ORDER, code, what, why=why, gateways=gateways, expects=True)


def limit(work: Work, code: str, asked: NewLimits) -> Order:
    """How many of its numbers a gateway holds. Raises `NotFound` or `Conflict`."""
    given = asked.model_dump(include={"gateway", "block_size", "reserve"})
    return work.act(
        ORDER, code, "limits set", given, why=asked.why, gateways=[asked.gateway], expects=True
    )


def sharing(connection: Connection, code: str) -> Iterable[str]:
    """The gateways of an order."""
    at = schema.order_gateway
    return connection.execute(select(at.c.gateway).where(at.c.order_code == code)).scalars()


# --- what is asked before a release -------------------------------------------------------------

Check = Callable[[Work, Order, Product], None]


def licence_covers(work: Work, order: Order, product: Product) -> None:
    """Its licence is the producer's, in force now, and covers it at each of its gateways.

    Raises `NotLicensed`.
    """
    gateways = [member.name for member in order.members]
    licences.for_order(work.connection, product, order.quantity, order.licence, gateways)


def producer_may(work: Work, order: Order, product: Product) -> None:
    """Nothing stands against the producer. Raises `NotLicensed`, `Excluded` or `Undecided`."""
    screen(work, product.entity)


def product_is_approved(work: Work, order: Order, product: Product) -> None:
    """By a type approval in force. Raises `NotApproved`; `Conflict` where it is withdrawn."""
    require_approval(work.connection, product.code)


def lot_is_active(work: Work, order: Order, product: Product) -> None:
    """Its lot is neither suspended nor withdrawn. Raises `LotSuspended`."""
    require_active(work.connection, product.code, order.lot)


CHECKS: tuple[Check, ...] = (licence_covers, producer_may, product_is_approved, lot_is_active)
"""Each raises where the order may not be released; all are asked, in this order."""


# --- what an order consists of ------------------------------------------------------------------


def _whole(connection: Connection, asked: NewOrder) -> dict[str, object]:
    """An act's payload: the order with what its product gives. Raises `Refused`."""
    product = PRODUCT.require(connection, asked.product, lock=True)
    template = asked.template or Template.model_validate(product.template)
    components = asked.components or tuple(
        Component.model_validate(component) for component in product.components
    )
    tray = product.tray if asked.tray is None else asked.tray
    faults = asked.faults(product.kind, template, components, tray)
    faults += lot_faults(product.kind, product.lot_format, asked.lot)
    if template != Template.model_validate(product.template):
        ncage = ncage_of(connection, product.entity)
        faults += foreign(template, components, product.lot_format, ncage)
    if faults:
        raise Refused(joined("; ", faults))
    gateways = [member.name for member in asked.members]
    licence = licences.for_order(connection, product, asked.quantity, asked.licence, gateways)
    return asked.model_dump(mode="json", exclude={"gateways"}) | {
        "licence": licence.number,
        "kind": product.kind,
        "template": template.model_dump(mode="json"),
        "components": [component.model_dump(mode="json") for component in components],
        "tray": tray,
        "members": [member.model_dump(mode="json") for member in asked.members],
    }


def _entity(connection: Connection, code: str) -> str:
    """Whose product an order is of. Raises `NotFound`."""
    return PRODUCT.require(connection, ORDER.require(connection, code).product).entity
