"""An inspection as it is asked for, step by step."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from central.register.asked import Asked, Code, Name, WithReason
from central.register.licences.terms import Line
from central.register.times import Moment

InspectionKind = Literal["planned", "unannounced"]
InspectionState = Literal["planned", "begun", "found", "closed", "cancelled"]
Result = Literal["ok", "fault", "not-applicable"]
MeasureState = Literal["open", "done", "overdue"]
Remark = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class NewInspection(Asked):
    """`site`: a place of the entity, of whatever kind. `checklist`: what will be looked at, a line
    each.

    `follows`: the inspection whose measures it looks at again.
    """

    number: Code
    entity: Code
    site: Code | None = None
    kind: InspectionKind
    planned_for: Moment
    inspectors: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    checklist: Annotated[tuple[Line, ...], Field(max_length=200)] = ()
    follows: Code | None = None


class Checked(Asked):
    """What came of a line of the checklist; `remark` in words."""

    result: Result
    remark: Remark = ""


class Findings(Asked):
    """`results`: one for each line of the checklist, in its order. `findings`: in words."""

    results: Annotated[tuple[Checked, ...], Field(max_length=200)]
    findings: Annotated[tuple[Line, ...], Field(max_length=100)] = ()


class NewMeasure(Asked):
    """What the entity has to do, until when."""

    text: Line
    deadline: Moment


class NewMeasures(WithReason):
    """`basis`: the legal basis that they are ordered on."""

    measures: Annotated[tuple[NewMeasure, ...], Field(min_length=1, max_length=50)]


class CheckLine(BaseModel):
    """A line of the checklist; `result` is null until it was looked at."""

    text: str
    result: Result | None = None
    remark: str = ""


class Measure(BaseModel):
    """A measure that was ordered. `done`: when it was, as an inspector says."""

    number: int
    text: str
    deadline: datetime
    done: datetime | None = None
    remark: str = ""

    def state_at(self, now: datetime) -> MeasureState:
        """Overdue by the clock: no act."""
        if self.done is not None:
            return "done"
        return "open" if now < self.deadline else "overdue"


class Done(Asked):
    """How an inspector knows that a measure was carried out."""

    remark: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
