"""What a plan says where its order's entity, or the place of its gateway, is closed or excluded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from central.plan.compile import compile_plan
from central.plan.facts import Decision, Facts, Limits, Member
from central.register.entities.standing import CLEAR, Excluding, Standing
from central.register.licences.terms import Terms
from central.register.places.models import NOWHERE, Where
from tests.central.floor import START, Floor

HOUR = timedelta(hours=1)
OPEN, CLOSED = Where("UMG.GR", active=True), Where("UMG.GR", active=False)
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
    where: Where = NOWHERE,
    sites: tuple[str, ...] = (),
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
        licence=replace(order.licence, state=licence, terms=Terms(sites=sites)),
    )
    facts = replace(facts, orders=(order,), where=where, now=facts.now + after)
    return facts, compile_plan(facts)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    ("standing", "where", "licence", "reason"),
    [
        (Standing(active=False), NOWHERE, "active", "entity-inactive"),
        (CLEAR, CLOSED, "active", "place-inactive"),
        (CLEAR, CLOSED, "suspended", "licence-suspended"),
        (Standing(active=False), CLOSED, "suspended", "entity-inactive"),
        (Standing(exclusions=(Excluding("X", START),)), NOWHERE, "active", "entity-excluded"),
        (Standing(False, "", (Excluding("X", START),)), CLOSED, "revoked", "entity-excluded"),
    ],
)
def test_the_order_is_suspended(
    standing: Standing, where: Where, licence: str, reason: str, held: bool
) -> None:
    _, decision = compiled(standing, where=where, licence=licence, held=held)
    assert decision.plan is not None
    (order,) = decision.plan.orders
    assert (order.state, order.reason) == ("suspended", reason)
    assert decision.issues == ()


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (OPEN, ""),
        (CLOSED, "place-inactive"),
        (Where("UMG.PO", active=True), "licence-not-covering"),
        (NOWHERE, "licence-not-covering"),
    ],
)
def test_a_licence_that_names_sites_covers_gateways_there(where: Where, reason: str) -> None:
    _, decision = compiled(where=where, sites=("UMG.GR", "UMG.TR"))
    if not reason:
        assert decision.plan is None, "the former one stands"
        return
    assert decision.plan is not None
    (order,) = decision.plan.orders
    assert (order.state, order.reason) == ("suspended", reason)


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
