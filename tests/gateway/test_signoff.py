"""What people sign for at a station, by a real journal and no device."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.config import StationConfig
from gateway.contract.record import Counted, Readback, Record
from gateway.logbook import Author
from gateway.signoff import approve_first, end_shift, refuse_first
from gateway.station import NotNow, Station
from tests.gateway.desk import new_site
from tests.gateway.records import STATION, content, intent_of, mark, marked, verified

FIRST = mark(5, readback=Readback(mode="each", every=1, first=True))
LEAD, OTHER_LEAD = "L-1", "L-2"
CONFIG = StationConfig.model_validate(
    {"name": STATION, "marker": {"kind": "panasonic-lp", "url": "serial:///dev/null"}}
)


def numbered(record: Record, seq: int) -> Record:
    assert record.seq == seq
    return record


def after_first_piece(folder: Path) -> Station:
    """At rest; a shift lead has had the first piece of an order marked, by record 2."""
    site = new_site(folder)
    records = (
        intent_of(2, FIRST).model_copy(update={"operator": LEAD}),
        marked(3, 2, "done"),
        verified(4, 2, "good", content(5)),
    )
    site.journal.append(*(partial(numbered, record) for record in records))
    site.logbook.load()
    return Station(CONFIG, site.logbook, site.permission, marker=None, readers=())


def refusal(refused: pytest.ExceptionInfo[NotNow]) -> str:
    return refused.value.note.code


@pytest.mark.parametrize("say", [approve_first, refuse_first])
def test_who_had_it_marked_says_nothing_of_a_first_piece(
    say: Callable[[Station, int, str, str], None], tmp_path: Path
) -> None:
    station = after_first_piece(tmp_path)
    with pytest.raises(NotNow) as refused:
        say(station, 2, LEAD, "it is well")
    assert refusal(refused) == "second-person"
    assert station.logbook.journal.end == 4
    say(station, 2, OTHER_LEAD, "it is well")
    assert station.logbook.ledger.station(STATION).held is None
    station.logbook.journal.close()


def test_nothing_is_signed_where_nothing_may_be_written(tmp_path: Path) -> None:
    station = after_first_piece(tmp_path)
    counted = {"o1": Counted(good=1, aside=0, scrapped=0)}
    station.permission.stopping = True
    for sign in (
        partial(approve_first, station, 2, OTHER_LEAD, ""),
        partial(refuse_first, station, 2, OTHER_LEAD, "askew"),
        partial(end_shift, station, 1, Author(LEAD, "pin"), counted, None, ""),
    ):
        with pytest.raises(NotNow) as refused:
            sign()
        assert refusal(refused) == "stopping"
    assert station.logbook.journal.end == 4
    station.logbook.journal.close()


def test_a_shift_in_which_nothing_was_marked_takes_no_place_in_the_list(tmp_path: Path) -> None:
    station = after_first_piece(tmp_path)
    own = station.logbook.ledger.station(STATION)
    author = Author(LEAD, "pin")
    ended = end_shift(station, 1, author, {"o1": Counted(good=1, aside=0, scrapped=0)}, None, "")
    for _ in range(7):
        end_shift(station, own.shift.first, author, {}, None, "")
    assert [each.seq for each in own.ended] == [ended]
    assert own.shift.first == ended + 8
    station.logbook.journal.close()
