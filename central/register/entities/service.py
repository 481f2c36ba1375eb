"""Entering, amending, deactivating and reactivating an entity."""

from datetime import datetime
from typing import Literal

from central import schema
from central.errors import Conflict
from central.register.acts import Act, Why, Work
from central.register.entities.models import Described, EntityKind, EntityState, NewEntity
from central.register.entities.standing import marking_for
from central.register.exclusions import screening
from central.register.subject import Row, Subject, held, impossible, new

_STEPS: dict[str, tuple[EntityState, EntityState]] = {
    "deactivated": ("active", "inactive"),
    "reactivated": ("inactive", "active"),
}
"""By act: the state that it leads from, and the state that it leads to."""


class Entity(Row):
    """An entity as the register holds it. `reason` is that of the last change of its state.

    The defaults are what an entity has that was entered before there was such a field.
    """

    code: str
    name: str
    kinds: tuple[EntityKind, ...] = ()
    ncage: str | None
    tax_number: str | None = None
    gs1_prefix: str | None = None
    state: EntityState = "active"
    reason: str = ""
    created: datetime


def apply(state: Entity | None, act: Act) -> Entity:
    """Raises `Conflict` or `NotFound`."""
    if act.what == "entered":
        new("entity", state, act)
        return Entity.of(act, created=act.at)
    entity = held("entity", state, act)
    if act.what == "amended":
        return Entity.model_validate({**entity.model_dump(), **act.payload, "version": act.id})
    origin, target = _STEPS[act.what]
    if entity.state != origin:
        raise Conflict(impossible("entity", act.key, entity.state, act.what))
    return entity.model_copy(update={"state": target, "reason": act.reason, "version": act.id})


ENTITY = Subject("entity", schema.entity, Entity, apply)


def add(work: Work, asked: NewEntity) -> Entity:
    """Also asks of every exclusion whose name is like its name.

    Raises `Conflict` when the code or what identifies it is taken.
    """
    entity = work.act(ENTITY, asked.code, "entered", asked.model_dump(mode="json"))
    screening.ask_of_entity(work, asked.code)
    return entity


def amend(work: Work, code: str, asked: Described, why: Why) -> Entity:
    """Everything but the code, anew. Raises `NotFound` or `Conflict`."""
    entity = work.act(
        ENTITY,
        code,
        "amended",
        asked.model_dump(mode="json", include=set(Described.model_fields)),
        why=why,
        gateways=marking_for(work.connection, code),
        expects=True,
    )
    screening.ask_of_entity(work, code)
    return entity


def change(work: Work, code: str, what: Literal["deactivated", "reactivated"], why: Why) -> Entity:
    """While it is inactive, its places are too, and none of its orders is marked.

    Raises `NotFound` or `Conflict`.
    """
    gateways = marking_for(work.connection, code)
    return work.act(ENTITY, code, what, why=why, gateways=gateways, expects=True)
