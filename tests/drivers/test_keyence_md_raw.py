"""The Keyence MD driver against raw bytes: no codec on the other side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.errors import (
    BadFrame,
    DeviceFault,
    DeviceRefused,
    LinkTimeout,
    OutcomeUnknown,
    UnexpectedReply,
)
from drivers.keyence_md.driver import KeyenceMd
from drivers.keyence_md.options import Options
from drivers.keyence_md.tally import HIGHEST_SEQUENCE, Tally, tally_of
from drivers.protocols import Activity, Did, Identity, MarkText, Outcome, Shot
from simulators.scripted import Expect, Reply, Step
from tests.drivers.keyence_md_bench import JOB, scripted
from tests.drivers.marking import CONTENT, SHOT

BODY = "18S7A72000000001"
LINE = "7A7 2000000001"
NUMBERED = Shot(SHOT.marks, 42)


def said(*lines: str) -> tuple[Step, ...]:
    """What the host sends, and what it is answered, in turn; each line ends with CR."""
    kinds = (Expect, Reply)
    return tuple(kinds[at % 2]((line + "\r").encode().hex(" ")) for at, line in enumerate(lines))


def ask(question: str, answer: str, times: int = 1) -> tuple[Step, ...]:
    return said(*(f"RX,{question}", f"RX,OK,{answer}") * times)


def tell(command: str, answer: str = "OK") -> tuple[Step, ...]:
    return said(f"WX,{command}", f"WX,{answer}")


ON, ERROR, BUSY = (ask("Ready", state) for state in "012")
LOCKED, OPEN = ask("TriggerLock", "1", 2), ask("TriggerLock", "0", 2)
LOCK = (*tell("TriggerLock=1"), *LOCKED)
UNLOCK = (*tell("TriggerLock=0"), *OPEN)
CURRENT = ask("JobNo", "0007", 2)
START = tell("StartMarking=1")
CODE, TEXT = "JOB=0007,BLK=000,CharacterString", "JOB=0007,BLK=001,CharacterString"
IDLE = (*ask(CODE, "0"), *ask(TEXT, " "))
LOADED = (*ask(CODE, BODY), *ask(TEXT, LINE))
MAKE_IDLE = (
    *(*ask(CODE, BODY), *tell(f"{CODE}=0"), *ask(CODE, "0")),
    *(*ask(TEXT, LINE), *tell(f"{TEXT}= "), *ask(TEXT, " ")),
)
SELECT = (*LOCK, *tell("JobNo=0007"), *IDLE, *ON, *CURRENT)
PREPARE = (*LOCK, *ON, *CURRENT)
TEXTS = (*tell(f"{TEXT}={LINE}"), *tell(f"{CODE}={BODY}"))
READ_BACK = (*ask(TEXT, LINE), *ask(CODE, BODY))
OTHER, OURS = (ask("MarkedCharacter=0007,000", text) for text in ("18S7A72000000000", BODY))
ARM = (*PREPARE, *TEXTS, *READ_BACK, *ON, *OTHER, *LOCKED)
FIRE = (*UNLOCK, *ON, *CURRENT, *START)
DISARM = (*MAKE_IDLE, *ON, *LOCKED)


async def armed(driver: KeyenceMd, shot: Shot = SHOT) -> None:
    await driver.select_job(JOB)
    await driver.arm(shot)


async def test_a_whole_cycle_byte_for_byte() -> None:
    end = (*BUSY, *ON, *LOCK, *OURS)
    disarm = (*LOCKED, *LOCK, *ON, *CURRENT, *OURS, *DISARM)
    async with scripted(*SELECT, *ARM, *FIRE, *end, *disarm) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_the_older_dialect_in_its_own_words() -> None:
    def older(step: Step) -> Step:
        line = bytes.fromhex(step.hex).decode()
        for new, old in (("JobNo", "ProgramNo"), ("JOB=", "PRG="), ("Marking=1", "Marking")):
            line = line.replace(new, old)
        return type(step)(line.encode().hex(" "))

    steps = map(older, (*SELECT, *ARM, *FIRE))
    async with scripted(*steps, dialect="program") as driver:
        await armed(driver)
        await driver.fire()


async def test_a_counter_holds_the_shot_and_what_was_counted_since() -> None:
    counter = "JOB=0007,CTR=B,Counter"

    def count(value: int) -> tuple[Step, ...]:
        return ask(counter, f"{value:010},0000000000", 2)

    arm = (*PREPARE, *tell(f"{counter}=0000004200,0000000000"), *count(4200), *ARM[len(PREPARE) :])
    fire = (*tell(f"{counter}=0000004250,0000000000"), *count(4250), *FIRE)
    # Of two answers that differ neither is believed.
    wavers = ask(counter, "0000004255,0000000000")
    end = (*ON, *LOCK, *OURS, *wavers, *count(4251))
    status = (*ON, *CURRENT, *LOCKED, *LOADED[:2], *count(4251))
    async with scripted(*SELECT, *arm, *fire, *end, *status, counter="B") as driver:
        await armed(driver, NUMBERED)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        seen = await driver.status()
        assert (seen.sequence, seen.last) == (42, Outcome(Did.DONE))


@pytest.mark.parametrize(
    ("value", "marked", "outcome"),
    [
        (4251, OURS, Outcome(Did.DONE)),
        (4252, OURS, Outcome(Did.UNKNOWN, "it marked more than once")),
        (4250, OTHER, Outcome(Did.UNKNOWN, "nothing tells that it marked")),
        (
            4250,
            OURS,
            Outcome(Did.UNKNOWN, "its counter and the text that it marked disagree"),
        ),
        (
            4251,
            OTHER,
            Outcome(Did.UNKNOWN, "its counter and the text that it marked disagree"),
        ),
        (4151, OURS, Outcome(Did.UNKNOWN, "its counter was set by somebody else")),
        (9999999999, OURS, Outcome(Did.UNKNOWN, "its counter was set by somebody else")),
    ],
)
async def test_what_counter_and_marked_text_say_together(
    value: int, marked: tuple[Step, ...], outcome: Outcome
) -> None:
    counter = "JOB=0007,CTR=A,Counter"

    def count(value: int) -> tuple[Step, ...]:
        return ask(counter, f"{value:010},0000000000", 2)

    arm = (*PREPARE, *tell(f"{counter}=0000004200,0000000000"), *count(4200), *ARM[len(PREPARE) :])
    fire = (*tell(f"{counter}=0000004250,0000000000"), *count(4250), *FIRE)
    end = (*ON, *LOCK, *marked, *count(value))
    async with scripted(*SELECT, *arm, *fire, *end, counter="A") as driver:
        await armed(driver, NUMBERED)
        await driver.fire()
        assert await driver.outcome(0) == outcome


async def test_a_text_that_was_marked_before_proves_nothing() -> None:
    """A declared repeat on the same part: only a counter could tell it from the mark before."""
    arm = (*PREPARE, *TEXTS, *READ_BACK, *ON, *OURS, *LOCKED)
    async with scripted(*SELECT, *arm, *FIRE, *ON, *LOCK) as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.outcome(0)).did is Did.UNKNOWN


async def test_asking_what_it_is_asks_for_its_state_and_nothing_else() -> None:
    async with scripted(*ON) as driver:
        assert await driver.identify() == Identity("", "", "")


WAITS, BROKEN = ask("Error", "1,T008"), ask("Error", "1,T008,E004")


@pytest.mark.parametrize(
    ("steps", "activity"),
    [
        ((*ON, *CURRENT, *LOCKED, *IDLE), Activity.READY),
        ((*ERROR, *ask("Error", "1,T002"), *CURRENT, *LOCKED, *IDLE), Activity.READY),
        ((*ON, *CURRENT, *OPEN), Activity.ARMED),
        ((*ON, *CURRENT, *LOCKED, *LOADED[:2]), Activity.ARMED),
        ((*ON, *CURRENT, *LOCKED, *ask(CODE, "0"), *ask(TEXT, LINE)), Activity.ARMED),
        (BUSY, Activity.MARKING),
        ((*ERROR, *WAITS), Activity.OFF),
        ((*ERROR, *BROKEN), Activity.FAULT),
        ((*ERROR, *ask("Error", "0")), Activity.FAULT),
    ],
)
async def test_each_state_is_told_as_what_it_means(
    steps: tuple[Step, ...], activity: Activity
) -> None:
    async with scripted(*steps) as driver:
        assert (await driver.status()).activity is activity


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ((*LOCK, *tell("JobNo=0007", "NG,S021,No Program Error")), DeviceRefused),
        ((*LOCK, *tell("JobNo=0007"), *IDLE, *ON, *ask("JobNo", "0003", 2)), DeviceRefused),
        ((*LOCK, *tell("JobNo=0007"), *IDLE, *ERROR, *WAITS), DeviceFault),
        ((*tell("TriggerLock=1"), *OPEN), UnexpectedReply),
    ],
)
async def test_a_job_that_cannot_be_had_is_told_before_the_number_is_spent(
    steps: tuple[Step, ...], error: type[Exception]
) -> None:
    async with scripted(*steps) as driver:
        with pytest.raises(error):
            await driver.select_job(JOB)


async def test_what_is_no_number_of_a_job_is_refused_without_a_byte() -> None:
    async with scripted() as driver:
        for job in ("", "PART", "2000", "-1", "7,BLK=000"):
            with pytest.raises(DeviceRefused):
                await driver.select_job(job)
        with pytest.raises(DeviceRefused, match="no job"):
            await driver.arm(SHOT)
        with pytest.raises(DeviceRefused, match="nothing is armed"):
            await driver.fire()


async def test_busy_is_waited_out_and_nothing_that_failed_is_sent_again() -> None:
    busy = said("WX,JobNo=0007", "WX,NG,S009,Busy Error") * 2
    moves = said("WX,JobNo=0007", "WX,NG,T001,Controlling Shutter")
    steps = (*LOCK, *busy, *moves, *tell("JobNo=0007"), *IDLE, *BUSY, *BUSY, *ON, *CURRENT)
    async with scripted(*steps) as driver:
        await driver.select_job(JOB)
    async with scripted(*LOCK, *busy[:2], busy_seconds=1e-6) as driver:
        with pytest.raises(DeviceRefused, match="busy"):
            await driver.select_job(JOB)
    async with scripted(*LOCK, said("WX,JobNo=0007")[0]) as driver:
        with pytest.raises(LinkTimeout):
            await driver.select_job(JOB)


async def test_a_refused_text_or_one_that_reads_back_as_another_is_not_started() -> None:
    for steps in (
        (*PREPARE, *tell(f"{TEXT}={LINE}", "NG,S072,String Error")),
        (*PREPARE, *TEXTS, *ask(TEXT, LINE), *ask(CODE, BODY[:-1] + "5")),
        (*PREPARE, *TEXTS, *READ_BACK, *ERROR, *ask("Error", "1,E045")),
    ):
        async with scripted(*SELECT, *steps) as driver:
            with pytest.raises(DeviceRefused):
                await armed(driver)


async def test_a_line_that_fails_before_any_text_is_not_started_and_after_it_is_told_as_it_is() -> (
    None
):
    # After a question it is locked, after a command its state is asked.
    tries = (said(line)[0] for line in ("RX,Ready", "WX,TriggerLock=1", "RX,Ready"))
    async with scripted(*SELECT, *LOCK, *tries) as driver:
        await driver.select_job(JOB)
        with pytest.raises(DeviceRefused, match="no text was sent"):
            await driver.arm(SHOT)
    async with scripted(*SELECT, *PREPARE, *TEXTS[:-1]) as driver:
        await driver.select_job(JOB)
        with pytest.raises(LinkTimeout):
            await driver.arm(SHOT)


async def test_a_marker_that_somebody_unlocked_while_it_was_loaded_is_unknown() -> None:
    async with scripted(*SELECT, *ARM[: -len(LOCKED)], *OPEN) as driver:
        with pytest.raises(OutcomeUnknown):
            await armed(driver)


NEVER = said("RX,MarkedCharacter=0007,000", "RX,NG,S029,Mark Data Request Error")


@pytest.mark.parametrize(
    "refusal",
    ["NG,S009,Busy Error", "NG,T002,Trigger Inhibited", "NG,S006,Priority Error"],
)
async def test_a_refused_start_while_nothing_marks_is_not_started(refusal: str) -> None:
    fire = (*FIRE[:-2], *tell("StartMarking=1", refusal), *LOCK, *ON, *ON, *NEVER)
    async with scripted(*SELECT, *ARM, *fire) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()


@pytest.mark.parametrize("refusal", ["NG,E004,Scanner Error", "NG,T000,Emergency Stop"])
async def test_a_start_that_is_answered_by_an_error_may_have_begun(refusal: str) -> None:
    fire = (*FIRE[:-2], *tell("StartMarking=1", refusal))
    async with scripted(*SELECT, *ARM, *fire) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown, match="half-way"):
            await driver.fire()


async def test_a_refusal_that_comes_after_the_shortest_mark_may_be_its_end() -> None:
    late = Reply(b"WX,NG,S024,Illegal Command Error\r".hex(" "), 0.15)
    async with scripted(*SELECT, *ARM, *FIRE[:-1], late, shortest_mark_seconds=0.1) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown, match="half-way"):
            await driver.fire()


async def test_a_start_that_is_answered_at_its_end_is_waited_for() -> None:
    late = Reply(b"WX,OK\r".hex(" "), 0.4)
    async with scripted(*SELECT, *ARM, *FIRE[:-1], late, *ON, *LOCK, *OURS) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(0) == Outcome(Did.DONE)


async def test_its_input_that_was_first_is_not_started_again() -> None:
    """Nothing is sent, for it marks; or the start is refused, and it was marked once by then."""
    marks = (*UNLOCK, *BUSY)
    refused = tell("StartMarking=1", "NG,S009,Busy Error")
    marked = (*FIRE[:-2], *refused, *LOCK, *BUSY, *BUSY, *ON, *OURS)
    async with scripted(*SELECT, *ARM, *marks) as driver:
        await armed(driver)
        await driver.fire()
    async with scripted(*SELECT, *ARM, *marked) as driver:
        await armed(driver)
        await driver.fire()
    async with scripted(*SELECT, *ARM, *marked[:-2], *OTHER) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown, match="may have been first"):
            await driver.fire()


async def test_a_marker_that_was_unlocked_for_as_long_as_a_mark_takes_is_not_started() -> None:
    steps = (*UNLOCK, *ON, *CURRENT, *LOCK, *ON, *ON, *OTHER)
    quick = {"shortest_mark_seconds": 1e-6}
    async with scripted(*SELECT, *ARM, *steps, **quick) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
    async with scripted(*SELECT, *ARM, *steps, own_input=False, **quick) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()


@pytest.mark.parametrize(
    "reply",
    [(), ("FF FF FF",), ("57 58 2C 4F 4B 2C 0D",), (b"RX,OK,0\r".hex(),)],
    ids=["none", "garbage", "another word", "another answer"],
)
async def test_a_start_without_a_clear_reply_is_unknown(reply: tuple[str, ...]) -> None:
    steps = (*FIRE[:-1], *(Reply(each) for each in reply))
    async with scripted(*SELECT, *ARM, *steps, mark_seconds=0.05) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ((*ERROR, *BROKEN, *LOCK), Outcome(Did.UNKNOWN, "its error: T008 E004")),
        (BUSY, Outcome(Did.UNKNOWN, "it still marks")),
        ((*ON, *LOCK, *OTHER), Outcome(Did.UNKNOWN, "nothing tells that it marked")),
        ((*ON, *LOCK, *NEVER), Outcome(Did.UNKNOWN, "nothing tells that it marked")),
        ((*ON, *LOCK, *OURS), Outcome(Did.DONE)),
    ],
)
async def test_ends(end: tuple[Step, ...], outcome: Outcome) -> None:
    async with scripted(*SELECT, *ARM, *FIRE, *end) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(0) == outcome


async def test_a_lock_that_is_refused_after_the_start_is_no_refusal_of_the_shot() -> None:
    """That the part is blank must not follow from it: it is marked by then."""
    refused = tell("TriggerLock=1", "NG,S026,Format Error")
    async with scripted(*SELECT, *ARM, *FIRE, *ON, *refused * 3) as driver:
        await armed(driver)
        await driver.fire()
        with pytest.raises(UnexpectedReply, match="does not lock"):
            await driver.outcome(0)
    steps = (*SELECT, *ARM, *FIRE, *ON, *refused * 2, *LOCK, *OURS)
    async with scripted(*steps) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(0) == Outcome(Did.DONE)


async def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    """To a command: the state is asked, and its answer begins with RX. To a question: it is locked,
    which is answered by WX.
    """
    text = (
        *TEXTS[:-1],
        *(said("RX,Ready")[0], TEXTS[-1], said("", "RX,OK,0")[1]),
    )
    question = (
        said("RX,TriggerLock")[0],
        *(said("WX,TriggerLock=1")[0], said("", "RX,OK,0")[1], said("", "WX,OK")[1]),
        *LOCKED,
    )
    async with scripted(*SELECT, *PREPARE, *text, *LOCKED) as driver:
        await driver.select_job(JOB)
        with pytest.raises(LinkTimeout):
            await driver.arm(SHOT)
        assert await driver._panel.locked("test") is True
    async with scripted(*question) as driver:
        assert await driver._panel.locked("test") is True


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_a_lock_that_was_put_on_to_get_in_step_hides_whether_it_was_on(
    own_input: bool, did: Did | None
) -> None:
    lost = (said("RX,TriggerLock")[0], *tell("TriggerLock=1"), *LOCKED)
    disarm = (*lost, *LOCK, *ON, *CURRENT, *OTHER, *DISARM)
    async with scripted(*SELECT, *ARM, *disarm, own_input=own_input) as driver:
        await armed(driver)
        proof = await driver.disarm()
        assert (proof and proof.did) is did


async def test_a_disarm_waits_while_it_marks_and_what_does_not_end_is_none() -> None:
    waits = (*LOCKED, *LOCK, *BUSY, *BUSY, *ON, *CURRENT, *DISARM)
    async with scripted(*waits) as driver:
        assert await driver.disarm() is None
    async with scripted(*LOCKED, *LOCK, *BUSY, mark_seconds=1e-6) as driver:
        with pytest.raises(UnexpectedReply, match="does not end"):
            await driver.disarm()
    stays = (*LOCKED, *LOCK, *ON, *CURRENT, *ask(CODE, BODY), *tell(f"{CODE}=0"))
    async with scripted(*stays, *ask(CODE, BODY)) as driver:
        with pytest.raises(UnexpectedReply, match="not idle"):
            await driver.disarm()
    opens = (*LOCKED, *LOCK, *ON, *CURRENT, *IDLE, *ON, *OPEN)
    async with scripted(*opens) as driver:
        with pytest.raises(UnexpectedReply, match="unlocked after all"):
            await driver.disarm()


async def test_a_block_is_missing_only_if_that_is_said_twice() -> None:
    missing = said(f"RX,{CODE}", "RX,NG,S022,Block Number Not Registered Error")
    idle = (*missing, *IDLE, *ON, *LOCKED)
    async with scripted(*LOCKED, *LOCK, *ON, *CURRENT, *idle) as driver:
        assert await driver.disarm() is None
    idle = (*missing * 2, *IDLE[2:], *ON, *LOCKED)
    async with scripted(*LOCKED, *LOCK, *ON, *CURRENT, *idle) as driver:
        assert await driver.disarm() is None


async def test_a_question_that_is_declined_is_no_refusal_of_a_shot() -> None:
    declined = said("RX,JOB=0007,BLK=000,CharacterString", "RX,NG,S024,Illegal Command Error")
    async with scripted(*LOCKED, *LOCK, *ON, *CURRENT, *declined) as driver:
        with pytest.raises(UnexpectedReply, match="S024"):
            await driver.disarm()
    async with scripted(*said("RX,Ready", "RX,NG,S027,Unknown")) as driver:
        with pytest.raises(UnexpectedReply, match="S027"):
            await driver.status()


async def test_abort_stops() -> None:
    async with scripted(*tell("StopMarking")) as driver:
        await driver.abort()


async def test_asking_is_repeated_and_the_last_failure_told() -> None:
    wrong, garbled = said("RX,TriggerLock", "RX,OK,9"), said("RX,TriggerLock", "RX;OK,0")
    again = tell("TriggerLock=1")
    for failed, error in ((wrong, UnexpectedReply), (garbled, BadFrame)):
        async with scripted(*failed, *again, *failed, *again, *failed) as driver:
            with pytest.raises(error):
                await driver.disarm()
    async with scripted(*wrong, *again, *LOCKED, *LOCK, *BUSY, mark_seconds=1e-6) as driver:
        with pytest.raises(UnexpectedReply, match="does not end"):
            await driver.disarm()


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (MarkText(2, CONTENT), "position 2"),
        (MarkText(1, BODY), "format 06"),
        (MarkText(1, "[)>\x1e06\x1d\x1e\x04"), "empty"),
        (MarkText(1, "[)>\x1e06\x1d0\x1e\x04"), "idle"),
        (MarkText(1, "[)>\x1e06\x1d\x1dS1\x1e\x04"), "FNC1"),
        (MarkText(1, "[)>\x1e06\x1dS1\x1d2\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS%1\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS,1\x1e\x04"), "cannot carry ','"),
        (MarkText(1, "[)>\x1e06\x1dS=1\x1e\x04"), "cannot carry '='"),
        (MarkText(1, "[)>\x1e06\x1dS\u00e9\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1d" + "1" * 256 + "\x1e\x04"), "no text"),
        (MarkText(1, CONTENT, ("a\x1db",)), "cannot carry"),
        (MarkText(1, CONTENT, ("a", "b")), "1 lines"),
    ],
)
async def test_what_it_cannot_engrave_exactly_is_refused_without_a_byte(
    mark: MarkText, reason: str
) -> None:
    async with scripted() as driver:
        assert reason in (driver.refuses(mark) or "")
        with pytest.raises(DeviceRefused):
            await driver.arm(Shot((mark,)))


async def test_a_missing_line_is_idle_and_a_blank_one_may_read_back_as_nothing() -> None:
    texts = (*tell(f"{TEXT}= "), *tell(f"{CODE}=S1\x1d2"))
    back = (*ask(TEXT, ""), *ask(CODE, "S1\x1d2"), *ON, *NEVER, *LOCKED)
    shot = Shot((MarkText(1, "[)>\x1e06\x1dS1\x1d2\x1e\x04"),))
    async with scripted(*SELECT, *PREPARE, *texts, *back, raw_gs=True) as driver:
        await driver.select_job(JOB)
        await driver.arm(shot)


def test_what_it_is_armed_for_by_whom_and_what_has_to_tell() -> None:
    with pytest.raises(ValueError, match="serial://"):
        KeyenceMd("/dev/ttyS0", Options(), "laser")
    driver = KeyenceMd("tcp://host:50002", Options(), "laser")
    assert driver.single_shot is False
    assert driver.starts == {"command"}
    with pytest.raises(ValidationError, match="nothing would tell"):
        Options(marked_text=False)
    assert Options(marked_text=False, counter="A").counter == "A"


@given(st.integers(0, HIGHEST_SEQUENCE), st.booleans(), st.integers(0, 49))
def test_a_counter_keeps_which_shot_it_counts(sequence: int, fired: bool, marks: int) -> None:
    tally = Tally(sequence, fired, marks)
    assert tally_of(tally.value) == tally
    assert Tally(sequence, fired).value + marks == tally.value


def test_a_counter_that_was_not_set_here_says_nothing() -> None:
    assert tally_of(Tally(HIGHEST_SEQUENCE + 1).value) is None
    assert tally_of(4251) == Tally(42, fired=True, marks=1)
    assert tally_of(4200) == Tally(42)
