"""Articles, their history and what lies in them; events, and what each found."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, select, union

from central import schema
from central.errors import NotFound
from central.queries import legacy
from central.queries.legacy import Legacy
from central.queries.models import Answer
from central.queries.paging import Count, Page, page, position
from central.queries.sorting import Sorting
from central.register.articles import tree
from central.register.articles.births import born
from central.register.articles.models import ArticleKind, Disposition, EventKind, Verdict
from central.register.articles.projection import Reported
from central.register.articles.rules import Article
from central.register.subject import no_such

MOST_WITHIN = 10_000
COUNTED = ("counted", "not-found")
"""What a count found of an article, in its life."""


class Step(Answer):
    """One thing that was told of an article: an event, what settled a dispute (`settled`), that it
    came in with the stock of before (`entered`), or what a count found of it (`counted`,
    `not-found`), with the result as its `reason`."""

    event: Annotated[
        str,
        Field(
            description="its number; an import's or a count's; empty where a dispute was settled"
        ),
    ]
    what: Annotated[str, Field(examples=["dispatched"])]
    happened: datetime
    told: Annotated[datetime, Field(description="when the register learned of it")]
    by: Annotated[str, Field(description="the account that told it")]
    place: str | None
    holder: str | None
    package: str | None
    component: str | None
    within: Annotated[bool, Field(description="of the package that it lay in")]
    verdict: Verdict
    before: str
    after: str
    reason: str


class ArticleLife(Answer):
    """An article and all that was told of it, in the order in which the register learned."""

    article: Article
    legacy: Annotated[
        Legacy | None, Field(description="what is on it, where the register never marked it")
    ] = None
    packages: Annotated[list[str], Field(description="what it lies in, from the inside out")]
    history: list[Step]


class Within(Answer):
    """One article that lies in a package; `depth` 1: directly."""

    code: str
    package: str
    component: str | None
    depth: int
    kind: str
    product: str | None
    serial: str | None
    disposition: Disposition


class Contents(Answer):
    """The tree of a package, level by level."""

    package: str
    articles: list[Within]
    complete: Annotated[bool, Field(description=f"false: there are more than {MOST_WITHIN}")]


class Flag(Answer):
    """An article that an event cannot have befallen, as it was told."""

    article: str
    verdict: Verdict


class EventView(Reported):
    """An event with all that was found of its articles but `ok`."""

    flags: list[Flag]


class Wanted(NamedTuple):
    """Articles with all of it; `entity`: those that it holds or has made."""

    entity: str | None = None
    holder: str | None = None
    disposition: Disposition | None = None
    place: str | None = None
    package: str | None = None
    product: str | None = None
    order_code: str | None = None
    lot: str | None = None
    disputed: bool | None = None
    kind: ArticleKind | None = None


Sort = Literal["code", "-code"]


def listed(
    connection: Connection,
    limit: int,
    cursor: str | None,
    wanted: Wanted,
    *,
    sort: Sort = "code",
) -> Page[Article]:
    """Those of which an event has told. Raises `Refused`: a cursor that no page of this order
    gave."""
    table = schema.article
    sorting = Sorting(sort, table.c, [table.c.code])
    conditions: list[ColumnElement[bool]] = [
        table.c[name] == value
        for name, value in wanted._asdict().items()
        if value is not None and name != "entity"
    ]
    query = select(table)
    if wanted.entity is None:
        query = query.where(*conditions)
    else:  # those that it holds by one index, those that it has made by another
        own = (
            sorting.page(
                select(table.c.code).where(column == wanted.entity, *conditions), limit, cursor
            ).subquery()
            for column in (table.c.holder, table.c.producer)
        )
        codes = connection.execute(union(*(select(each.c.code) for each in own))).scalars()
        query = query.where(table.c.code.in_(codes))
    rows = connection.execute(sorting.page(query, limit, cursor)).all()
    found = [Article.model_validate(row) for row in rows]
    return page(found, limit, lambda each: sorting.key((each.code,)))


def life(connection: Connection, code: str) -> ArticleLife:
    """Also of a marked item of which no event has told. Raises `NotFound`."""
    table = schema.article
    row = connection.execute(select(table).where(table.c.code == code)).one_or_none()
    if row is None:
        known = born(connection, [code]).get(code)
        if known is None or not known.good:
            raise NotFound(no_such("article", code))
        return ArticleLife(article=known.article, packages=[], history=[])
    return ArticleLife(
        article=Article.model_validate(row),
        legacy=legacy.of_article(connection, code),
        packages=tree.around(connection, code),
        history=_history(connection, code),
    )


def contents(connection: Connection, code: str) -> Contents:
    """All that lies in a package, however deep."""
    below = tree.below(
        [code], *(name for name in Within.model_fields if name not in ("code", "depth"))
    )
    rows = connection.execute(
        select(below).order_by(below.c.depth, below.c.package, below.c.code).limit(MOST_WITHIN + 1)
    ).all()
    return Contents(
        package=code,
        articles=[Within(**row._mapping) for row in rows[:MOST_WITHIN]],
        complete=len(rows) <= MOST_WITHIN,
    )


def events(
    connection: Connection,
    limit: int,
    cursor: str | None,
    *,
    what: EventKind | None = None,
    article: str | None = None,
    consignment: str | None = None,
    reporter: str | None = None,
) -> Page[Reported]:
    """What was told last comes first."""
    table, found = schema.event, schema.event_article
    query = select(table).order_by(table.c.version.desc()).limit(limit + 1)
    if what is not None:
        query = query.where(table.c.what == what)
    if reporter is not None:
        query = query.where(table.c.reporter == reporter)
    if consignment is not None:
        query = query.where(table.c.consignment == consignment)
    if article is not None:
        query = query.join(found, found.c.version == table.c.version).where(
            found.c.article == article
        )
    before = position(cursor, Count)
    if before is not None:
        query = query.where(table.c.version < before[0])
    rows = [Reported.model_validate(row) for row in connection.execute(query)]
    return page(rows, limit, lambda each: (each.version,))


def one_event(connection: Connection, number: str) -> EventView:
    """Raises `NotFound`."""
    table = schema.event
    row = connection.execute(select(table).where(table.c.number == number)).one_or_none()
    if row is None:
        raise NotFound(no_such("event", number))
    return showing(connection, Reported.model_validate(row))


def showing(connection: Connection, event: Reported) -> EventView:
    """With what it found."""
    found = schema.event_article
    flags = connection.execute(
        select(found.c.article, found.c.verdict)
        .where(found.c.event == event.number, found.c.verdict != "ok")
        .order_by(found.c.article)
    )
    return EventView(**dict(event), flags=[Flag(**row._mapping) for row in flags])


def _history(connection: Connection, code: str) -> list[Step]:
    event, found, act = schema.event, schema.event_article, schema.act
    steps = {
        row.version: Step(
            event=row.number,
            what=row.what,
            happened=row.happened,
            told=row.created,
            by=row.account,
            place=row.place,
            holder=row.holder,
            package=row.package,
            component=row.component,
            within=row.within,
            verdict=row.verdict,
            before=row.before,
            after=row.after,
            reason=row.reason,
        )
        for row in connection.execute(
            select(event, found.c.within, found.c.verdict, found.c.before, found.c.after)
            .add_columns(act.c.account)
            .join(found, found.c.version == event.c.version)
            .join(act, act.c.id == event.c.version)
            .where(found.c.article == code)
        )
    }
    for row in connection.execute(select(act).where(act.c.subject == "article", act.c.key == code)):
        steps[row.id] = Step(
            event="",
            what=row.what,
            happened=row.at,
            told=row.at,
            by=row.account,
            place=row.payload["place"],
            holder=row.payload["holder"],
            package=row.payload["package"],
            component=None,
            within=False,
            verdict="ok",
            before="",
            after=row.payload["disposition"],
            reason=row.reason,
        )
    steps |= _imported(connection, code) | _counted(connection, code)
    return [steps[version] for version in sorted(steps)]


def _counted(connection: Connection, code: str) -> dict[int, Step]:
    """By the act of the comparison: before it nobody is told."""
    counts, line, act = schema.counts, schema.count_article, schema.act
    rows = connection.execute(
        select(line, counts.c.number, counts.c.place.label("where"), act.c.id, act.c.at)
        .add_columns(act.c.account)
        .join(counts, counts.c.number == line.c.count_number)
        .join(act, act.c.id == counts.c.compared)
        .where(line.c.code == code, line.c.result != "")
    )
    return {
        row.id: Step(
            event=row.number,
            what=COUNTED[0] if row.first or row.second or row.third else COUNTED[1],
            happened=row.first or row.second or row.at,
            told=row.at,
            by=row.account,
            place=row.where,
            holder=None,
            package=None,
            component=None,
            within=False,
            verdict="ok",
            before=row.disposition or "",
            after=row.disposition or "",
            reason=row.result,
        )
        for row in rows
    }


def _imported(connection: Connection, code: str) -> dict[int, Step]:
    """What an article of before begins with; its place and disposition stand in the act."""
    table, act = schema.legacy, schema.act
    row = connection.execute(
        select(act.c.at, act.c.account, act.c.payload["stock"].label("stock"))
        .add_columns(table.c.import_number, table.c.brought)
        .join(table, table.c.brought == act.c.id)
        .where(table.c.code == code)
    ).one_or_none()
    if row is None:
        return {}
    told = next(each for each in row.stock if each["code"] == code)
    step = Step(
        event=row.import_number,
        what="entered",
        happened=row.at,
        told=row.at,
        by=row.account,
        place=told["place"],
        holder=told["holder"],
        package=None,
        component=None,
        within=False,
        verdict="ok",
        before="",
        after=told["disposition"],
        reason="",
    )
    return {row.brought: step}
