"""A SICK reader over CoLa A as a CodeReader.

Set on the reader: the reading gate is opened and closed by commands; one telegram a code, `NoRead`
where there was none. What makes a look count is in `drivers.triggered`; this is only how such a
reader is asked. An answer carries no number: after a failure the session has to go on with the wire
opened anew.
"""

from pydantic import BaseModel, ConfigDict, Field

from drivers.catalog import Kind
from drivers.errors import BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.exchange import Exchange
from drivers.protocols import Identity
from drivers.transport import ByteStream
from drivers.triggered import Link, Result, TriggeredReader, drop
from gjurma_sick_cola import codec
from gjurma_sick_cola.codec import FrameError, Telegram


class Options(BaseModel):
    """What can be set for a `sick-cola` reader; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    no_read: str = Field(default=codec.NO_READ, min_length=1)
    """What the reader sends when it read nothing, as it is set there."""
    reply_seconds: float = Field(default=2.0, gt=0)
    """How long an answer may take."""
    result_seconds: float = Field(default=1.0, gt=0)
    """How long after the gate was closed the reader may still tell how it ended."""
    linger: float = Field(default=0.05, gt=0)
    """How long after a code to wait for another; so long nothing may come before a session."""


class CoLa:
    """One reader's wire: a `drivers.triggered.Link`."""

    def __init__(self, stream: ByteStream, device: str, reply_seconds: float) -> None:
        self._device = device
        self._seconds = reply_seconds
        self._splitter = codec.Splitter()
        self._exchange = Exchange(
            stream, device, self._splitter, unsolicited=lambda frame: not codec.is_answer(frame)
        )

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, operation: str) -> None:
        await self._exchange.resynchronise(operation)
        await self.identify(operation)

    async def identify(self, operation: str) -> Identity:
        frame = await self._ask(Telegram("sRN", codec.IDENT), "sRA", operation)
        try:
            name, version = codec.decode_ident(frame)
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault
        return Identity("SICK", name, version)

    async def trigger(self, operation: str) -> None:
        await self._call(codec.GATE_ON, operation)

    async def stop(self, operation: str) -> None:
        await self._call(codec.GATE_OFF, operation)

    async def result(self, seconds: float, operation: str) -> Result | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        return Result(codec.opened(frame))

    async def forget_earlier(self, operation: str) -> None:
        for _ in range(self._exchange.waiting):
            await self._exchange.next_unsolicited(0.0, operation)

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self.identify(operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _call(self, method: str, operation: str) -> None:
        frame = await self._ask(Telegram("sMN", method), "sAN", operation)
        if codec.decode(frame).values != ("1",):
            raise DeviceRefused(self._device, operation, f"{method} was not done", "0")

    async def _ask(self, telegram: Telegram, kind: str, operation: str) -> bytes:
        frame = await self._exchange.request(codec.encode(telegram), self._seconds, operation)
        try:
            answer = codec.decode(frame)
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault
        if answer.type == "sFA":
            raise DeviceRefused(self._device, operation, f"error {answer.name}", answer.name)
        if (answer.type, answer.name) != (kind, telegram.name):
            detail = f"{answer.type} {answer.name} answers something else"
            raise UnexpectedReply(self._device, operation, detail)
        return frame


class SickCola(TriggeredReader):
    """Implements `drivers.protocols.CodeReader`."""

    def __init__(self, url: str, options: Options, name: str) -> None:
        super().__init__(
            url,
            name,
            self._link_on,
            no_read=options.no_read,
            linger=options.linger,
            result_seconds=options.result_seconds,
            aim_identifiers=False,
        )
        self._seconds = options.reply_seconds

    def _link_on(self, stream: ByteStream) -> Link:
        return CoLa(stream, self._name, self._seconds)


# `strangers`: a question for who is there sets and triggers nothing, so that it may be tried.
KIND = Kind("sick-cola", "reader", Options, SickCola, strangers=({},), explain=codec.explain)
