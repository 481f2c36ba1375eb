"""Whether a consignment may go: its parties are screened, and licences in force cover it.

Before it goes, what stands against it refuses it. Once it has gone, the same is a fault that is
kept with what was told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, exists, select

from central import schema
from central.errors import Excluded, NotFound, NotLicensed, Refused, Undecided
from central.register.acts import Work
from central.register.articles.models import WITH_A_HOLDER, NewEvent
from central.register.articles.projection import contents
from central.register.articles.rules import Article
from central.register.consignments.models import (
    ACTIVITIES,
    EVENTS,
    FROM,
    ROLES,
    TO,
    NewConsignment,
)
from central.register.consignments.projection import CONSIGNMENT
from central.register.consignments.rules import ON_THE_WAY, Consignment
from central.register.exclusions.screening import screen, screen_outsider
from central.register.licences.rules import Licence
from central.register.licences.service import LICENCE
from central.register.licences.terms import Activity, covers
from central.register.lots.recall import barred
from central.register.ownership import owns
from central.register.subject import no_such
from central.said import Several, Word, joined, said

Goods = Mapping[str, str | None]
"""The category of each product that is in it."""
ENDS: tuple[Activity, ...] = ("demilitarisation", "destruction")
"""What ends a lot that was withdrawn."""
LATE = "reported-late"
"""The fault of what was dispatched before its consignment was reported."""


def screen_parties(work: Work, parties: NewConsignment | Consignment) -> None:
    """Raises `Excluded` or `Undecided`, `NotLicensed` for an inactive entity, or `NotFound`."""
    for role in ROLES:
        entity = getattr(parties, role)
        outsider = getattr(parties.outsiders, role)
        if entity is not None:
            screen(work, entity)
        elif outsider is not None:
            screen_outsider(work, outsider.name, outsider.tax_number, outsider.ncage)


def goods(connection: Connection, articles: Iterable[Article]) -> Goods:
    """Of those whose product the register knows."""
    table = schema.product
    products = {article.product for article in articles if article.product is not None}
    rows = connection.execute(
        select(table.c.code, table.c.category).where(table.c.code.in_(products))
    )
    return {row.code: row.category for row in rows}


def covering(
    work: Work,
    entity: str,
    activities: tuple[Activity, ...],
    sent: Goods,
    asked: str | None = None,
) -> str:
    """The asked licence, or the entity's that lasts longest of those that cover the goods.

    Raises `NotLicensed`, with what stands against each; nobody is told that of another's.
    """
    connection = work.connection
    table, now = schema.licence, datetime.now(UTC)
    query = select(table.c.number).where(table.c.entity == entity)
    if asked is not None:
        query = query.where(table.c.number == asked)
    faults = []
    numbers: Sequence[str] = (
        connection.execute(query.order_by(table.c.valid_until.desc())).scalars().all()
    )
    for number in numbers:
        fault = _fault(LICENCE.require(connection, number), activities, sent, now)
        if not fault:
            return number
        faults.append(said("licence {number}: {fault}", number=number, fault=fault))
    none = said(
        "no licence in force covers {entity} for {activities}",
        entity=entity,
        activities=_or(activities),
    )
    if work.by.entity not in (None, entity):
        raise NotLicensed(none)
    raise NotLicensed(joined("; ", faults) or none)


def _fault(licence: Licence, activities: tuple[Activity, ...], sent: Goods, now: datetime) -> str:
    """Why it does not cover them, as a stable code and what it is about; else empty."""
    fault = licence.validity.obstacle(now)
    if fault:
        return Word(fault, "reason")
    if not set(activities) & set(licence.activities):
        return said("licence-not-covering {what}", what=_or(activities))
    beyond = [code for code in sorted(sent) if not covers(licence, code, sent[code])]
    return said("licence-not-covering {what}", what=", ".join(beyond)) if beyond else ""


def _or(activities: Iterable[Activity]) -> Several:
    return joined(" or ", (Word(each, "value") for each in activities))


def require_licences(
    work: Work, asked: NewConsignment | Consignment, sent: Goods
) -> tuple[str, str | None]:
    """The one for the goods, and the carrier's for their transport. Raises `NotLicensed`."""
    holder = getattr(asked, FROM[asked.direction])
    licence = covering(work, holder, ACTIVITIES[asked.direction], sent, asked.licence)
    if asked.carrier is None:
        return licence, None
    if asked.direction == "transit":
        return licence, licence
    known = asked.transport_licence if isinstance(asked, Consignment) else None
    return licence, covering(work, asked.carrier, ("transport",), sent, known)


