"""The register of the excluded over HTTP, and the decisions on names that are alike."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from central.access.roles import Right
from central.api.desk import AtDesk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, where
from central.api.proposals import PROPOSED, ProposalView, propose
from central.queries.paging import Page
from central.register.asked import WithReason
from central.register.exclusions import screening, service
from central.register.exclusions.models import (
    AmendedExclusion,
    Decision,
    EnteredExclusion,
    ExclusionState,
    Ground,
    ScreeningState,
)
from central.register.exclusions.rules import EXCLUSION, SCREENING, Exclusion, Screening
from central.register.proposals.service import Wanted

api = APIRouter(tags=["exclusions"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "name",
    "-name",
    "kind",
    "-kind",
    "ground",
    "-ground",
    "state",
    "-state",
    "valid_from",
    "-valid_from",
    "valid_until",
    "-valid_until",
]
_ScreeningSort = Literal[
    "entity",
    "-entity",
    "exclusion",
    "-exclusion",
    "entity_name",
    "-entity_name",
    "exclusion_name",
    "-exclusion_name",
    "state",
    "-state",
]
_Number = Annotated[str, Path(max_length=60, examples=["X-2026-3"])]
_Entity = Annotated[str, Path(max_length=60, examples=["KMP"])]
_Filter = Annotated[str | None, Query(max_length=60)]


@api.get("/exclusions", response_model=Page[Exclusion], **needs(Right.READ_EXCLUSIONS))
def all_exclusions(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: ExclusionState | None = None,
    ground: Ground | None = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[Exclusion]:
    with desk.looking() as connection:
        conditions = where(EXCLUSION, state=state, ground=ground)
        return listed(connection, EXCLUSION, limit, cursor, *conditions, sort=sort)


@api.get("/exclusions/{number}", response_model=Exclusion, **needs(Right.READ_EXCLUSIONS))
def one_exclusion(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        return desk.tell(EXCLUSION.require(connection, number))


@api.post(
    "/exclusions", status_code=202, response_model=ProposalView, **needs(Right.CHANGE_EXCLUSIONS)
)
def enter(asked: EnteredExclusion, desk: AtDesk) -> Response:
    """In force, it stops licences, orders and marking of whoever has its tax number or NCAGE. It is
    proposed, and a second person confirms it."""
    return propose(desk, Wanted("exclusion", asked.number, asked))


@api.post(
    "/exclusions/{number}/amend",
    status_code=202,
    response_model=ProposalView,
    **needs(Right.CHANGE_EXCLUSIONS),
)
def amend(number: _Number, asked: AmendedExclusion, desk: AtDesk) -> Response:
    """What is left out is gone: the number alone stays. It may exclude others by it, and so is
    proposed, and a second person confirms it."""
    return propose(desk, Wanted("exclusion-amendment", number, asked))


@api.post("/exclusions/{number}/lift", response_model=Exclusion, **needs(Right.CHANGE_EXCLUSIONS))
def lift(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """For good: whoever is excluded again is so under another number."""
    return desk.act(lambda work: service.lift(work, number, asked.why))


@api.get("/screenings", response_model=Page[Screening], **needs(Right.READ_EXCLUSIONS))
def all_screenings(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: ScreeningState | None = None,
    entity: _Filter = None,
    exclusion: _Filter = None,
    sort: Annotated[_ScreeningSort, SORT] = "entity",
) -> Page[Screening]:
    """Undecided ones are those of exclusions that are neither lifted nor over."""
    conditions = where(SCREENING, state=state, entity=entity, exclusion=exclusion)
    if state == "undecided":
        conditions.append(screening.still_asked())
    with desk.looking() as connection:
        return listed(connection, SCREENING, limit, cursor, *conditions, sort=sort)


@api.get(
    "/screenings/{entity}/{exclusion}", response_model=Screening, **needs(Right.READ_EXCLUSIONS)
)
def one_screening(entity: _Entity, exclusion: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        return desk.tell(SCREENING.require(connection, f"{entity}/{exclusion}"))


@api.post(
    "/screenings/{entity}/{exclusion}/decide",
    response_model=Screening,
    responses=PROPOSED,
    **needs(Right.DECIDE_SCREENINGS),
)
def decide(entity: _Entity, exclusion: _Number, asked: Decision, desk: AtDesk) -> Response:
    """By whoever sends it, and kept with their name; asked again when either name changes. `same`
    excludes the entity: it is proposed, and a second person confirms it."""
    if asked.verdict == "same":
        return propose(desk, Wanted("exclusion-by-name", f"{entity}/{exclusion}", asked))
    return desk.act(
        lambda work: screening.decide(work, entity, exclusion, asked.verdict, asked.why)
    )
