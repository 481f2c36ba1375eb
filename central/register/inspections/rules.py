"""The steps of an inspection, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from central.errors import Conflict, NotFound, Refused
from central.register.acts import Act
from central.register.inspections.models import (
    CheckLine,
    InspectionKind,
    InspectionState,
    Measure,
)
from central.register.subject import Row, held, impossible, new
from central.said import Word, counting, said

STEPS: Mapping[str, tuple[tuple[InspectionState | None, ...], InspectionState | None]] = {
    "planned": ((None,), "planned"),
    "begun": (("planned",), "begun"),
    "found": (("begun",), "found"),
    "measures ordered": (("found",), None),
    "measure done": (("found",), None),
    "closed": (("found",), "closed"),
    "cancelled": (("planned", "begun"), "cancelled"),
}
"""By act: the states that it leads from (None: there is none), and the state that it leads to
(None: the same). It is closed when every measure is done."""


STATE = "inspections state"
"""What kind of word its state is: it has something found, and is not itself found."""


class Inspection(Row):
    """An inspection as the register holds it. `reason` is that of the last change."""

    number: str
    entity: str
    site: str | None
    kind: InspectionKind
    planned_for: datetime
    inspectors: tuple[str, ...]
    checklist: tuple[CheckLine, ...]
    follows: str | None
    state: InspectionState
    reason: str
    begun: datetime | None = None
    ended: datetime | None = None
    findings: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    created: datetime

    @property
    def is_known_to_the_entity(self) -> bool:
        """Nobody is told of an unannounced inspection before it has begun."""
        return self.kind == "planned" or self.begun is not None


def apply(state: Inspection | None, act: Act) -> Inspection:
    """Raises `Conflict` where that step does not exist; `Refused`, `NotFound`."""
    origins, target = STEPS[act.what]
    if act.what == "planned":
        new("inspection", state, act)
        lines = [{"text": text} for text in act.payload["checklist"]]
        return Inspection.of(
            act, state="planned", reason=act.reason, created=act.at, checklist=lines
        )
    inspection = held("inspection", state, act)
    if inspection.state not in origins:
        raise Conflict(impossible("inspection", act.key, Word(inspection.state, STATE), act.what))
    changed = {"state": target or inspection.state, **_changes(inspection, act)}
    return Inspection.model_validate(
        {**inspection.model_dump(), **changed, "reason": act.reason, "version": act.id}
    )


def _changes(inspection: Inspection, act: Act) -> dict[str, Any]:
    match act.what:
        case "begun":
            return {"begun": act.at}
        case "found":
            return _found(inspection, act)
        case "measures ordered":
            return _ordered(inspection, act)
        case "measure done":
            return _done(inspection, act)
        case "closed":
            left = [str(measure.number) for measure in inspection.measures if not measure.done]
            if left:
                raise Conflict(
                    said(
                        "inspection {number}: measures {measures} are not done",
                        number=act.key,
                        measures=", ".join(left),
                    )
                )
            return {"ended": act.at}
        case "cancelled":
            return {"ended": act.at}
    return {}


def _found(inspection: Inspection, act: Act) -> dict[str, Any]:
    results = act.payload["results"]
    if len(results) != len(inspection.checklist):
        raise Refused(
            counting(
                len(inspection.checklist),
                "the checklist of {number} has {n} line; the results given are {results}",
                "the checklist of {number} has {n} lines; the results given are {results}",
                number=act.key,
                results=len(results),
            )
        )
    lines = [
        {"text": line.text, **result}
        for line, result in zip(inspection.checklist, results, strict=True)
    ]
    return {"checklist": lines, "findings": act.payload["findings"]}


def _ordered(inspection: Inspection, act: Act) -> dict[str, Any]:
    first = len(inspection.measures) + 1
    fresh = [
        Measure.model_validate({"number": number, **asked})
        for number, asked in enumerate(act.payload["measures"], first)
    ]
    past = [str(measure.number) for measure in fresh if measure.deadline <= act.at]
    if past:
        raise Refused(
            said("the deadline of measure {measures} lies in the past", measures=", ".join(past))
        )
    return {"measures": [*inspection.measures, *fresh]}


def _done(inspection: Inspection, act: Act) -> dict[str, Any]:
    number = act.payload["measure"]
    measure = next((each for each in inspection.measures if each.number == number), None)
    if measure is None:
        raise NotFound(
            said("inspection {number} has no measure {measure}", number=act.key, measure=number)
        )
    if measure.done is not None:
        raise Conflict(
            said(
                "measure {measure} of inspection {number} is done already",
                measure=number,
                number=act.key,
            )
        )
    done = measure.model_copy(update={"done": act.at, "remark": act.payload["remark"]})
    return {"measures": [done if each is measure else each for each in inspection.measures]}
