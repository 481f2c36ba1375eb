"""The Panasonic driver in standard mode against raw bytes, and how it keeps to one mode."""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceFault, DeviceRefused, LinkTimeout, OutcomeUnknown, UnexpectedReply
from drivers.panasonic_lp.codec import Mode
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.protocols import Activity, Did, MarkText, Outcome
from simulators.faults import Faults
from simulators.pipe import Wire, serve
from simulators.scripted import Expect, Reply, Step
from tests.drivers.marking import CONTENT, SHOT, cycle, disarmed, on_part
from tests.drivers.panasonic_bench import bench, quick, scripted
from tests.support.serial_server import serial_server

STS, FNO = Expect("02 53 54 53 52 0D"), Expect("02 46 4E 4F 52 0D")
FILE_2047 = Reply("02 46 4E 4F 41 32 30 34 37 0D")
OFF = Reply("02 53 54 53 41 30 2C 30 2C 30 2C 30 2C 30 2C 30 0D")
PUMPED = Reply("02 53 54 53 41 30 2C 30 2C 32 2C 30 2C 30 2C 30 0D")
RECEIVING = Reply("02 53 54 53 41 30 2C 30 2C 32 2C 31 2C 30 2C 30 0D")
WAITING = Reply("02 53 54 53 41 30 2C 30 2C 32 2C 31 2C 31 2C 30 0D")
READY = Reply("02 53 54 53 41 31 2C 30 2C 32 2C 31 2C 31 2C 30 0D")
MARKING = Reply("02 53 54 53 41 30 2C 31 2C 32 2C 31 2C 31 2C 30 0D")
MARKING_ALARMED = Reply("02 53 54 53 41 30 2C 31 2C 32 2C 31 2C 31 2C 31 0D")
MARKING_RECEIVING = Reply("02 53 54 53 41 30 2C 31 2C 32 2C 31 2C 30 2C 30 0D")
"""Reception was accepted while it marks: the manuals do not exclude it."""
COMPATIBLE_OFF = Reply("02 53 54 53 41 30 30 30 30 30 0D")
RECEPTION_ON, RECEPTION_OFF = Expect("02 4D 4B 4D 53 30 0D"), Expect("02 4D 4B 4D 53 31 0D")
MKM_DONE = Reply("02 4D 4B 4D 41 0D")
REPORT_END, MST_DONE = Expect("02 4D 53 54 53 31 0D"), Reply("02 4D 53 54 41 0D")
TRIGGER, MRK_DONE = Expect("02 4D 52 4B 53 0D"), Reply("02 4D 52 4B 41 0D")
MRK_REFUSED = Reply("02 4D 52 4B 45 30 33 30 30 0D")
NORMAL_END = Reply("02 4D 53 54 41 30 30 30 30 0D")
LINE = Expect("02 53 49 4E 53 30 31 2C 37 41 37 20 32 30 30 30 30 30 30 30 30 31 0D")
CODE = Expect("02 53 49 4E 53 30 30 2C 31 38 53 37 41 37 32 30 30 30 30 30 30 30 30 31 0D")
SIN_DONE = Reply("02 53 49 4E 41 0D")
RSM_STANDARD, RSM_COMPATIBLE = Expect("02 52 53 4D 53 31 0D"), Expect("02 52 53 4D 53 30 0D")
ACK = Reply("06 30 30 0D")

IN_STEP: tuple[Step, ...] = (FNO, FILE_2047, STS, OFF)
PERMIT: tuple[Step, ...] = (REPORT_END, MST_DONE, RECEPTION_OFF, MKM_DONE, STS, WAITING)
ARM: tuple[Step, ...] = (*PERMIT, LINE, SIN_DONE, CODE, SIN_DONE, STS, READY)


async def test_a_whole_cycle_byte_for_byte() -> None:
    select = (
        *IN_STEP,
        STS,
        OFF,
        FNO,
        Reply("02 46 4E 4F 41 30 30 30 31 0D"),
        Expect("02 46 4E 4F 53 32 30 34 37 0D"),
        Reply("02 46 4E 4F 41 0D"),
        FNO,
        FILE_2047,
        STS,
        OFF,
        Expect("02 4C 53 52 53 31 0D"),
        Reply("02 4C 53 52 41 0D"),
        STS,
        PUMPED,
        Expect("02 53 48 54 53 31 0D"),
        Reply("02 53 48 54 41 0D"),
        STS,
        WAITING,
        RECEPTION_ON,
        MKM_DONE,
    )
    disarm = (STS, WAITING, RECEPTION_ON, MKM_DONE, STS, RECEIVING)
    async with scripted(
        *select, *ARM, TRIGGER, MRK_DONE, NORMAL_END, *disarm, mode="standard"
    ) as driver:
        await driver.select_job("2047")
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_a_shutter_that_is_told_to_be_open_is_not_opened_again() -> None:
    opened = (STS, RECEIVING, FNO, FILE_2047, STS, RECEIVING)
    permitted = (STS, RECEIVING, RECEPTION_OFF, MKM_DONE, STS, WAITING, RECEPTION_ON, MKM_DONE)
    async with scripted(*IN_STEP, *opened, *permitted, mode="standard") as driver:
        await driver.select_job("2047")


