"""The Telesis driver and the simulated marker on a wire: what is on the part?

Whatever goes wrong on the wire, what the driver says and what is engraved have to agree: DONE means
engraved once, NOT_STARTED means blank, and nothing engraves after a confirmed disarm.
"""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, LinkError, OutcomeUnknown
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from tests.drivers.marking import CONTENT, SHOT, cycle, disarmed, on_part
from tests.drivers.telesis_bench import JOB, Bench, bench


async def ready(rig: Bench) -> None:
    await rig.driver.select_job(JOB)
    rig.parts.load("line")


async def test_asking_what_it_is_starts_nothing_though_it_be_armed(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        await rig.driver.identify()
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert rig.device.state()["ready"] is True
        assert on_part(rig) == []


async def test_a_code_with_separators_and_another_envelope_and_field(tmp_path: Path) -> None:
    content = "[)>\x1e05\x1d800406141419999960MH80312\x1d21MH80312\x1e\x04"
    settings = {"macro": "05", "code_field": "7", "lines": "0"}
    options: dict[str, object] = {"macro": "05", "code_field": 7, "lines": 0, "raw_gs": True}
    async with bench(tmp_path, settings, **options) as rig:
        await ready(rig)
        await rig.driver.arm(Shot((MarkText(1, content),)))
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [content]


async def test_it_is_not_armed_for_one_shot_and_says_so(tmp_path: Path) -> None:
    """Why `single_shot` is False: what is set stays, until it is disarmed."""
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert await rig.device.pedal() is True
        assert await rig.driver.disarm() is not None
        assert len(on_part(rig)) == 2
        assert await rig.device.pedal() is False
        assert rig.driver.single_shot is False


async def test_its_input_before_the_command_is_told_by_its_end(tmp_path: Path) -> None:
    async with bench(tmp_path, {"marking": "20"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        assert await rig.device.pedal() is True
        with pytest.raises(OutcomeUnknown):
            await rig.driver.fire()
        assert await disarmed(rig) == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [CONTENT]


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_an_armed_shot_that_nobody_starts(
    tmp_path: Path, own_input: bool, did: Did | None
) -> None:
    async with bench(tmp_path, own_input=own_input) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        assert (await rig.driver.outcome(0.05)).did is Did.UNKNOWN
        proof = await rig.driver.disarm()
        assert (proof and proof.did) is did
        assert await rig.driver.disarm() is None
        assert on_part(rig) == []
        assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize("moment", ["before", "during"])
async def test_its_input_about_the_moment_of_a_disarm(tmp_path: Path, moment: str) -> None:
    """Its end is not to be seen, so that only the proofs of the disarm speak."""
    async with bench(tmp_path, {"marking": "20"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device.misbehave("silent")
        if moment == "before":
            assert await rig.device.pedal() is True
        else:
            rig.faults.arm("delay", "to_host", seconds=0.02)
        disarming = asyncio.create_task(disarmed(rig))
        if moment == "during":
            async with asyncio.timeout(5):
                while not rig.faults.landed["delay"]:  # noqa: ASYNC110 - no event for it
                    await asyncio.sleep(0.001)
            assert await rig.device.pedal() is True
        assert await disarming is None
        assert [each.readable for each in on_part(rig)] == [True]
        assert rig.device.state()["ready"] is False


async def test_after_a_restart_an_armed_marker_is_disarmed_and_nothing_is_claimed(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, own_input=False) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.close()
        rig.driver = rig.another(own_input=False)
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
        assert (await rig.driver.status()).activity is Activity.MARKING
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


@pytest.mark.parametrize("when", ["selected", "armed", "marking", "ended"])
async def test_without_power_nothing_is_confirmed_and_nothing_is_loaded_after(
    tmp_path: Path, when: str
) -> None:
    async with bench(tmp_path, {"marking": "20"}) as rig:
        await ready(rig)
        if when != "selected":
            await rig.driver.arm(SHOT)
        if when in ("marking", "ended"):
            await rig.driver.fire()
        if when == "ended":
            assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        await rig.device.power(False)
        if when == "selected":
            with pytest.raises(DeviceRefused, match="no text was sent"):
                await rig.driver.arm(SHOT)
        with pytest.raises(LinkError):
            await rig.driver.disarm()
        await rig.device.power(True)
        assert await disarmed(rig) is None
        assert rig.device.state()["fields"] == {}
        marked = {"marking": [False], "ended": [True]}
        assert [each.readable for each in on_part(rig)] == marked.get(when, [])
        await rig.driver.select_job(JOB)
        assert await cycle(rig) is Did.DONE


async def test_an_aborted_mark_is_unknown_and_unreadable(tmp_path: Path) -> None:
    async with bench(tmp_path, {"marking": "40"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.driver.abort()
        assert (await rig.driver.outcome(0.1)).did is Did.UNKNOWN
        assert [each.readable for each in on_part(rig)] == [False]
        assert await disarmed(rig) is None
        await rig.driver.select_job(JOB)
        assert await cycle(rig) is Did.DONE


async def test_a_mark_that_is_paused_and_goes_on_or_is_given_up(tmp_path: Path) -> None:
    async with bench(tmp_path, {"marking": "20"}) as rig:
        for goes_on in (True, False):
            await ready(rig)
            await rig.driver.arm(SHOT)
            await rig.driver.fire()
            await rig.device.operate("pause", {})
            assert await rig.driver.outcome(0.15) == Outcome(Did.UNKNOWN, "paused")
            assert (await rig.driver.status()).activity is Activity.MARKING
            if goes_on:
                await rig.device.operate("resume", {})
                assert await rig.driver.outcome(1) == Outcome(Did.DONE)
            proof = await disarmed(rig)
            assert (proof and proof.did) is (Did.DONE if goes_on else None)
            assert [each.readable for each in on_part(rig)] == [goes_on]
