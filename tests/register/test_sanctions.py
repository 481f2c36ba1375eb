"""A sanction by the pure rules, and which requests are none."""

from typing import Any

import pytest
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.sanctions.models import NewSanction
from central.register.sanctions.rules import STEPS, Sanction, apply
from tests.register.acting import Acting

ASKED: dict[str, Any] = {
    "number": "X-1",
    "entity": "UMG",
    "kind": "warning",
    "reason": "late reports",
    "basis": "article 12",
}
UNTIL = "2030-01-01T00:00:00Z"


def imposed(**more: Any) -> Acting[Sanction]:
    acting = Acting("sanction", apply)
    asked = NewSanction.model_validate(ASKED | more)
    acting.do("imposed", asked.model_dump(mode="json", exclude={"reason"}), reason=asked.reason)
    return acting


@pytest.mark.parametrize("state", [None, "imposed", "lifted"])
@pytest.mark.parametrize("act", STEPS)
def test_every_step_of_the_table_and_no_other(state: str | None, act: str) -> None:
    acting = Acting("sanction", apply) if state is None else imposed()
    if state == "lifted":
        acting.do("lifted")
    origins, target = STEPS[act]
    payload = NewSanction.model_validate(ASKED).model_dump(mode="json", exclude={"reason"})
    if state in origins:
        assert acting.do(act, payload).state == target
    else:
        with pytest.raises(NotFound if state is None else Conflict):
            acting.do(act, payload)


def test_a_revocation_is_for_good() -> None:
    with pytest.raises(Conflict, match="only as a new one"):
        imposed(kind="revocation").do("lifted")


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "fine", "amount": 50_000, "currency": "ALL"},
        {"kind": "suspension", "licences": ["L-1", "L-2"], "until": UNTIL},
        {"kind": "suspension"},
        {"kind": "revocation", "licences": ["L-1"]},
        {"inspection": "I-1"},
        {"kind": "exclusion", "ground": "violation", "until": UNTIL},
    ],
)
def test_sanctions_of_each_kind(more: dict[str, Any]) -> None:
    state = imposed(**more).state
    assert state is not None
    assert (state.state, state.reason, state.basis) == ("imposed", "late reports", "article 12")


@pytest.mark.parametrize(
    "more",
    [
        {"basis": ""},
        {"kind": "fine"},
        {"kind": "fine", "amount": 5},
        {"kind": "fine", "amount": 0, "currency": "ALL"},
        {"kind": "fine", "amount": 5, "currency": "lek"},
        {"amount": 5, "currency": "ALL"},
        {"licences": ["L-1"]},
        {"until": UNTIL},
        {"kind": "revocation", "until": UNTIL},
        {"kind": "suspension", "licences": ["L-1", "L-1"]},
        {"kind": "exile"},
    ],
)
def test_requests_that_are_not_well_formed(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewSanction.model_validate(ASKED | more)
