"""The Telesis driver against raw bytes: no codec on the other side."""

import pytest

from drivers.errors import (
    BadChecksum,
    DeviceFault,
    DeviceRefused,
    LinkTimeout,
    OutcomeUnknown,
    UnexpectedReply,
)
from drivers.protocols import Activity, Did, Identity, MarkText, Outcome, Shot
from drivers.telesis.driver import Options, Telesis
from simulators.scripted import Expect, Reply, Step
from tests.drivers.marking import CONTENT, SHOT
from tests.drivers.telesis_bench import JOB, scripted

I_ = Expect("01 49 02 03 30 37 33 0D")
READY = Reply("01 49 02 30 39 3B 30 30 30 03 31 32 35 0D")
DONE = Reply("01 49 02 30 42 3B 30 30 30 03 31 33 34 0D")
BUSY = Reply("01 49 02 30 38 3B 30 30 30 03 31 32 34 0D")
PAUSED = Reply("01 49 02 30 43 3B 30 30 30 03 31 33 35 0D")
FAULT = Reply("01 49 02 30 30 3B 30 30 30 03 31 31 36 0D")
START = Reply("01 49 02 30 39 3B 30 30 31 03 31 32 36 0D")
P_PART = Expect("01 50 02 50 41 52 54 03 31 33 35 0D")
P_BLANK = Expect("01 50 02 42 4C 41 4E 4B 03 31 38 34 0D")
P_OK, P_NO = Reply("01 50 02 06 03 30 38 36 0D"), Reply("01 50 02 15 03 31 30 31 0D")
V_LINE = Expect("01 56 02 30 32 37 41 37 20 32 30 30 30 30 30 30 30 30 31 03 31 30 36 0D")
V_CODE = Expect("01 56 02 30 31 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 03 30 30 35 0D")
V_OK, V_NO = Reply("01 56 02 06 03 30 39 32 0D"), Reply("01 56 02 15 03 31 30 37 0D")
G, G_OK, G_NO = (
    Expect("01 47 02 03 30 37 31 0D"),
    Reply("01 47 02 06 03 30 37 37 0D"),
    Reply("01 47 02 15 03 30 39 32 0D"),
)
O_, O_OK = Expect("01 4F 02 03 30 37 39 0D"), Reply("01 4F 02 06 03 30 38 35 0D")

PARK: tuple[Step, ...] = (P_BLANK, P_OK, I_, READY)
SELECT: tuple[Step, ...] = (I_, READY, P_PART, P_OK, *PARK)
PREPARE: tuple[Step, ...] = (I_, READY, P_PART, P_OK, I_, READY)
ARM: tuple[Step, ...] = (*PREPARE, V_LINE, V_OK, V_CODE, V_OK, I_, READY)


async def armed(driver: Telesis) -> None:
    await driver.select_job(JOB)
    await driver.arm(SHOT)


async def test_a_whole_cycle_byte_for_byte() -> None:
    end = (I_, BUSY, I_, DONE, I_, DONE, *PARK)
    async with scripted(*SELECT, *ARM, G, G_OK, *end) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_asking_what_it_is_asks_for_its_signals_and_nothing_else() -> None:
    async with scripted(I_, READY) as driver:
        assert await driver.identify() == Identity("", "", "")


@pytest.mark.parametrize(
    ("reply", "activity"),
    [
        (READY, Activity.ARMED),
        (DONE, Activity.ARMED),
        (BUSY, Activity.OFF),
        (PAUSED, Activity.MARKING),
        (FAULT, Activity.FAULT),
    ],
)
async def test_each_state_is_told_as_what_it_means(reply: Reply, activity: Activity) -> None:
    async with scripted(I_, reply) as driver:
        assert (await driver.status()).activity is activity


async def test_it_is_ready_after_a_disarm_by_the_same_object_and_connection() -> None:
    async with scripted(I_, READY, *PARK, I_, READY) as driver:
        await driver.disarm()
        assert (await driver.status()).activity is Activity.READY
    async with scripted(*SELECT, *ARM, G, G_OK, I_, BUSY) as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.status()).activity is Activity.MARKING


