"""Entering, amending and lifting an exclusion; each reaches the plans of whom it concerns."""

from sqlalchemy import Connection, or_, select

from central import schema
from central.register.acts import Why, Work
from central.register.entities.standing import marking_for
from central.register.exclusions import screening
from central.register.exclusions.models import DescribedExclusion, NewExclusion
from central.register.exclusions.rules import EXCLUSION, Exclusion


def enter(work: Work, asked: NewExclusion, why: Why) -> Exclusion:
    """Also asks of every entity whose name is like its name. Raises `Conflict`."""
    exclusion = work.act(
        EXCLUSION,
        asked.number,
        "entered",
        asked.model_dump(mode="json", include=set(NewExclusion.model_fields)),
        why=why,
        gateways=_concerned(work.connection, asked.number, asked),
    )
    screening.ask_of_exclusion(work, asked.number)
    return exclusion


def amend(work: Work, number: str, asked: DescribedExclusion, why: Why) -> Exclusion:
    """Everything but the number, anew. Raises `NotFound`, or `Conflict` where it is lifted."""
    before = EXCLUSION.require(work.connection, number, lock=True)
    gateways = _concerned(work.connection, number, before, asked)
    exclusion = work.act(
        EXCLUSION,
        number,
        "amended",
        asked.model_dump(mode="json", include=set(DescribedExclusion.model_fields)),
        why=why,
        gateways=gateways,
        expects=True,
    )
    screening.ask_of_exclusion(work, number)
    return exclusion


def lift(work: Work, number: str, why: Why) -> Exclusion:
    """For good: whoever is excluded again is so under another number.

    Raises `NotFound` or `Conflict`.
    """
    before = EXCLUSION.require(work.connection, number, lock=True)
    gateways = _concerned(work.connection, number, before)
    return work.act(EXCLUSION, number, "lifted", why=why, gateways=gateways, expects=True)


def _concerned(
    connection: Connection, number: str, *told: DescribedExclusion | Exclusion
) -> set[str]:
    """The gateways of all entities that it excludes, as it was told before or is now."""
    codes = excluded_by(connection, number, *told)
    return {gateway for code in codes for gateway in marking_for(connection, code)}


def excluded_by(
    connection: Connection, number: str, *told: DescribedExclusion | Exclusion
) -> tuple[str, ...]:
    """The entities that one of these identifiers is of, or that a person decided to be the same."""
    entity, pair = schema.entity, schema.screening
    codes = connection.execute(
        select(entity.c.code)
        .where(
            or_(
                entity.c.tax_number.in_({each.tax_number for each in told} - {None}),
                entity.c.ncage.in_({each.ncage for each in told} - {None}),
                entity.c.code.in_(
                    select(pair.c.entity).where(pair.c.exclusion == number, pair.c.excludes)
                ),
            )
        )
        .order_by(entity.c.code)
    ).scalars()
    return tuple(codes)
