"""The ledger: what the records add up to, the same at every stop."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.record import Record
from gateway.ledger import PARTS_SHOWN, Ledger, Spent
from tests.gateway.records import (
    GATEWAY,
    STATION,
    content,
    intent,
    latched,
    marked,
    settled,
    trial,
    unlatched,
    verified,
)


def fold(*records: Record) -> Ledger:
    ledger = Ledger(GATEWAY, 1)
    for record in records:
        ledger.apply(record)
    return ledger


STORIES: dict[str, tuple[list[Record], str]] = {
    "an intent is open": ([], "open"),
    "marked": ([marked(2, 1, "done")], "marked"),
    "good": ([marked(2, 1, "done"), verified(3, 1, "good", content(5))], "good"),
    "rejected": ([marked(2, 1, "done"), verified(3, 1, "unreadable")], "rejected"),
    "below grade": ([marked(2, 1, "done"), verified(3, 1, "below_grade")], "rejected"),
    "voided": ([marked(2, 1, "not_started")], "voided"),
    "unknown": ([marked(2, 1, "unknown"), verified(3, 1, "unreadable"), latched(4)], "unknown"),
    "resolved by a read": (
        [marked(2, 1, "unknown"), verified(3, 1, "good", content(5)), settled(4, 1, "read")],
        "good",
    ),
    "settled by two people": (
        [marked(2, 1, "unknown"), latched(3), settled(4, 1, "scrapped"), unlatched(5)],
        "scrapped",
    ),
    "left unknown by two people": (
        [marked(2, 1, "unknown"), latched(3), unlatched(4)],
        "unknown",
    ),
    "accepted after a rejection": (
        [marked(2, 1, "done"), verified(3, 1, "unreadable"), settled(4, 1, "accepted")],
        "good",
    ),
    "good after a rejection": (
        [
            marked(2, 1, "done"),
            verified(3, 1, "unreadable"),
            intent(4, 6),
            verified(5, 1, "good", content(5)),
        ],
        "good",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_number_ends_as_its_records_say(name: str) -> None:
    records, state = STORIES[name]
    ledger = fold(intent(1, 5), *records)
    station = ledger.station(STATION)
    assert next(part.state for part in station.parts if part.seq == 1) == state
    numbers = 1 + sum(record.type == "intent" for record in records)
    assert sum(station.made["o1"].values()) == numbers
    assert station.made["o1"][state] >= 1
    assert ledger.used == {"b1": 4 + numbers}


def test_only_what_may_still_change_is_open() -> None:
    open_ones = {"an intent is open", "marked", "unknown"}
    for name, (records, _) in STORIES.items():
        station = fold(intent(1, 5), *records).station(STATION)
        if name == "good after a rejection":
            continue
        assert (station.open is not None) == (name in open_ones), name


def test_the_part_before_is_the_last_that_was_engraved() -> None:
    ledger = fold(intent(1, 5), marked(2, 1, "done"), verified(3, 1, "good", content(5)))
    assert ledger.station(STATION).before == {content(5)}
    for record in (intent(4, 6), marked(5, 4, "not_started")):
        ledger.apply(record)
    assert ledger.station(STATION).before == {content(5)}
    ledger.apply(trial(6, "T", "not_started"))
    assert ledger.station(STATION).before == {content(5)}
    ledger.apply(trial(7, "T"))
    assert ledger.station(STATION).before == {content(5), "T"}


def test_a_rejected_part_is_aside_until_something_else_happens_to_it() -> None:
    rejected: list[Record] = [intent(1, 5), marked(2, 1, "done"), verified(3, 1, "mismatch", "X")]
    station = fold(*rejected).station(STATION)
    assert station.open is None
    assert station.aside is not None
    assert station.aside.seq == 1
    assert [each.verdict for each in station.aside.rejected] == ["mismatch"]
    following: list[Record] = [
        intent(4, 6),
        settled(4, 1, "accepted"),
        verified(4, 1, "good", content(5)),
        trial(4, "T"),
    ]
    for record in following:
        assert fold(*rejected, record).station(STATION).aside is None


def test_the_latch_is_the_stations_own() -> None:
    ledger = fold(intent(1, 5), marked(2, 1, "unknown", "no reply"), latched(3, "no reply"))
    assert ledger.unknown == {STATION: "no reply"}
    ledger.apply(intent(4, 6, station="press"))
    assert ledger.station("press").open is not None
    ledger.apply(unlatched(5))
    assert ledger.unknown == {}
    assert ledger.station("press").open is not None
    assert ledger.station(STATION).open is None


def test_only_the_last_parts_are_kept_and_all_are_counted() -> None:
    ledger = Ledger(GATEWAY, 1)
    for number in range(15):
        ledger.apply(intent(2 * number + 1, number))
        ledger.apply(marked(2 * number + 2, 2 * number + 1, "not_started"))
    station = ledger.station(STATION)
    assert len(station.parts) == PARTS_SHOWN
    assert station.made == {"o1": {"open": 0, "voided": 15}}


def test_a_number_once_spent_is_never_less() -> None:
    ledger = fold(intent(1, 9), intent(2, 3), intent(3, 1, block="b2"))
    assert ledger.used == {"b1": 9, "b2": 1}


@given(st.lists(st.integers(0, 30)), st.integers(0, 31))
def test_a_spent_number_is_never_free_again(numbers: list[int], wanted: int) -> None:
    spent = Spent()
    for number in numbers:
        spent.add(number)
    free = next(each for each in range(wanted, 100) if each not in numbers)
    assert spent.next_free(wanted) == free
    ranges = list(zip(spent.firsts, spent.lasts, strict=True))
    assert {each for a, b in ranges for each in range(a, b + 1)} == set(numbers)
    assert all(b + 1 < following for (_, b), (following, _) in pairwise(ranges))
