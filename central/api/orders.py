"""Orders over HTTP: entering, holding, releasing, and what is in doubt of them."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel

from central.access.roles import Right
from central.api.desk import AtDesk, needs
from central.plan import doubts
from central.plan.doubts import Doubt
from central.register.acts import Work
from central.register.licences.models import WithReason
from central.register.orders import service
from central.register.orders.models import NewOrder
from central.register.orders.service import Order
from gateway.contract.encoding import INT8_MAX

api = APIRouter(prefix="/orders", tags=["orders"])
_Code = Annotated[str, Path(max_length=60, examples=["ord-31"])]
_Number = Annotated[int, Path(ge=1, le=INT8_MAX)]


class GivenBack(BaseModel):
    order: str
    number: int


@api.post("", status_code=201, response_model=Order, **needs(Right.CHANGE_ORDERS))
def enter(asked: NewOrder, desk: AtDesk) -> Response:
    """Released at once; the plan process issues numbers for it."""
    return desk.act(lambda work: service.add(work, asked), 201)


@api.post("/{code}/hold", response_model=Order, **needs(Right.CHANGE_ORDERS))
def hold(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.change(work, code, "held", asked.why))


@api.post("/{code}/release", response_model=Order, **needs(Right.CHANGE_ORDERS))
def release(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.change(work, code, "released", asked.why))


@api.get("/{code}/doubts", response_model=list[Doubt], **needs(Right.SETTLE_DOUBTS))
def listed_doubts(code: _Code, desk: AtDesk) -> list[Doubt]:
    """Further components that a journal which ended may have marked."""
    with desk.looking() as connection:
        return doubts.listed(connection, code)


@api.post("/{code}/numbers/{number}/return", response_model=GivenBack, **needs(Right.SETTLE_DOUBTS))
def give_back(code: _Code, number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """There is no such piece: the number's further components may be marked after all."""

    def returned(work: Work) -> GivenBack:
        doubts.give_back(work, code, number, asked.why)
        return GivenBack(order=code, number=number)

    return desk.act(returned)
