"""By which column a list is sorted, and where in that order one of its pages begins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, or_, tuple_
from sqlalchemy.sql.elements import KeyedColumnElement

from central.queries.paging import Count, Key, Moment, Text, position

_SHAPES: dict[type, Any] = {str: Text, int: Count, datetime: Moment}


class Sorting:
    """`sort`: a column's name, with `-` before it the other way round. Equal ones are in the order
    of `keys`, the other way round too, so that one index serves both; what has no value in the
    column comes last either way.

    It names the order in its cursors: in another one the same row is another place. Those of the
    order that a list has by itself, by its keys, name none.
    """

    def __init__(self, sort: str, columns: Any, keys: Sequence[KeyedColumnElement[Any]]) -> None:
        self._sort, self._down = sort, sort.startswith("-")
        name = sort.removeprefix("-")
        by = [] if name in ("", keys[0].key) else [columns[name]]
        self.columns: tuple[KeyedColumnElement[Any], ...] = (*by, *keys)
        """What the page of rows is made of: `key` and `beyond` speak of it."""
        self.before_keys = len(by)
        self._named = sort not in ("", keys[0].key)

    def page(self, query: Select[Any], limit: int, cursor: str | None) -> Select[Any]:
        """The rows of one page, and one more. Raises `Refused` for a cursor that no page of this
        order gave."""
        query = query.order_by(*map(self._ordered, self.columns)).limit(limit + 1)
        shapes = [_shape(column) for column in self.columns]
        if self._named:
            after = position(cursor, Literal[self._sort], *shapes)
            after = after and after[1:]
        else:
            after = position(cursor, *shapes)
        return query if after is None else query.where(self._beyond(after))

    def key(self, row: Sequence[Any]) -> Key:
        """What a cursor tells of the row that it names."""
        return (self._sort, *row) if self._named else tuple(row)

    def _ordered(self, column: KeyedColumnElement[Any]) -> ColumnElement[Any]:
        """Of a column without nulls as an index has it."""
        ordered = column.desc() if self._down else column.asc()
        return ordered.nulls_last() if _may_be_null(column) else ordered

    def _beyond(self, after: Sequence[Any]) -> ColumnElement[bool]:
        first, value = self.columns[0], after[0]
        if not _may_be_null(first):
            return self._past(self.columns, after)
        within = self._past(self.columns[1:], after[1:])
        if value is None:
            return and_(first.is_(None), within)
        further = self._past((first,), (value,))
        return or_(further, and_(first == value, within), first.is_(None))

    def _past(
        self, columns: Sequence[KeyedColumnElement[Any]], values: Sequence[Any]
    ) -> ColumnElement[bool]:
        here, there = tuple_(*columns), tuple_(*values)
        return here < there if self._down else here > there


def _may_be_null(column: KeyedColumnElement[Any]) -> bool:
    """As what a query works out may be."""
    return getattr(column, "nullable", True)


def _shape(column: KeyedColumnElement[Any]) -> Any:
    of = _SHAPES[column.type.python_type]
    return of | None if _may_be_null(column) else of
