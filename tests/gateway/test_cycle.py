"""The marking cycle against a model of the metal: stories by example."""

import pytest

from drivers.protocols import Activity, Did, MarkerStatus, Outcome
from gateway import cycle as c
from gateway import moves as m
from gateway.contract.record import Latched
from gateway.cycle import step
from gateway.moves import Phase, Seen
from gateway.verdicts import READ_TRIES, Unexpected
from tests.gateway import records
from tests.gateway.bench import Part, Setup
from tests.gateway.metal import Fate, Metal
from tests.gateway.stories import facts, idle, play, until

LASER = Setup()
PEDAL = Setup(by_input=True)
CELL = Setup(keeps=True)
CELL_PEDAL = Setup(by_input=True, keeps=True)
EYE = Setup(reader=False, mode="eye")
READY = MarkerStatus(Activity.READY)
SETUPS = [LASER, PEDAL, CELL, CELL_PEDAL, EYE, Setup(by_input=True, reader=False, mode="eye")]


# -- without a fault


def test_the_order_of_an_operators_cycle() -> None:
    metal = idle(LASER)
    assert play(metal) == [
        "Prepare",
        "Look",
        "CommitIntent",
        "WriteGuard",
        "Arm",
        "Fire",
        "AwaitOutcome",
        "RecordMarked",
        "Disarm",
        "Read",
        "RecordVerified",
    ]
    assert metal.part.content == records.content(1)
    assert facts(metal) == ["intent", "done", "good"]
    assert metal.cycle == m.Cycle(before=frozenset({records.content(1)}), note=m.Note("good"))


def test_a_pedal_fires_in_place_of_the_gateway() -> None:
    metal = idle(PEDAL)
    order = play(metal)
    assert "Fire" not in order
    assert order[4:6] == ["Arm", "AwaitOutcome"]
    assert facts(metal) == ["intent", "done", "good"]


@pytest.mark.parametrize(("legible", "verdict"), [(True, "good"), (False, "unreadable")])
def test_an_eye_judges_where_there_is_no_reader(legible: bool, verdict: str) -> None:
    metal = idle(EYE)
    metal.legible = legible
    order = play(metal)
    assert "Look" not in order
    assert "Read" not in order
    assert metal.cycle.phase is Phase.JUDGING
    metal.judge()
    metal.carry_out()
    assert facts(metal) == ["intent", "done", verdict]
    assert metal.cycle.phase is (Phase.IDLE if legible else Phase.SET_ASIDE)


@pytest.mark.parametrize("setup", SETUPS)
def test_a_trial_burns_no_number(setup: Setup) -> None:
    metal = idle(setup)
    play(metal, trial=True)
    assert facts(metal) == ["trial:done"]
    assert metal.part.content is not None
    assert metal.part.content.startswith("TRIAL")
    assert metal.cycle.note == m.Note("trial-done")


def test_a_trial_that_is_refused_is_told_as_not_done() -> None:
    metal = idle(LASER)
    metal.begin(trial=True)
    until(metal, m.Arm)
    metal.carry_out(Fate.REFUSED)
    metal.calm_down()
    assert facts(metal) == ["trial:not_started"]
    assert metal.cycle.note == m.Note("trial-not-done")


def test_parts_follow_each_other_under_numbers_of_their_own() -> None:
    metal = idle(CELL)
    for _ in range(3):
        play(metal)
        metal.change_part()
    assert [part.content for part in metal.parts[:3]] == [records.content(n) for n in (1, 2, 3)]
    assert facts(metal) == ["intent", "done", "good"] * 3


# -- before the intent nothing is spent


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REFUSED, Fate.LOST])
@pytest.mark.parametrize("effect", [m.Prepare, m.Look])
def test_a_fault_before_the_intent_spends_nothing(effect: type[object], fate: Fate) -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, effect)
    metal.carry_out(fate)
    assert metal.cycle.phase is Phase.IDLE
    assert facts(metal) == []
    assert metal.cycle.note is not None


