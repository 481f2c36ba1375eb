"""Inspections over HTTP: inspectors carry them out, an entity reads of its own."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import exists, or_

from central import schema
from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown, where
from central.errors import NotFound
from central.queries.paging import Page
from central.register.acts import By, Work
from central.register.asked import WithReason
from central.register.inspections import service
from central.register.inspections.models import (
    Done,
    Findings,
    InspectionKind,
    InspectionState,
    Measure,
    MeasureState,
    NewInspection,
    NewMeasures,
)
from central.register.inspections.rules import Inspection
from central.register.inspections.service import INSPECTION
from central.register.subject import no_such

api = APIRouter(prefix="/inspections", tags=["inspections"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "entity",
    "-entity",
    "site",
    "-site",
    "kind",
    "-kind",
    "state",
    "-state",
    "planned_for",
    "-planned_for",
    "ended",
    "-ended",
]
_Number = Annotated[str, Path(max_length=60, examples=["I-2026-003"])]
_Measure = Annotated[int, Path(ge=1, le=10_000)]
_Filter = Annotated[str | None, Query(max_length=60)]


class MeasureView(Measure):
    """A measure, and whether its time has run out."""

    state: Annotated[MeasureState, Field(description="at this moment")]


class InspectionView(Inspection):
    """An inspection, with its measures as they stand at this moment."""

    measures: tuple[MeasureView, ...]

    @classmethod
    def of_now(cls, inspection: Inspection) -> Self:
        now = datetime.now(UTC)
        measures = [
            each.model_dump() | {"state": each.state_at(now)} for each in inspection.measures
        ]
        return cls.model_validate({**inspection.model_dump(), "measures": measures})


_Told = InspectionView.of_now


@api.get("", response_model=Page[InspectionView], **needs(Right.READ_SUBJECTS))
def all_inspections(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    state: InspectionState | None = None,
    kind: InspectionKind | None = None,
    follows: _Filter = None,
    overdue: Annotated[
        bool, Query(description="only those with a measure that is overdue")
    ] = False,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[InspectionView]:
    """An entity sees nothing of an unannounced inspection before it has begun."""
    table, measure = schema.inspection, schema.measure
    conditions = where(INSPECTION, entity=entity, state=state, kind=kind, follows=follows)
    conditions += where(INSPECTION, entity=desk.by.entity)
    if desk.by.entity is not None:
        conditions.append(or_(table.c.kind == "planned", table.c.begun.is_not(None)))
    if overdue:
        late = (measure.c.done.is_(None), measure.c.deadline <= datetime.now(UTC))
        conditions.append(exists().where(measure.c.inspection == table.c.number, *late))
    with desk.looking() as connection:
        return shown(listed(connection, INSPECTION, limit, cursor, *conditions, sort=sort), _Told)


@api.get("/{number}", response_model=InspectionView, **needs(Right.READ_SUBJECTS))
def one_inspection(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        inspection = INSPECTION.require(connection, number)
    return desk.tell(_Told(_known(desk.by, inspection)))


@api.post("", status_code=201, response_model=InspectionView, **needs(Right.INSPECT))
def plan(asked: NewInspection, desk: AtDesk) -> Response:
    return desk.act(lambda work: _Told(service.plan(work, asked)), 201)


@api.post("/{number}/begin", response_model=InspectionView, **needs(Right.INSPECT))
def begin(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """From now on the entity sees it, announced or not."""
    return desk.act(lambda work: _Told(service.begin(work, number, asked.why)))


@api.post("/{number}/find", response_model=InspectionView, **needs(Right.INSPECT))
def find(number: _Number, asked: Findings, desk: AtDesk) -> Response:
    """The results of the whole checklist, and what was found."""
    return desk.act(lambda work: _Told(service.find(work, number, asked)))


@api.post("/{number}/measures", response_model=InspectionView, **needs(Right.INSPECT))
def order_measures(number: _Number, asked: NewMeasures, desk: AtDesk) -> Response:
    return desk.act(lambda work: _Told(service.order_measures(work, number, asked)))


@api.post(
    "/{number}/measures/{measure}/done", response_model=InspectionView, **needs(Right.INSPECT)
)
def end_measure(number: _Number, measure: _Measure, asked: Done, desk: AtDesk) -> Response:
    """An inspector has seen that it was carried out."""

    def done(work: Work) -> InspectionView:
        return _Told(service.end_measure(work, number, measure, asked))

    return desk.act(done)


@api.post("/{number}/close", response_model=InspectionView, **needs(Right.INSPECT))
def close(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """When every measure is done."""
    return desk.act(lambda work: _Told(service.close(work, number, asked.why)))


@api.post("/{number}/cancel", response_model=InspectionView, **needs(Right.INSPECT))
def cancel(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    return desk.act(lambda work: _Told(service.cancel(work, number, asked.why)))


def _known(by: By, inspection: Inspection) -> Inspection:
    if by.entity is not None and not inspection.is_known_to_the_entity:
        raise NotFound(no_such("inspection", inspection.number))
    return own(by, inspection, inspection.entity, "inspection", inspection.number)
