"""A driver against the simulated cell in memory or on a real wire, for the Modbus tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceError
from drivers.modbus_cell.driver import ModbusCell
from drivers.modbus_cell.options import CellOptions
from drivers.protocols import Did, MarkText, Outcome, Shot
from simulators.faults import Direction, Faults, Piece
from simulators.modbus_cell import ModbusCell as SimulatedCell
from simulators.modbus_cell import build
from simulators.part import PartStore
from tests.support.serial_server import serial_server
from tests.support.virtual import HOST, MEMORY, SERIAL_IN_MEMORY

TCP = MEMORY
RTU = SERIAL_IN_MEMORY
BEHIND = "serial, behind a serial server"
WIRES = pytest.mark.parametrize("listen", [TCP, RTU], ids=["tcp", "rtu"])
REAL_WIRES = pytest.mark.parametrize(
    "listen", ["tcp://127.0.0.1:0", "serial", BEHIND], ids=["tcp", "rtu", "behind"]
)
LONG_WIRES = pytest.mark.parametrize(
    "listen",
    [
        pytest.param(TCP, id="tcp"),
        pytest.param(RTU, id="rtu"),
        pytest.param(BEHIND, id="behind", marks=pytest.mark.faults),
    ],
)
"""For what takes long: the third is a real one, run by `make faults`."""
STATION = "bench"


class Recorder(Faults):
    """No fault; keeps what the host sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        if direction == "to_device":
            self.sent += data
        return super().meet(direction, data)

    def take(self) -> bytes:
        sent, self.sent = self.sent, b""
        return sent


@dataclass
class Bench:
    """One simulated cell, its parts and its back door; `cell()` makes drivers for it."""

    device: SimulatedCell
    faults: Faults
    parts: PartStore
    url: str
    serial_server: bool = False
    scan_seconds: float = 0.0
    cells: list[ModbusCell] = field(default_factory=list)

    def cell(self, **options: Any) -> ModbusCell:
        given = {
            "reply_timeout": 0.3,
            "accept_timeout": 0.5,
            "serial_server": self.serial_server,
            **options,
        }
        cell = ModbusCell(self.url, CellOptions(**given), "cell")
        self.cells.append(cell)
        return cell

    async def ready(self, **options: Any) -> ModbusCell:
        """A connected driver with job 1 chosen, and a cell that has marked number 1 before."""
        cell = self.cell(**options)
        await cell.connect()
        await cell.select_job("1")
        if self.device.state()["sequence"] == 0:
            first = self.cell(accept_timeout=options.get("accept_timeout", 0.5))
            await cell.close()
            await first.connect()
            await self.load()
            assert (await run(first, 1)).did is Did.DONE
            await first.close()
            await cell.connect()
        await self.load()
        return cell

    async def load(self) -> None:
        """Lay a blank piece, and give the program the time to see it."""
        self.parts.load(STATION)
        await asyncio.sleep(2 * self.scan_seconds)

    def marks(self) -> list[tuple[str, tuple[str, ...], float]]:
        """What is engraved on the piece that lies there."""
        return [(seen.content, seen.lines, seen.quality) for seen in self.parts.seen(STATION)]

    def at(self, position: int) -> list[tuple[str, bool]]:
        """What is engraved on one carton of the tray that lies there, and whether it is whole."""
        seen = self.parts.seen(STATION)
        return [(each.content, each.readable) for each in seen if each.position == position]

    def everything(self) -> list[str]:
        """All that was ever engraved, into the air too."""
        return [mark["content"] for piece in self.parts.dump() for mark in piece["engravings"]]


@asynccontextmanager
async def bench(folder: Path, listen: str = TCP, **options: str) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    behind = listen in (RTU, BEHIND)
    device = build(
        {"serial_server": "on"} | options if listen == RTU else options, parts, STATION, 200.0
    )
    device.inner_host = HOST if listen in (TCP, RTU) else device.inner_host
    faults = Faults()
    url = await device.start("serial" if listen == BEHIND else listen, faults)
    try:
        async with contextlib.AsyncExitStack() as stack:
            if listen == BEHIND:
                url = await stack.enter_async_context(serial_server(url))
            scan = float(options.get("scan_seconds", 0))
            made = Bench(device, faults, parts, url, serial_server=behind, scan_seconds=scan)
            try:
                yield made
            finally:
                for cell in made.cells:
                    await cell.close()
    finally:
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


def tray(sequence: int, *positions: int) -> Shot:
    """A shot at these positions, each with a content of its own."""
    return Shot(
        tuple(MarkText(each, f"T{sequence:05}P{each}", (f"Nr {each}",)) for each in positions),
        sequence,
    )


async def run(cell: ModbusCell, sequence: int) -> Outcome:
    """One shot by command, as a station does it when nothing goes wrong."""
    await cell.arm(shot(sequence))
    await cell.fire()
    outcome = await cell.outcome(5)
    assert await cell.disarm() == outcome
    return outcome


async def settled(cell: ModbusCell, sequence: int, what: Shot | None = None) -> Outcome:
    """One shot by command, as a station does it when anything may go wrong. Fires once."""
    try:
        await cell.arm(what or shot(sequence))
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