async def test_a_station_and_another_check() -> None:
    asked = (
        Expect("01 49 30 37 02 03 34 39 0D"),
        Reply("01 49 30 37 02 30 39 3B 30 30 30 03 37 44 0D"),
    )
    async with scripted(*asked, station="07", check="hex") as driver:
        assert (await driver.status()).activity is Activity.ARMED


async def test_bare_acknowledgements() -> None:
    ok, no = Reply("06 0D"), Reply("15 0D")
    bare = (I_, READY, P_PART, ok, P_BLANK, ok, I_, READY)
    arm = (I_, READY, P_PART, ok, I_, READY, V_LINE, ok, V_CODE, ok, I_, READY)
    async with scripted(*bare, *arm, G, no, I_, READY, replies="bare") as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ((I_, FAULT), DeviceFault),
        ((I_, BUSY), DeviceRefused),
        ((I_, PAUSED), DeviceRefused),
        ((I_, START), DeviceRefused),
        ((I_, READY, P_PART, P_NO), DeviceRefused),
        ((I_, READY, P_PART, P_OK, P_BLANK, P_NO), DeviceRefused),
    ],
)
async def test_a_job_that_cannot_be_had_is_told_before_the_number_is_spent(
    steps: tuple[Step, ...], error: type[Exception]
) -> None:
    async with scripted(*steps) as driver:
        with pytest.raises(error):
            await driver.select_job(JOB)


async def test_a_job_without_a_name_or_with_a_wrong_one_is_refused() -> None:
    for job in ("", "a\rb"):
        async with scripted(I_, READY) as driver:
            with pytest.raises(DeviceRefused):
                await driver.select_job(job)
    async with scripted() as driver:
        with pytest.raises(DeviceRefused, match="no job"):
            await driver.arm(SHOT)


async def test_a_former_end_is_put_out_before_it_is_armed() -> None:
    put_out = (I_, DONE, O_, O_OK, I_, BUSY, I_, READY, *PREPARE[2:])
    stays = (I_, DONE, O_, O_OK, I_, DONE)
    rest = (V_LINE, V_OK, V_CODE, V_OK, I_, READY)
    async with scripted(*SELECT, *put_out, *rest) as driver:
        await armed(driver)
    async with scripted(*SELECT, *stays) as driver:
        with pytest.raises(DeviceRefused, match="DONE stays on"):
            await armed(driver)


async def test_an_end_that_goes_out_with_the_next_start_counts_after_it_was_off() -> None:
    arm = (I_, DONE, P_PART, P_OK, I_, DONE, V_LINE, V_OK, V_CODE, V_OK, I_, DONE)
    seen = (I_, DONE, I_, BUSY, I_, DONE)
    async with scripted(*SELECT, *arm, G, G_OK, *seen, clear_done="start") as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
    async with scripted(*SELECT, *arm, G, G_OK, I_, DONE, clear_done="start") as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.outcome(0)).did is Did.UNKNOWN
    async with scripted(*SELECT, *arm, G, G_NO, I_, DONE, clear_done="start") as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


async def test_a_refused_pattern_or_text_is_not_started() -> None:
    for refused in (
        (I_, READY, P_PART, P_NO),
        (I_, START),
        (I_, READY, P_PART, P_OK, I_, START),
        (*PREPARE, V_LINE, V_NO, I_, READY),
        (*PREPARE, V_LINE, V_OK, V_CODE, V_NO, I_, READY),
    ):
        async with scripted(*SELECT, *refused) as driver:
            with pytest.raises(DeviceRefused):
                await armed(driver)


@pytest.mark.parametrize("seen", [BUSY, DONE])
async def test_a_refused_text_while_it_was_started_by_its_input_is_unknown(seen: Reply) -> None:
    async with scripted(*SELECT, *PREPARE, V_LINE, V_OK, V_CODE, V_NO, I_, seen) as driver:
        with pytest.raises(OutcomeUnknown):
            await armed(driver)


