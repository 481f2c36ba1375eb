"""Planning a count, opening it, two tallies, the third look, what is done about differences."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from central import schema
from central.errors import Conflict, Forbidden, NotFound, Refused
from central.register.acts import LAST, Why, Work
from central.register.articles.service import AHEAD
from central.register.ownership import owns
from central.register.places.service import PLACE, within
from central.register.stock import expected
from central.register.stock.lines import articles_of, key_of, quantities_of
from central.register.stock.models import (
    CountResolving,
    LookedAgain,
    NewCount,
    Pieces,
    Scanned,
)
from central.register.stock.projection import COUNT
from central.register.stock.resolving import carry_out, tell_where_seen
from central.register.stock.rules import Count
from central.register.stock.scanned import resolve as named_by
from central.register.subject import no_such
from central.said import Said, said


def plan(work: Work, asked: NewCount) -> Count:
    """Raises `Conflict`, `NotFound` for a place or a product that is none, `Refused` for what is
    due in the past."""
    connection = work.connection
    place = _place(work, asked.place)
    if asked.due <= datetime.now(UTC):
        raise Refused(said("due: that lies in the past"))
    table = schema.product
    products = connection.execute(select(table.c.code).where(table.c.code.in_(asked.products)))
    strange = sorted(set(asked.products) - set(products.scalars()))
    if strange:
        raise NotFound(no_such("product", strange[0]))
    payload = asked.model_dump(mode="json", exclude={"number", "reason", "basis"})
    return work.act(COUNT, asked.number, "planned", payload | {"entity": place}, why=asked.why)


def open_(work: Work, number: str, why: Why) -> Count:
    """What the register expects at this moment is kept in the act. Raises `NotFound`, or `Conflict`
    where a part of the place is being counted."""
    connection = work.connection
    count = COUNT.require(connection, number, lock=True)
    # From here on nobody else adds an act: what is expected is so until it is written.
    connection.execute(select(func.pg_advisory_xact_lock(LAST)))
    places = within(connection, count.place)
    _require_alone(connection, places)
    payload = {
        "places": places,
        "expected": expected.articles(connection, count, places),
        "lots": expected.lots(connection, places) if count.kind == "full" else [],
    }
    return work.act(COUNT, number, "opened", payload, why=why, expects=True)


def scan(work: Work, number: str, asked: Scanned) -> int:
    """A part of the caller's tally; which one that is.

    Raises `NotFound`, `Refused` for a time that cannot be, `Forbidden` for one person with two
    accounts, `Conflict` where it is handed in, or two others count.
    """
    connection = work.connection
    count = COUNT.require(connection, number, lock=True)
    person = _person(work)
    tally = count.tally_of(work.by.account, person)
    at = _when(count, asked.at)
    if asked.pieces and count.kind != "full":
        raise Refused(said("pieces: they are counted where all of a place is"))
    opened = set(asked.opened)
    texts = list(dict.fromkeys((*asked.codes, *asked.opened)))
    named = named_by(connection, texts, count.entity)
    scans: dict[str, dict[str, Any]] = {}
    for text in texts:
        each = named[text]
        told = scans.setdefault(
            each.code, {"code": each.code, "raw": text, "marked": each.marked, "opened": False}
        )
        told["opened"] |= text in opened
    payload = {
        "tally": tally,
        "account": work.by.account,
        "person": person,
        "at": at,
        "scans": list(scans.values()),
        "pieces": _last(asked.pieces),
    }
    work.act(COUNT, number, "scanned", payload, expects=True)
    return tally


def hand_in(work: Work, number: str, why: Why) -> Count:
    """Nothing more is to come of the caller's tally. With the second it is compared."""
    count = COUNT.require(work.connection, number, lock=True)
    person = _person(work)
    tally = count.tally_of(work.by.account, person)
    payload = {"tally": tally, "account": work.by.account, "person": person}
    count = work.act(COUNT, number, "handed in", payload, why=why, expects=True)
    if count.first_handed is None or count.second_handed is None:
        return count
    count = work.act(COUNT, number, "compared")
    odd = articles_of(work.connection, number, result="unexpected")
    tell_where_seen(work, count, odd.values())
    return count


