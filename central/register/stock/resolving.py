"""The events that a count makes: where strange things were seen, and what differences became."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from central import schema
from central.errors import Conflict, NotFound, Refused
from central.register.acts import Work
from central.register.articles.births import born
from central.register.articles.models import MOST_ARTICLES, EventKind, NewEvent
from central.register.articles.rules import Article
from central.register.articles.service import known_of, report
from central.register.articles.tree import below
from central.register.stock.lines import Line
from central.register.stock.models import AT_HAND, CountResolving
from central.register.stock.rules import Count
from central.said import Word, said

_NOBODYS = frozenset({"unknown", "ambiguous"})
"""Of what is no article nothing can be told."""


def tell_where_seen(work: Work, count: Count, lines: Iterable[Line]) -> None:
    """What was seen here, and is to be elsewhere as the register has it, is told as seen here: who
    looks for it elsewhere finds that, and so do the rules of alerts."""
    odd = [line for line in lines if line.oddity not in _NOBODYS]
    times = [at for line in odd for at in (line.first, line.second) if at is not None]
    if not times:
        return
    happened = datetime.now(UTC) if any(line.third for line in odd) else max(times)
    known = known_of(work.connection, [line.code for line in odd])
    # What was told of a later time has been there since.
    codes = [
        line.code for line in odd if line.code not in known or known[line.code].since <= happened
    ]
    for at in range(0, len(codes), MOST_ARTICLES):
        suffix = f"seen{at // MOST_ARTICLES or ''}"
        _report(work, count, "seen", suffix, codes[at : at + MOST_ARTICLES], happened)


def carry_out(
    work: Work, count: Count, asked: CountResolving, known: Mapping[str, Line]
) -> str | None:
    """The event that tells what is done; None where nothing became of the articles by it.

    Raises `NotFound`, `Refused`, or `Conflict` where it cannot be as it is told.
    """
    codes = [code for code in asked.articles if code in known]
    match asked.resolution:
        case "lost" | "stolen" as what:
            if asked.articles:
                tops = _tops(work.connection, codes)
                return _must(work, count, what, what, tops, asked)
        case "moved-here":
            return _moved_here(work, count, asked, known)
        case "told":
            _require_told(work.connection, str(asked.reference), codes)
        case "registered-anew":
            _require_registered(work.connection, str(asked.reference))
        case "sent-back":
            strange = [code for code in codes if known[code].oddity in _NOBODYS]
            if strange:
                raise Refused(
                    said("articles: the register has no other place for {code}", code=strange[0])
                )
    return None


def _moved_here(
    work: Work, count: Count, asked: CountResolving, known: Mapping[str, Line]
) -> str | None:
    """It is taken out of what it lay in elsewhere, and is here from now on."""
    connection = work.connection
    articles = known_of(connection, known)
    fresh = born(connection, [code for code in known if code not in articles])
    articles |= {code: each.article for code, each in fresh.items()}
    strange = sorted(set(known) - set(articles))
    if strange:
        raise Refused(said("articles: {code} is no article; register it first", code=strange[0]))
    tops = _tops(connection, list(known))
    packed: dict[str, list[str]] = {}
    kinds: dict[EventKind, list[str]] = {}
    for code in tops:
        article = articles[code]
        if article.component is not None:
            raise Refused(
                said(
                    "articles: {code} is built into {package}; tell that first",
                    code=code,
                    package=article.package,
                )
            )
        if article.package is not None:
            packed.setdefault(article.package, []).append(code)
        kinds.setdefault(_arrival(article), []).append(code)
    for index, (package, codes) in enumerate(sorted(packed.items())):
        _must(work, count, "unpacked", f"out{index}", codes, asked, package=package)
    event = None
    for what, codes in kinds.items():
        event = _must(work, count, what, what, codes, asked)
    return event


def _arrival(article: Article) -> EventKind:
    """The event by which it is here. Raises `Refused` where something else was before that."""
    if article.disposition in ("lost", "stolen"):
        return "found"
    if article.disposition == "in-use":
        return "stored"
    if article.disposition in AT_HAND:
        return "moved"
    raise Refused(
        said(
            "articles: {code} is {disposition}; report what befell it, and resolve it as told",
            code=article.code,
            disposition=Word(article.disposition, "value"),
        )
    )


def _tops(connection: Connection, codes: Collection[str]) -> list[str]:
    """Those that do not lie in one of the others: what lies in a package follows it."""
    inside = set(connection.execute(select(below(codes).c.code)).scalars())
    return [code for code in codes if code not in inside]


def _must(
    work: Work,
    count: Count,
    what: EventKind,
    suffix: str,
    codes: Collection[str],
    asked: CountResolving,
    package: str | None = None,
) -> str:
    """An event that has to be true of all of its articles. Raises `Conflict`."""
    if not codes:
        raise NotFound(said("count {number} has none of these articles", number=count.number))
    return _report(
        work, count, what, suffix, codes, datetime.now(UTC), asked=asked, package=package
    )


def _report(
    work: Work,
    count: Count,
    what: EventKind,
    suffix: str,
    codes: Collection[str],
    happened: datetime,
    *,
    asked: CountResolving | None = None,
    package: str | None = None,
) -> str:
    number = f"{count.number}.{count.version}.{suffix}"
    event = NewEvent(
        number=number,
        what=what,
        happened=happened,
        articles=tuple(codes),
        place=None if what in ("lost", "stolen") else count.place,
        package=package,
        reason=f"count {count.number}" if asked is None else asked.reason,
        basis="" if asked is None else asked.basis,
    )
    told = report(work, event)
    if asked is not None and told.flagged:
        table = schema.event_article
        flag = work.connection.execute(
            select(table.c.article, table.c.verdict).where(
                table.c.event == number, table.c.verdict != "ok"
            )
        ).first()
        assert flag is not None  # as many as it says
        raise Conflict(
            said(
                "{code} cannot be {what}: {verdict}",
                code=flag.article,
                what=Word(what, "value"),
                verdict=Word(flag.verdict, "value"),
            )
        )
    return number


def _require_told(connection: Connection, event: str, codes: Collection[str]) -> None:
    """Raises `NotFound` where the event does not tell that of each."""
    table = schema.event_article
    told = connection.execute(
        select(table.c.article).where(
            table.c.event == event, table.c.article.in_(list(codes)), table.c.verdict == "ok"
        )
    )
    left = sorted(set(codes) - set(told.scalars()))
    if left:
        raise NotFound(said("no event {event} that is true of {code}", event=event, code=left[0]))


def _require_registered(connection: Connection, reference: str) -> None:
    """Raises `NotFound` where it names no import and no article."""
    for table, column in ((schema.imports, "number"), (schema.article, "code")):
        found = connection.execute(select(table.c[column]).where(table.c[column] == reference))
        if found.first() is not None:
            return
    raise NotFound(said("no import and no article {reference}", reference=reference))
