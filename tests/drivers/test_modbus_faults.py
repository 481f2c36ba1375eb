"""The Modbus driver through faults of the wire; what counts is what is on the part."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from drivers.errors import DeviceError, LinkClosed, PortBusy
from drivers.modbus_cell.driver import ModbusCell
from drivers.modbus_cell.link import CellLink
from drivers.modbus_cell.options import CellOptions
from drivers.protocols import Activity, Did
from drivers.transport import SerialTarget, parse_url
from tests.drivers.modbus_bench import (
    BEHIND,
    LONG_WIRES,
    STATION,
    TCP,
    WIRES,
    Bench,
    bench,
    settled,
    shot,
    until,
)


async def broken_cycle(it: Bench, cell: ModbusCell, sequence: int, arm: Callable[[], None]) -> None:
    """A shot with a fault that `arm` plants before TRIGGER; asserts on the part."""
    it.parts.load(STATION)
    await cell.select_job("1")
    await cell.arm(shot(sequence))
    arm()
    with contextlib.suppress(DeviceError):
        await cell.fire()
        await cell.outcome(5)
    async with asyncio.timeout(30):
        outcome = None
        while outcome is None:
            with contextlib.suppress(DeviceError):
                outcome = await cell.disarm(sequence)
    marks = it.marks()
    content = f"D7A72{sequence:05}"
    if outcome.did is Did.DONE:
        assert marks == [(content, ("Gramsh",), 1.0)]
    elif outcome.did is Did.NOT_STARTED:
        await it.device.pedal()
        assert marks == it.marks() == []
    else:
        assert len(marks) <= 1
    assert it.everything().count(content) == len(marks)
    it.faults.clear()


# Bytes on the wire between `arm` and the end of TRIGGER's write: a heartbeat, a read, the write.
TO_DEVICE = {"tcp": (12, 24, 36), "rtu": (8, 16, 24)}
TO_HOST = {"tcp": (12, 247, 259), "rtu": (8, 239, 247)}


@WIRES
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("kind", ["drop", "double", "split", "delay", "flip", "cut"])
async def test_a_fault_at_the_trigger_never_marks_twice(
    tmp_path: Path, listen: str, direction: str, kind: str
) -> None:
    """The fault meets TRIGGER's write or its reply; the outcome is what the part shows."""
    wire = "tcp" if listen == TCP else "rtu"
    _, before, after = (TO_DEVICE if direction == "to_device" else TO_HOST)[wire]
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
        for sequence, at in enumerate((before, (before + after) // 2), start=2):
            seconds = 0.05 if kind in ("split", "delay", "cut") else None
            await broken_cycle(
                it,
                cell,
                sequence,
                partial(it.faults.arm, kind, direction, after=at, seconds=seconds),
            )
        assert it.faults.landed[kind] == 2


@pytest.mark.parametrize("listen", ["serial", BEHIND], ids=["rtu", "behind"])
async def test_a_reply_that_comes_on_the_next_connection_answers_nothing_there(
    tmp_path: Path, listen: str
) -> None:
    """RTU has no transaction numbers, and a serial line outlives the connections before it."""
    _, before, _ = TO_HOST["rtu"]
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
        for sequence, seconds in enumerate((0.16, 0.2, 0.31, 0.4), start=2):
            await broken_cycle(
                it,
                cell,
                sequence,
                partial(it.faults.arm, "delay", "to_host", after=before, seconds=seconds),
            )
        assert it.faults.landed["delay"] == 4


@pytest.mark.slow
@LONG_WIRES
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("kind", ["cut", "flip"])
@pytest.mark.parametrize(
    "step", [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.faults)]
)
async def test_a_fault_at_any_byte_of_firing_never_marks_twice(
    tmp_path: Path, listen: str, direction: str, kind: str, step: int
) -> None:
    wire = "tcp" if listen == TCP else "rtu"
    read, before, after = (TO_DEVICE if direction == "to_device" else TO_HOST)[wire]
    places = [*range(0, read, 3), *range(read, before, 11), *range(before, after + 40)][::step]
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
        for sequence, at in enumerate(places, start=2):
            seconds = 0.02 if kind == "cut" else None
            await broken_cycle(
                it,
                cell,
                sequence,
                partial(it.faults.arm, kind, direction, after=at, seconds=seconds),
            )
        assert it.faults.landed[kind] == len(places)


@pytest.mark.slow
@LONG_WIRES
@pytest.mark.parametrize("step", [23, pytest.param(9, marks=pytest.mark.faults)])
async def test_a_cut_anywhere_in_a_whole_cycle_never_marks_twice(
    tmp_path: Path, listen: str, step: int
) -> None:
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
        for sequence, at in enumerate(range(0, 700, step), start=2):
            it.parts.load(STATION)
            with contextlib.suppress(DeviceError):
                await cell.select_job("1")
            it.faults.arm("cut", "to_device", after=at, seconds=0.02)
            outcome = await settled(cell, sequence)
            marks = it.marks()
            expected = {Did.DONE: [1], Did.NOT_STARTED: [0], Did.UNKNOWN: [0, 1]}
            assert len(marks) in expected[outcome.did], (at, outcome)
            it.faults.clear()
        assert it.faults.landed["cut"] > 400 // step
        contents = it.everything()
        assert len(contents) == len(set(contents))


@WIRES
async def test_a_dead_cell_is_reported_by_the_heartbeat(tmp_path: Path, listen: str) -> None:
    async with bench(tmp_path, listen) as it:
        cell = await it.ready()
        assert cell.link_failure is None
        await it.device.power(on=False)
        await until(lambda: cell.link_failure is not None)
        await it.device.power(on=True)
        assert (await cell.status()).activity is Activity.OFF
        assert cell.link_failure is None


async def test_a_text_damaged_on_the_way_is_not_fired(tmp_path: Path) -> None:
    """Modbus TCP has no checksum of its own: reading back finds the turned bit."""
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.faults.arm("flip", "to_device", after=24 + 13 + 20)
        with pytest.raises(DeviceError, match="read back"):
            await cell.arm(shot(5))
        assert it.faults.landed["flip"] == 1
        outcome = await cell.disarm()
        assert outcome is not None
        assert outcome.did is Did.NOT_STARTED
        assert it.marks() == []


async def test_a_port_in_use_and_a_host_that_is_not_there(tmp_path: Path) -> None:
    async with bench(tmp_path, "serial") as it:
        await it.ready()
        with pytest.raises(PortBusy):
            await it.cell().connect()
        gone = ModbusCell("tcp://127.0.0.1:1", CellOptions(), "gone")
        with pytest.raises(LinkClosed, match="no connection to"):
            await gone.connect()


async def test_a_write_is_never_repeated_on_a_new_connection(tmp_path: Path) -> None:
    async with bench(tmp_path, "serial") as it:
        target = parse_url(it.url)
        assert isinstance(target, SerialTarget)
        link = CellLink(target, "cell", 1, 0.2)
        await link.open()
        it.faults.arm("drop", "to_device")
        with pytest.raises(DeviceError):
            await link.write(1, 0x30)
        with pytest.raises(LinkClosed):
            await link.write(1, 0x30)
        command, _ = await link.snapshot()  # a read connects again, and only reads
        assert command.control == 0
        await link.close()
