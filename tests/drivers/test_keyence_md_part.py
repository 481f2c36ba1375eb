"""The Keyence MD driver and the simulated marker on a wire: what is on the part?

Whatever goes wrong on the wire, what the driver says and what is engraved have to agree: DONE means
engraved once, NOT_STARTED means blank, and nothing engraves after a confirmed disarm.
"""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceFault, DeviceRefused, LinkError, OutcomeUnknown, UnexpectedReply
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from tests.drivers.keyence_md_bench import COUNTED, JOB, Bench, bench
from tests.drivers.marking import CONTENT, SHOT, agree, cycle, disarmed, on_part

NUMBERED = Shot(SHOT.marks, 42)


async def ready(rig: Bench) -> None:
    await rig.driver.select_job(JOB)
    rig.parts.load("line")


async def landed(rig: Bench, fault: str) -> None:
    async with asyncio.timeout(5):
        while not rig.faults.landed[fault]:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("when_locked", ["ready", "T002"])
@pytest.mark.parametrize("start_locked", [False, True])
async def test_it_is_locked_but_about_its_start(
    tmp_path: Path, when_locked: str, start_locked: bool
) -> None:
    takes = "yes" if start_locked else "no"
    settings = {"when_locked": when_locked, "start_locked": takes, "marking": "20"}
    async with bench(tmp_path, settings, start_locked=start_locked) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert await rig.device.pedal() is False
        await rig.driver.fire()
        assert rig.device.state()["locked"] is start_locked
        assert (await rig.driver.status()).activity is Activity.MARKING
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert rig.device.state()["locked"] is True
        assert await rig.device.pedal() is False
        assert await rig.driver.disarm() == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [CONTENT]


async def test_a_code_with_separators_and_another_envelope_and_block(tmp_path: Path) -> None:
    content = "[)>\x1e05\x1d800406141419999960MH80312\x1d21MH80312\x1e\x04"
    settings = {"macro": "05", "code_block": "7", "lines": "0", "shutter": "yes"}
    options: dict[str, object] = {"macro": "05", "code_block": 7, "lines": 0, "raw_gs": True}
    async with bench(tmp_path, settings, shutter=True, **options) as rig:
        await ready(rig)
        assert rig.device.state()["shutter"] is True
        await rig.driver.arm(Shot((MarkText(1, content),)))
        await rig.driver.fire()
        assert await rig.driver.outcome(1) == Outcome(Did.DONE)
        assert [each.content for each in on_part(rig)] == [content]


