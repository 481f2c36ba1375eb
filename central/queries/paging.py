"""Pages of a list: a cursor names the last row of one page, and the next begins after it."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from types import GenericAlias
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from central.errors import Refused
from central.register.times import Moment
from central.said import said
from gateway.contract.encoding import Count

__all__ = ["Count", "Key", "Moment", "Page", "Text", "page", "position"]

T = TypeVar("T")
Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]
Key = tuple[str | int | datetime | None, ...]
"""What a list is ordered by, the last of it a row's own."""


class Page(BaseModel, Generic[T]):
    """`next` leads to the page that follows; null on the last one."""

    items: list[T]
    next: str | None


def page(found: Sequence[T], limit: int, key: Callable[[T], Key]) -> Page[T]:
    """Of `limit` rows and one more, where there is one: that tells that a page follows."""
    items = list(found[:limit])
    return Page(items=items, next=_write(key(items[-1])) if len(found) > limit else None)


def position(cursor: str | None, *shape: Any) -> tuple[Any, ...] | None:
    """The key in a cursor, if its values are of these types; None for the first page.

    Raises `Refused` for a cursor that no page gave.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values: Any = GenericAlias(tuple, shape)
        key: tuple[Any, ...] = TypeAdapter(values).validate_json(text)
    except (binascii.Error, ValueError) as error:
        raise Refused(said("cursor: no page gave it")) from error
    return key


def _write(key: Key) -> str:
    values = [each.isoformat() if isinstance(each, datetime) else each for each in key]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
