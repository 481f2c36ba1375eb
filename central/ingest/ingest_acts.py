"""The acts that ingest keeps: latches, disputed marks, and batches that are kept unjudged.

No batch tells of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from central.ingest import forks
from central.ingest.database import LIVE_CHANNEL, Connection, notify
from central.ingest.facts import Claim, Stream, Unjudged
from central.register import acts
from central.register.gateways import disputes
from central.register.gateways.projection import JUDGED, UNJUDGED


def latch(connection: Connection, stream: Stream, state: str, why: str, now: datetime) -> None:
    """An act, since no batch tells of it."""
    payload = {"epoch": stream.epoch, "state": state}
    act(connection, "gateway", stream.gateway, "latched", payload, why, now)
    connection.execute(
        "UPDATE stream SET state = %s, ended = %s WHERE id = %s", (state, now, stream.id)
    )
    notify(connection, LIVE_CHANNEL, {"gateway": stream.gateway, "latch": state})
    notify(connection, acts.PLAN_CHANNEL, {"gateway": stream.gateway})


def act(
    connection: Connection,
    subject: str,
    key: str,
    what: str,
    payload: dict[str, Any],
    why: str,
    now: datetime,
) -> int:
    """Keep an act of ingest, and return its id; its caller carries out what follows from it."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (acts.LAST,))
    row = connection.execute(
        "INSERT INTO act (at, subject, key, what, payload, account, role, reason, basis)"
        " VALUES (%s, %s, %s, %s, %s, 'ingest', 'program', %s, '') RETURNING id",
        (now, subject, key, what, Jsonb(payload), why),
    ).fetchone()
    assert row is not None
    return int(row[0])


def dispute(
    connection: Connection, stream: Stream, marks: Iterable[forks.Disputed], why: str, now: datetime
) -> None:
    """Enter the marks of two branches that are not entered yet, and those that are held since."""
    entered = {
        tuple(row)
        for row in connection.execute(
            "SELECT seq, position, held, uii, component FROM disputed_mark WHERE stream = %s",
            (stream.id,),
        ).fetchall()
    }
    told = list(marks)
    since = min([mark.seq for mark in told] + [seq for seq, *_ in entered], default=None)
    if since is None:
        return
    told += forks.held_since(_claims_of(connection, stream, since), since)
    new = [
        mark.model_dump()
        for mark in told
        if (mark.seq, mark.position, mark.held, mark.uii, mark.component) not in entered
    ]
    if new:
        payload = {"epoch": stream.epoch, "marks": new}
        entry = act(connection, "gateway", stream.gateway, disputes.DISPUTED, payload, why, now)
        for statement in disputes.STATEMENTS:
            connection.execute(statement, (entry,))


def _claims_of(connection: Connection, stream: Stream, since: int) -> Iterator[tuple[Claim, str]]:
    for serial, uii, component, *row in connection.execute(
        "SELECT i.serial, i.uii, i.component, c.seq, c.position, c.order_code, c.space, c.number,"
        " c.fresh, c.quantity, c.station FROM claim c JOIN item i ON i.id = c.item"
        " WHERE c.stream = %s AND c.seq >= %s ORDER BY c.seq, c.position",
        (stream.id, since),
    ).fetchall():
        seq, position, *rest = row
        yield Claim(seq, position, (uii, component), *rest), serial


def unjudged_batches(connection: Connection) -> dict[tuple[str, int, int], Unjudged]:
    """The batches that are kept unjudged, by gateway, epoch and first record."""
    found = {}
    for gateway, what, payload in connection.execute(
        "SELECT key, what, payload FROM act WHERE subject = 'gateway' AND what = ANY(%s)"
        " ORDER BY id",
        ([UNJUDGED, JUDGED],),
    ).fetchall():
        key = (gateway, payload["epoch"], payload["first"])
        if what == UNJUDGED:
            found[key] = Unjudged(payload["fault"], payload["claims"])
        else:
            found.pop(key, None)
    return found
