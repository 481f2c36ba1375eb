"""Each family's simulated device with a wire before it, for the properties of `conformance`."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from conformance.rig import Rig
from conformance.wire import Tap, between
from simulators.device import build
from simulators.faults import Faults
from simulators.part import PartStore
from tests.families import Device

STATION = "line"


class Store:
    """The metal of a simulated site."""

    def __init__(self, parts: PartStore) -> None:
        self._parts = parts

    async def lay(self, *contents: str) -> None:
        self._parts.load(STATION)
        for position, content in enumerate(contents, 1):
            self._parts.engrave(STATION, position, content, (), 0.9, "laser")

    async def contents(self) -> list[str]:
        return [engraving.content for engraving in self._parts.seen(STATION)]


@asynccontextmanager
async def rigged(family: Device, points: int = 24) -> AsyncIterator[Rig]:
    """A device that has just been switched on, and a blank piece."""
    with tempfile.TemporaryDirectory(prefix="gjurma-rig-") as folder:
        parts = PartStore(Path(folder) / "parts.db")
        device = build(family.kind, dict(family.device), parts, STATION, family.speed)
        url = await device.start(family.wire, Faults())
        tap, metal = Tap(), Store(parts)
        try:
            await metal.lay()
            async with between(url, tap) as wire:
                rig = Rig(
                    family.kind,
                    wire,
                    family.options,
                    tap,
                    metal,
                    device,
                    family.job,
                    late=family.late,
                    points=points,
                    unseen=family.unseen,
                    hiding=family.hiding,
                )
                try:
                    yield rig
                finally:
                    await rig.shut()
        finally:
            await device.stop()
            parts.close()
