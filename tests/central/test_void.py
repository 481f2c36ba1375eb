"""Numbers that nobody used in time, or that a closed order leaves, are void: plans say so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from central.plan.compile import compile_plan
from central.plan.facts import Decision, Facts, Limits, Member, Void
from tests.central.floor import Floor

GATEWAY = "gramsh.line-1"
DAY = timedelta(days=1)


@pytest.fixture
def floor() -> Floor:
    """Ten numbers issued, three of them marked."""
    made = Floor(
        ("receiver",),
        {GATEWAY: Member(GATEWAY)},
        "each",
        10,
        Limits(timedelta(hours=72), 20, void_after=4 * DAY),
    )
    made.compile(GATEWAY)
    made.accept(GATEWAY)
    for number, component in made.work(GATEWAY)[:3]:
        made.mark(GATEWAY, number, component)
    made.report(GATEWAY)
    return made


def blocks(decision: Decision) -> list[tuple[int, int]]:
    assert decision.plan is not None
    return [(block.start, block.end) for block in decision.plan.blocks]


def changed(floor: Floor, state: str, **more: object) -> Facts:
    facts = floor.facts(GATEWAY)
    (order,) = facts.orders
    return replace(facts, orders=(replace(order, state=state, **more),))  # type: ignore[arg-type]


def test_until_that_day_they_are_good(floor: Floor) -> None:
    floor.now += 4 * DAY - timedelta(seconds=1)
    decision = floor.compile(GATEWAY)
    assert (decision.voids, decision.issues) == ((), ())
    assert blocks(decision) == [(1, 10)]


def test_then_the_plan_leaves_them_out_and_issues_as_many_new_ones(floor: Floor) -> None:
    floor.now += 4 * DAY
    decision = floor.compile(GATEWAY)
    assert decision.voids == (Void("UMG.M70.1", "expired"),)
    assert blocks(decision) == [(11, 17)]
    again = floor.compile(GATEWAY)
    assert (again.plan, again.voids) == (None, ())


def test_six_months_are_the_configurations_own(floor: Floor) -> None:
    assert Limits(timedelta(hours=72), 20).void_after == 183 * DAY
    floor.limits = replace(floor.limits, void_after=183 * DAY)
    floor.now += 182 * DAY
    assert floor.compile(GATEWAY).voids == ()
    floor.now += DAY
    assert floor.compile(GATEWAY).voids


def test_one_that_is_marked_under_the_older_plan_all_the_same_takes_no_others_place(
    floor: Floor,
) -> None:
    floor.now += 4 * DAY
    floor.compile(GATEWAY)  # and the gateway does not hear of it
    for number, component in floor.work(GATEWAY)[:2]:
        floor.mark(GATEWAY, number, component)
    floor.accept(GATEWAY)
    floor.report(GATEWAY)
    assert floor.order().void == 5
    assert floor.order().issued == 17
    decision = compile_plan(floor.facts(GATEWAY))
    assert (decision.voids, decision.issues) == ((), ())


def test_a_block_that_is_used_up_has_nothing_to_be_void(floor: Floor) -> None:
    for number, component in floor.work(GATEWAY):
        floor.mark(GATEWAY, number, component)
    floor.report(GATEWAY)
    floor.now += 200 * DAY
    assert floor.compile(GATEWAY).voids == ()


def test_an_order_that_has_left_the_plan_keeps_no_number_for_ever(floor: Floor) -> None:
    floor.now += 4 * DAY
    facts = changed(floor, "released", quantity=3, good=3, waiting=0)
    decision = compile_plan(facts)
    assert decision.plan is None or not decision.plan.orders
    assert decision.voids == (Void("UMG.M70.1", "expired"),)


def test_a_completed_order_is_finished_and_its_numbers_stay(floor: Floor) -> None:
    decision = compile_plan(changed(floor, "completed"))
    assert decision.plan is not None
    (order,) = decision.plan.orders
    assert (order.state, order.reason) == ("finished", "order-finished")
    assert (decision.voids, decision.issues) == ((), ())


def test_a_closed_orders_unused_numbers_are_void(floor: Floor) -> None:
    decision = compile_plan(changed(floor, "closed"))
    assert decision.voids == (Void("UMG.M70.1", "closed"),)
    assert blocks(decision) == []
    assert decision.plan is not None
    assert [order.state for order in decision.plan.orders] == ["finished"], "a part waits"
    facts = changed(floor, "closed", waiting=0)
    decision = compile_plan(replace(facts, now=facts.now + DAY))
    assert decision.plan is not None
    assert decision.plan.orders == ()


@pytest.mark.parametrize(
    ("config", "member", "used", "issued"),
    [
        ((8, None), (None, None), 4, 0),
        ((8, None), (None, None), 5, 5),
        ((8, 6), (None, None), 2, 0),
        ((8, 6), (None, None), 3, 3),
        ((8, None), (4, None), 2, 0),
        ((8, None), (4, None), 3, 3),
        ((8, None), (4, 4), 1, 1),
        ((8, None), (4, 0), 3, 0),
        ((8, None), (4, 0), 4, 4),
        ((8, 8), (2, None), 1, 1),
    ],
)
def test_an_officers_limits_come_before_the_configuration(
    config: tuple[int, int | None],
    member: tuple[int | None, int | None],
    used: int,
    issued: int,
) -> None:
    floor = Floor(
        ("receiver",),
        {GATEWAY: Member(GATEWAY, block_size=member[0], reserve=member[1])},
        "each",
        100,
        Limits(timedelta(hours=72), *config),
    )
    (issue,) = floor.compile(GATEWAY).issues
    assert issue.size == (member[0] or config[0])
    floor.accept(GATEWAY)
    for number, component in floor.work(GATEWAY)[:used]:
        floor.mark(GATEWAY, number, component)
    floor.report(GATEWAY)
    assert sum(each.size for each in floor.compile(GATEWAY).issues) == issued
