"""Orders over HTTP: each step of their life is an act of its own; and what is in doubt of them."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import Connection

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.plan import doubts
from central.plan.doubts import Doubt
from central.queries import first_pieces
from central.queries.models import FirstPiece
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.orders import service
from central.register.orders.models import NewLimits, NewOrder, OrderAmendment
from central.register.orders.rules import Order
from central.register.orders.service import ORDER
from central.register.products.service import PRODUCT
from gateway.contract.encoding import INT8_MAX

api = APIRouter(prefix="/orders", tags=["orders"], route_class=Guarded)
_Code = Annotated[str, Path(max_length=60, examples=["ord-31"])]
_Number = Annotated[int, Path(ge=1, le=INT8_MAX)]


class GivenBack(BaseModel):
    order: str
    number: int


@api.post("", status_code=201, response_model=Order, **needs(Right.DRAFT_ORDERS))
def enter(asked: NewOrder, desk: AtDesk) -> Response:
    """A draft, of which no gateway hears before it is released."""

    def entered(work: Work) -> Order:
        _own_product(work.connection, work.by, asked.product)
        return service.enter(work, asked)

    return desk.act(entered, 201)


@api.get("/{code}/entry", response_model=Order, **needs(Right.READ_ORDERS))
def entry(code: _Code, desk: AtDesk) -> Response:
    """The order whole, as it was entered and amended; its progress is at `/orders/{code}`."""
    with desk.looking() as connection:
        return desk.tell(_own(connection, desk.by, code))


@api.get("/{code}/first-pieces", response_model=list[FirstPiece], **needs(Right.READ_ORDERS))
def listed_first_pieces(code: _Code, desk: AtDesk) -> list[FirstPiece]:
    """By whom the first piece of each component was approved, at each gateway and station, and
    where it is waited for; nothing where the order asks for no approval."""
    with desk.looking() as connection:
        return first_pieces.of(connection, _own(connection, desk.by, code))


@api.post("/{code}/amend", response_model=Order, **needs(Right.DRAFT_ORDERS))
def amend(code: _Code, asked: OrderAmendment, desk: AtDesk) -> Response:
    """A draft: what is given takes the place of what was entered."""

    def amended(work: Work) -> Order:
        _own(work.connection, work.by, code)
        if asked.product is not None:
            _own_product(work.connection, work.by, asked.product)
        return service.amend(work, code, asked)

    return desk.act(amended)


@api.post("/{code}/cancel", response_model=Order, **needs(Right.DRAFT_ORDERS))
def cancel(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """A draft that will never be released."""

    def cancelled(work: Work) -> Order:
        _own(work.connection, work.by, code)
        return service.change(work, code, "cancelled", asked.why)

    return desk.act(cancelled)


@api.post("/{code}/release", response_model=Order, **needs(Right.CHANGE_ORDERS))
def release(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """The plan process issues numbers for it, and its gateways may mark."""
    return desk.act(lambda work: service.release(work, code, asked.why))


@api.post("/{code}/pause", response_model=Order, **needs(Right.CHANGE_ORDERS))
def pause(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """Nothing is marked for it until it is resumed; its gateways call it held."""
    return desk.act(lambda work: service.change(work, code, "paused", asked.why))


@api.post("/{code}/resume", response_model=Order, **needs(Right.CHANGE_ORDERS))
def resume(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.change(work, code, "resumed", asked.why))


@api.post("/{code}/complete", response_model=Order, **needs(Right.CHANGE_ORDERS))
def complete(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """No number is issued for it any more, whatever came of it."""
    return desk.act(lambda work: service.change(work, code, "completed", asked.why))


@api.post("/{code}/close", response_model=Order, **needs(Right.CHANGE_ORDERS))
def close(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """For good: what of its numbers is unused becomes void."""
    return desk.act(lambda work: service.change(work, code, "closed", asked.why))


@api.post("/{code}/limits", response_model=Order, **needs(Right.CHANGE_ORDERS))
def limit(code: _Code, asked: NewLimits, desk: AtDesk) -> Response:
    """How many of its numbers a gateway holds at once: no more are marked while it is offline."""
    return desk.act(lambda work: service.limit(work, code, asked))


@api.get("/{code}/doubts", response_model=list[Doubt], **needs(Right.SETTLE_DOUBTS))
def listed_doubts(code: _Code, desk: AtDesk) -> list[Doubt]:
    """Further components that a journal which ended may have marked."""
    with desk.looking() as connection:
        ORDER.require(connection, code)
        return doubts.listed(connection, code)


@api.post("/{code}/numbers/{number}/return", response_model=GivenBack, **needs(Right.SETTLE_DOUBTS))
def give_back(code: _Code, number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """There is no such piece: the number's further components may be marked after all."""

    def returned(work: Work) -> GivenBack:
        doubts.give_back(work, code, number, asked.why)
        return GivenBack(order=code, number=number)

    return desk.act(returned)


def _own(connection: Connection, by: By, code: str) -> Order:
    order = ORDER.require(connection, code)
    return own(by, order, PRODUCT.require(connection, order.product).entity, "order", code)


def _own_product(connection: Connection, by: By, code: str) -> None:
    """Another's product is not found: neither that there is one is told, nor whose it is."""
    own(by, code, PRODUCT.require(connection, code).entity, "product", code)
