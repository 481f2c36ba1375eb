"""One part is read for a group: which parts form it, which is read, what that says of the rest."""

from typing import Any

import pytest

from gateway.contract.plan import Verify
from gateway.contract.record import PositionOutcome, Readback
from tests.central.scene import OTHER, Scene

THREE = Verify(mode="sample", every=3)


def scene() -> Scene:
    return Scene(verify=THREE)


def bases(one: Scene, *numbers: int) -> list[str]:
    one.send()
    return [one.basis(number) for number in numbers]


def test_a_group_is_open_until_its_sample_is_read() -> None:
    one = scene()
    last = [one.done(number) for number in (1, 2, 3)][-1]
    assert bases(one, 1, 2, 3) == ["marked"] * 3
    assert one.groups() == [(3, "closed")]
    one.journal.verified(last)
    assert bases(one, 1, 2, 3) == ["good sample", "good sample", "good read"]
    assert one.groups() == [(3, "good")]
    assert set(one.verdicts()) == {"ok"}


@pytest.mark.parametrize("verdict", ["unreadable", "mismatch", "below_grade"])
def test_a_failed_sample_rejects_the_others_until_each_is_read(verdict: str) -> None:
    one = scene()
    first, _, last = (one.done(number) for number in (1, 2, 3))
    one.journal.verified(last, verdict, content="x" if verdict == "mismatch" else None)
    assert bases(one, 1, 2, 3) == ["rejected"] * 3
    one.journal.verified(last)
    assert bases(one, 1, 2, 3) == ["rejected", "rejected", "good read"], (
        "it speaks for itself alone"
    )
    one.journal.verified(first)
    assert bases(one, 1, 2, 3) == ["good read", "rejected", "good read"]
    assert one.groups() == [(3, "failed")]


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ("accepted", "good accepted"),
        ("scrapped", "scrapped"),
        ("voided", "voided"),
        ("remark", "rejected"),
    ],
)
def test_a_sample_that_people_settled_proves_nothing(how: str, state: str) -> None:
    one = scene()
    last = [one.done(number) for number in (1, 2, 3)][-1]
    one.journal.settled(last, how, "p-1", "p-2")
    assert bases(one, 1, 2, 3) == ["rejected", "rejected", state]


def test_the_last_part_of_an_order_ends_its_group() -> None:
    one = scene()
    one.done(1)
    last = one.done(2, last=True)
    one.send()
    assert one.groups() == [(2, "closed")]
    one.done(3)
    one.journal.verified(last)
    assert bases(one, 1, 2, 3) == ["good sample", "good read", "marked"]
    assert one.groups() == [(2, "good"), (1, "open")]


def test_a_read_of_the_newest_part_ends_the_group_early() -> None:
    one = scene()
    one.done(1)
    one.journal.verified(one.done(2))
    assert bases(one, 1, 2) == ["good sample", "good read"]
    assert one.groups() == [(2, "good")]


def test_a_read_of_another_part_speaks_for_it_alone() -> None:
    one = scene()
    first, second = one.done(1), one.done(2)
    one.journal.verified(first)
    one.done(3)
    one.journal.verified(second, "unreadable")
    assert bases(one, 1, 2, 3) == ["good read", "rejected", "marked"]
    assert one.groups() == [(3, "closed")]


def test_what_somebody_typed_is_no_sample() -> None:
    one = scene()
    last = [one.done(number) for number in (1, 2, 3)][-1]
    one.journal.verified(last, entry="keyed")
    assert bases(one, 1, 2, 3) == ["marked", "marked", "good keyed"]
    one.journal.verified(last)
    assert bases(one, 1, 2) == ["good sample"] * 2, "the device's read is"


@pytest.mark.parametrize("before", [True, False])
def test_what_somebody_typed_of_a_member_says_more_than_its_sample(before: bool) -> None:
    one = scene()
    first, _, last = (one.done(number) for number in (1, 2, 3))
    for seq in (first, last) if before else (last, first):
        one.journal.verified(seq, entry="keyed" if seq == first else "device")
    assert bases(one, 1, 2, 3) == ["good keyed", "good sample", "good read"]


def test_an_unknown_part_is_of_no_group() -> None:
    one = scene()
    one.done(1)
    unknown = one.intent(2, readback=Readback(mode="sample", every=3))
    one.journal.marked(unknown, "unknown")
    one.done(3)
    one.journal.verified(unknown)
    one.journal.verified(one.done(4))
    assert bases(one, 1, 2, 3, 4) == ["good sample", "good read", "good sample", "good read"]
    assert one.groups() == [(3, "good")]


def test_a_part_joins_once_however_often_its_outcome_is_told() -> None:
    one = scene()
    first = one.done(1)
    one.journal.marked(first)
    one.done(2)
    one.send()
    assert one.groups() == [(2, "open")]


def test_each_station_has_its_own_groups() -> None:
    one = scene()
    one.done(1)
    one.done(2, station="station-2")
    one.done(3)
    one.journal.verified(one.done(4, station="station-2"))
    assert bases(one, 1, 2, 3, 4) == ["marked", "good sample", "marked", "good read"]
    assert one.groups() == [(2, "open"), (2, "good")]


def test_a_tray_joins_by_position() -> None:
    one = scene()
    journal = one.journal
    readback = Readback(mode="sample", every=3)
    seq = journal.intent(
        *(
            journal.mark(one.plan, "G-1", number, position=number, readback=readback)
            for number in (1, 2, 3, 4)
        )
    )
    results = tuple(PositionOutcome(position=n, did="done") for n in (4, 3, 2, 1))
    journal.marked(seq, results=results)
    journal.verified(seq, position=3)
    assert bases(one, 1, 2, 3, 4) == ["good sample", "good sample", "good read", "marked"]


