"""How a DataMan is asked: with numbered replies (extended), or by the order of its lines (silent).

Extended: each command has a number and its reply the same one, so that a late reply is told apart.
What was read is kept in its order.

Silent: only a GET is answered, and its answer is a line like any other. So each command is followed
by a *fence*, a question whose answer is known: the type of the device, which is asked for twice
when the wire is opened. The line keeps its order, so what comes before that answer was sent before
it. Whether the reader carried a command out it does not say.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from drivers import clock
from drivers.cognex_dmcc.codec import (
    EXTENDED,
    FIRMWARE,
    RESPONSE,
    SILENT,
    TRIGGER_OFF,
    TRIGGER_ON,
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
from drivers.protocols import Identity
from drivers.transport import ByteStream
from drivers.triggered import Result, drop

_LAST_NUMBER = 9999


def numbers() -> Iterator[int]:
    """Numbers of commands: they go on over connections, a late reply may come after one."""
    return itertools.cycle(range(1, _LAST_NUMBER + 1))


@dataclass(frozen=True, slots=True)
class Ways:
    """How a reader is set, and how long its replies may take."""

    configure: bool = True
    mode: int = EXTENDED
    reply_seconds: float = 2.0
    results: Results = Results.BASE64
    checked: bool = False
    span: Span = Span.WHOLE


class Extended:
    """A reader that answers each command with a reply of its number."""

    def __init__(self, stream: ByteStream, device: str, ways: Ways, idents: Iterator[int]) -> None:
        self._device = device
        self._ways = ways
        self._idents = idents
        self._splitter = Splitter(marked=ways.results is Results.BASE64)
        self._exchange = Exchange(
            stream, device, self._splitter, unsolicited=lambda frame: not is_reply(frame)
        )

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, operation: str) -> None:
        if self._ways.configure:
            # A reader that was silent until now may leave this one without a reply.
            text = setting(RESPONSE, self._ways.mode)
            await self._exchange.send(self._encoded(text, next(self._idents)))
        await self._exchange.resynchronise(operation)
        await self._ask(question(TYPE), operation)

    async def identify(self, operation: str) -> Identity:
        model = await self._ask(question(TYPE), operation)
        return _identity(model, await self._ask(question(FIRMWARE), operation))

    async def trigger(self, operation: str) -> None:
        await self._ask(TRIGGER_ON, operation)

    async def stop(self, operation: str) -> None:
        try:
            await self._ask(TRIGGER_OFF, operation)
        except DeviceRefused as refusal:
            # Unverified: a reader without a trigger may say so in this way, or with OK.
            if refusal.vendor_code != str(Status.REJECTED_BY_STATE.value):
                raise

    async def result(self, seconds: float, operation: str) -> Result | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        try:
            return Result(decode_result(frame, self._ways.results, self._ways.span))
        except ChecksumError as fault:
            raise BadChecksum(self._device, operation, str(fault)) from fault
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault

    async def forget_earlier(self, operation: str) -> None:
        # What came behind the acknowledgement has not been sorted yet.
        for _ in range(self._exchange.waiting):
            await self._exchange.next_unsolicited(0.0, operation)

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self._ask(question(TYPE), operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _ask(self, text: str, operation: str) -> bytes:
        ident = next(self._idents)
        seconds = self._ways.reply_seconds
        deadline = clock.now() + seconds
        frame = await self._exchange.request(self._encoded(text, ident), seconds, operation)
        reply = self._decoded(frame, operation)
        while reply.ident != ident:  # of a command that was given up before
            left = deadline - clock.now()
            reply = self._decoded(await self._exchange.receive(left, operation), operation)
        if reply.status == Status.OK:
            return reply.data
        name = status_name(reply.status)
        if reply.status == Status.CHECKSUM_INCORRECT:
            raise BadChecksum(self._device, operation, f"the reader says {name}")
        raise DeviceRefused(self._device, operation, name, str(reply.status))

    def _encoded(self, text: str, ident: int) -> bytes:
        return encode_command(Command(text, ident, self._ways.checked), self._ways.span)

    def _decoded(self, frame: bytes, operation: str) -> Reply:
        try:
            return decode_reply(frame, self._ways.span)
        except ChecksumError as fault:
            raise BadChecksum(self._device, operation, str(fault)) from fault
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault


class Silent:
    """A reader that answers questions alone, without a header."""

    def __init__(self, stream: ByteStream, device: str, ways: Ways) -> None:
        self._device = device
        self._ways = ways
        self._splitter = Splitter()
        self._exchange = Exchange(stream, device, self._splitter, unsolicited=lambda _: True)
        self._read: deque[bytes] = deque()
        self._type = b""

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, operation: str) -> None:
        if self._ways.configure:
            await self._send(setting(RESPONSE, SILENT))
        await self._exchange.resynchronise(operation)
        await self._exchange.drain(operation)
        await self._send(question(TYPE))
        self._type = await self._line(self._ways.reply_seconds, operation)
        await self._fence(operation)
        if self._read:
            raise UnexpectedReply(self._device, operation, "the reader sends what nobody asked for")

    async def identify(self, operation: str) -> Identity:
        await self._command(question(FIRMWARE), operation)
        if not self._read:
            raise UnexpectedReply(self._device, operation, f"no answer to GET {FIRMWARE}")
        return _identity(self._type, self._read.pop())

    async def trigger(self, operation: str) -> None:
        await self._command(TRIGGER_ON, operation)

    async def stop(self, operation: str) -> None:
        await self._command(TRIGGER_OFF, operation)

    async def result(self, seconds: float, operation: str) -> Result | None:
        if self._read:
            return Result(self._read.popleft())
        deadline = clock.now() + seconds
        try:
            while (line := await self._line(deadline - clock.now(), operation)) == self._type:
                pass  # a fence's answer, doubled by the line
        except LinkTimeout:
            return None
        return Result(line)

    async def forget_earlier(self, operation: str) -> None:
        """Nothing: the fence may be answered when the trigger is over."""

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self._fence(operation)
        await self._exchange.drain(operation)
        self._read.clear()

    async def close(self) -> None:
        await self._exchange.close()

    async def _command(self, text: str, operation: str) -> None:
        await self._send(text)
        await self._fence(operation)

    async def _send(self, text: str) -> None:
        command = Command(text, None, self._ways.checked)
        await self._exchange.send(encode_command(command, self._ways.span))

    async def _line(self, seconds: float, operation: str) -> bytes:
        frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        return decode_text(frame)

    async def _fence(self, operation: str) -> None:
        deadline = clock.now() + self._ways.reply_seconds
        await self._send(question(TYPE))
        while (line := await self._line(deadline - clock.now(), operation)) != self._type:
            self._read.append(line)


def _identity(model: bytes, firmware: bytes) -> Identity:
    return Identity("Cognex", model.decode("latin-1").strip(), firmware.decode("latin-1").strip())
