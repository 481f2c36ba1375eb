"""Receiver, barrel and slide: who may mark the next one, when, and what a second mark is."""

from typing import Any

import pytest

from gateway.contract.plan import Due, Verify
from gateway.contract.record import Readback, RecordRef, Repeat
from tests.central.scene import OTHER, Scene

THREE = ("receiver", "barrel", "slide")


def scene(**order: Any) -> Scene:
    return Scene(components=THREE, **order)


def made(one: Scene, of: int, component: str, number: int = 1, **mark: Any) -> int:
    """A further component, marked and read."""
    seq = one.intent(number, component, repeat=of, **mark)
    one.journal.marked(seq)
    one.journal.verified(seq)
    return seq


def verdict(one: Scene) -> str:
    """Of the last record sent."""
    one.send()
    return one.verdicts()[-1]


def test_three_pieces_make_one_number_good() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    made(one, opened, "barrel")
    one.send()
    assert one.states(1) == {"receiver": "marked", "barrel": "marked"}
    made(one, opened, "slide")
    one.send()
    assert set(one.verdicts()) == {"ok"}
    assert one.states(1) == dict.fromkeys(THREE, "good")


def test_a_number_begins_with_the_first_component() -> None:
    one = scene()
    one.intent(1, "barrel")
    assert verdict(one) == "out-of-place"


def test_components_go_in_the_orders_order() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    one.intent(1, "slide", repeat=opened)
    assert verdict(one) == "outside-block", "who has not marked the barrel knows of no slide"
    assert one.flags(1) == {"quarantined"}


def test_each_repeats_the_intent_that_opened_the_number() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    barrel = made(one, opened, "barrel")
    one.intent(1, "slide", repeat=barrel)
    assert verdict(one) == "out-of-place"


@pytest.mark.parametrize(
    "state", ["open", "marked", "unknown", "rejected", "remark", "scrapped", "voided"]
)
def test_a_number_that_is_not_ready_goes_no_further(state: str) -> None:
    one = scene()
    opened = one.intent(1, "receiver")
    if state != "open":
        one.journal.marked(opened, "unknown" if state == "unknown" else "done")
    if state == "rejected":
        one.journal.verified(opened, "unreadable")
    if state in ("remark", "scrapped", "voided"):
        one.journal.settled(opened, state, "p-1", "p-2")
    one.intent(1, "barrel", repeat=opened)
    assert verdict(one) == "out-of-place"


@pytest.mark.parametrize("mode", ["sample", "elsewhere"])
def test_marked_is_enough_where_the_read_comes_later(mode: Any) -> None:
    one = scene(verify=Verify(mode=mode, every=5))
    opened = one.done(1)
    one.intent(1, "barrel", repeat=opened, readback=Readback(mode=mode, every=5))
    assert verdict(one) == "ok"


def test_a_bad_read_elsewhere_that_the_line_cannot_know_makes_nothing_unlawful() -> None:
    one = scene(verify=Verify(mode="elsewhere"))
    opened = one.done(1)
    one.send()
    journal, _ = one.other()
    journal.verified(0, "unreadable", of=one.journal.ref(opened))
    one.send(journal)
    one.intent(1, "barrel", repeat=opened, readback=Readback(mode="elsewhere"))
    assert verdict(one) == "ok"
    assert one.states(1) == {"receiver": "rejected", "barrel": "open"}


def test_a_shot_that_did_not_start_leaves_the_component_free() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    for _ in range(2):
        one.journal.marked(one.intent(1, "barrel", repeat=opened), "not_started")
        one.send()
        assert one.states(1) == {"receiver": "marked", "barrel": "voided"}
    made(one, opened, "barrel")
    made(one, opened, "slide")
    one.send()
    assert set(one.verdicts()) == {"ok"}
    assert one.states(1) == dict.fromkeys(THREE, "good")
    assert one.flags(1) == set()


def test_a_fresh_number_that_did_not_start_is_void_for_good() -> None:
    one = scene()
    opened = one.intent(1, "receiver")
    one.journal.marked(opened, "not_started")
    one.intent(1, "receiver", repeat=opened)
    assert verdict(one) == "duplicate"


def test_a_component_is_marked_once() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    made(one, opened, "barrel")
    one.intent(1, "barrel", repeat=opened)
    assert verdict(one) == "duplicate"
    assert one.flags(1) == {"duplicated"}


