"""Sanctions over HTTP: the registry imposes and lifts them, an entity reads its own."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.own import own
from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.api.proposals import PROPOSED, propose
from central.queries.paging import Page
from central.register.asked import WithReason
from central.register.proposals.service import Wanted
from central.register.sanctions import service
from central.register.sanctions.models import (
    FOR_GOOD,
    NewSanction,
    SanctionKind,
    SanctionState,
)
from central.register.sanctions.rules import Sanction
from central.register.sanctions.service import SANCTION

api = APIRouter(prefix="/sanctions", tags=["sanctions"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "entity",
    "-entity",
    "kind",
    "-kind",
    "state",
    "-state",
    "inspection",
    "-inspection",
    "amount",
    "-amount",
]
_Number = Annotated[str, Path(max_length=60, examples=["S-2026-002"])]
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("", response_model=Page[Sanction], **needs(Right.READ_SUBJECTS))
def all_sanctions(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    entity: _Filter = None,
    inspection: _Filter = None,
    kind: SanctionKind | None = None,
    state: SanctionState | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[Sanction]:
    conditions = where(SANCTION, entity=entity, inspection=inspection, kind=kind, state=state)
    conditions += where(SANCTION, entity=desk.by.entity)
    with desk.looking() as connection:
        return listed(connection, SANCTION, limit, cursor, *conditions, sort=sort)


@api.get("/{number}", response_model=Sanction, **needs(Right.READ_SUBJECTS))
def one_sanction(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        sanction = SANCTION.require(connection, number)
    return desk.tell(own(desk.by, sanction, sanction.entity, "sanction", number))


@api.post(
    "",
    status_code=201,
    response_model=Sanction,
    responses=PROPOSED,
    **needs(Right.IMPOSE_SANCTIONS),
)
def impose(asked: NewSanction, desk: AtDesk) -> Response:
    """A suspension is at once that of the licences. A revocation and an exclusion are proposed, and
    a second person confirms them with all that they do."""
    if asked.kind in FOR_GOOD:
        return propose(desk, Wanted("sanction", asked.number, asked))
    return desk.act(lambda work: service.impose(work, asked), 201)


@api.post("/{number}/lift", response_model=Sanction, **needs(Right.IMPOSE_SANCTIONS))
def lift(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """What it suspended is reinstated, and nothing else."""
    return desk.act(lambda work: service.lift(work, number, asked.why))
