"""Writing to the register over HTTP: every act needs the token, enrolment its one-time code."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel
from sqlalchemy import Engine

from central.errors import Unauthorized
from central.plan import doubts
from central.plan.doubts import Doubt
from central.problems import RESPONSES
from central.register.entities import service as entities
from central.register.entities.models import NewEntity
from central.register.gateways import service as gateways
from central.register.gateways.models import Enrolled, Enrolment, Invitation, NewInvitation
from central.register.licences import service as licences
from central.register.licences.models import NewLicence, WithReason
from central.register.orders import service as orders
from central.register.orders.models import NewOrder
from central.register.people import service as people
from central.register.people.models import NewPerson
from central.register.products import service as products
from central.register.products.models import NewProduct
from gateway.contract.plan import CentralKey


class Entered(BaseModel):
    """The name under which the register holds it from now on."""

    code: str


class LicenceEntered(BaseModel):
    id: int
    number: str


class NewState(BaseModel):
    state: str


def token_check(token_hash: bytes | None) -> Callable[[str], None]:
    """A dependency that lets one token through; without a token's hash nobody may write."""

    def check(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, token = authorization.partition(" ")
        given = hashlib.sha256(token.strip().encode()).digest()
        if (
            token_hash is None
            or scheme.lower() != "bearer"
            or not hmac.compare_digest(given, token_hash)
        ):
            raise Unauthorized("writing needs the token that was made when 'serve' started")

    return check


def router(engine: Engine, token_hash: bytes | None, keys: tuple[CentralKey, ...]) -> APIRouter:
    """All that changes the register. One transaction a request."""
    open_to_all = APIRouter(responses=RESPONSES)
    api = APIRouter(
        prefix="/api", responses=RESPONSES, dependencies=[Depends(token_check(token_hash))]
    )

    @open_to_all.post("/enroll", tags=["enrolment"])
    def enroll(asked: Enrolment) -> Enrolled:
        """Open a gateway's next epoch with a one-time code."""
        with engine.begin() as connection:
            enrolled = gateways.enrol(connection, asked, keys)
            doubts.enter(connection, asked.gateway, enrolled.epoch - 1)
        return enrolled

    @api.post("/invitations", status_code=201, tags=["enrolment"])
    def invite(new: NewInvitation) -> Invitation:
        """A one-time code, told once."""
        with engine.begin() as connection:
            return gateways.invite(connection, new)

    @api.post("/entities", status_code=201, tags=["subjects"])
    def add_entity(new: NewEntity) -> Entered:
        with engine.begin() as connection:
            entities.add(connection, new)
        return Entered(code=new.code)

    @api.post("/licences", status_code=201, tags=["licences"])
    def add_licence(new: NewLicence) -> LicenceEntered:
        with engine.begin() as connection:
            return LicenceEntered(id=licences.add(connection, new), number=new.number)

    @api.post("/licences/{licence}/suspend", tags=["licences"])
    def suspend(licence: int, why: WithReason) -> NewState:
        """Marking under it stops at each gateway's next intent."""
        with engine.begin() as connection:
            licences.set_state(connection, licence, "suspended", why.reason)
        return NewState(state="suspended")

    @api.post("/licences/{licence}/reinstate", tags=["licences"])
    def reinstate(licence: int, why: WithReason) -> NewState:
        with engine.begin() as connection:
            licences.set_state(connection, licence, "active", why.reason)
        return NewState(state="active")

    @api.post("/licences/{licence}/revoke", tags=["licences"])
    def revoke(licence: int, why: WithReason) -> NewState:
        """For good: a revoked licence comes back only as a new one."""
        with engine.begin() as connection:
            licences.set_state(connection, licence, "revoked", why.reason)
        return NewState(state="revoked")

    @api.post("/products", status_code=201, tags=["subjects"])
    def add_product(new: NewProduct) -> Entered:
        with engine.begin() as connection:
            products.add(connection, new)
        return Entered(code=new.code)

    @api.post("/orders", status_code=201, tags=["orders"])
    def add_order(new: NewOrder) -> Entered:
        """Released at once; the plan process issues numbers for it."""
        with engine.begin() as connection:
            orders.add(connection, new)
        return Entered(code=new.code)

    @api.post("/orders/{order}/hold", tags=["orders"])
    def hold(order: str, why: WithReason) -> NewState:
        with engine.begin() as connection:
            orders.set_state(connection, order, "held", why.reason)
        return NewState(state="held")

    @api.post("/orders/{order}/release", tags=["orders"])
    def release(order: str, why: WithReason) -> NewState:
        with engine.begin() as connection:
            orders.set_state(connection, order, "released", why.reason)
        return NewState(state="released")

    @open_to_all.get("/api/orders/{order}/doubts", tags=["orders"])
    def listed_doubts(order: str) -> list[Doubt]:
        """Further components that a journal which ended may have marked."""
        with engine.connect() as connection:
            return doubts.listed(connection, order)

    @api.post("/orders/{order}/numbers/{number}/return", tags=["orders"])
    def give_back(order: str, number: int, why: WithReason) -> NewState:
        """There is no such piece: the number's further components may be marked after all."""
        with engine.begin() as connection:
            doubts.give_back(connection, order, number, why.reason)
        return NewState(state="returned")

    @api.post("/people", status_code=201, tags=["subjects"])
    def put_person(new: NewPerson) -> Entered:
        """Badge and PIN are hashed at once; the same person again replaces them."""
        with engine.begin() as connection:
            people.put(connection, new)
        return Entered(code=new.code)

    both = APIRouter()
    both.include_router(open_to_all)
    both.include_router(api)
    return both
