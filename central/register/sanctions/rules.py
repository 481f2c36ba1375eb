"""The steps of a sanction, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime

from central.errors import Conflict
from central.register.acts import Act
from central.register.sanctions.models import SanctionKind, SanctionState
from central.register.subject import Row, held, impossible, new
from central.said import said

STEPS: Mapping[str, tuple[tuple[SanctionState | None, ...], SanctionState]] = {
    "imposed": ((None,), "imposed"),
    "lifted": (("imposed",), "lifted"),
}
"""By act: the states that it leads from (None: there is none), and the one that it leads to. A
revocation is for good: it is not lifted. Where an exclusion is, the licences that it revoked stay
revoked."""


class Sanction(Row):
    """A sanction as the register holds it. `licences`: those that it suspended or revoked.

    `reason` is that of the last change; `basis` that of its imposition.
    """

    number: str
    entity: str
    kind: SanctionKind
    inspection: str | None
    amount: int | None
    currency: str | None
    licences: tuple[str, ...]
    until: datetime | None
    basis: str
    state: SanctionState
    reason: str
    imposed: datetime
    lifted: datetime | None = None


def apply(state: Sanction | None, act: Act) -> Sanction:
    """Raises `Conflict` where that step does not exist, or `NotFound`."""
    if act.what == "imposed":
        new("sanction", state, act)
        return Sanction.of(act, state="imposed", reason=act.reason, imposed=act.at)
    sanction = held("sanction", state, act)
    origins, target = STEPS[act.what]
    if sanction.state not in origins:
        raise Conflict(impossible("sanction", act.key, sanction.state, act.what))
    if sanction.kind == "revocation":
        raise Conflict(said("a revoked licence comes back only as a new one"))
    return sanction.model_copy(
        update={"state": target, "reason": act.reason, "lifted": act.at, "version": act.id}
    )
