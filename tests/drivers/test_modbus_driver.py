"""The driver against the simulated cell, over TCP and RTU; what counts is what is on the part."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.catalog import find
from drivers.errors import DeviceError, DeviceFault, DeviceRefused, LinkClosed, PortBusy
from drivers.modbus_cell.codec import encode_command, loaded
from drivers.modbus_cell.driver import CellOptions, ModbusCell
from drivers.modbus_cell.link import CellLink
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from drivers.transport import SerialTarget, TcpTarget, parse_url
from simulators.control import Control
from simulators.faults import Faults
from simulators.modbus_cell import ModbusCell as SimulatedCell
from simulators.modbus_cell import build
from simulators.part import PartStore

TCP = "tcp://127.0.0.1:0"
WIRES = pytest.mark.parametrize("listen", [TCP, "serial"], ids=["tcp", "rtu"])
STATION = "bench"


@dataclass
class Bench:
    """One simulated cell, its parts and its back door; `cell()` makes drivers for it."""

    device: SimulatedCell
    faults: Faults
    parts: PartStore
    url: str
    cells: list[ModbusCell] = field(default_factory=list)

    def cell(self, **options: Any) -> ModbusCell:
        given = {"reply_timeout": 0.3, "accept_timeout": 0.5, **options}
        cell = ModbusCell(self.url, CellOptions(**given), "cell")
        self.cells.append(cell)
        return cell

    async def ready(self, **options: Any) -> ModbusCell:
        """A connected driver with job 1 chosen, and a cell that has marked number 1 before."""
        cell = self.cell(**options)
        await cell.connect()
        await cell.select_job("1")
        if self.device.state()["sequence"] == 0:
            first = self.cell()
            await cell.close()
            await first.connect()
            self.parts.load(STATION)
            assert (await run(first, 1)).did is Did.DONE
            await first.close()
            await cell.connect()
        self.parts.load(STATION)
        return cell

    def marks(self) -> list[tuple[str, tuple[str, ...], float]]:
        """What is engraved on the piece that lies there."""
        return [(seen.content, seen.lines, seen.quality) for seen in self.parts.seen(STATION)]

    def everything(self) -> list[str]:
        """All that was ever engraved, into the air too."""
        return [mark["content"] for piece in self.parts.dump() for mark in piece["engravings"]]


@asynccontextmanager
async def bench(folder: Path, listen: str = TCP, **options: str) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    device = build(options, parts, STATION, 200.0)
    faults = Faults()
    url = await device.start(listen, faults)
    made = Bench(device, faults, parts, url)
    try:
        yield made
    finally:
        for cell in made.cells:
            await cell.close()
        if not listen.startswith("serial"):
            # Each connection ends by itself; one cut off while it is ending leaves a socket open.
            await until(lambda: not any(t.get_name() == "peer" for t in asyncio.all_tasks()))
        await device.stop()
        parts.close()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the device has no event for it
            await asyncio.sleep(0.005)


def shot(sequence: int) -> Shot:
    return Shot((MarkText(1, f"D7A72{sequence:05}", ("Gramsh",)),), sequence)


async def run(cell: ModbusCell, sequence: int) -> Outcome:
    """One shot by command, as a station does it when nothing goes wrong."""
    await cell.arm(shot(sequence))
    await cell.fire()
    outcome = await cell.outcome(5)
    assert await cell.disarm() == outcome
    return outcome


async def settled(cell: ModbusCell, sequence: int) -> Outcome:
    """One shot by command, as a station does it when anything may go wrong. Fires once."""
    try:
        await cell.arm(shot(sequence))
        await cell.fire()
        await cell.outcome(5)
    except DeviceError:
        pass  # the device's own word follows
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(DeviceError):
                outcome = await cell.disarm(sequence)
                assert outcome is not None
                return outcome
            await asyncio.sleep(0.02)


@WIRES
def test_a_part_is_marked_once_and_the_cell_is_empty_afterwards(
    tmp_path: Path, listen: str
) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, listen) as it:
            cell = it.cell()
            await cell.connect()
            assert (await cell.identify()).version == "map 2"
            assert (await cell.status()).activity is Activity.OFF
            await cell.select_job("2")
            assert (await cell.status()).activity is Activity.READY
            it.parts.load(STATION)
            await cell.arm(shot(7))
            assert (await cell.status()).activity is Activity.ARMED
            assert it.everything() == []
            await cell.fire()
            assert await cell.outcome(5) == Outcome(Did.DONE, "", "D7A7200007")
            kept = await cell.status()
            assert (kept.sequence, kept.last) == (7, Outcome(Did.DONE, "", "D7A7200007"))
            assert await cell.disarm() == Outcome(Did.DONE, "", "D7A7200007")
            assert await cell.disarm() == Outcome(Did.DONE, "", "D7A7200007")
            after = await cell.status()
            assert (after.activity, after.sequence, after.last) == (Activity.READY, 7, None)
            assert it.marks() == [("D7A7200007", ("Gramsh",), 1.0)]

    asyncio.run(scenario())


@WIRES
def test_a_pedal_fires_what_is_armed_once(tmp_path: Path, listen: str) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, listen) as it:
            cell = await it.ready(start="input")
            await it.device.pedal()
            assert it.marks() == []
            await cell.arm(shot(8))
            assert (await cell.status()).activity is Activity.ARMED
            with pytest.raises(DeviceRefused):
                await cell.fire()
            it.parts.take(STATION)
            await it.device.pedal()  # no piece, no shot
            it.parts.load(STATION)
            for _ in range(3):
                await it.device.pedal()
            assert (await cell.outcome(5)).did is Did.DONE
            await it.device.pedal()
            await cell.disarm()
            await it.device.pedal()
            assert it.everything() == ["D7A7200001", "D7A7200008"]
            assert len(it.marks()) == 1

    asyncio.run(scenario())


def test_a_part_that_is_laid_fires_what_is_armed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, input="part") as it:
            cell = await it.ready(start="input")
            it.parts.take(STATION)
            await cell.arm(shot(8))
            it.parts.load(STATION)
            assert (await cell.outcome(5)).did is Did.DONE
            assert it.marks() == [("D7A7200008", ("Gramsh",), 1.0)]

    asyncio.run(scenario())


def test_a_repeated_number_never_marks_again(tmp_path: Path) -> None:
    """By the driver, which refuses it, and by a careless host, which the cell ignores."""

    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = await it.ready()
            with pytest.raises(DeviceRefused, match="already carried out"):
                await cell.arm(shot(1))
            await cell.disarm()
            target = parse_url(it.url)
            assert isinstance(target, TcpTarget)
            host = AsyncModbusTcpClient(target.host, port=target.port, retries=0)
            await host.connect()
            for text in (b"D7A7200001\nGramsh", b"ANOTHER"):
                await host.write_registers(2, encode_command(loaded(1, 1, text))[2:])
                for control in (0x30, 0x31, 0x30, 0x70, 0x30):
                    await host.write_register(1, control)
                    await it.device.pedal()
            await host.write_registers(2, encode_command(loaded(2, 1, b"NEW"))[2:])
            await host.write_register(1, 0x31)
            await until(lambda: it.device.state()["result"] == "ok")
            await host.write_register(1, 0x31)  # no edge
            refused = await host.write_register(100, 1)
            assert (refused.function_code, refused.exception_code) == (0x86, 2)
            across = await host.write_registers(99, [1, 1])
            assert (across.function_code, across.exception_code) == (0x90, 2)
            host.close()
            assert it.marks() == [("NEW", (), 1.0)]
            assert it.everything() == ["D7A7200001", "NEW"]

    asyncio.run(scenario())


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
def test_a_fault_at_the_trigger_never_marks_twice(
    tmp_path: Path, listen: str, direction: str, kind: str
) -> None:
    """The fault meets TRIGGER's write or its reply; the outcome is what the part shows."""

    async def scenario() -> None:
        wire = "rtu" if listen == "serial" else "tcp"
        _, before, after = (TO_DEVICE if direction == "to_device" else TO_HOST)[wire]
        async with bench(tmp_path, listen) as it:
            cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
            for sequence, at in enumerate((before, (before + after) // 2), start=2):
                plant = {"seconds": 0.05} if kind in ("split", "delay", "cut") else {}
                await broken_cycle(
                    it,
                    cell,
                    sequence,
                    lambda at=at, plant=plant: it.faults.arm(kind, direction, after=at, **plant),
                )
            assert it.faults.landed[kind] == 2

    asyncio.run(scenario())


@pytest.mark.slow
@WIRES
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("kind", ["cut", "flip"])
def test_a_fault_at_every_byte_of_firing_never_marks_twice(
    tmp_path: Path, listen: str, direction: str, kind: str
) -> None:
    async def scenario() -> None:
        wire = "rtu" if listen == "serial" else "tcp"
        read, before, after = (TO_DEVICE if direction == "to_device" else TO_HOST)[wire]
        places = [*range(0, read, 3), *range(read, before, 11), *range(before, after + 40)]
        async with bench(tmp_path, listen) as it:
            cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
            for sequence, at in enumerate(places, start=2):
                await broken_cycle(
                    it,
                    cell,
                    sequence,
                    lambda at=at: it.faults.arm(
                        kind, direction, after=at, seconds=0.02 if kind == "cut" else None
                    ),
                )
            assert it.faults.landed[kind] == len(places)

    asyncio.run(scenario())


@pytest.mark.slow
@WIRES
def test_a_cut_anywhere_in_a_whole_cycle_never_marks_twice(tmp_path: Path, listen: str) -> None:
    async def scenario() -> None:
        step = 9 if listen == TCP else 23  # on a serial line each cut costs some timeouts
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

    asyncio.run(scenario())


def test_a_new_process_learns_the_result_from_the_cell(tmp_path: Path) -> None:
    async def scenario() -> None:
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

    asyncio.run(scenario())


def test_a_new_process_disarms_what_the_old_one_armed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
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

    asyncio.run(scenario())


def test_a_cell_without_a_number_proves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = it.cell(start="input")
            await cell.connect()
            await cell.select_job("1")
            await cell.arm(shot(5))
            outcome = await cell.disarm()
            assert outcome is not None
            assert outcome.did is Did.UNKNOWN

    asyncio.run(scenario())


def test_the_watchdog_takes_the_permission_of_a_silent_host(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, watchdog="1.2") as it:
            cell = await it.ready(start="input")
            await cell.arm(shot(5))
            armed_at = time.monotonic()
            # The heartbeat alone keeps it armed for longer than the watchdog waits.
            await until(lambda: time.monotonic() > armed_at + 1.5)
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

    asyncio.run(scenario())


def test_a_shot_that_outlives_its_host_ends_and_then_faults(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, watchdog="0.3", mark_seconds="120") as it:  # 0.6 s at 200 times
            cell = await it.ready()
            await cell.arm(shot(5))
            await cell.fire()
            await cell.close()
            await until(lambda: it.device.state()["fault"] == "9 watchdog")
            assert it.marks() == [("D7A7200005", ("Gramsh",), 1.0)]
            outcome = await it.cell().disarm(sequence=5)
            assert outcome == Outcome(Did.DONE, "", "D7A7200005")

    asyncio.run(scenario())


@WIRES
def test_a_dead_cell_is_reported_by_the_heartbeat(tmp_path: Path, listen: str) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, listen) as it:
            cell = await it.ready()
            assert cell.link_failure is None
            await it.device.power(on=False)
            await until(lambda: cell.link_failure is not None)
            await it.device.power(on=True)
            assert (await cell.status()).activity is Activity.OFF
            assert cell.link_failure is None

    asyncio.run(scenario())


def test_power_lost_while_marking_is_an_unknown_outcome(tmp_path: Path) -> None:
    async def scenario() -> None:
        memory = str(tmp_path / "cell.json")
        async with bench(tmp_path, mark_seconds="2000", memory=memory) as it:
            it.device.controller._keep(sequence=4)
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

    asyncio.run(scenario())


def test_nothing_fires_without_a_part(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = await it.ready()
            it.parts.take(STATION)
            await cell.arm(shot(5))
            with pytest.raises(DeviceRefused, match="no part"):
                await cell.fire()
            assert (await cell.outcome(1)).did is Did.NOT_STARTED
            it.parts.load(STATION)
            with pytest.raises(DeviceRefused):
                await cell.fire()
            assert it.everything() == ["D7A7200001"]

    asyncio.run(scenario())


def test_time_is_up_for_an_armed_cell(tmp_path: Path) -> None:
    async def scenario() -> None:
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

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "did", "readable"),
    [("faint", Did.DONE, False), ("fail", Did.UNKNOWN, False), ("echo", Did.UNKNOWN, True)],
)
def test_a_cell_that_marks_badly(tmp_path: Path, name: str, did: Did, readable: bool) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = await it.ready()
            it.device.misbehave(name, 1)
            await cell.arm(shot(5))
            await cell.fire()
            assert (await cell.outcome(5)).did is did
            await cell.disarm()
            assert [quality >= 0.5 for _, _, quality in it.marks()] == [readable]
            assert it.device.misdeeds() == {name: 1}
            if name == "fail":
                with pytest.raises(DeviceFault, match="7 timeout"):
                    await cell.select_job("1")
                await it.device.operate("reset", {})
            await cell.select_job("1")

    asyncio.run(scenario())