def test_what_is_not_permitted_spends_nothing() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.CommitIntent)
    metal.carry_out(Fate.FAILED)
    assert (facts(metal), metal.cycle.note) == ([], m.Note("lease-ended"))


def test_a_marked_part_is_not_marked_over() -> None:
    metal = idle(LASER)
    metal.change_part(Part("D7A720FOREIGN"))
    play(metal)
    assert metal.part.content == "D7A720FOREIGN"
    assert metal.cycle.note == m.Note("already-marked", (("content", "D7A720FOREIGN"),))
    assert facts(metal) == []


def test_a_code_that_the_order_expects_does_not_stop_it() -> None:
    waiting = m.Cycle(Phase.LOOKING, m.Job("o1", "1", expect=frozenset({"5901234123457"})))
    assert step(waiting, m.Saw((Seen(1, "5901234123457"),)))[0].phase is Phase.COMMITTING
    assert step(waiting, m.Saw((Seen(1, "5901234123457"), Seen(1, "X"))))[0].phase is Phase.IDLE


def test_a_late_look_is_repeated_and_the_part_before_is_named_when_it_stays() -> None:
    metal = idle(LASER)
    play(metal)
    metal.change_part()
    metal.begin()
    until(metal, m.Look)
    metal.carry_out(late=True)
    assert isinstance(metal.effect, m.Look)
    metal.carry_out()
    assert metal.cycle.phase is Phase.COMMITTING

    metal = idle(LASER)
    play(metal)
    assert play(metal) == ["Prepare", *["Look"] * READ_TRIES]
    assert metal.cycle.note == m.Note("part-before-still-here")


# -- from the intent on


def test_without_a_guard_no_byte_is_sent_and_the_number_is_voided() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.WriteGuard)
    metal.carry_out(Fate.FAILED)
    metal.calm_down()
    assert metal.ever_armed == set()
    assert facts(metal) == ["intent", "not_started"]


def test_a_refusal_to_arm_is_not_started_once_it_is_disarmed() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.REFUSED)
    assert isinstance(metal.effect, m.Disarm)
    metal.calm_down()
    assert facts(metal) == ["intent", "not_started"]


def test_a_refused_trigger_is_not_started_only_by_the_disarms_proof() -> None:
    for lie, expected in ((False, "not_started"), (True, "unknown")):
        metal = idle(LASER)
        metal.begin()
        until(metal, m.Fire)
        metal.carry_out(Fate.REFUSED)
        metal.carry_out(lie=lie)
        metal.carry_out()
        assert facts(metal) == ["intent", expected]


@pytest.mark.parametrize("setup", [PEDAL, CELL_PEDAL])
def test_a_pedal_between_not_started_and_the_disarm_is_not_lost(setup: Setup) -> None:
    metal = idle(setup)
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out()  # time is up: not started
    metal.pedal()
    metal.calm_down()
    assert metal.part.content == records.content(1)
    assert facts(metal)[1] in ("unknown", "done")
    assert facts(metal)[2] == "good"


@pytest.mark.parametrize("effect", [m.Arm, m.Fire, m.AwaitOutcome])
@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.LOST])
def test_what_the_device_does_not_tell_is_unknown_until_read(
    effect: type[object], fate: Fate
) -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, effect)
    metal.carry_out(fate)
    until(metal, m.Disarm)
    metal.carry_out(lie=True)
    until(metal, m.Read)
    marked = metal.part.content is not None
    metal.calm_down()
    if marked:
        assert facts(metal) == ["intent", "unknown", "good", "settled:read"]
    else:
        assert facts(metal)[:4] == ["intent", "unknown", "unreadable", "latched"]


def test_a_refused_wait_says_nothing_of_the_shot() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out(Fate.REFUSED)
    assert isinstance(metal.effect, m.Inspect)
    metal.calm_down()
    assert facts(metal)[1:3] == ["unknown", "good"]


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REFUSED])
def test_a_device_that_will_not_be_inspected_is_disarmed(fate: Fate) -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out(Fate.FAILED)
    metal.carry_out(fate)
    assert isinstance(metal.effect, m.Disarm)
    metal.calm_down()


