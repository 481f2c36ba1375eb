"""Entering an entity."""

from datetime import datetime

from central import schema
from central.register.acts import Act, Work
from central.register.entities.models import NewEntity
from central.register.subject import Row, Subject, new


class Entity(Row):
    """An entity as the register holds it."""

    code: str
    name: str
    ncage: str | None
    created: datetime


def apply(state: Entity | None, act: Act) -> Entity:
    """Raises `Conflict` when it exists."""
    new("entity", state, act)
    return Entity.of(act, created=act.at)


ENTITY = Subject("entity", schema.entity, Entity, apply)


def add(work: Work, asked: NewEntity) -> Entity:
    """Raises `Conflict` when the code or the NCAGE is taken."""
    return work.act(ENTITY, asked.code, "entered", asked.model_dump(mode="json"))
