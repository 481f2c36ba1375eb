"""The acts on an inspection."""

from central import schema
from central.errors import Refused
from central.register.acts import Why, Work
from central.register.inspections.models import Done, Findings, NewInspection, NewMeasures
from central.register.inspections.rules import Inspection, apply
from central.register.places.service import require_of
from central.register.subject import Part, Subject
from central.said import said

INSPECTION = Subject(
    "inspection",
    schema.inspection,
    Inspection,
    apply,
    key=("number",),
    parts={"measures": Part(schema.measure, "inspection")},
)


def plan(work: Work, asked: NewInspection) -> Inspection:
    """Raises `NotFound`, `Refused` or `Conflict`."""
    if asked.follows is not None:
        former = INSPECTION.require(work.connection, asked.follows)
        if former.entity != asked.entity:
            raise Refused(
                said(
                    "inspection {number} was one of {entity}",
                    number=former.number,
                    entity=former.entity,
                )
            )
    if asked.site is not None:
        require_of(work, asked.entity, [asked.site])
    return work.act(INSPECTION, asked.number, "planned", asked.model_dump(mode="json"))


def begin(work: Work, number: str, why: Why) -> Inspection:
    """Raises `NotFound` or `Conflict`."""
    return work.act(INSPECTION, number, "begun", why=why, expects=True)


def find(work: Work, number: str, asked: Findings) -> Inspection:
    """Raises `NotFound`, `Refused` or `Conflict`."""
    return work.act(INSPECTION, number, "found", asked.model_dump(mode="json"), expects=True)


def order_measures(work: Work, number: str, asked: NewMeasures) -> Inspection:
    """Raises `NotFound`, `Refused` or `Conflict`."""
    payload = asked.model_dump(mode="json", include={"measures"})
    return work.act(INSPECTION, number, "measures ordered", payload, why=asked.why, expects=True)


def end_measure(work: Work, number: str, measure: int, asked: Done) -> Inspection:
    """Raises `NotFound` or `Conflict`."""
    payload = {"measure": measure, "remark": asked.remark}
    return work.act(INSPECTION, number, "measure done", payload, expects=True)


def close(work: Work, number: str, why: Why) -> Inspection:
    """Raises `NotFound` or `Conflict`, also where a measure is not done."""
    return work.act(INSPECTION, number, "closed", why=why, expects=True)


def cancel(work: Work, number: str, why: Why) -> Inspection:
    """Raises `NotFound` or `Conflict`."""
    return work.act(INSPECTION, number, "cancelled", why=why, expects=True)
