"""Numbers that were given to units, and prints of their labels."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, select

from central import schema
from central.queries.models import Answer
from central.queries.paging import Count, Page, Text, page, position
from central.register.prints.service import Print


class UnitNumber(Answer):
    """A number that was given; `used`: an event has told of a unit that carries it."""

    code: Annotated[str, Field(examples=["006141410000000012"])]
    series: str
    entity: str
    given: datetime
    used: bool


class PrintView(Print):
    """`by`: the account that asked for it."""

    by: str


def listed(
    connection: Connection,
    limit: int,
    cursor: str | None,
    *,
    entity: str | None = None,
    series: str | None = None,
    used: bool | None = None,
) -> Page[UnitNumber]:
    """By code. Raises `Refused`: a cursor that no page gave."""
    table, article = schema.unit_number, schema.article
    carried = select(article.c.code).where(article.c.code == table.c.code).exists()
    query = select(
        table.c.code, table.c.series, table.c.entity, table.c.given, carried.label("used")
    )
    if entity is not None:
        query = query.where(table.c.entity == entity)
    if series is not None:
        query = query.where(table.c.series == series)
    if used is not None:
        query = query.where(carried if used else ~carried)
    after = position(cursor, Text)
    if after is not None:
        query = query.where(table.c.code > after[0])
    rows = connection.execute(query.order_by(table.c.code).limit(limit + 1)).all()
    return page([UnitNumber(**row._mapping) for row in rows], limit, lambda each: (each.code,))


def prints(connection: Connection, limit: int, cursor: str | None, unit: str) -> Page[PrintView]:
    """Of a unit, the newest first."""
    table, act = schema.label_print, schema.act
    query = select(table, act.c.account.label("by")).join(act, act.c.id == table.c.version)
    query = query.where(table.c.unit == unit)
    before = position(cursor, Count)
    if before is not None:
        query = query.where(table.c.version < before[0])
    rows = connection.execute(query.order_by(table.c.version.desc()).limit(limit + 1)).all()
    return page(
        [PrintView.model_validate(row) for row in rows], limit, lambda each: (each.version,)
    )


def one_print(connection: Connection, state: Print) -> PrintView:
    """A print with who asked for it."""
    act = schema.act
    by = connection.execute(select(act.c.account).where(act.c.id == state.version)).scalar_one()
    return PrintView(**dict(state), by=by)
