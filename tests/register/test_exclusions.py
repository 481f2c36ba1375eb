"""The steps of an exclusion and of a decision on two names; when an exclusion is in force."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.entities.standing import CLEAR, Excluding, Standing
from central.register.exclusions.models import NewExclusion
from central.register.exclusions.rules import (
    Exclusion,
    Screening,
    apply_exclusion,
    apply_screening,
)

AT = datetime(2026, 11, 26, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED: dict[str, Any] = {
    "number": "X-1",
    "kind": "person",
    "name": "Arben Hoxha",
    "ground": "violation",
    "legal_basis": "ligji 1",
    "valid_from": AT,
}
TOLD = NewExclusion.model_validate(ASKED).model_dump(mode="json")
NAMES = {"entity_name": "Kombinati", "exclusion_name": "Kombinat"}
PAIR = {"entity": "KMP", "exclusion": "X-1"} | NAMES
OTHER = PAIR | {"entity_name": "Kombinatti"}


def act(what: str, payload: dict[str, Any] | None = None, *, number: int = 1) -> Act:
    return Act(number, AT, "exclusion", "X-1", what, payload or {}, f"why {what}")


def entered() -> Exclusion:
    return apply_exclusion(None, act("entered", TOLD))


def decided(verdict: str, pair: dict[str, Any] = PAIR, *, number: int = 2) -> Act:
    return act("decided", pair | {"verdict": verdict, "decided_by": "arben.hoxha"}, number=number)


def screening(*acts: Act) -> Screening:
    state = None
    for each in acts:
        state = apply_screening(state, each)
    assert state is not None
    return state


def test_an_exclusion_is_entered_amended_and_lifted() -> None:
    amended = apply_exclusion(entered(), act("amended", TOLD | {"name": "Arben Kola"}, number=2))
    assert (amended.name, amended.state, amended.version) == ("Arben Kola", "active", 2)
    lifted = apply_exclusion(amended, act("lifted", number=3))
    assert (lifted.state, lifted.reason, lifted.version) == ("lifted", "why lifted", 3)


@pytest.mark.parametrize("what", ["entered", "amended", "lifted"])
def test_lifted_is_the_end(what: str) -> None:
    with pytest.raises(Conflict):
        apply_exclusion(apply_exclusion(entered(), act("lifted")), act(what, TOLD))


@pytest.mark.parametrize("what", ["amended", "lifted"])
def test_nothing_is_done_to_an_exclusion_that_was_never_entered(what: str) -> None:
    with pytest.raises(NotFound):
        apply_exclusion(None, act(what, TOLD))


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "X/1"},
        {"kind": "house"},
        {"ground": "taste"},
        {"legal_basis": ""},
        {"valid_until": AT},
        *({"valid_from": odd} for odd in (20808381130, "20808381130", "2026-11-26T08:00:00")),
        {"tax_number": "--"},
        {"ncage": "AIOIA"},
        {"born": "1970"},
    ],
)
def test_what_is_not_well_formed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewExclusion.model_validate(ASKED | wrong)


def test_a_tax_number_of_any_country_is_joined_and_a_passports_stands_as_given() -> None:
    told = {"tax_number": "k 1234-5678 l", "passport_number": "bg 12-34"}
    found = NewExclusion.model_validate(ASKED | told)
    assert (found.tax_number, found.passport_number) == ("K12345678L", "bg 12-34")


@pytest.mark.parametrize(
    ("acts", "state", "excludes"),
    [
        ([act("asked", PAIR)], "undecided", False),
        ([act("asked", PAIR), decided("different")], "different", False),
        ([act("asked", PAIR), decided("same")], "same", True),
        ([decided("same")], "same", True),
        ([decided("same"), decided("different")], "different", False),
        ([decided("different"), decided("same")], "same", True),
        ([decided("different"), act("asked", OTHER)], "undecided", False),
        ([decided("same"), act("asked", OTHER)], "undecided", True),
        ([decided("same"), act("asked", OTHER), decided("same", OTHER)], "same", True),
        ([decided("same"), act("asked", OTHER), decided("different", OTHER)], "different", False),
        ([act("asked", PAIR), act("dropped", OTHER)], "unlike", False),
        ([act("asked", PAIR), act("dropped", OTHER), act("asked", PAIR)], "undecided", False),
    ],
)
def test_a_step_of_a_screening(acts: list[Act], state: str, excludes: bool) -> None:
    found = screening(*acts)
    assert (found.state, found.excludes) == (state, excludes)


@pytest.mark.parametrize(
    ("acts", "last"),
    [
        ([act("asked", PAIR)], act("asked", PAIR)),
        ([decided("same")], act("asked", PAIR)),
        ([decided("same")], decided("same")),
        ([decided("different")], decided("different")),
        ([decided("same")], act("dropped", OTHER)),
        ([decided("different")], act("dropped", OTHER)),
        ([decided("same"), act("asked", OTHER)], act("dropped", PAIR)),
    ],
)
def test_a_step_that_a_screening_does_not_have(acts: list[Act], last: Act) -> None:
    with pytest.raises(Conflict):
        apply_screening(screening(*acts), last)


def test_a_question_that_was_never_asked_cannot_be_dropped() -> None:
    with pytest.raises(NotFound):
        apply_screening(None, act("dropped", OTHER))


def test_a_decision_says_whose_it_is_and_of_which_names() -> None:
    found = screening(act("asked", PAIR), decided("same", number=7))
    assert (found.decided_by, found.reason, found.version) == ("arben.hoxha", "why decided", 7)
    assert found.about(**NAMES)
    assert not found.about("Kombinatti", NAMES["exclusion_name"])
    again = screening(decided("same"), act("asked", OTHER))
    assert again.decided_by == "arben.hoxha", "who decided before is shown to who decides now"


@given(
    st.lists(
        st.sampled_from(
            [
                *(act("asked", PAIR), act("asked", OTHER), act("dropped", OTHER)),
                *(decided(v, p) for v in ("same", "different") for p in (PAIR, OTHER)),
            ]
        ),
        max_size=20,
    )
)
def test_whatever_is_tried_the_last_decision_excludes(acts: list[Act]) -> None:
    state, last = None, ""
    for each in acts:
        try:
            state = apply_screening(state, each)
        except (Conflict, NotFound):
            continue
        last = each.payload.get("verdict", last)
        assert state.excludes is (last == "same")
        if state.state in ("same", "different"):
            assert state.state == last


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (AT, None, "entity-excluded"),
        (AT, AT + DAY, "entity-excluded"),
        (AT - DAY, AT, ""),
        (AT + DAY, None, ""),
    ],
)
def test_an_exclusion_counts_while_it_is_in_force(
    since: datetime, until: datetime | None, code: str
) -> None:
    excluding = (Excluding("X-1", since, until),)
    assert Standing(exclusions=excluding).obstacle(AT) == code
    assert Standing(active=False, exclusions=excluding).obstacle(AT) == code or "entity-inactive"


def test_it_is_known_when_that_changes() -> None:
    both = (Excluding("X-1", AT - DAY, AT + 3 * DAY), Excluding("X-2", AT + 2 * DAY))
    standing = Standing(exclusions=both)
    assert standing.turns(AT) == AT + 2 * DAY
    assert standing.turns(AT + 2 * DAY) == AT + 3 * DAY
    assert standing.turns(AT + 3 * DAY) is None
    assert CLEAR.turns(AT) is None
