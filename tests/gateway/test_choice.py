"""What the next cycle marks: pieces, numbers and places, from the plan and the ledger alone."""

from typing import Any

import pytest

from gateway.choice import Post, Work, due_reads, left, next_work
from gateway.contract.plan import Due, Plan
from gateway.contract.record import FromBlock, Item, Readback, Repeat
from gateway.contract.uii import UiiError
from gateway.ledger import Ledger
from gateway.moves import Note
from gateway.plan import Permit
from tests.gateway.desk import plan
from tests.gateway.records import (
    GATEWAY,
    OTHER,
    STATION,
    approved,
    fold,
    intent_of,
    marked,
    ref,
    repeat,
    settled,
    verified,
)

POST = Post(STATION, GATEWAY, 1)
PIECES = [
    {"name": "receiver", "symbol": "R"},
    {"name": "barrel", "symbol": "B", "job": "9"},
    {"name": "slide", "symbol": "S"},
]
PISTOL: dict[str, Any] = {
    "components": PIECES,
    "template": {"content": "[)>\x1e06\x1d18S7A720{serial}\x1d20P{component}\x1e\x04"},
}


def found(made: Plan, ledger: Ledger, post: Post = POST) -> Work | Note:
    return next_work(Permit(made, made.orders[0]), ledger, post)


def work(made: Plan, ledger: Ledger, post: Post = POST) -> Work:
    chosen = found(made, ledger, post)
    assert isinstance(chosen, Work)
    return chosen


def numbers(chosen: Work) -> list[int]:
    return [
        mark.source.number if isinstance(mark.source, FromBlock) else int(mark.item.uii[-6:])
        for mark in chosen.marks
    ]


class Line:
    """Cycles that follow each other: what was chosen is journalled, with its outcome and read."""

    def __init__(self, made: Plan, *posts: Post) -> None:
        self.plan, self.ledger, self.seq = made, fold(), 0
        self.posts = posts or (POST,)

    def make(self, did: str = "done", verdict: str = "good", post: int = 0) -> str:
        """The next cycle; what it marked, as `R1 R2` for two receivers."""
        chosen = work(self.plan, self.ledger, self.posts[post])
        first = self.seq = self.seq + 1
        self.ledger.apply(intent_of(first, *chosen.marks, station=self.posts[post].station))
        self.seq += 1
        dids = dict.fromkeys(chosen.positions, did)
        self.ledger.apply(marked(self.seq, first, dids, station=self.posts[post].station))
        if did == "done" and verdict:
            for position in chosen.positions:
                self.seq += 1
                self.ledger.apply(verified(self.seq, first, verdict, position=position))
        symbol = chosen.component.symbol or "N"
        return " ".join(f"{symbol}{number}" for number in numbers(chosen))

    def approve(self, of: int) -> None:
        self.seq += 1
        self.ledger.apply(approved(self.seq, of))

    def settle(self, of: int, how: str, position: int = 1) -> None:
        self.seq += 1
        self.ledger.apply(settled(self.seq, of, how, position))


# -- fresh numbers


@pytest.mark.parametrize(
    ("used", "block", "number"),
    [
        ({}, "b1", 1),
        ({"b1": 1}, "b1", 2),
        ({"b1": 2}, "b1", 3),
        ({"b1": 3}, "b2", 7),
        ({"b1": 9}, "b2", 7),
        ({"b1": 3, "b2": 7}, "b2", 8),
        ({"b2": 8}, "b1", 1),
        ({"b1": 0}, "b1", 1),
    ],
)
def test_the_next_number_is_the_first_that_no_intent_spent(
    used: dict[str, int], block: str, number: int
) -> None:
    (mark,) = work(plan(), Ledger(GATEWAY, 1, used=used)).marks
    assert isinstance(mark.source, FromBlock)
    assert (mark.source.block, mark.source.number) == (block, number)


def test_every_number_of_the_blocks_is_given_once_and_then_none() -> None:
    line = Line(plan())
    for remaining in range(5, 0, -1):
        assert left(plan(), "o1", line.ledger) == remaining
        line.make()
    assert found(plan(), line.ledger) == Note("numbers-used-up", (("order", "o1"),))
    assert left(plan(), "o1", line.ledger) == 0


