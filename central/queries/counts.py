"""Counts as they stand: what came of each thing, and nothing of it before both have counted."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, Self

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, func, select

from central import schema
from central.errors import Forbidden
from central.queries.models import Answer
from central.queries.paging import Page, Text, page, position
from central.register.acts import By
from central.register.stock.lines import Line, QuantityLine
from central.register.stock.models import DIFFERENCES, CountKind, CountState, Result
from central.register.stock.rules import RUNNING, Count
from central.said import said


class CountRow(Count):
    """A count in a list."""

    people: Annotated[tuple[str, ...], Field(exclude=True)] = ()
    overdue: Annotated[bool, Field(description="it runs, and was to be closed by now")]

    @classmethod
    def of_now(cls, count: Count) -> Self:
        return cls(**dict(count), overdue=count.is_overdue(datetime.now(UTC)))


class Outcomes(Answer):
    """How many articles are of which result; each is of one."""

    present: int = 0
    moved: int = 0
    out_of_scope: int = 0
    absent: int = 0
    missing: int = 0
    unexpected: int = 0
    disagreed: int = 0


class CountView(CountRow):
    """A count, and what came of it: null until both tallies are handed in."""

    outcomes: Outcomes | None
    quantities: Annotated[Outcomes | None, Field(description="the same of lots of loose pieces")]
    standing: Annotated[
        int | None, Field(description="differences about which nothing is said yet")
    ]


class CountLine(Line):
    """An article of a count. Where it is another entity's, who has it and where is not told."""


class ScanView(Answer):
    """What a tally saw; `raw` as it was read, empty of what lay in a package that was scanned."""

    code: str
    raw: str
    at: datetime
    opened: bool
    package: str | None


class Wanted(NamedTuple):
    """Counts with all of it; `entity`: of its places."""

    entity: str | None = None
    state: CountState | None = None
    kind: CountKind | None = None
    place: str | None = None
    overdue: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        table = schema.counts
        equal = ("entity", "state", "kind", "place")
        found: list[ColumnElement[bool]] = [
            table.c[name] == getattr(self, name)
            for name in equal
            if getattr(self, name) is not None
        ]
        if self.overdue is not None:
            late = table.c.state.in_(RUNNING) & (table.c.due <= datetime.now(UTC))
            found.append(late if self.overdue else ~late)
        return found


def blind(connection: Connection, numbers: Collection[str]) -> frozenset[str]:
    """Those of which nobody may see yet what is expected or counted."""
    if not numbers:
        return frozenset()
    table = schema.counts
    rows = connection.execute(
        select(table.c.number).where(
            table.c.number.in_(list(numbers)), table.c.state.in_(("planned", "open"))
        )
    )
    return frozenset(rows.scalars())


def showing(connection: Connection, count: Count) -> CountView:
    """With what came of it."""
    told: dict[str, object] = {"outcomes": None, "quantities": None, "standing": None}
    if count.compared is not None:
        standing = 0
        for name, table in (
            ("outcomes", schema.count_article),
            ("quantities", schema.count_quantity),
        ):
            rows = connection.execute(
                select(
                    table.c.result,
                    func.count().label("every"),
                    func.count().filter(table.c.resolution.is_(None)).label("standing"),
                )
                .where(table.c.count_number == count.number)
                .group_by(table.c.result)
            ).all()
            told[name] = Outcomes(**{row.result.replace("-", "_"): row.every for row in rows})
            standing += sum(row.standing for row in rows if row.result in DIFFERENCES)
        told["standing"] = standing
    return CountView(**dict(CountRow.of_now(count)), **told)


def articles_of(
    connection: Connection,
    count: Count,
    limit: int,
    cursor: str | None,
    viewer: str | None,
    *,
    result: Result | None = None,
    standing: bool | None = None,
) -> Page[CountLine]:
    """By code; none until it is compared. A `viewer` that is an entity learns of others' nothing
    but that they are others'."""
    table = schema.count_article
    query = select(table).where(table.c.count_number == count.number, table.c.result != "")
    if result is not None:
        query = query.where(table.c.result == result)
    if standing is not None:
        is_open = table.c.result.in_(DIFFERENCES) & table.c.resolution.is_(None)
        query = query.where(is_open if standing else ~is_open)
    after = position(cursor, Text)
    if after is not None:
        query = query.where(table.c.code > after[0])
    rows = connection.execute(query.order_by(table.c.code).limit(limit + 1))
    shown = [_told_to(viewer, CountLine.model_validate(row)) for row in rows]
    return page(shown, limit, lambda each: (each.code,))


def _told_to(viewer: str | None, line: CountLine) -> CountLine:
    if viewer is None or line.holder in (None, viewer) or line.expected:
        return line
    hidden = dict.fromkeys(("holder", "place", "package", "lot", "product", "event", "disposition"))
    return line.model_copy(update=hidden)


def quantities_of(
    connection: Connection, count: Count, limit: int, cursor: str | None
) -> Page[QuantityLine]:
    """By product and lot; none until it is compared."""
    table = schema.count_quantity
    query = select(table).where(table.c.count_number == count.number, table.c.result != "")
    after = position(cursor, Text)
    if after is not None:
        query = query.where(table.c.key > after[0])
    rows = connection.execute(query.order_by(table.c.key).limit(limit + 1))
    return page([QuantityLine.model_validate(row) for row in rows], limit, lambda each: (each.key,))


def scans_of(
    connection: Connection, count: Count, tally: int, by: By, limit: int, cursor: str | None
) -> Page[ScanView]:
    """One's own at any time. Raises `Forbidden` for another's before both are handed in."""
    theirs = count.first if tally == 1 else count.second
    if count.is_blind and theirs != by.account:
        raise Forbidden(
            said(
                "count {number} is open: nobody sees what another has counted",
                number=count.number,
            )
        )
    table = schema.count_scan
    query = select(table).where(table.c.count_number == count.number, table.c.tally == tally)
    if count.is_blind:
        # What lies in a package by the register is what the register expects.
        query = query.where(table.c.direct)
    after = position(cursor, Text)
    if after is not None:
        query = query.where(table.c.code > after[0])
    rows = connection.execute(query.order_by(table.c.code).limit(limit + 1)).all()
    shown = [
        ScanView(
            code=row.raw if count.is_blind else row.code,
            raw=row.raw,
            at=row.at,
            opened=row.opened,
            package=None if count.is_blind else row.package,
        )
        for row in rows
    ]
    found = page(rows, limit, lambda each: (each.code,))
    return Page(items=shown[:limit], next=found.next)


def taken_in(connection: Connection, number: str, tally: int) -> int:
    """How many codes a tally holds that were scanned themselves."""
    table = schema.count_scan
    return connection.execute(
        select(func.count()).where(
            table.c.count_number == number, table.c.tally == tally, table.c.direct
        )
    ).scalar_one()
