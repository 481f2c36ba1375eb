"""Shots fired by the device's own input, on two families of markers: pedal, part, or nobody.

Whatever the pedal does and whenever: DONE means engraved once, NOT_STARTED means blank, and after a
confirmed disarm no pedal fires.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import DeviceError, DeviceRefused
from drivers.modbus_cell.driver import ModbusCell
from drivers.modbus_cell.options import CellOptions
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.protocols import Activity, Did, Marker, MarkText, Outcome, Shot
from simulators import modbus_cell, panasonic_lp
from simulators.control import Device
from simulators.faults import Faults
from simulators.part import PartStore
from tests.drivers.panasonic_bench import SPEED, quick
from tests.support.virtual import MEMORY

LASER, STANDARD_LASER = "panasonic-lp", "panasonic-lp in standard mode"
FAMILIES = pytest.mark.parametrize("family", ["modbus-cell", LASER, STANDARD_LASER])
MOMENTS = (0.0, 0.0001, 0.0003, 0.0006, 0.001, 0.003, 0.01, 0.05)
"""Seconds into a disarm, in which a pedal is pressed; in memory a request takes 0.1 ms."""
_FEW = (0.0003, 0.003)
STATION = "line"
FIRST, SECOND = (f"[)>\x1e06\x1d18S7A7200000000{number}\x1e\x04" for number in (1, 2))
"""A shot before, so that the cell has a number; the one that is looked at."""
MARK_SECONDS = 0.5


def shot(content: str, sequence: int) -> Shot:
    return Shot((MarkText(1, content),), sequence)


@dataclass
class Line:
    """A marker with a pedal, and the metal before it."""

    device: Device
    parts: PartStore
    marker: Marker
    another: Callable[[], Marker]

    def contents(self) -> list[str]:
        return [each.content for each in self.parts.seen(STATION)]

    async def disarmed(self) -> Outcome | None:
        """As a station does it: again until it is confirmed; then no pedal fires."""
        proof: Outcome | None = None
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(DeviceError):
                    await self.marker.connect()
                    proof = await self.marker.disarm(2)
                    break
                await asyncio.sleep(0.02)
        before = self.contents()
        assert await self.device.pedal() is False
        assert self.contents() == before
        return proof

    def agree(self, said: Outcome | None) -> None:
        did = Did.UNKNOWN if said is None else said.did
        expected: dict[Did, list[list[str]]] = {
            Did.DONE: [[SECOND]],
            Did.NOT_STARTED: [[]],
            Did.UNKNOWN: [[], [SECOND]],
        }
        assert self.contents() in expected[did], said


def proves_unstarted(family: str, proof: Outcome | None) -> None:
    """Only a Panasonic in compatible mode, which does not tell marking, can prove nothing."""
    assert (None if proof is None else proof.did) is (None if family == LASER else Did.NOT_STARTED)


@asynccontextmanager
async def line(folder: Path, family: str) -> AsyncIterator[Line]:
    """Ready, with number 1 carried out and a blank piece; a mark takes MARK_SECONDS."""
    parts = PartStore(folder / "parts.db")
    seconds = str(MARK_SECONDS * SPEED)
    device: Device
    if family == "modbus-cell":
        device = modbus_cell.build({"mark_seconds": seconds}, parts, STATION, SPEED)
        options = CellOptions(start="input", reply_timeout=0.3, accept_timeout=0.5)
    else:
        standard = family == STANDARD_LASER
        settings = {"marking": seconds, "compatibility": "off" if standard else "on"}
        device = panasonic_lp.build(settings, parts, STATION, SPEED)
        laser = quick(
            mode="standard" if standard else "compatible",
            mark_seconds=2 * MARK_SECONDS,
            shortest_mark_seconds=MARK_SECONDS,
        )
    url = await device.start(MEMORY, Faults())
    made: list[Marker] = []

    def another() -> Marker:
        cell = family == "modbus-cell"
        marker = ModbusCell(url, options, "cell") if cell else PanasonicLp(url, laser, "laser")
        assert "input" in marker.starts
        assert marker.single_shot
        made.append(marker)
        return marker

    it = Line(device, parts, another(), another)
    try:
        await it.marker.connect()
        await it.marker.select_job("1")
        parts.load(STATION)
        await it.marker.arm(shot(FIRST, 1))
        assert await device.pedal() is True
        assert (await it.marker.outcome(5)).did is Did.DONE
        await it.marker.disarm(1)
        await it.marker.select_job("1")
        parts.load(STATION)
        yield it
    finally:
        for marker in made:
            await marker.close()
        async with asyncio.timeout(10):  # a connection that is cut off while ending stays open
            ending = [task for task in asyncio.all_tasks() if task.get_name() == "peer"]
            if ending:
                await asyncio.wait(ending)
        await device.stop()
        parts.close()


@FAMILIES
async def test_fired_by_the_pedal_while_it_is_awaited(tmp_path: Path, family: str) -> None:
    async with line(tmp_path, family) as it:
        assert await it.device.pedal() is False  # nothing is armed
        await it.marker.arm(shot(SECOND, 2))
        assert (await it.marker.status()).activity is Activity.ARMED
        awaiting = asyncio.create_task(it.marker.outcome(10))
        await asyncio.sleep(0.05)
        assert not awaiting.done()
        assert await it.device.pedal() is True
        outcome = await awaiting
        assert outcome.did is Did.DONE
        assert await it.device.pedal() is False
        assert await it.disarmed() == outcome
        it.agree(outcome)


@FAMILIES
@pytest.mark.parametrize("restarted", [False, True])
async def test_never_fired_and_disarmed_is_not_started_where_the_device_can_prove_it(
    tmp_path: Path, family: str, restarted: bool
) -> None:
    async with line(tmp_path, family) as it:
        await it.marker.arm(shot(SECOND, 2))
        if restarted:
            await it.marker.close()
            it.marker = it.another()
        else:
            heard = await it.marker.outcome(0.1)  # arm_timeout
            assert heard.did is not Did.DONE
        proves_unstarted(family, await it.disarmed())
        assert it.contents() == []


@pytest.mark.parametrize(
    ("family", "wait"),
    [
        pytest.param(
            family,
            wait,
            marks=[pytest.mark.faults] if family == STANDARD_LASER and wait not in _FEW else [],
        )
        for family in ("modbus-cell", LASER, STANDARD_LASER)
        for wait in MOMENTS
    ],
)
@pytest.mark.parametrize("silent", [False, True])
async def test_fired_in_the_same_moment_as_the_disarm_is_never_not_started(
    tmp_path: Path, family: str, wait: float, silent: bool
) -> None:
    """The pedal comes somewhere in the conversation that disarms; its end may not be reported."""
    # The cell's way of not telling is an echo that does not hold.
    silence = "echo" if family == "modbus-cell" else "silent"
    async with line(tmp_path, family) as it:
        if silent:
            it.device.misbehave(silence, 1)
        await it.marker.arm(shot(SECOND, 2))
        disarming = asyncio.create_task(it.disarmed())
        await asyncio.sleep(wait)
        fired = await it.device.pedal()
        proof = await disarming
        it.agree(proof)
        did = Did.UNKNOWN if proof is None else proof.did
        if fired:
            assert did in ((Did.UNKNOWN,) if silent else (Did.UNKNOWN, Did.DONE))
        else:
            assert did is not Did.DONE
            assert it.contents() == []


@FAMILIES
async def test_fired_before_a_restarted_host_disarms(tmp_path: Path, family: str) -> None:
    async with line(tmp_path, family) as it:
        await it.marker.arm(shot(SECOND, 2))
        await it.marker.close()
        assert await it.device.pedal() is True
        it.marker = it.another()
        proof = await it.disarmed()
        assert proof is None or proof.did is not Did.NOT_STARTED
        assert it.contents() == [SECOND]


@FAMILIES
async def test_a_laser_that_fires_late_is_waited_for(tmp_path: Path, family: str) -> None:
    async with line(tmp_path, family) as it:
        it.device.misbehave("late", 1)  # 30 s at 200 times: 0.15 s
        await it.marker.arm(shot(SECOND, 2))
        assert await it.device.pedal() is True
        assert (await it.marker.outcome(0.05)).did is Did.UNKNOWN
        assert it.contents() == []
        it.agree(await it.disarmed())
        assert it.contents() == [SECOND]
        assert it.device.misdeeds() == {"late": 1}


async def test_a_cell_that_awaits_its_input_takes_no_trigger(tmp_path: Path) -> None:
    async with line(tmp_path, "modbus-cell") as it:
        assert it.marker.starts == {"input"}
        await it.marker.arm(shot(SECOND, 2))
        with pytest.raises(DeviceRefused):
            await it.marker.fire()
        assert it.contents() == []


@pytest.mark.parametrize("family", [LASER, STANDARD_LASER])
@pytest.mark.parametrize("misdeed", ["kept", "twice"])
async def test_an_old_end_report_is_not_taken_for_the_next_shots(
    tmp_path: Path, family: str, misdeed: str
) -> None:
    """The end of the shot before is told when the next is being armed, or once more."""
    async with line(tmp_path, family) as it:
        it.device.misbehave(misdeed, 1)
        await it.marker.arm(shot(SECOND, 2))
        assert await it.device.pedal() is True
        heard = await it.marker.outcome(1)
        assert heard.did is (Did.DONE if misdeed == "twice" else Did.UNKNOWN)
        await it.disarmed()
        if misdeed == "twice":
            await asyncio.sleep(0.2)  # the second report is on the line by then
        it.parts.load(STATION)
        await it.marker.arm(shot(FIRST, 3))
        assert (await it.marker.outcome(0.1)).did is Did.UNKNOWN
        proves_unstarted(family, await it.marker.disarm())
        assert it.contents() == []
        assert it.device.misdeeds() == {misdeed: 1}


def test_a_laser_without_a_wired_input_is_started_by_command_alone() -> None:
    assert PanasonicLp("tcp://host:1", quick(own_input=False), "laser").starts == {"command"}
    assert PanasonicLp("tcp://host:1", quick(), "laser").starts == {"command", "input"}
    refused = PanasonicLp("tcp://host:1", quick(), "laser").refuses(MarkText(2, FIRST))
    assert refused == "position 2: this marker marks one part a shot, at position 1"
