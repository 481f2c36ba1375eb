"""An alert's life from act to act, and how long a message waits. Pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alerts.outbox import FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS, wait
from central.errors import Conflict, NotFound
from central.register.acts import Act
from central.register.alerts.rules import STEPS, Alert, apply

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
RAISED = {
    "rule": "duplicate",
    "severity": "critical",
    "about": "item",
    "subject": "U1",
    "cause": "g/1/7",
    "facts": {"record": "g/1/7", "detail": "claimed before"},
}


def act(id_: int, what: str) -> Act:
    payload = RAISED if what == "raised" else {"by": "arben.hoxha"}
    return Act(id_, NOW + timedelta(minutes=id_), "alert", "duplicate-1", what, payload, "why")


def after(*what: str) -> Alert:
    alert = None
    for id_, each in enumerate(what, 1):
        alert = apply(alert, act(id_, each))
    assert alert is not None
    return alert


def test_it_is_taken_on_and_resolved_by_name() -> None:
    alert = after("raised", "acknowledged", "resolved")
    assert (alert.state, alert.opened, alert.version) == ("resolved", 1, 3)
    assert (alert.acknowledged_by, alert.resolved_by) == ("arben.hoxha", "arben.hoxha")
    assert alert.acknowledged == NOW + timedelta(minutes=2)
    assert alert.facts == RAISED["facts"]


def test_it_is_escalated_while_nobody_takes_it_on() -> None:
    alert = after("raised", "escalated", "escalated")
    assert (alert.state, alert.escalations) == ("escalated", 2)
    with pytest.raises(Conflict, match="it cannot be escalated"):
        after("raised", "acknowledged", "escalated")


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_only_the_tables_steps_lead_on(what: list[str]) -> None:
    state, alert = None, None
    for id_, each in enumerate(what, 1):
        origins, target = STEPS[each]
        if state in origins:
            alert = apply(alert, act(id_, each))
            state = target
            assert alert.state == state
        else:
            with pytest.raises((Conflict, NotFound)):
                apply(alert, act(id_, each))


def test_a_message_is_tried_for_two_days_ever_more_rarely() -> None:
    waits = [wait(attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (FIRST_WAIT, LONGEST_WAIT)
    assert timedelta(days=2) < sum(waits[:-1], timedelta()) < timedelta(days=3)
