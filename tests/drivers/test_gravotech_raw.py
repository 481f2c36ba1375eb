"""The Gravotech driver against raw bytes: no codec on the other side."""

import pytest

from drivers.errors import (
    BadFrame,
    DeviceFault,
    DeviceRefused,
    LinkTimeout,
    OutcomeUnknown,
    UnexpectedReply,
)
from drivers.gravotech_tl07.driver import GravotechTl07, Options
from drivers.protocols import Activity, Did, Identity, MarkText, Outcome, Shot
from simulators.scripted import Expect, Reply, Step
from tests.drivers.gravotech_bench import JOB, scripted
from tests.drivers.marking import CONTENT, SHOT

ST, GP = Expect("53 54 0D"), Expect("47 50 20 22 4D 41 53 54 45 52 22 0D")
MASTER = Reply("47 50 20 22 4D 41 53 54 45 52 22 3A 22 31 22 0D 0A")
SLAVE = Reply("47 50 20 22 4D 41 53 54 45 52 22 3A 22 30 22 0D 0A")
INITIALISING = Reply("53 54 20 31 20 30 20 30 0D 0A")
ALIVE = Reply("53 54 20 32 20 30 20 30 0D 0A")
LOADED = Reply("53 54 20 34 20 30 20 30 0D 0A")
PARKED = Reply("53 54 20 34 20 30 20 32 0D 0A")
AUTONOMOUS = Reply("53 54 20 34 20 30 20 31 0D 0A")
MARKING = Reply("53 54 20 38 20 30 20 30 0D 0A")
PAUSED = Reply("53 54 20 31 36 20 30 20 30 0D 0A")
FAULT = Reply("53 54 20 33 32 20 30 20 30 0D 0A")
LS_BLANK = Expect("4C 53 20 62 6C 61 6E 6B 2E 74 32 6C 0D")
LS_PART = Expect("4C 53 20 70 61 72 74 2E 74 32 6C 0D")
ONE_BLANK = Reply("31 0D 0A 62 6C 61 6E 6B 2E 74 32 6C 0D 0A")
ONE_PART = Reply("31 0D 0A 70 61 72 74 2E 74 32 6C 0D 0A")
NONE = Reply("30 0D 0A")
VS_0 = Expect("56 53 20 30 20 22 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 22 0D")
VS_1 = Expect("56 53 20 31 20 22 37 41 37 20 32 30 30 30 30 30 30 30 30 31 22 0D")
VG_0, VG_1 = Expect("56 47 20 30 0D"), Expect("56 47 20 31 0D")
SET = Reply("56 53 20 31 0D 0A")
TEXT_0 = Reply("31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 0D 0A")
TEXT_1 = Reply("37 41 37 20 32 30 30 30 30 30 30 30 30 31 0D 0A")
EMPTY = Reply("0D 0A")
LD = Expect("4C 44 20 22 70 61 72 74 2E 74 32 6C 22 20 31 20 4E 0D")
LD_BLANK = Expect("4C 44 20 22 62 6C 61 6E 6B 2E 74 32 6C 22 20 31 20 53 0D")
DONE_LD = Reply("4C 44 20 31 0D 0A")
GO = Expect("47 4F 0D")
GO_M, GO_F = Reply("47 4F 20 4D 0D 0A"), Reply("47 4F 20 46 0D 0A")
GO_P, GO_S = Reply("47 4F 20 50 0D 0A"), Reply("47 4F 20 53 0D 0A")
AM, DONE_AM = Expect("41 4D 0D"), Reply("41 4D 20 31 0D 0A")
AD, DONE_AD = Expect("41 44 0D"), Reply("41 44 20 31 0D 0A")

