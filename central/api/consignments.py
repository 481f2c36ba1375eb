"""Consignments over HTTP: reported before they go, followed by scans, ended by named acts."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access.own import for_own
from central.access.roles import Right
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown
from central.errors import NotFound
from central.queries import consignments as queries
from central.queries.consignments import ConsignmentRow, ConsignmentView, LineView
from central.queries.paging import Page
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.consignments import service
from central.register.consignments.models import (
    FROM,
    TO,
    ConsignmentState,
    Direction,
    NewConsignment,
    Resolving,
    Role,
)
from central.register.consignments.projection import CONSIGNMENT
from central.register.consignments.rules import Consignment
from central.register.subject import no_such

api = APIRouter(prefix="/consignments", tags=["consignments"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "direction",
    "-direction",
    "state",
    "-state",
    "planned_arrival",
    "-planned_arrival",
]
_Number = Annotated[str, Path(max_length=60, examples=["C-2026-0012"])]
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("", response_model=Page[ConsignmentRow], **needs(Right.READ_CONSIGNMENTS))
def all_consignments(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    direction: Direction | None = None,
    state: ConsignmentState | None = None,
    sender: _Filter = None,
    recipient: _Filter = None,
    carrier: _Filter = None,
    article: _Filter = None,
    overdue: bool | None = None,
    differing: bool | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[ConsignmentRow]:
    """`differing`: with a difference that nobody has resolved."""
    wanted = queries.Wanted(
        desk.by.entity,
        direction,
        state,
        sender,
        recipient,
        carrier,
        article,
        overdue,
        differing,
    )
    with desk.looking() as connection:
        found = listed(connection, CONSIGNMENT, limit, cursor, *wanted.conditions(), sort=sort)
    return shown(found, ConsignmentRow.of_now)


@api.get("/{number}", response_model=ConsignmentView, **needs(Right.READ_CONSIGNMENTS))
def one_consignment(number: _Number, desk: AtDesk) -> Response:
    """How many of its articles stand where, and each difference: what, and who had it last."""
    with desk.looking() as connection:
        found = _own(connection, desk.by, number)
        return desk.tell(queries.showing(connection, found, desk.by.entity))


@api.get("/{number}/articles", **needs(Right.READ_CONSIGNMENTS))
def its_articles(
    number: _Number, desk: AtDesk, limit: Limit = 100, cursor: Cursor = None
) -> Page[LineView]:
    """What it lists, and what was found in it besides."""
    with desk.looking() as connection:
        found = _own(connection, desk.by, number)
        return queries.articles_of(connection, found, limit, cursor, desk.by.entity)


@api.post("", status_code=201, response_model=ConsignmentView, **needs(Right.REPORT_CONSIGNMENTS))
def report(asked: NewConsignment, desk: AtDesk) -> Response:
    """Before it goes. Its parties are screened, and a licence has to cover it."""
    holder = getattr(asked, FROM[asked.direction])
    for_own(desk.by, holder)
    return _act(desk, lambda work: service.report(work, asked), 201)


@api.post("/{number}/cancel", response_model=ConsignmentView, **needs(Right.REPORT_CONSIGNMENTS))
def cancel(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """By who reported it, before anything of it has gone."""
    return _step(desk, number, FROM, lambda work: service.cancel(work, number, asked.why))


@api.post(
    "/{number}/end-receipt", response_model=ConsignmentView, **needs(Right.REPORT_CONSIGNMENTS)
)
def end_receipt(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """By who receives it: nothing more is to come, and what did not come is short."""
    return _step(desk, number, TO, lambda work: service.end_receipt(work, number, asked.why))


@api.post("/{number}/resolve", response_model=ConsignmentView, **needs(Right.RESOLVE_CONSIGNMENTS))
def resolve(number: _Number, asked: Resolving, desk: AtDesk) -> Response:
    """What became of articles that differed; the articles themselves are told of in events."""
    return _act(desk, lambda work: service.resolve(work, number, asked))


@api.post("/{number}/close", response_model=ConsignmentView, **needs(Right.REPORT_CONSIGNMENTS))
def close(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """When no difference stands."""
    return _step(desk, number, TO, lambda work: service.close(work, number, asked.why))


def _step(
    desk: Desk,
    number: str,
    roles: Mapping[Direction, Role],
    do: Callable[[Work], Consignment],
) -> Response:
    """A step that only who has that role in it may take, or the registry."""

    def done(work: Work) -> Consignment:
        found = _own(work.connection, work.by, number)
        for_own(work.by, found.entity(roles[found.direction]) or "")
        return do(work)

    return _act(desk, done)


def _act(desk: Desk, do: Callable[[Work], Consignment], status: int = 200) -> Response:
    def done(work: Work) -> ConsignmentView:
        return queries.showing(work.connection, do(work), work.by.entity)

    return desk.act(done, status)


def _own(connection: Connection, by: By, number: str) -> Consignment:
    found = CONSIGNMENT.require(connection, number)
    if by.entity is not None and not found.is_of(by.entity):
        raise NotFound(no_such("consignment", number))
    return found
