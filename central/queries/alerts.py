"""Alerts, the newest first, and what was sent of one."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, select

from central import schema
from central.queries.models import Answer
from central.queries.paging import Count, Page, page, position
from central.register.alerts.models import AlertState, RuleCode, Severity
from central.register.alerts.rules import Alert
from central.register.alerts.service import ALERT


class Attempt(Answer):
    """One time that it was sent. `answer`: what the other end said, or what went wrong."""

    at: datetime
    delivered: bool
    answer: str


class Delivery(Answer):
    """Word of an alert to one address; `due`: when it is sent, or sent again, while it was not."""

    occasion: Annotated[str, Field(examples=["raised", "escalated-1"])]
    channel: Literal["mail", "webhook"]
    target: Annotated[str, Field(description="a mail address, or a webhook's name")]
    created: datetime
    due: datetime | None
    sent: datetime | None
    given_up: datetime | None
    attempts: list[Attempt]


class AlertView(Alert):
    """An alert with what was sent of it."""

    deliveries: list[Delivery]


class Wanted(NamedTuple):
    """Alerts with all of it. `open`: nobody has resolved it."""

    state: AlertState | None = None
    rule: RuleCode | None = None
    severity: Severity | None = None
    subject: str | None = None
    open: bool | None = None


def listed(
    connection: Connection,
    limit: int,
    cursor: str | None,
    wanted: Wanted,
    *,
    newest: bool = True,
) -> Page[Alert]:
    """The newest first, or the oldest. Raises `Refused` for a cursor that no page gave."""
    opened = schema.alert.c.opened
    query = select(schema.alert).where(*_conditions(wanted))
    last = position(cursor, Count)
    if last is not None:
        query = query.where(opened < last[0] if newest else opened > last[0])
    query = query.order_by(opened.desc() if newest else opened).limit(limit + 1)
    rows = connection.execute(query).all()
    found = page(rows, limit, lambda row: (row.opened,))
    return Page(items=[Alert.model_validate(row) for row in found.items], next=found.next)


def one(connection: Connection, number: str) -> AlertView:
    """Raises `NotFound`."""
    return showing(connection, ALERT.require(connection, number))


def showing(connection: Connection, alert: Alert) -> AlertView:
    """The alert, and every attempt to tell of it."""
    table, attempt = schema.delivery, schema.delivery_attempt
    attempts: dict[int, list[Attempt]] = {}
    rows = connection.execute(
        select(attempt)
        .join(table, table.c.id == attempt.c.delivery)
        .where(table.c.alert == alert.number)
        .order_by(attempt.c.delivery, attempt.c.attempt)
    )
    for row in rows:
        told = Attempt(at=row.at, delivered=row.delivered, answer=row.answer)
        attempts.setdefault(row.delivery, []).append(told)
    deliveries = [
        Delivery(
            occasion=row.occasion,
            channel=row.channel,
            target=row.target,
            created=row.created,
            due=row.due if row.sent is None and row.given_up is None else None,
            sent=row.sent,
            given_up=row.given_up,
            attempts=attempts.get(row.id, []),
        )
        for row in connection.execute(
            select(table).where(table.c.alert == alert.number).order_by(table.c.id)
        )
    ]
    return AlertView(**alert.model_dump(), deliveries=deliveries)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    table = schema.alert
    columns = {
        table.c.state: wanted.state,
        table.c.rule: wanted.rule,
        table.c.severity: wanted.severity,
        table.c.subject: wanted.subject,
    }
    found = [column == value for column, value in columns.items() if value is not None]
    if wanted.open is not None:
        resolved = table.c.state == "resolved"
        found.append(~resolved if wanted.open else resolved)
    return found
