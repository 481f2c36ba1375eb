"""How a DataMan is asked: with numbered replies (extended), or by the order of its lines (silent).

Extended: each command has a number and its reply the same one, so that a late reply is told apart.
What was read is kept in its order.

Silent: only a GET is answered, and its answer is a line like any other. So each command is followed
by a *fence*, a question whose answer is known: the type of the device, which is asked for twice
when the wire is opened. The line keeps its order, so what comes before that answer was sent before
it. Whether the reader carried a command out it does not say.
"""

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from drivers.cognex_dmcc.codec import (
    EXTENDED,
    RESPONSE,
    SILENT,
    TYPE,
    ChecksumError,
    Command,
    FrameError,
    Reply,
    Results,
    Span,
    Splitter,
    Status,
    decode_reply,
    decode_result,
    decode_text,
    encode_command,
    is_reply,
    question,
    setting,
    status_name,
)
from drivers.errors import BadChecksum, BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.exchange import Exchange
from drivers.transport import ByteStream

_LAST_NUMBER = 9999
_NOISE_SECONDS = 2.0


def numbers() -> Iterator[int]:
    """Numbers of commands: they go on over connections, a late reply may come after one."""
    return itertools.cycle(range(1, _LAST_NUMBER + 1))


class Link(Protocol):
    """One reader's wire, whichever way it answers. Errors: DeviceError."""

    @property
    def garbage(self) -> int:
        """Bytes so far that were no line, or only a part of one."""

    async def begin(self, configure: bool, operation: str) -> None:
        """Have the reader answer in this way, and hear that it does."""

    async def command(self, text: str, operation: str) -> None:
        """Have the reader take a command."""

    async def question(self, parameter: str, operation: str) -> str:
        """The value of a parameter."""

    async def result(self, seconds: float, operation: str) -> bytes | None:
        """The oldest thing that was read and not taken, or None after `seconds`."""

    async def forget_earlier(self, operation: str) -> None:
        """Drop what came before the last command was acknowledged."""

    async def settle(self, quiet: float, operation: str) -> None:
        """Drop what was read and not taken, until nothing has come for `quiet` seconds and the
        reader has answered a question after that. Raises BadFrame if it goes on.
        """

    async def close(self) -> None: ...


async def _drop(exchange: Exchange, quiet: float, device: str, operation: str) -> None:
    """Drop what was read, whole or damaged, until nothing has come for `quiet` seconds."""
    limit = time.monotonic() + _NOISE_SECONDS
    await exchange.drain(operation)
    with contextlib.suppress(LinkTimeout):
        while True:
            await exchange.next_unsolicited(quiet, operation)
            if time.monotonic() > limit:
                raise BadFrame(device, operation, "the reader does not become quiet")