def test_a_remarked_part_joins_anew() -> None:
    one = scene()
    last = [one.done(number) for number in (1, 2, 3)][-1]
    one.journal.settled(last, "remark", "p-1", "p-2")
    one.journal.verified(one.done(3, repeat=last))
    assert bases(one, 1, 2, 3) == ["rejected", "rejected", "good read"]
    assert set(one.verdicts()) == {"ok"}
    assert one.groups() == [(3, "failed"), (1, "good")]


def test_a_read_at_another_gateway_ends_no_group_and_decides_a_closed_one() -> None:
    one = scene()
    journal, _ = one.other()
    seqs = [one.done(number) for number in (1, 2)]
    one.send()
    content = one.journal.mark(one.plan, "G-1", 2).content
    journal.verified(0, of=one.journal.ref(seqs[1]), content=content)
    one.send(journal)
    assert one.groups() == [(2, "open")]
    last = one.done(3)
    assert bases(one, 1, 2) == ["marked", "good read"]
    content = one.journal.mark(one.plan, "G-1", 3).content
    journal.verified(0, of=one.journal.ref(last), content=content)
    one.send(journal)
    assert [one.basis(number) for number in (1, 2, 3)] == ["good sample", "good read", "good read"]


def test_a_sample_that_was_read_elsewhere_before_its_outcome_came() -> None:
    one = scene()
    journal, _ = one.other()
    for number in (1, 2):
        one.done(number)
    seq = one.intent(3, readback=Readback(mode="sample", every=3))
    one.send()
    content = one.journal.mark(one.plan, "G-1", 3).content
    journal.verified(0, of=one.journal.ref(seq), content=content)
    one.send(journal)
    one.journal.marked(seq)
    assert bases(one, 1, 2, 3) == ["good sample", "good sample", "good read"]


# --- what the mark says, and what the order says ---------------------------------------------


@pytest.mark.parametrize(
    ("verify", "said", "fits"),
    [
        ("each", None, True),
        ("eye", None, True),
        ("sample", None, False),
        ("elsewhere", None, False),
        ("each", Readback(mode="each"), True),
        ("each", Readback(mode="sample", every=3), False),
        ("sample", Readback(mode="sample", every=3, last=True), True),
        ("sample", Readback(mode="sample", every=4), False),
        ("elsewhere", Readback(mode="elsewhere"), True),
        ("elsewhere", Readback(mode="each"), False),
        ("eye", Readback(mode="eye"), True),
        ("eye", Readback(mode="each"), False),
    ],
)
def test_a_mark_is_read_back_as_its_order_says(
    verify: Any, said: Readback | None, fits: bool
) -> None:
    one = Scene(verify=Verify(mode=verify, every=3))
    one.intent(1, readback=said)
    one.send()
    assert one.verdicts()[-1] == ("ok" if fits else "wrong-content")


def test_who_says_another_way_than_the_order_reads_each() -> None:
    one = scene()
    one.done(1, readback=Readback(mode="sample", every=1000))
    one.journal.verified(one.done(2))
    assert bases(one, 1, 2) == ["marked", "good read"], "the first has joined no group"


# --- elsewhere ---------------------------------------------------------------------------------


def elsewhere() -> tuple[Scene, int, str]:
    one = Scene(verify=Verify(mode="elsewhere"))
    seq = one.done(1)
    return one, seq, one.journal.mark(one.plan, "G-1", 1).content


def test_the_marking_stations_own_read_makes_nothing_good() -> None:
    one, seq, _ = elsewhere()
    one.journal.verified(seq)
    assert bases(one, 1) == ["marked"]
    one.journal.verified(seq, "unreadable")
    assert bases(one, 1) == ["rejected"]
    one.journal.verified(seq)
    assert bases(one, 1) == ["marked"], "it is there, and still to be read elsewhere"


def test_another_station_or_gateway_does() -> None:
    one, seq, _ = elsewhere()
    one.journal.verified(seq, station="station-2")
    assert bases(one, 1) == ["good read"]
    one, seq, content = elsewhere()
    one.send()
    journal, _ = one.other(OTHER)
    journal.verified(0, of=one.journal.ref(seq), content=content)
    one.send(journal)
    assert one.basis(1) == "good read"


def test_its_own_read_settles_an_unknown_as_marked() -> None:
    one = Scene(verify=Verify(mode="elsewhere"))
    seq = one.intent(1, readback=Readback(mode="elsewhere"))
    one.journal.marked(seq, "unknown")
    one.journal.verified(seq)
    assert bases(one, 1) == ["marked"]


# --- keyed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("did", "state"), [("done", "good keyed"), ("unknown", "unknown"), ("not_started", "voided")]
)
def test_what_somebody_typed_settles_nothing(did: Any, state: str) -> None:
    one = Scene()
    seq = one.intent(1)
    one.journal.marked(seq, did)
    one.journal.verified(seq, entry="keyed")
    assert bases(one, 1) == [state]


def test_what_somebody_typed_before_the_outcome_counts_for_nothing() -> None:
    one = Scene()
    seq = one.intent(1)
    one.journal.verified(seq, entry="keyed")
    assert bases(one, 1) == ["open"]


def test_what_somebody_typed_overrules_no_device_and_no_two_people() -> None:
    one = Scene()
    one.journal.verified(one.good(1), entry="keyed")
    seq = one.intent(2)
    one.journal.marked(seq)
    one.journal.settled(seq, "remark", "p-1", "p-2")
    one.journal.verified(seq, entry="keyed")
    assert bases(one, 1, 2) == ["good read", "rejected"]