IN_STEP: tuple[Step, ...] = (GP, MASTER)
"""A fresh connection asks until it is in step with the controller; so it does after a start."""
SELECT: tuple[Step, ...] = (
    *IN_STEP,
    GP,
    MASTER,
    LS_BLANK,
    ONE_BLANK,
    LS_PART,
    ONE_PART,
    ST,
    ALIVE,
)
TEXTS: tuple[Step, ...] = (VS_0, SET, VG_0, TEXT_0, VS_1, SET, VG_1, TEXT_1)
ARM: tuple[Step, ...] = (ST, ALIVE, *TEXTS, LD, DONE_LD, ST, LOADED)
BLANKED: tuple[Step, ...] = (VG_0, EMPTY, VG_1, EMPTY)


def er(kind: int, detail: int) -> Reply:
    return Reply(f"ER {kind} {detail}\r\n".encode().hex())


async def armed(driver: GravotechTl07) -> None:
    await driver.select_job(JOB)
    await driver.arm(SHOT)


async def test_a_whole_cycle_byte_for_byte() -> None:
    blank_0, blank_1 = Expect("56 53 20 30 20 22 22 0D"), Expect("56 53 20 31 20 22 22 0D")
    disarm = (
        *(ST, ALIVE, ST, ALIVE, ST, ALIVE, GP, MASTER),
        *(VG_0, TEXT_0, blank_0, SET, VG_0, EMPTY, VG_1, TEXT_1, blank_1, SET, VG_1, EMPTY),
    )
    steps = (*SELECT, *ARM, GO, GO_M, GO_F, *IN_STEP, ST, ALIVE, *disarm)
    async with scripted(*steps) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_asking_what_it_is_asks_for_its_state_and_nothing_else() -> None:
    async with scripted(*IN_STEP, ST, LOADED) as driver:
        assert await driver.identify() == Identity("", "", "")


@pytest.mark.parametrize(
    ("reply", "activity"),
    [
        (INITIALISING, Activity.OFF),
        (ALIVE, Activity.READY),
        (LOADED, Activity.ARMED),
        (PARKED, Activity.READY),
        (AUTONOMOUS, Activity.ARMED),
        (MARKING, Activity.MARKING),
        (PAUSED, Activity.MARKING),
        (FAULT, Activity.FAULT),
    ],
)
async def test_each_state_is_told_as_what_it_means(reply: Reply, activity: Activity) -> None:
    async with scripted(*IN_STEP, ST, reply) as driver:
        assert (await driver.status()).activity is activity


async def test_an_open_safety_circuit_is_off_where_its_value_is_known() -> None:
    async with scripted(*IN_STEP, ST, ALIVE, rearm=1) as driver:
        assert (await driver.status()).activity is Activity.OFF
    async with scripted(*SELECT, rearm=1) as driver:
        with pytest.raises(DeviceFault):
            await driver.select_job(JOB)


async def test_a_connection_that_may_not_command_asks_to() -> None:
    take = (
        Expect("53 50 20 22 4D 41 53 54 45 52 22 3A 22 31 22 0D"),
        Reply("53 50 20 31 0D 0A"),
    )
    async with scripted(*IN_STEP, GP, SLAVE, *take, *SELECT[4:]) as driver:
        await driver.select_job(JOB)
    async with scripted(*IN_STEP, GP, SLAVE, take[0], er(4, 1)) as driver:
        with pytest.raises(DeviceRefused) as refusal:
            await driver.select_job(JOB)
        assert refusal.value.vendor_code == "ER 4 1"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((LS_BLANK, NONE), "blank"),
        ((LS_BLANK, ONE_BLANK, LS_PART, NONE), "part"),
        ((LS_BLANK, ONE_BLANK, LS_PART, ONE_BLANK), "part"),
        ((LS_BLANK, ONE_BLANK, LS_PART, er(1, 5)), "cannot be opened"),
        ((LS_BLANK, ONE_BLANK, LS_PART, ONE_PART, ST, LOADED), "loaded already"),
        ((LS_BLANK, ONE_BLANK, LS_PART, ONE_PART, ST, AUTONOMOUS), "autonomously"),
        ((LS_BLANK, ONE_BLANK, LS_PART, ONE_PART, ST, INITIALISING), "INITIALISING"),
    ],
)
async def test_a_job_that_cannot_be_had_is_refused_before_the_number_is_spent(
    steps: tuple[Step, ...], reason: str
) -> None:
    async with scripted(*SELECT[:4], *steps) as driver:
        with pytest.raises(DeviceRefused, match=reason):
            await driver.select_job(JOB)


