"""The Panasonic driver against raw bytes: no codec on the other side."""

import pytest

from drivers.errors import (
    BadChecksum,
    DeviceFault,
    DeviceRefused,
    LinkTimeout,
    OutcomeUnknown,
    UnexpectedReply,
)
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.panasonic_lp.options import Options
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from simulators.scripted import Expect, Reply, Step
from tests.drivers.marking import CONTENT, SHOT
from tests.drivers.panasonic_bench import scripted

OK = Reply("06 30 30 0D")
STS, FNO = Expect("02 53 54 53 52 0D"), Expect("02 46 4E 4F 52 0D")
FILE_2047 = Reply("02 46 4E 4F 41 32 30 34 37 0D")
OFF = Reply("02 53 54 53 41 30 30 30 30 30 0D")
PREPARING = Reply("02 53 54 53 41 30 31 30 30 30 0D")
RECEIVING = Reply("02 53 54 53 41 30 32 30 30 30 0D")
"""Pumped; the shutter is closed, or reception is ON."""
WAITING = Reply("02 53 54 53 41 30 32 31 30 30 0D")
READY = Reply("02 53 54 53 41 30 32 31 31 30 0D")
RECEPTION_ON = Expect("02 4D 4B 4D 53 30 0D")
RECEPTION_OFF = Expect("02 4D 4B 4D 53 31 0D")
REPORT_END = Expect("02 4D 53 54 53 31 0D")
TRIGGER = Expect("02 4D 52 4B 53 0D")
NORMAL_END = Reply("02 4D 53 54 41 30 30 30 30 0D")
LINE = Expect("02 53 49 4E 53 30 31 37 41 37 20 32 30 30 30 30 30 30 30 30 31 0D")
CODE = Expect("02 53 49 4E 53 30 30 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 0D")

IN_STEP: tuple[Step, ...] = (FNO, FILE_2047, STS, OFF)
"""A fresh connection asks until it is in step with the marker, and in which mode that answers."""
PERMIT: tuple[Step, ...] = (REPORT_END, OK, RECEPTION_OFF, OK, STS, WAITING)
ARM: tuple[Step, ...] = (*PERMIT, LINE, OK, CODE, OK, STS, READY)
DISARM: tuple[Step, ...] = (STS, WAITING, RECEPTION_ON, OK, STS, RECEIVING)


def nak(cause: str) -> Reply:
    return Reply(f"15 3{cause[0]} 3{cause[1]} 0D")


async def test_a_whole_cycle_byte_for_byte() -> None:
    select = (
        *IN_STEP,
        STS,
        OFF,
        FNO,
        Reply("02 46 4E 4F 41 30 30 30 31 0D"),
        Expect("02 46 4E 4F 53 32 30 34 37 0D"),
        OK,
        FNO,
        FILE_2047,
        STS,
        OFF,
        Expect("02 4C 53 52 53 31 0D"),
        OK,
        STS,
        PREPARING,
        STS,
        RECEIVING,
        Expect("02 53 48 54 53 31 0D"),
        OK,
        STS,
        RECEIVING,
        RECEPTION_OFF,
        nak("03"),
        STS,
        WAITING,
        RECEPTION_ON,
        OK,
    )
    async with scripted(*select, *ARM, TRIGGER, OK, NORMAL_END, *DISARM) as driver:
        await driver.select_job("2047")
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_checksum_and_crlf_are_kept_to() -> None:
    ready = (
        Expect("02 53 54 53 52 34 45 0D 0A"),
        Reply("02 53 54 53 41 30 32 31 31 30 33 31 0D 0A"),
    )
    steps = (
        Expect("02 46 4E 4F 52 33 37 0D 0A"),
        Reply("02 46 4E 4F 41 32 30 34 37 46 33 0D 0A"),
        *ready * 2,
    )
    async with scripted(*steps, serial_server=True, checksum=True, terminator="crlf") as driver:
        assert (await driver.status()).activity is Activity.ARMED


