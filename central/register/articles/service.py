"""Reporting what became of articles, and settling what is in dispute."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from central import schema
from central.errors import NotFound, Refused
from central.register.acts import Why, Work
from central.register.articles.births import born, unaccepted
from central.register.articles.models import NewEvent, Settlement
from central.register.articles.projection import ARTICLE, EVENT, Reported, contents
from central.register.articles.rules import Article
from central.register.articles.tree import around
from central.register.consignments.clearance import (
    fault_at_dispatch,
    held_back,
    named_by,
    recipients_of,
)
from central.register.entities.service import ENTITY
from central.register.ownership import owns
from central.register.places.service import PLACE
from central.register.products.service import PRODUCT
from central.register.subject import no_such
from central.register.units.service import owner_of
from central.said import said

AHEAD = timedelta(minutes=2)
"""So far may the clock of who reports be ahead of ours."""


def report(work: Work, asked: NewEvent) -> Reported:
    """Keep it whole, and what it makes of each article, also where that cannot be.

    Raises `Conflict` where the event was told before, `NotFound` for a place, a holder or a
    consignment that is none, `Refused` for what has not happened yet.
    """
    connection, reporter = work.connection, work.by.entity
    now = datetime.now(UTC)
    if asked.happened > now + AHEAD:
        raise Refused(said("happened: that lies in the future"))
    if asked.place is not None:
        place = PLACE.require(connection, asked.place)
        if not owns(reporter, place.entity):
            raise NotFound(no_such("place", asked.place))
    if asked.holder is not None:
        ENTITY.require(connection, asked.holder)
        if not owns(reporter, asked.holder):
            raise Refused(
                said(
                    "holder: {account} reports what came to {entity}",
                    account=work.by.account,
                    entity=reporter,
                )
            )
    consignment = None if asked.consignment is None else named_by(work, asked)
    known = known_of(connection, asked.articles)
    fresh = born(connection, [code for code in asked.articles if code not in known])
    births = {code: each.article for code, each in fresh.items()}
    reserved = False
    if asked.what == "packed":
        unit = _unit(connection, asked, known | births, reporter)
        owners = {owner_of(connection, code) for code in unit} - {None}
        reserved = any(not owns(reporter, owner) for owner in owners)
        if not reserved:
            births |= unit
    components, taken = _components(connection, asked, births)
    recipients = recipients_of(connection, asked, consignment)
    lacking: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    fault = ""
    if asked.what == "dispatched":
        sent = [*known.values(), *births.values(), *contents(connection, asked.articles).values()]
        lacking = unaccepted(connection, sent, now)
        barred = held_back(work, sent, None if consignment is None else consignment.recipient)
        if consignment is not None:
            fault = fault_at_dispatch(work, consignment, asked.happened, sent)
    payload: dict[str, Any] = asked.model_dump(
        mode="json", exclude={"number", "reason", "basis"}
    ) | {
        "reporter": reporter,
        "born": {code: article.model_dump(mode="json") for code, article in births.items()},
        "doubtful": sorted(code for code, each in fresh.items() if not each.good),
        "unaccepted": sorted(lacking),
        "barred": sorted(barred),
        "components": components,
        "taken": taken,
        "fault": fault,
        "recipients": recipients,
        "reserved": reserved,
    }
    return work.act(EVENT, asked.number, asked.what, payload, why=Why(asked.reason, asked.basis))


def settle(work: Work, code: str, asked: Settlement) -> Article:
    """A person says what is true of it. Raises `NotFound` or `Conflict`."""
    connection = work.connection
    ENTITY.require(connection, asked.holder)
    if asked.place is not None:
        PLACE.require(connection, asked.place)
    if asked.package is not None:
        ARTICLE.require(connection, asked.package)
        if code in {asked.package, *around(connection, asked.package)}:
            raise Refused(said("package: nothing lies in itself"))
    payload = asked.model_dump(mode="json", exclude={"reason", "basis"}) | {"component": None}
    return work.act(ARTICLE, code, "settled", payload, why=asked.why, expects=True)


def known_of(connection: Connection, codes: Collection[str]) -> dict[str, Article]:
    """Those of which an event has told."""
    table = schema.article
    rows = connection.execute(select(table).where(table.c.code.in_(list(codes))))
    return {row.code: Article.model_validate(row) for row in rows}


def _components(
    connection: Connection, asked: NewEvent, births: dict[str, Article]
) -> tuple[list[str], list[str]]:
    """Of the weapon that a part is built into: its components, and those of which others are there
    already. Where it was only marked yet, it is born by this."""
    if asked.what != "assembled":
        return [], []
    code, table = str(asked.package), schema.article
    weapon = ARTICLE.load(connection, code)
    if weapon is None:
        fresh = born(connection, [code]).get(code)
        if fresh is None or not fresh.good:
            return [], []
        weapon = births[code] = fresh.article
    if weapon.product is None:
        return [], []
    product = PRODUCT.require(connection, weapon.product)
    taken = connection.execute(
        select(table.c.component).where(table.c.package == code, table.c.component.is_not(None))
    ).scalars()
    return [str(component["name"]) for component in product.components], sorted(taken)


def _unit(
    connection: Connection,
    asked: NewEvent,
    articles: dict[str, Article],
    reporter: str | None,
) -> dict[str, Article]:
    """A unit begins with the first that is packed into it: where that is, and with who has it."""
    code = str(asked.package)
    if ARTICLE.load(connection, code) is not None:
        return {}
    first = next((articles[each] for each in asked.articles if each in articles), None)
    holder = first.holder if first is not None else reporter
    if holder is None:
        raise NotFound(said("no package {code}, and nothing that is known goes into it", code=code))
    return {
        code: Article(
            code=code,
            kind="unit",
            disposition="commissioned" if first is None else first.disposition,
            holder=holder,
            place=asked.place or (None if first is None else first.place),
            package=None,
            component=None,
            producer=None,
            product=None,
            order_code=None,
            lot=None,
            serial=None,
            disputed=False,
            since=asked.happened,
            version=0,
        )
    }
