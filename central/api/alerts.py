"""Alerts over HTTP: what was raised, who takes it on, how it was resolved."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit
from central.queries import alerts as queries
from central.queries.alerts import AlertView
from central.queries.paging import Page
from central.register.alerts import service
from central.register.alerts.models import AlertState, RuleCode, Severity
from central.register.alerts.rules import Alert
from central.register.asked import WithReason

api = APIRouter(prefix="/alerts", tags=["alerts"], route_class=Guarded)
_Number = Annotated[str, Path(max_length=60, examples=["duplicate-3f2a9c0d1b2e4f56"])]


@api.get("", response_model=Page[Alert], **needs(Right.READ_ALERTS))
def all_alerts(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: AlertState | None = None,
    rule: RuleCode | None = None,
    severity: Severity | None = None,
    subject: Annotated[str | None, Query(max_length=100)] = None,
    open: Annotated[  # noqa: A002 - the parameter's name
        bool | None, Query(description="whether nobody has resolved it yet")
    ] = None,
    sort: Annotated[Literal["raised", "-raised"], SORT] = "-raised",
) -> Page[Alert]:
    """In the order in which they were raised, the newest first."""
    wanted = queries.Wanted(state, rule, severity, subject, open)
    with desk.looking() as connection:
        return queries.listed(connection, limit, cursor, wanted, newest=sort == "-raised")


@api.get("/{number}", response_model=AlertView, **needs(Right.READ_ALERTS))
def one_alert(number: _Number, desk: AtDesk) -> Response:
    """With every attempt to send word of it."""
    with desk.looking() as connection:
        return desk.tell(queries.one(connection, number))


@api.post("/{number}/acknowledge", response_model=AlertView, **needs(Right.HANDLE_ALERTS))
def acknowledge(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """Whoever sends it takes it on, by name; it is not escalated any further."""
    return desk.act(
        lambda work: queries.showing(work.connection, service.acknowledge(work, number, asked.why))
    )


@api.post("/{number}/resolve", response_model=AlertView, **needs(Right.HANDLE_ALERTS))
def resolve(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """What it told of is settled. The same case is not raised again; a new one is."""
    return desk.act(
        lambda work: queries.showing(work.connection, service.resolve(work, number, asked.why))
    )
