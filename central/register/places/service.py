"""Entering a place, naming it anew, closing and opening it, and the gateway on a line."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select, text

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Act, Why, Work
from central.register.entities.service import ENTITY
from central.register.places.models import BELOW, Named, NewPlace, PlaceKind, PlaceState
from central.register.subject import Row, Subject, held, impossible, new, no_such
from central.said import Word, joined, said

_STEPS: dict[str, tuple[PlaceState, PlaceState]] = {
    "deactivated": ("active", "inactive"),
    "reactivated": ("inactive", "active"),
}
"""By act: the state that it leads from, and the state that it leads to."""

# A place counts as inactive where it, anything above it, or the entity is.
_INACTIVE = text(
    "WITH RECURSIVE up AS ("
    " SELECT code, parent, entity, state FROM place WHERE code = :code"
    " UNION ALL SELECT p.code, p.parent, p.entity, p.state FROM place p"
    " JOIN up ON p.code = up.parent)"
    " SELECT EXISTS (SELECT 1 FROM up JOIN entity e ON e.code = up.entity"
    "  WHERE up.state <> 'active' OR e.state <> 'active')"
)
_WITHIN = text(
    "WITH RECURSIVE down AS ("
    " SELECT code, gateway FROM place WHERE code = :code"
    " UNION ALL SELECT p.code, p.gateway FROM place p JOIN down ON p.parent = down.code)"
    " SELECT code, gateway FROM down ORDER BY code"
)


class Place(Row):
    """A place as the register holds it. `reason` is that of the last change of its state.

    `state` is its own; what is above it counts too, see `is_active`.
    """

    code: str
    kind: PlaceKind
    entity: str
    parent: str | None
    name: str
    gateway: str | None
    state: PlaceState
    reason: str
    created: datetime
    latitude: float | None = None
    longitude: float | None = None


def apply(state: Place | None, act: Act) -> Place:
    """Raises `Conflict`, `NotFound` or `Refused`."""
    if act.what == "entered":
        new("place", state, act)
        return Place.of(act, gateway=None, state="active", reason="", created=act.at)
    place = held("place", state, act)
    change: dict[str, object]
    match act.what:
        case "amended":
            if "latitude" in act.payload and place.kind != "site":
                raise Refused(
                    said(
                        "latitude: {code} is a {kind}; a site alone has it",
                        code=act.key,
                        kind=Word(place.kind, "value"),
                    )
                )
            change = dict(act.payload)
        case "gateway assigned":
            if place.kind != "line":
                raise Conflict(
                    said(
                        "place {code} is a {kind}: a gateway works on a line",
                        code=act.key,
                        kind=Word(place.kind, "value"),
                    )
                )
            change = {"gateway": act.payload["gateway"]}
        case "gateway removed":
            if place.gateway is None:
                raise Conflict(said("no gateway is assigned to place {code}", code=act.key))
            change = {"gateway": None}
        case _:
            origin, target = _STEPS[act.what]
            if place.state != origin:
                raise Conflict(impossible("place", act.key, place.state, act.what))
            change = {"state": target, "reason": act.reason}
    return place.model_copy(update={**change, "version": act.id})


PLACE = Subject("place", schema.place, Place, apply)


def add(work: Work, asked: NewPlace) -> Place:
    """Raises `Refused`, `NotFound` or `Conflict`."""
    _fits(work.connection, asked)
    return work.act(PLACE, asked.code, "entered", asked.model_dump(mode="json"))


def amend(work: Work, code: str, asked: Named, why: Why) -> Place:
    """Another name, and where a site lies if that is given. Raises `NotFound` or `Refused`."""
    payload = asked.model_dump(include=set(Named.model_fields), exclude_none=True)
    return work.act(PLACE, code, "amended", payload, why=why, expects=True)


def change(work: Work, code: str, what: Literal["deactivated", "reactivated"], why: Why) -> Place:
    """While it is inactive, so is all that is below it, and no gateway there marks.

    Raises `NotFound` or `Conflict`.
    """
    gateways = [row.gateway for row in _below(work.connection, code) if row.gateway is not None]
    return work.act(PLACE, code, what, why=why, gateways=gateways, expects=True)


def assign(work: Work, code: str, gateway: str | None, why: Why) -> Place:
    """The gateway that works on a line, instead of the former one; none where None.

    Raises `NotFound`, or `Conflict` where it is no line, or the gateway works on another one.
    """
    before = PLACE.require(work.connection, code, lock=True)
    former = [] if before.gateway is None else [before.gateway]
    if gateway is None:
        return work.act(PLACE, code, "gateway removed", why=why, gateways=former, expects=True)
    table = schema.place
    other = work.connection.execute(
        select(table.c.code).where(table.c.gateway == gateway, table.c.code != code)
    ).scalar_one_or_none()
    if other is not None:
        raise Conflict(
            said(
                "gateway {gateway} works on {place}; take it away there first",
                gateway=gateway,
                place=other,
            )
        )
    return work.act(
        PLACE,
        code,
        "gateway assigned",
        {"gateway": gateway},
        why=why,
        gateways=[*former, gateway],
        expects=True,
    )


def is_active(connection: Connection, code: str) -> bool:
    """Whether it is active with all that is above it, its entity included."""
    return not connection.execute(_INACTIVE, {"code": code}).scalar_one()


def require_of(
    work: Work, entity: str, codes: Iterable[str], *, kind: PlaceKind | None = None
) -> None:
    """That each is a place of the entity, and of that kind. Raises `NotFound` or `Refused`.

    Who acts for an entity does not learn which places others have.
    """
    for code in codes:
        place = PLACE.require(work.connection, code)
        if place.entity != entity:
            if work.by.entity is not None:
                raise NotFound(no_such("place", code))
            raise Refused(
                said(
                    "place {code} is of {owner}, not of {entity}",
                    code=code,
                    owner=place.entity,
                    entity=entity,
                )
            )
        if kind is not None and place.kind != kind:
            raise Refused(
                said(
                    "place {code} is a {kind}, not a {wanted}",
                    code=code,
                    kind=Word(place.kind, "value"),
                    wanted=Word(kind, "value"),
                )
            )


def within(connection: Connection, code: str) -> list[str]:
    """The place and all that is below it, by their codes; empty where there is no such place."""
    return [row.code for row in _below(connection, code)]


def _below(connection: Connection, code: str) -> Iterable[Any]:
    """Code and gateway of a place and of all that is below it."""
    return connection.execute(_WITHIN, {"code": code})


def _fits(connection: Connection, asked: NewPlace) -> None:
    """Whether it can stand where it is said to."""
    above = BELOW[asked.kind]
    if (asked.parent is None) != (not above):
        raise Refused(
            said(
                "parent: a {kind} stands below a {above}",
                kind=Word(asked.kind, "value"),
                above=joined(" or a ", (Word(each, "value") for each in above)),
            )
            if above
            else said("parent: a site stands below no other place")
        )
    if asked.latitude is not None and asked.kind != "site":
        raise Refused(
            said("latitude: a {kind} lies where its site does", kind=Word(asked.kind, "value"))
        )
    if ENTITY.require(connection, asked.entity).state != "active":
        raise Conflict(said("entity {entity} is inactive", entity=asked.entity))
    if asked.parent is None:
        return
    parent = PLACE.require(connection, asked.parent)
    if parent.kind not in above:
        raise Refused(
            said(
                "parent: a {kind} does not stand below a {parent}",
                kind=Word(asked.kind, "value"),
                parent=Word(parent.kind, "value"),
            )
        )
    if parent.entity != asked.entity:
        raise Refused(
            said("entity: place {code} is of {owner}", code=parent.code, owner=parent.entity)
        )
