"""What the tests of every marker do with one: shots on pieces, and whether driver and part agree.

Whatever goes wrong on the wire, DONE means engraved once, NOT_STARTED means blank, and nothing is
engraved after a confirmed disarm.
"""

import asyncio
from typing import Protocol

from conformance import markers
from conformance.rig import CONTENT as CONTENT
from drivers.errors import DeviceError, DeviceRefused
from drivers.protocols import Did, Marker, MarkText, Outcome, Shot
from simulators.control import Moments
from simulators.faults import Faults
from simulators.part import Engraving, PartStore

SHOT = Shot((MarkText(1, CONTENT, ("7A7 2000000001",)),))


class Device(Protocol):
    """A simulated marker beside its wire."""

    moments: Moments

    async def pedal(self) -> bool: ...
    def misbehave(self, name: str, count: int) -> None: ...
    def misdeeds(self) -> dict[str, int]: ...


class Rig(Protocol):
    """A driver and a simulated marker, with the part between them at `line`."""

    @property
    def driver(self) -> Marker: ...
    @property
    def device(self) -> Device: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def parts(self) -> PartStore: ...

    def is_disarmed(self) -> bool:
        """Whether the simulated marker itself can engrave nothing, and holds no text."""


def on_part(rig: Rig) -> list[Engraving]:
    return rig.parts.seen("line")


async def disarmed(rig: Rig) -> Outcome | None:
    return await markers.disarmed(rig.driver)


async def cycle(rig: Rig, pedal: bool = False) -> Did:
    """One shot on a new piece, and what the driver says became of it in the end."""
    rig.parts.load("line")
    said = Did.UNKNOWN
    try:
        await rig.driver.connect()
        await rig.driver.arm(SHOT)
        if pedal:
            assert await rig.device.pedal() is True
        else:
            await rig.driver.fire()
        said = (await rig.driver.outcome(0.3)).did
    except DeviceRefused:
        said = Did.NOT_STARTED
    except DeviceError:
        said = Did.UNKNOWN
    proof = await disarmed(rig)
    assert rig.is_disarmed()
    before = on_part(rig)
    assert await rig.device.pedal() is False
    await asyncio.sleep(0.02)
    assert on_part(rig) == before
    if proof is not None and said is Did.UNKNOWN:
        said = proof.did
    agree(said, before)
    return said


def agree(said: Did, engravings: list[Engraving]) -> None:
    markers.agree(said, [engraving.content for engraving in engravings], CONTENT)


async def through_faults(
    rig: Rig, job: str, kind: str, direction: str, positions: range, *, delay: float = 0.35
) -> None:
    """The fault meets the conversation after each of so many bytes; then all must be well again.

    `delay`: in seconds, longer than the driver waits for a reply.
    """
    await rig.driver.select_job(job)
    seconds = {"cut": 0.2, "delay": delay, "split": 0.02}.get(kind)
    for after in positions:
        before = rig.faults.landed[kind]
        rig.faults.arm(kind, direction, after=after, seconds=seconds)
        await cycle(rig)
        assert rig.faults.landed[kind] == before + 1, "the fault met no bytes"
        await asyncio.sleep(seconds or 0)
        await rig.driver.connect()
        await rig.driver.disarm()
        await rig.driver.select_job(job)
        assert await cycle(rig) is Did.DONE, f"not well again after {after} bytes"
