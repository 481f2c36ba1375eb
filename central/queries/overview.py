"""What the live page shows first."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from central.queries import gateways, marks, orders, refused
from central.queries.alarms import Alarms, alarms
from central.queries.live import Live
from central.queries.models import Answer, EvidenceRow, Gateway, Mark, OrderProgress, Refusal
from central.queries.pace import Hour, Pace
from central.queries.reading import snapshot
from central.queries.telling import LISTED, MARKS_IN_EVENT


class Overview(Answer):
    """What the live page shows first; the stream goes on from `cursor`."""

    cursor: int
    now: datetime
    pace: Pace
    marks: list[Mark]
    orders: list[OrderProgress]
    gateways: list[Gateway]
    alerts: Alarms
    refusals: list[Refusal]
    evidence: list[EvidenceRow]


def overview(engine: Engine, live: Live) -> Overview:
    """One consistent look; the stream goes on from its `cursor`."""
    cursor = live.cursor  # before the look: what comes after it may be told twice, never not
    with snapshot(engine) as connection:
        return Overview(
            cursor=cursor,
            now=datetime.now(UTC),
            pace=live.pace or Hour().look(connection),
            marks=marks.newest(connection, MARKS_IN_EVENT),
            orders=orders.listed(connection, LISTED).items,
            gateways=gateways.listed(connection),
            alerts=alarms(connection),
            refusals=refused.refusals(connection, LISTED).items,
            evidence=refused.evidence(connection, LISTED).items,
        )
