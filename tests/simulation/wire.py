"""The line between a driver and its device: what may become of one command and of its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from drivers.errors import BadFrame, DeviceRefused, LinkClosed, LinkTimeout
from tests.simulation.chance import Chance
from tests.simulation.loop import SimLoop

T = TypeVar("T")
REPLY_S = 1.0

WireFate: TypeAlias = Literal["silent", "unheard", "late", "garbled", "closed", "refused", "slow"]
WIRE_FATES: tuple[WireFate, ...] = (
    "silent",  # the command is lost
    "unheard",  # carried out, and the answer is lost
    "late",  # carried out after the caller has given up
    "garbled",  # carried out, and the answer is no frame
    "closed",  # the port is gone, before or after it was carried out
    "refused",  # understood and declined: nothing was started
    "slow",  # all is well, only late
)


class NotStarted(Exception):
    """What a device raises that declines: nothing was started."""


@dataclass
class Wire:
    """One line. It outlives the processes that use it; the device does what comes, in order."""

    loop: SimLoop
    chance: Chance
    name: str
    rates: dict[WireFate, float] = field(default_factory=dict)
    due: list[WireFate] = field(default_factory=list)
    """Fates that wait for the next commands."""
    powered: Callable[[], bool] = lambda: True
    on_fate: Callable[[WireFate], None] = lambda _fate: None
    _late: list[Callable[[], object]] = field(default_factory=list)

    def calm(self) -> None:
        self.rates.clear()
        self.due.clear()

    def _fate(self) -> WireFate | None:
        fate: WireFate | None = None
        if self.due:
            fate = self.due.pop(0)
        elif self.rates:
            for each, rate in self.rates.items():
                if self.chance.yes(rate):
                    fate = each
                    break
        if fate is not None:
            self.on_fate(fate)
        return fate

    async def command(self, operation: str, act: Callable[[], T]) -> T:
        """Send a command; returns the device's answer. Raises `DeviceError`.

        `act` may raise `NotStarted`, which the caller gets as `DeviceRefused`.
        """
        fate = self._fate()
        await asyncio.sleep(self.chance.uniform(0.002, 0.01))
        if not self.powered():
            await asyncio.sleep(REPLY_S)
            raise LinkTimeout(self.name, operation, "nobody answers")
        if fate == "silent":
            await asyncio.sleep(REPLY_S)
            raise LinkTimeout(self.name, operation, "no reply")
        if fate == "closed" and self.chance.yes(0.5):
            raise LinkClosed(self.name, operation, "the port is gone")
        if fate == "late":
            self._late.append(act)
            self.loop.call_later(self.chance.uniform(0.5, 6), self.settle)
            await asyncio.sleep(REPLY_S)
            raise LinkTimeout(self.name, operation, "no reply yet")
        if fate == "slow":
            await asyncio.sleep(self.chance.uniform(0.1, 0.9))
        self.settle()
        if fate == "refused":
            raise DeviceRefused(self.name, operation, "not now", "E06")
        try:
            answer = act()
        except NotStarted as refusal:
            raise DeviceRefused(self.name, operation, str(refusal), "E07") from refusal
        await asyncio.sleep(self.chance.uniform(0.002, 0.01))
        if fate == "unheard":
            await asyncio.sleep(REPLY_S)
            raise LinkTimeout(self.name, operation, "the reply is lost")
        if fate == "garbled":
            raise BadFrame(self.name, operation, "no frame of this protocol")
        if fate == "closed":
            raise LinkClosed(self.name, operation, "the port is gone")
        return answer

    def settle(self) -> None:
        """What came late is carried out before anything that came after it."""
        while self._late:
            act = self._late.pop(0)
            try:
                act()
            except NotStarted:
                continue

    def forget(self) -> None:
        """The device lost its power, and with it what stood in its queue."""
        self._late.clear()
