"""Devices with what the register has of them, and where it disagrees with what they scanned."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from sqlalchemy import Connection, Row, text

from central.queries.models import Answer
from central.queries.paging import Count, Page, page, position
from central.register.alerts.models import AlertState, RuleCode, Severity
from central.register.articles.models import Verdict
from central.register.devices.service import DEVICE, Device, is_working


class DeviceView(Device):
    """`working`: active with its place, all that is above that, and its entity. The newest epoch:
    up to which record it is `committed`, and up to which its scans are events (`concluded`)."""

    working: bool
    epoch: int | None
    stream: str | None
    committed: int
    concluded: int
    received: datetime | None
    refused: Annotated[int, Field(description="records that the receipt names, of all epochs")]
    evidence: Annotated[int, Field(description="messages that are no batch")]


class Found(Answer):
    """An article that an event cannot have befallen, as it was scanned. `holder` and `place`: as
    the register has it; none where it does not know it."""

    article: str
    verdict: Verdict
    holder: str | None
    place: str | None


class RaisedAlert(Answer):
    """An alert that stands on the scan."""

    number: str
    rule: RuleCode
    severity: Severity
    state: AlertState


class Disagreement(Answer):
    """A scan of which the register does not hold the same. `verdict`: `ok` where only an alert
    stands on it, `flagged` where its event names `articles` that it cannot have befallen or codes
    that name nothing (`strange`), or why it is no event."""

    epoch: int
    seq: int
    at: datetime | None
    what: str
    verdict: str
    detail: str
    event: str | None
    articles: list[Found]
    strange: list[str]
    alerts: list[RaisedAlert]


class Disagreements(Page[Disagreement]):
    """In the order of the records. All up to `concluded` of `epoch` were judged, of the `committed`
    that the register has."""

    epoch: int | None
    committed: int
    concluded: int


class Wanted(NamedTuple):
    """Of one epoch, and from which record on."""

    epoch: int | None = None
    first: int | None = None


_STANDING = text(
    "SELECT s.epoch, s.state AS stream, s.committed, coalesce(c.seq, 0) AS concluded,"
    " (SELECT received FROM batch WHERE stream = s.id ORDER BY first DESC LIMIT 1) AS received,"
    " (SELECT count(*) FROM refusal r JOIN stream rs ON rs.id = r.stream"
    "   WHERE rs.gateway = :name AND r.resolved IS NULL) AS refused,"
    " (SELECT count(*) FROM evidence e WHERE e.gateway = :name) AS evidence"
    " FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT * FROM stream WHERE gateway = :name"
    "   ORDER BY epoch DESC LIMIT 1) s ON true LEFT JOIN concluded c ON c.stream = s.id"
)
_SCANS = text(
    "SELECT s.* FROM scan s WHERE s.gateway = :name AND (s.epoch, s.seq) > (:epoch, :seq)"
    " AND (CAST(:only AS bigint) IS NULL OR s.epoch = :only)"
    " AND (s.verdict <> 'ok' OR EXISTS (SELECT 1 FROM alert a"
    "   WHERE split_part(a.cause, ' ', 1) = s.event))"
    " ORDER BY s.epoch, s.seq LIMIT :most"
)
_FLAGS = text(
    "SELECT f.event, f.article, f.verdict, a.holder, a.place FROM event_article f"
    " LEFT JOIN article a ON a.code = f.article"
    " WHERE f.event = ANY(:events) AND f.verdict <> 'ok' ORDER BY f.event, f.article"
)
_ALERTS = text(
    "SELECT split_part(cause, ' ', 1) AS of, number, rule, severity, state FROM alert"
    " WHERE split_part(cause, ' ', 1) = ANY(:scans) ORDER BY opened"
)


def one(connection: Connection, name: str) -> DeviceView:
    """Raises `NotFound`."""
    device = DEVICE.require(connection, name)
    row = connection.execute(_STANDING, {"name": name}).one()
    return DeviceView(
        **device.model_dump(),
        **{**row._mapping, "committed": row.committed or 0},
        working=is_working(connection, device),
    )


def disagreements(
    connection: Connection, name: str, limit: int, cursor: str | None, wanted: Wanted
) -> Disagreements:
    """Raises `NotFound`, or `Refused`: a cursor that no page gave."""
    standing = one(connection, name)
    after = position(cursor, Count, Count)
    if after is None:
        after = (wanted.epoch or 0, (wanted.first or 1) - 1)
    rows = connection.execute(
        _SCANS,
        {
            "name": name,
            "epoch": after[0],
            "seq": after[1],
            "only": wanted.epoch,
            "most": limit + 1,
        },
    ).all()
    events = [row.event for row in rows if row.event is not None]
    flags: dict[str, list[Found]] = {}
    for event, *told in connection.execute(_FLAGS, {"events": events}):
        flags.setdefault(event, []).append(_found(told))
    alerts: dict[str, list[RaisedAlert]] = {}
    for row in connection.execute(_ALERTS, {"scans": list(map(_name, rows))}):
        raised = {key: value for key, value in row._mapping.items() if key != "of"}
        alerts.setdefault(row.of, []).append(RaisedAlert(**raised))
    found = [
        Disagreement(
            epoch=row.epoch,
            seq=row.seq,
            at=row.at,
            what=row.what,
            verdict=row.verdict,
            detail=row.detail,
            event=row.event,
            articles=flags.get(row.event, []),
            strange=row.strange,
            alerts=alerts.get(_name(row), []),
        )
        for row in rows
    ]
    paged = page(found, limit, lambda each: (each.epoch, each.seq))
    return Disagreements(
        items=paged.items,
        next=paged.next,
        epoch=standing.epoch,
        committed=standing.committed,
        concluded=standing.concluded,
    )


def _name(row: Row[Any]) -> str:
    """The record's: its event's too, and the cause of its alerts."""
    return f"{row.gateway}/{row.epoch}/{row.seq}"


def _found(told: list[Any]) -> Found:
    article, verdict, holder, place = told
    return Found(article=article, verdict=verdict, holder=holder, place=place)
