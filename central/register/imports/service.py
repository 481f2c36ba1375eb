"""Taking a file in, portion by portion: it goes on where it was broken off, and never comes twice.

    run(transactions, NewImport(number="IMP-1", kind="articles", file="depo.csv"), content)

Each portion is one act in a transaction of its own: acts wait for each other, and a file of fifty
thousand rows shall not make a line wait for its plan.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from central.errors import Conflict
from central.register.acts import LAST, Why, Work
from central.register.entities import service as entities
from central.register.entities.models import NewEntity
from central.register.imports.checks import Checker, Found
from central.register.imports.marks import folded, number
from central.register.imports.models import (
    Fault,
    NewImport,
    Sheet,
    StockArticle,
    StockLot,
)
from central.register.imports.projection import IMPORT, FileImport
from central.register.imports.rows import Table
from central.said import said

ROWS = 2_000
"""In one act."""
ENTITIES = 200
"""In one act: each is an act of its own besides, and its name is screened."""

Transactions = Callable[[], AbstractContextManager[Work]]
"""Each begins a transaction of whoever imports, which ends with its context."""


@dataclass(frozen=True)
class Rehearsal:
    """What would become of a file, at this moment."""

    imported: int
    known: int
    refused: int
    faults: tuple[Fault, ...]


def run(transactions: Transactions, asked: NewImport, content: bytes) -> FileImport:
    """To the end. The same file under the same number goes on, or is answered as it was.

    Raises `Conflict` where the number is another file's, `Refused` for what is no file of the kind.
    """
    table = Table(asked.kind, content)
    with transactions() as work:
        state = _begin(work, asked, content)
    checker = Checker(table)
    for portion in _portions(table):
        if portion[-1][0] <= state.line:
            checker.pass_over(portion)
            continue
        with transactions() as work:
            state = _take_in(work, checker, asked.number, portion)
    return state


def rehearse(connection: Connection, table: Table) -> Rehearsal:
    """Without any act."""
    checker = Checker(table)
    imported = known = refused = 0
    faults: list[Fault] = []
    for portion in _portions(checker.table):
        found = checker.check(connection, portion)
        imported += len(found.fresh)
        known += found.known
        refused += found.refused
        faults += found.faults
    return Rehearsal(imported, known, refused, tuple(faults))


Rows = list[tuple[int, Sheet | list[Fault]]]


def _portions(table: Table) -> Iterator[Rows]:
    """As many rows as one act takes."""
    rows = table.rows()
    while portion := list(islice(rows, ENTITIES if table.kind == "entities" else ROWS)):
        yield portion


def _begin(work: Work, asked: NewImport, content: bytes) -> FileImport:
    digest = hashlib.sha256(content).hexdigest()
    _wait_for_acts(work.connection)  # the same file may be sent twice at once
    state = IMPORT.load(work.connection, asked.number)
    if state is None:
        payload = {
            **asked.model_dump(mode="json", exclude={"number", "reason"}),
            "digest": digest,
            "size": len(content),
        }
        return work.act(IMPORT, asked.number, "begun", payload, why=Why(asked.reason))
    if (state.digest, state.kind) != (digest, asked.kind):
        raise Conflict(
            said(
                "import {number} is of another file, {file}; a file that was corrected"
                " is imported under a number of its own",
                number=asked.number,
                file=state.file,
            )
        )
    return state


def _take_in(work: Work, checker: Checker, number: str, portion: Rows) -> FileImport:
    connection = work.connection
    state = IMPORT.require(connection, number, lock=True)
    if state.state == "complete":
        return state  # by somebody who sent the same file at the same time
    _wait_for_acts(connection)
    checker.pass_over(each for each in portion if each[0] <= state.line)
    rest = [each for each in portion if each[0] > state.line]
    found = checker.check(connection, rest)
    for row in found.fresh.values():
        if isinstance(row, NewEntity):
            entities.add(work, row)
    last = max(portion[-1][0], state.line)
    told = {"line": last, "complete": last == checker.table.last} | _told(found)
    return work.act(IMPORT, number, "taken-in", told)


def _wait_for_acts(connection: Connection) -> None:
    """From here on nobody else adds an act: what is looked up is so until it is written."""
    connection.execute(select(func.pg_advisory_xact_lock(LAST)))


def _told(found: Found) -> dict[str, Any]:
    return {
        "imported": len(found.fresh),
        "known": found.known,
        "refused": found.refused,
        "faults": [fault.model_dump() for fault in found.faults],
        "stock": [
            _stock(line, row)
            for line, row in found.fresh.items()
            if isinstance(row, StockArticle | StockLot)
        ],
    }


def _stock(line: int, row: StockArticle | StockLot) -> dict[str, Any]:
    none = {"serial": None, "lot": None, "quantity": None}
    own = {"line": line, "code": row.code, "number": number(row), "folded": folded(row)}
    return none | row.model_dump(mode="json") | own
