"""The ledger: what the records add up to, the same at every stop."""

import tracemalloc
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.record import (
    Intent,
    Mark,
    Marked,
    Readback,
    Record,
    decode_record,
    encode_record,
)
from gateway.ledger import Ledger
from gateway.moves import MOST_BEFORE, PlaceVerdict
from gateway.numbering import Spent
from gateway.standing import PARTS_SHOWN
from tests.gateway.records import (
    GATEWAY,
    NOON,
    OTHER,
    STATION,
    content,
    fold,
    intent,
    intent_of,
    latched,
    mark,
    marked,
    observed,
    ref,
    repeat,
    sampled,
    settled,
    trial,
    unlatched,
    verified,
)

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


@pytest.mark.parametrize("did", ["done", "unknown"])
def test_a_read_at_its_own_station_leaves_a_mark_to_be_read_elsewhere(did: str) -> None:
    elsewhere = mark(5, readback=Readback(mode="elsewhere", every=1))
    told: list[Record] = [marked(2, 1, did), verified(3, 1, "good", content(5))]
    ledger = fold(intent_of(1, elsewhere), *told, settled(4, 1, "read"))
    assert ledger.state_at((1, 1)) == "marked"
    assert ledger.awaiting == {content(5): (1, 1)}
    assert ledger.station(STATION).open is None
    post = verified(5, 1, "good", content(5)).model_copy(update={"station": "post"})
    ledger.apply(post)
    assert ledger.state_at((1, 1)) == "good"
    assert ledger.awaiting == {}


def test_a_symbol_that_pieces_share_awaits_no_read_outside_a_cycle() -> None:
    """The receiver in the reader's hand would make the barrel good."""
    apart = mark(5, piece="barrel", readback=sampled(3), pieces=2)
    alike = mark(6, readback=sampled(3), pieces=2)
    assert fold(intent_of(1, apart), marked(2, 1, "done")).awaiting == {apart.content: (1, 1)}
    assert fold(intent_of(1, alike), marked(2, 1, "done")).awaiting == {}


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
    ledger = fold()
    for number in range(15):
        ledger.apply(intent(2 * number + 1, number))
        ledger.apply(marked(2 * number + 2, 2 * number + 1, "not_started"))
    station = ledger.station(STATION)
    assert len(station.parts) == PARTS_SHOWN
    assert station.made == {"o1": {"open": 0, "voided": 15}}


def test_what_was_read_stands_beside_a_part_also_where_it_settles_nothing() -> None:
    told = fold(intent(1, 5), marked(2, 1, "unknown"), verified(3, 1, "mismatch", content(9)))
    (part,) = told.station(STATION).parts
    assert (part.state, part.verdict, part.read) == ("unknown", "mismatch", content(9))
    assert list(told.station(STATION).shots) == []
    again = fold(intent(1, 5), marked(2, 1, "unknown"), verified(3, 1, "unreadable"))
    (part,) = again.station(STATION).parts
    assert (part.verdict, part.read, part.took) == ("unreadable", "", None)


def test_a_shot_tells_how_long_it_took_and_how_many_it_made() -> None:
    told = fold(intent_of(1, mark(5), mark(6, 2)), marked(2, 1, {1: "done", 2: "done"}))
    station = told.station(STATION)
    shot = NOON + timedelta(seconds=2)
    assert list(station.shots) == [(shot, 2)]
    assert [part.took for part in station.parts] == [1.0, 1.0]


def test_trials_are_counted_until_a_number_is_engraved() -> None:
    shots = [trial(1, "TEST"), trial(2, "TEST", "not_started"), trial(3, "TEST", "unknown")]
    assert fold(*shots).station(STATION).trials == 2
    assert fold(*shots, intent(4, 5)).station(STATION).trials == 0


def test_a_number_once_spent_is_never_less() -> None:
    ledger = fold(intent(1, 9), intent(2, 3), intent(3, 1, block="b2"))
    assert ledger.used == {"b1": 9, "b2": 1}


# -- trays


