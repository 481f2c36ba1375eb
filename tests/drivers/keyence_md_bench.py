"""A driver against a peer on virtual time by default, for the Keyence MD tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.keyence_md.driver import KeyenceMd
from drivers.keyence_md.options import Options
from simulators.faults import Faults
from simulators.keyence_md import KeyenceMd as Device
from simulators.keyence_md import build
from simulators.part import PartStore
from simulators.pipe import serve
from simulators.scripted import Script, Step
from tests.support.virtual import MEMORY

SPEED = 200.0
JOB = "0007"


def quick(**options: object) -> Options:
    """Options whose times fit a simulator at SPEED."""
    return Options.model_validate(
        {
            "reply_seconds": 0.25,
            "quiet_seconds": 0.03,
            "poll_seconds": 0.005,
            "busy_seconds": 0.5,
            "mark_seconds": 1.0,
            **options,
        }
    )


@asynccontextmanager
async def scripted(*steps: Step, **options: object) -> AsyncIterator[KeyenceMd]:
    """The driver, connected in memory to a peer that plays raw bytes to the end of the script."""
    script = Script(*steps)
    listener = await serve(MEMORY, script, Faults())
    driver = KeyenceMd(listener.url, quick(**options), "laser")
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()
        await listener.close()
    script.check()


COUNTED = {"counter": "A"}
"""What the simulator and the driver are both told, where a counter counts the marks."""


@dataclass
class Bench:
    """The driver and the simulated marker on a wire, with the part between them."""

    driver: KeyenceMd
    device: Device
    faults: Faults
    parts: PartStore
    url: str

    def is_disarmed(self) -> bool:
        state = self.device.state()
        return state["ready"] is False and state["locked"] is True and state["texts"] == {}

    def another(self, **options: object) -> KeyenceMd:
        """A driver as a restarted program has it: it knows nothing of what was before."""
        return KeyenceMd(self.url, quick(**options), "laser")


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
    driver = KeyenceMd(url, quick(**options), "laser")
    rig = Bench(driver, device, faults, parts, url)
    try:
        await driver.connect()
        yield rig
    finally:
        await rig.driver.close()
        await device.stop()
        parts.close()
