"""An inspection by the pure rules: every step, every other refused, measures by the clock."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from central.errors import Conflict, NotFound, Refused
from central.register.inspections.models import InspectionState, NewInspection, NewMeasures
from central.register.inspections.rules import STEPS, Inspection, apply
from tests.register.acting import START, Acting

DAY = timedelta(days=1)
PLANNED: dict[str, Any] = {
    "number": "X-1",
    "entity": "UMG",
    "site": "UMG-1",
    "kind": "unannounced",
    "planned_for": START + DAY,
    "inspectors": ["Arben Hoxha"],
    "checklist": ["marks are legible", "the store is locked"],
    "follows": None,
}
RESULTS = [{"result": "ok", "remark": ""}, {"result": "fault", "remark": "no key"}]
MEASURE = {"text": "a lock with a key", "deadline": START + 10 * DAY}
PAYLOADS: dict[str, Any] = {
    "planned": PLANNED,
    "found": {"results": RESULTS, "findings": ["the store stood open"]},
    "measures ordered": {"measures": [MEASURE]},
    "measure done": {"measure": 1, "remark": "seen"},
}
ROADS: dict[InspectionState | None, tuple[str, ...]] = {
    None: (),
    "planned": ("planned",),
    "begun": ("planned", "begun"),
    "found": ("planned", "begun", "found"),
    "closed": ("planned", "begun", "found", "closed"),
    "cancelled": ("planned", "cancelled"),
}
"""How each state is reached."""


def inspection(*acts: str) -> Acting[Inspection]:
    acting = Acting("inspection", apply)
    for act in acts:
        acting.do(act, PAYLOADS.get(act))
    return acting


def test_the_table_knows_every_state() -> None:
    assert set(ROADS) == {None, *get_args(InspectionState)}


@pytest.mark.parametrize("state", ROADS)
@pytest.mark.parametrize("act", STEPS)
def test_every_step_of_the_table_and_no_other(state: InspectionState | None, act: str) -> None:
    acting = inspection(*ROADS[state])
    origins, target = STEPS[act]
    if state not in origins:
        with pytest.raises(NotFound if state is None else Conflict):
            acting.do(act, PAYLOADS.get(act))
        return
    if act == "measure done":
        acting.do("measures ordered", PAYLOADS["measures ordered"])
    after = acting.do(act, PAYLOADS.get(act))
    assert (after.state, after.version) == (target or state, len(acting.acts))


def test_the_whole_checklist_has_a_result() -> None:
    acting = inspection("planned", "begun")
    with pytest.raises(Refused, match="2 lines; the results given are 1"):
        acting.do("found", {"results": RESULTS[:1], "findings": []})
    found = acting.do("found", PAYLOADS["found"])
    assert [(line.text, line.result, line.remark) for line in found.checklist] == [
        ("marks are legible", "ok", ""),
        ("the store is locked", "fault", "no key"),
    ]
    assert found.findings == ("the store stood open",)


def test_a_measure_is_open_then_overdue_and_done_by_an_act() -> None:
    acting = inspection("planned", "begun", "found", "measures ordered")
    state = acting.do("measures ordered", {"measures": [MEASURE, MEASURE]})
    assert [measure.number for measure in state.measures] == [1, 2, 3]
    end = START + 10 * DAY
    measure = state.measures[0]
    assert measure.state_at(end - timedelta(microseconds=1)) == "open"
    assert measure.state_at(end) == "overdue"
    acting.now = end + DAY
    with pytest.raises(Refused, match="deadline of measure 4 lies in the past"):
        acting.do("measures ordered", PAYLOADS["measures ordered"])
    with pytest.raises(Conflict, match="measures 1, 2, 3 are not done"):
        acting.do("closed")
    with pytest.raises(NotFound):
        acting.do("measure done", {"measure": 4, "remark": "seen"})
    done = acting.do("measure done", {"measure": 1, "remark": "seen, late"})
    assert [m.state_at(acting.now) for m in done.measures] == ["done", "overdue", "overdue"]
    with pytest.raises(Conflict, match="done already"):
        acting.do("measure done", {"measure": 1, "remark": "again"})
    for number in (2, 3):
        acting.do("measure done", {"measure": number, "remark": "seen"})
    assert acting.do("closed").ended == acting.now


def test_nobody_is_warned_of_an_unannounced_inspection() -> None:
    acting = inspection("planned")
    assert acting.state is not None
    assert not acting.state.is_known_to_the_entity
    assert acting.do("begun").is_known_to_the_entity
    never = inspection("planned", "cancelled")
    assert never.state is not None
    assert not never.state.is_known_to_the_entity
    announced = Acting("inspection", apply)
    assert announced.do("planned", PLANNED | {"kind": "planned"}).is_known_to_the_entity


def test_requests_that_are_not_well_formed() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"inspectors": []},
        {"kind": "nightly"},
        {"checklist": [""]},
        {"deadline": 7},
    )
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            NewInspection.model_validate(PLANNED | wrong)
    with pytest.raises(ValidationError):
        NewMeasures.model_validate({"reason": "x", "measures": []})
