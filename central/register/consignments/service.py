"""Reporting a consignment, cancelling it, ending its receipt, and resolving what differed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection

from central.errors import LotSuspended, NotAccepted, NotFound, Refused
from central.register.acts import Why, Work
from central.register.articles.births import Born, born, unaccepted
from central.register.articles.projection import contents
from central.register.articles.rules import LIVING, Article
from central.register.articles.service import known_of
from central.register.consignments.clearance import (
    goods,
    held_back,
    require_licences,
    screen_parties,
)
from central.register.consignments.models import FROM, NewConsignment, Resolving
from central.register.consignments.projection import CONSIGNMENT, MOST_NAMED
from central.register.consignments.rules import Consignment
from central.register.ownership import owns
from central.register.stock.scanned import resolve as resolve_codes
from central.said import counting, said


def report(work: Work, asked: NewConsignment) -> Consignment:
    """Before it goes. What is in its packages now is listed with them.

    Raises `Conflict` where the number is taken or something is on its way already, `NotFound` for
    a party or an article that is none, or that the sender does not have; `Excluded`, `Undecided`,
    `NotLicensed`, `NotAccepted` or `LotSuspended`; `Refused` for what lies in the past or cannot
    be sent.
    """
    connection = work.connection
    if asked.planned_dispatch <= datetime.now(UTC):
        raise Refused(said("planned_dispatch: a consignment is reported before it goes"))
    screen_parties(work, asked)
    known = known_of(connection, asked.articles)
    fresh = born(connection, [code for code in asked.articles if code not in known])
    inside = contents(connection, known)
    if FROM[asked.direction] == "sender":
        _require_at(connection, str(asked.sender), asked.articles, known | inside, fresh)
    else:
        _require_abroad(str(getattr(asked, FROM[asked.direction])), known | inside, fresh)
    articles = known | inside | {code: each.article for code, each in fresh.items()}
    _require_accepted(work.connection, articles)
    _require_free(work, articles, asked.recipient)
    licence, transport = require_licences(work, asked, goods(connection, articles.values()))
    payload = asked.model_dump(mode="json", exclude={"articles"}) | {
        "licence": licence,
        "transport_licence": transport,
        "lines": [_listed(code, articles) for code in sorted({*asked.articles, *inside})],
    }
    return work.act(CONSIGNMENT, asked.number, "reported", payload)


def cancel(work: Work, number: str, why: Why) -> Consignment:
    """Before anything of it has gone. Raises `NotFound` or `Conflict`."""
    return work.act(CONSIGNMENT, number, "cancelled", why=why, expects=True)


def end_receipt(work: Work, number: str, why: Why) -> Consignment:
    """Nothing more is to come: what was not received is short. Raises `NotFound` or `Conflict`."""
    return work.act(CONSIGNMENT, number, "receipt ended", why=why, expects=True)


def resolve(work: Work, number: str, asked: Resolving) -> Consignment:
    """What became of articles that differed. Raises `NotFound` or `Conflict`."""
    payload = {"articles": sorted(set(asked.articles)), "resolution": asked.resolution}
    return work.act(
        CONSIGNMENT, number, "differences resolved", payload, why=asked.why, expects=True
    )


def close(work: Work, number: str, why: Why) -> Consignment:
    """For good. Raises `NotFound`, or `Conflict` while a difference stands."""
    return work.act(CONSIGNMENT, number, "closed", why=why, expects=True)


def _listed(code: str, articles: Mapping[str, Article]) -> dict[str, str | None]:
    article = articles.get(code)
    return {"code": code, "within": None if article is None else article.package}


def _require_at(
    connection: Connection,
    sender: str,
    asked: Iterable[str],
    known: Mapping[str, Article],
    fresh: Mapping[str, Born],
) -> None:
    """That the sender has all of it. Nobody learns of others what they have."""
    held = {code for code, article in known.items() if article.holder == sender}
    held |= {code for code, each in fresh.items() if each.article.holder == sender}
    strange = sorted({*asked, *known} - held)
    if strange:
        _refuse_serials(connection, sender, strange)
        raise NotFound(said("{sender} has no {articles}", sender=sender, articles=_some(strange)))
    gone = sorted(code for code, article in known.items() if article.disposition not in LIVING)
    gone += sorted(code for code, each in fresh.items() if not each.good)
    if gone:
        raise Refused(
            said(
                "articles: lost, at an end or not good, and nothing to send: {articles}",
                articles=_some(gone),
            )
        )


def _refuse_serials(connection: Connection, sender: str, strange: list[str]) -> None:
    """Name the UII where the sender has what a code names, but under another code."""
    named = {code: each.code for code, each in resolve_codes(connection, strange, sender).items()}
    known = known_of(connection, named.values())
    known |= {code: each.article for code, each in born(connection, named.values()).items()}
    theirs = [
        f"{code} ({named[code]})"
        for code in strange
        if (article := known.get(named[code])) is not None and article.holder == sender
    ]
    if theirs:
        raise Refused(
            said(
                "articles: serial or inventory numbers; write the number in brackets: {articles}",
                articles=_some(theirs),
            )
        )


def _require_abroad(entity: str, known: Mapping[str, Article], fresh: Mapping[str, Born]) -> None:
    """That what `entity` brings in is its own, is abroad, or was never the register's."""
    held = {**known, **{code: each.article for code, each in fresh.items()}}
    strange = sorted(
        code
        for code, article in held.items()
        if article.disposition != "exported" and not owns(entity, article.holder)
    )
    if strange:
        raise NotFound(said("{sender} has no {articles}", sender=entity, articles=_some(strange)))


def _require_accepted(connection: Connection, articles: Mapping[str, Article]) -> None:
    """That nothing is to leave its producer which was not accepted."""
    lacking = sorted(unaccepted(connection, articles.values(), datetime.now(UTC)))
    if lacking:
        raise NotAccepted(said("not accepted: {articles}", articles=_some(lacking)))


def _require_free(work: Work, articles: Mapping[str, Article], recipient: str | None) -> None:
    """That nothing of it is of a lot that is suspended or withdrawn, unless it goes to its end."""
    held = sorted(held_back(work, list(articles.values()), recipient))
    if held:
        raise LotSuspended(
            said("of lots that are suspended or withdrawn: {articles}", articles=_some(held))
        )


def _some(codes: list[str]) -> str:
    more = len(codes) - MOST_NAMED
    few = ", ".join(codes[:MOST_NAMED])
    if more <= 0:
        return few
    return counting(more, "{articles} and {n} more", "{articles} and {n} more", articles=few)
