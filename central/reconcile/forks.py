"""Disputes the marks of forks that the register kept as evidence before it disputed any."""

from datetime import datetime

from central.ingest import forks, rules, store
from central.ingest.database import Connection
from central.ingest.facts import Evidence, Received

_KEPT = (
    "SELECT gateway, reason, detail, bytes FROM evidence"
    " WHERE reason IN ('forked', 'two-of-me', 'latched') ORDER BY id"
)


def dispute_kept_forks(connection: Connection, now: datetime) -> int:
    """Enter what is not disputed yet, in the caller's transaction. Return how many marks that is.

    Such evidence was signed when it was kept. What is disputed already stays as it is, so that a
    second run enters nothing.
    """
    before = _count(connection)
    kept = connection.execute(_KEPT).fetchall()
    store.lock_streams(connection, {gateway for gateway, *_ in kept})
    for gateway, reason, detail, payload in kept:
        received = rules.examine(gateway, bytes(payload))
        if not isinstance(received, Received):
            continue
        header = received.batch.header
        stream = store.lock_stream(connection, header.gateway, header.epoch)
        latch = None if reason == "latched" else reason
        evidence = Evidence(gateway, reason, detail, received.payload, True, latch)
        if stream is not None and forks.proves_two_branches(stream, evidence):
            store.dispute_batch(connection, stream, received, detail, now)
    return _count(connection) - before


def _count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM disputed_mark").fetchone()
    assert row is not None
    return int(row[0])
