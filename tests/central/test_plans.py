"""What the plan process signs, and how soon."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.contract.plan import Due, Plan
from gateway.contract.record import Mark, Readback, Repeat
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
Line = Callable[..., Peer]


def test_a_plan_holds_what_may_be_marked(centre: Registry, line: Line) -> None:
    peer = line(quantity=20)
    plan = peer.plan
    assert plan is not None
    order = plan.order(peer.order)
    assert order is not None
    assert (order.state, order.quantity, order.job) == ("released", 20, "JOB-1")
    (block,) = plan.blocks
    assert block.end - block.start + 1 == 20
    assert plan.epoch == 1
    left = plan.lease_until - datetime.now(UTC)
    assert timedelta(hours=71) < left <= timedelta(hours=72)
    assert {key.use for key in plan.keys} == {"receipt", "plan"}


def test_pausing_and_resuming_an_order(centre: Registry, line: Line) -> None:
    peer = line()
    centre.post(f"/api/v1/orders/{peer.order}/pause", {"reason": "drawing changed"})
    plan = peer.wait_plan(peer.order, "held")
    order = plan.order(peer.order)
    assert order is not None
    assert order.reason == "order-held"
    centre.post(f"/api/v1/orders/{peer.order}/pause", {"reason": "again"}, expect=409)
    centre.post(f"/api/v1/orders/{peer.order}/resume", {"reason": "drawing approved"})
    assert peer.wait_plan(peer.order).version > plan.version


def test_a_suspension_reaches_the_retained_plan() -> None:
    with Register.opened() as centre:
        licence = centre.standard()
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        centre.post(f"/api/v1/licences/{licence}/suspend", {"reason": "inspection"})
        plan = peer.wait_plan("G-1", "suspended")
        order = plan.order("G-1")
        assert order is not None
        assert order.reason == "licence-suspended"
        late = Peer(centre, "gramsh.line-1")  # who connects later finds the retained one
        late.central_keys, late._journal = peer.central_keys, peer._journal
        late.connect()
        assert late.wait_plan("G-1", "suspended") == plan
        late.disconnect()
        centre.post(f"/api/v1/licences/{licence}/reinstate", {"reason": "passed"})
        peer.wait_plan("G-1")
        centre.sql("UPDATE licence SET valid_until = now() + interval '2 seconds'")
        centre.post("/api/v1/orders/G-1/pause", {"reason": "a while"})
        assert peer.wait_plan("G-1", "held")
        centre.post("/api/v1/orders/G-1/resume", {"reason": "on"})
        wait_for(
            "a lease that ends with the licence",
            lambda: peer.plans[-1].lease_until - datetime.now(UTC) < timedelta(seconds=3),
        )
        ends = peer.plans[-1].lease_until
        wait_for("the licence's end", lambda: datetime.now(UTC) > ends)
        centre.post("/api/v1/orders/G-1/pause", {"reason": "anything"})
        plan = peer.wait_plan("G-1", "suspended")
        order = plan.order("G-1")
        assert order is not None
        assert order.reason == "licence-expired"
        centre.decide(f"/api/v1/licences/{licence}/revoke", {"reason": "over"})
        centre.post(f"/api/v1/licences/{licence}/reinstate", {"reason": "no"}, expect=409)
        peer.disconnect()


def test_a_voided_number_is_replaced_and_a_full_order_finishes(
    centre: Registry, line: Line
) -> None:
    peer = line(quantity=3)
    first = peer.number(1)
    peer.journal.marked(peer.intent(1), "not_started")
    peer.good(2)
    peer.good(3)
    peer.deliver()
    wait_for("another number", lambda: any(b.start > first for b in peer.plans[-1].blocks))
    plan = peer.plans[-1]
    (block,) = plan.blocks
    assert (block.start, block.end) == (block.end, block.end), "one, and the spent block is gone"
    peer.accept()
    peer.good(1)
    peer.deliver()
    plan = peer.wait_plan(peer.order, "finished")
    assert plan.blocks == ()


def test_an_older_plan_at_the_gateway_is_answered_with_the_plan(
    centre: Registry, line: Line
) -> None:
    peer = line()
    assert peer.plan is not None
    told = len(peer.plans)
    peer.state()
    wait_for("the plan again", lambda: len(peer.plans) > told)
    assert peer.plans[-1] == peer.plan
    told = len(peer.plans)
    peer.state(peer.plan)
    peer.next_receipt()
    peer.state(peer.plan)
    peer.next_receipt()
    assert len(peer.plans) == told
    assert centre.sql("SELECT count(*) FROM plan WHERE gateway = %s", peer.gateway) == [
        (len({plan.version for plan in peer.plans}),)
    ], "nothing changed, so nothing new was signed"


def test_people_travel_as_hashes(centre: Registry, line: Line) -> None:
    peer = line()
    body = {"code": "p-7", "gateway": peer.gateway, "badge": "04A1B2C3", "pin": "271828"}
    centre.post("/api/v1/people", body | {"roles": ["operator", "quality"]})
    wait_for("the person", lambda: peer.plans[-1].people)
    plan = peer.plans[-1]
    (person,) = plan.people
    assert person.roles == ("operator", "quality")
    assert len(person.badge) == 64
    assert person.pin.startswith("$argon2id$")
    said = plan.line().decode() + centre.log()
    assert "04A1B2C3" not in said
    assert "271828" not in said
    centre.post("/api/v1/people", body | {"roles": ["operator"]})
    wait_for("other roles", lambda: peer.plans[-1].people[0].roles == ("operator",))


def test_two_gateways_share_an_order_and_no_number(centre: Registry, line: Line) -> None:
    one, two = line(), line()
    centre.add_order("shared", one.gateway, two.gateway, quantity=300)
    first, second = one.accept("shared"), two.accept("shared")
    a = {n for b in first.blocks if b.order == "shared" for n in range(b.start, b.end + 1)}
    b = {n for b in second.blocks if b.order == "shared" for n in range(b.start, b.end + 1)}
    assert len(a) + len(b) == 300
    assert not a & b


def test_a_plan_that_cannot_be_compiled_stops_no_other(centre: Registry, line: Line) -> None:
    one, two = line(), line()
    verify = "UPDATE orders SET verify = %s WHERE code = %s"
    centre.sql(verify, '{"mode": "never"}', one.order)
    centre.post(f"/api/v1/orders/{one.order}/pause", {"reason": "no plan can say this"})
    wait_for("the complaint", lambda: f"{one.gateway}: no plan can be" in centre.log("plan"))
    centre.post(f"/api/v1/orders/{two.order}/pause", {"reason": "and this one goes on"})
    two.wait_plan(two.order, "held")
    centre.sql(verify, '{"mode": "each"}', one.order)
    centre.post(f"/api/v1/orders/{one.order}/resume", {"reason": "mended"})
    centre.post(f"/api/v1/orders/{one.order}/pause", {"reason": "and held"})
    one.wait_plan(one.order, "held")


def follow(peer: Peer, told: Callable[[Plan], bool], what: str) -> Plan:
    """Wait for such a plan, accept it, and say so."""

    def newest() -> Plan | None:
        peer.centre.settle()
        return peer.plans[-1] if peer.plans and told(peer.plans[-1]) else None

    peer.plan = wait_for(what, newest)
    assert peer.plan is not None
    peer.journal.accept(peer.plan)
    peer.deliver()
    return peer.plan


def repeat(peer: Peer, due: Due, verdict: str = "good") -> int:
    """Journal the further mark that is due, marked and read; returns the intent's seq."""
    assert peer.plan is not None
    order = peer.plan.order(due.order)
    assert order is not None
    piece = next(c for c in order.components if c.name == due.component)
    seq = peer.journal.intent(
        Mark(
            position=1,
            component=piece.name,
            order=order.id,
            job=piece.job or order.job,
            kind=order.kind,
            item=order.item(due.number, piece),
            content=order.content(due.number, piece),
            text=order.lines(due.number, piece),
            source=Repeat(of=due.of, position=due.position),
        )
    )
    peer.journal.marked(seq)
    peer.journal.verified(seq, verdict)
    return seq


