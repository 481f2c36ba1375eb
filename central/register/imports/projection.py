"""How an import's acts become rows: how far it is, what was refused, and the stock it brought."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from central import schema
from central.errors import Conflict
from central.register.acts import Act
from central.register.imports.models import ImportKind, ImportState
from central.register.subject import Row, Subject, held, new
from central.said import said


class FileImport(Row):
    """A file that is taken in, and how far. `line`: the last that was dealt with; of all rows up to
    it, `imported` are in the register by this import, `known` were there before, as they stand
    here, and `refused` are not. `digest`: SHA-256 of the file in hex; `size` in bytes."""

    number: str
    kind: ImportKind
    file: str
    digest: str
    size: int
    state: ImportState
    line: int
    imported: int
    known: int
    refused: int
    reason: str
    created: datetime


def apply(state: FileImport | None, act: Act) -> FileImport:
    """`begun`, then `taken-in` portion by portion. Raises `Conflict` or `NotFound`."""
    told = act.payload
    if act.what == "begun":
        new("import", state, act)
        start = {"state": "open", "line": 1, "imported": 0, "known": 0, "refused": 0}
        return FileImport.of(act, **start, number=act.key, reason=act.reason, created=act.at)
    found = held("import", state, act)
    if found.state == "complete":
        raise Conflict(said("import {number} is complete", number=act.key))
    return found.model_copy(
        update={
            "line": told["line"],
            "imported": found.imported + told["imported"],
            "known": found.known + told["known"],
            "refused": found.refused + told["refused"],
            "state": "complete" if told["complete"] else "open",
            "version": act.id,
        }
    )


class _Imports(Subject[FileImport]):
    def project(self, connection: Connection, act: Act) -> FileImport:
        """Fold it into the import, and keep what the portion brought."""
        state = super().project(connection, act)
        if act.what == "taken-in":
            _keep_stock(connection, act, act.payload["stock"])
            faults = [{"import_number": act.key, **fault} for fault in act.payload["faults"]]
            if faults:
                connection.execute(insert(schema.import_refusal), faults)
        return state


# Row by row it would take a portion twice as long, and all other acts wait for it.
_ARTICLES = text("""
    INSERT INTO article (code, kind, disposition, holder, place, lot, serial, disputed, since,
        version)
    SELECT code, CASE WHEN lot IS NULL THEN 'legacy' ELSE 'legacy-lot' END, disposition, holder,
        place, lot, serial, false, :at, :act
    FROM jsonb_to_recordset(CAST(:stock AS jsonb)) AS row (code text, lot text, serial text,
        disposition text, holder text, place text)
""")
_LEGACY = text("""
    INSERT INTO legacy (code, inventory, keeper, maker, model, calibre, marks, quantity, year,
        country, number, folded, doubled, import_number, line, brought, version)
    SELECT code, inventory, holder, maker, model, calibre, marks, quantity, year, country, number,
        folded, false, :number, line, :act, :act
    FROM jsonb_to_recordset(CAST(:stock AS jsonb)) AS row (code text, inventory text, holder text,
        maker text, model text, calibre text, marks text, quantity bigint, year integer,
        country text, number text, folded text, line integer)
""")

IMPORT = _Imports("import", schema.imports, FileImport, apply, key=("number",))


def _keep_stock(connection: Connection, act: Act, stock: Sequence[Mapping[str, Any]]) -> None:
    """Each as an article of its own, and beside it what is on it; equal marks are told of both."""
    if not stock:
        return
    told = {"stock": json.dumps(stock), "at": act.at, "act": act.id, "number": act.key}
    connection.execute(_ARTICLES, told)
    connection.execute(_LEGACY, told)
    table = schema.legacy
    marks = sorted({row["folded"] for row in stock if row["folded"] is not None})
    equal = (
        select(table.c.folded)
        .where(table.c.folded.in_(marks))
        .group_by(table.c.folded)
        .having(func.count() > 1)
    )
    connection.execute(
        update(table)
        .where(table.c.folded.in_(equal), ~table.c.doubled)
        .values(doubled=True, version=act.id)
    )
