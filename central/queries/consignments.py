"""Consignments as they stand: what is where of each, what differed, and who had it last."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, Self

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from central import schema
from central.queries.models import Answer
from central.queries.paging import Page, Text, page, position
from central.register.articles.births import born
from central.register.articles.models import EventKind
from central.register.articles.rules import Article
from central.register.articles.service import known_of
from central.register.consignments.models import (
    ConsignmentState,
    DifferenceKind,
    Direction,
    Line,
    Standing,
)
from central.register.consignments.projection import lines_of
from central.register.consignments.rules import ON_THE_WAY, Consignment, difference, standing

MOST_DIFFERENCES = 1_000


class ConsignmentRow(Consignment):
    """A consignment in a list."""

    overdue: Annotated[bool, Field(description="its receipt has not ended by its planned arrival")]

    @classmethod
    def of_now(cls, consignment: Consignment) -> Self:
        return cls(**dict(consignment), overdue=consignment.is_overdue(datetime.now(UTC)))


class Counts(Answer):
    """How many of the listed articles stand where; each is counted once."""

    listed: int
    awaited: int
    dispatched: int
    received: int
    short: int
    elsewhere: int


class LastSeen(Answer):
    """The last event that may have befallen an article."""

    event: str
    what: EventKind
    happened: datetime
    reporter: Annotated[
        str | None, Field(description="who told it; null: the registry, or none of the parties")
    ]


class LineView(Line):
    """An article of a consignment, and where it stands at this moment."""

    standing: Standing
    difference: DifferenceKind | None
    holder: Annotated[
        str | None,
        Field(description="who has it, or had it last; null: unknown, or none of the parties"),
    ]


class Difference(LineView):
    """An article that came short, or was there without being listed."""

    last: LastSeen | None


class ConsignmentView(ConsignmentRow):
    """A consignment with its articles, counted, and what differed."""

    counts: Counts
    differences: Annotated[
        list[Difference], Field(description=f"by code, {MOST_DIFFERENCES} at most")
    ]


class Wanted(NamedTuple):
    """Consignments with all of it; `entity`: those that are its own to see."""

    entity: str | None = None
    direction: Direction | None = None
    state: ConsignmentState | None = None
    sender: str | None = None
    recipient: str | None = None
    carrier: str | None = None
    article: str | None = None
    overdue: bool | None = None
    differing: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        table, line = schema.consignment, schema.consignment_article
        equal = ("direction", "state", "sender", "recipient", "carrier")
        found: list[ColumnElement[bool]] = [
            table.c[name] == getattr(self, name)
            for name in equal
            if getattr(self, name) is not None
        ]
        if self.entity is not None:
            through = (table.c.direction == "transit") & (table.c.carrier == self.entity)
            own = (table.c.sender == self.entity, table.c.recipient == self.entity)
            found.append(or_(*own, through))
        mine = select(line.c.code).where(line.c.consignment == table.c.number)
        if self.article is not None:
            found.append(mine.where(line.c.code == self.article).exists())
        if self.overdue is not None:
            late = table.c.state.in_(ON_THE_WAY) & (table.c.planned_arrival <= datetime.now(UTC))
            found.append(late if self.overdue else ~late)
        if self.differing is not None:
            is_open = line.c.resolution.is_(None) & ((line.c.state == "short") | ~line.c.listed)
            differs = mine.where(is_open).exists()
            found.append(differs if self.differing else ~differs)
        return found


def showing(
    connection: Connection, consignment: Consignment, viewer: str | None = None
) -> ConsignmentView:
    """With its articles, counted, and what differed. A `viewer` that is an entity learns nothing of
    who is no party to it."""
    lines = lines_of(connection, consignment.number)
    articles = known_of(connection, lines)
    found = [
        standing(line, consignment, articles.get(line.code))
        for line in lines.values()
        if line.listed
    ]
    differing = [line for line in lines.values() if difference(line) is not None]
    return ConsignmentView(
        **dict(ConsignmentRow.of_now(consignment)),
        counts=Counts(
            listed=len(found),
            awaited=found.count("awaited"),
            dispatched=found.count("dispatched"),
            received=found.count("received"),
            short=found.count("short"),
            elsewhere=found.count("elsewhere"),
        ),
        differences=_differences(connection, consignment, differing[:MOST_DIFFERENCES], viewer),
    )


def articles_of(
    connection: Connection,
    consignment: Consignment,
    limit: int,
    cursor: str | None,
    viewer: str | None = None,
) -> Page[LineView]:
    """All that it lists, and what was found in it besides, by code."""
    table = schema.consignment_article
    query = (
        select(table)
        .where(table.c.consignment == consignment.number)
        .order_by(table.c.code)
        .limit(limit + 1)
    )
    after = position(cursor, Text)
    if after is not None:
        query = query.where(table.c.code > after[0])
    lines = [Line.model_validate(row) for row in connection.execute(query)]
    articles = _articles(connection, [line.code for line in lines])
    shown = [_view(consignment, line, articles.get(line.code), viewer) for line in lines]
    return page(shown, limit, lambda each: (each.code,))


def _view(
    consignment: Consignment, line: Line, article: Article | None, viewer: str | None
) -> LineView:
    return LineView(
        **dict(line),
        standing=standing(line, consignment, article),
        difference=difference(line),
        holder=_told_to(viewer, consignment, None if article is None else article.holder),
    )


def _told_to(viewer: str | None, consignment: Consignment, entity: str | None) -> str | None:
    """An entity, where it is the viewer's business."""
    parties = (consignment.sender, consignment.recipient, consignment.carrier)
    return entity if viewer is None or entity in parties else None


def _differences(
    connection: Connection, consignment: Consignment, lines: list[Line], viewer: str | None
) -> list[Difference]:
    codes = [line.code for line in lines]
    articles = _articles(connection, codes)
    seen = {
        code: last.model_copy(update={"reporter": _told_to(viewer, consignment, last.reporter)})
        for code, last in _last_seen(connection, codes).items()
    }
    return [
        Difference(
            **dict(_view(consignment, line, articles.get(line.code), viewer)),
            last=seen.get(line.code),
        )
        for line in lines
    ]


def _articles(connection: Connection, codes: Collection[str]) -> dict[str, Article]:
    """Also those of which no event tells: they are at their producer."""
    known = known_of(connection, codes)
    fresh = born(connection, [code for code in codes if code not in known])
    return known | {code: each.article for code, each in fresh.items()}


def _last_seen(connection: Connection, codes: Collection[str]) -> Mapping[str, LastSeen]:
    event, found = schema.event, schema.event_article
    rows = connection.execute(
        select(found.c.article, event.c.number, event.c.what, event.c.happened, event.c.reporter)
        .ext(distinct_on(found.c.article))
        .join(event, event.c.version == found.c.version)
        .where(found.c.article.in_(list(codes)), found.c.verdict == "ok")
        .order_by(found.c.article, found.c.version.desc())
    )
    return {
        row.article: LastSeen(
            event=row.number, what=row.what, happened=row.happened, reporter=row.reporter
        )
        for row in rows
    }
