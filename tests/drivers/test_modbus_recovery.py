"""The Modbus driver after a restart, a loss of power or an abort; what counts is on the part."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from drivers import clock
from drivers.errors import DeviceError, DeviceFault
from drivers.protocols import Activity, Did, Outcome
from simulators.control import Control
from tests.drivers.modbus_bench import STATION, bench, shot, until


async def test_a_new_process_learns_the_result_from_the_cell(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        await cell.arm(shot(5))
        await cell.fire()
        await cell.close()
        after = it.cell()
        await after.connect()
        await until(lambda: it.device.state()["result"] == "ok")
        status = await after.status()
        assert (status.sequence, status.last) == (5, Outcome(Did.DONE, "", "D7A7200005"))
        assert await after.disarm(sequence=5) == Outcome(Did.DONE, "", "D7A7200005")
        # One that comes later still learns that it was started, and never that it was not.
        later = it.cell()
        await later.connect()
        outcome = await later.disarm(sequence=5)
        assert outcome is not None
        assert outcome.did is Did.UNKNOWN
        assert it.marks() == [("D7A7200005", ("Gramsh",), 1.0)]


async def test_a_new_process_disarms_what_the_old_one_armed(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        it.device.controller.retained.keep(sequence=4)
        cell = await it.ready(start="input")
        await cell.arm(shot(5))
        await cell.close()
        after = it.cell(start="input")
        assert (await after.status()).activity is Activity.ARMED
        outcome = await after.disarm(sequence=5)
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
        await it.device.pedal()
        assert it.marks() == []


async def test_a_cell_without_a_number_proves_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = it.cell(start="input")
        await cell.connect()
        await cell.select_job("1")
        await cell.arm(shot(5))
        outcome = await cell.disarm()
        assert outcome is not None
        assert outcome.did is Did.UNKNOWN


async def test_a_cell_that_has_gone_on_since_proves_nothing(tmp_path: Path) -> None:
    """A journal that was restored asks for a shot that other ones have followed."""
    async with bench(tmp_path) as it:
        cell = await it.ready()
        for sequence in (5, 6, 7):
            await cell.arm(shot(sequence))
            await cell.fire()
            await cell.outcome(10)
            await cell.disarm()
        for sequence, did in [
            (5, Did.UNKNOWN),
            (6, Did.UNKNOWN),
            (8, Did.NOT_STARTED),
            (9, Did.NOT_STARTED),
            (10, Did.UNKNOWN),
        ]:
            outcome = await it.cell().disarm(sequence=sequence)
            assert outcome is not None
            assert (sequence, outcome.did) == (sequence, did)


async def test_the_watchdog_takes_the_permission_of_a_silent_host(tmp_path: Path) -> None:
    async with bench(tmp_path, watchdog="1.2") as it:
        it.device.controller.retained.keep(sequence=4)
        cell = await it.ready(start="input")
        await cell.arm(shot(5))
        armed_at = clock.now()
        # The heartbeat alone keeps it armed for longer than the watchdog waits.
        await until(lambda: clock.now() > armed_at + 1.5)
        assert it.device.state()["armed"]
        await cell.close()
        await until(lambda: not it.device.state()["armed"])
        assert it.device.state()["fault"] == "9 watchdog"
        await it.device.pedal()
        assert it.marks() == []
        after = it.cell(start="input")
        assert (await after.status()).alarm == "9 watchdog"
        outcome = await after.disarm(sequence=5)
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
        await after.select_job("1")
        assert (await after.status()).activity is Activity.READY


async def test_a_shot_that_outlives_its_host_ends_and_then_faults(tmp_path: Path) -> None:
    async with bench(tmp_path, watchdog="0.3", mark_seconds="120") as it:  # 0.6 s at 200 times
        cell = await it.ready()
        await cell.arm(shot(5))
        await cell.fire()
        await cell.close()
        await until(lambda: it.device.state()["fault"] == "9 watchdog")
        assert it.marks() == [("D7A7200005", ("Gramsh",), 1.0)]
        outcome = await it.cell().disarm(sequence=5)
        assert outcome == Outcome(Did.DONE, "", "D7A7200005")


async def test_power_lost_while_marking_is_an_unknown_outcome(tmp_path: Path) -> None:
    memory = str(tmp_path / "cell.json")
    async with bench(tmp_path, mark_seconds="2000", memory=memory) as it:
        it.device.controller.retained.keep(sequence=4)
        cell = await it.ready()
        await cell.arm(shot(5))
        await cell.fire()
        await it.device.power(on=False)
        await it.device.power(on=True)
        status = await cell.status()
        assert status.sequence == 5
        assert status.last is not None
        assert status.last.did is Did.UNKNOWN
        outcome = await cell.disarm()
        assert outcome is not None
        assert outcome.did is Did.UNKNOWN
        assert [quality < 0.5 for _, _, quality in it.marks()] == [True]
    async with bench(tmp_path, memory=memory) as it:
        assert (await it.cell().status()).sequence == 5


async def test_time_is_up_for_an_armed_cell(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready(start="input")
        await cell.arm(shot(5))
        assert (await cell.outcome(0.1)).did is Did.NOT_STARTED
        await it.device.pedal()
        assert it.marks() == []
        # Cancelled instead, as when a licence is suspended.
        await cell.disarm()
        await cell.arm(shot(6))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await cell.outcome(60)
        outcome = await cell.disarm()
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
        await it.device.pedal()
        assert it.marks() == []


async def test_abort_and_emergency_stop_leave_an_unknown_outcome(tmp_path: Path) -> None:
    async with bench(tmp_path, mark_seconds="2000") as it:
        it.device.controller.retained.keep(sequence=1)
        cell = await it.ready()
        await cell.arm(shot(5))
        await cell.fire()
        await cell.abort()
        assert (await cell.outcome(5)).did is Did.UNKNOWN
        await cell.disarm()
        it.parts.load(STATION)
        await cell.arm(shot(6))
        await cell.fire()
        await it.device.operate("input", {"name": "e-stop", "on": True})
        outcome = await cell.outcome(5)
        assert (outcome.did, outcome.cause) == (Did.UNKNOWN, "fault 3 e-stop")
        await cell.disarm()
        with pytest.raises(DeviceFault, match="3 e-stop"):
            await cell.arm(shot(7))
        await it.device.operate("input", {"name": "e-stop", "on": False})
        await it.device.operate("reset", {})
        await cell.select_job("1")
        assert it.everything() == ["D7A7200005", "D7A7200006"]


async def test_held_before_firing_it_has_not_marked_and_held_after_it_has(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        door = Control(it.device, it.faults)
        for sequence, moment, count in ((5, "armed", 0), (6, "marked", 1)):
            it.parts.load(STATION)
            await cell.arm(shot(sequence))
            reply = await door.answer(b'{"op":"hold","moment":"%s"}' % moment.encode())
            assert reply == {"ok": True}
            firing = asyncio.create_task(cell.fire())
            assert await it.device.moments.await_held(5)
            assert len(it.marks()) == count
            with contextlib.suppress(DeviceError):  # a short shot is seen to start before
                await firing
            it.device.moments.release()
            outcome = await cell.disarm()
            assert outcome is not None
            assert outcome.did is Did.DONE
            assert len(it.marks()) == 1
