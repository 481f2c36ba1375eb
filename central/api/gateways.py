"""Inviting gateways, by an officer; and enrolling, which needs the one-time code alone.

And bringing what a damaged journal of a former epoch still proved.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection, Engine

from central import keys
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs, transaction
from central.api.proposals import ProposalView, propose
from central.ingest import salvage
from central.ingest.salvage import Salvaged
from central.plan import doubts
from central.register.acts import By, Work
from central.register.gateways import service
from central.register.gateways.models import (
    Enrolled,
    Enrolment,
    ForkSettlement,
    Invitation,
    NewInvitation,
)
from central.register.proposals.service import Wanted

SALVAGES = "/api/v1/salvages"
open_to_all = APIRouter(tags=["gateways"])
api = APIRouter(tags=["gateways"], route_class=Guarded)


@open_to_all.post("/enroll", responses={403: {}})
def enroll(asked: Enrolment, request: Request) -> Enrolled:
    """Open a gateway's next epoch with a one-time code."""
    engine: Engine = request.app.state.pools.devices

    def enrol(connection: Connection) -> Enrolled:
        work = Work(connection, By(asked.gateway, "gateway"))
        enrolled = service.enrol(work, asked, request.app.state.central_keys)
        doubts.enter(work, asked.gateway, enrolled.epoch - 1)
        return enrolled

    return transaction(engine, enrol)


@api.post(
    "/invitations", status_code=201, response_model=Invitation, **needs(Right.INVITE_GATEWAYS)
)
def invite(asked: NewInvitation, desk: AtDesk) -> Response:
    """A one-time code, told once."""
    return desk.act(lambda work: service.invite(work, asked), 201, tells_once=True)


@api.post(
    "/salvages",
    status_code=201,
    response_model=Salvaged,
    openapi_extra=needs(Right.INVITE_GATEWAYS)["openapi_extra"]
    | {
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
def bring_salvage(
    desk: AtDesk,
    request: Request,
    reason: Annotated[
        str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", examples=["disk torn"])
    ],
) -> Response:
    """The file that `gjurma-gateway journal salvage` wrote is the body. Its records are judged as
    those of the epoch that has ended; what the register holds already is left as it is."""
    plan_keys = keys.plan_keys(request.app.state.central_keys)

    def take(work: Work) -> Salvaged:
        done = salvage.take(work, desk.body, reason, plan_keys)
        doubts.enter_of_ended(work, done.gateway, done.epoch)
        return done

    return desk.act(take, 201)


@api.post(
    "/gateways/{name}/settle-fork",
    status_code=202,
    response_model=ProposalView,
    **needs(Right.SETTLE_ARTICLES),
)
def settle_fork(
    name: Annotated[str, Path(max_length=100, examples=["gramsh.line-2"])],
    asked: ForkSettlement,
    desk: AtDesk,
) -> Response:
    """Says how many pieces bear each of a fork's numbers. A second person confirms it."""
    return propose(desk, Wanted("fork-settlement", name, asked))
