"""Licences over HTTP: each step of their life is an act of its own."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, needs
from central.api.listing import Cursor, Limit, Page, listed, where
from central.register.licences import service
from central.register.licences.models import LicenceState, NewLicence, WithReason
from central.register.licences.service import LICENCE, Licence

api = APIRouter(prefix="/licences", tags=["licences"])
_Number = Annotated[str, Path(max_length=60, examples=["PRO-2026-014"])]


@api.get("", response_model=Page[Licence], **needs(Right.READ_SUBJECTS))
def all_licences(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: Annotated[str | None, Query(max_length=60)] = None,
    state: LicenceState | None = None,
) -> Page[Licence]:
    conditions = where(LICENCE, entity=entity, state=state)
    conditions += where(LICENCE, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, LICENCE, limit, cursor, *conditions)


@api.get("/{number}", response_model=Licence, **needs(Right.READ_SUBJECTS))
def one_licence(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        licence = LICENCE.require(connection, number)
    return desk.tell(own(desk.by, licence, licence.entity, f"licence {number}"))


@api.post("", status_code=201, response_model=Licence, **needs(Right.DECIDE_LICENCES))
def issue(asked: NewLicence, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.issue(work, asked), 201)


@api.post("/{number}/suspend", response_model=Licence, **needs(Right.DECIDE_LICENCES))
def suspend(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """Marking under it stops at each gateway's next intent."""
    return desk.act(lambda work: service.change(work, number, "suspended", asked.why))


@api.post("/{number}/reinstate", response_model=Licence, **needs(Right.DECIDE_LICENCES))
def reinstate(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.change(work, number, "reinstated", asked.why))


@api.post("/{number}/revoke", response_model=Licence, **needs(Right.DECIDE_LICENCES))
def revoke(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """For good: a revoked licence comes back only as a new one."""
    return desk.act(lambda work: service.change(work, number, "revoked", asked.why))
