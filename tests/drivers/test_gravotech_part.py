"""The Gravotech driver and the simulated marker on a wire: what is on the part?

Whatever goes wrong on the wire, what the driver says and what is engraved have to agree: DONE means
engraved once, NOT_STARTED means blank, and nothing engraves after a confirmed disarm.
"""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, LinkError, UnexpectedReply
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from tests.drivers.gravotech_bench import JOB, Bench, bench
from tests.drivers.marking import CONTENT, SHOT, agree, cycle, disarmed, on_part


async def ready(rig: Bench) -> None:
    await rig.driver.select_job(JOB)
    rig.parts.load("line")


async def test_asking_what_it_is_fires_nothing_though_it_be_armed(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.close()
        other = rig.another()
        await other.connect()
        await other.identify()
        assert (await other.status()).activity is Activity.ARMED
        await other.close()
        assert rig.device.state()["ready"] is True
        assert on_part(rig) == []


async def test_a_code_with_separators_and_another_envelope(tmp_path: Path) -> None:
    content = "[)>\x1e05\x1d800406141419999960MH80312\x1d21MH80312\x1e\x04"
    async with bench(tmp_path, {"macro": "05", "lines": "0"}, macro="05", lines=0) as rig:
        await ready(rig)
        await rig.driver.arm(Shot((MarkText(1, content),)))
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [content]


async def test_a_pedal_starts_what_is_armed_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        assert await rig.device.pedal() is False
        await rig.driver.arm(SHOT)
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert await rig.device.pedal() is True
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert await rig.device.pedal() is False
        assert await rig.driver.disarm() == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [CONTENT]


@pytest.mark.parametrize("marking", ["2", "40"])
async def test_a_pedal_before_the_command_is_one_shot(tmp_path: Path, marking: str) -> None:
    async with bench(tmp_path, {"marking": marking}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.device.pedal()
        await asyncio.sleep(0)
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert await rig.driver.disarm() == Outcome(Did.DONE)
        assert len(on_part(rig)) == 1


@pytest.mark.parametrize(
    ("options", "did"),
    [
        ({}, None),
        ({"own_input": False}, Did.NOT_STARTED),
        ({"leaves_ready": True}, Did.NOT_STARTED),
    ],
)
async def test_an_armed_shot_that_nobody_starts(
    tmp_path: Path, options: dict[str, object], did: Did | None
) -> None:
    async with bench(tmp_path, **options) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        assert (await rig.driver.outcome(0.05)).did is Did.UNKNOWN
        proof = await rig.driver.disarm()
        assert (proof and proof.did) is did
        assert await rig.driver.disarm() is None
        assert on_part(rig) == []
        assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize("after", ["alive", "ready"])
@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_a_pedal_about_the_moment_of_a_disarm(
    tmp_path: Path, after: str, moment: str
) -> None:
    """Its end is not told, so that only the proofs of the disarm speak."""
    options = {"after": after, "marking": "20"}
    settings = {"leaves_ready": after == "alive"}
    async with bench(tmp_path, options, **settings) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device.misbehave("silent")
        fired = False
        if moment == "before":
            fired = await rig.device.pedal()
        if moment == "during":
            rig.faults.arm("delay", "to_host", seconds=0.02)
        disarming = asyncio.create_task(rig.driver.disarm())
        if moment == "during":
            async with asyncio.timeout(5):
                while not rig.faults.landed["delay"]:  # noqa: ASYNC110 - no event for it
                    await asyncio.sleep(0.001)
            fired = await rig.device.pedal()
        proof = await disarming
        if moment == "after":
            fired = await rig.device.pedal()
            await asyncio.sleep(0.15)
        assert len(on_part(rig)) == int(fired)
        said = proof.did if proof is not None else Did.UNKNOWN
        agree(said, on_part(rig))
        assert rig.device.state()["ready"] is False


async def test_after_a_restart_an_armed_marker_is_disarmed_and_nothing_is_claimed(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, leaves_ready=True) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert await rig.driver.disarm() is None
        assert (await rig.driver.status()).activity is Activity.READY
        assert await rig.device.pedal() is False
        assert on_part(rig) == []


async def test_after_a_restart_while_it_marks_nothing_is_claimed_and_it_is_waited_for(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, {"marking": "40"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        assert await rig.driver.disarm() is None
        assert rig.device.state()["marking"] is False
        assert [each.readable for each in on_part(rig)] == [True]


async def test_held_when_armed_before_anything_started(tmp_path: Path) -> None:
    async with bench(tmp_path, own_input=False) as rig:
        await ready(rig)
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


@pytest.mark.parametrize("when", ["selected", "armed", "marking", "ended", "fault"])
async def test_without_power_nothing_is_confirmed_and_nothing_is_loaded_after(
    tmp_path: Path, when: str
) -> None:
    said = {"ended": Did.DONE, "fault": Did.UNKNOWN}.get(when)
    async with bench(tmp_path, {"marking": "20"}, leaves_ready=True) as rig:
        await ready(rig)
        if when != "selected":
            await rig.driver.arm(SHOT)
        if when in ("marking", "ended", "fault"):
            await rig.driver.fire()
        if when == "fault":
            await rig.driver.abort()
        if when == "ended":
            assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        await rig.device.power(False)
        if when == "selected":
            with pytest.raises(DeviceRefused, match="no text was sent"):
                await rig.driver.arm(SHOT)
        with pytest.raises(LinkError):
            await rig.driver.disarm()
        await rig.device.power(True)
        proof = await disarmed(rig)
        assert (proof and proof.did) is said
        assert rig.device.state()["texts"] == {}
        marked = {"marking": [False], "fault": [False], "ended": [True]}
        assert [each.readable for each in on_part(rig)] == marked.get(when, [])
        await rig.driver.select_job(JOB)
        assert await cycle(rig) is Did.DONE


async def test_an_aborted_mark_is_unknown_and_unreadable(tmp_path: Path) -> None:
    async with bench(tmp_path, {"marking": "40"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.driver.abort()
        assert await rig.driver.outcome(1) == Outcome(Did.UNKNOWN, "stopped by a fault")
        assert (await rig.driver.status()).activity is Activity.FAULT
        assert [each.readable for each in on_part(rig)] == [False]
        assert await disarmed(rig) == Outcome(Did.UNKNOWN, "stopped by a fault")
        await rig.driver.select_job(JOB)
        assert await cycle(rig) is Did.DONE


async def test_a_mark_that_is_paused_and_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path, {"marking": "20"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.device.operate("pause", {})
        assert await rig.driver.outcome(0.05) == Outcome(Did.UNKNOWN, "paused")
        assert (await rig.driver.status()).activity is Activity.MARKING
        await rig.device.operate("resume", {})
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert [each.readable for each in on_part(rig)] == [True]


async def test_another_connection_that_commands_leaves_nothing_confirmed(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.device.operate("master", {"on": True})
        with pytest.raises(DeviceRefused):
            await rig.driver.disarm()
        await rig.device.operate("master", {"on": False})
        assert await disarmed(rig) is None
        assert on_part(rig) == []


@pytest.mark.parametrize("after", ["alive", "ready"])
async def test_an_end_told_again_is_not_the_end_of_the_next_shot(
    tmp_path: Path, after: str
) -> None:
    settings = {"after": after, "late": "20"}
    async with bench(tmp_path, settings) as rig:
        await rig.driver.select_job(JOB)
        rig.device.misbehave("twice")
        assert await cycle(rig) is Did.DONE
        await ready(rig)
        await rig.driver.arm(SHOT)
        await asyncio.sleep(0.15)
        assert (await rig.driver.outcome(0.05)).did is Did.UNKNOWN
        assert on_part(rig) == []
        assert await disarmed(rig) is None


async def test_a_withdrawal_that_is_not_done_is_no_disarm(tmp_path: Path) -> None:
    async with bench(tmp_path, mark_seconds=0.01) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device.misbehave("stubborn", 1)
        with pytest.raises(UnexpectedReply, match="stays READY"):
            await rig.driver.disarm()
        assert rig.device.state()["ready"] is True
        assert await disarmed(rig) is None
        assert rig.device.state()["ready"] is False
