"""What the register knows that a row stands or falls with: a whole portion of them at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from central import schema
from central.register.entities.models import NewEntity
from central.register.imports import faults
from central.register.imports.models import Fault, Sheet, StockArticle, StockLot
from central.register.imports.rows import Table

PARTICULARS = ("maker", "model", "calibre", "marks", "year", "country")
"""What stays of stock as it was imported; where it is and who has it changes."""
_DESCRIBED = ("name", "kinds", "ncage", "tax_number", "gs1_prefix")
_IDENTIFIERS = ("ncage", "tax_number", "gs1_prefix")


@dataclass(frozen=True)
class Found:
    """Of a portion: the rows that are new, by line; how many are there already; what is refused."""

    fresh: Mapping[int, Sheet]
    known: int
    faults: Sequence[Fault]

    @property
    def refused(self) -> int:
        return len({fault.line for fault in self.faults})


@dataclass
class Checker:
    """Of one file, from its first line on: what stands twice in it is told of the second."""

    table: Table
    _lines: dict[tuple[str, str], int] = field(default_factory=dict)
    """By what may stand once, the line where it first stood."""

    def check(
        self, connection: Connection, portion: Iterable[tuple[int, Sheet | list[Fault]]]
    ) -> Found:
        refused: list[Fault] = []
        rows: dict[int, Sheet] = {}
        for line, row in portion:
            if isinstance(row, list):
                refused += row
                continue
            again = self._repeated(line, row)
            if again is not None:
                refused.append(again)
            else:
                rows[line] = row
        judge = self._entities if self.table.kind == "entities" else self._stock
        fresh, known, more = judge(connection, rows)
        return Found(fresh, known, sorted([*refused, *more], key=lambda f: (f.line, f.position)))

    def pass_over(self, portion: Iterable[tuple[int, Sheet | list[Fault]]]) -> None:
        """Of what was dealt with before: only what may not stand again is kept."""
        for line, row in portion:
            if not isinstance(row, list):
                self._repeated(line, row)

    def _repeated(self, line: int, row: Sheet) -> Fault | None:
        for name, key in _own(row):
            first = self._lines.setdefault((name, key), line)
            if first != line:
                return self.table.fault(line, name, "repeated", faults.repeated(first))
        return None

    # --- stock ------------------------------------------------------------------------------

    def _stock(
        self, connection: Connection, rows: Mapping[int, Sheet]
    ) -> tuple[dict[int, Sheet], int, list[Fault]]:
        stock = {
            line: row for line, row in rows.items() if isinstance(row, StockArticle | StockLot)
        }
        holders = _entities(connection, {row.holder for row in stock.values()})
        places = _places(connection, {row.place for row in stock.values() if row.place})
        there = _legacy(connection, {row.code for row in stock.values()})
        fresh: dict[int, Sheet] = {}
        refused: list[Fault] = []
        known = 0
        for line, row in stock.items():
            found = self._whereabouts(line, row, holders, places)
            before = there.get(row.code)
            if before is not None:
                other = _differs(row, before)
                if other:
                    what = faults.imported_otherwise(row.inventory, row.holder, repr(before[other]))
                    found.append(self.table.fault(line, other, "conflict", what))
                elif not found:
                    known += 1
            elif not found:
                fresh[line] = row
            refused += found
        return fresh, known, refused

    def _whereabouts(
        self,
        line: int,
        row: StockArticle | StockLot,
        holders: Mapping[str, Mapping[str, object]],
        places: Mapping[str, str],
    ) -> list[Fault]:
        found = []
        if row.holder not in holders:
            found.append(
                self.table.fault(line, "holder", "not-found", faults.no_entity(row.holder))
            )
        if row.place is not None and row.place not in places:
            found.append(self.table.fault(line, "place", "not-found", faults.no_place(row.place)))
        elif row.place is not None and places[row.place] != row.holder and not found:
            what = faults.not_of_holder(row.place, places[row.place], row.holder)
            found.append(self.table.fault(line, "place", "not-of-holder", what))
        return found

    # --- entities ---------------------------------------------------------------------------

    def _entities(
        self, connection: Connection, rows: Mapping[int, Sheet]
    ) -> tuple[dict[int, Sheet], int, list[Fault]]:
        entities = {line: row for line, row in rows.items() if isinstance(row, NewEntity)}
        there = _entities(connection, {row.code for row in entities.values()})
        taken = {
            name: _taken(connection, name, {getattr(row, name) for row in entities.values()})
            for name in _IDENTIFIERS
        }
        fresh: dict[int, Sheet] = {}
        refused: list[Fault] = []
        known = 0
        for line, row in entities.items():
            before = there.get(row.code)
            if before is not None:
                other = next(
                    (
                        name
                        for name in _DESCRIBED
                        if _plain(before[name]) != _plain(getattr(row, name))
                    ),
                    None,
                )
                if other is None:
                    known += 1
                    continue
                what = faults.entered_otherwise(row.code, repr(before[other]))
                refused.append(self.table.fault(line, other, "conflict", what))
                continue
            found = [
                self.table.fault(line, name, "conflict", faults.taken(key, taken[name][key]))
                for name in _IDENTIFIERS
                if (key := getattr(row, name)) in taken[name]
            ]
            if not found:
                fresh[line] = row
            refused += found
        return fresh, known, refused


def _own(row: Sheet) -> list[tuple[str, str]]:
    """What may stand once in a file, by the field that holds it."""
    if isinstance(row, NewEntity):
        told = [("code", row.code), *((name, getattr(row, name)) for name in _IDENTIFIERS)]
        return [(name, value) for name, value in told if value is not None]
    return [("inventory", row.code)]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _differs(row: StockArticle | StockLot, before: Mapping[str, object]) -> str | None:
    """The first field in which a row says otherwise than what was imported under its number."""
    own = ("lot", "quantity") if isinstance(row, StockLot) else ("serial",)
    return next((name for name in (*own, *PARTICULARS) if getattr(row, name) != before[name]), None)


def _legacy(connection: Connection, codes: set[str]) -> Mapping[str, Mapping[str, object]]:
    legacy, article = schema.legacy, schema.article
    rows = connection.execute(
        select(legacy, article.c.serial, article.c.lot)
        .join(article, article.c.code == legacy.c.code)
        .where(legacy.c.code.in_(codes))
    )
    return {row.code: dict(row._mapping) for row in rows}


def _entities(connection: Connection, codes: set[str]) -> Mapping[str, Mapping[str, object]]:
    table = schema.entity
    rows = connection.execute(select(table).where(table.c.code.in_(codes)))
    return {row.code: dict(row._mapping) for row in rows}


def _places(connection: Connection, codes: set[str]) -> Mapping[str, str]:
    """By code, whose each place is."""
    table = schema.place
    rows = connection.execute(select(table.c.code, table.c.entity).where(table.c.code.in_(codes)))
    return {row.code: row.entity for row in rows}


def _taken(connection: Connection, name: str, values: set[str | None]) -> Mapping[str | None, str]:
    """By identifier, the entity that has it."""
    table = schema.entity
    column = table.c[name]
    wanted = [value for value in values if value is not None]
    rows = connection.execute(select(column, table.c.code).where(column.in_(wanted)))
    return {row[0]: row[1] for row in rows}