async def test_asking_what_it_is_starts_and_changes_nothing_though_it_be_armed(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.device.operate("lock", {"on": False})
        before = rig.device.state()
        await rig.driver.close()
        rig.driver = rig.another()
        await rig.driver.connect()
        await rig.driver.identify()
        assert (await rig.driver.status()).activity is Activity.ARMED
        assert rig.device.state() == before
        assert before["ready"] is True
        assert on_part(rig) == []


@pytest.mark.parametrize("kind", ["drop", "flip", "delay"])
async def test_who_only_looks_locks_nothing_whatever_fails(tmp_path: Path, kind: str) -> None:
    """The line is opened anew instead, where no older answer comes."""
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.device.operate("lock", {"on": False})
        rig.faults.arm(kind, "to_host", seconds=0.35)
        assert (await rig.driver.status()).activity is Activity.ARMED
        rig.faults.arm(kind, "to_host", seconds=0.35)
        await rig.driver.identify()
        assert rig.faults.landed[kind] == 2
        assert rig.device.state()["locked"] is False


@pytest.mark.parametrize("counted", [{}, COUNTED])
async def test_an_unlocked_marker_marks_at_each_trigger_and_the_driver_says_so(
    tmp_path: Path, counted: dict[str, str]
) -> None:
    """Why `single_shot` is False. The counter sees the second mark; the marked text cannot."""
    async with bench(tmp_path, {"marking": "40", **counted}, **counted) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        rig.device.misbehave("twice")
        outcome = await rig.driver.outcome(2)
        assert await rig.driver.disarm() == outcome
        twice = Outcome(Did.UNKNOWN, "it marked more than once")
        assert outcome == (twice if counted else Outcome(Did.DONE))
        assert len(on_part(rig)) == 2
        assert await rig.device.pedal() is False
        assert rig.driver.single_shot is False


@pytest.mark.parametrize("own_input", [True, False])
@pytest.mark.parametrize("counted", [{}, COUNTED])
async def test_an_armed_shot_that_nobody_fires_is_proved_not_started(
    tmp_path: Path, own_input: bool, counted: dict[str, str]
) -> None:
    async with bench(tmp_path, counted, own_input=own_input, **counted) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        assert (await rig.driver.outcome(0.05)).did is Did.UNKNOWN
        proof = await rig.driver.disarm()
        assert proof is not None
        assert proof.did is Did.NOT_STARTED
        assert await rig.driver.disarm() is None
        assert on_part(rig) == []
        assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize(("own_input", "did"), [(True, None), (False, Did.NOT_STARTED)])
async def test_a_lock_that_somebody_took_off_proves_nothing_where_an_input_is_wired(
    tmp_path: Path, own_input: bool, did: Did | None
) -> None:
    async with bench(tmp_path, own_input=own_input) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.device.operate("lock", {"on": False})
        # The first try of a station fails after it has locked: the second knows it still.
        rig.faults.arm("drop", "to_host", count=9, after=30)
        with pytest.raises(LinkError):
            await rig.driver.disarm()
        rig.faults.clear()
        assert rig.device.state()["locked"] is True
        proof = await disarmed(rig)
        assert (proof and proof.did) is did
        assert on_part(rig) == []


@pytest.mark.parametrize("counted", [{}, COUNTED])
@pytest.mark.parametrize("moment", ["before", "during"])
async def test_its_input_about_the_moment_of_the_start(
    tmp_path: Path, moment: str, counted: dict[str, str]
) -> None:
    """The start is refused then, or was never sent: the pedal marked, and once."""
    async with bench(tmp_path, {"marking": "30", **counted}, **counted) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device.moments.hold("armed")  # unlocked, and not yet answered
        firing = asyncio.create_task(rig.driver.fire())
        assert await rig.device.moments.await_held(1)
        if moment == "before":
            assert await rig.device.pedal() is True
            rig.device.moments.release()
        else:
            rig.faults.arm("delay", "to_device", seconds=0.03)
            rig.device.moments.release()
            await landed(rig, "delay")
            assert await rig.device.pedal() is True
        try:
            await firing
        except OutcomeUnknown:
            said = Did.UNKNOWN
        else:
            said = (await rig.driver.outcome(1)).did
        proof = await disarmed(rig)
        assert proof == Outcome(Did.DONE)
        agree(said, on_part(rig))
        assert said is not Did.NOT_STARTED
        assert [each.content for each in on_part(rig)] == [CONTENT]


async def test_a_mark_that_is_over_before_the_look_is_not_called_not_started(
    tmp_path: Path,
) -> None:
    """It was locked again in time, but the question whether it marks came late."""
    options = {"shortest_mark_seconds": 0.6, "mark_seconds": 3}
    async with bench(tmp_path, {"marking": "120"}, **options) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        assert (await rig.driver.outcome(3)).did is Did.DONE
        await rig.driver.disarm()
        await ready(rig)
        await rig.driver.arm(SHOT)  # the same text: the text that was last marked tells nothing
        rig.faults.arm("drop", "to_host")
        firing = asyncio.create_task(rig.driver.fire())
        while rig.device.state()["locked"]:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.0001)
        assert await rig.device.pedal() is True
        with pytest.raises(OutcomeUnknown):
            await firing
        disarming = asyncio.create_task(rig.driver.disarm())
        while not rig.device.state()["locked"]:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.0001)
        rig.faults.arm("delay", "to_device", count=9, seconds=0.2)
        assert await disarming is None
        assert [each.content for each in on_part(rig)] == [CONTENT]


@pytest.mark.parametrize(
    ("counted", "sequence", "did"),
    [({}, 42, None), (COUNTED, 42, Did.NOT_STARTED), (COUNTED, 41, None), (COUNTED, None, None)],
)
async def test_after_a_restart_an_armed_marker_is_disarmed_and_the_counter_alone_proves(
    tmp_path: Path, counted: dict[str, str], sequence: int | None, did: Did | None
) -> None:
    async with bench(tmp_path, counted, **counted) as rig:
        await ready(rig)
        await rig.driver.arm(NUMBERED)
        await rig.driver.close()
        rig.driver = rig.another(**counted)
        await rig.driver.connect()
        status = await rig.driver.status()
        assert status.activity is Activity.ARMED
        assert status.sequence == (42 if counted else None)
        assert status.last is None
        proof = await rig.driver.disarm(sequence)
        assert (proof and proof.did) is did
        assert (await rig.driver.status()).activity is Activity.READY
        assert await rig.device.pedal() is False
        assert on_part(rig) == []


