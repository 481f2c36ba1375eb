"""Drivers against a bare exchange of the same bytes, and 32 of them in one process.

A question changes nothing: a marker's state, a reader's name. The bare exchange is a blocking
socket, or pyserial, that sends what the driver sent and waits for as many bytes as it got; the wire
alone does the same in the event loop, without a driver. All ask the same simulated device, which is
a process of its own, in turns.
"""

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import serial

from bench.devices import DEAD, devices
from bench.measure import Measurement, percentile
from conformance.wire import Tap, between
from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.transport import open_stream
from simulators.faults import Direction, Piece
from tests.families import Family, families

TCP, SERIAL = "tcp://127.0.0.1:0", "serial"
SLOW, SLOW_SECONDS = "telesis", 0.005
"""One that takes as long to answer as five characters do at 9600 baud."""
RATE = 20.0
"""Questions a second that each device of the crowd is asked."""


@dataclass(frozen=True)
class Size:
    asked: int
    """Rounds of questions: many and short, since another program's moment spoils one."""
    questions: int
    """Of each round, by each way."""
    rounds: int
    """Of the crowd."""
    crowd: int
    seconds: float


FULL = Size(asked=15, questions=200, rounds=5, crowd=32, seconds=8)
QUICK = Size(asked=1, questions=10, rounds=1, crowd=4, seconds=1)


class Recorder(Tap):
    """The conversation as it went over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Direction, bytes]] = []

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        self.heard.append((direction, data))
        return super().meet(direction, data)

    def turns(self) -> list[tuple[bytes, int]]:
        """What was sent, and how many bytes came before more was sent."""
        found: list[tuple[bytes, int]] = []
        answered = True
        for direction, data in self.heard:
            if direction == "to_device" and answered:
                found.append((data, 0))
            elif direction == "to_device":
                found[-1] = (found[-1][0] + data, found[-1][1])
            elif found:
                found[-1] = (found[-1][0], found[-1][1] + len(data))
            answered = direction == "to_host"
        return found


def _driver(family: Family, url: str) -> Any:
    kind = find(family.kind)
    options = dict(family.options)
    if (
        family.wire == SERIAL
        and url.startswith("tcp:")
        and "serial_server" in kind.options.model_fields
    ):
        options["serial_server"] = True
    return kind.build(url, kind.options.model_validate(options), family.name)


def _question(family: Family, driver: Any) -> Callable[[], Awaitable[object]]:
    found: Callable[[], Awaitable[object]] = (
        driver.status if family.role == "marker" else driver.identify
    )
    return found


async def _end(driver: Any) -> None:
    await (driver.shut() if hasattr(driver, "shut") else driver.close())


async def _recorded(family: Family, url: str) -> list[tuple[bytes, int]]:
    """The bytes of one question, of the second: the first may bring what is asked only once."""
    tap = Recorder()
    async with between(url, tap) as wire:
        driver = _driver(family, wire)
        try:
            await driver.connect()
            await _question(family, driver)()
            tap.heard.clear()
            await _question(family, driver)()
        finally:
            await _end(driver)
    return tap.turns()


async def _asked(family: Family, url: str, count: int) -> float:
    """Seconds a question of the driver."""
    driver = _driver(family, url)
    try:
        await driver.connect()
        ask = _question(family, driver)
        await ask()
        began = perf_counter()
        for _ in range(count):
            await ask()
        return (perf_counter() - began) / count
    finally:
        await _end(driver)


def _bare(url: str, turns: list[tuple[bytes, int]], count: int) -> float:
    """Seconds a question without any driver."""
    parts = urlsplit(url)
    if parts.scheme == "serial":
        with serial.Serial(parts.path, timeout=5) as port:
            return _exchanged(port.write, port.read, turns, count)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=5) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _exchanged(line.sendall, line.recv, turns, count)


async def _wired(url: str, turns: list[tuple[bytes, int]], count: int) -> float:
    """Seconds a question on the drivers' wire, with nothing above it."""
    wire = await open_stream(url, "wire")
    try:
        began = perf_counter()
        for _ in range(count):
            for sent, length in turns:
                await wire.write(sent)
                while length > 0:
                    got = len(await wire.read(5))
                    if not got:
                        raise TimeoutError("the device does not answer a bare exchange")
                    length -= got
        return (perf_counter() - began) / count
    finally:
        await wire.close()


def _exchanged(
    send: Callable[[bytes], object],
    receive: Callable[[int], bytes],
    turns: list[tuple[bytes, int]],
    count: int,
) -> float:
    began = perf_counter()
    for _ in range(count):
        for sent, length in turns:
            send(sent)
            while length > 0:
                got = len(receive(length))
                if not got:
                    raise TimeoutError("the device does not answer a bare exchange")
                length -= got
    return (perf_counter() - began) / count


