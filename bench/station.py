"""Marking cycles a second of one station, against the bare commits that a cycle cannot do without.

The real station over the real logbook, journal and guard, on a disk; three kinds of devices: in
memory (the gateway's own cost), a cell behind Modbus TCP, and a laser and a reader on
pseudo-terminals, both simulated in processes of their own and at their fastest.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench.measure import Measurement
from bench.memory import Bed, MemoryMarker, MemoryReader
from bench.site import GatewayCore, at_rest, new_core, one_cycle
from drivers.catalog import find
from drivers.protocols import CodeReader, Marker
from gateway.config import DeviceConfig, StationConfig
from gateway.station import Station
from simulators.demo.processes import Child
from simulators.part import FILE, PartStore

SPEED = 1000
LOOK_S = 0.02
"""How long the reader looks at a blank part: the simulated one needs 1 ms to see a code."""
COMMITS = 3
"""Of a cycle without a fault: intent, marked, verified. The guard is written after the first."""
LIMIT = "bare commits and guard"
NO_DISK = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
"""The same on a file system in memory shows what is left of the cost when syncing is free."""
_COMMON = {"look_s": LOOK_S, "read_s": 1, "mark_timeout_s": 5}


@dataclass
class Bench:
    """A station and the bed that parts are laid on."""

    site: GatewayCore
    station: Station
    parts: PartStore | None
    bed: Bed

    def lay(self) -> None:
        """A blank part."""
        self.bed.content = None
        if self.parts is not None:
            self.parts.load(self.station.name)

    async def cycles(self, seconds: float) -> float:
        """Cycles a second, one after the other, for so long."""
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            self.lay()
            await one_cycle(self.site.desk, self.station)
            count += 1
        return count / spent


def run(rounds: int, seconds: float) -> Measurement:
    """`seconds` for each kind of station, and less for each limit, in each round."""
    with contextlib.ExitStack() as stack:
        disk = tempfile.TemporaryDirectory(prefix="gjurma-bench-")
        folder = Path(stack.enter_context(disk))
        memory = None
        if NO_DISK.is_dir():
            light = tempfile.TemporaryDirectory(prefix="gjurma-bench-", dir=NO_DISK)
            memory = Path(stack.enter_context(light))
        return asyncio.run(_run(folder, memory, rounds, seconds))


async def _run(folder: Path, memory: Path | None, rounds: int, seconds: float) -> Measurement:
    found = Measurement("station", "Marking cycles of one station", "cycles/s", "higher")
    found.notes = [
        f"limit: {COMMITS} commits of one record (WAL, synchronous=FULL) and one guard written",
        f"with a reader, a look at a blank part takes {LOOK_S * 1000:g} ms: set, not measured",
        "the cell has no reader: a person's judgement, at once, stands in for the read",
    ]
    async with contextlib.AsyncExitStack() as stack:
        benches = {
            "station, devices in memory": await stack.enter_async_context(_memory(folder / "m")),
            "station, and a page open": await stack.enter_async_context(_watched(folder / "w")),
            "station, cell on Modbus TCP": await stack.enter_async_context(_cell(folder / "c")),
            "station, laser and reader on ptys": await stack.enter_async_context(
                _laser(folder / "l")
            ),
        }
        first = benches["station, devices in memory"]
        await first.cycles(0.1)
        bodies = [entry.body for entry in first.site.logbook.journal.entries(3, 2 + COMMITS)]
        bare = stack.enter_context(_bare(folder / "bare"))
        light = None
        if memory is not None:
            light = (
                stack.enter_context(_bare(memory / "bare")),
                await stack.enter_async_context(_memory(memory / "m")),
            )
        for _ in range(rounds):
            found.add("fdatasync of 512 bytes", bare.syncs(seconds / 3))
            found.add(LIMIT, bare.cycles(bodies, seconds / 2))
            for name, bench in benches.items():
                found.add(name, await bench.cycles(seconds), against=(LIMIT,))
            if light is not None:
                limit = f"{LIMIT}, no disk"
                found.add(limit, light[0].cycles(bodies, seconds / 2))
                rate = await light[1].cycles(seconds)
                found.add("station, devices in memory, no disk", rate, against=(limit,))
    return found


# --- the limit --------------------------------------------------------------------------------


class _Bare:
    """SQLite and a file, and nothing else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._db = sqlite3.connect(folder / "journal.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, body BLOB, head BLOB)")
        self._guard = os.open(folder / "guard", os.O_RDWR | os.O_CREAT, 0o600)
        self._seq = 0

    def close(self) -> None:
        self._db.close()
        os.close(self._guard)

    def cycles(self, bodies: list[bytes], seconds: float) -> float:
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            for index, body in enumerate(bodies):
                self._seq += 1
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(
                    "INSERT INTO record VALUES (?, ?, ?)", (self._seq, body, bytes(32))
                )
                self._db.execute("COMMIT")
                if index == 0:
                    self._sync(self._seq)
            count += 1
        return count / spent

    def syncs(self, seconds: float) -> float:
        """fdatasyncs a second, each of one slot of the guard."""
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            self._sync(count)
            count += 1
        return count / spent

    def _sync(self, turn: int) -> None:
        os.pwrite(self._guard, turn.to_bytes(8) * 64, (turn % 2) * 512)
        os.fdatasync(self._guard)


