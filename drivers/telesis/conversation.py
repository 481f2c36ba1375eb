"""Messages and answers with one Telesis controller: in step, refusals named."""

from drivers.errors import (
    BadChecksum,
    BadFrame,
    DeviceError,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    ProtocolError,
    UnexpectedReply,
)
from drivers.exchange import Exchange
from drivers.remembered import remembered
from drivers.telesis import codec
from drivers.telesis.codec import (
    Accepted,
    Answer,
    Command,
    Format,
    Refused,
    Replies,
    Reply,
    Signals,
)
from drivers.transport import open_stream

TRIES = 3
"""So often the line is tried before it counts as down (B p.9); only what changes nothing is."""
_encode = remembered(codec.encode_command)
_decode = remembered(codec.decode_reply)
_parse_signals = remembered(codec.parse_signals)


class Conversation:
    """One message in flight. A line that has ended is closed, so that `open` opens it again.

    An answer names the type of its message at best, so one that comes late could be taken for that
    of the next message of its type. After a failure the line therefore has to be quiet for
    `quiet_seconds` before anything else is sent, which with `reply_seconds` is longer than the
    three seconds in which the controller answers or never does (B p.9); and then it is asked for
    its signals, since that answer is no acknowledgement.
    """

    def __init__(
        self, url: str, form: Format, reply_seconds: float, quiet_seconds: float, name: str
    ) -> None:
        self._url = url
        self._form = form
        self._reply_seconds = reply_seconds
        self._quiet_seconds = quiet_seconds
        self._name = name
        self._exchange: Exchange | None = None

    async def open(self) -> bool:
        """Whether the line had to be opened."""
        opening = self._exchange is None
        if opening:
            stream = await open_stream(self._url, self._name)
            splitter = codec.Splitter(self._form)
            exchange = Exchange(stream, self._name, splitter, quiet=self._quiet_seconds)
            # What the line or a serial server still holds is no answer to us.
            exchange.spoiled = True
            self._exchange = exchange
        return opening

    async def close(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def signals(self, operation: str) -> Signals:
        """What is on; repeated after a failure of the line, for asking changes nothing. Raises
        LinkError, ProtocolError; never DeviceRefused, for a question that is declined says nothing
        of a shot.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return self._signals(await self._request(Command(codec.SIGNALS), operation))
            except (codec.MalformedError, LinkTimeout, ProtocolError) as fault:
                self._link(operation).spoiled = True
                if tries == TRIES:
                    if isinstance(fault, codec.MalformedError):
                        raise UnexpectedReply(self._name, operation, str(fault)) from fault
                    raise

    async def tell(self, command: Command, operation: str) -> None:
        """Have a message taken; never repeated. Raises DeviceRefused, LinkError, ProtocolError."""
        if self._link(operation).spoiled:
            await self.signals(operation)
        reply = await self._request(command, operation)
        kind = command.type if self._form.replies is Replies.FRAMED else ""
        if reply == Refused(kind):
            detail = f"message {command.type} was not taken"
            raise DeviceRefused(self._name, operation, detail, vendor_code="NAK")
        if reply != Accepted(kind):
            self._link(operation).spoiled = True
            raise UnexpectedReply(self._name, operation, f"{reply!r} answers something else")

    async def _request(self, command: Command, operation: str) -> Reply:
        """One message and its answer, whatever it is."""
        link = self._link(operation)
        try:
            data = _encode(command, self._form)
            return self._decoded(
                await link.request(data, self._reply_seconds, operation), operation
            )
        except LinkClosed:
            await self.close()
            raise
        except DeviceError:
            link.spoiled = True
            raise

    def _link(self, operation: str) -> Exchange:
        if self._exchange is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._exchange

    def _signals(self, reply: Reply) -> Signals:
        if not isinstance(reply, Answer) or reply.type != codec.SIGNALS:
            raise codec.MalformedError(f"{reply!r} tells no signals")
        return _parse_signals(reply.data)

    def _decoded(self, frame: bytes, operation: str) -> Reply:
        try:
            return _decode(frame, self._form)
        except codec.ChecksumError as fault:
            raise BadChecksum(self._name, operation, str(fault)) from fault
        except codec.MalformedError as fault:
            raise BadFrame(self._name, operation, str(fault)) from fault
