"""Entities over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.queries.paging import Page
from central.register.asked import WithReason
from central.register.entities import service
from central.register.entities.models import Described, EntityKind, EntityState, NewEntity
from central.register.entities.service import ENTITY, Entity

api = APIRouter(prefix="/entities", tags=["entities"], route_class=Guarded)
_Sort = Literal[
    "code",
    "-code",
    "name",
    "-name",
    "state",
    "-state",
    "ncage",
    "-ncage",
    "tax_number",
    "-tax_number",
]
_Code = Annotated[str, Path(max_length=60, examples=["KMP"])]


class AmendedEntity(Described, WithReason):
    """All of it anew, and why."""


@api.get("", response_model=Page[Entity], **needs(Right.READ_SUBJECTS))
def all_entities(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    kind: EntityKind | None = None,
    state: EntityState | None = None,
    sort: Annotated[_Sort, SORT] = "code",
) -> Page[Entity]:
    conditions = where(ENTITY, state=state) + where(ENTITY, code=desk.by.entity)
    if kind is not None:
        conditions.append(ENTITY.table.c.kinds.contains([kind]))
    with desk.looking() as connection:
        return listed(connection, ENTITY, limit, cursor, *conditions, sort=sort)


@api.get("/{code}", response_model=Entity, **needs(Right.READ_SUBJECTS))
def one_entity(code: _Code, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        entity = ENTITY.require(connection, code)
    return desk.tell(own(desk.by, entity, code, "entity", code))


@api.post("", status_code=201, response_model=Entity, **needs(Right.CHANGE_ENTITIES))
def enter(asked: NewEntity, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.add(work, asked), 201)


@api.post("/{code}/amend", response_model=Entity, **needs(Right.CHANGE_ENTITIES))
def amend(code: _Code, asked: AmendedEntity, desk: AtDesk) -> Response:
    """What is left out is gone: the code alone stays."""
    return desk.act(lambda work: service.amend(work, code, asked, asked.why))


@api.post("/{code}/deactivate", response_model=Entity, **needs(Right.CHANGE_ENTITIES))
def deactivate(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """Its places count as inactive, and marking for it stops at each gateway's next intent."""
    return desk.act(lambda work: service.change(work, code, "deactivated", asked.why))


@api.post("/{code}/reactivate", response_model=Entity, **needs(Right.CHANGE_ENTITIES))
def reactivate(code: _Code, asked: WithReason, desk: AtDesk) -> Response:
    """Places that were deactivated themselves stay so."""
    return desk.act(lambda work: service.change(work, code, "reactivated", asked.why))
