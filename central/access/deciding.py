"""Who may be the second person of a proposal, and how many wait for somebody."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from central import schema
from central.access.roles import RIGHTS, Right, Scope
from central.access.tokens import Bearer
from central.register.proposals.models import ProposalKind
from central.register.proposals.rules import Proposal, Somebody, is_one
from central.register.proposals.service import changers

RIGHT_OF: Mapping[ProposalKind, Right] = {
    "licence-revocation": Right.DECIDE_LICENCES,
    "exclusion": Right.CHANGE_EXCLUSIONS,
    "exclusion-amendment": Right.CHANGE_EXCLUSIONS,
    "exclusion-by-name": Right.DECIDE_SCREENINGS,
    "sanction": Right.IMPOSE_SANCTIONS,
    "destruction": Right.REPORT_EVENTS,
    "settlement": Right.SETTLE_ARTICLES,
    "fork-settlement": Right.SETTLE_ARTICLES,
}
"""What who proposes it needs, and who confirms it."""


def may_withdraw(proposal: Proposal, who: Bearer) -> bool:
    """Whether they are who proposed it, in a role that has a word on it."""
    reaches = _reaches(who, Right.DECIDE_PROPOSALS, proposal.entity)
    return reaches and proposal.is_of(who.account, who.person)


def may_decide(proposal: Proposal, who: Bearer, changers: Iterable[Somebody]) -> bool:
    """Whether they may be its second person: signed in, in a role that may do it, as far as that
    reaches, and somebody else than who proposed it. `changers`: who changed their account."""
    rights = (Right.DECIDE_PROPOSALS, RIGHT_OF[proposal.kind])
    if not (who.in_session and all(_reaches(who, each, proposal.entity) for each in rights)):
        return False
    return not any(proposal.is_of(*each) for each in ((who.account, who.person), *changers))


def waiting_for(connection: Connection, who: Bearer) -> int:
    """How many open proposals they may confirm or decline."""
    if not who.in_session or who.role not in RIGHTS[Right.DECIDE_PROPOSALS]:
        return 0
    table = schema.proposal
    # How names are compared the database does not know: it counts by who proposes.
    rows = connection.execute(
        select(table.c.account, table.c.person, func.count())
        .where(
            table.c.state == "open",
            table.c.until > datetime.now(UTC),
            or_(*(_within(who, kind, right) for kind, right in RIGHT_OF.items())),
        )
        .group_by(table.c.account, table.c.person)
    ).all()
    if not rows:
        return 0
    not_theirs = [(who.account, who.person), *changers(connection, who.account)]
    return sum(
        count
        for account, person, count in rows
        if not any(is_one((account, person), each) for each in not_theirs)
    )


def _reaches(who: Bearer, right: Right, entity: str | None) -> bool:
    scope = RIGHTS[right].get(who.role)
    return scope is Scope.ALL or (scope is Scope.OWN and who.entity == entity)


def _within(who: Bearer, kind: ProposalKind, right: Right) -> ColumnElement[bool]:
    """The proposals of a kind that their role reaches."""
    table = schema.proposal
    scopes = {RIGHTS[each].get(who.role) for each in (right, Right.DECIDE_PROPOSALS)}
    if None in scopes:
        return false()
    ours = true() if Scope.OWN not in scopes else table.c.entity == who.entity
    return and_(table.c.kind == kind, ours)
