"""Questions and answers with one Panasonic marker: in step, refusals named, end reports apart."""

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from drivers.errors import (
    BadChecksum,
    BadFrame,
    DeviceError,
    DeviceFault,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    ProtocolError,
    UnexpectedReply,
)
from drivers.exchange import Exchange
from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import Accepted, Answer, Command, Format, Message, Refused
from drivers.transport import open_stream

TRIES = 3
_WRONG_STATE = "03"
_Value = TypeVar("_Value")


class Conversation:
    """One command in flight. A line that has ended is closed, so that `open` opens it again."""

    def __init__(self, url: str, form: Format, reply_seconds: float, name: str) -> None:
        self._url = url
        self._form = form
        self._reply_seconds = reply_seconds
        self._name = name
        self._exchange: Exchange | None = None
        self._failed = ""
        """The command whose reply may still come, while the exchange is spoiled."""

    async def open(self) -> None:
        if self._exchange is None:
            stream = await open_stream(self._url, self._name)
            splitter = codec.Splitter(self._form)
            self._exchange = Exchange(stream, self._name, splitter, codec.is_end_report)
            # What the line or a serial server still holds is no answer to us.
            self._exchange.spoiled = True
            self._failed = ""

    async def close(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def read(self, name: str, parse: Callable[[str], _Value], operation: str) -> _Value:
        """Read out; repeated after a failure of the line, for reading changes nothing."""
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self.request(Command(name, "R"), operation)
                return self._value(reply, name, parse, operation)
            except (LinkTimeout, ProtocolError):
                if tries == TRIES:
                    raise

    async def tell(self, name: str, data: str, operation: str) -> None:
        """Set; never repeated. Raises DeviceRefused, or DeviceFault for an alarm before arming."""
        reply = await self.request(Command(name, "S", data), operation)
        if isinstance(reply, Refused):
            if reply.cause == codec.ALARM and operation == "select_job":
                raise DeviceFault(self._name, operation, codec.CAUSES[codec.ALARM], "NAK 10")
            raise self.refusal(reply.cause, operation)
        if not isinstance(reply, Accepted):
            raise self.unexpected(reply, operation)

    async def tell_unless_so(self, name: str, data: str, operation: str) -> None:
        """Set what the marker refuses as a wrong state when it is so already, or not yet."""
        try:
            await self.tell(name, data, operation)
        except DeviceRefused as refusal:
            if refusal.vendor_code != _WRONG_STATE:
                raise

    async def request(self, command: Command, operation: str) -> Message:
        """One command and its reply, whatever it is. Raises LinkError, ProtocolError."""
        link = self._link(operation)
        try:
            if link.spoiled:
                await self._fall_in(link, operation)
            self._failed = command.name
            data = codec.encode(command, self._form)
            frame = await link.request(data, self._reply_seconds, operation)
            return self._decoded(frame, operation)
        except LinkClosed:
            await self.close()
            raise
        except DeviceError:
            link.spoiled = True
            raise

    async def reports(self, operation: str) -> list[bytes]:
        """The end reports that have come by now. Raises LinkClosed, BadFrame."""
        try:
            return await self._link(operation).drain(operation)
        except LinkClosed:
            await self.close()
            raise

    async def next_report(self, seconds: float, operation: str) -> bytes | None:
        """The next end report, or None if there is none in time. Raises LinkClosed, BadFrame."""
        try:
            return await self._link(operation).next_unsolicited(seconds, operation)
        except LinkTimeout:
            return None
        except LinkClosed:
            await self.close()
            raise

    def refusal(self, cause: str, operation: str) -> DeviceRefused:
        meaning = codec.CAUSES.get(cause, "a cause that the manual does not list")
        return DeviceRefused(self._name, operation, meaning, vendor_code=cause)

    def unexpected(self, reply: Message, operation: str) -> UnexpectedReply:
        """A reply of the wrong kind: from here on, step is lost."""
        self._link(operation).spoiled = True
        return UnexpectedReply(self._name, operation, f"{reply!r} answers something else")

    def _link(self, operation: str) -> Exchange:
        if self._exchange is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._exchange

    async def _fall_in(self, link: Exchange, operation: str) -> None:
        """Get in step again. Replies carry no number but come in order: once a question that is
        not outstanding is answered, every older reply has come.
        """
        question = Command("STS" if self._failed == "FNO" else "FNO", "R")
        self._failed = question.name
        deadline = monotonic() + self._reply_seconds
        data = codec.encode(question, self._form)
        frame = await link.request(data, self._reply_seconds, operation)
        while not self._answers(frame, question.name):
            frame = await link.receive(deadline - monotonic(), operation)

    def _answers(self, frame: bytes, name: str) -> bool:
        try:
            reply = codec.decode(frame, self._form)
        except codec.MalformedError:
            return False
        return isinstance(reply, Answer) and reply.name == name

    def _value(
        self, reply: Message, name: str, parse: Callable[[str], _Value], operation: str
    ) -> _Value:
        if isinstance(reply, Refused):
            raise self.refusal(reply.cause, operation)
        if not isinstance(reply, Answer) or reply.name != name:
            raise self.unexpected(reply, operation)
        try:
            return parse(reply.data)
        except codec.MalformedError as fault:
            raise UnexpectedReply(self._name, operation, str(fault)) from fault

    def _decoded(self, frame: bytes, operation: str) -> Message:
        try:
            return codec.decode(frame, self._form)
        except codec.ChecksumError as fault:
            raise BadChecksum(self._name, operation, str(fault)) from fault
        except codec.MalformedError as fault:
            raise BadFrame(self._name, operation, str(fault)) from fault
