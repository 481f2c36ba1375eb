"""Screening: no licence and no order for whoever is excluded, or may be and nobody has looked.

    screen(work, "UMG")     # before a licence is issued, an order entered or released, things sent

Equal identifiers exclude by themselves. A name that is alike is a question, which is kept as one
where the entity or the exclusion is entered or named anew, and which a person decides by name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.sql.expression import true

from central import schema
from central.errors import Conflict, Excluded, NotFound, NotLicensed, Undecided
from central.register.acts import Why, Work
from central.register.entities.standing import marking_for, standings
from central.register.exclusions.models import ScreeningState, Verdict
from central.register.exclusions.names import alike
from central.register.exclusions.rules import EXCLUSION, SCREENING, Screening
from central.register.subject import no_such
from central.said import Word, said


@dataclass(frozen=True)
class _Pair:
    """An entity and an exclusion as they are named now, and what was asked and decided of them."""

    entity: str
    entity_name: str
    exclusion: str
    exclusion_name: str
    asked_entity_name: str | None
    asked_exclusion_name: str | None
    state: ScreeningState | None
    excludes: bool | None

    def is_unchanged(self) -> bool:
        """Whether neither name has changed since."""
        asked = (self.asked_entity_name, self.asked_exclusion_name)
        return asked == (self.entity_name, self.exclusion_name)

    def is_open(self) -> bool:
        """Whether nobody has decided the pair as it is named now."""
        decided = self.state in ("same", "different") and self.is_unchanged()
        return not decided and alike(self.entity_name, self.exclusion_name)


def screen(work: Work, entity_code: str) -> None:
    """Raises `Excluded`, `Undecided`, `NotLicensed` for an inactive entity, or `NotFound`.

    Which exclusion it is, only the registry is told.
    """
    connection, now = work.connection, datetime.now(UTC)
    standing = standings(connection, [entity_code]).get(entity_code)
    if standing is None:
        raise NotFound(no_such("entity", entity_code))
    exclusion = standing.excluded(now)
    if exclusion is not None:
        if work.by.entity:
            raise Excluded(said("entity {entity} is excluded", entity=entity_code))
        raise Excluded(
            said(
                "entity {entity} is excluded: exclusion {number}",
                entity=entity_code,
                number=exclusion.number,
            )
        )
    if not standing.active:
        obstacle = Word(standing.obstacle(now), "reason")
        raise NotLicensed(said("{entity}: {obstacle}", entity=entity_code, obstacle=obstacle))
    table = schema.exclusion
    this = schema.entity.c.code == entity_code
    pairs = _pairs(connection, this, table.c.valid_from <= now, _lasts(now))
    like = [pair for pair in pairs if pair.is_open()]
    if like and work.by.entity:
        raise Undecided(
            said("the registry has to decide on entity {entity} first", entity=entity_code)
        )
    if like:
        names = ", ".join(f"{pair.exclusion} ({pair.exclusion_name})" for pair in like)
        raise Undecided(
            said(
                "entity {entity} ({name}) has a name like that of exclusion {exclusions};"
                " a person has to decide whether they are the same",
                entity=entity_code,
                name=like[0].entity_name,
                exclusions=names,
            )
        )


def screen_outsider(work: Work, name: str, tax_number: str | None, ncage: str | None) -> None:
    """The same of somebody who is no entity of the register: nothing was ever decided on them.

    Raises `Excluded`; `Undecided`, until they are entered and a person has decided.
    """
    now, table = datetime.now(UTC), schema.exclusion
    in_force = work.connection.execute(
        select(table)
        .where(table.c.state == "active", table.c.valid_from <= now, _lasts(now))
        .order_by(table.c.number)
    ).all()
    for row in in_force:
        if (tax_number and row.tax_number == tax_number) or (ncage and row.ncage == ncage):
            if work.by.entity:
                raise Excluded(said("{name} is excluded", name=name))
            raise Excluded(
                said("{name} is excluded: exclusion {number}", name=name, number=row.number)
            )
    like = [row for row in in_force if alike(name, row.name)]
    if like and work.by.entity:
        raise Undecided(said("the registry has to enter {name} and decide on it first", name=name))
    if like:
        names = ", ".join(f"{row.number} ({row.name})" for row in like)
        raise Undecided(
            said(
                "{name} has a name like that of exclusion {exclusions}; it has to be entered as"
                " an entity, and a person has to decide whether they are the same",
                name=name,
                exclusions=names,
            )
        )


def decide(work: Work, entity: str, exclusion: str, verdict: Verdict, why: Why) -> Screening:
    """Whether both are the same, by who acts. Raises `NotFound`, or `Conflict` if it is decided so.

    An officer may decide it of names that the register does not find alike.
    """
    table = schema.entity
    name = work.connection.execute(
        select(table.c.name).where(table.c.code == entity)
    ).scalar_one_or_none()
    if name is None:
        raise NotFound(no_such("entity", entity))
    found = EXCLUSION.require(work.connection, exclusion)
    if found.state == "lifted":
        raise Conflict(said("exclusion {number} is lifted", number=exclusion))
    return work.act(
        SCREENING,
        f"{entity}/{exclusion}",
        "decided",
        {
            **_named(entity, exclusion, name, found.name),
            "verdict": verdict,
            "decided_by": work.by.account,
        },
        why=why,
        gateways=marking_for(work.connection, entity),
        expects=True,
    )


def ask_of_entity(work: Work, entity: str) -> None:
    """After it was entered or named anew, in the same transaction: nobody else adds an act now."""
    _ask(work, schema.entity.c.code == entity)


def ask_of_exclusion(work: Work, exclusion: str) -> None:
    """After it was entered or amended, in the same transaction."""
    _ask(work, schema.exclusion.c.number == exclusion)


def still_asked() -> ColumnElement[bool]:
    """Of screenings that are listed: those whose exclusion is neither lifted nor over."""
    table = schema.exclusion
    return schema.screening.c.exclusion.in_(
        select(table.c.number).where(table.c.state == "active", _lasts(datetime.now(UTC)))
    )


def _ask(work: Work, which: ColumnElement[bool]) -> None:
    for pair in _pairs(work.connection, which, _lasts(datetime.now(UTC))):
        key = f"{pair.entity}/{pair.exclusion}"
        if pair.is_unchanged():
            continue
        named = _named(pair.entity, pair.exclusion, pair.entity_name, pair.exclusion_name)
        if alike(pair.entity_name, pair.exclusion_name) or pair.excludes:
            work.act(SCREENING, key, "asked", named)
        elif pair.state == "undecided":
            work.act(SCREENING, key, "dropped", named)


def _pairs(connection: Connection, *conditions: ColumnElement[bool]) -> list[_Pair]:
    """Each entity with each exclusion that is not lifted, and what was decided on the two."""
    entity, exclusion, screening = schema.entity, schema.exclusion, schema.screening
    rows = connection.execute(
        select(
            entity.c.code.label("entity"),
            entity.c.name.label("entity_name"),
            exclusion.c.number.label("exclusion"),
            exclusion.c.name.label("exclusion_name"),
            screening.c.entity_name.label("asked_entity_name"),
            screening.c.exclusion_name.label("asked_exclusion_name"),
            screening.c.state,
            screening.c.excludes,
        )
        .join_from(entity, exclusion, true())
        .outerjoin(
            screening,
            (screening.c.entity == entity.c.code) & (screening.c.exclusion == exclusion.c.number),
        )
        .where(exclusion.c.state == "active", *conditions)
        .order_by(entity.c.code, exclusion.c.number)
    )
    return [_Pair(**row._mapping) for row in rows]


def _lasts(now: datetime) -> ColumnElement[bool]:
    table = schema.exclusion
    return or_(table.c.valid_until.is_(None), table.c.valid_until > now)


def _named(entity: str, exclusion: str, entity_name: str, exclusion_name: str) -> dict[str, str]:
    return {
        "entity": entity,
        "exclusion": exclusion,
        "entity_name": entity_name,
        "exclusion_name": exclusion_name,
    }