@pytest.mark.parametrize("cause", [f"{number:02}" for number in (*range(1, 13), 42, 99)])
async def test_each_refusal_before_arming_carries_its_cause(cause: str) -> None:
    steps = (*IN_STEP, STS, RECEIVING, FNO, FILE_2047, STS, RECEIVING)
    shutter = (Expect("02 53 48 54 53 31 0D"), nak(cause))

    async def run() -> None:
        async with scripted(*steps, *shutter) as driver:
            if cause == "10":
                with pytest.raises(DeviceFault) as fault:
                    await driver.select_job("2047")
                assert fault.value.alarm == "NAK 10"
            else:
                with pytest.raises(DeviceRefused) as refusal:
                    await driver.select_job("2047")
                assert refusal.value.vendor_code == cause

    if cause == "03":  # the shutter is open already: that is no refusal of the job
        return await _already_open(steps)
    return await run()


async def _already_open(steps: tuple[Step, ...]) -> None:
    rest = (RECEPTION_OFF, OK, STS, WAITING, RECEPTION_ON, OK)
    shutter = (Expect("02 53 48 54 53 31 0D"), nak("03"), STS, RECEIVING)
    async with scripted(*steps, *shutter, *rest) as driver:
        await driver.select_job("2047")


@pytest.mark.parametrize("cause", ["03", "05", "10", "11", "99"])
async def test_a_refused_text_is_not_started(cause: str) -> None:
    async with scripted(*IN_STEP, *PERMIT, LINE, OK, CODE, nak(cause)) as driver:
        with pytest.raises(DeviceRefused) as refusal:
            await driver.arm(SHOT)
        assert refusal.value.vendor_code == cause


async def test_a_job_without_text_for_one_shot_is_refused_before_the_number_is_spent() -> None:
    steps = (*IN_STEP, STS, RECEIVING, FNO, FILE_2047, STS, RECEIVING)
    opened = (Expect("02 53 48 54 53 31 0D"), OK, STS, READY, RECEPTION_ON, OK)
    async with scripted(*steps, *opened) as driver:
        with pytest.raises(DeviceRefused, match="without text for one shot"):
            await driver.select_job("2047")


async def test_a_job_that_reads_back_as_another_is_refused() -> None:
    steps = (
        *IN_STEP,
        STS,
        RECEIVING,
        FNO,
        FILE_2047,
        Expect("02 46 4E 4F 53 30 30 31 32 0D"),
        OK,
        FNO,
        FILE_2047,
    )
    async with scripted(*steps) as driver:
        with pytest.raises(DeviceRefused, match="2047 is read back"):
            await driver.select_job("12")


async def test_a_line_that_fails_before_any_text_is_not_started() -> None:
    async with scripted(*IN_STEP, REPORT_END, OK, RECEPTION_OFF) as driver:
        with pytest.raises(DeviceRefused, match="no text was sent"):
            await driver.arm(SHOT)


async def test_a_line_that_fails_after_the_text_is_told_as_it_is() -> None:
    async with scripted(*IN_STEP, *PERMIT, LINE, OK, CODE) as driver:
        with pytest.raises(LinkTimeout):
            await driver.arm(SHOT)


async def test_a_refused_question_after_the_text_is_no_word_on_the_text() -> None:
    async with scripted(*IN_STEP, *PERMIT, LINE, OK, CODE, OK, STS, nak("99")) as driver:
        with pytest.raises(OutcomeUnknown):
            await driver.arm(SHOT)


async def test_a_refused_trigger_with_the_text_still_loaded_is_not_started() -> None:
    refused = (*IN_STEP, *ARM, TRIGGER, nak("10"), STS, READY)
    async with scripted(*refused, own_input=False) as driver:
        await driver.arm(SHOT)
        with pytest.raises(DeviceRefused) as refusal:
            await driver.fire()
        assert refusal.value.vendor_code == "10"
    async with scripted(*refused) as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown, match="still armed"):
            await driver.fire()


async def test_a_refused_trigger_whose_text_is_gone_may_have_been_fired_by_a_pedal() -> None:
    refused = (*IN_STEP, *ARM, TRIGGER, nak("03"), STS, WAITING)
    async with scripted(*refused) as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
    async with scripted(*refused, own_input=False) as driver:
        await driver.arm(SHOT)
        with pytest.raises(DeviceRefused):
            await driver.fire()
    async with scripted(*refused, NORMAL_END) as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


