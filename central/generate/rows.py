"""Rows as COPY takes them in its text format, a table each, and how they are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, sql

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "record": ("batch", "pos", "type", "at", "verdict"),
    "item": (
        *("id", "uii", "component", "elements", "state", "read_ok", "remark", "quarantined"),
        *("duplicated", "basis", "order_code", "space", "number", "serial", "changed"),
        *("readback", "sample"),
    ),
    "claim": (
        *("stream", "seq", "position", "item", "batch", "pos", "order_code", "space", "number"),
        *("fresh", "quantity", "station"),
    ),
    "about": ("item", "batch", "pos"),
    "sample_group": (
        *("id", "stream", "station", "order_code", "size", "seq", "position", "state"),
    ),
    "refusal": ("stream", "seq", "code", "detail"),
}
"""In an order in which what is named stands before what names it. A batch comes before them all,
and goes as binary: its body is bytes."""
BATCH = ("id", "stream", "first", "last", "head", "header", "key_id", "sig", "body", "received")
_BATCH_TYPES = (
    *("int8", "int8", "int8", "int8", "bytea", "bytea", "text", "bytea", "bytea", "timestamptz"),
)


@dataclass
class Rows:
    """What several batches bring."""

    batches: list[tuple[Any, ...]] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def write(self, connection: Connection[Any]) -> None:
        """Within the caller's transaction; and begin anew."""
        with connection.cursor() as cursor:
            with cursor.copy(_copy("batch", BATCH, binary=True)) as copy:
                copy.set_types(_BATCH_TYPES)
                for batch in self.batches:
                    copy.write_row(batch)
            for name, rows in self.tables.items():
                if rows:
                    with cursor.copy(_copy(name, COLUMNS[name])) as copy:
                        copy.write("".join(rows))
        self.batches.clear()
        for rows in self.tables.values():
            rows.clear()


def row(values: Iterable[object]) -> str:
    """One line of any values."""
    return "\t".join(map(_text, values)) + "\n"


def _text(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    escaped = str(value).replace("\\", r"\\").replace("\t", r"\t")
    return escaped.replace("\n", r"\n").replace("\r", r"\r")


def _copy(table: str, columns: Iterable[str], *, binary: bool = False) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN{}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(" (FORMAT BINARY)" if binary else ""),
    )
