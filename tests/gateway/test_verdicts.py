"""Trays, typing, re-marks and reads outside a cycle: what becomes of each place, by example."""

import pytest

from drivers.protocols import Did, Outcome
from gateway import moves as m
from gateway.contract.plan import Due
from gateway.contract.record import Intent, Verified
from gateway.cycle import step
from gateway.moves import Phase, PlaceVerdict, Seen
from gateway.verdicts import READ_TRIES, Unexpected
from tests.gateway import records
from tests.gateway.bench import Part, Setup
from tests.gateway.metal import Fate, Metal
from tests.gateway.records import STATION
from tests.gateway.stories import facts, idle, play, until

TRAY = Setup(tray=3)
CELL_TRAY = Setup(tray=3, keeps=True)


def read(metal: Metal) -> tuple[PlaceVerdict, ...]:
    """Mark a tray that waits to be read, and what its reads come to."""
    while not isinstance(metal.effect, m.RecordVerified):
        metal.carry_out()
    return metal.effect.verdicts


def reading(setup: Setup) -> Metal:
    metal = idle(setup)
    metal.begin()
    until(metal, m.Read)
    return metal


def words(metal: Metal) -> dict[int, str]:
    """The state of each mark of the last intent, by position."""
    parts = metal.ledger.station(STATION).parts
    return {part.position: part.state for part in parts if part.seq == parts[-1].seq}


# -- trays


def test_a_tray_is_marked_and_read_in_one_cycle_each_with_its_own_number() -> None:
    metal = idle(TRAY)
    assert play(metal)[-3:] == ["Disarm", "Read", "RecordVerified"]
    assert [part.content for part in metal.parts[:3]] == [records.content(n) for n in (1, 2, 3)]
    assert facts(metal) == ["intent", "done", "good", "good", "good"]
    metal.audit()


def test_the_right_codes_in_the_wrong_places_are_mismatches() -> None:
    metal = reading(TRAY)
    metal.exchange(1, 3)
    assert read(metal) == (
        PlaceVerdict(1, "mismatch", records.content(3)),
        PlaceVerdict(2, "good", records.content(2)),
        PlaceVerdict(3, "mismatch", records.content(1)),
    )
    metal.carry_out()
    assert metal.cycle.phase is Phase.SET_ASIDE
    assert metal.cycle.note == m.Note(
        "mismatch", (("content", records.content(3)), ("positions", "1, 3"))
    )
    assert words(metal) == {1: "rejected", 2: "good", 3: "rejected"}
    metal.exchange(1, 3)  # put right
    metal.tell(m.ReadAgain())
    metal.calm_down()
    assert words(metal) == {1: "good", 2: "good", 3: "good"}
    metal.audit()


def test_what_is_missing_is_read_again_and_what_is_good_is_not() -> None:
    metal = reading(TRAY)
    metal.table[2].legible = False
    assert metal.effect == m.Read(0, frozenset({1, 2, 3}))
    metal.carry_out()
    assert metal.effect == m.Read(1, frozenset({2}))
    metal.carry_out()
    metal.table[2].legible = True
    metal.carry_out()
    assert isinstance(metal.effect, m.RecordVerified)
    assert [each.verdict for each in metal.effect.verdicts] == ["good"] * 3


def test_a_part_that_stays_unreadable_is_one_verdict_among_the_others() -> None:
    metal = reading(TRAY)
    metal.table[2].legible = False
    for _ in range(READ_TRIES):
        metal.carry_out()
    assert read(metal)[1] == PlaceVerdict(2, "unreadable")
    metal.carry_out()
    metal.decide("scrapped", [2])
    assert metal.cycle == m.Cycle(
        before=frozenset(records.content(n) for n in (1, 2, 3)),
        note=m.Note("settled", (("how", "scrapped"),)),
    )
    assert words(metal) == {1: "good", 2: "scrapped", 3: "good"}


def test_a_late_read_of_the_tray_before_is_repeated_at_its_place_only() -> None:
    metal = idle(TRAY)
    play(metal)
    metal.change_part()
    metal.begin()
    until(metal, m.Read)
    metal.carry_out(late=True)
    assert metal.effect == m.Read(1, frozenset({1, 2, 3}))
    metal.carry_out()
    assert [each.verdict for each in read(metal)] == ["good"] * 3