def states(centre: Registry, order: str) -> list[tuple[int, str, str]]:
    return centre.sql(
        "SELECT number, component, state FROM item WHERE order_code = %s ORDER BY 1, 2", order
    )


def test_one_gateway_marks_the_receiver_and_another_the_barrel(
    centre: Registry, line: Line
) -> None:
    one, two = line(), line()
    centre.add_order_of_pairs(
        "pair",
        {"name": one.gateway, "components": ["receiver"]},
        {"name": two.gateway, "components": ["barrel"]},
    )
    plan = one.accept("pair")
    told = plan.order("pair")
    assert told is not None
    assert told.marks == ("receiver",)
    follow(two, lambda plan: plan.order("pair") is not None, "the order")
    assert two.plan is not None
    assert not [block for block in two.plan.blocks if block.order == "pair"]
    opened = one.good(1)
    one.deliver()
    plan = follow(two, lambda plan: bool(plan.due), "a barrel that is due")
    (due,) = plan.due or ()
    assert (due.do, due.number, due.component) == ("mark", one.number(1), "barrel")
    assert due.of == one.journal.ref(opened)
    repeat(two, due)
    two.deliver()
    assert states(centre, "pair") == [
        (due.number, "barrel", "good"),
        (due.number, "receiver", "good"),
    ]

    one.good(2)
    one.deliver()
    follow(two, lambda plan: [d.number for d in plan.due or ()] == [due.number + 1], "the next")
    two.enroll(reason="disk lost")
    one_more = due.number + 1
    assert centre.doubts("pair") == [(one_more, "barrel", 1)]
    wait_for(
        "a number in its place",
        lambda: any(b.start > one_more + 1 for b in one.plans[-1].blocks if b.order == "pair"),
    )
    follow(two, lambda plan: plan.epoch == 2, "a plan of the new epoch")
    assert two.plan.due is None
    path = f"/api/v1/orders/pair/numbers/{one_more}/return"
    centre.post(path, {"reason": "no such barrel in the shop"})
    plan = follow(two, lambda plan: bool(plan.due), "the barrel again")
    assert [d.number for d in plan.due or ()] == [one_more]
    repeat(two, (plan.due or ())[0])
    two.deliver()
    assert [state for *_, state in states(centre, "pair")] == ["good"] * 4
    centre.post(path, {"reason": "twice"}, expect=404)


