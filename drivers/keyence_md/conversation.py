"""Questions and commands with one Keyence MD marker: in step, refusals named, busy waited out."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from drivers import clock
from drivers.errors import (
    BadFrame,
    DeviceError,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    ProtocolError,
    UnexpectedReply,
)
from drivers.exchange import Exchange
from drivers.keyence_md import codec
from drivers.keyence_md.codec import (
    Answer,
    Command,
    Dialect,
    Question,
    Read,
    Refused,
    Reply,
    SetLock,
    Write,
)
from drivers.remembered import remembered
from drivers.transport import open_stream

TRIES = 3
_encode = remembered(codec.encode_command)
_decode = remembered(codec.decode_reply)


@dataclass(frozen=True)
class Patience:
    """How long what may take, in seconds."""

    reply: float
    busy: float
    """So long a command is sent again that was refused because the marker was busy."""
    poll: float
    quiet: float
    """So long the line has to be still after a failure."""


_Value = TypeVar("_Value")


class Conversation:
    """One command in flight. A line that has ended is closed, so that `open` opens it again.

    Replies carry no number, but those to RX and to WX can be told apart. So after a failure one of
    the other kind is exchanged, and once that is answered every older reply has come: after a WX
    command the state is asked for, after a question the triggers are locked, which starts nothing.
    Who only looks locks nothing: then the line is opened anew instead.
    """

    def __init__(self, url: str, dialect: Dialect, patience: Patience, name: str) -> None:
        self._url = url
        self._dialect = dialect
        self._patience = patience
        self._name = name
        self._exchange: Exchange | None = None
        self._failed: Command | None = None
        """The command whose reply may still come, while step is lost."""
        self._only_looks = False
        self.locked_blindly = False
        """It was locked to get in step: whether it was locked before is not to be seen any more."""

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Nothing but questions is sent meanwhile, whatever fails."""
        self._only_looks = True
        try:
            yield
        finally:
            self._only_looks = False

    async def open(self) -> None:
        if self._exchange is None:
            stream = await open_stream(self._url, self._name)
            quiet = self._patience.quiet
            self._exchange = Exchange(stream, self._name, codec.Splitter(), quiet=quiet)
            # What the line or a serial server still holds is no answer to us.
            self._exchange.spoiled = True
            self._failed = None

    async def close(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def ask(
        self, question: Read, parse: Callable[[Answer], _Value], operation: str
    ) -> _Value:
        """Ask; repeated after a failure of the line and while it is busy, for asking changes
        nothing. Raises LinkError, ProtocolError; never DeviceRefused, for a question that is
        declined says nothing of a shot.
        """
        reply = await self.wonder(question, parse, operation)
        if isinstance(reply, Refused):
            detail = f"a question was declined: {codec.meaning(reply)} ({reply.code})"
            raise UnexpectedReply(self._name, operation, detail)
        return reply

    async def twice(
        self, question: Read, parse: Callable[[Answer], _Value], operation: str
    ) -> _Value:
        """Ask until two answers in a row agree: the line has no checksum, and much can hang on one
        digit. Errors as `ask`.
        """
        before = await self.ask(question, parse, operation)
        while (now := await self.ask(question, parse, operation)) != before:
            before = now
        return now

    async def wonder(
        self, question: Read, parse: Callable[[Answer], _Value], operation: str
    ) -> _Value | Refused:
        """As `ask`, for what it may decline to tell."""
        tries = 0
        deadline = clock.now() + self._patience.busy
        while True:
            try:
                reply = await self._request(question, operation)
                if isinstance(reply, Refused):
                    if reply.busy and clock.now() < deadline:
                        await asyncio.sleep(self._patience.poll)
                        continue
                    return reply
                assert isinstance(reply, Answer)
                return parse(reply)
            except (codec.MalformedError, LinkTimeout, ProtocolError) as fault:
                self._failed = self._failed or question  # a wrong value may be another's answer
                tries += 1
                if tries == TRIES:
                    if isinstance(fault, codec.MalformedError):
                        raise UnexpectedReply(self._name, operation, str(fault)) from fault
                    raise

    async def tell(self, command: Write, operation: str) -> None:
        """Have a command carried out; it is sent again only where it was refused because the
        marker was busy. Raises DeviceRefused, LinkError, ProtocolError.
        """
        deadline = clock.now() + self._patience.busy
        while refused := await self.order(command, operation):
            if not refused.busy or clock.now() > deadline:
                raise self.refusal(refused, operation)
            await asyncio.sleep(self._patience.poll)

    async def order(
        self, command: Write, operation: str, seconds: float | None = None
    ) -> Refused | None:
        """Send a command once, and what it was refused for. Raises LinkError, ProtocolError."""
        reply = await self._request(command, operation, seconds)
        return reply if isinstance(reply, Refused) else None

    def refusal(self, refused: Refused, operation: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, codec.meaning(refused), refused.code)

    async def _request(
        self, command: Command, operation: str, seconds: float | None = None
    ) -> Reply:
        """One command and the reply to it, of its own kind."""
        link = self._link(operation)
        try:
            if (
                self._only_looks
                and self._failed is not None
                and not isinstance(self._failed, Write)
            ):
                await self.close()
                await self.open()
                link = self._link(operation)
            elif self._failed is not None:
                await self._fall_in(link, operation)
            return await self._exchanged(link, command, operation, seconds or self._patience.reply)
        except LinkClosed:
            await self.close()
            raise
        except DeviceError:
            self._failed = self._failed or command
            raise

    async def _exchanged(
        self, link: Exchange, command: Command, operation: str, seconds: float
    ) -> Reply:
        data = _encode(command, self._dialect)
        self._failed = command
        reply = self._decoded(await link.request(data, seconds, operation), operation)
        asked = not isinstance(command, Write)
        kind = reply.asked if isinstance(reply, Refused) else isinstance(reply, Answer)
        if kind is not asked:
            raise UnexpectedReply(self._name, operation, f"{reply!r} answers something else")
        self._failed = None
        return reply

    async def _fall_in(self, link: Exchange, operation: str) -> None:
        asked = isinstance(self._failed, Write)
        question: Command = Question.READY if asked else SetLock(True)
        self.locked_blindly |= not asked
        self._failed = question
        deadline = clock.now() + self._patience.reply
        data = _encode(question, self._dialect)
        frame = await link.request(data, self._patience.reply, operation)
        while not codec.answers(frame, asked):
            frame = await link.receive(deadline - clock.now(), operation)
        self._failed = None

    def _link(self, operation: str) -> Exchange:
        if self._exchange is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._exchange

    def _decoded(self, frame: bytes, operation: str) -> Reply:
        try:
            return _decode(frame)
        except codec.MalformedError as fault:
            raise BadFrame(self._name, operation, str(fault)) from fault