def remark(one: Scene, number: int, component: str, **mark: Any) -> int:
    """A component that was spoilt, and that two people give one more try."""
    seq = one.intent(number, component, **mark)
    one.journal.marked(seq)
    one.journal.verified(seq, "unreadable")
    one.journal.settled(seq, "remark", "p-1", "p-2")
    return seq


def test_a_remark_of_a_further_component_repeats_its_own_mark() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    spoilt = remark(one, 1, "barrel", repeat=opened)
    made(one, spoilt, "barrel")
    made(one, opened, "slide")
    one.send()
    assert set(one.verdicts()) == {"ok"}
    assert one.states(1) == dict.fromkeys(THREE, "good")


def test_a_remark_is_for_that_part_alone() -> None:
    one = scene()
    first, second = one.good(1, "receiver"), one.good(2, "receiver")
    remark(one, 1, "barrel", repeat=first)
    one.intent(1, "barrel", repeat=first)
    assert verdict(one) == "duplicate", "what it repeats is the receiver's mark"
    one.intent(2, "receiver", repeat=second)
    assert verdict(one) == "duplicate", "and nobody allowed anything for another number"


def test_a_remark_is_used_once() -> None:
    one = Scene()
    spoilt = remark(one, 1, "receiver")
    again = one.intent(1, repeat=spoilt)
    one.journal.marked(again)
    one.intent(1, repeat=spoilt)
    assert verdict(one) == "duplicate"


def test_a_remark_settles_by_position() -> None:
    one = Scene()
    journal = one.journal
    seq = journal.intent(
        *(journal.mark(one.plan, "G-1", number, position=number) for number in (1, 2))
    )
    for position in (1, 2):
        journal.marked(seq, position=position)
        journal.verified(seq, "unreadable", position=position)
    journal.settled(seq, "remark", "p-1", "p-2", position=2)
    source = Repeat(of=journal.ref(seq), position=2)
    again = journal.intent(journal.mark(one.plan, "G-1", 2, position=2, source=source))
    journal.marked(again, position=2)
    journal.verified(again, position=2)
    source = Repeat(of=journal.ref(seq), position=1)
    journal.intent(journal.mark(one.plan, "G-1", 1, source=source))
    assert verdict(one) == "duplicate"
    assert (one.states(1), one.states(2)) == ({"receiver": "rejected"}, {"receiver": "good"})


def test_pieces_are_as_many_as_the_order_has() -> None:
    one = scene()
    one.intent(1, pieces=3)
    assert verdict(one) == "ok"
    one.intent(2, pieces=2)
    assert verdict(one) == "wrong-content"


# --- at another gateway ---------------------------------------------------------------------------


def due(one: Scene, of: int, component: str = "barrel") -> Due:
    ref = RecordRef(gateway=one.journal.gateway, epoch=1, seq=of)
    return Due(do="mark", order="G-1", number=1, component=component, of=ref)


def test_another_gateway_marks_what_its_plan_names() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    one.send()
    journal, theirs = one.other(due=(due(one, opened),))
    source = Repeat(of=one.journal.ref(opened))
    for component in ("barrel", "slide"):
        seq = journal.intent(journal.mark(theirs, "G-1", 1, component, source=source))
        journal.marked(seq)
        journal.verified(seq)
    one.send(journal)
    assert set(one.verdicts(journal)) == {"ok"}, "the slide it knows from its own journal"
    assert one.states(1) == dict.fromkeys(THREE, "good")


def test_and_nothing_else() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    one.send()
    journal, theirs = one.other(OTHER)
    source = Repeat(of=one.journal.ref(opened))
    journal.intent(journal.mark(theirs, "G-1", 1, "barrel", source=source))
    one.send(journal)
    assert one.verdicts(journal)[-1] == "outside-block"
    assert one.states(1) == {"receiver": "marked", "barrel": "open"}


def test_what_was_due_stays_lawful_whatever_the_register_learned_since() -> None:
    one = scene()
    opened = one.good(1, "receiver")
    one.journal.settled(opened, "scrapped", "p-1", "p-2")
    one.send()
    journal, theirs = one.other(due=(due(one, opened),))
    source = Repeat(of=one.journal.ref(opened))
    journal.intent(journal.mark(theirs, "G-1", 1, "barrel", source=source))
    one.send(journal)
    assert one.verdicts(journal)[-1] == "ok"
    assert one.states(1) == {"receiver": "scrapped", "barrel": "open"}