@contextlib.contextmanager
def _bare(folder: Path) -> Iterator[_Bare]:
    made = _Bare(folder)
    try:
        yield made
    finally:
        made.close()


# --- ours -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _running(bench: Bench) -> AsyncIterator[Bench]:
    task = asyncio.ensure_future(bench.station.run())
    try:
        await at_rest(bench.site.desk, bench.station)
        yield bench
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if bench.station.marker is not None:
            await bench.station.marker.close()
        for reader in bench.station.readers:
            await reader.shut()
        bench.site.logbook.journal.close()
        if bench.parts is not None:
            bench.parts.close()


def _memory_bench(folder: Path) -> Bench:
    bed, site = Bed(), new_core(folder, eye=False)
    devices = {
        "marker": DeviceConfig(kind="memory", url="tcp://127.0.0.1:1"),
        "reader": DeviceConfig(kind="memory", url="tcp://127.0.0.1:1"),
    }
    config = StationConfig(name="memory", **devices)
    station = site.station(config, MemoryMarker(bed), MemoryReader(bed))
    return Bench(site, station, None, bed)


@contextlib.asynccontextmanager
async def _memory(folder: Path) -> AsyncIterator[Bench]:
    async with _running(_memory_bench(folder)) as bench:
        yield bench


@contextlib.asynccontextmanager
async def _watched(folder: Path) -> AsyncIterator[Bench]:
    """As an open page has it: a snapshot at every change that is given time to be sent."""
    async with _running(_memory_bench(folder)) as bench:
        desk = bench.site.desk

        async def watch() -> None:
            while True:
                coming = desk.coming_change
                desk.snapshot()
                await coming.wait()

        task = asyncio.ensure_future(watch())
        try:
            yield bench
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@contextlib.asynccontextmanager
async def _cell(folder: Path) -> AsyncIterator[Bench]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(_device(folder, "modbus-cell", "tcp://127.0.0.1:0", "cell"))
        marker = DeviceConfig(kind="modbus-cell", url=url)
        config = StationConfig.model_validate({"name": "cell", "marker": marker, **_COMMON})
        site, parts = new_core(folder, eye=True), PartStore(folder / FILE)
        station = site.station(config, cast("Marker", _driver(marker)), None)
        async with _running(Bench(site, station, parts, Bed())) as bench:
            yield bench


@contextlib.asynccontextmanager
async def _laser(folder: Path) -> AsyncIterator[Bench]:
    with contextlib.ExitStack() as stack:
        laser_url = stack.enter_context(_device(folder, "panasonic-lp", "serial", "laser"))
        reader_url = stack.enter_context(
            _device(folder, "zebra-ssi", "serial", "laser", decode_seconds="1")
        )
        waits = {"text_wait_seconds": 1.1 / SPEED, "own_input": False}
        marker = DeviceConfig(kind="panasonic-lp", url=laser_url, options=waits)
        reader = DeviceConfig(
            kind="zebra-ssi",
            url=reader_url,
            options={"linger": 0.001, "resend_seconds": 0.1},
        )
        config = StationConfig.model_validate(
            {"name": "laser", "marker": marker, "reader": reader, **_COMMON}
        )
        site, parts = new_core(folder, eye=False), PartStore(folder / FILE)
        station = site.station(
            config, cast("Marker", _driver(marker)), cast("CodeReader", _driver(reader))
        )
        async with _running(Bench(site, station, parts, Bed())) as bench:
            yield bench


def _driver(device: DeviceConfig) -> Any:
    kind = find(device.kind)
    return kind.build(device.url, kind.options.model_validate(device.options), device.kind)


@contextlib.contextmanager
def _device(folder: Path, kind: str, listen: str, station: str, **options: str) -> Iterator[str]:
    """A simulated device in a process of its own; gives its URL."""
    folder.mkdir(exist_ok=True)
    command = [
        *(sys.executable, "-m", "simulators", "device", kind, "--listen", listen),
        *("--state", str(folder), "--station", station, "--speed", str(SPEED)),
        *(word for name, value in options.items() for word in ("--option", f"{name}={value}")),
    ]
    device = Child(kind, command, folder / f"{kind}.log", reads_first_line=True)
    device.start()
    try:
        yield device.wait_first_line()
    finally:
        device.stop()
