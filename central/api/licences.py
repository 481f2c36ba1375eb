"""Licences over HTTP: each step of their life is an act of its own."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from central.access.own import for_own, own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown, where
from central.api.proposals import ProposalView, propose
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import WithReason
from central.register.licences import service
from central.register.licences.models import (
    Grant,
    LicenceAmendment,
    LicenceState,
    NewLicence,
    Obstacle,
    Renewal,
    Suspending,
)
from central.register.licences.rules import Licence
from central.register.licences.service import LICENCE
from central.register.proposals.service import Wanted

api = APIRouter(prefix="/licences", tags=["licences"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "entity",
    "-entity",
    "state",
    "-state",
    "valid_from",
    "-valid_from",
    "valid_until",
    "-valid_until",
]
_Number = Annotated[str, Path(max_length=60, examples=["PRO-2026-014"])]


class LicenceView(Licence):
    """A licence, and what stands against marking under it at this moment."""

    obstacle: Annotated[
        Obstacle,
        Field(description="as a code; empty: it is in force", examples=["licence-expired"]),
    ]

    @classmethod
    def of_now(cls, licence: Licence) -> Self:
        against = licence.validity.obstacle(datetime.now(UTC))
        return cls.model_validate({**licence.model_dump(), "obstacle": against})


_Told = LicenceView.of_now


@api.get("", response_model=Page[LicenceView], **needs(Right.READ_SUBJECTS))
def all_licences(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: Annotated[str | None, Query(max_length=60)] = None,
    state: LicenceState | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[LicenceView]:
    """Applications are among them. One that has expired is active, with its obstacle."""
    conditions = where(LICENCE, entity=entity, state=state)
    conditions += where(LICENCE, entity=desk.by.entity)
    with desk.looking() as connection:
        return shown(listed(connection, LICENCE, limit, cursor, *conditions, sort=sort), _Told)


@api.get("/applications", response_model=Page[LicenceView], **needs(Right.READ_SUBJECTS))
def applications(desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[LicenceView]:
    """Those that nobody has decided yet."""
    return all_licences(desk, limit, cursor, state="applied")


@api.get("/{number}", response_model=LicenceView, **needs(Right.READ_SUBJECTS))
def one_licence(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        licence = LICENCE.require(connection, number)
    return desk.tell(_Told(own(desk.by, licence, licence.entity, "licence", number)))


@api.post("", status_code=201, response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def issue(asked: NewLicence, desk: AtDesk) -> Response:
    """Application and issue in one, for a licence on paper."""
    return desk.act(lambda work: _Told(service.issue(work, asked)), 201)


@api.post(
    "/applications", status_code=201, response_model=LicenceView, **needs(Right.APPLY_LICENCES)
)
def apply(asked: NewLicence, desk: AtDesk) -> Response:
    """A producer's officer asks for a licence of its own entity; the registry decides."""
    for_own(desk.by, asked.entity)
    return desk.act(lambda work: _Told(service.apply_for(work, asked)), 201)


@api.post("/{number}/issue", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def grant(number: _Number, asked: Grant, desk: AtDesk) -> Response:
    """As it was applied for, save for what is said here."""
    return desk.act(lambda work: _Told(service.grant(work, number, asked)))


@api.post("/{number}/refuse", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def refuse(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: _Told(service.refuse(work, number, asked.why)))


@api.post("/{number}/renew", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def renew(number: _Number, asked: Renewal, desk: AtDesk) -> Response:
    return desk.act(lambda work: _Told(service.renew(work, number, asked)))


@api.post("/{number}/amend", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def amend(number: _Number, asked: LicenceAmendment, desk: AtDesk) -> Response:
    """Marking for orders that it does not cover any more stops at each gateway's next intent."""
    return desk.act(lambda work: _Told(service.amend(work, number, asked)))


@api.post("/{number}/suspend", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def suspend(number: _Number, asked: Suspending, desk: AtDesk) -> Response:
    """Marking under it stops at each gateway's next intent."""

    def suspended(work: Work) -> LicenceView:
        return _Told(service.suspend(work, number, asked.why, until=asked.until))

    return desk.act(suspended)


@api.post("/{number}/reinstate", response_model=LicenceView, **needs(Right.DECIDE_LICENCES))
def reinstate(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """Takes back an officer's suspension; a sanction's is lifted with the sanction."""
    return desk.act(lambda work: _Told(service.reinstate(work, number, asked.why)))


@api.post(
    "/{number}/revoke",
    status_code=202,
    response_model=ProposalView,
    **needs(Right.DECIDE_LICENCES),
)
def revoke(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """For good: a revoked licence comes back only as a new one. It is proposed, and a second person
    confirms it."""
    return propose(desk, Wanted("licence-revocation", number, asked))
