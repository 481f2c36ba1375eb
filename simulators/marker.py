"""What the simulated markers on a byte stream share: a piece before them, a shot, power, wrongs."""

import asyncio
from abc import abstractmethod
from collections.abc import Collection, Sequence

from simulators.misdeeds import Misdeeds
from simulators.options import Given
from simulators.part import Engraving, PartStore
from simulators.wired import WiredDevice

_CLEAR, _FAINT = 1.0, 0.2


class WiredMarker(WiredDevice):
    """One marker at one station.

    Options: `macro` (05, 06, none: what the stored jobs' 2D code uses), `position`, `marking` and
    `late` (seconds, divided by the speed).
    """

    def __init__(
        self,
        kind: str,
        given: Given,
        parts: PartStore,
        station: str,
        speed: float,
        misdeeds: Collection[str],
    ) -> None:
        super().__init__(moments=("armed", "marked"))
        macro = given.one_of("macro", ("06", "05", "none"))
        self._header = "" if macro == "none" else f"[)>\x1e{macro}\x1d"
        self._trailer = "" if macro == "none" else "\x1e\x04"
        self._position = given.whole("position", 1, 1)
        self._marking_seconds = given.number("marking", 2) / speed
        self._late_seconds = given.number("late", 30) / speed
        self._kind = kind
        self._parts = parts
        self._station = station
        self._misdeeds = Misdeeds(misdeeds)
        self._engraving: Engraving | None = None
        self._powered = True

    @abstractmethod
    def _switch_on(self) -> None:
        """What it has forgotten without power."""

    @abstractmethod
    async def _mark(self) -> None:
        """The metal changes first, and before any reply."""

    @abstractmethod
    async def _finish(self) -> None:
        """The time that a mark takes, and its end."""

    async def power(self, on: bool) -> None:
        if on == self._powered:
            return
        if not on:
            self._spoil()
            self.cancel_all()
        self._engraving = None
        self._switch_on()
        self._powered = on
        self.moments.current = ""
        self.moments.release()

    def misbehave(self, name: str, count: int = 1) -> None:
        self._misdeeds.plan(name, count)

    def misdeeds(self) -> dict[str, int]:
        return dict(self._misdeeds.done)

    async def _shoot(self) -> None:
        """By its own input."""
        if self._misdeeds.take("late"):
            await self._shoot_late()
        else:
            await self._mark()
            await self._finish()

    async def _shoot_late(self) -> None:
        """It is busy from its start on; the metal changes late."""
        await asyncio.sleep(self._late_seconds)
        await self._mark()
        await self._finish()

    def _engrave(self, body: str, lines: Sequence[str], failed: bool) -> None:
        """The code with what the job has around it, and the legible lines; too faint to be read
        where it `failed`.
        """
        quality = _FAINT if failed or self._misdeeds.take("faint") else _CLEAR
        content = self._header + body + self._trailer
        self._engraving = self._parts.engrave(
            self._station, self._position, content, list(lines), quality, self._kind
        )

    def _spoil(self) -> None:
        """What is being marked stays half-way."""
        if self._engraving is not None:
            self._parts.spoil(self._engraving.id, _FAINT)
