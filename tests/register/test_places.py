"""A place's steps: every one of the table, and each that is not in it refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.places.models import BELOW, PlaceKind
from central.register.places.service import Place, apply

AT = datetime(2026, 11, 26, tzinfo=UTC)


def act(what: str, payload: dict[str, Any] | None = None, *, number: int = 1) -> Act:
    return Act(number, AT, "place", "UMG.L1", what, payload or {}, f"why {what}")


def entered(kind: PlaceKind = "line") -> Place:
    told = {"code": "UMG.L1", "kind": kind, "entity": "UMG", "parent": "UMG", "name": "Linja 1"}
    return apply(None, act("entered", told))


def after(*steps: str, kind: PlaceKind = "line") -> Place:
    state = entered(kind)
    for number, step in enumerate(steps, start=2):
        state = apply(state, act(step, {"gateway": "gramsh.line-1"}, number=number))
    return state


@pytest.mark.parametrize(
    ("before", "what", "state", "gateway"),
    [
        ((), "deactivated", "inactive", None),
        (("deactivated",), "reactivated", "active", None),
        ((), "gateway assigned", "active", "gramsh.line-1"),
        (("gateway assigned",), "gateway assigned", "active", "gramsh.line-1"),
        (("gateway assigned",), "gateway removed", "active", None),
        (("gateway assigned",), "deactivated", "inactive", "gramsh.line-1"),
        (("deactivated",), "gateway assigned", "inactive", "gramsh.line-1"),
    ],
)
def test_a_step(before: tuple[str, ...], what: str, state: str, gateway: str | None) -> None:
    place = apply(after(*before), act(what, {"gateway": gateway}, number=9))
    assert (place.state, place.gateway, place.version) == (state, gateway, 9)


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ((), "entered"),
        ((), "reactivated"),
        (("deactivated",), "deactivated"),
        ((), "gateway removed"),
        (("gateway assigned", "gateway removed"), "gateway removed"),
    ],
)
def test_a_step_that_does_not_exist(before: tuple[str, ...], what: str) -> None:
    with pytest.raises(Conflict):
        apply(after(*before), act(what))


@pytest.mark.parametrize(
    "what", ["amended", "deactivated", "reactivated", "gateway assigned", "gateway removed"]
)
def test_nothing_is_done_to_what_was_never_entered(what: str) -> None:
    with pytest.raises(NotFound):
        apply(None, act(what, {"name": "x", "gateway": None}))


@pytest.mark.parametrize("kind", [kind for kind in BELOW if kind != "line"])
def test_a_gateway_works_on_a_line_only(kind: PlaceKind) -> None:
    with pytest.raises(Conflict):
        apply(entered(kind), act("gateway assigned", {"gateway": "gramsh.line-1"}))


def test_another_name_changes_nothing_else() -> None:
    before = after("deactivated")
    place = apply(before, act("amended", {"name": "Linja A"}, number=3))
    assert place == before.model_copy(update={"name": "Linja A", "version": 3})


def test_the_kinds_make_a_tree_below_the_site() -> None:
    for kind in BELOW:
        above: set[PlaceKind] = {kind}
        while above != {"site"}:
            above = {upper for each in above for upper in BELOW[each] or ("site",)}
            assert kind not in above
