"""A count by its pure rules: each thing has one result, and a package what lies in it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.errors import Conflict, Forbidden, NotFound
from central.register.stock.compare import (
    Quantity,
    Scan,
    Step,
    Thing,
    judge,
    judge_quantity,
    seen,
)
from central.register.stock.models import DIFFERENCES, RESOLVES, Resolution, Result
from central.register.stock.rules import STEPS, Count, apply
from tests.register.acting import START, Acting

PLANNED: dict[str, Any] = {
    "place": "DEP.1",
    "entity": "DEP",
    "kind": "full",
    "products": [],
    "articles": [],
    "due": "2026-12-31T00:00:00Z",
}
OPENED = {"places": ["DEP.1"], "expected": [], "lots": []}


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def tally(number: int, account: str, person: str) -> dict[str, Any]:
    return {"tally": number, "account": account, "person": person, "pieces": []}


def payload(what: str) -> dict[str, Any]:
    return {
        "planned": PLANNED,
        "opened": OPENED,
        "scanned": tally(1, "ana", "Ana"),
        "handed in": tally(1, "ana", "Ana"),
    }.get(what, {})


@pytest.mark.parametrize("state", [None, *dict.fromkeys(step[1] for step in STEPS.values())])
@pytest.mark.parametrize("act", STEPS)
def test_every_act_of_the_table_and_no_other(state: str | None, act: str) -> None:
    acting = Acting("count", apply)
    if state is not None:
        planned = acting.do("planned", PLANNED)
        acting.states[-1] = planned.model_copy(update={"state": state})
    origins, target = STEPS[act]
    if state in origins:
        assert acting.do(act, payload(act)).state == target
    else:
        with pytest.raises(NotFound if state is None and act != "planned" else Conflict):
            acting.do(act, payload(act))


def opened() -> Acting[Count]:
    acting = Acting("count", apply)
    acting.do("planned", PLANNED)
    acting.do("opened", OPENED)
    return acting


def test_two_people_count_and_a_third_has_no_part_in_it() -> None:
    acting = opened()
    count = acting.do("scanned", tally(1, "ana", "ana hoxha"))
    assert count.tally_of("ana", "ana hoxha") == 1
    with pytest.raises(Forbidden, match="the same person"):
        count.tally_of("ana.2", "ana hoxha")
    assert count.tally_of("ben", "ben leka") == 2
    count = acting.do("handed in", tally(2, "ben", "ben leka"))
    with pytest.raises(Conflict, match="two tallies"):
        count.tally_of("dea", "dea kola")
    with pytest.raises(Conflict, match=r"second tally .* handed in"):
        acting.do("scanned", tally(2, "ben", "ben leka"))
    assert count.has_counted("ben.2", "ben leka")
    assert not count.has_counted("dea", "dea kola")
    assert count.is_blind
    assert not acting.do("compared").is_blind


# --- results --------------------------------------------------------------------------------

HERE = Thing(expected=True, here=True)
ODD = Thing(expected=False, here=False)
LEFT = (Step(at(10), "E-1", False),)
CAME = (Step(at(10), "E-1", True),)


@pytest.mark.parametrize(
    ("thing", "result"),
    [
        (replace(HERE, first=at(1), second=at(2)), "present"),
        (HERE, "missing"),
        (replace(HERE, first=at(1)), "disagreed"),
        (replace(HERE, first=at(1), third=True), "present"),
        (replace(HERE, second=at(1), third=False), "missing"),
        (replace(HERE, third=True), "present"),
        (replace(ODD, first=at(1), second=at(2)), "unexpected"),
        (replace(ODD, second=at(2)), "disagreed"),
        (replace(ODD, second=at(2), third=True), "unexpected"),
        (replace(ODD, second=at(2), third=False), "absent"),
        (Thing(expected=False, here=True, first=at(1)), "out-of-scope"),
        # What was told of it meanwhile counts by its time.
        (replace(HERE, steps=LEFT), "moved"),
        (replace(HERE, first=at(9), steps=LEFT), "moved"),
        (replace(HERE, first=at(9), second=at(9), steps=LEFT), "moved"),
        (replace(HERE, first=at(9), second=at(11), steps=LEFT), "unexpected"),
        (replace(HERE, first=at(11), steps=LEFT), "disagreed"),
        (replace(ODD, first=at(11), second=at(12), steps=CAME), "moved"),
        (replace(ODD, second=at(12), steps=CAME), "moved"),
        (replace(ODD, first=at(9), second=at(12), steps=CAME), "unexpected"),
        (replace(HERE, steps=CAME), "missing"),
        (replace(HERE, first=at(9), steps=LEFT, third=False), "moved"),
    ],
)
def test_what_came_of_it(thing: Thing, result: Result) -> None:
    found, event = judge(thing)
    assert found == result
    assert (event is not None) == (result == "moved")


times = st.none() | st.integers(0, 30).map(at)
things = st.builds(
    Thing,
    expected=st.booleans(),
    here=st.booleans(),
    first=times,
    second=times,
    third=st.none() | st.booleans(),
    steps=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=4).map(
        lambda told: tuple(Step(at(minute), "E", here) for minute, here in sorted(told))
    ),
).filter(lambda thing: thing.here or not thing.expected)


@given(things)
def test_each_thing_is_of_one_result_and_tallies_count_alike(thing: Thing) -> None:
    result, event = judge(thing)
    assert result in get_args(Result)
    assert judge(replace(thing, first=thing.second, second=thing.first)) == (result, event)
    both, none = (thing.first, thing.second).count(None) == 0, thing.first is thing.second is None
    if result == "missing":
        assert none or thing.third is False, "nobody found it"
    if result == "unexpected":
        assert both or thing.third, "two found it, or the third did"
    if result == "disagreed":
        assert thing.third is None
        assert not both
        assert not none
    if result == "present":
        assert thing.expected
    if thing.third is not None:
        assert result != "disagreed", "the third look decides"
    if both and not thing.steps and thing.third is None:
        assert (result in DIFFERENCES) != thing.here


@given(things)
def test_a_step_that_changes_nothing_is_none(thing: Thing) -> None:
    still = [Step(at(0), "E-0", thing.here), *thing.steps]
    assert judge(replace(thing, steps=tuple(still))) == judge(thing)


# --- packages -------------------------------------------------------------------------------


def scan(code: str, package: str | None = None, **more: Any) -> Scan:
    return Scan(code, at(1), package=package, **more)


INSIDE = [scan(code, "CRATE", direct=False) for code in ("W1", "W2", "W3")]


def test_a_closed_package_stands_for_what_lies_in_it() -> None:
    assert seen([scan("CRATE"), *INSIDE]).keys() == {"CRATE", "W1", "W2", "W3"}


def test_an_open_one_for_nothing() -> None:
    opened = [scan("CRATE", opened=True), *INSIDE]
    assert seen(opened).keys() == {"CRATE"}
    one = [scan("W1", "CRATE") if each.code == "W1" else each for each in opened]
    assert seen(one).keys() == {"CRATE", "W1"}


def test_who_scans_a_piece_of_it_has_opened_it() -> None:
    assert seen([scan("CRATE"), scan("W1", "CRATE"), *INSIDE[1:]]).keys() == {"CRATE", "W1"}


def test_a_part_that_is_scanned_opens_no_weapon() -> None:
    parts = [scan("BARREL", "W1", part=True), scan("SLIDE", "W1", direct=False, part=True)]
    assert seen([scan("W1"), *parts]).keys() == {"W1", "BARREL", "SLIDE"}


def test_an_open_crate_on_a_closed_pallet() -> None:
    pallet = [scan("PALLET"), *(scan(code, "PALLET", direct=False) for code in ("C1", "C2"))]
    in_them = [scan("A", "C1", direct=False), scan("B", "C2", direct=False)]
    assert seen([*pallet, *in_them]).keys() == {"PALLET", "C1", "C2", "A", "B"}
    by_crate = [scan("PALLET", opened=True), scan("C1", "PALLET"), pallet[2], *in_them]
    assert seen(by_crate).keys() == {"PALLET", "C1", "A"}


@given(
    st.lists(
        st.builds(
            Scan,
            code=st.sampled_from("ABCDEF"),
            at=st.just(at(1)),
            direct=st.booleans(),
            opened=st.booleans(),
            package=st.none() | st.sampled_from("ABCDEF"),
            part=st.booleans(),
        )
    )
)
def test_what_was_scanned_itself_is_seen_whatever_lies_in_what(scans: list[Scan]) -> None:
    found = seen(scans)
    last = {each.code: each for each in scans}
    assert {code for code, each in last.items() if each.direct} <= found.keys() <= last.keys()


# --- loose pieces ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "result"),
    [
        (Quantity(500, 500, 500, 500), "present"),
        (Quantity(500, 500, 480, 480), "missing"),
        (Quantity(500, 500), "missing"),
        (Quantity(500, 500, 500), "disagreed"),
        (Quantity(500, 500, 500, 480, 500), "present"),
        (Quantity(500, 200, 200, 200), "moved"),
        (Quantity(500, 200, 300, 300), "missing"),
        (Quantity(0, 0, 20, 20), "unexpected"),
        (Quantity(0, 0, 20, 0, 0), "absent"),
    ],
)
def test_loose_pieces(quantity: Quantity, result: Result) -> None:
    assert judge_quantity(quantity) == result


def test_every_resolution_is_of_some_difference_and_no_disagreement_is_waved_through() -> None:
    assert RESOLVES.keys() == set(get_args(Resolution))
    for results in RESOLVES.values():
        assert set(results) <= set(DIFFERENCES) - {"disagreed"}
