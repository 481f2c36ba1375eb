"""The life of a licence by the pure rules: every step, every other refused, and what it covers."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, GjurmaError, NotFound, Refused
from central.register.licences.models import (
    LicenceAmendment,
    LicenceState,
    NewLicence,
    Validity,
    obstacle,
)
from central.register.licences.rules import STEPS, Licence, apply
from central.register.licences.terms import Quantity, Terms, Use, uncovered
from tests.register.acting import START, Acting

DAY = timedelta(days=1)
END = START + 365 * DAY
WHOLE = NewLicence(number="X-1", entity="UMG", valid_from=START - DAY, valid_until=END).model_dump(
    mode="json"
)
PAYLOADS: dict[str, Any] = {
    "applied": WHOLE,
    "issued": WHOLE,
    "renewed": {"valid_until": (END + 365 * DAY).isoformat()},
    "amended": {"products": ["M70"]},
}
ROADS: dict[LicenceState | None, tuple[str, ...]] = {
    None: (),
    "applied": ("applied",),
    "refused": ("applied", "refused"),
    "active": ("applied", "issued"),
    "suspended": ("issued", "suspended"),
    "revoked": ("issued", "revoked"),
}
"""How each state is reached."""


def licence(*acts: str) -> Acting[Licence]:
    acting = Acting("licence", apply)
    for act in acts:
        acting.do(act, PAYLOADS.get(act))
    return acting


def test_the_table_knows_every_state() -> None:
    assert set(ROADS) == {None, *get_args(LicenceState)}
    targets = {target for _, target in STEPS.values() if target is not None}
    assert targets == set(get_args(LicenceState))


@pytest.mark.parametrize("state", ROADS)
@pytest.mark.parametrize("act", STEPS)
def test_every_step_of_the_table_and_no_other(state: LicenceState | None, act: str) -> None:
    acting = licence(*ROADS[state])
    before = acting.state
    assert (None if before is None else before.state) == state
    origins, target = STEPS[act]
    payload = PAYLOADS.get(act, {"sanction": "S-1"} if act == "suspended" else None)
    if state in origins:
        after = acting.do(act, payload)
        assert (after.state, after.reason, after.version) == (
            target or state,
            "why",
            len(acting.acts),
        )
    else:
        with pytest.raises(NotFound if state is None else Conflict):
            acting.do(act, payload)
        assert acting.state == before


def test_an_application_is_granted_as_it_was_asked_for_or_otherwise() -> None:
    acting = licence("applied")
    assert acting.state is not None
    assert acting.state.validity.obstacle(START) == "licence-missing"
    acting.later(days=3)
    issued = acting.do("issued", WHOLE | {"products": ["M70"]})
    assert (issued.products, issued.created) == (("M70",), START)
    assert issued.validity.obstacle(START) == ""


def test_nobody_is_issued_what_another_entity_applied_for() -> None:
    with pytest.raises(Conflict, match="applied for by UMG"):
        licence("applied").do("issued", WHOLE | {"entity": "KMP"})


def test_expiry_is_the_clocks_and_a_renewal_is_not_for_yesterday() -> None:
    acting = licence("issued")
    assert acting.state is not None
    validity = acting.state.validity
    assert validity.obstacle(END - timedelta(microseconds=1)) == ""
    assert validity.obstacle(END) == "licence-expired"
    assert acting.state.state == "active"
    with pytest.raises(Conflict, match="already"):
        acting.do("renewed", {"valid_until": END.isoformat()})
    renewed = acting.do("renewed", PAYLOADS["renewed"])
    assert (renewed.valid_from, renewed.valid_until) == (START - DAY, END + 365 * DAY)
    acting.now = END + 400 * DAY
    with pytest.raises(Refused, match="past"):
        acting.do("renewed", {"valid_until": (END + 399 * DAY).isoformat()})
    again = acting.do("renewed", {"valid_until": (END + 500 * DAY).isoformat()})
    assert again.valid_from == acting.now


def test_a_suspension_until_a_date_ends_by_itself() -> None:
    acting = licence("issued")
    until = START + 2 * DAY
    state = acting.do("suspended", {"until": until.isoformat()})
    assert state.validity.obstacle(START) == "licence-suspended"
    assert state.validity.obstacle(until) == ""
    assert state.validity.turns(START) == until
    acting.now = until
    with pytest.raises(Conflict, match="is active"):
        acting.do("reinstated")
    with pytest.raises(Refused, match="past"):
        acting.do("suspended", {"until": until.isoformat()})
    assert acting.do("suspended").validity.obstacle(END) == "licence-suspended"


def test_each_suspension_is_lifted_by_whoever_made_it() -> None:
    acting = licence("issued", "suspended")
    with pytest.raises(Conflict):
        acting.do("suspended")
    acting.do("suspended", {"sanction": "S-1"})
    with pytest.raises(Conflict):
        acting.do("suspended", {"sanction": "S-1"})
    with pytest.raises(Conflict, match="by an officer, S-1"):
        acting.do("reinstated", {"sanction": "S-2"})
    assert acting.do("reinstated").state == "suspended"
    with pytest.raises(Conflict, match="by S-1"):
        acting.do("reinstated")
    assert acting.do("reinstated", {"sanction": "S-1"}).state == "active"


def test_a_licence_of_former_times_allows_what_it_did() -> None:
    acting = Acting("licence", apply)
    fields = ("number", "entity", "valid_from", "valid_until")
    state = acting.do("issued", {name: WHOLE[name] for name in fields})
    assert state.validity.against(Use("M70", "ML1", 10**8, 10**8), START) == ""
    old = {name: WHOLE[name] for name in fields} | {"state": "suspended", "reason": ""}
    carried = Licence.model_validate(old | {"created": START, "version": 1})
    acting.states.append(carried)
    assert acting.do("reinstated").state == "active"


TERMS = Terms(products=("M70", "M91"), categories=("ML1",))


@pytest.mark.parametrize(
    ("terms", "use", "fault"),
    [
        (Terms(), Use("M70"), ""),
        (Terms(activities=("trade", "repair")), Use("M70"), "licence-not-covering"),
        (TERMS, Use("M70"), ""),
        (TERMS, Use("M70", "ML1"), ""),
        (TERMS, Use("M70", "ML3"), "licence-not-covering"),
        (TERMS, Use("TT", "ML1"), "licence-not-covering"),
        (Terms(categories=("ML1", "ML2")), Use("TT", "ML2"), ""),
        (Terms(categories=("ML1", "ML2")), Use("TT", "ML3"), "licence-not-covering"),
        (Terms(categories=("ML1",)), Use("TT"), "licence-not-covering"),
        (Terms(quantities=(Quantity(product="M70", most=10),)), Use("M70", None, 10), ""),
        (
            Terms(quantities=(Quantity(product="M70", most=10),)),
            Use("M70", None, 11),
            "licence-used-up",
        ),
        (Terms(quantities=(Quantity(product="M70", most=10),)), Use("TT", None, 11), ""),
        (Terms(quantities=(Quantity(category="ML1", most=10),)), Use("TT", "ML1", 1, 10), ""),
        (
            Terms(quantities=(Quantity(category="ML1", most=10),)),
            Use("TT", "ML1", 1, 11),
            "licence-used-up",
        ),
        (Terms(quantities=(Quantity(category="ML1", most=10),)), Use("TT", None, 1, 11), ""),
    ],
)
def test_what_it_covers(terms: Terms, use: Use, fault: str) -> None:
    assert uncovered(terms, use) == fault


@pytest.mark.parametrize(
    "terms",
    [
        {"activities": []},
        {"activities": ["mining"]},
        {"categories": ["ML23"]},
        {"categories": ["ML1", "ML1"]},
        {"products": ["M70", "M70"]},
        {"quantities": [{"most": 3}]},
        {"quantities": [{"product": "M70", "category": "ML1", "most": 3}]},
        {"quantities": [{"product": "M70", "most": 0}]},
        {"quantities": [{"product": "M70", "most": 3}, {"product": "M70", "most": 4}]},
        {"conditions": ["two\nlines"]},
        {"places": []},
    ],
)
def test_terms_that_are_not_well_formed(terms: Any) -> None:
    with pytest.raises(ValidationError):
        NewLicence.model_validate(WHOLE | terms)
    with pytest.raises(ValidationError):
        LicenceAmendment.model_validate({"reason": "x"} | terms)


MOMENTS = st.integers(0, 20).map(lambda days: START + days * DAY)
VALIDITIES = st.builds(
    Validity,
    st.sampled_from(("active", "suspended", "revoked")),
    MOMENTS,
    MOMENTS,
    st.none() | MOMENTS,
)


@given(VALIDITIES, MOMENTS, MOMENTS)
def test_between_its_turns_nothing_changes_by_the_clock(
    validity: Validity, one: datetime, other: datetime
) -> None:
    """So whoever looks again at each turn has missed nothing."""
    now, later = sorted((one, other))
    turns = validity.turns(now)
    if turns is None or later < turns:
        assert validity.obstacle(now) == validity.obstacle(later)


ACTS = st.sampled_from(("renewed", "amended", "suspended", "reinstated", "revoked"))
PAYLOAD = st.fixed_dictionaries(
    {
        "sanction": st.sampled_from(("", "S-1", "S-2")),
        "until": st.none() | MOMENTS.map(lambda moment: moment.isoformat()),
    }
)


@given(st.lists(st.tuples(ACTS, PAYLOAD, st.integers(0, 3)), max_size=12))
def test_what_the_row_says_is_what_the_acts_said(acts: list[tuple[str, Any, int]]) -> None:
    """Suspended is exactly who is suspended by somebody who did not take it back."""
    acting = licence("issued")
    standing: dict[str, datetime | None] = {}
    revoked = False
    for act, payload, days in acts:
        acting.later(days=days)
        standing = {s: u for s, u in standing.items() if u is None or u > acting.now}
        given = {**PAYLOADS["renewed"]} if act == "renewed" else payload
        try:
            acting.do(act, {} if act == "amended" else given)
        except GjurmaError:
            continue
        if act == "suspended":
            until = payload["until"]
            standing[payload["sanction"]] = until and datetime.fromisoformat(until)
        elif act == "reinstated":
            del standing[payload["sanction"]]
        revoked = revoked or act == "revoked"
    state = acting.state
    assert state is not None
    against = state.validity.obstacle(acting.now)
    if revoked:
        assert against == "licence-revoked"
    else:
        assert against == ("licence-suspended" if standing else "")
    again = Licence.model_validate_json(state.model_dump_json())
    assert again == state


def test_obstacle_takes_the_gravest_first() -> None:
    assert obstacle("revoked", START, START - DAY, START) == "licence-revoked"
    assert obstacle("suspended", START, START - DAY, START) == "licence-suspended"
    assert obstacle("active", START + DAY, END, START) == "licence-not-begun"