def test_a_number_under_another_blocks_name_is_not_given_again() -> None:
    """As a register would issue it that had forgotten the first block."""
    line = Line(plan())
    line.make()
    line.make()
    renamed = tuple(block.model_copy(update={"id": f"new-{block.id}"}) for block in plan().blocks)
    again = plan(version=2).model_copy(update={"blocks": renamed})
    (mark,) = work(again, line.ledger).marks
    assert mark.source == FromBlock(block="new-b1", space="s1", number=3)
    assert left(again, "o1", line.ledger) == 3


def test_the_mark_is_the_template_with_the_number_in_it() -> None:
    (mark,) = work(plan(), Ledger(GATEWAY, 1, used={"b1": 1})).marks
    assert mark.content == "[)>\x1e06\x1d18S7A720000002\x1e\x04"
    assert mark.text == ("000002",)
    assert mark.item == Item(uii="D7A720000002", elements="06:18S=7A720000002")
    assert mark.readback == Readback(mode="each")
    assert mark.pieces is None


def test_a_template_that_makes_all_parts_alike_is_refused() -> None:
    alike = plan(template={"content": "[)>\x1e06\x1d18S7A720000001\x1e\x04", "lines": ["{serial}"]})
    with pytest.raises(UiiError, match="serial"):
        found(alike, fold())


def test_a_tray_takes_as_many_numbers_as_there_are_across_blocks() -> None:
    line = Line(plan(tray=4))
    assert line.make() == "N1 N2 N3 N7"
    chosen = work(line.plan, line.ledger)
    assert (numbers(chosen), chosen.positions) == ([8], (1,))


def test_the_last_number_of_the_order_is_marked_as_such() -> None:
    made = plan(tray=3, verify={"mode": "sample", "every": 9})
    line = Line(made)
    lasts = [mark.readback.last for mark in work(made, line.ledger).marks if mark.readback]
    assert lasts == [False, False, False]
    line.make()
    lasts = [mark.readback.last for mark in work(made, line.ledger).marks if mark.readback]
    assert lasts == [False, True]


def test_a_packages_quantity_is_the_orders_unless_a_person_says_otherwise() -> None:
    made = plan(kind="package", contents=1000, lot="L7")
    (mark,) = work(made, fold()).marks
    assert (mark.quantity, mark.lot) == (1000, "L7")
    chosen = next_work(Permit(made, made.orders[0]), fold(), POST, quantity=640)
    assert isinstance(chosen, Work)
    assert chosen.marks[0].quantity == 640


# -- pieces of one number


def test_the_pieces_of_a_number_follow_in_the_orders_order() -> None:
    line = Line(plan(**PISTOL))
    assert [line.make() for _ in range(6)] == ["R1", "B1", "S1", "R2", "B2", "S2"]
    barrel = Line(plan(**PISTOL))
    barrel.make()
    chosen = work(barrel.plan, barrel.ledger)
    assert (chosen.job, chosen.component.name) == ("9", "barrel")
    assert chosen.marks[0].source == repeat(1, number=1)
    assert chosen.marks[0].pieces == 3


def test_trays_of_pieces_repeat_each_at_the_place_that_opened_it() -> None:
    line = Line(plan(**PISTOL, tray=2))
    assert line.make() == "R1 R2"
    assert [mark.source for mark in work(line.plan, line.ledger).marks] == [
        repeat(1, 1, number=1),
        repeat(1, 2, number=2),
    ]
    assert [line.make() for _ in range(2)] == ["B1 B2", "S1 S2"]


def test_a_rejected_piece_stops_its_own_number_only() -> None:
    line = Line(plan(**PISTOL))
    line.make()
    assert line.make(verdict="unreadable") == "B1"
    assert [line.make() for _ in range(3)] == ["R2", "B2", "S2"]
    line.settle(4, "accepted")  # the barrel's intent
    assert line.make() == "S1"


@pytest.mark.parametrize("how", ["scrapped", "voided"])
def test_a_piece_that_is_given_up_is_not_replaced(how: str) -> None:
    line = Line(plan(**PISTOL))
    line.make()
    line.make(verdict="unreadable")
    line.settle(4, how)
    assert line.make() == "R2"


def test_a_piece_that_was_not_started_is_marked_with_the_same_number() -> None:
    line = Line(plan(**PISTOL))
    assert [line.make(), line.make("not_started"), line.make(), line.make()] == [
        "R1",
        "B1",
        "B1",
        "S1",
    ]