def test_a_part_carries_what_its_order_expects_also_after_a_restart() -> None:
    expected = "5901234123457"
    opened = m.Open(
        1,
        (records.mark(1),),
        None,
        Outcome(Did.DONE),
        frozenset({1}),
        expect=frozenset({expected}),
    )
    state = m.Cycle(Phase.READING, open=opened)  # no job: the process has started again
    _, effect = step(state, m.Saw((Seen(1, expected), Seen(1, records.content(1)))))
    assert isinstance(effect, m.RecordVerified)
    assert effect.verdicts == (PlaceVerdict(1, "good", records.content(1)),)


# -- partly marked


def test_a_cell_that_stops_tells_its_places_apart() -> None:
    metal = idle(CELL_TRAY)
    metal.stops_after = 2
    play(metal)
    assert words(metal) == {1: "good", 2: "good", 3: "voided"}
    assert facts(metal) == ["intent", "done, not_started", "good", "good"]
    assert metal.cycle.before == {records.content(1), records.content(2)}
    assert metal.ledger.station(STATION).before == metal.cycle.before
    metal.audit()


def test_reading_settles_some_unknown_places_and_people_the_others_one_by_one() -> None:
    metal = idle(TRAY)
    metal.stops_after = 1
    play(metal)
    assert metal.cycle.phase is Phase.UNKNOWN
    assert words(metal) == {1: "good", 2: "unknown", 3: "unknown"}
    assert STATION in metal.ledger.unknown
    metal.decide("scrapped", [3])
    assert metal.cycle.phase is Phase.UNKNOWN
    assert STATION in metal.ledger.unknown
    metal.decide("voided", [2])
    assert metal.cycle.open is None
    assert metal.ledger.unknown == {}
    assert words(metal) == {1: "good", 2: "voided", 3: "scrapped"}
    metal.audit()


def test_a_device_cannot_take_back_that_a_place_is_done() -> None:
    opened = m.Open(1, (records.mark(1), records.mark(2, 2)), 7)
    waiting = m.Cycle(Phase.WAITING, m.Job("o1", "1", positions=(1, 2)), opened)
    state, _ = step(waiting, m.Ended(Outcome(Did.UNKNOWN, "stopped", None, ((1, Did.DONE),))))
    state, _ = step(state, m.Failed(m.Note("link-timeout")))
    for proof, expected in (
        (Outcome(Did.NOT_STARTED, "nothing"), (Did.DONE, Did.NOT_STARTED)),
        (Outcome(Did.UNKNOWN, "", None, ((2, Did.NOT_STARTED),)), (Did.DONE, Did.NOT_STARTED)),
        (None, (Did.DONE, Did.UNKNOWN)),
        (Outcome(Did.DONE), (Did.DONE, Did.DONE)),
    ):
        _, effect = step(state, m.Disarmed(proof))
        assert isinstance(effect, m.RecordMarked)
        assert (effect.outcome.at(1), effect.outcome.at(2)) == expected


# -- typed


def test_what_is_typed_makes_a_done_mark_good_and_never_an_unknown_one() -> None:
    metal = idle(TRAY)
    metal.stops_after = 1
    metal.legible = False
    metal.begin()
    until(metal, m.Read)
    for _ in range(READ_TRIES):
        metal.carry_out(Fate.FAILED)
    assert metal.cycle.phase is Phase.READ_BLOCKED  # a laser knows nothing: all are unknown
    with pytest.raises(Unexpected):
        metal.type_in(1, records.content(1))

    metal = idle(CELL_TRAY)
    metal.legible = False
    play(metal)
    assert metal.cycle.phase is Phase.SET_ASIDE
    metal.type_in(2, records.content(2))
    metal.carry_out()
    assert metal.cycle.phase is Phase.SET_ASIDE
    metal.type_in(3, records.content(4))
    metal.carry_out()
    assert words(metal) == {1: "rejected", 2: "good", 3: "rejected"}
    assert metal.cycle.open is not None
    assert metal.cycle.open.rejected == (
        PlaceVerdict(1, "unreadable"),
        PlaceVerdict(3, "mismatch", records.content(4)),
    )
    with pytest.raises(Unexpected):
        metal.type_in(2, records.content(2))


