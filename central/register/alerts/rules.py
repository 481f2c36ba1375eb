"""The steps of an alert, and the state that follows from each act. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from central.errors import Conflict
from central.register.acts import Act
from central.register.alerts.models import About, AlertState, RuleCode, Severity
from central.register.subject import Row, held, impossible, new

STEPS: Mapping[str, tuple[tuple[AlertState | None, ...], AlertState]] = {
    "raised": ((None,), "raised"),
    "escalated": (("raised", "escalated"), "escalated"),
    "acknowledged": (("raised", "escalated"), "acknowledged"),
    "resolved": (("raised", "escalated", "acknowledged"), "resolved"),
}
"""By act: the states that it leads from (None: there is none), and the state that it leads to."""


class Alert(Row):
    """An alert as the register holds it. `reason` is that of the last change.

    `facts`: what it was judged by. `opened`: the act that raised it. `escalations`: to how many
    further circles it was told because nobody had acknowledged it.
    """

    number: str
    rule: RuleCode
    severity: Severity
    about: About
    subject: str
    cause: str
    facts: Mapping[str, Any]
    state: AlertState
    reason: str = ""
    opened: int
    raised: datetime
    escalations: int = 0
    acknowledged: datetime | None = None
    acknowledged_by: str | None = None
    resolved: datetime | None = None
    resolved_by: str | None = None


def apply(state: Alert | None, act: Act) -> Alert:
    """Raises `Conflict` where that step does not exist, or `NotFound`."""
    origins, target = STEPS[act.what]
    if act.what == "raised":
        new("alert", state, act)
        return Alert.of(act, number=act.key, state=target, opened=act.id, raised=act.at)
    alert = held("alert", state, act)
    if alert.state not in origins:
        raise Conflict(impossible("alert", act.key, alert.state, act.what))
    change: dict[str, object] = {"state": target, "reason": act.reason, "version": act.id}
    match act.what:
        case "escalated":
            change["escalations"] = alert.escalations + 1
        case "acknowledged" | "resolved":
            change |= {act.what: act.at, f"{act.what}_by": act.payload["by"]}
    return alert.model_copy(update=change)
