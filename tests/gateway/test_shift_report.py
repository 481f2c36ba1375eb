"""A shift's report tells of each mark what the whole journal says, and what was signed."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.contract.record import Counted, Observed, Record, ShiftEnd, Tally
from gateway.journal import Journal
from gateway.screen.report import NoReport, Report, read
from gateway.station import NotNow
from tests.gateway.desk import new_site
from tests.gateway.records import (
    STATION,
    content,
    fold,
    intent_of,
    mark,
    marked,
    observed,
    sampled,
    verified,
)

ORDER = "o1"
TRAY = dict.fromkeys(range(1, 5), "done")


def tray(seq: int, first: int) -> Record:
    """Four cartons, every fifth of which is read."""
    places = enumerate(range(first, first + 4), start=1)
    marks = [mark(number, at, readback=sampled(5)) for at, number in places]
    return intent_of(seq, *marks)


def ending(seq: int, first: int, states: dict[str, int]) -> Observed:
    tally = Tally(order=ORDER, states=states, left=0, counted=Counted(good=0, aside=0, scrapped=0))
    end = ShiftEnd(first=first, trials=0, orders=(tally,))
    return observed(seq).model_copy(update={"purpose": "shift-end", "shift": end})


def trays(first: int) -> Iterator[Record]:
    """Two trays after the one that the shift before marked; carton 5 is a sample, and so is 10."""
    yield tray(first, 5)
    yield marked(first + 1, first, TRAY)
    yield verified(first + 2, first, "good", content(5))
    yield tray(first + 3, 9)
    yield marked(first + 4, first + 3, TRAY)
    yield verified(first + 5, first + 3, "good", content(10), position=2)


def journalled(journal: Journal, records: list[Record]) -> None:
    journal.append(*(partial(numbered, record) for record in records))


def numbered(record: Record, seq: int) -> Record:
    assert record.seq == seq
    return record


async def report_of(journal: Journal, seq: int) -> Report:
    return await read(journal, STATION, seq, ORDER)


async def test_a_group_that_the_shift_before_began_is_read_by_its_sample(tmp_path: Path) -> None:
    before = [tray(2, 1), marked(3, 2, TRAY), ending(4, 1, {"marked": 4})]
    records = [*before, *trays(5)]
    counted = {
        state: n for state, n in fold(*records).station(STATION).shift.orders[ORDER].items() if n
    }
    assert counted == {"good": 6, "marked": 2}
    journal = new_site(tmp_path).journal
    journalled(journal, [*records, ending(11, 5, counted)])
    report = await report_of(journal, 11)
    assert [line.state for line in report.lines] == ["good"] * 6 + ["marked"] * 2
    assert {line.seq for line in report.lines} == {5, 8}
    assert Counter(line.state for line in (await report_of(journal, 4)).lines) == {"marked": 4}
    with pytest.raises(NoReport):
        await report_of(journal, 10)
    journal.close()


async def test_what_does_not_add_up_to_the_signed_counts_is_put_on_no_paper(tmp_path: Path) -> None:
    journal = new_site(tmp_path).journal
    journalled(journal, [tray(2, 1), marked(3, 2, TRAY), ending(4, 1, {"good": 4})])
    with pytest.raises(NotNow) as refused:
        await report_of(journal, 4)
    assert refused.value.note.code == "report-differs"
    journal.close()
