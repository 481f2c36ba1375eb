"""What PostgreSQL alone takes for the same rows: no signature, no decoding, no law, no receipt.

The rows are those that the register made of the batches, read back from it; they go into tables
of the same columns, keys and indexes, committed as often as an ingest worker commits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]
RECORD = ("batch", "pos", "type", "at", "verdict")
_RECORD_TYPES = ("int8", "int4", "text", "timestamptz", "text")
TABLES = ("batch", "record", "item", "claim", "about")


@dataclass(frozen=True)
class Rows:
    """All rows of some batches that one commit brings, a table each: columns, types and rows."""

    tables: dict[str, tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]]]]

    @property
    def records(self) -> list[tuple[Any, ...]]:
        return self.tables["record"][2]


def make_tables(connection: Connection) -> None:
    """Anew and empty: floor_batch and so on, without the foreign keys."""
    for name in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS floor_{name}".encode())
        connection.execute(f"CREATE TABLE floor_{name} (LIKE {name} INCLUDING ALL)".encode())
    connection.commit()


def read_rows(connection: Connection, batches: Sequence[int]) -> Rows:
    """What these batches left in the register; an item with the batch that claimed it first."""
    tables = {}
    for name, condition in (
        ("batch", "t.id = ANY(%s)"),
        ("record", "t.batch = ANY(%s)"),
        ("claim", "t.batch = ANY(%s)"),
        ("about", "t.batch = ANY(%s)"),
        ("item", "t.id IN (SELECT item FROM claim WHERE batch = ANY(%s) AND fresh)"),
    ):
        described = connection.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (name,),
        ).fetchall()
        columns = tuple(str(row[0]) for row in described)
        rows = connection.execute(
            f"SELECT {', '.join(f't.{c}' for c in columns)} FROM {name} t WHERE {condition}"  # noqa: S608
            " ORDER BY 1, 2".encode(),
            (list(batches),),
        ).fetchall()
        tables[name] = (columns, tuple(str(row[1]) for row in described), rows)
    return Rows(tables)


def copy_records(connection: Connection, rows: Rows) -> None:
    """One COPY of the record rows."""
    with connection.cursor() as cursor:
        statement = f"COPY floor_record ({', '.join(RECORD)}) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(statement.encode()) as copy:
            copy.set_types(_RECORD_TYPES)
            for row in rows.records:
                copy.write_row(row)


def insert_records(connection: Connection, rows: Rows) -> None:
    """One `INSERT … SELECT unnest(…) ON CONFLICT DO NOTHING` of the record rows."""
    _insert(connection, "record", *rows.tables["record"])


def insert_all(connection: Connection, rows: Rows) -> None:
    """The same for every table: all that the register keeps of the batches."""
    for name in TABLES:
        _insert(connection, name, *rows.tables[name])


FLOORS: dict[str, Callable[[Connection, Rows], None]] = {
    "bare COPY of record rows": copy_records,
    "bare unnest ON CONFLICT of record rows": insert_records,
    "bare unnest of all rows": insert_all,
}


def run(ready: Callable[[], None], url: str, name: str, lots: list[Rows]) -> None:
    """The bare floor of that name, a commit for each lot."""
    work = FLOORS[name]
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
        connection.commit()
        ready()
        for lot in lots:
            work(connection, lot)
            connection.commit()


def _insert(
    connection: Connection,
    name: str,
    columns: tuple[str, ...],
    types: tuple[str, ...],
    rows: list[tuple[Any, ...]],
) -> None:
    if not rows:
        return
    places = ", ".join(f"%b::{kind}[]" for kind in types)
    statement = (
        f"INSERT INTO floor_{name} ({', '.join(columns)})"  # noqa: S608 - names of our own tables
        f" SELECT * FROM unnest({places}) ON CONFLICT DO NOTHING"
    )
    connection.execute(
        statement.encode(), [[row[index] for row in rows] for index in range(len(columns))]
    )