async def test_after_a_restart_an_armed_marker_that_somebody_unlocked_proves_nothing(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, COUNTED, **COUNTED) as rig:
        await ready(rig)
        await rig.driver.arm(NUMBERED)
        await rig.driver.close()
        await rig.device.operate("lock", {"on": False})
        rig.driver = rig.another(**COUNTED)
        await rig.driver.connect()
        assert await rig.driver.disarm(42) is None
        assert rig.is_disarmed()


@pytest.mark.parametrize(("counted", "did"), [({}, None), (COUNTED, Did.DONE)])
async def test_after_a_restart_while_it_marks_it_is_waited_for_and_the_counter_alone_proves(
    tmp_path: Path, counted: dict[str, str], did: Did | None
) -> None:
    async with bench(tmp_path, {"marking": "40", **counted}, **counted) as rig:
        await ready(rig)
        await rig.driver.arm(NUMBERED)
        await rig.driver.fire()
        await rig.driver.close()
        rig.driver = rig.another(**counted)
        await rig.driver.connect()
        assert (await rig.driver.status()).activity is Activity.MARKING
        proof = await rig.driver.disarm(42)
        assert (proof and proof.did) is did
        assert rig.device.state()["marking"] is False
        assert rig.is_disarmed()
        status = await rig.driver.status()
        assert (status.sequence, status.last) == (
            (42, Outcome(Did.DONE)) if counted else (None, None)
        )
        assert [each.readable for each in on_part(rig)] == [True]


async def test_after_a_restart_a_mark_that_was_stopped_half_way_is_not_claimed(
    tmp_path: Path,
) -> None:
    """It was not counted, and metal is marked: the counter says that it was to be started."""
    async with bench(tmp_path, {"marking": "60", **COUNTED}, **COUNTED) as rig:
        await ready(rig)
        await rig.driver.arm(NUMBERED)
        await rig.driver.fire()
        await rig.driver.abort()
        await rig.driver.close()
        rig.driver = rig.another(**COUNTED)
        await rig.driver.connect()
        assert await rig.driver.disarm(42) is None
        assert [each.readable for each in on_part(rig)] == [False]


@pytest.mark.parametrize(
    ("own_input", "shortest", "did"),
    [(False, 0.001, Did.NOT_STARTED), (True, 0.001, None), (True, 60.0, Did.NOT_STARTED)],
)
async def test_held_when_unlocked_before_it_was_started(
    tmp_path: Path, own_input: bool, shortest: float, did: Did | None
) -> None:
    """Unlocked for less than any mark takes, and not marking now: no mark can have been."""
    options = {"own_input": own_input, "shortest_mark_seconds": shortest}
    async with bench(tmp_path, **options) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device.moments.hold("armed")
        with pytest.raises(OutcomeUnknown):
            await rig.driver.fire()
        assert await rig.device.moments.await_held(1)
        assert rig.device.state()["ready"] is True
        rig.device.moments.release()
        proof = await disarmed(rig)
        assert (proof and proof.did) is did
        assert on_part(rig) == []


@pytest.mark.parametrize("when", ["selected", "armed", "marking", "ended", "error"])
@pytest.mark.parametrize("counted", [{}, COUNTED])
async def test_without_power_nothing_is_confirmed_and_nothing_is_loaded_after(
    tmp_path: Path, when: str, counted: dict[str, str]
) -> None:
    """Its lock is off after that, and its text is kept: it would mark the number on any part."""
    said = Did.DONE if when == "ended" else None
    async with bench(tmp_path, {"marking": "20", **counted}, **counted) as rig:
        await ready(rig)
        if when != "selected":
            await rig.driver.arm(SHOT)
        if when == "error":
            rig.device.misbehave("failed")
        if when in ("marking", "ended", "error"):
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
        proof = await disarmed(rig)
        assert (proof and proof.did) is said
        assert rig.is_disarmed()
        marked = {"marking": [False], "error": [False], "ended": [True]}
        assert [each.readable for each in on_part(rig)] == marked.get(when, [])
        await rig.driver.select_job(JOB)
        if counted or when != "ended":  # the same number again is no news without a counter
            assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize("answer", ["start", "end"])
