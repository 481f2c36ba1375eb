"""Entities over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, needs
from central.api.listing import Cursor, Limit, Page, listed, where
from central.register.entities import service
from central.register.entities.models import NewEntity
from central.register.entities.service import ENTITY, Entity

api = APIRouter(prefix="/entities", tags=["entities"])
_Code = Annotated[str, Path(max_length=60, examples=["KMP"])]


@api.get("", response_model=Page[Entity], **needs(Right.READ_SUBJECTS))
def all_entities(desk: AtDesk, limit: Limit = 100, cursor: Cursor = None) -> Page[Entity]:
    with desk.looking() as connection:
        return listed(connection, ENTITY, limit, cursor, *where(ENTITY, code=desk.by.entity))


@api.get("/{code}", response_model=Entity, **needs(Right.READ_SUBJECTS))
def one_entity(code: _Code, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        entity = ENTITY.require(connection, code)
    return desk.tell(own(desk.by, entity, code, f"entity {code}"))


@api.post("", status_code=201, response_model=Entity, **needs(Right.CHANGE_ENTITIES))
def enter(asked: NewEntity, desk: AtDesk) -> Response:
    return desk.act(lambda work: service.add(work, asked), 201)