@pytest.mark.parametrize("count", ["78 0D 0A", "31 0D 0A", "31 0D 0A 47 4F 20 46 0D 0A"])
async def test_a_list_that_is_none_is_told(count: str) -> None:
    async with scripted(*SELECT[:4], LS_BLANK, Reply(count)) as driver:
        with pytest.raises((UnexpectedReply, LinkTimeout)):
            await driver.select_job(JOB)


async def test_nothing_is_armed_without_a_job_or_while_something_is_loaded() -> None:
    async with scripted() as driver:
        with pytest.raises(DeviceRefused, match="no job"):
            await driver.arm(SHOT)
    async with scripted(*SELECT, ST, LOADED) as driver:
        with pytest.raises(DeviceRefused, match="loaded already"):
            await armed(driver)


@pytest.mark.parametrize("error", [(1, 7), (2, 8), (2, 32), (3, 1), (4, 1), (7, 42)])
async def test_a_refused_text_or_file_is_not_started(error: tuple[int, int]) -> None:
    code = f"ER {error[0]} {error[1]}"
    for refused in ((VS_0, er(*error)), (*TEXTS, LD, er(*error))):
        async with scripted(*SELECT, ST, ALIVE, *refused) as driver:
            with pytest.raises(DeviceRefused) as refusal:
                await armed(driver)
            assert refusal.value.vendor_code == code


async def test_a_text_that_reads_back_as_another_is_never_loaded() -> None:
    async with scripted(*SELECT, ST, ALIVE, VS_0, SET, VG_0, TEXT_1) as driver:
        with pytest.raises(DeviceRefused, match="reads back"):
            await armed(driver)


@pytest.mark.parametrize(
    ("readback", "reply"),
    [
        ("quoted", "22 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 22 0D 0A"),
        ("named", "56 47 20 22 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 22 0D 0A"),
    ],
)
async def test_other_ways_to_give_a_text_back(readback: str, reply: str) -> None:
    shot = Shot((MarkText(1, CONTENT),))
    steps = (*SELECT, ST, ALIVE, VS_0, SET, VG_0)
    good = (*steps, Reply(reply), LD, DONE_LD, ST, LOADED)
    async with scripted(*good, lines=0, readback=readback) as driver:
        await driver.select_job(JOB)
        await driver.arm(shot)
    async with scripted(*steps, TEXT_0, lines=0, readback=readback) as driver:
        await driver.select_job(JOB)
        with pytest.raises(UnexpectedReply):
            await driver.arm(shot)
    off = (*SELECT, ST, ALIVE, VS_0, SET, LD, DONE_LD, ST, LOADED)
    async with scripted(*off, lines=0, readback="off") as driver:
        await driver.select_job(JOB)
        await driver.arm(shot)


async def test_a_line_that_fails_before_any_text_is_not_started() -> None:
    async with scripted(*SELECT, ST, GP, ST) as driver:
        await driver.select_job(JOB)
        with pytest.raises(DeviceRefused, match="no text was sent"):
            await driver.arm(SHOT)


@pytest.mark.parametrize(
    "steps", [(VS_0,), (*TEXTS, LD), (*TEXTS, LD, ALIVE)], ids=["text", "file", "another answer"]
)
async def test_a_line_that_fails_after_the_text_is_told_as_it_is(steps: tuple[Step, ...]) -> None:
    async with scripted(*SELECT, ST, ALIVE, *steps) as driver:
        await driver.select_job(JOB)
        with pytest.raises((LinkTimeout, UnexpectedReply)):
            await driver.arm(SHOT)


