"""One reader that looks when it is triggered, its driver, and the part before it, on a wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.protocols import CodeReader
from simulators.device import build
from simulators.faults import Faults
from simulators.looking import Looking
from simulators.part import PartStore
from tests.support.virtual import MEMORY, SERIAL_IN_MEMORY

UII = "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786950\x1e\x04"
OTHER = "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786951\x1e\x04"
WIRES = (SERIAL_IN_MEMORY, MEMORY)


@dataclass(frozen=True)
class Setup:
    """A kind of reader as it is set: the driver's options and the simulator's."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    device: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    reader: CodeReader
    device: Looking
    parts: PartStore
    faults: Faults

    def lay(self, *contents: str, quality: float = 0.9) -> int:
        piece = self.parts.load("bench")
        for position, content in enumerate(contents, 1):
            self.parts.engrave("bench", position, content, (), quality, "laser")
        return piece

    async def look(self, seconds: float = 0.5) -> list[str]:
        """One whole look, as a station does it."""
        await self.reader.flush()
        await self.reader.open()
        readings = await self.reader.read(seconds)
        await self.reader.close()
        return [reading.content for reading in readings]

    async def look_until_it_counts(self, seconds: float = 0.5) -> list[str]:
        """A station repeats a look that did not count, on a fresh wire."""
        for _ in range(10):
            try:
                await self.reader.connect()
                return await self.look(seconds)
            except DeviceError:
                await self.reader.shut()
        raise AssertionError("no look counted")


@asynccontextmanager
async def bench(folder: Path, setup: Setup, listen: str = SERIAL_IN_MEMORY) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    faults = Faults()
    given = {"decode_seconds": "0.03", **setup.device}
    device = cast("Looking", build(setup.kind, given, parts, "bench", 1.0))
    url = await device.start(listen, faults)
    kind = find(setup.kind)
    reader = cast(
        "CodeReader", kind.build(url, kind.options.model_validate(setup.options), "reader")
    )
    try:
        yield Bench(reader, device, parts, faults)
    finally:
        await reader.shut()
        await device.stop()
        parts.close()


def run(
    folder: Path,
    setup: Setup,
    act: Callable[[Bench], Awaitable[None]],
    listen: str = SERIAL_IN_MEMORY,
) -> None:
    async def whole() -> None:
        async with asyncio.timeout(120), bench(folder, setup, listen) as made:
            await made.reader.connect()
            await act(made)

    asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a state, not an event
            await asyncio.sleep(0.005)