async def test_a_line_that_fails_before_any_text_is_not_started() -> None:
    for steps in ((I_,) * 3, (I_, READY, P_PART)):
        async with scripted(*SELECT, *steps) as driver:
            await driver.select_job(JOB)
            with pytest.raises(DeviceRefused, match="no text was sent"):
                await driver.arm(SHOT)


@pytest.mark.parametrize(
    "steps",
    [(V_LINE,), (V_LINE, V_OK, V_CODE), (V_LINE, P_OK), (V_LINE, V_OK, V_CODE, V_OK, I_, I_, I_)],
    ids=["line", "code", "another answer", "signals"],
)
async def test_a_line_that_fails_after_the_text_is_told_as_it_is(steps: tuple[Step, ...]) -> None:
    async with scripted(*SELECT, *PREPARE, *steps) as driver:
        await driver.select_job(JOB)
        with pytest.raises((LinkTimeout, UnexpectedReply)):
            await driver.arm(SHOT)


async def test_not_ready_after_all_text_is_unknown_or_its_own_input() -> None:
    steps = (*SELECT, *ARM[:-1], BUSY)
    async with scripted(*steps, own_input=False) as driver:
        with pytest.raises(OutcomeUnknown):
            await armed(driver)
    async with scripted(*steps, I_, DONE) as driver:
        await armed(driver)
        assert await driver.outcome(1) == Outcome(Did.DONE)


@pytest.mark.parametrize(
    ("seen", "own_input", "refused"),
    [(READY, True, True), (READY, False, True), (BUSY, True, False), (BUSY, False, False)],
)
async def test_a_refused_start(seen: Reply, own_input: bool, refused: bool) -> None:
    steps = (*SELECT, *ARM, G, G_NO, I_, seen)
    async with scripted(*steps, own_input=own_input) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused if refused else OutcomeUnknown):
            await driver.fire()


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_a_disarm_after_a_refused_start_proves_it_where_nothing_else_starts_it(
    own_input: bool, did: Did | None
) -> None:
    steps = (*SELECT, *ARM, G, G_NO, I_, READY, I_, READY, *PARK)
    async with scripted(*steps, own_input=own_input) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()
        proof = await driver.disarm()
        assert (proof and proof.did) is did


async def test_a_refused_start_of_what_its_input_started_is_told_by_its_end() -> None:
    async with scripted(*SELECT, *ARM, G, G_NO, I_, DONE, I_, DONE) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


@pytest.mark.parametrize(
    "reply",
    [
        (),
        (Reply("FF FF FF"),),
        (Reply("01 47 02 06 03 30 37 36 0D"),),
        (Reply("01 47 02 07 03 30 37 38 0D"),),
        (READY,),
        (V_OK,),
    ],
    ids=["none", "garbage", "check", "another mark", "another answer", "another type"],
)
async def test_a_start_without_a_clear_reply_is_unknown(reply: tuple[Step, ...]) -> None:
    async with scripted(*SELECT, *ARM, G, *reply) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


async def test_garbage_before_and_after_and_a_split_frame_change_nothing() -> None:
    pieces = (
        Reply("FF 02 30 0D"),
        Reply("01 47 02"),
        Reply("06 03 30 37 37 0D FF FF", 0.02),
    )
    async with scripted(*SELECT, *ARM, G, *pieces, I_, DONE) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


async def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    """Each acknowledgement comes when the next question was sent: it must answer nothing."""
    text = (V_LINE, I_, V_OK, I_, READY)
    blank = (P_BLANK, I_, P_OK, I_, READY, *PARK)
    async with scripted(*SELECT, *PREPARE, *text, *blank) as driver:
        await driver.select_job(JOB)
        with pytest.raises(LinkTimeout):
            await driver.arm(SHOT)
        assert await driver.disarm() is None


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ((I_, FAULT), Outcome(Did.UNKNOWN, "the controller shows a fault")),
        ((I_, PAUSED), Outcome(Did.UNKNOWN, "paused")),
        ((I_, READY), Outcome(Did.UNKNOWN, "its output DONE did not come in time")),
        ((I_, DONE), Outcome(Did.DONE)),
    ],
)
async def test_ends(end: tuple[Step, ...], outcome: Outcome) -> None:
    async with scripted(*SELECT, *ARM, G, G_OK, *end) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(0) == outcome