async def test_a_file_that_is_loaded_and_not_as_it_should_be_is_unknown() -> None:
    async with scripted(*SELECT, ST, ALIVE, *TEXTS, LD, DONE_LD, ST, PARKED) as driver:
        with pytest.raises(OutcomeUnknown):
            await armed(driver)


@pytest.mark.parametrize("own_input", [True, False])
async def test_a_refused_start_with_the_file_still_loaded_is_not_started(own_input: bool) -> None:
    steps = (*SELECT, *ARM, GO, er(3, 7), ST, LOADED)
    async with scripted(*steps, own_input=own_input) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused) as refusal:
            await driver.fire()
        assert refusal.value.vendor_code == "ER 3 7"


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_a_disarm_after_a_refused_start_proves_it_where_nothing_else_starts_it(
    own_input: bool, did: Did | None
) -> None:
    withdraw = (
        *(ST, LOADED, ST, LOADED, GP, MASTER, LD_BLANK, DONE_LD, ST, PARKED, ST, PARKED),
        *(GP, MASTER, *BLANKED),
    )
    steps = (*SELECT, *ARM, GO, er(3, 7), ST, LOADED, *withdraw)
    async with scripted(*steps, own_input=own_input) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()
        proof = await driver.disarm()
        assert (proof and proof.did) is did


async def test_a_refused_start_whose_file_is_gone_may_have_been_started_by_a_pedal() -> None:
    refused = (*SELECT, *ARM, GO, er(2, 2), ST, ALIVE)
    async with scripted(*refused) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
    async with scripted(*refused, own_input=False) as driver:
        await armed(driver)
        with pytest.raises(DeviceRefused):
            await driver.fire()
    async with scripted(*refused[:-1], GO_F, ALIVE, ST, ALIVE) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


async def test_a_start_refused_because_it_marks_is_never_called_not_started() -> None:
    ended = (*SELECT, *ARM, GO, er(2, 8), ST, ALIVE)
    async with scripted(*ended, own_input=False) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
    going = (*SELECT, *ARM, GO, er(2, 8), ST, MARKING, GO_M, GO_F, ST, ALIVE)
    async with scripted(*going) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


@pytest.mark.parametrize(
    "reply",
    [(), (Reply("FF FF FF"),), (Reply("47 4F 20 4C 0D 0A"),), (ALIVE,), (Reply("FF 0D 0A"),)],
    ids=["none", "garbage", "flipped", "another answer", "a line of garbage"],
)
async def test_a_start_without_a_clear_reply_is_unknown(reply: tuple[Step, ...]) -> None:
    async with scripted(*SELECT, *ARM, GO, *reply) as driver:
        await armed(driver)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


async def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    """The loading's answer comes when the file is being withdrawn: it must not confirm that."""
    late = (
        *(LD, GP, DONE_LD, MASTER, ST, LOADED, ST, LOADED, GP, MASTER),
        *(LD_BLANK, DONE_LD, ST, PARKED, ST, PARKED, GP, MASTER, *BLANKED),
    )
    async with scripted(*SELECT, ST, ALIVE, *TEXTS, *late) as driver:
        await driver.select_job(JOB)
        with pytest.raises(LinkTimeout):
            await driver.arm(SHOT)
        assert await driver.disarm() is None