def held_back(work: Work, articles: Collection[Article], recipient: str | None) -> frozenset[str]:
    """Those of lots that are suspended or withdrawn: they go to whose lot it is, and to who is
    licensed to destroy them, and nowhere else."""
    held = {
        code: entity
        for code, entity in barred(work.connection, articles).items()
        if entity != recipient
    }
    if held and recipient is not None:
        sent = goods(work.connection, [each for each in articles if each.code in held])
        try:
            covering(work, recipient, ENDS, sent)
        except NotLicensed:
            return frozenset(held)
        return frozenset()
    return frozenset(held)


def named_by(work: Work, asked: NewEvent) -> Consignment:
    """The consignment that an event names. Nobody else acts on it until the transaction ends.

    Raises `NotFound`, also where it is not theirs to tell of; `Refused` where an event of that kind
    is none of its way.
    """
    number = str(asked.consignment)
    consignment = CONSIGNMENT.require(work.connection, number, lock=True)
    role = (FROM if asked.what == "dispatched" else TO)[consignment.direction]
    if not owns(work.by.entity, consignment.entity(role)):
        raise NotFound(no_such("consignment", number))
    events = EVENTS[consignment.direction]
    if asked.what not in events:
        raise Refused(
            said(
                "what: consignment {number} is {direction}: it is told of in {events}",
                number=number,
                direction=Word(consignment.direction, "value"),
                events=joined(", ", (Word(each, "value") for each in events)),
            )
        )
    if asked.holder is not None and asked.holder != consignment.recipient:
        raise Refused(
            said(
                "holder: consignment {number} goes to {recipient}",
                number=number,
                recipient=consignment.recipient,
            )
        )
    return consignment


def recipients_of(
    connection: Connection, asked: NewEvent, named: Consignment | None
) -> dict[str, str]:
    """By article that an event brings to somebody, the entity that a consignment sends it to.

    What is in transit goes to whom its sender reported. What comes back from abroad is the
    importer's, whose licence covers the import that lists it.
    """
    if asked.what not in WITH_A_HOLDER:
        return {}
    line, table, told = schema.consignment_article, schema.consignment, schema.event_article
    # A receipt that was flagged, as one that came before its dispatch, has not ended the way.
    arrived = exists().where(
        told.c.event == line.c.received, told.c.article == line.c.code, told.c.verdict == "ok"
    )
    inside = [*asked.articles, *contents(connection, asked.articles)]
    query = (
        select(line.c.code, table.c.recipient)
        .join(table, table.c.number == line.c.consignment)
        .where(line.c.code.in_(inside), line.c.listed, ~arrived)
    )
    if asked.what == "received":
        sent = (table.c.direction == "domestic", table.c.state.in_((*ON_THE_WAY, "received")))
        query = query.where(*sent)
    else:
        query = query.where(table.c.number == (None if named is None else named.number))
    return {row.code: row.recipient for row in connection.execute(query)}


def fault_at_dispatch(
    work: Work, consignment: Consignment, happened: datetime, sent: Iterable[Article]
) -> str:
    """Why it was not to go, as a stable code; empty where nothing stood against it."""
    if happened < consignment.created:
        return LATE
    try:
        screen_parties(work, consignment)
        require_licences(work, consignment, goods(work.connection, sent))
    except (Excluded, Undecided, NotLicensed) as fault:
        return fault.code
    return ""