@pytest.mark.parametrize(
    ("refusal", "cause", "detail"),
    [
        ("02 46 4E 4F 45 30 33 30 30 0D", "03", "present state"),
        ("02 46 4E 4F 45 30 39 30 31 0D", "09", "data out of range, item 1"),
        ("02 3F 3F 3F 45 30 34 30 30 0D", "04", "no such command"),
        ("02 3F 3F 3F 45 30 35 30 30 0D", "05", "incorrect checksum"),
        ("02 46 4E 4F 45 34 32 30 30 0D", "42", "does not list"),
    ],
)
async def test_a_refusal_carries_its_cause_and_the_item(
    refusal: str, cause: str, detail: str
) -> None:
    select = (*IN_STEP, STS, OFF, FNO, FILE_2047, Expect("02 46 4E 4F 53 30 30 31 32 0D"))
    async with scripted(*select, Reply(refusal), mode="standard") as driver:
        with pytest.raises(DeviceRefused, match=detail) as refused:
            await driver.select_job("12")
        assert refused.value.vendor_code == cause


async def test_an_alarm_before_arming_is_a_fault() -> None:
    select = (*IN_STEP, STS, OFF, FNO, FILE_2047, Expect("02 46 4E 4F 53 30 30 31 32 0D"))
    alarm = Reply("02 46 4E 4F 45 31 30 30 30 0D")
    async with scripted(*select, alarm, mode="standard") as driver:
        with pytest.raises(DeviceFault):
            await driver.select_job("12")


@pytest.mark.parametrize(
    "reply",
    [MKM_DONE, ACK, Reply("15 30 33 0D"), Reply("02 4D 4B 4D 45 30 33 30 30 0D")],
    ids=["another command's", "compatible ACK", "compatible NAK", "another command's refusal"],
)
async def test_only_a_reply_that_names_the_trigger_answers_it(reply: Step) -> None:
    """What could in compatible mode be taken for its refusal or its acceptance is unknown here."""
    async with scripted(*IN_STEP, *ARM, TRIGGER, reply, mode="standard") as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()


async def test_it_is_marking_as_long_as_it_says_so() -> None:
    told = (STS, MARKING, STS, WAITING, STS, MARKING_ALARMED)
    async with scripted(*IN_STEP, *told, mode="standard") as driver:
        assert (await driver.status()).activity is Activity.MARKING
        assert (await driver.status()).activity is Activity.READY
        alarmed = await driver.status()
        assert alarmed.activity is Activity.MARKING
        assert alarmed.alarm


async def test_between_trigger_and_radiation_it_is_taken_as_marking() -> None:
    """A file may have a delay; once it was seen to radiate, dark means over."""
    told = (TRIGGER, MRK_DONE, STS, WAITING, STS, MARKING, STS, WAITING)
    async with scripted(*IN_STEP, *ARM, *told, mode="standard") as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert (await driver.status()).activity is Activity.MARKING
        assert (await driver.status()).activity is Activity.MARKING
        assert (await driver.status()).activity is Activity.READY


async def test_a_marker_that_is_marking_is_not_armed() -> None:
    busy = (REPORT_END, MST_DONE, RECEPTION_OFF, MKM_DONE, STS, MARKING)
    async with scripted(*IN_STEP, *busy, mode="standard") as driver:
        with pytest.raises(DeviceRefused, match="marking"):
            await driver.arm(SHOT)


async def test_a_pedal_that_was_first_needs_no_end_report_to_be_seen() -> None:
    fired_while_arming = (*ARM[:-1], MARKING, NORMAL_END)
    refused = (*ARM, TRIGGER, MRK_REFUSED, STS, MARKING, NORMAL_END)
    async with scripted(*IN_STEP, *fired_while_arming, mode="standard") as driver:
        await driver.arm(SHOT)
        assert await driver.outcome(2) == Outcome(Did.DONE)
    async with scripted(*IN_STEP, *refused, mode="standard") as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)


