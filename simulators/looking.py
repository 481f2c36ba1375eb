"""What simulated readers share that look when they are triggered: what lies before them, and when.

A trigger takes one picture, or goes on until a code is decoded or it is stopped (`keeps_on`). How
it ended is told once, by `deliver` or `deliver_none` of the family.
"""

import asyncio
from abc import abstractmethod
from collections import Counter
from typing import Any

from drivers import clock
from simulators.misdeeds import Cover
from simulators.part import PartStore
from simulators.pipe import Wire
from simulators.wired import WiredDevice

_STALE_SECONDS = 0.02
MOMENTS = ("session",)
"""Held at `session`: the start is acknowledged and nothing has been looked at."""
MISDEEDS = ("stale", "blind", "mute")
COVERED = "covered"


class Looking(WiredDevice):
    """One reader with its eye; a family says how it is asked and how it tells."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float,
        decode_seconds: float,
        position: int | None,
        keeps_on: bool,
    ) -> None:
        super().__init__(MOMENTS)
        self._parts = parts
        self._station = station
        self._position = position
        self._decode_seconds = decode_seconds / speed
        self._stale_seconds = _STALE_SECONDS / speed
        self._keeps_on = keeps_on
        self._powered = True
        self._misdeeds: Counter[str] = Counter()
        self._pending: Counter[str] = Counter()
        self._cover = Cover()
        self._sessions = 0
        self._wire: Wire | None = None

    @abstractmethod
    async def hear(self, wire: Wire, data: bytes) -> None:
        """Bytes came from the host."""

    @abstractmethod
    async def deliver(self, wire: Wire, contents: list[str]) -> None:
        """Send codes."""

    @abstractmethod
    async def deliver_none(self, wire: Wire) -> None:
        """Send that nothing was read."""

    def forget_all(self) -> None:
        """Become what the reader is when it is switched on."""
        self._look_at: float | None = None
        self._end_at: float | None = None
        self._stale_at: float | None = None
        self._enabled = True
        self._hid = False
        self._mute = False
        self._previous: list[str] = []

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "enabled": self._enabled,
            "session": self._look_at is not None,
            "sessions": self._sessions,
            **{name: self._pending[name] for name in MISDEEDS},
            COVERED: self._cover.pending,
        }

    async def power(self, on: bool) -> None:
        self._powered = on
        self.forget_all()

    def misbehave(self, name: str, count: int) -> None:
        if count < 1:
            raise ValueError("count is at least 1")
        if name == COVERED:
            self._cover.pending += count
        elif name in MISDEEDS:
            self._pending[name] += count
        else:
            super().misbehave(name, count)

    def misdeeds(self) -> dict[str, int]:
        hidden = {COVERED: self._cover.hidden} if self._cover.hidden else {}
        return {**self._misdeeds, **hidden}

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        if op not in (*MISDEEDS, COVERED):
            return await super().operate(op, request)
        self.misbehave(op, int(request.get("count", 1)))
        return {}

    async def babble(self, data: bytes) -> None:
        """Send bytes of no frame, as noise on the line would."""
        assert self._wire is not None
        await self._wire.write(data)

    async def talk(self, wire: Wire) -> None:
        self._wire = wire
        while True:
            await self._advance(wire)
            try:
                async with asyncio.timeout(self._rest()):
                    data = await wire.read()
            except TimeoutError:
                continue
            if not data:
                return
            if self._powered:
                await self.hear(wire, data)

    def disable(self) -> None:
        """As a person who takes it off line: it takes no trigger until it is switched on anew."""
        self._enabled = False
        self.stop_looking()

    def start_looking(self, now: float, seconds: float | None = None) -> None:
        """A trigger, which ends by itself after `seconds` if they are given."""
        self._sessions += 1
        self._look_at = now + self._decode_seconds
        self._end_at = None if seconds is None else now + seconds
        self._hid = False
        self._mute = self._pending["mute"] > 0
        if self._pending["stale"] and self._previous:
            self._stale_at = now + self._stale_seconds

    def stop_looking(self) -> bool:
        """End the trigger; whether there was one."""
        looking = self._look_at is not None
        self._look_at = self._end_at = self._stale_at = None
        self.moments.current = ""
        return looking

    async def end(self, wire: Wire, contents: list[str]) -> None:
        """Tell how a trigger ended."""
        if self._mute:
            self._pending["mute"] -= 1
            self._misdeeds["mute"] += 1
        elif contents:
            self._previous = contents
            await self.deliver(wire, contents)
        else:
            await self.deliver_none(wire)

    def _rest(self) -> float | None:
        """Seconds until something is due."""
        due = [at for at in (self._look_at, self._end_at, self._stale_at) if at is not None]
        return max(min(due) - clock.now(), 0.0) if due else None

    async def _advance(self, wire: Wire) -> None:
        """Do what is due."""
        now = clock.now()
        if self._stale_at is not None and now >= self._stale_at:
            self._stale_at = None
            self._pending["stale"] -= 1
            self._misdeeds["stale"] += 1
            await self.deliver(wire, self._previous)
        if self._look_at is not None and now >= min(self._look_at, self._end_at or self._look_at):
            await self._look(wire, now)

    async def _look(self, wire: Wire, now: float) -> None:
        contents = self._contents()
        if contents and self._pending["blind"] and not self._hid:
            self._hid = True
            self._pending["blind"] -= 1
            self._misdeeds["blind"] += 1
        if self._hid:
            contents = []
        over = self._end_at is not None and now >= self._end_at
        if not contents and self._keeps_on and not over:
            self._look_at = now + self._decode_seconds
            return
        self._look_at = self._end_at = None
        await self.end(wire, contents)

    def _contents(self) -> list[str]:
        if self._cover.hides(self._parts.present(self._station)):
            return []
        top = {engraving.position: engraving for engraving in self._parts.seen(self._station)}
        return [
            top[position].content
            for position in sorted(top)
            if top[position].readable and self._position in (None, position)
        ]