def _round_trips(size: Size) -> Measurement:
    found = Measurement("drivers-round-trip", "A question to a device", "microseconds", "lower")
    for name, family in families().items():
        for wire in (TCP, SERIAL):
            if wire == TCP or family.wire == SERIAL:
                _compared(found, family, wire, name, size.asked, size.questions)
    slow = f"{SLOW}/{SLOW_SECONDS}"
    _compared(found, families()[SLOW], SERIAL, slow, size.asked, max(1, size.questions // 10))
    found.notes.append("limit: 1.3 times the bare exchange")
    found.notes.append(f"{slow}: each answer takes {1000 * SLOW_SECONDS:g} ms longer")
    return found


def _compared(
    found: Measurement, family: Family, wire: str, name: str, rounds: int, count: int
) -> None:
    said = f"{name}, {'TCP' if wire == TCP else 'pty'}"
    bare = f"{said}, bare"
    with devices(wire, [name]) as (url,):
        turns = asyncio.run(_recorded(family, url))
        for _ in range(rounds):
            found.add(bare, 1e6 * _bare(url, turns, count))
            wired = 1e6 * asyncio.run(_wired(url, turns, count))
            found.add(f"{said}, wire alone", wired, against=(bare,))
            ours = 1e6 * asyncio.run(_asked(family, url, count))
            found.add(said, ours, against=(bare,))


@dataclass
class Held:
    """What one device was asked, and how long it took."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0


async def _paced(family: Family, url: str, until: float, begins: float) -> Held:
    """Asked at RATE; what is late is asked at once and counted from when it was due."""
    held, driver = Held(), _driver(family, url)
    loop = asyncio.get_running_loop()
    try:
        await driver.connect()
        due = loop.time() + begins
        while due < until:
            await asyncio.sleep(max(due - loop.time(), 0))
            try:
                await _question(family, driver)()
            except DeviceError:
                held.failures += 1
            held.seconds.append(loop.time() - due)
            due += 1 / RATE
    except DeviceError:
        held.failures += 1
    finally:
        await _end(driver)
    return held


async def _crowd(rows: list[Family], urls: list[str], seconds: float) -> list[Held]:
    until = asyncio.get_running_loop().time() + seconds
    asked = [
        _paced(row, url, until, 0.1 + index / (RATE * len(urls)))
        for index, (row, url) in enumerate(zip(rows, urls, strict=True))
    ]
    return list(await asyncio.gather(*asked))


def _crowded(size: Size) -> list[Measurement]:
    delay = Measurement(
        "drivers-crowd", f"{size.crowd} devices in one process", "milliseconds", "lower"
    )
    rate = Measurement("drivers-rate", "Asked 20 times a second each", "a second", "higher")
    # Modbus keeps a heartbeat of its own, as every cell of a line would.
    names = [name for name in families() if name != "modbus_cell"]
    names = (names * size.crowd)[: size.crowd]
    rows = [families()[name] for name in names]
    with devices(TCP, [*names, DEAD]) as (*urls, dead):
        for _ in range(size.rounds):
            alone = asyncio.run(_crowd(rows[:1], urls[:1], size.seconds))
            many = asyncio.run(_crowd(rows, urls, size.seconds))
            starved = asyncio.run(_crowd([*rows, rows[0]], [*urls, dead], size.seconds))[:-1]
            for said, part in (("p50", 0.5), ("p99", 0.99)):
                first = f"{said}, one device alone"
                delay.add(first, 1e3 * percentile(alone[0].seconds, part))
                ours = 1e3 * percentile(many[0].seconds, part)
                delay.add(f"{said}, the same among {size.crowd}", ours, against=(first,))
                ours = 1e3 * percentile(starved[0].seconds, part)
                delay.add(f"{said}, and one more is dead", ours, against=(first,))
            for said, crowd in (("all alive", many), ("one more dead", starved)):
                served = [
                    (len(each.seconds) - each.failures) / (size.seconds - 0.1) for each in crowd
                ]
                rate.add(f"the slowest device, {said}", min(served))
                rate.add(f"all together, {said}", sum(served))
    delay.notes.append("limit: 1.5 times alone, for each device 20 a second")
    return [delay, rate]


async def _kept(rows: list[Family], urls: list[str]) -> float:
    """Kilobytes that a device's driver and its wire take, by many of them."""
    first = _driver(rows[0], urls[0])
    await first.connect()  # what is loaded once belongs to no device
    gc.collect()
    before, made = tracemalloc.get_traced_memory()[0], []
    for row, url in zip(rows[1:], urls[1:], strict=True):
        driver = _driver(row, url)
        await driver.connect()
        await _question(row, driver)()
        made.append(driver)
    gc.collect()
    taken = (tracemalloc.get_traced_memory()[0] - before) / 1024 / len(made)
    for driver in (first, *made):
        await _end(driver)
    return taken


def _memory(size: Size) -> Measurement:
    found = Measurement("drivers-memory", "Memory of a device", "kB", "lower")
    for name, family in families().items():
        with devices(TCP, [name] * (size.crowd + 1)) as urls:
            tracemalloc.start()
            taken = asyncio.run(_kept([family] * len(urls), urls))
            tracemalloc.stop()
            found.add(name, taken)
    found.notes.append("as Python counts what it gives; buffers of the kernel are not in it")
    return found


def run(size: Size) -> list[Measurement]:
    """Round trips, the crowd, and memory."""
    return [_round_trips(size), *_crowded(size), _memory(size)]