@pytest.mark.parametrize(
    "reply",
    [
        (),
        (Reply("06 30 31 0D"),),
        (Reply("FF FF FF"),),
        (WAITING,),
    ],
    ids=["none", "flipped", "garbage", "another answer"],
)
async def test_a_trigger_without_a_clear_reply_is_unknown(reply: tuple[Step, ...]) -> None:
    async with scripted(*IN_STEP, *ARM, TRIGGER, *reply) as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


async def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    """The trigger's ACK comes when reception is being withdrawn: it must not confirm that."""
    late = (
        TRIGGER,
        FNO,
        OK,
        FILE_2047,
        STS,
        WAITING,
        STS,
        WAITING,
        RECEPTION_ON,
        nak("03"),
        STS,
        WAITING,
        RECEPTION_ON,
        OK,
        STS,
        RECEIVING,
    )
    async with scripted(*IN_STEP, *ARM, *late) as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
        assert await driver.disarm() is None


async def test_an_end_report_of_a_former_shot_does_not_count() -> None:
    old = (*PERMIT, LINE, OK, NORMAL_END, CODE, OK, STS, READY)
    async with scripted(*IN_STEP, *old, TRIGGER, OK) as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert (await driver.outcome(0.2)).did is Did.UNKNOWN


@pytest.mark.parametrize(
    ("report", "did"),
    [
        ("02 4D 53 54 41 30 30 30 30 0D", Did.DONE),
        ("02 4D 53 54 41 45 34 30 30 0D", Did.UNKNOWN),
        ("02 4D 53 54 41 45 37 31 30 0D", Did.UNKNOWN),
        ("02 4D 53 54 41 34 30 30 30 0D", Did.UNKNOWN),
    ],
    ids=["normal", "E400", "E710", "flipped"],
)
async def test_end_reports(report: str, did: Did) -> None:
    async with scripted(*IN_STEP, *ARM, TRIGGER, OK, Reply(report)) as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert (await driver.outcome(1)).did is did


async def test_an_end_report_before_the_triggers_reply_is_kept() -> None:
    async with scripted(*IN_STEP, *ARM, TRIGGER, NORMAL_END, OK) as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(1) == Outcome(Did.DONE)


async def test_disarm_waits_while_it_refuses_and_never_believes_an_ack_alone() -> None:
    marking = (
        STS,
        WAITING,
        RECEPTION_ON,
        nak("03"),
        STS,
        WAITING,
        RECEPTION_ON,
        OK,
        STS,
        RECEIVING,
    )
    stubborn = (STS, READY, RECEPTION_ON, OK, STS, READY)
    async with scripted(*IN_STEP, *marking) as driver:
        assert await driver.disarm() is None
    async with scripted(*IN_STEP, *stubborn) as driver:
        with pytest.raises(UnexpectedReply, match="still permits"):
            await driver.disarm()


async def test_disarm_proves_what_did_not_start() -> None:
    unfired = (STS, READY, RECEPTION_ON, OK, STS, RECEIVING)
    fired_meanwhile = (STS, READY, RECEPTION_ON, OK, STS, RECEIVING, Reply(NORMAL_END.hex, 0.1))
    async with scripted(*IN_STEP, *unfired, own_input=False) as driver:
        outcome = await driver.disarm()
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
    async with scripted(*IN_STEP, *unfired) as driver:
        assert await driver.disarm() is None
    async with scripted(*IN_STEP, *fired_meanwhile) as driver:
        assert await driver.disarm() == Outcome(Did.DONE)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("02 53 54 53 41 30 30 32 31 31 30 0D", "LP-310"),
        ("02 53 54 53 41 31 30 32 31 31 30 0D", "LP-310"),
        ("02 53 54 53 41 31 2C 30 2C 32 2C 31 2C 31 2C 30 0D", "set_mode"),
    ],
    ids=["LP-310 with an error", "LP-310 without", "standard mode"],
)
async def test_look_alikes_of_the_status_are_named(answer: str, reason: str) -> None:
    """An LP-310 tells an error as 0: read as ours it would be a marker that is well."""
    async with scripted(*(FNO, FILE_2047, STS, Reply(answer)) * 3) as driver:
        with pytest.raises(UnexpectedReply, match=reason):
            await driver.status()


