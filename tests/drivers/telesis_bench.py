"""A driver against a peer on virtual time by default, for the Telesis tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.telesis.driver import Options, Telesis
from simulators.faults import Faults
from simulators.part import PartStore
from simulators.pipe import serve
from simulators.scripted import Script, Step
from simulators.telesis import Telesis as Device
from simulators.telesis import build
from tests.support.virtual import MEMORY, SERIAL_IN_MEMORY

SPEED = 200.0
JOB = "PART"


def quick(**options: object) -> Options:
    """Options whose times fit a simulator at SPEED."""
    return Options.model_validate(
        {
            "lines": 1,
            "reply_seconds": 0.25,
            "quiet_seconds": 0.03,
            "poll_seconds": 0.005,
            "ready_seconds": 0.3,
            "mark_seconds": 1.0,
            **options,
        }
    )


@asynccontextmanager
async def scripted(*steps: Step, **options: object) -> AsyncIterator[Telesis]:
    """The driver, connected in memory to a peer that plays raw bytes to the end of the script."""
    script = Script(*steps)
    listener = await serve(MEMORY, script, Faults())
    driver = Telesis(listener.url, quick(**options), "pin")
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()
        await listener.close()
    script.check()


@dataclass
class Bench:
    """The driver and the simulated marker on a pseudo-terminal, with the part between them."""

    driver: Telesis
    device: Device
    faults: Faults
    parts: PartStore
    url: str

    def is_disarmed(self) -> bool:
        state = self.device.state()
        return state["ready"] is False and state["fields"] == {}

    def another(self, **options: object) -> Telesis:
        """A driver as a restarted program has it: it knows nothing of what was before."""
        return Telesis(self.url, quick(**options), "pin")


@asynccontextmanager
async def bench(
    folder: Path,
    device_options: dict[str, str] | None = None,
    wire: str = SERIAL_IN_MEMORY,
    /,
    **options: object,
) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    device = build(device_options or {}, parts, "line", SPEED)
    faults = Faults()
    url = await device.start(wire, faults)
    driver = Telesis(url, quick(**options), "pin")
    rig = Bench(driver, device, faults, parts, url)
    try:
        await driver.connect()
        yield rig
    finally:
        await rig.driver.close()
        await device.stop()
        parts.close()