@pytest.mark.parametrize(
    ("told", "did"),
    [
        ([READY, MARKING_RECEIVING, MARKING_RECEIVING, RECEIVING], None),
        ([READY, RECEIVING, MARKING_RECEIVING, RECEIVING], None),
        ([READY, RECEIVING], Did.NOT_STARTED),
    ],
    ids=["at once", "after a delay", "never"],
)
async def test_a_shot_that_was_seen_marking_is_never_not_started(
    told: list[Reply], did: Did | None
) -> None:
    """Its text was loaded, reception was accepted at once, and no end report comes."""
    answers = iter([OFF, *told])  # at first it is asked for its mode

    async def peer(wire: Wire) -> None:
        """As long as it is asked: each status in turn, then the last."""
        pending = b""
        while data := await wire.read():
            *frames, pending = (pending + data).split(b"\r")
            for frame in frames:
                if frame == b"\x02STSR":
                    reply = next(answers, told[-1])
                else:
                    reply = {b"\x02FNOR": FILE_2047, b"\x02MKMS0": MKM_DONE}[frame]
                await wire.write(bytes.fromhex(reply.hex))

    listener = await serve("tcp://127.0.0.1:0", peer, Faults())
    options = quick(mode="standard", mark_seconds=0.5, reply_seconds=5)
    driver = PanasonicLp(listener.url, options, "laser")
    try:
        await driver.connect()
        outcome = await driver.disarm()
        assert (None if outcome is None else outcome.did) is did
    finally:
        await driver.close()
        await listener.close()


async def test_a_disarm_waits_until_the_laser_is_dark() -> None:
    reported = (TRIGGER, MRK_DONE, NORMAL_END)
    disarm = (STS, MARKING, RECEPTION_ON, MKM_DONE, STS, MARKING_RECEIVING)
    dark = (STS, MARKING_RECEIVING, STS, RECEIVING)
    async with scripted(*IN_STEP, *ARM, *reported, *disarm, *dark, mode="standard") as driver:
        await driver.arm(SHOT)
        await driver.fire()
        assert await driver.outcome(2) == Outcome(Did.DONE)
        assert await driver.disarm() == Outcome(Did.DONE)


async def test_a_comma_cannot_be_carried_in_standard_mode_alone() -> None:
    mark = MarkText(1, CONTENT, ("a, b",))
    async with scripted(mode="standard") as driver:
        assert "comma" in (driver.refuses(mark) or "")
    async with scripted() as driver:
        assert driver.refuses(mark) is None


# Which mode it answers in.


async def test_rsm_sets_the_mode_where_that_is_allowed() -> None:
    """Answered in the mode before, and believed when STS shows it."""
    begin = (FNO, FILE_2047, STS)
    to_standard = (*begin, COMPATIBLE_OFF, RSM_STANDARD, ACK, STS, OFF, STS, READY)
    to_compatible = (
        *(*begin, OFF, RSM_COMPATIBLE, Reply("02 52 53 4D 41 0D"), STS, COMPATIBLE_OFF),
        *(STS, Reply("02 53 54 53 41 30 32 31 31 30 0D")),
    )
    async with scripted(*to_standard, mode="standard", set_mode=True) as driver:
        assert (await driver.status()).activity is Activity.ARMED
    async with scripted(*to_compatible, set_mode=True) as driver:
        assert (await driver.status()).activity is Activity.ARMED


async def test_the_other_mode_is_refused_by_name_where_rsm_is_not_allowed() -> None:
    wrong = (FNO, FILE_2047, STS, COMPATIBLE_OFF)
    async with scripted(*wrong * 3, mode="standard") as driver:
        with pytest.raises(UnexpectedReply, match=r"compatible .* set_mode"):
            await driver.identify()


@pytest.mark.parametrize("reply", [ACK, Reply("15 30 34 0D")], ids=["accepted", "refused"])
async def test_an_rsm_that_changes_nothing_is_no_change(reply: Reply) -> None:
    wrong = (FNO, FILE_2047, STS, COMPATIBLE_OFF, RSM_STANDARD, reply, STS, COMPATIBLE_OFF)
    async with scripted(*wrong * 3, mode="standard", set_mode=True) as driver:
        with pytest.raises(UnexpectedReply, match="RSM did not change it"):
            await driver.identify()


async def test_an_lp_310_is_refused_and_not_set() -> None:
    lp310 = (FNO, FILE_2047, STS, Reply("02 53 54 53 41 30 30 32 31 31 30 0D"))
    async with scripted(*lp310 * 3, mode="standard", set_mode=True) as driver:
        with pytest.raises(UnexpectedReply, match="LP-310"):
            await driver.identify()


