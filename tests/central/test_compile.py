"""Plans by the pure rules: no number twice, no due mark with two, whatever is lost on the way."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.plan.compile import compile_plan
from central.plan.facts import Limits, Member
from central.plan.shares import level, quota
from gateway.contract.plan import PlanOrder
from tests.central.floor import START, Floor, Mode
from tests.support.examples import examples

NAMES = ("receiver", "barrel", "slide")
GATEWAYS = ("gramsh.line-1", "gramsh.line-2", "poligan.line-1")
MODES: tuple[Mode, ...] = ("each", "sample", "elsewhere")
DAY = timedelta(days=1)
ACTS = (
    *("turn", "turn", "turn", "mark", "mark", "mark", "blank", "lose"),
    *("compile", "accept", "report", "wait", "read", "scrap", "sample"),
)

ACT = st.tuples(st.sampled_from(ACTS), st.integers(0, 11))


def limits(block_size: int = 4, due: int = 8, void_after: timedelta = 183 * DAY) -> Limits:
    return Limits(
        timedelta(hours=72), block_size, due_marks=due, due_reads=due, void_after=void_after
    )


@st.composite
def floors(draw: st.DrawFn) -> Floor:
    components = NAMES[: draw(st.integers(1, 3))]
    gateways = GATEWAYS[: draw(st.integers(1, 3))]
    mode = draw(st.sampled_from(MODES))
    some = st.none() | st.sets(st.sampled_from(components)).map(
        lambda names: tuple(n for n in components if n in names)
    )
    chosen = [draw(some) for _ in gateways]
    if draw(st.booleans()):  # as factories do: each line its own component
        chosen = [components[n : n + 1] for n, _ in enumerate(gateways)]
    marked = {n for mine in chosen for n in (components if mine is None else mine)}
    if marked != set(components):
        chosen[0] = None
    members = {
        name: Member(name, mine, reads=mode == "elsewhere")
        for name, mine in zip(gateways, chosen, strict=True)
    }
    return Floor(
        components,
        members,
        mode,
        draw(st.integers(1, 9)),
        limits(
            draw(st.integers(1, 5)),
            draw(st.integers(1, 6)),
            draw(st.sampled_from((183 * DAY, timedelta(seconds=20)))),
        ),
        draw(st.none() | st.integers(1, 3)),
    )


def act(floor: Floor, what: str, which: int) -> None:
    """One act of a gateway or of the register; `which` chooses whose, and on what."""
    names = sorted(floor.members)
    gateway = names[which % len(names)]
    if what == "turn":
        turn(floor, gateway)
    elif what == "compile":
        compile_and_check(floor, gateway)
    elif what == "accept":
        floor.accept(gateway)
    elif what in ("mark", "blank"):
        work = floor.work(gateway)
        if work:
            floor.mark(gateway, *work[which % len(work)], starts=what == "mark")
    elif what == "report":
        floor.report(gateway, 1 + which % 4)
    elif what == "lose":
        floor.end_epoch(gateway)
    elif what == "wait":
        floor.now += timedelta(seconds=1 + which)
    elif what == "read":
        floor.read(gateway)
    elif floor.pieces:
        number = sorted(floor.pieces)[which % len(floor.pieces)]
        if what == "scrap":
            floor.scrap(number)
        else:
            floor.sample(number)


def turn(floor: Floor, gateway: str) -> None:
    """All is reported, and the plan that follows is accepted, known to the register."""
    floor.report(gateway)
    floor.now += timedelta(seconds=3)
    compile_and_check(floor, gateway)
    floor.accept(gateway)
    floor.report(gateway)


def compile_and_check(floor: Floor, gateway: str) -> None:
    facts = floor.facts(gateway)
    decision = compile_plan(facts)
    assert compile_plan(facts) == decision
    assert compile_plan(replace(facts, numbers=facts.numbers[::-1])) == decision
    floor.compile(gateway)
    order = floor.order()
    if decision.issues:
        never = order.lost + order.ended + order.doubtful + order.void
        assert order.issued <= order.quantity + never
    for one, other in combinations(floor.blocks, 2):
        assert one[1].end < other[1].start or other[1].end < one[1].start
    if decision.plan is not None:
        due = decision.plan.due or ()
        assert sum(d.do == "mark" for d in due) <= floor.limits.due_marks
        assert sum(d.do == "read" for d in due) <= floor.limits.due_reads
    for mine, theirs in combinations(floor.marks_in_play().values(), 2):
        assert not mine & theirs


def assert_metal_is_single(floor: Floor) -> None:
    assert len(set(floor.metal)) == len(floor.metal), "two pieces carry one number"


@pytest.mark.slow
@settings(max_examples=examples(4))
@given(floors(), st.lists(ACT, min_size=20, max_size=100))
def test_no_piece_is_marked_twice_and_the_order_is_finished(
    floor: Floor, acts: list[tuple[str, int]]
) -> None:
    for name in sorted(floor.members) * 2:  # plans and first marks everywhere, some unreported
        turn(floor, name)
        for one in floor.work(name)[:6]:
            floor.mark(name, *one)
    for what, which in acts:
        act(floor, what, which)
        assert_metal_is_single(floor)
    for _ in range(60 + 20 * floor.quantity):
        if floor.order().good >= floor.quantity:
            break
        for name in sorted(floor.members):
            turn(floor, name)
            floor.read(name)
            work = floor.work(name)
            for one in work[:3]:
                floor.mark(name, *one)
            floor.report(name)
        for number in list(floor.pieces):
            floor.give_back(number)
            floor.sample(number)
        assert_metal_is_single(floor)
    assert floor.order().good >= floor.quantity, "marking does not go on"


def two(block_size: int = 200, quantity: int = 100, **floor: object) -> Floor:
    members = {name: Member(name) for name in GATEWAYS[:2]}
    return Floor(("receiver",), members, "each", quantity, limits(block_size), **floor)  # type: ignore[arg-type]


def sizes(floor: Floor, gateway: str) -> list[int]:
    return [b.end - b.start + 1 for key, b in floor.blocks if key.gateway == gateway]


def test_the_first_of_two_gateways_leaves_the_second_its_half() -> None:
    floor = two(quantity=101)
    for name in GATEWAYS[:2]:
        floor.compile(name)
    assert sizes(floor, GATEWAYS[0]) == [50]
    assert sizes(floor, GATEWAYS[1]) == [50]
    floor.accept(GATEWAYS[1])
    floor.mark(GATEWAYS[1], *floor.work(GATEWAYS[1])[0])
    floor.report(GATEWAYS[1])
    floor.compile(GATEWAYS[1])
    assert sizes(floor, GATEWAYS[1]) == [50, 1], "the odd one goes to who has marked one"


def test_a_gateway_whose_partner_never_comes_ends_the_order_alone_in_few_blocks() -> None:
    floor = two()
    plans = 0
    while floor.order().good < floor.quantity:
        plans += floor.compile(GATEWAYS[0]).plan is not None
        floor.accept(GATEWAYS[0])
        number, component = floor.work(GATEWAYS[0])[0]
        floor.mark(GATEWAYS[0], number, component)
        floor.report(GATEWAYS[0])
    blocks = sizes(floor, GATEWAYS[0])
    assert sum(blocks) == 100
    assert len(blocks) < 12
    assert blocks == sorted(blocks, reverse=True)
    assert plans <= 2 * len(blocks)


def test_blocks_hold_whole_trays_while_they_can() -> None:
    floor = two(quantity=22, tray=4)
    for name in GATEWAYS[:2]:
        floor.compile(name)
    assert sizes(floor, GATEWAYS[0]) == [8]
    assert sizes(floor, GATEWAYS[1]) == [8]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(0, 100))
def test_the_level_is_what_all_can_be_filled_to(held: list[int], wanted: int) -> None:
    def cost(height: int) -> int:
        return sum(max(0, height - here) for here in held)

    found = level(held, wanted)
    assert cost(found) <= wanted < cost(found + 1)


@given(
    st.integers(0, 30),
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(-3, 60),
    st.integers(1, 30),
    st.data(),
    st.integers(1, 5),
)
def test_a_quota_leaves_the_others_theirs(
    here: int, others: list[int], wanted: int, ahead: int, data: st.DataObject, tray: int
) -> None:
    reserve = data.draw(st.integers(0, ahead))
    size = quota(here, others, wanted, ahead, reserve, tray)
    assert 0 <= size <= max(0, wanted)
    if size:
        fair = level((here, *others), wanted)
        assert here + size <= max(fair, here + tray, tray)
        assert here + size <= max(ahead, tray)
    elif not others:
        assert wanted <= 0 or here >= tray or here >= reserve


def split(mode: Mode = "each", due: int = 8, quantity: int = 20) -> Floor:
    """The first line marks receivers, two others barrels."""
    members = {
        GATEWAYS[0]: Member(GATEWAYS[0], ("receiver",)),
        GATEWAYS[1]: Member(GATEWAYS[1], ("barrel",), reads=mode == "elsewhere"),
        GATEWAYS[2]: Member(GATEWAYS[2], ("barrel",), reads=mode == "elsewhere"),
    }
    return Floor(NAMES[:2], members, mode, quantity, limits(50, due))


def settle(floor: Floor, *gateways: str) -> None:
    """Plans compiled, accepted and reported, until nothing changes."""
    for name in gateways or tuple(floor.members):
        while floor.compile(name).plan is not None:
            floor.accept(name)
            floor.report(name)


def make(floor: Floor, count: int) -> None:
    for number, component in floor.work(GATEWAYS[0])[:count]:
        floor.mark(GATEWAYS[0], number, component)
    floor.report(GATEWAYS[0])


def due_of(floor: Floor, gateway: str, do: str = "mark") -> list[int]:
    plan = floor.epochs[gateway].plans[-1]
    return [due.number for due in plan.due or () if due.do == do]


def test_who_marks_no_first_component_gets_no_numbers() -> None:
    floor = split()
    settle(floor)
    assert sizes(floor, GATEWAYS[0])
    assert not sizes(floor, GATEWAYS[1])
    plan = floor.epochs[GATEWAYS[1]].plans[-1]
    assert plan.orders[0].marks == ("barrel",)


def test_further_marks_come_together_after_a_moment_and_are_shared() -> None:
    floor = split()
    settle(floor)
    make(floor, 6)
    decision = floor.compile(GATEWAYS[1])
    assert decision.plan is not None, "half a list is a reason at once"
    assert due_of(floor, GATEWAYS[1]) == [1, 2, 3]
    floor = split()
    settle(floor)
    make(floor, 2)
    decision = floor.compile(GATEWAYS[1])
    assert decision.plan is None
    assert decision.again == floor.now + timedelta(seconds=2)
    floor.now = decision.again
    assert floor.compile(GATEWAYS[1]).plan is not None
    assert floor.compile(GATEWAYS[2]).plan is not None
    assert (due_of(floor, GATEWAYS[1]), due_of(floor, GATEWAYS[2])) == ([1], [2])


def test_nothing_more_is_due_to_a_gateway_that_is_away() -> None:
    floor = split()
    settle(floor, GATEWAYS[0])
    floor.compile(GATEWAYS[1])
    make(floor, 8)
    floor.now += timedelta(minutes=1)
    assert floor.compile(GATEWAYS[1]).plan is None
    settle(floor, GATEWAYS[2])
    assert due_of(floor, GATEWAYS[2])


def test_a_part_that_is_scrapped_is_taken_back_at_once_and_what_is_done_is_not() -> None:
    floor = split()
    settle(floor)
    make(floor, 8)
    settle(floor, *GATEWAYS[1:])
    first, second, *_ = due_of(floor, GATEWAYS[1])
    floor.mark(GATEWAYS[1], first, "barrel")
    floor.report(GATEWAYS[1])
    assert floor.compile(GATEWAYS[1]).plan is None
    floor.scrap(second)
    assert floor.compile(GATEWAYS[1]).plan is not None
    assert not {first, second} & set(due_of(floor, GATEWAYS[1]))


def test_what_a_lost_journal_may_have_marked_waits_for_an_officer_and_is_replaced() -> None:
    floor = split(quantity=8)
    settle(floor)
    make(floor, 8)
    settle(floor, GATEWAYS[1])
    given = due_of(floor, GATEWAYS[1])
    floor.mark(GATEWAYS[1], given[0], "barrel")  # and it is never reported
    floor.end_epoch(GATEWAYS[1])
    floor.now += timedelta(minutes=1)
    settle(floor)
    for name in GATEWAYS[1:]:
        assert not set(given) & set(due_of(floor, name))
    assert sum(sizes(floor, GATEWAYS[0])) == 8 + len(given)
    for number in given:
        floor.give_back(number)
    floor.now += timedelta(minutes=1)
    settle(floor)
    again = {*due_of(floor, GATEWAYS[1]), *due_of(floor, GATEWAYS[2])}
    assert set(given[1:]) <= again
    assert given[0] not in again


def test_reads_are_due_elsewhere_with_room_for_the_newest() -> None:
    floor = split("elsewhere", due=4, quantity=30)
    settle(floor)
    for _ in range(10):
        make(floor, 1)
        floor.now += timedelta(seconds=1)
    settle(floor, GATEWAYS[1])
    assert due_of(floor, GATEWAYS[1], "read") == [1, 2, 9, 10]
    floor.read(GATEWAYS[1])
    floor.report(GATEWAYS[1])
    floor.now += timedelta(seconds=3)
    settle(floor, GATEWAYS[1])
    assert due_of(floor, GATEWAYS[1], "read") == [3, 4, 7, 8]


def test_a_finished_order_leaves_the_plan_a_day_after_the_last_that_was_owed() -> None:
    floor = two(quantity=2)
    settle(floor, GATEWAYS[0])
    for number, component in floor.work(GATEWAYS[0]):
        floor.mark(GATEWAYS[0], number, component)
    settle(floor, GATEWAYS[1])
    for number, component in floor.work(GATEWAYS[1]):
        floor.mark(GATEWAYS[1], number, component)
        floor.report(GATEWAYS[1])
    floor.report(GATEWAYS[0])
    settle(floor)
    plan = floor.epochs[GATEWAYS[0]].plans[-1]
    assert [order.state for order in plan.orders] == ["finished"]
    floor.now = START + DAY - timedelta(seconds=1)
    assert [o.state for o in floor_plan(floor)] == ["finished"]
    floor.now = START + DAY
    assert floor_plan(floor) == []
    floor.pieces[1]["receiver"] = replace(floor.pieces[1]["receiver"], read_ok=False)
    assert [o.state for o in floor_plan(floor)] == ["released"], "one was found bad after all"


def floor_plan(floor: Floor) -> list[PlanOrder]:
    floor.compile(GATEWAYS[0])
    return list(floor.epochs[GATEWAYS[0]].plans[-1].orders)
