"""A code reader over one position: late, blind, silent, or true."""

import asyncio
from dataclasses import dataclass, field

from drivers.protocols import Identity, Reading
from tests.simulation.metal import Place
from tests.simulation.wire import Wire


@dataclass(eq=False)
class Eye:
    """The reader itself, which outlives the processes that use it."""

    name: str
    place: Place
    position: int
    wire: Wire
    last: tuple[str, ...] = ()
    """What it saw in its last session with a code."""
    stale: int = 0
    """So many sessions that also deliver, late, what it saw before."""
    blind: int = 0
    """So many sessions that see nothing."""
    sessions: int = 0
    """Whole sessions so far."""
    at_prepare: int = 0
    """Of these, before the cycle under way."""
    delivered: set[str] = field(default_factory=set)
    """All that it ever said it saw."""
    looked_at: float = -1.0
    hid: bool = False
    """The last session saw nothing of what lay there."""

    def look(self) -> tuple[str, ...]:
        self.looked_at, self.hid = self.wire.loop.now, bool(self.blind)
        if self.blind:
            self.blind -= 1
            return ()
        seen = tuple(self.place.contents(self.position))
        late = self.last if self.stale else ()
        if late:
            self.stale -= 1
        elif seen:
            self.last = seen
        self.delivered.update(late, seen)
        return tuple(dict.fromkeys((*late, *seen)))


@dataclass(eq=False)
class SimReader:
    """The driver of one reader in one process."""

    eye: Eye
    _flushed: bool = field(default=False, init=False)
    _open: bool = field(default=False, init=False)

    async def connect(self) -> None:
        """The port is opened with the first command."""

    async def identify(self) -> Identity:
        return Identity("", "eye", "1")

    async def flush(self) -> None:
        await self.eye.wire.command("flush", lambda: None)
        self._flushed = True

    async def open(self) -> None:
        assert self._flushed, "a session, and the queue was not flushed before"
        self._flushed = False
        await self.eye.wire.command("open", lambda: None)
        self._open = True

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        assert self._open, "read outside of a session"
        seen = await self.eye.wire.command("read", self.eye.look)
        if not seen:
            await asyncio.sleep(timeout)
        return tuple(Reading(content, "]d1") for content in seen)

    async def close(self) -> None:
        await self.eye.wire.command("close", lambda: None)
        self._open = False
        self.eye.sessions += 1

    async def shut(self) -> None:
        self._open = False
