"""What a plan says where its order's entity, or the place of its gateway, is closed or excluded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from central.plan.compile import compile_plan
from central.plan.facts import Decision, Facts, Limits, Member
from central.register.entities.standing import CLEAR, Excluding, Standing
from tests.central.floor import START, Floor

HOUR = timedelta(hours=1)
LINE = "gramsh.line-1"


def floor() -> Floor:
    found = Floor(("receiver",), {LINE: Member(LINE)}, "each", 20, Limits(8 * HOUR, 10))
    found.compile(LINE)
    found.accept(LINE)
    found.report(LINE)
    return found


def compiled(
    standing: Standing = CLEAR,
    *,
    place_active: bool = True,
    licence: str = "active",
    held: bool = False,
    after: timedelta = timedelta(0),
) -> tuple[Facts, Decision]:
    facts = floor().facts(LINE)
    (order,) = facts.orders
    order = replace(
        order,
        standing=standing,
        state="paused" if held else "released",
        licence=replace(order.licence, state=licence),
    )
    facts = replace(facts, orders=(order,), place_active=place_active, now=facts.now + after)
    return facts, compile_plan(facts)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    ("standing", "place_active", "licence", "reason"),
    [
        (Standing(active=False), True, "active", "entity-inactive"),
        (CLEAR, False, "active", "place-inactive"),
        (CLEAR, False, "suspended", "licence-suspended"),
        (Standing(active=False), False, "suspended", "entity-inactive"),
        (Standing(exclusions=(Excluding("X", START),)), True, "active", "entity-excluded"),
        (Standing(False, "", (Excluding("X", START),)), False, "revoked", "entity-excluded"),
    ],
)
def test_the_order_is_suspended(
    standing: Standing, place_active: bool, licence: str, reason: str, held: bool
) -> None:
    _, decision = compiled(standing, place_active=place_active, licence=licence, held=held)
    assert decision.plan is not None
    (order,) = decision.plan.orders
    assert (order.state, order.reason) == ("suspended", reason)
    assert decision.issues == ()


def test_nothing_that_stands_against_it_says_nothing_new() -> None:
    over = (Excluding("X-1", START - 9 * HOUR, START - HOUR),)
    _, decision = compiled(Standing(exclusions=over))
    assert decision == Decision(None, again=decision.again)


def test_the_lease_ends_where_an_exclusion_begins() -> None:
    begins = START + 2 * HOUR
    facts, decision = compiled(Standing(exclusions=(Excluding("X-1", begins),)))
    assert facts.now < begins < facts.now + facts.limits.lease
    assert decision.plan is not None
    assert decision.plan.lease_until == begins
    assert decision.plan.orders[0].state == "released"
    assert decision.again == begins
    _, then = compiled(Standing(exclusions=(Excluding("X-1", begins),)), after=begins - facts.now)
    assert then.plan is not None
    assert then.plan.orders[0].reason == "entity-excluded"


def test_it_is_looked_at_again_when_an_exclusion_ends() -> None:
    ends = START + 3 * HOUR
    _, decision = compiled(Standing(exclusions=(Excluding("X-1", START, ends),)))
    assert decision.again == ends
