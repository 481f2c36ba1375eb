"""The lines of a count: each article and each lot of loose pieces, as rows."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Table, TextClause, select, text

from central import schema
from central.register.imports.marks import looks
from central.register.stock.compare import Scan
from central.register.stock.models import DIFFERENCES, Oddity, Resolution, Result

Outcome = Result | Literal[""]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)

    result: Outcome = ""
    resolution: Resolution | None = None
    remark: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it differs, and nobody has said yet what is done about it."""
        return self.result in DIFFERENCES and self.resolution is None


class Line(_Line):
    """An article of a count, or what was scanned and is none.

    `first`, `second`: when a tally saw it; `third`: whether the third look found it. `result` is
    empty until it is compared; `event` was told meanwhile and explains it. `disposition`, `holder`
    and `place`: as the register had it then. `reference`: what its resolution made or named.
    """

    code: str
    expected: bool
    kind: str | None = None
    product: str | None = None
    lot: str | None = None
    package: str | None = None
    first: datetime | None = None
    second: datetime | None = None
    third: bool | None = None
    event: str | None = None
    oddity: Oddity | None = None
    disposition: str | None = None
    holder: str | None = None
    place: str | None = None
    reference: str | None = None


class QuantityLine(_Line):
    """Loose pieces of a count. `articles`: the lots of the register that they are."""

    key: str
    product: str
    lot: str
    articles: tuple[str, ...] = ()
    expected: int = 0
    first: int | None = None
    second: int | None = None
    third: int | None = None


L = TypeVar("L", Line, QuantityLine)


def key_of(product: str, lot: str) -> str:
    """The same for what could be taken for the same, by whoever reads it from metal or paper."""
    return f"{looks(product)}/{looks(lot)}"


def articles_of(
    connection: Connection,
    number: str,
    codes: Collection[str] | None = None,
    *,
    result: Result | None = None,
) -> dict[str, Line]:
    """By code: all, or those of the codes and of that result."""
    table = schema.count_article
    query = select(table).where(table.c.count_number == number).order_by(table.c.code)
    if codes is not None:
        query = query.where(table.c.code.in_(list(codes)))
    if result is not None:
        query = query.where(table.c.result == result)
    return {row.code: Line.model_validate(row) for row in connection.execute(query)}


def quantities_of(connection: Connection, number: str) -> dict[str, QuantityLine]:
    """By key."""
    table = schema.count_quantity
    query = select(table).where(table.c.count_number == number).order_by(table.c.key)
    return {row.key: QuantityLine.model_validate(row) for row in connection.execute(query)}


def scans_of(connection: Connection, number: str, tally: int) -> list[Scan]:
    """What a tally saw."""
    table = schema.count_scan
    rows = connection.execute(
        select(table).where(table.c.count_number == number, table.c.tally == tally)
    )
    return [Scan(row.code, row.at, row.direct, row.opened, row.package, row.part) for row in rows]


def marked_of(connection: Connection, number: str) -> dict[str, str]:
    """What was scanned and no event had told of: what is known of it besides."""
    table = schema.count_scan
    rows = connection.execute(
        select(table.c.code, table.c.marked).where(
            table.c.count_number == number, table.c.marked != ""
        )
    )
    return {row.code: row.marked for row in rows}


# Row by row it would take ten times as long, and all other acts wait for it.
_EXPECTED = text("""
    INSERT INTO count_article (count_number, code, expected, kind, product, lot, package, result,
        remark)
    SELECT :number, code, true, kind, product, lot, package, '', ''
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (code text, kind text, product text,
        lot text, package text)
""")
# What lies in a package that is scanned is seen with it, as it lay there at that moment.
_SCANNED = text("""
    WITH RECURSIVE given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS row (code text, raw text, marked text, opened boolean)
    ), inside AS (
        SELECT a.code, a.package, a.component FROM article a JOIN given g ON a.package = g.code
        UNION
        SELECT a.code, a.package, a.component FROM article a JOIN inside i ON a.package = i.code
    )
    INSERT INTO count_scan AS s (count_number, tally, code, raw, at, direct, opened, package, part,
        marked, version)
    SELECT :number, :tally, g.code, g.raw, :at, true, g.opened, a.package,
        a.component IS NOT NULL, g.marked, :act
    FROM given g LEFT JOIN article a ON a.code = g.code
    UNION ALL
    SELECT :number, :tally, i.code, '', :at, false, false, i.package, i.component IS NOT NULL, '',
        :act
    FROM inside i WHERE i.code NOT IN (SELECT code FROM given)
    ON CONFLICT (count_number, tally, code) DO UPDATE SET direct = true,
        raw = CASE WHEN s.direct THEN s.raw ELSE excluded.raw END,
        at = CASE WHEN s.direct THEN s.at ELSE excluded.at END,
        package = CASE WHEN s.direct THEN s.package ELSE excluded.package END,
        part = CASE WHEN s.direct THEN s.part ELSE excluded.part END,
        opened = s.opened OR excluded.opened, version = excluded.version
    WHERE excluded.direct AND (NOT s.direct OR (excluded.opened AND NOT s.opened))
""")


def expect(connection: Connection, number: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what is expected."""
    connection.execute(_EXPECTED, {"number": number, "rows": json.dumps(rows)})


def scan(
    connection: Connection,
    number: str,
    tally: int,
    rows: Sequence[Mapping[str, Any]],
    at: datetime,
    act: int,
) -> None:
    """Keep what a tally saw; what it saw before stands."""
    told = {"number": number, "tally": tally, "rows": json.dumps(rows), "at": at, "act": act}
    connection.execute(_SCANNED, told)


def save(connection: Connection, number: str, lines: Iterable[L]) -> None:
    """Written over what stood there."""
    rows = [{"count_number": number, **line.model_dump(mode="json")} for line in lines]
    if rows:
        table = schema.count_article if "code" in rows[0] else schema.count_quantity
        connection.execute(_over(table), {"rows": json.dumps(rows)})


@cache
def _over(table: Table) -> TextClause:
    """Writes rows of a table as they are told in JSON, whether they stand there or not."""
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key]
    change = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(names)}"  # noqa: S608 - our own names
        f" FROM jsonb_populate_recordset(CAST(NULL AS {table.name}), CAST(:rows AS jsonb))"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {change}"
    )
