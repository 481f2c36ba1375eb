"""A driver against a peer on virtual time by default, for the Gravotech tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.gravotech_tl07.driver import GravotechTl07, Options
from simulators.faults import Faults
from simulators.gravotech_tl07 import GravotechTl07 as Device
from simulators.gravotech_tl07 import build
from simulators.part import PartStore
from simulators.pipe import serve
from simulators.scripted import Script, Step
from tests.support.virtual import MEMORY

SPEED = 200.0
JOB = "part.t2l"


def quick(**options: object) -> Options:
    """Options whose times fit a simulator at SPEED."""
    return Options.model_validate(
        {
            "lines": 1,
            "reply_seconds": 0.3,
            "load_seconds": 0.3,
            "mark_seconds": 1.0,
            **options,
        }
    )


@asynccontextmanager
async def scripted(*steps: Step, **options: object) -> AsyncIterator[GravotechTl07]:
    """The driver, connected in memory to a peer that plays raw bytes to the end of the script."""
    script = Script(*steps)
    listener = await serve(MEMORY, script, Faults())
    driver = GravotechTl07(listener.url, quick(**options), "laser")
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()
        await listener.close()
    script.check()


@dataclass
class Bench:
    """The driver and the simulated marker on a wire, with the part between them."""

    driver: GravotechTl07
    device: Device
    faults: Faults
    parts: PartStore
    url: str

    def is_disarmed(self) -> bool:
        state = self.device.state()
        return state["ready"] is False and state["texts"].keys().isdisjoint({"0", "1"})

    def another(self, **options: object) -> GravotechTl07:
        """A driver as a restarted program has it: it knows nothing of what was before."""
        return GravotechTl07(self.url, quick(**options), "laser")


@asynccontextmanager
async def bench(
    folder: Path,
    device_options: dict[str, str] | None = None,
    wire: str = MEMORY,
    /,
    **options: object,
) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    device = build(device_options or {}, parts, "line", SPEED)
    faults = Faults()
    url = await device.start(wire, faults)
    driver = GravotechTl07(url, quick(**options), "laser")
    rig = Bench(driver, device, faults, parts, url)
    try:
        await driver.connect()
        yield rig
    finally:
        await rig.driver.close()
        await device.stop()
        parts.close()
