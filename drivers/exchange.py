"""One request in flight on a byte stream, with a deadline, and unsolicited frames kept apart.

Nothing reads in the background: bytes are taken from the stream only inside a call, so what a
call returns is all that happened.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from drivers import clock
from drivers.errors import BadFrame, LinkTimeout
from drivers.transport import ByteStream

QUEUE_FRAMES = 64
QUIET_SECONDS = 0.05
CLEAR_SECONDS = 2.0


class Splitter(Protocol):
    """Cuts a stream of bytes into frames. Belongs to a codec: pure, no clock."""

    garbage: int
    """Bytes skipped so far because they belong to no frame."""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, whole and in order, unchecked."""

    def reset(self) -> None:
        """Forget an unfinished frame."""


def _none(_frame: bytes) -> bool:
    return False


class Exchange:
    """Requests and replies over one stream.

    `unsolicited` tells which frames answer nothing. After a failure (`spoiled`) a late reply may
    still come: the next request first waits until the line has been quiet for `quiet` seconds and
    throws replies away. That is no proof when replies carry no number; a driver whose device may
    answer later than that must ask a question whose answer it can tell apart.
    """

    def __init__(
        self,
        stream: ByteStream,
        device: str,
        splitter: Splitter,
        unsolicited: Callable[[bytes], bool] = _none,
        quiet: float = QUIET_SECONDS,
    ) -> None:
        self._stream = stream
        self._device = device
        self._splitter = splitter
        self._unsolicited = unsolicited
        self._quiet = quiet
        self._lock = asyncio.Lock()
        self._arrived: deque[bytes] = deque()
        self._kept: deque[bytes] = deque()
        self.spoiled = False

    async def request(self, data: bytes, seconds: float, operation: str) -> bytes:
        """Send `data` and return the first frame that is not unsolicited.

        Replies that came before `data` was sent are thrown away. Raises LinkTimeout, BadFrame (only
        garbage came), LinkClosed; after any of them the exchange is spoiled.
        """
        async with self._lock:
            await self._clear(operation)
            self.spoiled = True
            await self._stream.write(data)
            frame = await self._next_reply(seconds, operation)
            self.spoiled = False
            return frame

    async def send(self, data: bytes) -> None:
        """Send what has no reply. Raises LinkClosed."""
        async with self._lock:
            await self._stream.write(data)

    async def receive(self, seconds: float, operation: str) -> bytes:
        """The next frame that is not unsolicited, with nothing sent. Errors as `request`."""
        async with self._lock:
            return await self._next_reply(seconds, operation)

    async def next_unsolicited(self, seconds: float, operation: str) -> bytes:
        """The oldest unsolicited frame. Raises LinkTimeout, LinkClosed, BadFrame (queue full)."""
        async with self._lock:
            deadline = clock.now() + seconds
            while not self._kept:
                while self._arrived:
                    self._keep(self._arrived.popleft(), operation)
                if not self._kept:
                    await self._pull(deadline - clock.now(), operation)
            return self._kept.popleft()

    async def drain(self, operation: str) -> list[bytes]:
        """Take every unsolicited frame that has arrived by now. Raises LinkClosed, BadFrame."""
        async with self._lock:
            await self._clear(operation)
            kept = list(self._kept)
            self._kept.clear()
            return kept

    async def resynchronise(self, operation: str) -> None:
        """Wait until the line is quiet; unsolicited frames are kept, the rest is thrown away."""
        async with self._lock:
            self.spoiled = True
            await self._clear(operation)

    @property
    def waiting(self) -> int:
        """How many unsolicited frames have been read and not taken."""
        return len(self._kept)

    async def close(self) -> None:
        await self._stream.close()

    async def _clear(self, operation: str) -> None:
        """Throw away what is no answer to anything that will be asked."""
        # A late reply may be on its way after a failure.
        wait, limit = self._quiet if self.spoiled else 0.0, 0.0
        while data := await self._stream.read(wait):
            self._arrived.extend(self._splitter.feed(data))
            limit = limit or clock.now() + CLEAR_SECONDS
            if clock.now() > limit:
                raise BadFrame(self._device, operation, "the line does not become quiet")
        while self._arrived:
            self._keep(self._arrived.popleft(), operation)
        self._splitter.reset()
        self.spoiled = False

    def _keep(self, frame: bytes, operation: str) -> bool:
        """Queue `frame` if it is unsolicited."""
        if not self._unsolicited(frame):
            return False
        if len(self._kept) >= QUEUE_FRAMES:
            self._kept.clear()
            raise BadFrame(
                self._device, operation, f"{QUEUE_FRAMES} unsolicited frames and nobody took them"
            )
        self._kept.append(frame)
        return True

    async def _next_reply(self, seconds: float, operation: str) -> bytes:
        deadline = clock.now() + seconds
        garbage = self._splitter.garbage
        while True:
            while self._arrived:
                frame = self._arrived.popleft()
                if not self._keep(frame, operation):
                    return frame
            try:
                await self._pull(deadline - clock.now(), operation)
            except LinkTimeout:
                self.spoiled = True
                skipped = self._splitter.garbage - garbage
                if skipped:
                    raise BadFrame(
                        self._device, operation, f"{skipped} bytes of no frame, and no reply"
                    ) from None
                raise

    async def _pull(self, seconds: float, operation: str) -> None:
        """Wait at most `seconds` for bytes and cut them into frames. Raises LinkTimeout."""
        data = await self._stream.read(max(seconds, 0.0))
        if not data:
            raise LinkTimeout(self._device, operation, "no reply in time")
        self._arrived.extend(self._splitter.feed(data))
