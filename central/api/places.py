"""Places over HTTP: sites, stores, bays, lines, stations, and the gateway on a line."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.queries.paging import Page
from central.register.asked import WithReason
from central.register.places import service
from central.register.places.models import Assigned, Named, NewPlace, PlaceKind, PlaceState
from central.register.places.service import PLACE, Place

api = APIRouter(prefix="/places", tags=["places"], route_class=Guarded)
_Sort = Literal[
    "code",
    "-code",
    "name",
    "-name",
    "kind",
    "-kind",
    "entity",
    "-entity",
    "parent",
    "-parent",
    "state",
    "-state",
    "gateway",
    "-gateway",
]
_Code = Annotated[str, Path(max_length=60, examples=["UMG.GR.L1"])]
_Filter = Annotated[str | None, Query(max_length=60)]


class PlaceView(Place):
    """`active`: with all that is above it, its entity included."""

    active: bool


class AmendedPlace(Named, WithReason):
    """Another name, where a site lies if that is given, and why."""


class NewAssignment(Assigned, WithReason):
    """Which gateway, and why."""


@api.get("", response_model=Page[Place], **needs(Right.READ_SUBJECTS))
def all_places(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    parent: _Filter = None,
    kind: PlaceKind | None = None,
    state: PlaceState | None = None,
    gateway: _Filter = None,
    sort: Annotated[_Sort, SORT] = "code",
) -> Page[Place]:
    conditions = where(PLACE, entity=entity, parent=parent, kind=kind, state=state, gateway=gateway)
    conditions += where(PLACE, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, PLACE, limit, cursor, *conditions, sort=sort)


@api.get("/{code}", response_model=PlaceView, **needs(Right.READ_SUBJECTS))
def one_place(code: _Code, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        place = _view(connection, PLACE.require(connection, code))
    return desk.tell(own(desk.by, place, place.entity, "place", code))


@api.post("", status_code=201, response_model=Place, **needs(Right.CHANGE_PLACES))
def enter(asked: NewPlace, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.add(work, asked), 201)


@api.post("/{code}/amend", response_model=Place, **needs(Right.CHANGE_PLACES))
def amend(code: _Code, asked: AmendedPlace, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.amend(work, code, asked, asked.why))


@api.post("/{code}/deactivate", response_model=Place, **needs(Right.CHANGE_PLACES))
def deactivate(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """What is below it counts as inactive, and marking stops at the gateways that work there."""
    return desk.act(lambda work: service.change(work, code, "deactivated", asked.why))


@api.post("/{code}/reactivate", response_model=Place, **needs(Right.CHANGE_PLACES))
def reactivate(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """What was deactivated below it stays so."""
    return desk.act(lambda work: service.change(work, code, "reactivated", asked.why))


@api.post("/{code}/gateway", response_model=Place, **needs(Right.CHANGE_PLACES))
def assign(code: _Code, asked: NewAssignment, desk: AtDesk) -> Response:
    """The gateway that works on a line; null takes it away."""
    return desk.act(lambda work: service.assign(work, code, asked.gateway, asked.why))


def _view(connection: Connection, place: Place) -> PlaceView:
    return PlaceView(**place.model_dump(), active=service.is_active(connection, place.code))
