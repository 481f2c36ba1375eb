"""Proposals over HTTP: what needs a second person, and that person's word.

return propose(desk, Wanted("licence-revocation", number, asked))   # answers 202
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import ColumnElement, Connection

from central.access.deciding import RIGHT_OF, may_decide, may_withdraw
from central.access.own import also, own
from central.access.roles import Right
from central.access.tokens import Bearer
from central.api.desk import AtDesk, Desk, Guarded, needs
from central.api.listing import SORT, Cursor, Limit, listed, shown, where
from central.errors import SessionNeeded
from central.queries.paging import Page
from central.register.acts import Work
from central.register.asked import WithReason
from central.register.proposals import service
from central.register.proposals.kinds import KINDS, Asked
from central.register.proposals.models import (
    Confirmation,
    Effect,
    ProposalKind,
    ProposalState,
)
from central.register.proposals.rules import Proposal, Somebody
from central.register.proposals.service import PROPOSAL, Wanted
from central.register.subject import Row
from central.said import said

api = APIRouter(prefix="/proposals", tags=["proposals"], route_class=Guarded)
_Sort = Literal[
    "number",
    "-number",
    "kind",
    "-kind",
    "key",
    "-key",
    "person",
    "-person",
    "until",
    "-until",
]
_Number = Annotated[str, Path(max_length=60, examples=["PR-2026-0007"])]
_Filter = Annotated[str | None, Query(max_length=120)]


class ProposalView(Row):
    """What somebody proposes, and what became of that. `asked` is carried out as it stands here
    when another person confirms it; `effect` is what it did when it was tried."""

    number: str
    kind: ProposalKind
    key: Annotated[str, Field(description="what it is about, as acts name that")]
    state: ProposalState
    account: str
    person: str
    entity: str | None
    created: datetime
    until: datetime
    decided: datetime | None
    decided_by: str
    remark: str
    yours: Annotated[bool, Field(description="whether the caller proposes it, and may withdraw it")]
    for_you: Annotated[bool, Field(description="whether the caller may confirm or decline it")]
    effect: Effect
    asked: Asked

    @classmethod
    def to(cls, who: Bearer, proposal: Proposal, changers: Sequence[Somebody] = ()) -> Self:
        """As it stands now, for who asks. `changers`: who changed their account, where it may be
        theirs to decide."""
        state = proposal.at(datetime.now(UTC))
        known: dict[str, Any] = proposal.model_dump(exclude={"payload", "role", "state", "effect"})
        return cls(
            **known,
            state=state,
            effect=proposal.effect,
            asked=KINDS[proposal.kind].asked.model_validate(proposal.payload),
            yours=state == "open" and may_withdraw(proposal, who),
            for_you=state == "open" and may_decide(proposal, who, changers),
        )


PROPOSED: dict[int | str, dict[str, Any]] = {
    202: {"model": ProposalView, "description": "It needs a second person, and is proposed"}
}
"""For a route that does some of what it is asked at once, and proposes the rest."""


def propose(desk: Desk, wanted: Wanted) -> Response:
    """In the place of doing it: 202, and the proposal."""

    def proposed(work: Work) -> ProposalView:
        return ProposalView.to(desk.bearer, service.propose(work, wanted))

    return desk.act(proposed, 202)


@api.get("", response_model=Page[ProposalView], **needs(Right.READ_PROPOSALS))
def all_proposals(
    desk: AtDesk,
    limit: Limit = 100,
    cursor: Cursor = None,
    state: ProposalState | None = None,
    kind: ProposalKind | None = None,
    key: _Filter = None,
    account: _Filter = None,
    sort: Annotated[_Sort, SORT] = "number",
) -> Page[ProposalView]:
    """Who acts for an entity sees what was proposed for it."""
    conditions = where(PROPOSAL, kind=kind, key=key, account=account, entity=desk.by.entity)
    if state is not None:
        conditions += _in_state(state)
    with desk.looking() as connection:
        found = listed(connection, PROPOSAL, limit, cursor, *conditions, sort=sort)
        changers = service.changers(connection, desk.bearer.account)
    return shown(found, lambda each: ProposalView.to(desk.bearer, each, changers))


@api.get("/{number}", response_model=ProposalView, **needs(Right.READ_PROPOSALS))
def one_proposal(number: _Number, desk: AtDesk) -> Response:
    with desk.looking() as connection:
        found = _theirs(connection, desk, number)
        changers = service.changers(connection, desk.bearer.account)
        return desk.tell(ProposalView.to(desk.bearer, found, changers))


@api.post("/{number}/confirm", response_model=ProposalView, **needs(Right.DECIDE_PROPOSALS))
def confirm(number: _Number, asked: Confirmation, desk: AtDesk) -> Response:
    """It is carried out at once, unless what it rests on has changed (`proposal-stale`). Another
    person than who proposed it, signed in, in a role that may do what is proposed, whose account
    nobody changed lately who is who proposed it."""

    def confirmed(work: Work) -> ProposalView:
        _second_person(work.connection, desk, number)
        return ProposalView.to(desk.bearer, service.confirm(work, number, asked.remark))

    return desk.act(confirmed)


@api.post("/{number}/decline", response_model=ProposalView, **needs(Right.DECIDE_PROPOSALS))
def decline(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """By whoever might confirm it."""

    def declined(work: Work) -> ProposalView:
        _second_person(work.connection, desk, number)
        return ProposalView.to(desk.bearer, service.decline(work, number, asked.why))

    return desk.act(declined)


@api.post("/{number}/withdraw", response_model=ProposalView, **needs(Right.DECIDE_PROPOSALS))
def withdraw(number: _Number, asked: WithReason, desk: AtDesk) -> Response:
    """By who proposed it."""

    def withdrawn(work: Work) -> ProposalView:
        _theirs(work.connection, desk, number)
        return ProposalView.to(desk.bearer, service.withdraw(work, number, asked.why))

    return desk.act(withdrawn)


def _theirs(connection: Connection, desk: Desk, number: str) -> Proposal:
    found = PROPOSAL.require(connection, number)
    return own(desk.by, found, found.entity, "proposal", number)


def _second_person(connection: Connection, desk: Desk, number: str) -> None:
    """Raises `NotFound`, `Forbidden`, or `SessionNeeded` for a token that was issued."""
    found = _theirs(connection, desk, number)
    also(desk.by, RIGHT_OF[found.kind])
    if not desk.bearer.in_session:
        raise SessionNeeded(said("whoever holds a token that was issued is not known in person"))


def _in_state(state: ProposalState) -> list[ColumnElement[bool]]:
    table, now = PROPOSAL.table, datetime.now(UTC)
    match state:
        case "open":
            return [table.c.state == "open", table.c.until > now]
        case "expired":
            return [table.c.state == "open", table.c.until <= now]
    return [table.c.state == state]
