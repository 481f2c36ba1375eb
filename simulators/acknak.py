"""A Microscan reader's side of the ACK/NAK protocol: one frame at a time, until it is acknowledged.

A frame that is answered NAK is sent again, three times. One that nothing answers in time is given
up (Quadrus MINI manual, page A-16); if REQ and RES are on (`asks`), the reader first asks three
times, and ends each transfer with RES. What comes while no answer is waited for means nothing.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from drivers.microscan.acknak import (
    ACK,
    NAK,
    REQ,
    RES,
    RETRIES,
    Splitter,
    decode_frame,
    encode_frame,
)
from simulators.pipe import Wire

_COMMAND = re.compile(rb"<[^<>]*>\Z")
_GAP_SECONDS = 0.05


class AckNak:
    """`later` runs what the reader does in its own time."""

    def __init__(
        self,
        later: Callable[[str, Coroutine[Any, Any, None]], None],
        answer_seconds: float,
        asks: bool,
    ) -> None:
        self._later = later
        self._answer_seconds = answer_seconds
        self._asks = asks
        self._wire: Wire | None = None
        self._splitter = Splitter(lambda body: _COMMAND.match(body) is not None)
        self._frames: deque[bytes] = deque()
        self._sending = False
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.naks = 0
        """Frames of the host that were rejected."""
        self.repeats = 0
        """Frames that the host had sent again."""

    def forget(self) -> None:
        """It was switched off."""
        self._frames.clear()
        self._splitter.give_up()

    async def hear(self, wire: Wire, data: bytes) -> list[bytes]:
        """The commands that came over well; they are acknowledged."""
        self._wire = wire
        commands = []
        for piece in self._splitter.feed(data):
            if len(piece) > 1:
                await wire.write(ACK)
                commands.append(decode_frame(piece))
            elif self._sending and piece in ACK + NAK:
                self._answers.put_nowait(piece)
        self._later("silence", self._silence(wire))
        return commands

    def send(self, wire: Wire, body: bytes) -> None:
        self._wire = wire
        self._frames.append(encode_frame(body))
        if not self._sending:
            self._sending = True
            self._later("frames", self._send_all())

    async def _silence(self, wire: Wire) -> None:
        await asyncio.sleep(_GAP_SECONDS)
        if self._splitter.unfinished:
            self._splitter.give_up()
            self.naks += 1
            await wire.write(NAK)

    async def _send_all(self) -> None:
        try:
            while self._frames:
                self._answers = asyncio.Queue()
                await self._transfer(self._frames.popleft())
        finally:
            self._sending = False

    async def _transfer(self, frame: bytes) -> None:
        await self._say(frame)
        rejected = asked = 0
        while True:
            try:
                async with asyncio.timeout(self._answer_seconds):
                    answer = await self._answers.get()
            except TimeoutError:
                if not self._asks or asked == RETRIES:
                    break
                asked += 1
                await self._say(REQ)
                continue
            if answer == ACK or rejected == RETRIES:
                break
            rejected += 1
            self.repeats += 1
            await self._say(frame)
        if self._asks:
            await self._say(RES)

    async def _say(self, data: bytes) -> None:
        assert self._wire is not None
        await self._wire.write(data)
