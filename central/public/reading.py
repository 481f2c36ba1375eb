"""Reads from the register what is public of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from central import schema
from central.public import figures, standing
from central.public.finding import Numbers
from central.public.models import Figure, PublicEntity, PublicExclusion, PublicLicence
from central.register.entities.standing import Standing, standings
from central.register.licences.models import suspended_until
from central.register.licences.rules import Licence

ISSUED = ("active", "suspended", "revoked")
"""An application, and one that was refused, is between who applied and the registry."""


@dataclass(frozen=True)
class Published:
    """All of it at one moment. `entities`, `licences`: by code and number, in their order."""

    entities: Mapping[str, PublicEntity]
    licences: Mapping[str, PublicLicence]
    numbers: Numbers
    exclusions: Sequence[PublicExclusion]
    figures: Sequence[Figure]
    """But for those of marks, which take long to count."""

    def licences_of(self, entity: str) -> tuple[PublicLicence, ...]:
        return tuple(each for each in self.licences.values() if each.entity == entity)


def read(connection: Connection, now: datetime) -> Published:
    """As it stands at that moment."""
    rows = _licences(connection)
    holders = {row.code: row for row in _entities(connection, {each.entity for each in rows})}
    stand = standings(connection, holders)
    turned = _turned(connection)
    licences = {
        each.number: _licence(each, holders[each.entity].name, stand[each.entity], turned, now)
        for each in rows
    }
    by_entity: defaultdict[str, list[PublicLicence]] = defaultdict(list)
    for each in licences.values():
        by_entity[each.entity].append(each)
    entities = {
        code: _entity(row, by_entity[code], stand[code], now) for code, row in holders.items()
    }
    excluded = _exclusions(connection, now)
    return Published(
        entities=entities,
        licences=licences,
        numbers=Numbers(licences),
        exclusions=[
            PublicExclusion.model_validate(row, from_attributes=True)
            for row in excluded
            if row.kind == "entity"
        ],
        figures=[
            *figures.of_entities(entities.values()),
            *figures.of_licences(licences.values()),
            *figures.of_exclusions([(row.ground, row.kind) for row in excluded]),
            *figures.of_inspections(connection, now),
            *figures.of_sanctions(connection, now),
        ],
    )


def _licences(connection: Connection) -> list[Licence]:
    table = schema.licence
    query = select(table).where(table.c.state.in_(ISSUED)).order_by(table.c.number)
    return [Licence.model_validate(dict(row._mapping)) for row in connection.execute(query)]


def _entities(connection: Connection, codes: set[str]) -> Sequence[Row[Any]]:
    table = schema.entity
    return connection.execute(
        select(table).where(table.c.code.in_(codes)).order_by(table.c.code)
    ).all()


def _exclusions(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    table = schema.exclusion
    return connection.execute(
        select(table)
        .where(table.c.state == "active", table.c.valid_from <= now)
        .where(or_(table.c.valid_until.is_(None), table.c.valid_until > now))
        .order_by(table.c.number)
    ).all()


def _turned(connection: Connection) -> Mapping[tuple[str, str], datetime]:
    """By licence and step, when it last went that way."""
    act = schema.act
    rows = connection.execute(
        select(act.c.key, act.c.what, func.max(act.c.at))
        .where(act.c.subject == "licence", act.c.what.in_(("suspended", "revoked")))
        .group_by(act.c.key, act.c.what)
    )
    return {(key, what): at for key, what, at in rows}


def _licence(
    licence: Licence,
    name: str,
    holder: Standing,
    turned: Mapping[tuple[str, str], datetime],
    now: datetime,
) -> PublicLicence:
    stands = standing.of_licence(licence, holder, now)
    return PublicLicence(
        number=licence.number,
        entity=licence.entity,
        entity_name=name,
        activities=licence.activities,
        categories=licence.categories,
        standing=stands,
        valid_from=licence.valid_from,
        valid_until=licence.valid_until,
        since=turned.get((licence.number, stands)),
        suspended_until=suspended_until(licence.suspensions) if stands == "suspended" else None,
    )


def _entity(
    row: Row[Any], licences: Sequence[PublicLicence], holder: Standing, now: datetime
) -> PublicEntity:
    good = [each for each in licences if each.standing == "in-force"]
    return PublicEntity(
        code=row.code,
        name=row.name,
        kinds=row.kinds,
        tax_number=row.tax_number,
        ncage=row.ncage,
        standing=standing.of_entity(licences, holder, now),
        activities=tuple(dict.fromkeys(what for each in good for what in each.activities)),
        valid_until=max((each.valid_until for each in good), default=None),
    )