def test_abort_and_emergency_stop_leave_an_unknown_outcome(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, mark_seconds="2000") as it:
            it.device.controller._keep(sequence=1)
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

    asyncio.run(scenario())


def test_a_job_that_the_cell_does_not_have(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = await it.ready()
            for job in ("9", "9", "0", "x", ""):
                with pytest.raises(DeviceRefused):
                    await cell.select_job(job)
            await cell.select_job("2")
            assert it.device.state()["job"] == 2

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "wrong",
    [
        Shot((MarkText(1, "A"),)),
        Shot((MarkText(1, "A"),), 0),
        Shot((MarkText(1, "A"),), 65536),
        Shot((), 5),
        Shot((MarkText(1, "A"), MarkText(1, "B")), 5),
        Shot((MarkText(17, "A"),), 5),
        Shot((MarkText(0, "A"),), 5),
        Shot((MarkText(1, "A\nB"),), 5),
    ],
)
def test_a_shot_that_the_map_cannot_carry_loads_nothing(tmp_path: Path, wrong: Shot) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as it:
            cell = await it.ready()
            with pytest.raises(DeviceRefused):
                await cell.arm(wrong)
            assert (await cell.status()).activity is Activity.READY

    asyncio.run(scenario())


def test_a_text_damaged_on_the_way_is_not_fired(tmp_path: Path) -> None:
    """Modbus TCP has no checksum of its own: reading back finds the turned bit."""

    async def scenario() -> None:
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

    asyncio.run(scenario())


