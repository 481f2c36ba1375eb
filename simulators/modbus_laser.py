"""The laser of a simulated marking cell: one position after the other, metal before memory."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers.modbus_cell.codec import Place, Result, crc16, decode_text
from simulators.control import Moments
from simulators.misdeeds import Misdeeds
from simulators.modbus_memory import Memory, Retained
from simulators.part import PartStore

_HALF_MARKED = 0.2


@dataclass(frozen=True)
class Latched:
    """A shot whose text can no longer be changed; a tray's texts by position, else that of 1."""

    sequence: int
    texts: dict[int, bytes]
    tray: bool


class Laser:
    """Marks at `station`, `seconds` a position; one that is `late` waits so many seconds first."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        seconds: float,
        late_seconds: float,
        retained: Retained,
        misdeeds: Misdeeds,
        moments: Moments,
        powered: Callable[[], bool],
    ) -> None:
        self.echo_flaw = 0
        """What the echo's CRC is wrong by, for a shot without a tray."""
        self._parts = parts
        self._station = station
        self._seconds = seconds
        self._late_seconds = late_seconds
        self._retained = retained
        self._misdeeds = misdeeds
        self._moments = moments
        self._powered = powered

    async def mark(self, shot: Latched) -> bool:
        """False if it failed: the first position that does ends the shot."""
        marks = len(shot.texts) if shot.tray else 0
        self._retained.keep(sequence=shot.sequence, running=True, marks=marks, places=Memory.places)
        if self._misdeeds.take("late"):
            await asyncio.sleep(self._late_seconds)
        for number, position in enumerate(sorted(shot.texts)):
            if number:
                await self._moments.reach("between")
            if not await self._mark_at(position, shot):
                return False
        return True

    async def _mark_at(self, position: int, shot: Latched) -> bool:
        """Engrave one position; False if the laser stopped half-way."""
        text = shot.texts[position]
        if shot.tray:
            # Kept before the laser moves: without power from here on, nobody can tell.
            self._retained.keep_place(position, Place(Result.UNKNOWN))
        fails = self._misdeeds.take("fail", position)
        try:
            await asyncio.sleep(self._seconds / 2 if fails else self._seconds)
        except asyncio.CancelledError:
            self._engrave(position, text, _HALF_MARKED)
            if shot.tray and self._powered():
                self._retained.keep_place(position, Place(Result.FAILED))
            raise
        quality = _HALF_MARKED if fails or self._misdeeds.take("faint", position) else 1.0
        self._engrave(position, text, quality)
        await self._moments.reach("marked")
        flaw = 0 if fails else int(self._misdeeds.take("echo", position))
        if not shot.tray:
            self.echo_flaw = flaw
        elif fails:
            self._retained.keep_place(position, Place(Result.FAILED))
        else:
            place = Place(Result.OK, len(text), crc16(text) ^ flaw)
            self._retained.keep_place(position, place)
        return not fails

    def _engrave(self, position: int, text: bytes, quality: float) -> None:
        content, lines = decode_text(text)
        self._parts.engrave(self._station, position, content, lines, quality, "modbus-cell")
