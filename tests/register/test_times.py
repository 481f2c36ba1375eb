"""A time is written out, with its zone."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from central.register.times import Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


@pytest.mark.parametrize(
    "written",
    ["2026-11-26T09:30:00Z", "2026-11-26T10:30:00+01:00", "2026-11-26t09:30:00.000z"],
)
def test_one_moment_may_be_written_in_any_zone(written: str) -> None:
    assert MOMENT.validate_python(written) == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "other",
    [
        0,
        0.5,
        "0.5",
        "1764149400",
        "2026-11-26",
        "2026-11-26T09:30:00",
        "2026-11-26 09:30:00Z",
        "2026-11-26T09:30Z",
        "2026-13-26T09:30:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "",
        True,
    ],
)
def test_what_is_no_time(other: object) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(other)
