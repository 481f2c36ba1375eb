"""The host's side of the ACK/NAK protocol, as a stream of whole bodies: nothing above it changes.

A write is one command, and returns when the reader has acknowledged it. What NAK rejects is sent
again; what nothing answers is not, since a second trigger would be another one. A read is one body
with a good LRC, acknowledged. After damage the line has to be silent, then NAK asks for the frame
again (`acknak`).

The frames carry no number. A reader that did not hear our ACK may send its frame again: one that is
equal to the last, with no word of the reader in between, is acknowledged and not handed on. What
was damaged counts as come if a result is the next that comes, and as lost if it is anything else.

Unverified: that a reader which waits for no answer makes nothing of an ACK or NAK that comes late;
that ACK says that a command came over well, and no more (its status tells whether it was wrong).
"""

import asyncio
from collections import deque

from drivers import clock
from drivers.errors import BadFrame, LinkTimeout
from drivers.microscan.acknak import (
    ACK,
    NAK,
    REQ,
    RETRIES,
    Splitter,
    answer_in,
    decode_frame,
    encode_frame,
)
from drivers.transport import ByteStream

_NOISE_SECONDS = 2.0
_MOMENT = 0.01
"""What has come already is taken before a silence is believed."""


class Bodies:
    """Implements `drivers.exchange.Splitter` for a stream that gives one whole body at a time."""

    garbage = 0

    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def reset(self) -> None:
        """Nothing is ever unfinished here."""


class Handshake:
    """Implements `drivers.transport.ByteStream` on another one."""

    def __init__(
        self,
        stream: ByteStream,
        device: str,
        preamble: bytes,
        reply_seconds: float,
        gap_seconds: float,
    ) -> None:
        self._stream = stream
        self._device = device
        self._preamble = preamble
        self._reply_seconds = reply_seconds
        self._gap_seconds = gap_seconds
        self._splitter = Splitter(lambda body: bool(answer_in(body, preamble)))
        self._pieces: deque[bytes] = deque()
        self._bodies: deque[bytes] = deque()
        self._signal = b""
        self._last = b""
        self._answer = NAK
        self._damaged = 0
        self._lost = 0
        self._heard = 0.0

    @property
    def garbage(self) -> int:
        """Bytes that were damaged and have not come again."""
        return self._damaged + self._lost

    async def read(self, seconds: float | None = None) -> bytes:
        """One body; of an answer what stands in < and >, with them."""
        if data := await self._stream.read(0):
            self._hear(data)
        try:
            async with asyncio.timeout(seconds):
                while not self._bodies:
                    await self._pull(None)
        except TimeoutError:
            return b""
        return self._bodies.popleft()

    async def write(self, data: bytes) -> None:
        """Have the reader take one command. Raises BadFrame (it will not), LinkTimeout."""
        await self._settle()
        self._lost, self._damaged = self.garbage, 0
        for _ in range(1 + RETRIES):
            self._signal = b""
            await self._stream.write(encode_frame(data))
            if await self._taken():
                return
        raise BadFrame(self._device, "write", "the reader answers NAK again and again")

    async def close(self) -> None:
        await self._stream.close()

    async def _settle(self) -> None:
        """Let what has begun come to its end: in the middle of a frame a command is not heard."""
        limit = clock.now() + _NOISE_SECONDS
        while self._splitter.unfinished:
            await self._pull(None)
            if clock.now() > limit:
                raise BadFrame(self._device, "write", "the line does not become quiet")

    async def _taken(self) -> bool:
        """Whether ACK or NAK came. An answer stands for an ACK that was lost before it."""
        deadline = clock.now() + self._reply_seconds
        answers = self._answers()
        while not self._signal:
            if self._answers() > answers:
                return True
            if not await self._pull(deadline):
                raise LinkTimeout(self._device, "write", "the reader does not acknowledge")
        return self._signal == ACK

    def _answers(self) -> int:
        return sum(bool(answer_in(body)) for body in self._bodies)

    async def _pull(self, deadline: float | None) -> bool:
        """Take what comes next, be it silence in the middle of a frame; False at the deadline."""
        while not self._pieces:
            now = clock.now()
            silent = max(self._heard + self._gap_seconds, now + _MOMENT)
            until = silent if self._splitter.unfinished else deadline
            data = await self._stream.read(None if until is None else max(until - now, 0.0))
            if data:
                self._hear(data)
            elif self._splitter.unfinished:
                await self._refuse()
                return True
            else:
                return False
        await self._take(self._pieces.popleft())
        return True

    def _hear(self, data: bytes) -> None:
        """Kept before anything else is awaited: whoever reads may be cancelled."""
        self._heard = clock.now()
        self._pieces.extend(self._splitter.feed(data))

    async def _take(self, piece: bytes) -> None:
        if piece == REQ:
            await self._stream.write(self._answer)
        elif len(piece) == 1:
            self._signal = piece if piece in ACK + NAK else self._signal
            self._last, self._answer = b"", NAK  # its frame is over; if it asks now we missed one
        else:
            self._accept(piece)
            await self._stream.write(ACK)

    def _accept(self, frame: bytes) -> None:
        self._answer = ACK
        if frame == self._last:
            return
        self._last = frame
        body = decode_frame(frame)
        answer = answer_in(body, self._preamble)
        if answer:
            self._lost += self._damaged
        self._damaged = 0
        self._bodies.append(answer or body)

    async def _refuse(self) -> None:
        self._damaged += self._splitter.give_up()
        self._answer = NAK
        await self._stream.write(NAK)
