"""The pace of a station, over the last minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.screen.pace import end, per_hour

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def shots(*seconds: float, made: int = 1) -> list[tuple[datetime, int]]:
    return [(NOON + timedelta(seconds=each), made) for each in seconds]


def test_a_steady_station_keeps_its_pace() -> None:
    every_half_minute = shots(*range(0, 601, 30))
    assert per_hour(every_half_minute, NOON + timedelta(seconds=600)) == 120
    trays = shots(0, 60, 120, made=4)
    assert per_hour(trays, NOON + timedelta(seconds=120)) == 240


def test_a_pause_slows_it_down_until_there_is_none() -> None:
    done = shots(0, 30, 60, 90)
    assert per_hour(done, NOON + timedelta(seconds=90)) == 120
    assert per_hour(done, NOON + timedelta(seconds=180)) == 60
    assert per_hour(done, NOON + timedelta(seconds=700)) is None


@pytest.mark.parametrize("seconds", [(), (0,), (0, 30)])
def test_a_few_parts_tell_no_pace(seconds: tuple[float, ...]) -> None:
    assert per_hour(shots(*seconds), NOON + timedelta(seconds=60)) is None


def test_a_clock_that_was_set_back_divides_by_nothing() -> None:
    assert per_hour(shots(0, 0, 0), NOON) is None
    assert per_hour(shots(10, 20, 30), NOON) is None


def test_the_end_is_as_far_as_what_is_left() -> None:
    assert end(120.0, 60, NOON) == NOON + timedelta(minutes=30)
    assert end(None, 60, NOON) is None
    assert end(120.0, 0, NOON) is None


def test_a_few_slow_minutes_tell_no_end_that_is_months_away() -> None:
    assert end(10.0, 240, NOON) == NOON + timedelta(days=1)
    assert end(10.0, 30_000, NOON) is None
