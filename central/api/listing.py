"""Lists of subjects in pages: filtered by columns, in the order of their keys, by a cursor."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, select, tuple_

from central.errors import Refused
from central.register.subject import Row, Subject

S = TypeVar("S", bound=Row)
V = TypeVar("V", bound=Row)
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; else the first")
]


class Page(BaseModel, Generic[S]):
    """`next` leads to the page that follows; null on the last one."""

    items: list[S]
    next: str | None


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
    if cursor is not None:
        query = query.where(tuple_(*columns) > tuple_(*_read(cursor, len(columns))))
    keys = ["/".join(row) for row in connection.execute(query)]
    items = [subject.require(connection, key) for key in keys[:limit]]
    return Page(items=items, next=_write(keys[limit - 1]) if len(keys) > limit else None)


def shown(page: Page[S], view: Callable[[S], V]) -> Page[V]:
    """The same page, each as it is shown."""
    return Page(items=[view(item) for item in page.items], next=page.next)


def where(subject: Subject[Any], **wanted: str | None) -> list[ColumnElement[bool]]:
    """Equal to each that is given."""
    return [subject.table.c[name] == value for name, value in wanted.items() if value is not None]


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read(cursor: str, width: int) -> list[str]:
    try:
        key = base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, ValueError) as error:
        raise Refused("cursor: no page gave it") from error
    found = key.split("/", width - 1)
    if len(found) != width or "\0" in key:
        raise Refused("cursor: no page gave it")
    return found
