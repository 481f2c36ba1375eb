"""Inviting gateways, by an officer; and enrolling, which needs the one-time code alone."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Engine

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.plan import doubts
from central.register.acts import By, Work
from central.register.gateways import service
from central.register.gateways.models import Enrolled, Enrolment, Invitation, NewInvitation

open_to_all = APIRouter(tags=["gateways"])
api = APIRouter(tags=["gateways"], route_class=Guarded)


@open_to_all.post("/enroll", responses={403: {}})
def enroll(asked: Enrolment, request: Request) -> Enrolled:
    """Open a gateway's next epoch with a one-time code."""
    engine: Engine = request.app.state.engine
    with engine.begin() as connection:
        work = Work(connection, By(asked.gateway, "gateway"))
        enrolled = service.enrol(work, asked, request.app.state.central_keys)
        doubts.enter(work, asked.gateway, enrolled.epoch - 1)
    return enrolled


@api.post(
    "/invitations", status_code=201, response_model=Invitation, **needs(Right.INVITE_GATEWAYS)
)
def invite(asked: NewInvitation, desk: AtDesk) -> Response:
    """A one-time code, told once."""
    return desk.act(lambda work: service.invite(work, asked), 201, tells_once=True)