async def test_the_end_of_a_former_shot_does_not_count() -> None:
    before = (*SELECT, ST, ALIVE, *TEXTS[:-1], GO_F, TEXT_1, LD, DONE_LD, ST, LOADED)
    between = (*SELECT, ST, ALIVE, *TEXTS, LD, DONE_LD, ST, LOADED, GO_F)
    async with scripted(*before, GO, GO_M) as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.outcome(0.2)).did is Did.UNKNOWN
    async with scripted(*between, GO, GO_M) as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.outcome(0.2)).did is Did.UNKNOWN


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((GO_M, GO_F, *IN_STEP, ST, ALIVE), Outcome(Did.DONE)),
        ((GO_M, GO_P, GO_F, *IN_STEP, ST, ALIVE), Outcome(Did.DONE)),
        ((GO_M, GO_P), Outcome(Did.UNKNOWN, "paused")),
        ((GO_M, GO_S, *IN_STEP, ST, FAULT), Outcome(Did.UNKNOWN, "stopped by a fault")),
        ((GO_M, Reply("47 4F 20 42 0D 0A")), Outcome(Did.UNKNOWN, "no end told in time")),
        ((GO_M, Reply("FF 47 4F 20 46 0D 0A")), Outcome(Did.UNKNOWN, "no end told in time")),
        (
            (GO_M, Reply("47 4F 20"), Reply("46 0D 0A", 0.05), *IN_STEP, ST, ALIVE),
            Outcome(Did.DONE),
        ),
    ],
    ids=["finished", "paused and finished", "paused", "stopped", "flipped", "garbage", "split"],
)
async def test_ends(events: tuple[Step, ...], outcome: Outcome) -> None:
    async with scripted(*SELECT, *ARM, GO, *events) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(0.4) == outcome


async def test_an_end_counts_when_the_state_agrees_with_it() -> None:
    going_on = (GO, GO_M, GO_F, *IN_STEP, ST, MARKING, ST, ALIVE)
    async with scripted(*SELECT, *ARM, *going_on) as driver:
        await armed(driver)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


async def test_disarm_waits_while_it_marks_and_never_believes_an_acknowledgement_alone() -> None:
    marking = (
        *(ST, MARKING, ST, MARKING, ST, LOADED, GP, MASTER, LD_BLANK, er(2, 8)),
        *(ST, MARKING, ST, ALIVE, ST, ALIVE, GP, MASTER, *BLANKED),
    )
    stubborn = (ST, LOADED, ST, LOADED, GP, MASTER, LD_BLANK, DONE_LD)
    async with scripted(*IN_STEP, *marking) as driver:
        assert await driver.disarm() is None
    async with scripted(*IN_STEP, *stubborn, ST, LOADED, mark_seconds=1e-6) as driver:
        with pytest.raises(UnexpectedReply, match="stays READY"):
            await driver.disarm()


async def test_a_text_that_does_not_become_blank_is_no_disarm() -> None:
    steps = (
        *(ST, ALIVE, ST, ALIVE, ST, ALIVE, GP, MASTER),
        *(VG_0, TEXT_0, Expect("56 53 20 30 20 22 22 0D"), SET, VG_0, TEXT_0),
    )
    async with scripted(*IN_STEP, *steps) as driver:
        with pytest.raises(UnexpectedReply, match="not blank"):
            await driver.disarm()


@pytest.mark.parametrize(
    ("options", "did"),
    [
        ({}, None),
        ({"own_input": False}, Did.NOT_STARTED),
        ({"leaves_ready": True}, Did.NOT_STARTED),
    ],
)
async def test_what_a_disarm_proves(options: dict[str, object], did: Did | None) -> None:
    withdraw = (
        *(ST, LOADED, ST, LOADED, GP, MASTER, LD_BLANK, DONE_LD, ST, PARKED, ST, PARKED),
        *(GP, MASTER, *BLANKED),
    )
    async with scripted(*SELECT, *ARM, *withdraw, **options) as driver:
        await armed(driver)
        outcome = await driver.disarm()
        assert (outcome and outcome.did) is did
    # Of a shot that a former process armed, nothing is proved.
    async with scripted(*IN_STEP, *withdraw, **options) as driver:
        assert await driver.disarm() is None


async def test_events_of_a_start_for_simulation_are_none_of_the_shot() -> None:
    """The pedal comes after the withdrawal: nothing is engraved, and the events are the same."""
    withdraw = (
        *(ST, LOADED, ST, LOADED, GP, MASTER, LD_BLANK, DONE_LD, GO_M, GO_F, ST, PARKED),
        *(ST, PARKED, GP, MASTER, *BLANKED),
    )
    async with scripted(*SELECT, *ARM, *withdraw, leaves_ready=True) as driver:
        await armed(driver)
        outcome = await driver.disarm()
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED


