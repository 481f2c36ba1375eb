"""Reads and decisions that are heard before the mark that they name."""

from typing import Any

import pytest

from central.ingest.facts import RecordKey
from gateway.contract.record import Corrected, Settled
from tests.central.scene import GATEWAY, OTHER, Scene
from tests.support.peer import Journal


def early() -> tuple[Scene, Journal, int]:
    """A mark that is journalled and not sent, and another gateway that will speak of it."""
    scene = Scene()
    journal, _ = scene.other()
    return scene, journal, scene.intent(1)


def read(scene: Scene, journal: Journal, seq: int, verdict: str = "good", **more: Any) -> None:
    content = scene.journal.mark(scene.plan, "G-1", 1).content
    told = {"content": content} if verdict != "unreadable" else {}
    journal.verified(0, verdict, of=scene.journal.ref(seq), **(told | more))
    scene.send(journal)


def settle(scene: Scene, journal: Journal, seq: int, how: str, *people: str) -> None:
    fields = journal.common(
        of=scene.journal.ref(seq), position=1, how=how, reason="decided", witnesses=people
    )
    journal.write(Settled(**fields))
    scene.send(journal)


def refusals(scene: Scene) -> list[str]:
    return [refusal.code for refusal in scene.register.open_refusals(OTHER, 1)]


def test_a_read_waits_for_its_mark_and_settles_it() -> None:
    scene, journal, seq = early()
    read(scene, journal, seq)
    assert scene.verdicts(journal)[-1] == "out-of-place"
    assert refusals(scene) == ["out-of-place"]
    assert list(scene.register.held.waiting) == [RecordKey(OTHER, 1, 3)]
    scene.send()
    assert scene.basis(1) == "good read"
    assert refusals(scene) == []
    assert scene.register.held.waiting == {}
    assert (("DA7G1HM70G000001", "receiver"), RecordKey(OTHER, 1, 3)) in scene.register.about


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("verdict", "entry", "state"),
    [("good", "keyed", "good keyed"), ("unreadable", "device", "rejected")],
)
def test_what_needs_the_outcome_waits_for_that_too(
    together: bool, verdict: str, entry: str, state: str
) -> None:
    scene, journal, seq = early()
    read(scene, journal, seq, verdict, entry=entry)
    if not together:
        scene.send()
        assert refusals(scene) == [], "its mark is known"
        assert [one.heard for one in scene.register.held.waiting.values()] == [True]
        assert scene.basis(1) == "open"
    scene.journal.marked(seq)
    scene.send()
    assert scene.basis(1) == state
    assert scene.register.held.waiting == {}


def test_a_read_of_a_mark_without_outcome_waits_and_is_not_refused() -> None:
    scene, journal, seq = early()
    scene.send()
    read(scene, journal, seq, "unreadable")
    assert scene.verdicts(journal)[-1] == "ok"
    scene.journal.marked(seq)
    scene.send()
    assert scene.basis(1) == "rejected"


@pytest.mark.parametrize(
    ("how", "state"),
    [("scrapped", "scrapped"), ("accepted", "good accepted"), ("voided", "voided")],
)
def test_a_decision_waits_for_its_mark(how: str, state: str) -> None:
    scene, journal, seq = early()
    settle(scene, journal, seq, how, "p-1", "p-2")
    assert refusals(scene) == ["out-of-place"]
    scene.journal.marked(seq)
    scene.send()
    assert (scene.basis(1), refusals(scene)) == (state, [])


def test_what_turns_out_unlawful_is_refused_for_that() -> None:
    scene, journal, seq = early()
    settle(scene, journal, seq, "voided", "p-1")
    read(scene, journal, seq, content="something else")
    assert refusals(scene) == ["out-of-place"] * 2
    scene.journal.marked(seq)
    scene.send()
    assert refusals(scene) == ["witnesses-missing", "wrong-content"]
    assert scene.basis(1) == "marked"
    assert scene.register.held.waiting == {}


def test_what_was_corrected_waits_no_longer() -> None:
    scene, journal, seq = early()
    read(scene, journal, seq)
    journal.write(Corrected(**journal.common(of=journal.ref(journal.seq), reason="a mistake")))
    scene.send(journal)
    assert (scene.register.held.waiting, refusals(scene)) == ({}, [])
    scene.journal.marked(seq)
    scene.send()
    assert scene.basis(1) == "marked"


def test_several_are_judged_in_the_order_in_which_they_came() -> None:
    scene, journal, seq = early()
    scene.journal.marked(seq)
    read(scene, journal, seq, "unreadable")
    read(scene, journal, seq)
    scene.send()
    assert scene.basis(1) == "good read"


def test_what_took_effect_overrules_what_waited() -> None:
    scene, journal, seq = early()
    scene.send()
    read(scene, journal, seq, "unreadable")
    read(scene, journal, seq)
    assert scene.register.held.waiting == {}
    scene.journal.marked(seq)
    scene.send()
    assert scene.basis(1) == "good read"


def test_a_journal_does_not_wait_for_itself() -> None:
    scene = Scene()
    journal = scene.journal
    journal.settled(4, "scrapped", "p-1", "p-2")
    scene.intent(1)
    scene.send()
    assert scene.verdicts()[2:] == ["out-of-place", "ok"]
    assert scene.basis(1) == "open"
    assert [refusal.seq for refusal in scene.register.open_refusals(GATEWAY, 1)] == [3]


def test_a_remark_stays_lawful_whatever_was_read_elsewhere_meanwhile() -> None:
    scene, journal, seq = early()
    scene.journal.marked(seq)
    scene.journal.settled(seq, "remark", "p-1", "p-2")
    scene.send()
    read(scene, journal, seq)
    scene.good(1, repeat=seq)
    scene.send()
    assert set(scene.verdicts()) == {"ok"}
    assert (scene.basis(1), scene.flags(1)) == ("good read", set())
