"""The plan: which number comes next, and every reason for none."""

from datetime import timedelta

import pytest

from gateway.choice import Post, Work, left, next_work
from gateway.contract.plan import Plan
from gateway.contract.record import FromBlock, Item
from gateway.contract.uii import UiiError
from gateway.ledger import Ledger
from gateway.moves import (
    Note,
)
from gateway.plan import Permit, choose, newer, permit, person_by_badge, spans
from tests.gateway.desk import plan
from tests.gateway.records import GATEWAY, NOON, intent

SOON = timedelta(microseconds=1)


def spent(**used: int) -> Ledger:
    return Ledger(GATEWAY, 1, used=used)


def chosen(which: Plan, ledger: Ledger) -> Work | Note:
    found = permit(which, "o1", NOON)
    assert isinstance(found, Permit)
    return next_work(found, ledger, Post("laser", GATEWAY, 1))


def source(work: Work | Note) -> tuple[str, int]:
    assert isinstance(work, Work)
    (mark,) = work.marks
    assert isinstance(mark.source, FromBlock)
    return mark.source.block, mark.source.number


@pytest.mark.parametrize(
    ("ledger", "block", "number"),
    [
        (spent(), "b1", 1),
        (spent(b1=1), "b1", 2),
        (spent(b1=2), "b1", 3),
        (spent(b1=3), "b2", 7),
        (spent(b1=9), "b2", 7),
        (spent(b1=3, b2=7), "b2", 8),
        (spent(b2=8), "b1", 1),
        (spent(b1=0), "b1", 1),
    ],
)
def test_the_next_number_is_the_first_that_no_intent_spent(
    ledger: Ledger, block: str, number: int
) -> None:
    assert source(chosen(plan(), ledger)) == (block, number)


def test_every_number_of_the_blocks_is_given_once_and_then_none() -> None:
    ledger, given = spent(), []
    for remaining in range(5, 0, -1):
        assert left(plan(), "o1", ledger) == remaining
        block, number = source(chosen(plan(), ledger))
        given.append(number)
        ledger.used[block] = number
    assert given == [1, 2, 3, 7, 8]
    assert left(plan(), "o1", ledger) == 0
    assert chosen(plan(), ledger) == Note("numbers-used-up", (("order", "o1"),))


def test_a_number_under_another_blocks_name_is_not_given_again() -> None:
    """As a register would issue it that had forgotten the first block."""
    ledger = spent()
    for seq, number in enumerate((1, 2), start=1):
        ledger.apply(intent(seq, number))
    renamed = tuple(block.model_copy(update={"id": f"new-{block.id}"}) for block in plan().blocks)
    again = plan(version=2).model_copy(update={"blocks": renamed})
    assert source(chosen(again, ledger)) == ("new-b1", 3)
    assert left(again, "o1", ledger) == 3


def test_a_lease_ends_at_its_very_moment() -> None:
    until = plan().lease_until
    assert isinstance(permit(plan(), "o1", until - SOON), Permit)
    for now in (until, until + SOON):
        ended = permit(plan(), "o1", now)
        assert isinstance(ended, Note)
        assert ended.code == "lease-ended"


def test_without_plan_order_or_release_nothing_is_permitted() -> None:
    assert permit(None, "o1", NOON) == Note("no-plan")
    for order in (None, "o2"):
        found = permit(plan(), order, NOON)
        assert isinstance(found, Note)
        assert found.code == "no-order"
    suspended = plan(state="suspended", reason="licence-suspended")
    found = permit(suspended, "o1", NOON)
    assert found == Note("licence-suspended", (("order", "o1"),))
    for state in ("held", "finished", "suspended"):
        found = permit(plan(state=state), "o1", NOON)
        assert found == Note(f"order-{state}", (("order", "o1"),))


def test_a_plan_is_newer_by_incarnation_then_version_and_of_this_epoch() -> None:
    made = plan(version=4)
    assert newer(made, 1, (0, 0))
    assert newer(made, 1, (1, 3))
    assert not newer(made, 1, (1, 4))
    assert not newer(made, 1, (2, 1))
    assert not newer(made, 2, (0, 0))
    assert newer(made.model_copy(update={"incarnation": 2, "version": 1}), 1, (1, 400))


def test_what_is_accepted_carries_the_blocks() -> None:
    assert [(span.block, span.start, span.end) for span in spans(plan())] == [
        ("b1", 1, 3),
        ("b2", 7, 8),
    ]


def test_the_mark_is_the_template_with_the_number_in_it() -> None:
    work = chosen(plan(), spent(b1=1))
    assert isinstance(work, Work)
    (mark,) = work.marks
    assert mark.content == "[)>\x1e06\x1d18S7A720000002\x1e\x04"
    assert mark.text == ("000002",)
    assert mark.item == Item(uii="D7A720000002", elements="06:18S=7A720000002")


def test_a_template_that_makes_all_parts_alike_is_refused() -> None:
    alike = plan(template={"content": "[)>\x1e06\x1d18S7A720000001\x1e\x04", "lines": ["{serial}"]})
    with pytest.raises(UiiError, match="serial"):
        chosen(alike, spent())


def test_the_station_works_on_what_was_wished_while_the_plan_has_it() -> None:
    two = plan().model_copy(
        update={
            "orders": (
                *plan(state="held").orders,
                plan().orders[0].model_copy(update={"id": "o2"}),
            )
        }
    )
    assert choose(two, "o1") == "o1"
    assert choose(two, None) == "o2"
    assert choose(two, "gone") == "o2"
    assert choose(None, "o1") == "o1"
    assert choose(plan().model_copy(update={"orders": ()}), "o1") is None


def test_a_person_counts_until_their_time_is_over() -> None:
    made = plan().model_validate(
        {
            **plan().model_dump(),
            "people": [
                {"id": "p1", "badge": "aa", "pin": "", "roles": ["operator"]},
                {"id": "p2", "badge": "bb", "pin": "", "roles": ["operator"], "until": NOON},
            ],
        }
    )
    first = person_by_badge(made, "aa", NOON)
    assert first is not None
    assert first.id == "p1"
    assert person_by_badge(made, "bb", NOON) is None
    assert person_by_badge(made, "bb", NOON - SOON) is not None
    assert person_by_badge(made, "cc", NOON) is None
    assert person_by_badge(None, "aa", NOON) is None
