"""The acts on a licence. Each reaches the plans of the gateways that mark under it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotLicensed, Refused
from central.register.acts import Why, Work
from central.register.exclusions.screening import screen
from central.register.licences.models import Grant, LicenceAmendment, NewLicence, Renewal
from central.register.licences.rules import Licence, apply
from central.register.licences.terms import Changes, Terms, Use, elsewhere
from central.register.licences.usage import use_of
from central.register.places.models import Where
from central.register.places.service import require_of
from central.register.places.standing import workplaces
from central.register.products.service import Product
from central.register.subject import Subject
from central.said import Word, joined, said

LICENCE = Subject("licence", schema.licence, Licence, apply, key=("number",))
_TERMS = set(Terms.model_fields)


def issue(work: Work, asked: NewLicence) -> Licence:
    """Application and issue in one, of a licence on paper.

    Raises `Conflict`, `NotFound` or `Refused`; `Excluded` or `Undecided`.
    """
    if LICENCE.load(work.connection, asked.number) is not None:
        raise Conflict(
            said(
                "{subject} {key} exists already",
                subject=Word("licence", "subject"),
                key=asked.number,
            )
        )
    screen(work, asked.entity)
    require_of(work, asked.entity, asked.sites, kind="site")
    return work.act(LICENCE, asked.number, "issued", asked.model_dump(mode="json"))


def apply_for(work: Work, asked: NewLicence) -> Licence:
    """Raises `Conflict`, `NotFound` or `Refused`."""
    require_of(work, asked.entity, asked.sites, kind="site")
    return work.act(LICENCE, asked.number, "applied", asked.model_dump(mode="json"))


def grant(work: Work, number: str, asked: Grant) -> Licence:
    """Issue what was applied for.

    Raises `NotFound`, `Conflict` or `Refused`; `Excluded` or `Undecided`.
    """
    licence = LICENCE.require(work.connection, number, lock=True)
    screen(work, licence.entity)
    payload = licence.model_dump(
        mode="json", include={"number", "entity", "valid_from", "valid_until", *_TERMS}
    )
    payload |= _given(asked)
    require_of(work, licence.entity, payload["sites"], kind="site")
    begins = asked.valid_from or licence.valid_from
    ends = asked.valid_until or licence.valid_until
    if ends <= begins:
        raise Refused(said("valid_until lies after valid_from"))
    payload |= {"valid_from": begins, "valid_until": ends}
    why = Why(asked.reason, asked.basis)
    return work.act(LICENCE, number, "issued", payload, why=why, expects=True)


def refuse(work: Work, number: str, why: Why) -> Licence:
    """Raises `NotFound` or `Conflict`."""
    return work.act(LICENCE, number, "refused", why=why, expects=True)


def renew(work: Work, number: str, asked: Renewal) -> Licence:
    """Raises `NotFound`, `Conflict` or `Refused`; `Excluded` or `Undecided`."""
    licence = LICENCE.require(work.connection, number)
    screen(work, licence.entity)
    require_of(work, licence.entity, licence.sites, kind="site")
    payload = {"valid_until": asked.valid_until.isoformat()}
    return _act(work, number, "renewed", payload, asked.why)


def amend(work: Work, number: str, asked: LicenceAmendment) -> Licence:
    """Orders that it does not cover any more are suspended in the plans.

    Raises `NotFound`, `Conflict` or `Refused`.
    """
    payload = _given(asked)
    if not payload:
        raise Refused(said("an amendment changes something"))
    entity = LICENCE.require(work.connection, number).entity
    require_of(work, entity, asked.sites or (), kind="site")
    return _act(work, number, "amended", payload, asked.why)


def suspend(
    work: Work, number: str, why: Why, *, until: datetime | None = None, sanction: str = ""
) -> Licence:
    """`sanction`: the one that suspends it; else an officer does. Raises as `renew` does."""
    payload = {"sanction": sanction, "until": until and until.isoformat()}
    return _act(work, number, "suspended", payload, why, expects=not sanction)


def reinstate(work: Work, number: str, why: Why, *, sanction: str = "") -> Licence:
    """Take back the sanction's suspension, or the officer's own. Raises `NotFound`, `Conflict`."""
    payload = {"sanction": sanction}
    return _act(work, number, "reinstated", payload, why, expects=not sanction)


def revoke(work: Work, number: str, why: Why, *, sanction: str = "") -> Licence:
    """For good. Raises `NotFound` or `Conflict`."""
    return _act(work, number, "revoked", {"sanction": sanction}, why, expects=not sanction)


def for_order(
    connection: Connection,
    product: Product,
    quantity: int,
    asked: str | None,
    gateways: Iterable[str],
) -> Licence:
    """The asked licence, or the entity's that lasts longest of those that cover the order, at each
    of its gateways.

    Until the transaction ends nobody else changes it or orders under it. Raises `NotLicensed`.
    """
    table = schema.licence
    now = datetime.now(UTC)
    query = select(table.c.number).where(table.c.entity == product.entity)
    if asked is not None:
        query = query.where(table.c.number == asked)
    at = workplaces(connection, gateways)
    faults = []
    for number in connection.execute(query.order_by(table.c.valid_until.desc())).scalars().all():
        licence = LICENCE.require(connection, number, lock=True)
        use = use_of(connection, number, product, quantity)
        fault = _fault(licence, use, now, at)
        if not fault:
            return licence
        faults.append(said("licence {number}: {fault}", number=number, fault=fault))
    raise NotLicensed(
        joined("; ", faults) or said("no licence in force covers {entity}", entity=product.entity)
    )


def _fault(licence: Licence, use: Use, now: datetime, at: Mapping[str, Where]) -> str:
    """Why it does not cover the order, and at which gateways where it is only there; else empty."""
    fault = licence.validity.against(use, now)
    if fault:
        return Word(fault, "reason")
    names = [name for name, where in at.items() if elsewhere(licence, where.site)]
    if not names:
        return ""
    return said(
        "licence-not-covering at {gateways}: on none of its sites", gateways=", ".join(names)
    )


def marking_under(connection: Connection, number: str) -> Iterable[str]:
    """The gateways of all orders that stand on a licence."""
    order, at = schema.orders, schema.order_gateway
    return connection.execute(
        select(at.c.gateway)
        .join(order, order.c.code == at.c.order_code)
        .where(order.c.licence == number)
        .distinct()
    ).scalars()


def _act(
    work: Work, number: str, what: str, payload: dict[str, Any], why: Why, *, expects: bool = True
) -> Licence:
    gateways = marking_under(work.connection, number)
    return work.act(LICENCE, number, what, payload, why=why, gateways=gateways, expects=expects)


def _given(changes: Changes) -> dict[str, Any]:
    return changes.model_dump(mode="json", include=_TERMS, exclude_none=True)
