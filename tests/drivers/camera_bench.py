"""A camera over a part, live, and its driver."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.camera.driver import Camera, Options
from drivers.protocols import Reading
from simulators.camera import Camera as Simulated
from simulators.camera import build
from simulators.faults import Faults
from simulators.part import PartStore
from tests.support.virtual import HOST

QUICK = {"latency_seconds": 0.02, "settle_seconds": 0.05, "reply_seconds": 5.0}


@dataclass
class Bench:
    reader: Camera
    device: Simulated
    parts: PartStore
    faults: Faults

    def lay(self, *contents: str, quality: float = 0.9) -> int:
        piece = self.parts.load("bench")
        for position, content in enumerate(contents, 1):
            self.parts.engrave("bench", position, content, ("S 1",), quality, "laser")
        return piece

    async def look(self, seconds: float = 1.0) -> tuple[Reading, ...]:
        """One whole look, as a station does it."""
        await self.reader.connect()
        await self.reader.flush()
        await self.reader.open()
        readings = await self.reader.read(seconds)
        await self.reader.close()
        return readings

    async def contents(self, seconds: float = 1.0) -> list[str]:
        return [reading.content for reading in await self.look(seconds)]


@asynccontextmanager
async def bench(
    folder: Path, listen: str, device: Mapping[str, str], options: Mapping[str, Any]
) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    faults = Faults()
    simulated = build({"period_seconds": "0.05", **device}, parts, "bench", 1.0)
    url = await simulated.start(listen, faults)
    reader = Camera(url, Options.model_validate({**QUICK, **options}), "reader")
    try:
        yield Bench(reader, simulated, parts, faults)
    finally:
        await reader.shut()
        await simulated.stop()
        parts.close()


def run(
    folder: Path,
    act: Callable[[Bench], Awaitable[None]],
    wire: str = "http",
    device: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    listen = f"http://{HOST}:0" if wire == "http" else f"folder://{folder}/pictures"

    async def whole() -> None:
        async with asyncio.timeout(120), bench(folder, listen, device or {}, options or {}) as made:
            await act(made)

    asyncio.run(whole())
