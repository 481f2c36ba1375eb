"""Lists of subjects in pages: filtered by columns, in the order of their keys, by a cursor."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import ColumnElement, Connection, select, tuple_

from central.queries.paging import Page, Text, page, position
from central.register.subject import Row, Subject

S = TypeVar("S", bound=Row)
V = TypeVar("V", bound=Row)
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; else the first")
]


def listed(
    connection: Connection,
    subject: Subject[S],
    limit: int,
    cursor: str | None,
    *conditions: ColumnElement[bool],
) -> Page[S]:
    """Raises `Refused` for a cursor that no page gave."""
    columns = [subject.table.c[name] for name in subject.key]
    query = select(*columns).where(*conditions).order_by(*columns).limit(limit + 1)
    after = position(cursor, *(Text,) * len(columns))
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*after))
    keys = page(connection.execute(query).all(), limit, tuple)
    items = [subject.require(connection, "/".join(key)) for key in keys.items]
    return Page(items=items, next=keys.next)


def shown(page: Page[S], view: Callable[[S], V]) -> Page[V]:
    """The same page, each as it is shown."""
    return Page(items=[view(item) for item in page.items], next=page.next)


def where(subject: Subject[Any], **wanted: str | None) -> list[ColumnElement[bool]]:
    """Equal to each that is given."""
    return [subject.table.c[name] == value for name, value in wanted.items() if value is not None]
