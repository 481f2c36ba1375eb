"""What ingest says to PostgreSQL in more than one place."""

import json
from typing import Any

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]
LIVE_CHANNEL = "gjurma_live"


def notify(connection: Connection, channel: str, payload: dict[str, Any]) -> None:
    """Tell listeners once this transaction is committed."""
    connection.execute(
        "SELECT pg_notify(%s, %s)", (channel, json.dumps(payload, separators=(",", ":")))
    )


def columns(rows: list[Any], width: int) -> list[list[Any]]:
    """Rows to columns, as `unnest` takes them."""
    return [[row[index] for row in rows] for index in range(width)]
