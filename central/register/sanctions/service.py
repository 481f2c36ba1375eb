"""Imposing and lifting a sanction, with what it does to licences: in one transaction."""

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Why, Work
from central.register.entities.service import ENTITY
from central.register.exclusions import screening
from central.register.exclusions import service as exclusions
from central.register.exclusions.models import NewExclusion
from central.register.exclusions.rules import EXCLUSION
from central.register.inspections.rules import STATE
from central.register.inspections.service import INSPECTION
from central.register.licences import service as licences
from central.register.licences.service import LICENCE
from central.register.sanctions.models import ON_LICENCES, NewSanction
from central.register.sanctions.rules import Sanction, apply
from central.register.subject import Subject
from central.said import Word, said

SANCTION = Subject("sanction", schema.sanction, Sanction, apply, key=("number",))


def impose(work: Work, asked: NewSanction) -> Sanction:
    """A suspension or a revocation is at once that of the licences, an exclusion an exclusion.

    Raises `NotFound`, `Refused` or `Conflict`; then nothing was done.
    """
    _look_at_inspection(work.connection, asked)
    concerned = _concerned(work.connection, asked)
    payload = asked.model_dump(mode="json", exclude={"reason"}) | {"licences": concerned}
    sanction = work.act(SANCTION, asked.number, "imposed", payload, why=asked.why)
    for number in concerned:
        if asked.kind == "suspension":
            licences.suspend(work, number, asked.why, until=asked.until, sanction=asked.number)
        else:
            licences.revoke(work, number, asked.why, sanction=asked.number)
    if asked.kind == "exclusion":
        _exclude(work, asked, sanction)
    return sanction


def lift(work: Work, number: str, why: Why) -> Sanction:
    """Its suspensions and its exclusion are taken back, where they still stand; nobody else's are.

    Raises `NotFound` or `Conflict`.
    """
    sanction = work.act(SANCTION, number, "lifted", why=why, expects=True)
    assert sanction.lifted is not None
    if sanction.kind == "exclusion":
        if EXCLUSION.require(work.connection, number, lock=True).state == "active":
            exclusions.lift(work, number, why)
        return sanction
    for licence in sanction.licences:
        now = LICENCE.require(work.connection, licence, lock=True).at(sanction.lifted)
        if number in {suspension.sanction for suspension in now.suspensions}:
            licences.reinstate(work, licence, why, sanction=number)
    return sanction


def _exclude(work: Work, asked: NewSanction, sanction: Sanction) -> None:
    """Under the sanction's number, and decided to be of this entity whatever it is called later."""
    entity = ENTITY.require(work.connection, asked.entity)
    assert asked.ground is not None
    entered = NewExclusion(
        number=asked.number,
        kind="entity",
        name=entity.name,
        tax_number=entity.tax_number,
        ncage=entity.ncage,
        ground=asked.ground,
        legal_basis=asked.basis,
        valid_from=sanction.imposed,
        valid_until=asked.until,
    )
    exclusions.enter(work, entered, asked.why)
    screening.decide(work, asked.entity, asked.number, "same", asked.why)


def _look_at_inspection(connection: Connection, asked: NewSanction) -> None:
    if asked.inspection is None:
        return
    inspection = INSPECTION.require(connection, asked.inspection)
    if inspection.entity != asked.entity:
        raise Refused(
            said(
                "inspection {number} is one of {entity}",
                number=inspection.number,
                entity=inspection.entity,
            )
        )
    if inspection.state not in ("found", "closed"):
        raise Conflict(
            said(
                "inspection {number} is {state}: nothing was found",
                number=inspection.number,
                state=Word(inspection.state, STATE),
            )
        )


def _concerned(connection: Connection, asked: NewSanction) -> list[str]:
    """The licences; nobody else changes them until the transaction ends."""
    if asked.kind not in ON_LICENCES:
        return []
    table = schema.licence
    query = select(table.c.number).where(table.c.entity == asked.entity)
    if asked.licences:
        query = query.where(table.c.number.in_(asked.licences))
    else:
        query = query.where(table.c.state.in_(("active", "suspended")))
    found = list(
        connection.execute(query.order_by(table.c.number).with_for_update(key_share=True)).scalars()
    )
    missing = sorted(set(asked.licences) - set(found))
    if missing:
        raise NotFound(
            said(
                "{entity} has no licence {numbers}",
                entity=asked.entity,
                numbers=", ".join(missing),
            )
        )
    if not found and asked.kind != "exclusion":
        raise Conflict(said("{entity} has no licence to act on", entity=asked.entity))
    return found
