"""An entity's steps: every one of the table, and each that is not in it refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.entities.models import NewEntity
from central.register.entities.service import Entity, apply
from central.register.entities.standing import CLEAR, Standing

AT = datetime(2026, 11, 26, tzinfo=UTC)
ENTERED = {"code": "UMG", "name": "Uzina Mekanike", "ncage": "A7G1H"}
"""As it was entered before there were kinds."""


def act(what: str, payload: dict[str, Any] | None = None, *, number: int = 1) -> Act:
    return Act(number, AT, "entity", "UMG", what, payload or {}, f"why {what}")


def after(*steps: str) -> Entity:
    state = apply(None, act("entered", ENTERED))
    for number, step in enumerate(steps, start=2):
        state = apply(state, act(step, number=number))
    return state


def test_what_an_older_act_leaves_out_has_a_default() -> None:
    entity = after()
    assert (entity.state, entity.kinds, entity.tax_number, entity.gs1_prefix) == (
        *("active", ()),
        *(None, None),
    )
    assert (entity.version, entity.created) == (1, AT)


@pytest.mark.parametrize(
    ("before", "what", "target"),
    [
        ((), "deactivated", "inactive"),
        (("deactivated",), "reactivated", "active"),
        (("deactivated", "reactivated"), "deactivated", "inactive"),
    ],
)
def test_a_step(before: tuple[str, ...], what: str, target: str) -> None:
    entity = apply(after(*before), act(what, number=9))
    assert (entity.state, entity.reason, entity.version) == (target, f"why {what}", 9)


@pytest.mark.parametrize(
    ("before", "what"), [((), "reactivated"), (("deactivated",), "deactivated"), ((), "entered")]
)
def test_a_step_that_does_not_exist(before: tuple[str, ...], what: str) -> None:
    with pytest.raises(Conflict):
        apply(after(*before), act(what, ENTERED))


@pytest.mark.parametrize("what", ["amended", "deactivated", "reactivated"])
def test_nothing_is_done_to_what_was_never_entered(what: str) -> None:
    with pytest.raises(NotFound):
        apply(None, act(what))


def test_amended_is_all_but_code_and_state() -> None:
    told = {"name": "Uzina", "kinds": ["producer", "repairer"], "ncage": None}
    entity = apply(after("deactivated"), act("amended", told | {"gs1_prefix": "53012"}, number=3))
    assert entity.model_dump() == {
        "code": "UMG",
        "name": "Uzina",
        "kinds": ("producer", "repairer"),
        "ncage": None,
        "tax_number": None,
        "gs1_prefix": "53012",
        "state": "inactive",
        "reason": "why deactivated",
        "created": AT,
        "version": 3,
    }


@given(st.lists(st.sampled_from(["deactivated", "reactivated"]), max_size=12))
def test_whatever_is_tried_its_steps_alternate(steps: list[str]) -> None:
    entity, done = after(), ["reactivated"]
    for number, step in enumerate(steps, start=2):
        try:
            entity = apply(entity, act(step, number=number))
        except Conflict:
            assert done[-1] == step
        else:
            assert done[-1] != step
            done.append(step)
    assert entity.state == ("active" if done[-1] == "reactivated" else "inactive")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ["producer", "producer"]},
        {"kinds": ["dealer"]},
        {"ncage": "AIOIA"},
        {"tax_number": "12345678"},
        {"gs1_prefix": "AB"},
        {"code": "A/B"},
        {"address": "Gramsh"},
    ],
)
def test_what_is_not_well_formed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewEntity.model_validate({"code": "UMG", "name": "Uzina"} | wrong)


def test_only_an_inactive_entity_stands_against_marking() -> None:
    assert CLEAR.obstacle(AT) == ""
    assert Standing(active=False).obstacle(AT) == "entity-inactive"
