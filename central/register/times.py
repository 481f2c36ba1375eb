"""A time as somebody gives it: RFC 3339 with its zone, and nothing that merely could be one."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from central.said import said

_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_YEARS = range(1900, 3000)


def _written(value: object) -> object:
    """A number is no time: nobody can tell seconds from milliseconds."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or _FORM.fullmatch(value) is None:
        raise ValueError(said("a time with its zone, as 2026-11-26T09:30:00Z"))
    return value


def _within(value: datetime) -> datetime:
    """At the ends of the calendar a time has no other zone to be told in."""
    if value.year not in _YEARS:
        raise ValueError(said("a year from {first} to {last}", first=_YEARS[0], last=_YEARS[-1]))
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_within)]
