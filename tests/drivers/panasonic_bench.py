"""A driver against a peer on virtual time by default, for the Panasonic tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.panasonic_lp.codec import Mode
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.panasonic_lp.options import Options
from simulators.faults import Faults
from simulators.panasonic_lp import PanasonicLp as Device
from simulators.panasonic_lp import build
from simulators.part import PartStore
from simulators.pipe import serve
from simulators.scripted import Script, Step
from tests.support.virtual import MEMORY, SERIAL_IN_MEMORY

SPEED = 200.0


def quick(**options: object) -> Options:
    """Options whose times fit a simulator at SPEED."""
    return Options.model_validate(
        {
            "text_wait_seconds": 1.05 / SPEED,
            "reply_seconds": 0.3,
            "mark_seconds": 0.3,
            "ready_seconds": 0.3,
            **options,
        }
    )


@asynccontextmanager
async def scripted(*steps: Step, **options: object) -> AsyncIterator[PanasonicLp]:
    """The driver, connected in memory to a peer that plays raw bytes to the end of the script."""
    script = Script(*steps)
    listener = await serve(MEMORY, script, Faults())
    driver = PanasonicLp(listener.url, quick(**options), "laser")
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

    device: Device
    faults: Faults
    parts: PartStore
    url: str
    options: dict[str, object]
    driver: PanasonicLp = field(init=False)

    def __post_init__(self) -> None:
        self.driver = self.another()

    def is_disarmed(self) -> bool:
        return self.device.state()["ready"] is False

    def another(self) -> PanasonicLp:
        """A driver as a restarted program has it: it knows nothing of what was before."""
        return PanasonicLp(self.url, quick(**self.options), "laser")


@asynccontextmanager
async def bench(
    folder: Path,
    device_options: dict[str, str] | None = None,
    wire: str = SERIAL_IN_MEMORY,
    /,
    *,
    mode: Mode = "compatible",
    **options: object,
) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    set_to = {"compatibility": "on" if mode == "compatible" else "off"}
    device = build({**set_to, **(device_options or {})}, parts, "line", SPEED)
    faults = Faults()
    url = await device.start(wire, faults)
    # By tcp:// it is its Ethernet that answers, which knows less than its RS-232.
    behind = {"serial_server": True} if wire == SERIAL_IN_MEMORY else {}
    rig = Bench(device, faults, parts, url, {"mode": mode, **behind, **options})
    try:
        await rig.driver.connect()
        yield rig
    finally:
        await rig.driver.close()
        await device.stop()
        parts.close()