def test_the_places_of_a_tray_end_one_by_one() -> None:
    tray = intent_of(1, *(mark(n, n) for n in (1, 2, 3, 4)))
    did = marked(2, 1, {1: "done", 2: "unknown", 3: "not_started", 4: "done"})
    ledger = fold(tray, did)
    station = ledger.station(STATION)
    assert station.open is not None
    assert station.open.due == {1, 2, 4}
    assert station.open.unknown == {2}
    assert [part.state for part in station.parts] == ["marked", "unknown", "voided", "marked"]
    for record in (verified(3, 1, "good", content(1)), verified(4, 1, "unreadable", position=2)):
        ledger.apply(record)
    ledger.apply(verified(5, 1, "mismatch", "X", position=4))
    assert station.open is not None
    assert station.open.due == {2, 4}
    assert station.open.unknown == {2}
    assert station.open.rejected == (PlaceVerdict(4, "mismatch", "X"),)
    ledger.apply(settled(6, 1, "scrapped", 2))
    assert station.open is None
    assert station.aside is not None
    assert station.aside.due == {4}
    assert station.before == {content(1), content(2), content(4)}
    assert station.made == {
        "o1": {"open": 0, "marked": 0, "unknown": 0, "good": 1, "rejected": 1}
        | {"voided": 1, "scrapped": 1}
    }


@pytest.mark.parametrize("entry", ["keyed", "eye"])
def test_only_a_reader_settles_an_unknown(entry: str) -> None:
    ledger = fold(
        intent(1, 5), marked(2, 1, "unknown"), verified(3, 1, "good", content(5), entry=entry)
    )
    assert ledger.state_at((1, 1)) == "unknown"


def test_a_scrapped_part_stays_scrapped() -> None:
    scrapped: list[Record] = [intent(1, 5), marked(2, 1, "done"), settled(3, 1, "scrapped")]
    later: list[Record] = [settled(4, 1, "accepted"), verified(4, 1, "good", content(5))]
    for record in later:
        assert fold(*scrapped, record).state_at((1, 1)) == "scrapped"


# -- samples


def group(
    *dids: str, every: int = 3, last: int | None = None, first: int = 1
) -> tuple[list[Record], int]:
    """One part after the other, each with the outcome given; the records, and the next seq."""
    records: list[Record] = []
    for count, did in enumerate(dids):
        seq = first + 2 * count
        one = mark(seq, readback=sampled(every, last=last == count))
        records += [intent_of(seq, one), marked(seq + 1, seq, did)]
    return records, first + 2 * len(dids)


def states(ledger: Ledger) -> list[str]:
    return [part.state for part in ledger.station(STATION).parts]


def test_the_nth_done_part_is_the_sample_and_makes_its_group_good() -> None:
    records, seq = group("done", "not_started", "done", "done", "done")
    ledger = fold(*records[:8])
    station = ledger.station(STATION)
    assert station.open is not None  # the third that is done: number 7
    assert station.open.seq == 7
    assert station.open.due == {1}
    ledger.apply(verified(seq, 7, "good", content(7)))
    assert states(ledger) == ["good", "voided", "good", "good"]
    for record in records[8:]:
        ledger.apply(record)
    assert states(ledger)[-1] == "marked"
    assert station.open is None


def test_the_last_part_is_its_groups_sample() -> None:
    records, seq = group("done", "done", every=9, last=1)
    ledger = fold(*records)
    opened = ledger.station(STATION).open
    assert opened is not None
    assert opened.seq == 3
    ledger.apply(verified(seq, 3, "good", content(3)))
    assert states(ledger) == ["good", "good"]


def test_a_group_goes_across_trays() -> None:
    tray = [mark(n, n, readback=sampled(3)) for n in (1, 2)]
    ledger = fold(intent_of(1, *tray), marked(2, 1, {1: "done", 2: "done"}))
    assert ledger.station(STATION).open is None
    ledger.apply(intent_of(3, *(mark(n + 2, n, readback=sampled(3)) for n in (1, 2))))
    ledger.apply(marked(4, 3, {1: "done", 2: "done"}))
    opened = ledger.station(STATION).open
    assert opened is not None
    assert opened.due == {1}
    ledger.apply(verified(5, 3, "good", content(3)))
    assert states(ledger) == ["good", "good", "good", "marked"]


@pytest.mark.parametrize("verdict", ["unreadable", "mismatch"])
def test_a_failed_sample_rejects_its_group_until_each_is_read(verdict: str) -> None:
    records, seq = group("done", "done", "done")
    ledger = fold(*records, verified(seq, 5, verdict))
    assert states(ledger) == ["rejected"] * 3
    ledger.apply(verified(seq + 1, 5, "good", content(5)))
    assert states(ledger) == ["rejected", "rejected", "good"]
    ledger.apply(verified(seq + 2, 1, "good", content(1)))
    assert states(ledger) == ["good", "rejected", "good"]


@pytest.mark.parametrize("how", ["accepted", "scrapped", "voided", "remark"])
def test_people_settle_a_sample_and_not_its_group(how: str) -> None:
    records, seq = group("done", "done", "done")
    ledger = fold(*records, settled(seq, 5, how))
    assert states(ledger)[:2] == ["rejected", "rejected"]


