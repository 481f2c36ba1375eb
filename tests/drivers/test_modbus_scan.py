"""The Modbus driver and a cell whose program takes time: registers are no picture of one moment.

The program reads what the host has written when a scan begins, and writes its registers one by one.
"""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import OutcomeUnknown
from drivers.modbus_cell.codec import CMD_SEQ
from drivers.protocols import Did
from tests.drivers.modbus_bench import Bench, bench, run, settled, shot, tray, until

FAST, SLOW = "0.05", "0.5"
"""Seconds of a scan: many requests, and more than one look at the end of a shot."""


def withdrawn(rig: Bench) -> bool:
    return rig.device.controller.image()[CMD_SEQ] == 0


async def test_a_pedal_that_the_program_takes_after_the_withdrawal_is_no_unstarted_shot(
    tmp_path: Path,
) -> None:
    """The scan that sees the pedal began before the host took its text away."""
    async with bench(tmp_path, scan_seconds=FAST) as rig:
        cell = await rig.ready(start="input", accept_timeout=2)
        await cell.arm(shot(2))
        await until(lambda: rig.device.controller.armed)
        disarming = asyncio.create_task(cell.disarm(2))
        while not withdrawn(rig):  # noqa: ASYNC110 - the device has no event for it
            await asyncio.sleep(0.0001)
        assert await rig.device.pedal() is True
        outcome = await disarming
        assert outcome is not None
        assert outcome.did is Did.DONE
        assert len(rig.marks()) == 1


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.01, 0.03, 0.1, 0.5, 1.5, 2.5])
async def test_a_pedal_about_the_moment_of_a_disarm(tmp_path: Path, wait: float) -> None:
    async with bench(tmp_path, scan_seconds=FAST) as rig:
        cell = await rig.ready(start="input", accept_timeout=2)
        await cell.arm(shot(2))
        await until(lambda: rig.device.controller.armed)
        disarming = asyncio.create_task(cell.disarm(2))
        await asyncio.sleep(wait)
        fired = await rig.device.pedal()
        outcome = await disarming
        assert outcome is not None
        assert outcome.did is (Did.DONE if fired else Did.NOT_STARTED)
        assert len(rig.marks()) == fired
        assert await rig.device.pedal() is False


async def test_a_result_that_is_read_before_its_echo_is_read_again(tmp_path: Path) -> None:
    async with bench(tmp_path, scan_seconds=SLOW) as rig:
        cell = await rig.ready(accept_timeout=2)
        assert (await run(cell, 2)).did is Did.DONE


async def test_a_report_that_is_half_old_is_read_again(tmp_path: Path) -> None:
    async with bench(tmp_path, scan_seconds=SLOW) as rig:
        cell = await rig.ready(accept_timeout=2)
        rig.device.misbehave("fail", 1, 3)
        outcome = await settled(cell, 2, tray(2, 1, 3, 4))
        assert outcome.places == ((1, Did.DONE), (3, Did.UNKNOWN), (4, Did.NOT_STARTED))
        assert [len(rig.at(position)) for position in (1, 3, 4)] == [1, 1, 0]


async def test_a_program_that_stands_still_proves_nothing(tmp_path: Path) -> None:
    """The communication of a stopped controller goes on answering."""
    async with bench(tmp_path, scan_seconds=FAST) as rig:
        cell = await rig.ready(start="input", accept_timeout=2)
        await cell.arm(shot(2))
        await until(lambda: rig.device.controller.armed)
        await rig.device.operate("program", {"on": False})
        with pytest.raises(OutcomeUnknown, match="stands still"):
            await cell.disarm(2)
        await rig.device.operate("program", {"on": True})
        outcome = await cell.disarm(2)
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
        assert rig.marks() == []


async def test_an_abort_lasts_until_the_program_has_seen_it(tmp_path: Path) -> None:
    async with bench(tmp_path, scan_seconds=FAST, mark_seconds="200") as rig:  # 1 s of marking
        cell = await rig.ready(accept_timeout=2)
        await cell.arm(shot(2))
        await cell.fire()
        await cell.abort()
        outcome = await cell.outcome(5)
        assert (outcome.did, outcome.cause) == (Did.UNKNOWN, "result 2")
        assert [quality < 1 for _, _, quality in rig.marks()] == [True]