def test_after_a_wrong_typing_the_places_that_nobody_judged_still_wait() -> None:
    metal = reading(CELL_TRAY)
    for _ in range(READ_TRIES):
        metal.carry_out(Fate.FAILED)
    metal.type_in(1, "WRONG")
    metal.carry_out()
    assert metal.cycle.phase is Phase.READ_BLOCKED
    with pytest.raises(Unexpected):
        metal.tell(m.Acknowledged())
    metal.start()  # and after a restart they are read
    until(metal, m.Read)
    metal.table[1].content = None
    metal.calm_down()
    assert words(metal) == {1: "rejected", 2: "good", 3: "good"}
    metal.audit()


# -- a person's eye beside a reader


def test_where_an_eye_judges_only_people_settle_an_unknown_place() -> None:
    metal = idle(Setup(mode="eye", tray=2, keeps=True))
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out(Fate.FAILED)
    metal.carry_out(Fate.FAILED)
    metal.carry_out(lie=True)
    metal.carry_out()
    assert metal.cycle.phase is Phase.UNKNOWN
    with pytest.raises(Unexpected):
        metal.tell(m.Judged())
    metal.decide()
    metal.calm_down()
    metal.audit()


# -- marked again


def marked_again(setup: Setup = TRAY) -> Metal:
    """A tray of which two people allowed the second part to be marked again."""
    metal = reading(setup)
    metal.table[2].legible = False
    while metal.effect is not None:
        metal.carry_out()
    metal.decide("remark", [2])
    assert metal.cycle.phase is Phase.IDLE
    return metal


def test_what_two_people_allow_is_marked_again_at_its_place_under_its_number() -> None:
    metal = marked_again()
    metal.begin()
    until(metal, m.Arm)
    intent = metal.journal[-1]
    assert isinstance(intent, Intent)
    assert [(mark.position, mark.content) for mark in intent.marks] == [(2, records.content(2))]
    assert intent.marks[0].source == records.repeat(1, 2)
    metal.calm_down()
    assert metal.table[2].legible
    assert words(metal) == {2: "good"}
    assert metal.ledger.station(STATION).again is None
    metal.change_part()
    play(metal)  # and then the next numbers
    assert metal.table[1].content == records.content(4)
    metal.audit()


@pytest.mark.parametrize("carried", ["FOREIGN", records.content(1), records.content(3)])
def test_a_part_that_is_marked_again_carries_its_own_number_or_nothing(carried: str) -> None:
    metal = marked_again()
    metal.begin()
    metal.lay(2, Part(carried))
    until(metal, m.Look)
    while metal.effect is not None:
        metal.carry_out()
    assert metal.cycle.phase is Phase.IDLE
    assert metal.cycle.note is not None
    assert metal.cycle.note.code in ("already-marked", "part-before-still-here")
    assert metal.ledger.station(STATION).again is not None


def test_two_parts_that_are_marked_again_lie_each_at_its_place() -> None:
    metal = reading(TRAY)
    metal.table[1].legible = metal.table[2].legible = False
    while metal.effect is not None:
        metal.carry_out()
    metal.decide("remark")
    metal.table[1].legible = metal.table[2].legible = True
    metal.begin()
    metal.exchange(1, 2)
    while metal.effect is not None:
        metal.carry_out()
    assert metal.cycle.phase is Phase.IDLE
    assert metal.cycle.note == m.Note("part-before-still-here")


def test_its_own_number_may_lie_there() -> None:
    metal = marked_again()
    metal.table[2].legible = True
    metal.begin()
    until(metal, m.CommitIntent)


def test_a_second_mark_that_did_not_start_is_still_allowed() -> None:
    metal = marked_again()
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.REFUSED)
    metal.calm_down()
    assert words(metal) == {2: "rejected"}
    newer = next(r.seq for r in reversed(metal.journal) if isinstance(r, Intent))
    metal.begin()
    until(metal, m.Arm)
    intent = metal.journal[-1]
    assert isinstance(intent, Intent)
    assert intent.marks[0].source == records.repeat(newer, 2)
    metal.calm_down()
    metal.audit()


def test_a_scrapped_part_is_not_marked_again() -> None:
    metal = marked_again()
    metal.settle((1, 2), "scrapped")
    assert metal.ledger.station(STATION).again is None
    metal.change_part()
    play(metal)
    assert metal.table[1].content == records.content(4)


# -- read back outside a cycle


