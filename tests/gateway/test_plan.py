"""The plan: what may be marked, and every reason why not."""

from datetime import timedelta

from gateway.moves import Note
from gateway.plan import Permit, choose, newer, permit, person_by_badge, spans
from tests.gateway.desk import plan
from tests.gateway.records import NOON

SOON = timedelta(microseconds=1)


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
