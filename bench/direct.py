"""An ingest worker without the broker: the same calls, in a transaction for each lot."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from psycopg import errors as pg

from central import db, keys
from central.config import load
from central.ingest import receipts, rules, store
from central.ingest.database import Connection
from central.ingest.facts import Evidence
from gateway.contract.signed import SigningKey

Lot = list[tuple[str, bytes]]
"""Batches, each with its gateway, that one transaction takes."""


def ingest(ready: Callable[[], None], config_file: Path, lots: Iterable[Lot]) -> None:
    """What an ingest worker does between the broker's message and its acknowledgement."""
    config = load(config_file)
    key = keys.load(config.keys.dir, "receipt")
    with db.connect(config) as connection:
        ready()
        for lot in lots:
            while not _take(connection, key, lot):
                pass


def _take(connection: Connection, key: SigningKey, lot: Lot) -> bool:
    """One lot in one transaction, receipts signed; False when it has to be tried again."""
    try:
        with connection.transaction():
            for gateway, payload in lot:
                now = datetime.now(UTC)
                received = rules.examine(gateway, payload)
                if isinstance(received, Evidence):
                    fault = f"{gateway}: {received.reason}: {received.detail}"
                    raise RuntimeError(fault)  # noqa: TRY004 - a value, not a wrong type
                store.receive(connection, received, now, {})
                header = received.batch.header
                receipts.signed_receipt(connection, key, gateway, header.epoch, header.boot, now)
    except (pg.DeadlockDetected, pg.SerializationFailure, store.JudgedTooEarly):
        return False
    return True