def look_again(work: Work, number: str, asked: LookedAgain) -> Count:
    """By somebody who has not counted. Raises `Forbidden`, `NotFound` or `Conflict`."""
    count = COUNT.require(work.connection, number, lock=True)
    _require_other(
        work,
        count,
        said("who has counted is not who looks again: {account}", account=work.by.account),
    )
    payload = asked.model_dump(mode="json", exclude={"reason", "basis"})
    payload |= {"account": work.by.account, "pieces": _last(asked.pieces)}
    count = work.act(COUNT, number, "looked again", payload, why=asked.why, expects=True)
    odd = articles_of(work.connection, number, asked.seen, result="unexpected")
    tell_where_seen(work, count, odd.values())
    return count


def resolve(work: Work, number: str, asked: CountResolving) -> Count:
    """What is done about differences; where that is told of in an event, with that.

    Raises `NotFound`, `Refused`, `Conflict`, or `Forbidden` where a loss is resolved by one of
    those who have counted.
    """
    connection = work.connection
    count = COUNT.require(connection, number, lock=True)
    known = articles_of(connection, number, asked.articles)
    quantities = quantities_of(connection, number)
    keys = {key_of(each.product, each.lot) for each in asked.lots}
    results = [line.result for line in known.values()]
    results += [line.result for key, line in quantities.items() if key in keys]
    if "missing" in results:
        _require_other(
            work,
            count,
            said(
                "who has counted is not who resolves what is missing: {account}",
                account=work.by.account,
            ),
        )
    payload = asked.model_dump(mode="json", exclude={"reason", "basis"})
    # First, so that nothing is told of what makes no difference; an event that fails undoes it.
    event = carry_out(work, count, asked, known)
    payload |= {"account": work.by.account, "reference": asked.reference or event}
    return work.act(COUNT, number, "differences resolved", payload, why=asked.why, expects=True)


def close(work: Work, number: str, why: Why) -> Count:
    """For good. Raises `NotFound`, or `Conflict` while a difference stands."""
    return work.act(COUNT, number, "closed", why=why, expects=True)


def cancel(work: Work, number: str, why: Why) -> Count:
    """Before it is compared; the tallies are kept. Raises `NotFound` or `Conflict`."""
    return work.act(COUNT, number, "cancelled", why=why, expects=True)


def _when(count: Count, told: datetime | None) -> datetime:
    """Raises `Refused`."""
    now = datetime.now(UTC)
    opened = count.moment or now
    if told is None:
        return max(now, opened)
    if not opened <= told <= now + AHEAD:
        raise Refused(said("at: after the count was opened, and not in the future"))
    return told


def is_counting(connection: Connection, account: str, places: Collection[str] | None) -> bool:
    """Whether somebody counts at these places, or anywhere where None, and is to see nothing."""
    table = schema.counts
    query = select(table.c.number).where(
        table.c.state == "open", (table.c.first == account) | (table.c.second == account)
    )
    if places is not None:
        query = query.where(_overlaps(places))
    return connection.execute(query).first() is not None


def _overlaps(places: Collection[str]) -> Any:
    return schema.counts.c.places.overlap(list(places))


def _require_alone(connection: Connection, places: Collection[str]) -> None:
    table = schema.counts
    other = connection.execute(
        select(table.c.number).where(table.c.state == "open", _overlaps(places))
    ).scalar()
    if other is not None:
        raise Conflict(said("count {number} is open at a part of that place", number=other))


def _place(work: Work, code: str) -> str:
    """The entity whose place it is."""
    place = PLACE.require(work.connection, code)
    if not owns(work.by.entity, place.entity):
        raise NotFound(no_such("place", code))
    return place.entity


def _person(work: Work) -> str:
    """Whose account it is."""
    table = schema.account
    person = work.connection.execute(
        select(table.c.person).where(table.c.name == work.by.account)
    ).scalar_one()
    return " ".join(str(person).casefold().split())


def _require_other(work: Work, count: Count, otherwise: Said) -> None:
    if count.has_counted(work.by.account, _person(work)):
        raise Forbidden(otherwise)


def _last(pieces: Collection[Pieces]) -> list[dict[str, Any]]:
    """What is told last of a lot stands."""
    found = {key_of(each.product, each.lot): each.model_dump() for each in pieces}
    return list(found.values())