def test_a_barrel_that_was_heard_before_its_receiver_is_not_due_again(
    centre: Registry, line: Line
) -> None:
    one, two = line(), line()
    centre.add_order_of_pairs(
        "early",
        {"name": one.gateway, "components": ["receiver"]},
        {"name": two.gateway, "components": ["barrel"]},
    )
    one.accept("early")
    follow(two, lambda plan: plan.order("early") is not None, "the order")
    of, number = one.journal.ref(one.good(1)), one.number(1)
    early = Due(do="mark", order="early", number=number, component="barrel", of=of)
    repeat(two, early, "unreadable")
    two.deliver()
    one.good(2)
    one.deliver()
    plan = follow(two, lambda plan: bool(plan.due), "the other barrel")
    assert [due.number for due in plan.due or ()] == [number + 1]


def test_what_salvaged_records_leave_in_doubt_is_marked_by_no_later_epoch(
    centre: Registry, line: Line
) -> None:
    peer = line()
    centre.add_order_of_pairs("torn", peer.gateway)
    peer.accept("torn")
    peer.deliver()
    old, delivered, first, second = peer.journal, peer.committed, peer.number(1), peer.number(2)
    peer.good(1)  # its receiver; the journal may hold the barrel's mark, too, where it is damaged
    peer.good(2)
    peer.enroll(reason="a byte was flipped")
    assert centre.doubts("torn") == [], "nothing was heard of them"
    centre.salvage(old.salvage((delivered + 1, old.seq)))
    left = [(first, "barrel", 1), (second, "barrel", 1)]
    assert centre.doubts("torn") == left
    follow(peer, lambda plan: plan.epoch == 2, "a plan of the new epoch")
    assert peer.plan is not None
    assert peer.plan.due is None
    back = f"/api/v1/orders/torn/numbers/{first}/return"
    centre.post(back, {"reason": "no such barrel in the shop"})
    centre.salvage(old.salvage((delivered + 1, old.seq)))
    assert centre.doubts("torn") == left[1:], "what was given back is not in doubt again"
    plan = follow(peer, lambda plan: bool(plan.due), "a barrel that is due")
    assert [(due.number, due.component) for due in plan.due or ()] == [(first, "barrel")]


def test_marks_are_read_back_by_another_gateway(centre: Registry, line: Line) -> None:
    one, two = line(), line()
    centre.add_order_of_pairs(
        "read",
        one.gateway,
        {"name": two.gateway, "components": [], "reads": True},
        verify={"mode": "elsewhere"},
    )
    one.accept("read")
    follow(two, lambda plan: plan.order("read") is not None, "the order")
    seq = one.intent(1, readback=Readback(mode="elsewhere"))
    one.journal.marked(seq)
    one.deliver()
    plan = follow(two, lambda plan: bool(plan.due), "a read that is due")
    (due,) = plan.due or ()
    assert (due.do, due.component, due.of) == ("read", "receiver", one.journal.ref(seq))
    order = plan.order("read")
    assert order is not None
    content = order.content(due.number, order.components[0])
    two.journal.verified(0, of=due.of, content=content)
    two.deliver()
    ((read_ok,),) = centre.sql("SELECT read_ok FROM item WHERE order_code = 'read'")
    assert read_ok
