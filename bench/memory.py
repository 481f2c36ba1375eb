"""A marker and a reader in memory: the station's own cost, without any wire."""

import asyncio

from drivers.protocols import (
    Activity,
    Did,
    Identity,
    MarkerStatus,
    MarkText,
    Outcome,
    Reading,
    Shot,
    Start,
)


class Bed:
    """Where the part lies; `content` is what is on it."""

    content: str | None = None


class MemoryMarker:
    """Implements `drivers.protocols.Marker`. A shot takes `mark_seconds`; 0 does not even yield."""

    single_shot = True
    starts: frozenset[Start] = frozenset({"command"})

    def __init__(self, bed: Bed, mark_seconds: float = 0) -> None:
        self._bed = bed
        self._seconds = mark_seconds
        self._loaded: str | None = None

    def refuses(self, mark: MarkText) -> str | None:
        return None

    async def connect(self) -> None:
        pass

    async def identify(self) -> Identity:
        return Identity("", "memory", "")

    async def status(self) -> MarkerStatus:
        return MarkerStatus(Activity.ARMED if self._loaded else Activity.READY)

    async def select_job(self, job: str) -> None:
        pass

    async def arm(self, shot: Shot) -> None:
        self._loaded = shot.marks[0].content

    async def fire(self) -> None:
        self._bed.content, self._loaded = self._loaded, None

    async def outcome(self, timeout: float) -> Outcome:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return Outcome(Did.DONE)

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        self._loaded = None
        return None

    async def abort(self) -> None:
        self._loaded = None

    async def close(self) -> None:
        pass


class MemoryReader:
    """Implements `drivers.protocols.CodeReader`."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed

    async def connect(self) -> None:
        pass

    async def identify(self) -> Identity:
        return Identity("", "memory", "")

    async def flush(self) -> None:
        pass

    async def open(self) -> None:
        pass

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        return () if self._bed.content is None else (Reading(self._bed.content, "]d1"),)

    async def close(self) -> None:
        pass

    async def shut(self) -> None:
        pass