async def test_disarm_waits_while_it_marks_and_resets_what_does_not_end() -> None:
    async with scripted(I_, BUSY, I_, BUSY, I_, READY, *PARK) as driver:
        assert await driver.disarm() is None
    for stuck in (PAUSED, FAULT):
        async with scripted(I_, stuck, O_, O_OK, I_, BUSY, I_, READY, *PARK) as driver:
            assert await driver.disarm() is None


async def test_what_is_not_ready_in_the_end_is_no_disarm() -> None:
    at_once = {"mark_seconds": 1e-6, "ready_seconds": 1e-6}
    async with scripted(I_, FAULT, O_, O_OK, I_, FAULT, **at_once) as driver:
        with pytest.raises(DeviceFault):
            await driver.disarm()
    async with scripted(I_, BUSY, I_, BUSY, O_, O_OK, I_, BUSY, **at_once) as driver:
        with pytest.raises(UnexpectedReply, match="does not become ready"):
            await driver.disarm()
    async with scripted(I_, READY, P_BLANK, P_OK, I_, BUSY, **at_once) as driver:
        with pytest.raises(UnexpectedReply, match="after the blank pattern"):
            await driver.disarm()
    async with scripted(I_, READY, P_BLANK, P_NO) as driver:
        with pytest.raises(DeviceRefused):
            await driver.disarm()


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_what_a_disarm_proves(own_input: bool, did: Did | None) -> None:
    async with scripted(*SELECT, *ARM, I_, READY, *PARK, own_input=own_input) as driver:
        await armed(driver)
        outcome = await driver.disarm()
        assert (outcome and outcome.did) is did
    fired = (*SELECT, *ARM, G, G_OK, I_, READY, *PARK)
    async with scripted(*fired, own_input=own_input) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.disarm() is None
    async with scripted(I_, READY, *PARK, own_input=own_input) as driver:
        assert await driver.disarm() is None


async def test_abort_resets() -> None:
    async with scripted(I_, BUSY, O_, O_OK) as driver:
        await driver.abort()


async def test_asking_is_repeated_and_the_last_failure_told() -> None:
    wrong = Reply("01 49 02 30 39 3B 30 30 30 03 31 32 34 0D")
    async with scripted(*(I_, wrong) * 3) as driver:
        with pytest.raises(BadChecksum):
            await driver.status()
    async with scripted(*(I_, G_OK) * 3) as driver:
        with pytest.raises(UnexpectedReply):
            await driver.status()
    async with scripted(I_, I_, READY) as driver:
        assert (await driver.status()).activity is Activity.ARMED


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (MarkText(2, CONTENT), "position 2"),
        (MarkText(1, "18S7A72000000001"), "format 06"),
        (MarkText(1, "[)>\x1e06\x1d\x1e\x04"), "empty"),
        (MarkText(1, "[)>\x1e06\x1d\x1dS1\x1e\x04"), "FNC1"),
        (MarkText(1, "[)>\x1e06\x1dS1\x1d2\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS%1\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS\u00e9\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1d" + "1" * 512 + "\x1e\x04"), "too many"),
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


async def test_missing_lines_are_sent_blank_and_gs_where_it_was_seen_to_work() -> None:
    shot = Shot((MarkText(1, "[)>\x1e06\x1dS1\x1d2\x1e\x04"),))
    texts = (
        *(Expect("01 56 02 30 32 03 31 38 34 0D"), V_OK),
        *(Expect("01 56 02 30 31 53 31 1D 32 03 31 33 38 0D"), V_OK),
    )
    async with scripted(*SELECT, *PREPARE, *texts, I_, READY, raw_gs=True) as driver:
        await driver.select_job(JOB)
        await driver.arm(shot)


def test_what_it_is_armed_for_and_by_whom() -> None:
    with pytest.raises(ValueError, match="serial://"):
        Telesis("/dev/ttyS0", Options(), "pin")
    driver = Telesis("tcp://host:1", Options(), "pin")
    assert driver.single_shot is False
    assert driver.starts == {"command"}