async def test_a_fault_is_acknowledged_by_disarming_or_left_to_a_person() -> None:
    cleared = (
        *(ST, FAULT, ST, FAULT, GP, MASTER, AD, DONE_AD, ST, LOADED, GP, MASTER),
        *(LD_BLANK, DONE_LD, ST, PARKED, ST, PARKED, GP, MASTER, *BLANKED),
    )
    async with scripted(*IN_STEP, *cleared) as driver:
        assert await driver.disarm() is None
    async with scripted(*IN_STEP, *cleared[:6], AD, er(3, 9)) as driver:
        with pytest.raises(DeviceFault) as fault:
            await driver.disarm()
        assert fault.value.alarm == "ER 3 9"
    async with scripted(*IN_STEP, *cleared[:6], acknowledge=False) as driver:
        with pytest.raises(DeviceFault, match="at the machine"):
            await driver.disarm()


async def test_a_controller_that_loads_nothing_while_ready_is_stopped() -> None:
    stopped = (
        *(ST, LOADED, ST, LOADED, GP, MASTER, AM, DONE_AM, ST, FAULT, GP, MASTER, AD, DONE_AD),
        *(ST, ALIVE, ST, ALIVE, GP, MASTER, *BLANKED),
    )
    async with scripted(*IN_STEP, *stopped, withdraw="stop") as driver:
        assert await driver.disarm() is None
    async with scripted(*IN_STEP, *stopped[:6], LD_BLANK, er(2, 4)) as driver:
        with pytest.raises(DeviceRefused):
            await driver.disarm()


async def test_a_paused_mark_is_stopped() -> None:
    stopped = (
        *(ST, PAUSED, ST, PAUSED, GP, MASTER, AM, DONE_AM, GO_S, ST, FAULT, GP, MASTER),
        *(AD, DONE_AD, ST, ALIVE, ST, ALIVE, GP, MASTER, *BLANKED),
    )
    async with scripted(*SELECT, *ARM, GO, GO_M, GO_P, *IN_STEP, *stopped) as driver:
        await armed(driver)
        await driver.fire()
        assert (await driver.outcome(0.1)).did is Did.UNKNOWN
        assert await driver.disarm() == Outcome(Did.UNKNOWN, "stopped by a fault")


async def test_abort_stops() -> None:
    async with scripted(*IN_STEP, AM, DONE_AM) as driver:
        await driver.abort()


async def test_asking_is_repeated_and_the_last_failure_told() -> None:
    wrong = Reply("53 54 20 33 20 30 20 30 0D 0A")
    async with scripted(*(*IN_STEP, ST, wrong) * 3) as driver:
        with pytest.raises(BadFrame):
            await driver.status()
    async with scripted(*IN_STEP, ST, er(3, 1), *IN_STEP, ST, ALIVE) as driver:
        assert (await driver.status()).activity is Activity.READY


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (MarkText(2, CONTENT), "position 2"),
        (MarkText(1, "18S7A72000000001"), "format 06"),
        (MarkText(1, "[)>\x1e06\x1d\x1e\x04"), "empty"),
        (MarkText(1, "[)>\x1e06\x1d\x1dS1\x1e\x04"), "FNC1"),
        (MarkText(1, '[)>\x1e06\x1dS"1\x1e\x04'), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS\\1\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS\u00e9\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1d" + "1" * 1024 + "\x1e\x04"), "can carry"),
        (MarkText(1, "[)>\x1e06\x1dGO F\x1e\x04"), "no line says"),
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


def test_what_it_is_armed_for_and_by_whom() -> None:
    with pytest.raises(ValueError, match="tcp://"):
        GravotechTl07("127.0.0.1:55555", Options(), "laser")
    assert GravotechTl07("tcp://host:1", Options(), "laser").single_shot is True
    assert GravotechTl07("tcp://host:1", Options(), "laser").starts == {"command", "input"}
    by_command = Options(own_input=False)
    assert GravotechTl07("tcp://host:1", by_command, "laser").starts == {"command"}
