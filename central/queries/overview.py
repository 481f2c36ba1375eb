"""What the live page shows first."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from central.queries import gateways, marks, orders, refused
from central.queries.live import LISTED, MARKS_IN_EVENT, Live
from central.queries.models import Overview
from central.queries.reading import snapshot


def overview(engine: Engine, live: Live) -> Overview:
    """One consistent look; the stream goes on from its `cursor`."""
    cursor = live.cursor  # before the look: what comes after it may be told twice, never not
    with snapshot(engine) as connection:
        return Overview(
            cursor=cursor,
            now=datetime.now(UTC),
            marks=marks.newest(connection, MARKS_IN_EVENT),
            orders=orders.listed(connection, LISTED).items,
            gateways=gateways.listed(connection),
            refusals=refused.refusals(connection, LISTED).items,
            evidence=refused.evidence(connection, LISTED).items,
        )