def test_a_kept_result_is_the_outcome_only_of_its_own_number() -> None:
    metal = idle(CELL)
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out(Fate.LOST)
    metal.carry_out()  # inspected: the cell's last number is ours
    assert isinstance(metal.effect, m.RecordMarked)
    assert metal.effect.outcome.did is Did.DONE

    metal = idle(CELL)
    play(metal)
    metal.change_part()
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.FAILED)
    metal.carry_out()  # inspected: done, but number 1
    assert isinstance(metal.effect, m.Disarm)


def test_it_waits_while_the_device_is_marking_and_not_for_ever() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.AwaitOutcome)
    metal.carry_out(Fate.FAILED)
    metal.busy = 5
    for _ in range(5):
        metal.carry_out()
        assert isinstance(metal.effect, m.Inspect)
    metal.busy = 10 * c.INSPECT_TRIES
    for _ in range(c.INSPECT_TRIES):
        if isinstance(metal.effect, m.Inspect):
            metal.carry_out()
    assert isinstance(metal.effect, m.Disarm)


def test_without_a_confirmed_disarm_nothing_is_read_and_a_person_is_sent_to_the_key() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.Disarm)
    for attempt in range(1, 10):
        metal.carry_out(Fate.REFUSED if attempt % 2 else Fate.FAILED)
        assert metal.effect == m.Disarm(None, attempt)
        switched = metal.cycle.phase is Phase.SWITCH_OFF
        assert switched == (attempt >= c.DISARM_TRIES)
    assert metal.cycle.note == m.Note("switch-off", (("cause", "device-refused"),))
    metal.carry_out()
    assert isinstance(metal.effect, m.Read)


def test_a_marker_that_is_silent_at_the_start_leaves_no_word_behind() -> None:
    metal = Metal(LASER)
    for _ in range(c.DISARM_TRIES):
        metal.carry_out(Fate.FAILED)
    assert metal.cycle.note == m.Note("marker-silent", (("cause", "link-timeout"),))
    metal.carry_out()
    assert metal.cycle == m.Cycle()


# -- reading


def test_a_late_read_of_the_part_before_is_dropped_and_repeated() -> None:
    metal = idle(LASER)
    play(metal)
    metal.change_part()
    metal.begin()
    until(metal, m.Read)
    metal.carry_out(late=True)
    assert metal.effect == m.Read(1, frozenset({1}))
    metal.carry_out()
    metal.carry_out()
    assert facts(metal)[-1] == "good"


def test_the_part_before_is_remembered_over_a_part_that_was_not_marked() -> None:
    metal = idle(LASER)
    play(metal)
    metal.change_part()
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.REFUSED)
    metal.calm_down()
    assert metal.cycle.before == {records.content(1)}
    assert metal.ledger.station(records.STATION).before == {records.content(1)}


def test_a_stranger_beside_the_right_code_is_a_mismatch() -> None:
    opened = m.Open(1, (records.mark(1),), None, Outcome(Did.DONE), frozenset({1}))
    reading = m.Cycle(Phase.READING, m.Job("o1", "1"), opened)
    _, effect = step(reading, m.Saw((Seen(1, records.content(1)), Seen(1, "X"))))
    assert isinstance(effect, m.RecordVerified)
    assert effect.verdicts == (m.PlaceVerdict(1, "mismatch", "X"),)


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REFUSED, Fate.LOST])
def test_a_reader_that_fails_blocks_and_is_asked_again(fate: Fate) -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.Read)
    for _ in range(READ_TRIES):
        metal.carry_out(fate)
    assert metal.cycle.phase is Phase.READ_BLOCKED
    metal.tell(m.ReadAgain())
    assert isinstance(metal.effect, m.Disarm)
    metal.calm_down()
    assert facts(metal) == ["intent", "done", "good"]


