"""Who may be the second person of a proposal, and how many wait for somebody."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from central import schema
from central.access.roles import RIGHTS, Right, Scope
from central.access.tokens import Bearer
from central.register.proposals.models import ProposalKind
from central.register.proposals.rules import Proposal

RIGHT_OF: Mapping[ProposalKind, Right] = {
    "licence-revocation": Right.DECIDE_LICENCES,
    "exclusion": Right.CHANGE_EXCLUSIONS,
    "exclusion-amendment": Right.CHANGE_EXCLUSIONS,
    "exclusion-by-name": Right.DECIDE_SCREENINGS,
    "sanction": Right.IMPOSE_SANCTIONS,
    "destruction": Right.REPORT_EVENTS,
    "settlement": Right.SETTLE_ARTICLES,
}
"""What who proposes it needs, and who confirms it."""


def may_decide(proposal: Proposal, who: Bearer) -> bool:
    """Whether they may be its second person: in a role that may do it, as far as that reaches, and
    somebody else than who proposed it."""
    scope = RIGHTS[RIGHT_OF[proposal.kind]].get(who.role)
    if scope is None or (scope is Scope.OWN and who.entity != proposal.entity):
        return False
    return not proposal.is_of(who.account, who.person)


def waiting_for(connection: Connection, who: Bearer) -> int:
    """How many open proposals they may confirm or decline."""
    if who.role not in RIGHTS[Right.DECIDE_PROPOSALS]:
        return 0
    table = schema.proposal
    rows = connection.execute(
        select(table).where(table.c.state == "open", table.c.until > datetime.now(UTC))
    )
    return sum(may_decide(Proposal.model_validate(row), who) for row in rows)
