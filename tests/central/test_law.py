"""Each verdict of the law, on journals in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.contract.plan import Verify
from gateway.contract.record import (
    ClockState,
    Corrected,
    FromBlock,
    Item,
    Readback,
    RecordRef,
    Trial,
    Unlatched,
)
from tests.central.scene import GATEWAY, OTHER, SPACE, Scene, plan


def test_a_part_marked_and_read_is_good() -> None:
    scene = Scene()
    scene.good(1)
    scene.send()
    assert scene.verdicts() == ["ok"] * 5
    assert scene.states(1) == {"receiver": "good"}
    assert scene.flags(1) == set()


def test_serials_are_the_orders_text() -> None:
    scene = Scene()
    scene.intent(7)
    scene.send()
    (item,) = scene.register.held.items.values()
    assert (item.serial, item.uii) == ("G000007", "DA7G1HM70G000007")


@pytest.mark.parametrize(
    ("did", "state"), [("done", "marked"), ("unknown", "unknown"), ("not_started", "voided")]
)
def test_the_markers_word(did: Any, state: str) -> None:
    scene = Scene()
    scene.journal.marked(scene.intent(1), did)
    scene.send()
    assert scene.states(1) == {"receiver": state}


@pytest.mark.parametrize(
    ("did", "verdict", "state"),
    [
        ("done", "good", "good"),
        ("done", "unreadable", "rejected"),
        ("done", "mismatch", "rejected"),
        ("done", "below_grade", "rejected"),
        ("unknown", "good", "good"),
        ("unknown", "unreadable", "unknown"),
        ("unknown", "mismatch", "unknown"),
        ("unknown", "below_grade", "rejected"),
    ],
)
def test_a_read_settles_what_it_proves(did: Any, verdict: str, state: str) -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq, did)
    scene.journal.verified(seq, verdict, content="other" if verdict == "mismatch" else None)
    scene.send()
    assert scene.verdicts() == ["ok"] * 5
    assert scene.states(1) == {"receiver": state}


@pytest.mark.parametrize(
    ("how", "state"),
    [("accepted", "good"), ("scrapped", "scrapped"), ("voided", "voided"), ("remark", "rejected")],
)
def test_two_people_settle_an_unknown(how: str, state: str) -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq, "unknown")
    scene.journal.settled(seq, how, "p-1", "p-2")
    scene.send()
    assert scene.verdicts() == ["ok"] * 5
    assert scene.states(1) == {"receiver": state}


@pytest.mark.parametrize("how", ["accepted", "remark", "voided"])
def test_one_person_alone_settles_nothing(how: str) -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq, "unknown")
    scene.journal.settled(seq, how, "p-1", "p-1")
    scene.send()
    assert scene.verdicts()[-1] == "witnesses-missing"
    assert scene.states(1) == {"receiver": "unknown"}


def test_a_read_that_is_called_good_and_is_not() -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq)
    scene.journal.verified(seq, "good", content="something else")
    scene.send()
    assert scene.verdicts()[-1] == "wrong-content"
    assert scene.states(1) == {"receiver": "marked"}


def test_an_eye_judges_without_content() -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq)
    scene.journal.verified(seq, "good", content=None, entry="eye", reason="no reader")
    scene.send()
    (item,) = scene.register.held.items.values()
    assert (item.state, item.basis) == ("good", "eye")


# --- refused intents of real metal ----------------------------------------------------------


def refused(scene: Scene, code: str, number: int) -> None:
    """The last intent was refused with that code, and claims its number all the same."""
    scene.journal.marked(scene.journal.seq)
    scene.journal.verified(scene.journal.seq - 1)
    scene.send()
    assert scene.verdicts()[-3:] == [code, "ok", "ok"]
    assert set(scene.states(number).values()) == {"good"}
    assert "quarantined" in scene.flags(number)


def test_no_plan_accepted() -> None:
    scene = Scene()
    journal = scene.line(OTHER)
    journal.opened()
    journal.intent(journal.mark(plan(gateway=OTHER), "G-1", 1))
    scene.send(journal)
    assert scene.verdicts(journal) == ["ok", "not-licensed"]
    assert scene.states(1) == {"receiver": "open"}
    assert scene.flags(1) == {"quarantined"}


@pytest.mark.parametrize("state", ["held", "suspended", "finished"])
def test_an_order_that_is_not_released(state: str) -> None:
    scene = Scene(state=state)
    scene.intent(1)
    refused(scene, "not-licensed", 1)


def test_the_lease_ended_before_the_intent() -> None:
    scene = Scene(lease_until=datetime.now(UTC) + timedelta(hours=1))
    mark = scene.journal.mark(scene.plan, "G-1", 1)
    scene.journal.intent(mark, at=datetime.now(UTC) + timedelta(hours=2))
    refused(scene, "lease-ended", 1)


def test_a_number_outside_the_block() -> None:
    scene = Scene()
    scene.intent(101)
    refused(scene, "outside-block", 101)


def test_a_block_of_another_name() -> None:
    scene = Scene()
    scene.intent(1, source=FromBlock(block="B9", space=SPACE, number=1))
    refused(scene, "outside-block", 1)


def test_an_order_that_the_plan_does_not_hold() -> None:
    scene = Scene()
    scene.intent(1, order="G-2")
    refused(scene, "unknown-order", 1)


def test_another_content_than_the_order_gives() -> None:
    scene = Scene()
    other = scene.journal.mark(scene.plan, "G-1", 2)
    scene.intent(1, content=other.content)
    scene.send()
    assert scene.verdicts()[-1] == "wrong-content"
    (item,) = scene.register.held.items.values()
    assert item.uii == other.item.uii, "the metal says what is on it"
    assert item.quarantined


def test_an_item_that_the_content_does_not_name() -> None:
    scene = Scene()
    scene.intent(1, item=Item(uii="X1", elements="06:25S=X1"))
    refused(scene, "wrong-content", 1)


def test_a_component_that_the_order_does_not_have() -> None:
    scene = Scene()
    scene.intent(1, component="receiver")
    mark = scene.journal.mark(scene.plan, "G-1", 2).model_copy(update={"component": "stock"})
    scene.journal.intent(mark)
    scene.send()
    assert scene.verdicts()[-1] == "wrong-content"


@pytest.mark.parametrize(
    ("kind", "quantity"), [("serial", 2), ("package", None), ("package", 0), ("package", 51)]
)
def test_a_quantity_that_cannot_be(kind: str, quantity: int | None) -> None:
    contents = 50 if kind == "package" else None
    scene = Scene(kind=kind, contents=contents)
    scene.intent(1, quantity=quantity)
    refused(scene, "bad-quantity", 1)


def test_a_package_may_hold_less() -> None:
    scene = Scene(kind="package", contents=50)
    scene.good(1, quantity=12)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}


def test_the_same_number_twice_is_duplicated() -> None:
    scene = Scene()
    scene.good(1)
    scene.good(1)
    scene.send()
    assert scene.verdicts()[5] == "duplicate"
    assert scene.flags(1) == {"duplicated"}


def test_a_number_that_another_gateway_spent() -> None:
    scene = Scene()
    scene.good(1)
    scene.send()
    theirs = plan(gateway=OTHER)
    scene.register.issue(theirs)
    journal = scene.line(OTHER)
    journal.opened()
    journal.accept(theirs)
    journal.intent(journal.mark(theirs, "G-1", 1))
    scene.send(journal)
    assert scene.verdicts(journal) == ["ok", "ok", "duplicate"]
    assert scene.flags(1) == {"duplicated"}
    assert scene.states(1) == {"receiver": "good"}


def test_two_items_with_one_uii() -> None:
    """ABC + 1 and AB + C1 are one string and two items."""
    content = "[)>\x1e06\x1d17VA7G1H\x1d1P{serial}\x1dS1\x1e\x04"
    scene = Scene(template={"content": content, "serial_prefix": "M7", "serial_digits": 1})
    first = scene.journal.mark(scene.plan, "G-1", 1)
    scene.journal.intent(first)
    other = "[)>\x1e06\x1d17VA7G1H\x1d1PM7\x1dS11\x1e\x04"
    scene.intent(2, content=other)
    scene.send()
    assert scene.verdicts()[-1] == "wrong-content"
    assert len(scene.register.held.items) == 1
    assert next(iter(scene.register.held.items.values())).duplicated


# --- components and second marks -------------------------------------------------------------


def test_a_number_is_good_when_each_component_is() -> None:
    scene = Scene(components=("receiver", "barrel"))
    first = scene.good(1, "receiver")
    scene.send()
    assert scene.states(1) == {"receiver": "marked"}
    scene.good(1, "barrel", repeat=first)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}
    assert scene.states(1) == {"receiver": "good", "barrel": "good"}
    scene.journal.settled(first, "scrapped", "p-1", "p-2")
    scene.send()
    assert scene.states(1) == {"receiver": "scrapped", "barrel": "marked"}


def test_both_components_in_one_intent() -> None:
    scene = Scene(components=("receiver", "barrel"))
    journal = scene.journal
    seq = journal.intent(
        journal.mark(scene.plan, "G-1", 1, "receiver", position=1),
        journal.mark(scene.plan, "G-1", 1, "barrel", position=2),
    )
    for position in (1, 2):
        journal.marked(seq, position=position)
        journal.verified(seq, position=position)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}
    assert scene.states(1) == {"receiver": "good", "barrel": "good"}


def test_the_right_code_on_the_wrong_component_is_no_read() -> None:
    scene = Scene(components=("receiver", "barrel"))
    seq = scene.intent(1, "receiver")
    barrel = scene.journal.mark(scene.plan, "G-1", 1, "barrel")
    scene.journal.marked(seq)
    scene.journal.verified(seq, "good", content=barrel.content)
    scene.send()
    assert scene.verdicts()[-1] == "wrong-content"


def test_without_the_components_code_a_read_settles_no_unknown() -> None:
    content = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1e\x04"
    scene = Scene(
        components=("receiver", "barrel"), template={"content": content, "serial_prefix": "G"}
    )
    seq = scene.intent(1, "receiver")
    scene.journal.marked(seq, "unknown")
    scene.journal.verified(seq)
    scene.send()
    assert scene.states(1) == {"receiver": "unknown"}


def test_a_second_mark_needs_a_decision() -> None:
    scene = Scene()
    first = scene.intent(1)
    scene.journal.marked(first)
    scene.journal.verified(first, "unreadable")
    scene.intent(1, repeat=first)
    scene.send()
    assert scene.verdicts()[-1] == "duplicate"
    assert scene.flags(1) == {"duplicated"}


def test_a_second_mark_by_decision() -> None:
    scene = Scene()
    first = scene.intent(1)
    scene.journal.marked(first)
    scene.journal.verified(first, "unreadable")
    scene.journal.settled(first, "remark", "p-1", "p-2")
    second = scene.intent(1, repeat=first)
    scene.send()
    assert scene.states(1) == {"receiver": "open"}
    scene.journal.marked(second)
    scene.journal.verified(second)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}
    assert scene.states(1) == {"receiver": "good"}
    assert scene.flags(1) == set()


def test_a_second_mark_that_did_not_start_leaves_the_first() -> None:
    scene = Scene()
    first = scene.intent(1)
    scene.journal.marked(first)
    scene.journal.verified(first, "unreadable")
    scene.journal.settled(first, "remark", "p-1", "p-2")
    scene.journal.marked(scene.intent(1, repeat=first), "not_started")
    scene.intent(1, repeat=first)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}, "the permission is still there"
    assert scene.states(1) == {"receiver": "open"}


# --- by the journal's order ------------------------------------------------------------------


def test_the_law_goes_by_the_journal_and_not_by_arrival() -> None:
    """A suspension that was signed before the batch arrived, and accepted after the intent."""
    scene = Scene()
    scene.good(1)
    suspended = plan(version=2, state="suspended", reason="licence-suspended")
    scene.register.issue(suspended)
    scene.journal.accept(suspended)
    scene.intent(2)
    scene.send()
    assert scene.verdicts() == ["ok"] * 6 + ["not-licensed"]
    assert scene.flags(1) == set()
    assert scene.flags(2) == {"quarantined"}


def test_an_older_plan_is_not_accepted_again() -> None:
    scene = Scene()
    scene.register.issue(plan(version=2, state="suspended"))
    scene.journal.accept(plan(version=2, state="suspended"))
    scene.journal.accept(scene.plan)
    scene.intent(1)
    scene.send()
    assert scene.verdicts()[-2:] == ["out-of-place", "not-licensed"]


def test_a_plan_that_nobody_signed() -> None:
    scene = Scene()
    unknown = plan(version=9, start=501)
    scene.journal.accept(unknown)
    scene.journal.intent(scene.journal.mark(unknown, "G-1", 501))
    scene.send()
    assert scene.verdicts()[-2:] == ["unknown-plan", "not-licensed"]


# --- records in the wrong place --------------------------------------------------------------


def test_what_became_of_a_mark_that_nobody_announced() -> None:
    scene = Scene()
    scene.journal.marked(1)
    nowhere = RecordRef(gateway=GATEWAY, epoch=1, seq=2)
    scene.journal.verified(2, of=nowhere, content="x")
    scene.journal.settled(99, "scrapped", "p-1", "p-2")
    scene.journal.opened()
    scene.send()
    assert scene.verdicts() == ["ok", "ok", *["out-of-place"] * 4]
    assert scene.register.held.items == {}


def test_a_position_that_the_intent_does_not_have() -> None:
    scene = Scene()
    scene.journal.marked(scene.intent(1), position=2)
    scene.send()
    assert scene.verdicts()[-1] == "out-of-place"


def test_bytes_that_are_no_record_are_kept() -> None:
    scene = Scene()
    for line in (b"", b"{}", b"\xff", b'{"type":"intent"}', b"[1]"):
        scene.journal.write_bytes(line)
    scene.journal.write_bytes(scene.journal.lines[0])  # a record, of another place
    scene.good(1)
    scene.send()
    assert scene.verdicts() == ["ok"] * 2 + ["unreadable"] * 6 + ["ok"] * 3
    assert scene.states(1) == {"receiver": "good"}


def test_a_correction_closes_a_refusal() -> None:
    scene = Scene()
    journal = scene.journal
    journal.marked(1)
    scene.send()
    assert scene.register.open_refusals(GATEWAY, 1)
    journal.write(Corrected(**journal.common(of=journal.ref(3), reason="entered by mistake")))
    scene.send()
    assert scene.register.open_refusals(GATEWAY, 1) == []


def test_a_correction_of_the_future_or_of_another_gateway() -> None:
    scene = Scene()
    journal = scene.journal
    for of in (journal.ref(99), RecordRef(gateway=OTHER, epoch=1, seq=1)):
        journal.write(Corrected(**journal.common(of=of, reason="no")))
    scene.send()
    assert scene.verdicts()[-2:] == ["out-of-place", "out-of-place"]


def test_a_trial_claims_nothing() -> None:
    scene = Scene()
    journal = scene.journal
    journal.write(Trial(**journal.common(device="laser", job="JOB-1", text="FOCUS", did="done")))
    scene.send()
    assert set(scene.verdicts()) == {"ok"}
    assert scene.register.held.items == {}


def test_a_read_at_another_gateway() -> None:
    scene = Scene()
    seq = scene.intent(1)
    scene.journal.marked(seq)
    scene.send()
    content = scene.journal.mark(scene.plan, "G-1", 1).content
    journal = scene.line(OTHER)
    journal.opened()
    journal.verified(0, of=scene.journal.ref(seq), content=content)
    scene.send(journal)
    assert scene.verdicts(journal) == ["ok", "ok"]
    assert scene.states(1) == {"receiver": "good"}


@pytest.mark.parametrize(
    ("clock", "verdict"),
    [
        (ClockState(synced=False), "lease-ended"),
        (ClockState(synced=True), "lease-ended"),
        (ClockState(synced=True, offset_ms=-7_199_000), "lease-ended"),
        (ClockState(synced=True, offset_ms=-7_201_000), "ok"),
        (ClockState(synced=True, offset_ms=-1e300), "lease-ended"),
    ],
)
def test_a_lease_is_judged_by_the_time_that_the_offset_corrects(
    clock: ClockState, verdict: str
) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    scene = Scene(lease_until=until)
    mark = scene.journal.mark(scene.plan, "G-1", 1)
    scene.journal.intent(mark, at=until + timedelta(hours=2), clock=clock)
    scene.send()
    assert scene.verdicts()[-1] == verdict


def test_an_offset_ends_a_lease_although_the_clock_is_behind() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    scene = Scene(lease_until=until)
    mark = scene.journal.mark(scene.plan, "G-1", 1)
    behind = ClockState(synced=True, offset_ms=7_200_000)
    scene.journal.intent(mark, at=until - timedelta(hours=1), clock=behind)
    scene.send()
    assert scene.verdicts()[-1] == "lease-ended"


def test_a_first_piece_is_approved_by_another_than_who_marked_it() -> None:
    scene = Scene(verify=Verify(mode="each", first_piece="approved-by-second"))
    journal = scene.journal
    mark = journal.mark(scene.plan, "G-1", 1, readback=Readback(mode="each", first=True))
    seq = journal.intent(mark, operator="op-4")
    journal.marked(seq)
    journal.verified(seq)
    other, _ = scene.other()
    said = {"latch": "first-piece", "reason": "", "of": journal.ref(seq), "position": 1}
    for operator, witnesses in (("op-4", ("op-4",)), ("lead-1", ("lead-1",))):
        journal.write(Unlatched(**journal.common(operator=operator, witnesses=witnesses, **said)))
    journal.write(Unlatched(**journal.common(latch="first-piece", reason="", of=journal.ref(99))))
    scene.send()
    other.write(Unlatched(**other.common(operator="lead-1", **said)))
    scene.send(other)
    assert scene.verdicts()[-3:] == ["witnesses-missing", "ok", "out-of-place"]
    assert scene.verdicts(other)[-1] == "out-of-place"
    assert scene.states(1) == {"receiver": "good"}
    told = {by.seq for _, by in scene.register.about}
    assert told == {seq + 1, seq + 2, seq + 3, seq + 4}, "its life tells of both"