@pytest.mark.parametrize("counted", [{}, COUNTED])
async def test_an_aborted_mark_is_unknown_and_unreadable(
    tmp_path: Path, answer: str, counted: dict[str, str]
) -> None:
    settings = {"marking": "160", "answer": answer, **counted}
    options = {"shortest_mark_seconds": 0.3, "mark_seconds": 5.0, **counted}
    async with bench(tmp_path, settings, **options) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        firing = asyncio.create_task(rig.driver.fire())
        async with asyncio.timeout(5):
            while not on_part(rig):  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.4)
        if answer == "start":
            await firing
            await rig.driver.abort()
            assert (await rig.driver.outcome(0.1)).did is Did.UNKNOWN
        else:
            await rig.device._stop()  # somebody at the machine
            with pytest.raises(OutcomeUnknown, match="half-way"):
                await firing
        assert [each.readable for each in on_part(rig)] == [False]
        assert await disarmed(rig) is None


async def test_a_lock_that_is_not_done_is_no_disarm(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.device.operate("lock", {"on": False})
        rig.device.misbehave("unlock")
        with pytest.raises(UnexpectedReply, match="not locked"):
            await rig.driver.disarm()
        assert await disarmed(rig) is None
        assert rig.is_disarmed()


async def test_an_interlock_that_stays_broken_is_told_and_is_no_hindrance_to_a_disarm(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, {"marking": "40"}) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        await rig.driver.fire()
        await rig.device.operate("interlock", {"on": True})
        outcome = await rig.driver.outcome(1)
        assert outcome == Outcome(Did.UNKNOWN, "its error: E004 T000")
        assert await rig.driver.disarm() == outcome
        assert rig.is_disarmed()
        status = await rig.driver.status()
        assert (status.activity, status.alarm) == (Activity.OFF, "T000")
        with pytest.raises(DeviceFault, match="T000"):
            await rig.driver.select_job(JOB)
        await rig.device.operate("interlock", {"on": False})
        assert [each.readable for each in on_part(rig)] == [False]
        await rig.driver.select_job(JOB)
        assert await cycle(rig) is Did.DONE


@pytest.mark.parametrize("clear_errors", [True, False])
async def test_an_error_is_cleared_by_the_driver_or_by_a_person(
    tmp_path: Path, clear_errors: bool
) -> None:
    settings = {"clear_reply": "no"}
    async with bench(tmp_path, settings, clear_errors=clear_errors) as rig:
        await rig.driver.select_job(JOB)
        rig.device.misbehave("failed")
        assert await cycle(rig) is Did.UNKNOWN
        expected = Activity.READY if clear_errors else Activity.FAULT
        assert (await rig.driver.status()).activity is expected


async def test_a_number_in_a_job_that_somebody_left_is_taken_away_too(tmp_path: Path) -> None:
    async with bench(tmp_path) as rig:
        await ready(rig)
        await rig.driver.arm(SHOT)
        rig.device._job = 0  # somebody has selected another one at the machine
        with pytest.raises(DeviceRefused, match="job 0 is selected"):
            await rig.driver.fire()
        assert rig.device.state()["texts"] != {}
        proof = await rig.driver.disarm()
        assert proof is not None
        assert proof.did is Did.NOT_STARTED
        assert rig.device.state()["texts"] == {}
        with pytest.raises(DeviceRefused, match="job 0 is selected"):
            await rig.driver.arm(SHOT)


async def test_a_first_job_without_our_blocks_can_be_disarmed_and_not_selected(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as rig:
        rig.device._jobs[0] = {}
        assert await rig.driver.disarm() is None
        assert (await rig.driver.status()).activity is Activity.READY
        with pytest.raises(DeviceRefused, match=r"no block \[0, 1\]"):
            await rig.driver.select_job("0")
        with pytest.raises(DeviceRefused, match="no such job"):
            await rig.driver.select_job("12")
