"""Counts over HTTP: planned, opened, told blindly by two, compared, and settled by named acts."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import Connection

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown
from central.queries import counts as queries
from central.queries.counts import CountLine, CountRow, CountView, ScanView
from central.queries.models import Answer
from central.queries.paging import Page
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.stock import service
from central.register.stock.lines import QuantityLine
from central.register.stock.models import (
    CountKind,
    CountResolving,
    CountState,
    LookedAgain,
    NewCount,
    Result,
    Scanned,
)
from central.register.stock.projection import COUNT
from central.register.stock.rules import Count

api = APIRouter(prefix="/counts", tags=["counts"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "place",
    "-place",
    "entity",
    "-entity",
    "kind",
    "-kind",
    "state",
    "-state",
    "due",
    "-due",
]
_Number = Annotated[str, Path(max_length=30, examples=["INV-2026-04"])]
_Filter = Annotated[str | None, Query(max_length=60)]


class Taken(Answer):
    """How far one's own tally is."""

    tally: Literal[1, 2]
    scanned: Annotated[int, Field(description="codes that were scanned themselves")]


@api.get("", response_model=Page[CountRow], **needs(Right.READ_COUNTS))
def all_counts(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    state: CountState | None = None,
    kind: CountKind | None = None,
    place: _Filter = None,
    overdue: bool | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[CountRow]:
    """Who acts for an entity sees those of its places."""
    wanted = queries.Wanted(entity, state, kind, place, overdue)
    own = queries.Wanted(desk.by.entity)
    with desk.looking() as connection:
        found = listed(
            connection, COUNT, limit, cursor, *wanted.conditions(), *own.conditions(), sort=sort
        )
    return shown(found, CountRow.of_now)


@api.get("/{number}", response_model=CountView, **needs(Right.READ_COUNTS))
def one_count(number: _Number, desk: AtDesk) -> Response:
    """How many are of which result, once both tallies are handed in."""
    with desk.looking() as connection:
        found = _own(connection, desk.by, number)
        return desk.tell(queries.showing(connection, found))


@api.get("/{number}/articles", **needs(Right.READ_COUNTS))
def its_articles(
    number: _Number,
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    result: Result | None = None,
    standing: bool | None = None,
) -> Page[CountLine]:
    """Each that was expected or scanned, with its one result. `standing`: a difference about which
    nothing is said yet."""
    with desk.looking() as connection:
        return queries.articles_of(
            connection,
            _own(connection, desk.by, number),
            limit,
            cursor,
            desk.by.entity,
            result=result,
            standing=standing,
        )


@api.get("/{number}/quantities", **needs(Right.READ_COUNTS))
def its_quantities(
    number: _Number, desk: AtDesk, limit: Limit = 100, cursor: Cursor = None
) -> Page[QuantityLine]:
    """Loose pieces, by lot."""
    with desk.looking() as connection:
        found = _own(connection, desk.by, number)
        return queries.quantities_of(connection, found, limit, cursor)


@api.get("/{number}/tallies/{tally}", **needs(Right.READ_COUNTS))
def a_tally(
    number: _Number,
    tally: Annotated[Literal["1", "2"], Path()],
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ScanView]:
    """One's own at any time, another's once both are handed in."""
    with desk.looking() as connection:
        found = _own(connection, desk.by, number)
        return queries.scans_of(connection, found, int(tally), desk.by, limit, cursor)


@api.post("", status_code=201, response_model=CountView, **needs(Right.PLAN_COUNTS))
def plan(asked: NewCount, desk: AtDesk) -> Response:
    """What will be counted, and until when."""
    return _act(desk, lambda work: service.plan(work, asked), 201)


@api.post("/{number}/open", response_model=CountView, **needs(Right.PLAN_COUNTS))
def open_(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """What is expected is kept from now on, and shown to nobody."""
    return _step(desk, number, lambda work: service.open_(work, number, asked.why))


@api.post("/{number}/scan", response_model=Taken, **needs(Right.COUNT))
def scan(number: _Number, asked: Scanned, desk: AtDesk) -> Response:
    """A part of one's own tally; the first two accounts that scan are the two that count."""

    def done(work: Work) -> Taken:
        _own(work.connection, work.by, number)
        tally = service.scan(work, number, asked)
        told = queries.taken_in(work.connection, number, tally)
        return Taken(tally=1 if tally == 1 else 2, scanned=told)

    return desk.act(done)


@api.post("/{number}/hand-in", response_model=CountView, **needs(Right.COUNT))
def hand_in(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """Nothing more is to come of one's own tally. With the second it is compared."""
    return _step(desk, number, lambda work: service.hand_in(work, number, asked.why))


@api.post("/{number}/look-again", response_model=CountView, **needs(Right.COUNT))
def look_again(number: _Number, asked: LookedAgain, desk: AtDesk) -> Response:
    """By somebody who has not counted: what the two disagree on, or did not find."""
    return _step(desk, number, lambda work: service.look_again(work, number, asked))


@api.post("/{number}/resolve", response_model=CountView, **needs(Right.RESOLVE_COUNTS))
def resolve(number: _Number, asked: CountResolving, desk: AtDesk) -> Response:
    """What is done about differences; who has counted resolves nothing that is missing."""
    return _step(desk, number, lambda work: service.resolve(work, number, asked))


@api.post("/{number}/close", response_model=CountView, **needs(Right.PLAN_COUNTS))
def close(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """When no difference stands."""
    return _step(desk, number, lambda work: service.close(work, number, asked.why))


@api.post("/{number}/cancel", response_model=CountView, **needs(Right.PLAN_COUNTS))
def cancel(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """Before it is compared; the tallies are kept."""
    return _step(desk, number, lambda work: service.cancel(work, number, asked.why))


def _step(desk: Desk, number: str, do: Callable[[Work], Count]) -> Response:
    def done(work: Work) -> Count:
        _own(work.connection, work.by, number)
        return do(work)

    return _act(desk, done)


def _act(desk: Desk, do: Callable[[Work], Count], status: int = 200) -> Response:
    def done(work: Work) -> CountView:
        return queries.showing(work.connection, do(work))

    return desk.act(done, status)


def _own(connection: Connection, by: By, number: str) -> Count:
    found = COUNT.require(connection, number)
    return own(by, found, found.entity, "count", number)
