"""Lists of subjects in pages: filtered and sorted by columns, by a cursor."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import ColumnElement, Connection, select

from central.queries.paging import Page, page
from central.queries.sorting import Sorting
from central.register.subject import Row, Subject

S = TypeVar("S", bound=Row)
V = TypeVar("V", bound=Row)
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; else the first")
]
SORT = Query(
    description="By this column; with `-` before it the other way round. What has no value in it"
    " comes last either way"
)
"""Of a parameter `sort`, whose values are the columns that a list may be sorted by: of a table that
grows only those with an index in that order."""


def listed(
    connection: Connection,
    subject: Subject[S],
    limit: int,
    cursor: str | None,
    *conditions: ColumnElement[bool],
    sort: str = "",
) -> Page[S]:
    """In the order of their keys, or by a column. Raises `Refused` for a cursor that no page of
    this order gave."""
    table = subject.table
    sorting = Sorting(sort, table.c, [table.c[name] for name in subject.key])
    query = sorting.page(select(*sorting.columns).where(*conditions), limit, cursor)
    rows = page(connection.execute(query).all(), limit, sorting.key)
    keys = ["/".join(row[sorting.before_keys :]) for row in rows.items]
    return Page(items=subject.several(connection, keys), next=rows.next)


def shown(page: Page[S], view: Callable[[S], V]) -> Page[V]:
    """The same page, each as it is shown."""
    return Page(items=[view(item) for item in page.items], next=page.next)


def where(subject: Subject[Any], **wanted: str | None) -> list[ColumnElement[bool]]:
    """Equal to each that is given."""
    return [subject.table.c[name] == value for name, value in wanted.items() if value is not None]