def test_an_unreadable_part_is_set_aside_and_may_be_read_again() -> None:
    metal = idle(LASER)
    metal.legible = False
    play(metal)
    assert metal.cycle.phase is Phase.SET_ASIDE
    metal.part.legible = True  # wiped clean
    metal.tell(m.ReadAgain())
    metal.calm_down()
    assert facts(metal) == ["intent", "done", "unreadable", "good"]
    assert metal.ledger.station(records.STATION).made == {
        "o1": {"open": 0, "marked": 0, "rejected": 0, "good": 1}
    }


def test_an_eye_cannot_settle_an_unknown_and_the_latch_is_journalled() -> None:
    metal = idle(EYE)
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.LOST)
    until(metal, m.Disarm)
    metal.carry_out(lie=True)
    metal.carry_out()
    assert metal.cycle.phase is Phase.UNKNOWN
    assert facts(metal) == ["intent", "unknown", "latched"]
    with pytest.raises(Unexpected):
        metal.tell(m.ReadAgain())
    metal.leave_open()
    assert metal.cycle.note == m.Note("settled", (("how", "left-open"),))
    metal.audit()


# -- after a stop


def test_a_restart_reads_what_was_engraved() -> None:
    for effect in (m.Arm, m.Fire, m.AwaitOutcome, m.RecordMarked, m.Disarm, m.Read):
        for setup in (LASER, CELL):
            metal = idle(setup)
            metal.begin()
            until(metal, effect)
            metal.carry_out(Fate.KILLED_AFTER)
            metal.calm_down()
            metal.audit()
            assert len(metal.parts) <= 2
            if metal.parts[0].content:
                assert "good" in facts(metal)


def test_a_part_that_waits_to_be_set_aside_still_waits_after_a_restart() -> None:
    metal = idle(LASER)
    metal.legible = False
    metal.begin()
    until(metal, m.RecordVerified)
    metal.carry_out(Fate.KILLED_AFTER)
    assert isinstance(metal.effect, m.Disarm)
    metal.carry_out()
    assert metal.cycle.phase is Phase.SET_ASIDE
    assert metal.cycle.note == m.Note("unreadable", (("content", ""), ("positions", "1")))
    with pytest.raises(Unexpected):
        metal.begin()
    metal.tell(m.ReadAgain())
    metal.carry_out()
    assert isinstance(metal.effect, m.Read)
    metal.start()
    metal.carry_out()
    metal.put_aside()
    assert metal.cycle == m.Cycle(before=frozenset({records.content(1)}))


def test_an_eyes_judgement_is_asked_for_again_after_a_restart() -> None:
    metal = idle(EYE)
    play(metal)
    metal.start()
    metal.carry_out()
    assert metal.cycle.phase is Phase.JUDGING


@pytest.mark.parametrize("phase", list(Phase))
def test_an_event_that_cannot_come_is_refused(phase: Phase) -> None:
    event = m.Judged() if phase is Phase.INSPECTING else m.Inspected(READY)
    with pytest.raises(Unexpected):
        step(m.Cycle(phase), event)


def test_a_latch_stands_in_the_journal_for_every_unknown_that_no_read_settled() -> None:
    metal = idle(LASER)
    metal.begin()
    until(metal, m.Arm)
    metal.carry_out(Fate.FAILED)
    metal.calm_down()
    assert [r.cause for r in metal.journal if isinstance(r, Latched)] == ["link-timeout"]


def test_reads_outside_a_cycle_do_not_make_the_next_one_slower() -> None:
    state = m.Cycle()
    for number in range(3 * m.MOST_BEFORE):
        state, _ = step(state, m.CheckPart())
        state, _ = step(state, m.Saw((Seen(1, f"code {number}"),)))
        assert len(state.before) <= m.MOST_BEFORE
        assert f"code {number}" in state.before
        state, _ = step(state, m.Told(m.Note("nothing-new")))
        assert state.phase is Phase.IDLE
