"""How much a page is told in a second, and how the last hour is told: pure."""

import pytest

from central.queries.pace import LINES, Counts, told
from central.queries.sampling import Sampler


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("arrive", [1, 40, 3000])
def test_no_more_is_told_than_the_rate_and_what_is_left_out_is_counted(arrive: int) -> None:
    clock = Clock()
    sampler = Sampler(rate=50, burst=200, clock=clock)
    told_, of = 0, 0
    for _ in range(600):  # a minute, ten looks a second
        clock.now += 0.1
        sampler.told(min(arrive, sampler.room()), arrive)
        each = sampler.tally()
        told_, of = told_ + each[0], of + each[1]
    assert of == 600 * arrive
    assert told_ == min(of, 200 + 50 * 60) or arrive > 5
    assert told_ <= 200 + 50 * 60
    assert told_ >= min(of, 50 * 59)
    assert sampler.tally() == (0, 0)


def test_a_pause_gives_one_burst_and_no_more() -> None:
    clock = Clock()
    sampler = Sampler(rate=50, burst=200, clock=clock)
    clock.now += 3600
    assert sampler.room() == 200
    sampler.told(200, 5000)
    assert sampler.room() == 0


def test_the_busiest_lines_are_told_by_name_and_all_others_together() -> None:
    minutes = range(1000, 1060)
    lines = {f"line-{n}": Counts(n, n - 1, 1) for n in range(1, LINES + 3)}
    pace = told({1000: lines, 1059: {"line-1": Counts(1, 0, 0)}, 1060: lines}, minutes, 7)
    assert [each.gateway for each in pace.lines] == ["line-3", "line-4", "line-5", "line-6", ""]
    others = pace.lines[-1].marks
    assert (others[0], others[-1]) == (1 + 2, 1)
    assert pace.minutes == [60 * minute for minute in minutes]
    assert sum(each.marks[0] for each in pace.lines) == sum(range(1, LINES + 3))
    # The minute that is not over is in the totals, and in no line: it would seem a slow one.
    assert pace.total == 2 * sum(range(1, LINES + 3)) + 1
    assert (pace.good[0], pace.aside[0], pace.last_minute) == (15, 6, 7)
