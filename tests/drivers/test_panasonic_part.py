"""The Panasonic driver and the simulated marker on a pseudo-terminal: what is on the part?

In both command modes, for nothing that is promised depends on the mode.
Whatever goes wrong on the wire, what the driver says and what is engraved have to agree.
"""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, LinkError, OutcomeUnknown, UnexpectedReply
from drivers.panasonic_lp.codec import Mode
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from tests.drivers.marking import CONTENT, SHOT, cycle, disarmed, on_part
from tests.drivers.panasonic_bench import bench

MODES = pytest.mark.parametrize("mode", ["compatible", "standard"])


async def test_the_body_alone_is_sent_where_the_code_uses_the_macro(tmp_path: Path) -> None:
    content = "[)>\x1e05\x1d800406141419999960MH80312\x1d21MH80312\x1e\x04"
    async with bench(tmp_path, {"macro": "05"}, macro="05") as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(Shot((MarkText(1, content),)))
        loaded = rig.device.state()["texts"]
        assert loaded == {"0": "800406141419999960MH80312\x1d21MH80312"}
        await rig.driver.fire()
        await rig.driver.outcome(1)
        assert [each.content for each in on_part(rig)] == [content]


@MODES
async def test_a_pedal_fires_what_is_armed_once(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        assert await rig.device.pedal() is False
        await rig.driver.arm(SHOT)
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert await rig.device.pedal() is True
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert await rig.device.pedal() is False
        assert await rig.driver.disarm() == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [CONTENT]


@MODES
async def test_a_pedal_before_the_trigger_command_is_one_shot_and_told_as_done(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.device.pedal()
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert len(on_part(rig)) == 1


@MODES
async def test_an_armed_shot_that_nobody_fires_is_proved_not_started(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode, own_input=False) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        assert (await rig.driver.outcome(0.05)).did is Did.UNKNOWN
        proof = await rig.driver.disarm()
        assert proof is not None
        assert proof.did is Did.NOT_STARTED
        assert await rig.driver.disarm() is None
        assert on_part(rig) == []
        assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize("restarted", [False, True])
async def test_compatible_mode_with_an_input_of_its_own_proves_no_unstarted_shot(
    tmp_path: Path, restarted: bool
) -> None:
    """Its status does not tell marking, and reception is accepted while it marks (C p.56, 59)."""
    async with bench(tmp_path) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        if restarted:
            await rig.driver.close()
            rig.driver = rig.another()
            await rig.driver.connect()
        assert await rig.driver.disarm() is None
        assert on_part(rig) == []
        assert await cycle(rig) is Did.DONE


@MODES
async def test_a_refused_trigger_is_unknown_while_a_pedal_may_still_fire_it(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        rig.device.misbehave("refuse", 1)
        await rig.driver.arm(SHOT)
        with pytest.raises(OutcomeUnknown, match="still armed"):
            await rig.driver.fire()
        assert await rig.device.pedal() is True
        assert await rig.driver.disarm() == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [CONTENT]


@MODES
@pytest.mark.parametrize(
    ("marking", "lost"),
    [("2", True), ("40", True), ("100", False)],
    ids=["short, its end lost", "its end lost", "longer than an end is awaited"],
)
async def test_a_pedal_within_a_disarm_is_never_called_not_started(
    tmp_path: Path, mode: Mode, marking: str, lost: bool
) -> None:
    """Reception is accepted while it marks (C p.56, 59): that proves nothing."""
    options = {"shortest_mark_seconds": 0.01} if marking == "2" else {}
    async with bench(tmp_path, {"marking": marking}, mode=mode, **options) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        if lost:
            rig.device.misbehave("silent")
        await rig.driver.arm(SHOT)
        rig.faults.arm("delay", "to_host", seconds=0.1)  # the answer that says: armed
        disarming = asyncio.create_task(rig.driver.disarm())
        async with asyncio.timeout(5):
            while not rig.faults.landed["delay"]:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.001)
        assert await rig.device.pedal() is True
        proof = await disarming
        assert proof is None or proof.did is not Did.NOT_STARTED
        assert rig.device.state()["marking"] is (mode == "compatible" and marking == "100")
        assert [each.content for each in on_part(rig)] == [CONTENT]


@MODES
async def test_after_a_restart_an_armed_marker_is_disarmed_and_proved_not_started(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode, own_input=False) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        assert (await rig.driver.status()).activity is Activity.ARMED
        proof = await rig.driver.disarm()
        assert proof is not None
        assert proof.did is Did.NOT_STARTED
        assert on_part(rig) == []


@MODES
async def test_after_a_restart_while_it_marks_nothing_is_claimed_and_it_is_waited_for(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, {"marking": "40"}, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        assert await rig.driver.disarm() is None
        assert rig.device.state()["marking"] is False
        assert len(on_part(rig)) == 1


@MODES
async def test_held_when_armed_before_anything_fired(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, mode=mode, own_input=False) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        rig.device.moments.hold("armed")
        with pytest.raises(LinkError):
            await rig.driver.arm(SHOT)
        assert await rig.device.moments.await_held(1)
        assert rig.device.state()["ready"] is True
        rig.device.moments.release()
        proof = await disarmed(rig)
        assert proof is not None
        assert proof.did is Did.NOT_STARTED
        assert on_part(rig) == []


@MODES
async def test_without_power_nothing_is_confirmed_and_the_text_is_gone(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.device.power(False)
        with pytest.raises(LinkError):
            await rig.driver.disarm()
        await rig.device.power(True)
        assert await disarmed(rig) is None
        assert rig.device.state()["texts"] == {}
        assert on_part(rig) == []
        await rig.driver.select_job("1")
        assert await cycle(rig) is Did.DONE


@MODES
async def test_leaving_remote_mode_loses_the_end_report(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.device.operate("remote", {"on": False})
        assert (await rig.driver.outcome(0.2)).did is Did.UNKNOWN
        await rig.device.operate("remote", {"on": True})
        assert await disarmed(rig) is None
        assert len(on_part(rig)) == 1


@MODES
async def test_an_aborted_mark_is_unknown_and_unreadable(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.driver.abort()
        assert await rig.driver.outcome(1) == Outcome(Did.UNKNOWN, "E400")
        assert [each.readable for each in on_part(rig)] == [False]


@MODES
async def test_a_file_that_was_accepted_and_not_selected_is_noticed(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, mode=mode) as rig:
        rig.device.misbehave("wrong_file")
        with pytest.raises(DeviceRefused, match="0 is read back"):
            await rig.driver.select_job("1")


@MODES
async def test_permission_that_does_not_go_away_is_no_disarm(tmp_path: Path, mode: Mode) -> None:
    async with bench(tmp_path, mode=mode, own_input=False) as rig:
        await rig.driver.select_job("1")
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        rig.device.misbehave("stubborn")
        with pytest.raises(UnexpectedReply, match="still permits"):
            await rig.driver.disarm()
        assert rig.device.state()["ready"] is True
        assert await disarmed(rig) is not None
        assert rig.device.state()["ready"] is False


@MODES
async def test_a_job_with_more_lines_than_were_sent_never_gets_ready(
    tmp_path: Path, mode: Mode
) -> None:
    async with bench(tmp_path, {"lines": "2"}, mode=mode) as rig:
        await rig.driver.select_job("1")
        assert await cycle(rig) is Did.UNKNOWN
        assert on_part(rig) == []
    async with bench(tmp_path, {"lines": "2"}, mode=mode, lines=2) as rig:
        await rig.driver.select_job("1")
        assert await cycle(rig) is Did.DONE