def test_a_read_of_the_newest_part_closes_its_group_early() -> None:
    records, seq = group("done", "done", every=9)
    early = fold(*records, verified(seq, 3, "good", content(3)))
    assert states(early) == ["good", "good"]
    assert early.station(STATION).groups == {}
    older = fold(*records, verified(seq, 1, "good", content(1)))
    assert states(older) == ["good", "marked"]
    failed = fold(*records, verified(seq, 3, "unreadable"))
    assert states(failed) == ["rejected", "rejected"]


def test_what_is_keyed_is_never_a_sample() -> None:
    records, seq = group("done", "done", "done")
    ledger = fold(*records, verified(seq, 5, "good", content(5), entry="keyed"))
    assert states(ledger) == ["marked", "marked", "good"]
    assert ledger.awaiting[content(5)] == (5, 1)  # a reader may still see it
    ledger.apply(verified(seq + 1, 5, "good", content(5)))
    assert states(ledger) == ["good"] * 3
    assert ledger.awaiting == {}


def test_orders_have_groups_of_their_own() -> None:
    records: list[Record] = []
    for seq, order in ((1, "o1"), (3, "o2"), (5, "o1")):
        records.append(intent_of(seq, mark(seq, order=order, readback=sampled(2))))
        records.append(marked(seq + 1, seq, "done"))
    ledger = fold(*records, verified(7, 5, "good", content(5)))
    assert states(ledger) == ["good", "marked", "good"]


# -- pieces of one number


def piece(name: str, *, of: int | None = None, gateway: str | None = None) -> Mark:
    source = None if of is None else repeat(of, gateway=gateway) if gateway else repeat(of)
    return mark(1, piece=name, pieces=2, source=source)


def test_a_number_is_over_when_all_its_pieces_are_good() -> None:
    receiver: list[Record] = [
        intent_of(1, piece("receiver")),
        marked(2, 1, "done"),
        verified(3, 1, "good", content(1, "receiver")),
    ]
    ledger = fold(*receiver)
    (work,) = ledger.pieces["o1"].values()
    assert (work.source, work.states) == ((1, 1), {"receiver": "good"})
    for record in (intent_of(4, piece("barrel", of=1)), marked(5, 4, "not_started")):
        ledger.apply(record)
    assert work.states == {"receiver": "good"}  # another barrel may be marked
    for record in (intent_of(6, piece("barrel", of=1)), marked(7, 6, "done")):
        ledger.apply(record)
    assert work.states == {"receiver": "good", "barrel": "marked"}
    ledger.apply(verified(8, 6, "good", content(1, "barrel")))
    assert ledger.pieces["o1"] == {}


@pytest.mark.parametrize("how", ["scrapped", "voided"])
def test_a_number_ends_with_the_piece_that_opened_it(how: str) -> None:
    ledger = fold(intent_of(1, piece("receiver")), marked(2, 1, "done"), settled(3, 1, how))
    assert ledger.pieces["o1"] == {}


def test_two_pieces_with_one_content_are_not_one_marked_twice() -> None:
    same = mark(1, piece="barrel", pieces=2, source=repeat(1))
    opener = mark(1, piece="receiver", pieces=2)
    same = same.model_copy(update={"content": opener.content})
    ledger = fold(
        intent_of(1, opener),
        marked(2, 1, "done"),
        verified(3, 1, "good", opener.content),
        intent_of(4, same),
    )
    assert states(ledger) == ["good", "open"]


def test_a_piece_of_another_gateways_number_is_marked_once() -> None:
    barrel = piece("barrel", of=9, gateway=OTHER)
    ledger = fold(intent_of(1, barrel))
    assert ledger.repeated == {(OTHER, 1, 9, 1, "barrel")}
    ledger.apply(marked(2, 1, "not_started"))
    assert ledger.repeated == set()


def test_another_journals_mark_is_answered_by_a_good_read_only() -> None:
    other = ref(9, OTHER)
    assert fold(verified(1, other, "unreadable")).answered == set()
    assert fold(verified(1, other, "good", "X")).answered == {(other, 1)}


# -- bounds


