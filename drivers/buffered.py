"""What asyncio has read of a wire for a device, where the wire is no file of the system's."""

import asyncio

from drivers.descriptor import CHUNK_BYTES
from drivers.errors import LinkClosed


class Buffered:
    """The reading half of a `drivers.transport.ByteStream`, over a StreamReader that is fed."""

    def __init__(self, reader: asyncio.StreamReader, device: str) -> None:
        self._reader = reader
        self._device = device

    async def read(self, seconds: float | None = None) -> bytes:
        if seconds is not None and seconds <= 0:
            # Two turns of the event loop bring in what the kernel already holds.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(seconds):
                return await self._next()
        except TimeoutError:
            return b""

    async def _next(self) -> bytes:
        """At least one byte. A line that the system gave up after silence ends by a TimeoutError
        too, and is not one that has nothing to tell yet.
        """
        try:
            data = await self._reader.read(CHUNK_BYTES)
        except OSError as fault:
            raise LinkClosed(self._device, "read", str(fault)) from fault
        if not data:
            raise LinkClosed(self._device, "read", "the other end closed the line")
        return data