def test_a_receiver_that_was_not_started_voids_its_number() -> None:
    line = Line(plan(**PISTOL))
    assert [line.make("not_started"), line.make(), line.make()] == ["R1", "R2", "B2"]


@pytest.mark.parametrize("did", ["done", "unknown"])
def test_a_piece_waits_for_the_one_before_where_each_is_read(did: str) -> None:
    line = Line(plan(**PISTOL))
    line.make(did, verdict="")
    assert line.make() == "R2"


@pytest.mark.parametrize("mode", ["sample", "elsewhere"])
def test_a_marked_piece_is_enough_where_not_each_is_read(mode: str) -> None:
    line = Line(plan(**PISTOL, verify={"mode": mode, "every": 9}))
    assert [line.make(verdict="") for _ in range(4)] == ["R1", "B1", "S1", "R2"]


def test_a_piece_of_a_failed_sample_stops_its_number() -> None:
    line = Line(plan(**PISTOL, verify={"mode": "sample", "every": 1}))
    assert line.make(verdict="unreadable") == "R1"
    assert line.make() == "R2"


def test_stations_share_the_pieces_of_a_number() -> None:
    first = Post(STATION, GATEWAY, 1, ("receiver",))
    second = Post("press", GATEWAY, 1, ("barrel", "slide"))
    line = Line(plan(**PISTOL), first, second)
    assert found(line.plan, line.ledger, second) == Note("nothing-due", (("order", "o1"),))
    assert [line.make(), line.make()] == ["R1", "R2"]
    assert [line.make(post=1) for _ in range(4)] == ["B1", "B2", "S1", "S2"]
    assert found(line.plan, line.ledger, second) == Note("nothing-due", (("order", "o1"),))


# -- what another gateway opened


def due(number: int, component: str, do: str = "mark") -> Due:
    return Due.model_validate(
        {
            "do": do,
            "order": "o1",
            "number": number,
            "component": component,
            "of": ref(number, OTHER),
        }
    )


def test_what_another_gateway_opened_is_marked_once() -> None:
    made = plan(**PISTOL).model_copy(update={"due": (due(51, "barrel"), due(52, "barrel"))})
    line = Line(made, Post("press", GATEWAY, 1, ("barrel",)))
    assert line.make() == "B51"
    assert line.make("not_started") == "B52"
    chosen = work(made, line.ledger, line.posts[0])
    assert chosen.marks[0].source == Repeat(of=ref(52, OTHER), number=52)
    assert line.make() == "B52"
    assert found(made, line.ledger, line.posts[0]) == Note("nothing-due", (("order", "o1"),))


def test_the_pieces_after_another_gateways_go_on_by_this_journal_alone() -> None:
    made = plan(**PISTOL).model_copy(update={"due": (due(51, "barrel"),)})
    line = Line(made, Post("press", GATEWAY, 1, ("barrel", "slide")))
    assert [line.make(), line.make()] == ["B51", "S51"]
    assert found(made, line.ledger, line.posts[0]) == Note("nothing-due", (("order", "o1"),))
    assert line.ledger.pieces["o1"] == {}, "what is complete here is not remembered"


def test_a_due_read_is_known_by_its_content_until_it_is_answered() -> None:
    made = plan().model_copy(update={"due": (due(51, "receiver", "read"), due(52, "barrel"))})
    content = "[)>\x1e06\x1d18S7A720000051\x1e\x04"
    assert due_reads(made, fold()) == {content: made.due[0] if made.due else None}
    other = ref(51, OTHER)
    assert content in due_reads(made, fold(verified(1, other, "unreadable")))
    assert due_reads(made, fold(verified(1, other, "good", content))) == {}
    assert due_reads(None, fold()) == {}


# -- marked again


def test_what_two_people_allow_comes_first_and_at_its_place() -> None:
    line = Line(plan(tray=3))
    assert line.make(verdict="unreadable") == "N1 N2 N3"
    line.settle(1, "remark", 3)
    line.settle(1, "remark", 1)
    chosen = work(line.plan, line.ledger)
    assert chosen.again
    assert (chosen.positions, [mark.source for mark in chosen.marks]) == (
        (1, 3),
        [repeat(1, 1), repeat(1, 3)],
    )
    assert all(mark.readback and mark.readback.last for mark in chosen.marks)
    line.make()
    assert numbers(work(line.plan, line.ledger)) == [7, 8]