def test_a_rejected_part_is_made_good_from_idle_and_the_next_begin_knows_it() -> None:
    metal = reading(TRAY)
    metal.table[2].legible = False
    part = metal.table[2]
    metal.calm_down()
    part.legible = True
    metal.change_part(part)
    metal.tell(m.CheckPart())
    until(metal, m.Check)
    metal.carry_out()
    assert metal.effect == m.RecordSeen((Seen(1, records.content(2)),), "device")
    metal.carry_out()
    assert metal.cycle.phase is Phase.IDLE
    assert metal.cycle.note == m.Note("read-back")
    assert records.content(2) in metal.cycle.before
    assert words(metal) == {1: "good", 2: "good", 3: "good"}
    metal.begin()
    while metal.effect is not None:
        metal.carry_out()
    assert metal.cycle.note == m.Note("part-before-still-here")


def test_a_strange_code_is_noted_as_it_was_seen() -> None:
    metal = idle(TRAY)
    metal.change_part(Part("5901234123457"))
    metal.tell(m.CheckPart())
    metal.calm_down()
    assert facts(metal) == ["observed"]


def test_a_code_typed_where_it_was_marked_leaves_open_what_is_to_be_read_elsewhere() -> None:
    metal = idle(Setup(mode="elsewhere"))
    play(metal)
    assert words(metal) == {1: "marked"}
    metal.tell(m.CheckPart(records.content(1)))
    metal.calm_down()
    last = metal.journal[-1]
    assert isinstance(last, Verified)
    assert (last.entry, last.verdict) == ("keyed", "good")
    assert words(metal) == {1: "marked"}


def test_another_gateways_mark_is_read_back_once() -> None:
    metal = idle(TRAY)
    due = Due(do="read", order="o1", number=77, component="receiver", of=records.ref(9, "x.y"))
    metal.plan = metal.plan.model_copy(update={"due": (due,)})
    for expected in (["good"], ["good", "observed"]):
        metal.change_part(Part(records.content(77)))
        metal.tell(m.CheckPart())
        metal.calm_down()
        assert facts(metal) == expected
    assert metal.ledger.answered == {(due.of, 1)}


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REFUSED, Fate.LOST])
def test_a_reader_that_fails_in_idle_leaves_it_idle(fate: Fate) -> None:
    metal = idle(TRAY)
    metal.tell(m.CheckPart())
    metal.carry_out(fate)
    assert metal.cycle.phase is Phase.IDLE
    assert facts(metal) == []


# -- hands-free


def test_the_look_waits_while_the_part_before_lies_there() -> None:
    metal = idle(Setup(by_input=True, waits=True))
    play(metal)
    metal.begin()
    until(metal, m.Look)
    for _ in range(10):
        metal.carry_out()
        assert metal.effect == m.Look(waiting=True)
        assert metal.cycle.note == m.Note("take-away")
    metal.change_part()
    metal.carry_out()
    assert isinstance(metal.effect, m.CommitIntent)
    assert metal.cycle.note is None


def test_a_strange_part_ends_the_wait() -> None:
    metal = idle(Setup(by_input=True, waits=True))
    play(metal)
    metal.begin()
    until(metal, m.Look)
    metal.carry_out()
    metal.change_part(Part("FOREIGN"))
    metal.carry_out()
    assert metal.cycle.phase is Phase.IDLE
    assert metal.cycle.note == m.Note("already-marked", (("content", "FOREIGN"),))


# -- samples and elsewhere


def test_only_the_sample_of_a_group_is_read() -> None:
    metal = idle(Setup(mode="sample", every=3))
    for number in (1, 2, 3):
        metal.change_part()
        effects = play(metal)
        assert ("Read" in effects) == (number == 3)
    states = [part.state for part in metal.ledger.station(STATION).parts]
    assert states == ["good"] * 3
    assert facts(metal) == ["intent", "done"] * 3 + ["good"]
    metal.audit()


def test_an_unknown_outcome_is_read_whatever_the_sample() -> None:
    for setup in (Setup(mode="sample", every=9), Setup(mode="elsewhere")):
        metal = idle(setup)
        metal.begin()
        until(metal, m.AwaitOutcome)
        metal.carry_out(Fate.FAILED)
        metal.calm_down()
        assert facts(metal) == ["intent", "unknown", "good", "settled:read"]
