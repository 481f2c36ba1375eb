"""The alerts that nobody has resolved, in the words of both languages."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from central import schema
from central.alerts.words import words
from central.queries.models import Answer
from central.register.alerts.models import AlertState, Severity
from central.register.alerts.rules import Alert
from central.screens.texts import LANGUAGES, Language

SHOWN = 5


class Alarm(Answer):
    """One alert; `title` and `text` by language: a stream is told to readers of either."""

    number: str
    severity: Severity
    state: AlertState
    subject: str
    raised: datetime
    title: dict[Language, str]
    text: dict[Language, str]


class Alarms(Answer):
    """`open`: how many there are, of which the newest are told."""

    open: int
    newest: list[Alarm]


def alarms(connection: Connection) -> Alarms:
    table = schema.alert
    unresolved = table.c.state != "resolved"
    count = connection.execute(select(func.count()).select_from(table).where(unresolved))
    newest = select(table).where(unresolved).order_by(table.c.opened.desc()).limit(SHOWN)
    return Alarms(
        open=count.scalar_one(),
        newest=[_alarm(Alert.model_validate(row)) for row in connection.execute(newest)],
    )


def _alarm(alert: Alert) -> Alarm:
    told = {language: words(alert, language) for language in LANGUAGES}
    return Alarm(
        number=alert.number,
        severity=alert.severity,
        state=alert.state,
        subject=alert.subject,
        raised=alert.raised,
        title={language: each.title for language, each in told.items()},
        text={language: each.text for language, each in told.items()},
    )