def test_another_order_waits_until_it_is_marked_again() -> None:
    """The part lies there and may look blank: another order's number would go over it."""
    line = Line(plan())
    line.make(verdict="unreadable")
    line.settle(1, "remark")
    other = plan().orders[0].model_copy(update={"id": "o2"})
    both = plan().model_copy(update={"orders": (other, plan().orders[0])})
    assert found(both, line.ledger) == Note("again-first", (("order", "o1"),))
    line.settle(1, "scrapped")
    assert found(both, line.ledger) == Note("numbers-used-up", (("order", "o2"),))


def test_a_good_read_takes_the_leave_away() -> None:
    line = Line(plan())
    line.make(verdict="unreadable")
    line.settle(1, "remark")
    line.ledger.apply(verified(line.seq + 1, 1, "good"))
    assert not work(line.plan, line.ledger).again


# -- the first piece


def asks(mode: str = "each", **changes: Any) -> Plan:
    """An order whose first piece a second person approves."""
    verify = {"mode": mode, "every": 5, "first_piece": "approved-by-second"}
    return plan(verify=verify, **changes)


def held(line: Line) -> bool:
    chosen = found(line.plan, line.ledger)
    return isinstance(chosen, Note) and chosen.code == "first-piece"


def firsts(line: Line) -> list[bool]:
    return [bool(m.readback and m.readback.first) for m in work(line.plan, line.ledger).marks]


@pytest.mark.parametrize("mode", ["each", "sample", "eye"])
def test_the_second_piece_waits_until_the_first_is_approved(mode: str) -> None:
    """One alone, though the tray takes three; it is read whatever the sample."""
    line = Line(asks(mode, tray=3))
    assert firsts(line) == [True]
    assert all(mark.readback and mark.readback.last for mark in work(line.plan, line.ledger).marks)
    assert line.make() == "N1"
    assert held(line)
    other = line.plan.orders[0].model_copy(update={"id": "o2"})
    both = line.plan.model_copy(update={"orders": (other, *line.plan.orders)})
    assert found(both, line.ledger) == found(line.plan, line.ledger), "the station, not the order"
    line.approve(1)
    assert firsts(line) == [False] * 3
    assert line.make() == "N2 N3 N7"


def test_what_is_read_elsewhere_waits_to_be_approved_as_soon_as_it_is_marked() -> None:
    line = Line(asks("elsewhere"))
    line.make(verdict="")
    assert held(line)
    line.approve(1)
    assert not held(line)


@pytest.mark.parametrize("ends", ["unreadable", "not_started", "scrapped", "voided"])
def test_after_a_first_piece_that_is_none_the_next_is_a_first_piece_again(ends: str) -> None:
    line = Line(asks())
    if ends == "unreadable":
        line.make(verdict=ends)
    elif ends == "not_started":
        line.make(did=ends)
    else:
        line.make()
        assert held(line)
        line.settle(1, ends)
    assert firsts(line) == [True]
    opened = line.seq + 1
    assert line.make() == "N2"
    line.approve(1)  # of the piece before: it says nothing of this one
    assert held(line)
    line.approve(opened)
    assert firsts(line) == [False]


def test_a_first_piece_that_is_marked_again_is_still_the_first() -> None:
    line = Line(asks())
    line.make(verdict="unreadable")
    line.settle(1, "remark")
    assert firsts(line) == [True]
    line.make()
    assert held(line)


def test_an_unknown_first_piece_that_a_read_settles_waits_to_be_approved() -> None:
    line = Line(asks())
    line.make(did="unknown")
    assert not held(line)
    line.ledger.apply(verified(line.seq + 1, 1, "good"))
    assert held(line)


def test_each_component_has_a_first_piece_of_its_own() -> None:
    line = Line(asks(**PISTOL))
    for opened, piece in ((1, "R1"), (5, "B1"), (9, "S1")):
        assert line.make() == piece
        assert held(line)
        line.approve(opened)
    assert [line.make() for _ in range(3)] == ["R2", "B2", "S2"]


def test_each_station_has_a_first_piece_of_its_own() -> None:
    other = Post("laser-2", GATEWAY, 1)
    line = Line(asks(), POST, other)
    line.make()
    assert held(line)
    assert line.make(post=1) == "N2"
    line.approve(1)
    assert not held(line)
    assert isinstance(found(line.plan, line.ledger, other), Note)
