"""The steps of a proposal, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from central.errors import Forbidden, ProposalOver, SamePerson
from central.register.acts import Act
from central.register.exclusions.names import fold
from central.register.proposals.models import Effect, ProposalKind, ProposalState
from central.register.subject import Row, held, impossible, new
from central.said import said

STEPS: Mapping[str, tuple[tuple[ProposalState | None, ...], ProposalState]] = {
    "proposed": ((None,), "open"),
    "confirmed": (("open",), "confirmed"),
    "declined": (("open",), "declined"),
    "withdrawn": (("open",), "withdrawn"),
}
"""By act: the states that it leads from (None: there is none), and the one that it leads to. An
open one whose time has run out is expired by the clock: no act."""


Somebody: TypeAlias = tuple[str, str]
"""An account, and whose it is."""


class Proposal(Row):
    """A proposal as the register holds it. `account` proposes it in `role`, for `entity` where that
    reaches no further; `payload` is what is carried out when another person confirms it."""

    number: str
    kind: ProposalKind
    key: str
    payload: Mapping[str, Any]
    effect: Effect
    account: str
    person: str
    role: str
    entity: str | None
    state: Literal["open", "confirmed", "declined", "withdrawn"]
    until: datetime
    created: datetime
    decided: datetime | None = None
    decided_by: str = ""
    remark: str = ""

    def at(self, now: datetime) -> ProposalState:
        """Its state by the clock."""
        return "expired" if self.state == "open" and now >= self.until else self.state

    def is_of(self, account: str, person: str) -> bool:
        """Whether who proposes it is that person: by the account, or by the name of whose it is."""
        return is_one((account, person), (self.account, self.person))


def is_one(one: Somebody, other: Somebody) -> bool:
    """Whether two are the same person: a second account of somebody's is no second person."""
    return one[0] == other[0] or fold(one[1]) == fold(other[1])


def apply(state: Proposal | None, act: Act) -> Proposal:
    """Raises `NotFound`, `ProposalOver`; `SamePerson` where one person would be both, `Forbidden`
    where another withdraws it."""
    if act.what == "proposed":
        new("proposal", state, act)
        return Proposal.of(act, state="open", created=act.at)
    proposal = held("proposal", state, act)
    origins, target = STEPS[act.what]
    now = proposal.at(act.at)
    if now not in origins:
        raise ProposalOver(impossible("proposal", act.key, now, act.what))
    by = act.payload["by"]
    theirs = proposal.is_of(by, act.payload["person"])
    if act.what == "withdrawn" and not theirs:
        raise Forbidden(
            said("{account} alone withdraws {key}", account=proposal.account, key=act.key)
        )
    if act.what != "withdrawn" and theirs:
        raise SamePerson(
            said("{by} proposed {key}, or is the same person as who did", by=by, key=act.key)
        )
    return proposal.model_copy(
        update={
            "state": target,
            "decided": act.at,
            "decided_by": by,
            "remark": act.payload["remark"],
            "version": act.id,
        }
    )