class Extended:
    """A reader that answers each command with a reply of its number."""

    def __init__(
        self,
        stream: ByteStream,
        device: str,
        idents: Iterator[int],
        reply_seconds: float,
        results: Results,
        checked: bool,
        span: Span,
        mode: int = EXTENDED,
    ) -> None:
        self._device = device
        self._idents = idents
        self._seconds = reply_seconds
        self._results = results
        self._checked = checked
        self._span = span
        self._mode = mode
        self._splitter = Splitter(marked=results is Results.BASE64)
        self._exchange = Exchange(
            stream, device, self._splitter, unsolicited=lambda frame: not is_reply(frame)
        )

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, configure: bool, operation: str) -> None:
        if configure:
            # A reader that was silent until now may leave this one without a reply.
            text = setting(RESPONSE, self._mode)
            command = Command(text, next(self._idents), self._checked)
            await self._exchange.send(encode_command(command, self._span))
        await self._exchange.resynchronise(operation)
        await self.question(TYPE, operation)

    async def command(self, text: str, operation: str) -> None:
        await self._ask(text, operation)

    async def question(self, parameter: str, operation: str) -> str:
        return (await self._ask(question(parameter), operation)).decode("latin-1").strip()

    async def result(self, seconds: float, operation: str) -> bytes | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        try:
            return decode_result(frame, self._results, self._span)
        except ChecksumError as fault:
            raise BadChecksum(self._device, operation, str(fault)) from fault
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault

    async def forget_earlier(self, operation: str) -> None:
        # What came behind the acknowledgement has not been sorted yet.
        for _ in range(self._exchange.waiting):
            await self._exchange.next_unsolicited(0.0, operation)

    async def settle(self, quiet: float, operation: str) -> None:
        await _drop(self._exchange, quiet, self._device, operation)
        await self.question(TYPE, operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _ask(self, text: str, operation: str) -> bytes:
        ident = next(self._idents)
        deadline = time.monotonic() + self._seconds
        data = encode_command(Command(text, ident, self._checked), self._span)
        reply = self._decoded(
            await self._exchange.request(data, self._seconds, operation), operation
        )
        while reply.ident != ident:  # of a command that was given up before
            left = deadline - time.monotonic()
            reply = self._decoded(await self._exchange.receive(left, operation), operation)
        if reply.status == Status.OK:
            return reply.data
        name = status_name(reply.status)
        if reply.status == Status.CHECKSUM_INCORRECT:
            raise BadChecksum(self._device, operation, f"the reader says {name}")
        raise DeviceRefused(self._device, operation, name, str(reply.status))

    def _decoded(self, frame: bytes, operation: str) -> Reply:
        try:
            return decode_reply(frame, self._span)
        except ChecksumError as fault:
            raise BadChecksum(self._device, operation, str(fault)) from fault
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault


class Silent:
    """A reader that answers questions alone, without a header."""

    def __init__(
        self, stream: ByteStream, device: str, reply_seconds: float, checked: bool, span: Span
    ) -> None:
        self._device = device
        self._seconds = reply_seconds
        self._checked = checked
        self._span = span
        self._splitter = Splitter()
        self._exchange = Exchange(stream, device, self._splitter, unsolicited=lambda _: True)
        self._read: deque[bytes] = deque()
        self._type = b""

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, configure: bool, operation: str) -> None:
        if configure:
            await self._send(setting(RESPONSE, SILENT))
        await self._exchange.resynchronise(operation)
        await self._exchange.drain(operation)
        await self._send(question(TYPE))
        self._type = await self._line(self._seconds, operation)
        await self._fence(operation)
        if self._read:
            raise UnexpectedReply(self._device, operation, "the reader sends what nobody asked for")

    async def command(self, text: str, operation: str) -> None:
        await self._send(text)
        await self._fence(operation)

    async def question(self, parameter: str, operation: str) -> str:
        if parameter == TYPE:
            await self._fence(operation)
            return self._type.decode("latin-1").strip()
        await self.command(question(parameter), operation)
        if not self._read:
            raise UnexpectedReply(self._device, operation, f"no answer to GET {parameter}")
        return self._read.pop().decode("latin-1").strip()

    async def result(self, seconds: float, operation: str) -> bytes | None:
        if self._read:
            return self._read.popleft()
        deadline = time.monotonic() + seconds
        try:
            while (line := await self._line(deadline - time.monotonic(), operation)) == self._type:
                pass  # a fence's answer, doubled by the line
        except LinkTimeout:
            return None
        return line

    async def forget_earlier(self, operation: str) -> None:
        """Nothing: the fence may be answered when the trigger is over."""

    async def settle(self, quiet: float, operation: str) -> None:
        await _drop(self._exchange, quiet, self._device, operation)
        await self._fence(operation)
        await self._exchange.drain(operation)
        self._read.clear()

    async def close(self) -> None:
        await self._exchange.close()

    async def _send(self, text: str) -> None:
        await self._exchange.send(encode_command(Command(text, None, self._checked), self._span))

    async def _line(self, seconds: float, operation: str) -> bytes:
        frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        return decode_text(frame)

    async def _fence(self, operation: str) -> None:
        deadline = time.monotonic() + self._seconds
        await self._send(question(TYPE))
        while (line := await self._line(deadline - time.monotonic(), operation)) != self._type:
            self._read.append(line)