async def test_reading_is_repeated_and_the_last_failure_told() -> None:
    wrong = Reply("02 53 54 53 41 30 32 31 31 30 33 30 0D")
    ask = Expect("02 53 54 53 52 34 45 0D")
    in_step = (
        Expect("02 46 4E 4F 52 33 37 0D"),
        Reply("02 46 4E 4F 41 32 30 34 37 46 33 0D"),
        ask,
        Reply("02 53 54 53 41 30 32 31 31 30 33 31 0D"),
    )
    three = (*in_step, ask, wrong) * 3
    async with scripted(*three, serial_server=True, checksum=True) as driver:
        with pytest.raises(BadChecksum):
            await driver.status()


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (MarkText(1, "[)>\x1e05\x1d80030\x1e\x04"), "format 06"),
        (MarkText(1, "18S7A72000000001"), "format 06"),
        (MarkText(1, CONTENT[:-1]), "format 06"),
        (MarkText(1, "[)>\x1e06\x1d\x1e\x04"), "empty"),
        (MarkText(1, "[)>\x1e06\x1d\x1dS1\x1e\x04"), "FNC1"),
        (MarkText(1, "[)>\x1e06\x1dS1\x1e05\x1d211\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS" + "1" * 99 + "\x1e\x04"), "at most 99"),
        (MarkText(1, "[)>\x1e06\x1dS\u00e9\x1e\x04"), "cannot carry"),
        (MarkText(1, "[)>\x1e06\x1dS%1\x1e\x04"), "cannot carry"),
        (MarkText(1, CONTENT, ("a\x1db",)), "cannot carry"),
        (MarkText(1, CONTENT, ("a\rb",)), "cannot carry"),
        (MarkText(1, CONTENT, ("x",) * 16), "at most 15"),
    ],
)
async def test_what_it_cannot_engrave_exactly_is_refused_without_a_byte(
    mark: MarkText, reason: str
) -> None:
    async with scripted() as driver:
        assert reason in (driver.refuses(mark) or "")
        with pytest.raises(DeviceRefused):
            await driver.arm(Shot((mark,)))


async def test_what_it_can_engrave_is_not_refused() -> None:
    async with scripted() as driver:
        assert driver.refuses(SHOT.marks[0]) is None
        assert driver.refuses(MarkText(1, "[)>\x1e06\x1d" + "1" * 99 + "\x1e\x04")) is None


async def test_missing_lines_are_sent_blank_and_surplus_ones_refused() -> None:
    lines = (
        Expect("02 53 49 4E 53 30 31 37 41 37 20 32 30 30 30 30 30 30 30 30 31 0D"),
        OK,
        Expect("02 53 49 4E 53 30 32 0D"),
        OK,
    )
    async with scripted(*IN_STEP, *PERMIT, *lines, CODE, OK, STS, READY, lines=2) as driver:
        await driver.arm(SHOT)
        assert "2 lines" in (driver.refuses(MarkText(1, CONTENT, ("a", "b", "c"))) or "")


def test_a_wrong_url_is_told_without_connecting() -> None:
    with pytest.raises(ValueError, match="serial://"):
        PanasonicLp("/dev/ttyS0", Options(), "laser")


@pytest.mark.parametrize("setting", [{"checksum": True}, {"terminator": "crlf"}])
def test_what_ethernet_does_not_have_is_refused_there_alone(setting: dict[str, object]) -> None:
    options = Options.model_validate(setting)
    behind = Options.model_validate({**setting, "serial_server": True})
    with pytest.raises(ValueError, match=r"by Ethernet .* serial_server"):
        PanasonicLp("tcp://laser:9094", options, "laser")
    PanasonicLp("tcp://moxa:4001", behind, "laser")
    PanasonicLp("rfc2217://moxa:4001?baudrate=9600", options, "laser")
    PanasonicLp("serial:///dev/ttyS0", options, "laser")
    PanasonicLp("tcp://laser:9094", Options(), "laser")
    with pytest.raises(ValueError, match="serial_server is said of tcp"):
        PanasonicLp("serial:///dev/ttyS0", behind, "laser")
