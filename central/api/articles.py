"""Articles and events over HTTP: what became of things, and what is in dispute."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access.own import has, own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit
from central.api.proposals import PROPOSED, propose
from central.errors import NotFound
from central.queries import articles as queries
from central.queries import trace
from central.queries.articles import ArticleLife, Contents, EventView
from central.queries.paging import Page
from central.queries.trace import Trace
from central.register.acts import By, Work
from central.register.articles import service
from central.register.articles.models import (
    ArticleKind,
    Disposition,
    EventKind,
    NewEvent,
    Settlement,
)
from central.register.articles.projection import Reported
from central.register.articles.rules import Article
from central.register.proposals.service import Wanted
from central.register.subject import no_such

api = APIRouter(tags=["articles"], route_class=Guarded)
_Code = Annotated[str, Path(max_length=50, examples=["DA0G1HAK001200"])]
_Number = Annotated[str, Path(max_length=60, examples=["E-2026-0001"])]
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("/articles", response_model=Page[Article], **needs(Right.READ_ITEMS))
def all_articles(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    holder: _Filter = None,
    disposition: Disposition | None = None,
    place: _Filter = None,
    package: _Filter = None,
    product: _Filter = None,
    order: _Filter = None,
    lot: _Filter = None,
    disputed: bool | None = None,
    kind: ArticleKind | None = None,
    sort: Annotated[queries.Sort, SORT] = "code",
) -> Page[Article]:
    """Those of which an event has told; what was only marked yet is among the items."""
    wanted = queries.Wanted(
        *(desk.by.entity, holder, disposition, place, package, product, order, lot, disputed),
        kind,
    )
    with desk.looking() as connection:
        return queries.listed(connection, limit, cursor, wanted, sort=sort)


@api.get("/articles/{code:path}/contents", **needs(Right.READ_ITEMS))
def contents(code: _Code, desk: AtDesk) -> Contents:
    """All that lies in a package, however deep: what a scan of the pallet lists."""
    with desk.looking() as connection:
        _own(connection, desk, code)
        return queries.contents(connection, code)


@api.get("/articles/{code:path}/trace", **needs(Right.READ_ITEMS))
def whole_life(code: _Code, desk: AtDesk) -> Trace:
    """Its whole life on one page: marks with their proofs, papers, consignments, parts, alerts.
    What the caller may not read elsewhere is left out."""
    with desk.looking() as connection:
        return traced(connection, desk.by, code)


@api.post(
    "/articles/{code:path}/settle",
    response_model=Article,
    responses=PROPOSED,
    **needs(Right.SETTLE_ARTICLES),
)
def settle(code: _Code, asked: Settlement, desk: AtDesk) -> Response:
    """Ends a dispute: what is true of the article, as a person found it. That it is destroyed is
    proposed, and a second person confirms it."""
    if asked.disposition == "destroyed":
        return propose(desk, Wanted("settlement", code, asked))
    return desk.act(lambda work: service.settle(work, code, asked))


@api.get("/articles/{code:path}", **needs(Right.READ_ITEMS))
def one_article(code: _Code, desk: AtDesk) -> ArticleLife:
    """Where it is, what it lies in, and all that was told of it."""
    with desk.looking() as connection:
        return _own(connection, desk, code)


@api.get("/events", response_model=Page[Reported], **needs(Right.READ_ITEMS))
def all_events(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    what: EventKind | None = None,
    article: _Filter = None,
    consignment: _Filter = None,
) -> Page[Reported]:
    """What was told last comes first. Who acts for an entity sees what it has told."""
    with desk.looking() as connection:
        return queries.events(
            connection,
            limit,
            cursor,
            what=what,
            article=article,
            consignment=consignment,
            reporter=desk.by.entity,
        )


@api.get("/events/{number:path}", **needs(Right.READ_ITEMS))
def one_event(number: _Number, desk: AtDesk) -> EventView:
    with desk.looking() as connection:
        event = queries.one_event(connection, number)
    return own(desk.by, event, event.reporter, "event", number)


@api.post(
    "/events",
    status_code=201,
    response_model=EventView,
    responses=PROPOSED,
    **needs(Right.REPORT_EVENTS),
)
def report(asked: NewEvent, desk: AtDesk) -> Response:
    """Kept whole, whatever it says. `flags` names the articles that it cannot have befallen: they
    stay as they were, and are disputed. That they are destroyed is proposed, and a second person
    confirms it."""
    if asked.what == "destroyed":
        return propose(desk, Wanted("destruction", asked.number, asked))

    def reported(work: Work) -> EventView:
        return queries.showing(work.connection, service.report(work, asked))

    return desk.act(reported, 201)


def traced(connection: Connection, by: By, code: str) -> Trace:
    """As far as they may see it. Raises `NotFound`."""
    found = trace.trace(
        connection,
        code,
        viewer=by.entity,
        with_consignments=has(by, Right.READ_CONSIGNMENTS),
        with_alerts=has(by, Right.READ_ALERTS),
    )
    if found.article is not None:
        _see(by, code, found.article.article)
    elif found.item is not None:
        own(by, found, found.item.entity, "article", code)
    return found


def _own(connection: Connection, desk: Desk, code: str) -> ArticleLife:
    found = queries.life(connection, code)
    _see(desk.by, code, found.article)
    return found


def _see(by: By, code: str, article: Article) -> None:
    if by.entity not in (None, article.holder, article.producer):
        raise NotFound(no_such("article", code))