async def test_a_lost_answer_to_rsm_is_looked_for_and_rsm_not_believed() -> None:
    lost = (FNO, FILE_2047, STS, COMPATIBLE_OFF, RSM_STANDARD)
    again = (FNO, FILE_2047, STS, OFF, REPORT_END, MST_DONE, RECEPTION_OFF, MKM_DONE)
    async with scripted(*lost, *again, STS, OFF, mode="standard", set_mode=True) as driver:
        with pytest.raises(DeviceRefused, match="no text was sent"):
            await driver.arm(SHOT)
        with pytest.raises(DeviceRefused, match="shutter closed"):
            await driver.arm(SHOT)


async def test_a_marker_that_comes_back_in_the_other_mode_while_armed_is_noticed() -> None:
    """It lost its power: its text is gone, and so is the mode that RSM had set."""
    power = (TRIGGER, Reply("15 30 33 0D"))
    back = (FNO, FILE_2047, STS, COMPATIBLE_OFF, RSM_STANDARD, ACK, STS, OFF)
    refused = Reply("02 4D 4B 4D 45 30 33 30 30 0D")
    disarm = (STS, OFF, RECEPTION_ON, refused, STS, OFF, STS, OFF)
    script = (*IN_STEP, *ARM, *power, *back, *disarm)
    async with scripted(*script, mode="standard", set_mode=True) as driver:
        await driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown):
            await driver.fire()
        assert await driver.disarm() is None


# With the simulated marker.


@pytest.mark.parametrize("series", ["gs", "rc"])
async def test_rsm_is_repeated_after_the_marker_was_switched_off(
    tmp_path: Path, series: str
) -> None:
    device = {"compatibility": "on", "series": series}
    async with bench(tmp_path, device, mode="standard", set_mode=True) as rig:
        assert rig.device.state()["mode"] == "compatible"
        await rig.driver.select_job("1")
        assert rig.device.state()["mode"] == "standard"
        assert await cycle(rig) is Did.DONE
        await rig.driver.arm(SHOT)
        await rig.device.power(False)
        await rig.device.power(True)
        assert rig.device.state()["mode"] == "compatible"
        with pytest.raises((OutcomeUnknown, UnexpectedReply)):
            await rig.driver.fire()
        assert await disarmed(rig) is None
        await rig.driver.select_job("1")
        assert rig.device.state()["mode"] == "standard"
        assert await cycle(rig) is Did.DONE
        assert len(on_part(rig)) == 1


async def test_a_marker_without_lp_400_compatibility_knows_no_rsm(tmp_path: Path) -> None:
    async with bench(tmp_path, {"compatibility": "off"}, mode="compatible", set_mode=True) as rig:
        with pytest.raises(UnexpectedReply, match="RSM did not change it"):
            await rig.driver.select_job("1")
        assert rig.device.state()["mode"] == "standard"


async def test_a_job_above_2047_is_one_of_standard_mode(tmp_path: Path) -> None:
    async with bench(tmp_path, mode="standard") as rig:
        await rig.driver.select_job("9998")
        assert rig.device.state()["file"] == 9998
    async with bench(tmp_path) as rig:
        with pytest.raises(DeviceRefused, match="0 to 2047"):
            await rig.driver.select_job("9998")


async def test_a_mark_that_outlasts_the_wait_is_seen_and_told(tmp_path: Path) -> None:
    """It takes longer than the options say: compatible mode would have to call it over."""
    async with bench(tmp_path, {"marking": "100"}, mode="standard") as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await asyncio.sleep(0.4)  # past `mark_seconds`
        assert (await rig.driver.status()).activity is Activity.MARKING
        assert await disarmed(rig) == Outcome(Did.DONE)
        assert len(on_part(rig)) == 1


async def test_silence_is_told_as_it_is_in_standard_mode_too() -> None:
    async with scripted(FNO, mode="standard") as driver:
        with pytest.raises(LinkTimeout):
            await driver.abort()


@pytest.mark.parametrize("mode", ["compatible", "standard"])
async def test_behind_a_serial_server_it_has_what_its_serial_port_has(
    tmp_path: Path, mode: Mode
) -> None:
    """Checksum and CR LF over tcp://, with the marker's RS-232 behind it."""
    line = {"checksum": "on", "terminator": "crlf"}
    async with (
        bench(tmp_path, line, "serial", mode=mode, checksum=True, terminator="crlf") as rig,
        serial_server(rig.url) as url,
    ):
        await rig.driver.close()
        rig.url, rig.options = url, {**rig.options, "serial_server": True}
        rig.driver = rig.another()
        await rig.driver.connect()
        await rig.driver.select_job("1")
        assert await cycle(rig) is Did.DONE
        await rig.driver.close()


@pytest.mark.parametrize("mode", ["compatible", "standard"])
async def test_by_ethernet_it_marks_without_checksum(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, None, "tcp://127.0.0.1:0", mode=mode) as rig:
        await rig.driver.select_job("1")
        assert await cycle(rig) is Did.DONE
