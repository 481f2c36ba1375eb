"""Questions and answers with one Panasonic marker: in step, in one command mode, refusals named.

Whenever step was lost, and at first, the marker's mode is looked at again: one that was switched
off and on comes back in the mode of its own settings (N p.155). So no reply is ever read by the
other mode's layout.
"""

from collections.abc import Callable
from typing import TypeVar

from drivers import clock
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
from drivers.panasonic_lp.codec import Accepted, Answer, Command, Format, Message, Mode, Refused
from drivers.remembered import remembered
from drivers.transport import open_stream

TRIES = 3
_WRONG_STATE = "03"
_Value = TypeVar("_Value")
_encode = remembered(codec.encode)
_decode = remembered(codec.decode)


class Conversation:
    """One command in flight. A line that has ended is closed, so that `open` opens it again."""

    def __init__(
        self, url: str, form: Format, set_mode: bool, reply_seconds: float, name: str
    ) -> None:
        self._url = url
        self._form = form
        self._set_mode = set_mode
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
                return self._value(reply, parse, operation)
            except (LinkTimeout, ProtocolError):
                if tries == TRIES:
                    raise

    async def tell(self, name: str, data: str, operation: str) -> None:
        """Set; never repeated. Raises DeviceRefused, or DeviceFault for an alarm before arming."""
        reply = await self.request(Command(name, "S", data), operation)
        if isinstance(reply, Refused):
            if reply.cause == codec.ALARM and operation == "select_job":
                raise DeviceFault(self._name, operation, codec.CAUSES[codec.ALARM], "NAK 10")
            raise self.refusal(reply, operation)
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
            data = _encode(command, self._form)
            frame = await link.request(data, self._reply_seconds, operation)
            reply = self._decoded(frame, operation)
        except LinkClosed:
            await self.close()
            raise
        except DeviceError:
            link.spoiled = True
            raise
        if codec.names_another(reply, command.name):
            raise self.unexpected(reply, operation)
        return reply

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

    def refusal(self, reply: Refused, operation: str) -> DeviceRefused:
        meaning = codec.CAUSES.get(reply.cause, "a cause that the manual does not list")
        if reply.item not in ("", "00"):
            meaning += f", item {int(reply.item)}"
        return DeviceRefused(self._name, operation, meaning, vendor_code=reply.cause)

    def unexpected(self, reply: Message, operation: str) -> UnexpectedReply:
        """A reply of the wrong kind: from here on, step is lost."""
        self._link(operation).spoiled = True
        return UnexpectedReply(self._name, operation, f"{reply!r} answers something else")

    def _link(self, operation: str) -> Exchange:
        if self._exchange is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._exchange

    async def _fall_in(self, link: Exchange, operation: str) -> None:
        """Get in step again, in our mode. Compatible replies carry no number but come in order:
        once a question that is not outstanding is answered, every older reply has come.
        """
        if self._failed != "FNO":
            await self._ask(link, "FNO", operation)
        told = self._mode_of(await self._ask(link, "STS", operation), operation)
        if told != self._form.mode:
            await self._switch(link, told, operation)

    async def _switch(self, link: Exchange, told: Mode, operation: str) -> None:
        """Change the marker's mode, if that is allowed; STS tells whether it did."""
        wanted = self._form.mode
        unlike = f"it answers in {told} command mode, and the option mode is {wanted}"
        if not self._set_mode:
            raise UnexpectedReply(
                self._name, operation, f"{unlike}: set it there, or allow RSM with set_mode"
            )
        self._failed = "RSM"
        data = _encode(Command("RSM", "S", codec.flag(wanted == "standard")), self._form)
        # Answered in the mode before (N p.155), or refused in either: the next answer decides.
        await link.request(data, self._reply_seconds, operation)
        if self._mode_of(await self._ask(link, "STS", operation), operation) != wanted:
            raise UnexpectedReply(
                self._name, operation, f"{unlike}: RSM did not change it (LP-400/V compatibility?)"
            )

    async def _ask(self, link: Exchange, name: str, operation: str) -> str:
        """What that readout answers; whatever else comes is passed over."""
        self._failed = name
        deadline = clock.now() + self._reply_seconds
        data = _encode(Command(name, "R"), self._form)
        frame = await link.request(data, self._reply_seconds, operation)
        while (answer := self._answer(frame, name)) is None:
            frame = await link.receive(deadline - clock.now(), operation)
        return answer

    def _answer(self, frame: bytes, name: str) -> str | None:
        """An answer is the same frame in both modes; what it says may not be."""
        try:
            reply = _decode(frame, self._form)
        except codec.MalformedError:
            return None
        return reply.data if isinstance(reply, Answer) and reply.name == name else None

    def _mode_of(self, status: str, operation: str) -> Mode:
        try:
            return codec.status_mode(status)
        except codec.MalformedError as fault:
            raise UnexpectedReply(self._name, operation, str(fault)) from fault

    def _value(self, reply: Message, parse: Callable[[str], _Value], operation: str) -> _Value:
        if isinstance(reply, Refused):
            raise self.refusal(reply, operation)
        if not isinstance(reply, Answer):
            raise self.unexpected(reply, operation)
        try:
            return parse(reply.data)
        except codec.MalformedError as fault:
            raise UnexpectedReply(self._name, operation, str(fault)) from fault

    def _decoded(self, frame: bytes, operation: str) -> Message:
        try:
            return _decode(frame, self._form)
        except codec.ChecksumError as fault:
            raise BadChecksum(self._name, operation, str(fault)) from fault
        except codec.MalformedError as fault:
            raise BadFrame(self._name, operation, str(fault)) from fault