def test_held_before_firing_it_has_not_marked_and_held_after_it_has(tmp_path: Path) -> None:
    async def scenario() -> None:
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

    asyncio.run(scenario())


def test_a_port_in_use_and_a_host_that_is_not_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, "serial") as it:
            await it.ready()
            with pytest.raises(PortBusy):
                await it.cell().connect()
            gone = ModbusCell("tcp://127.0.0.1:1", CellOptions(), "gone")
            with pytest.raises(LinkClosed, match="no connection to"):
                await gone.connect()

    asyncio.run(scenario())


def test_a_write_is_never_repeated_on_a_new_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
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

    asyncio.run(scenario())


def test_the_catalogue_builds_it_and_refuses_what_it_does_not_know() -> None:
    kind = find("modbus-cell")
    assert kind.role == "marker"
    built = kind.build("tcp://127.0.0.1:502", kind.options(start="input"), "cell")
    assert isinstance(built, ModbusCell)
    assert built.single_shot
    assert built.refuses(MarkText(1, "A", ("B",))) is None
    assert built.refuses(MarkText(16, "A")) is None
    assert "position 17" in (built.refuses(MarkText(17, "A")) or "")
    for url in ("rfc2217://host:4000", "tcp://host", "udp://host:1"):
        with pytest.raises(ValueError, match="host"):
            kind.build(url, kind.options(), "cell")
    with pytest.raises(ValueError, match="speed"):
        kind.options(speed=1)
    for options, wrong in (({"input": "lever"}, "lever"), ({"colour": "red"}, "colour")):
        with pytest.raises(ValueError, match=wrong):
            build(options, None, STATION, 1.0)  # type: ignore[arg-type]