def test_what_is_over_is_forgotten_whenever_it_ends() -> None:
    """A sample's members, and trays longer than the screen's list, end when nobody sees them."""
    records, seq = group(*["done"] * 40, every=40)
    ledger = fold(*records)
    assert len(ledger._marks) == 40
    ledger.apply(verified(seq, seq - 2, "good", content(seq - 2)))
    assert len(ledger._marks) == PARTS_SHOWN
    assert (ledger.awaiting, ledger._where) == ({}, {})
    tray = [mark(n, n, order="o2") for n in range(1, 31)]
    ledger.apply(intent_of(seq + 1, *tray))
    ledger.apply(
        marked(seq + 2, seq + 1, {n: "done" if n % 2 else "not_started" for n in range(1, 31)})
    )
    for n in range(1, 31, 2):
        ledger.apply(verified(seq + 2 + n, seq + 1, "good", content(n), position=n))
    assert len(ledger._marks) == PARTS_SHOWN
    assert ledger.station(STATION).made["o2"] == {"open": 0, "marked": 0, "good": 15, "voided": 15}


# -- against the definition, by hand


def by_definition(
    every: int, ends: list[tuple[str, bool]], reads: list[tuple[int, str]]
) -> list[str]:
    """The states of parts marked one by one, then read: written from the rule, without a ledger."""
    state = ["marked" if did == "done" else "voided" for did, _ in ends]
    groups: list[list[int]] = [[]]
    for index, (did, last) in enumerate(ends):
        if did == "done":
            groups[-1].append(index)
            if len(groups[-1]) == every or last:
                groups.append([])
    waiting = [(members[-1], members) for members in groups[:-1]]
    growing = groups[-1]
    for index, verdict in reads:
        if state[index] == "voided":
            continue
        state[index] = "good" if verdict == "good" else "rejected"
        if growing and growing[-1] == index:
            waiting.append((index, growing))
            growing = []
        for sample, members in [each for each in waiting if each[0] == index]:
            waiting.remove((sample, members))
            for other in members:
                if state[other] == "marked":
                    state[other] = state[index]
    return state


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.sampled_from(["done", "done", "done", "not_started"]), st.booleans()),
        min_size=1,
        max_size=PARTS_SHOWN,
    ),
    st.data(),
)
def test_samples_are_as_the_rule_says(
    every: int, ends: list[tuple[str, bool]], data: st.DataObject
) -> None:
    numbers = st.integers(0, len(ends) - 1)
    done = [index for index, (did, _) in enumerate(ends) if did == "done"]
    reads = data.draw(
        st.lists(st.tuples(numbers, st.sampled_from(["good", "unreadable"])), max_size=8)
    )
    reads = [each for each in reads if each[0] in done]
    ledger = fold()
    for index, (did, last) in enumerate(ends):
        seq = 1 + 2 * index
        ledger.apply(intent_of(seq, mark(seq, readback=sampled(every, last=last))))
        ledger.apply(marked(seq + 1, seq, did))
    for count, (index, verdict) in enumerate(reads):
        ledger.apply(verified(100 + count, 1 + 2 * index, verdict))
    assert states(ledger) == by_definition(every, ends, reads)


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


def test_a_reading_post_remembers_no_more_codes_than_a_tray_holds() -> None:
    """It marks nothing, so nothing begins the set anew; each read copied all that were read."""
    ledger = Ledger(OTHER, 1)
    for seq in range(1, MOST_BEFORE + 100):
        ledger.apply(observed(seq, content(seq)))
        assert len(ledger.station(STATION).before) <= MOST_BEFORE
        assert content(seq) in ledger.station(STATION).before
    for seq in range(1, MOST_BEFORE + 100):
        ledger.apply(verified(seq, ref(seq), "good", content(seq)))
        assert len(ledger.station(STATION).before) <= MOST_BEFORE


def test_a_mark_that_is_to_be_read_elsewhere_takes_little_memory() -> None:
    """It stays until its journal ends."""
    shots = [
        [encode_record(each) for each in (elsewhere_intent(number), done(number))]
        for number in range(1, 301)
    ]
    ledger = Ledger(GATEWAY, 1)
    sizes = []
    tracemalloc.start()
    try:
        for shot in shots:
            for body in shot:
                ledger.apply(decode_record(body))
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert len(ledger.awaiting) == 300
    assert (sizes[-1] - sizes[99]) / 200 < 1600

    first = elsewhere_intent(1)
    assert ledger.mark((1, 1)) == first.marks[0], "it has left the screen, and is all there"
    read = verified(1000, 1, "good", content(1))
    ledger.apply(read.model_copy(update={"station": "post"}))
    assert ledger.mark((1, 1)) is None
    assert content(1) not in ledger.awaiting


def elsewhere_intent(number: int) -> Intent:
    readback = Readback(mode="elsewhere")
    return intent_of(2 * number - 1, mark(number, readback=readback))


def done(number: int) -> Marked:
    return marked(2 * number, 2 * number - 1, "done")
