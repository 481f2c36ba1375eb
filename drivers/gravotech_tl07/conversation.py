"""Questions and answers with one TL07 controller: in step, refusals named, events kept apart."""

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
from drivers.gravotech_tl07 import codec
from drivers.gravotech_tl07.codec import (
    Act,
    Command,
    Done,
    Event,
    GetMaster,
    ListFiles,
    Load,
    Master,
    Refused,
    Reply,
    SetMaster,
    SetVariable,
    Status,
    Text,
)
from drivers.remembered import remembered
from drivers.transport import open_stream

TRIES = 3
_Answer = TypeVar("_Answer", Status, Master, Text)
_encode = remembered(codec.encode_command)
_decode = remembered(codec.decode_reply)


class Conversation:
    """One command in flight. A line that has ended is closed, so that `open` opens it again."""

    def __init__(self, url: str, reply_seconds: float, name: str) -> None:
        self._url = url
        self._reply_seconds = reply_seconds
        self._name = name
        self._exchange: Exchange | None = None
        self._starting = False
        self._lost = True
        """Step is lost: before anything is asked, a question finds it again."""
        self._failed: Command | None = None
        """The command whose reply may still come, while step is lost."""

    async def open(self) -> None:
        if self._exchange is None:
            stream = await open_stream(self._url, self._name)
            splitter = codec.Splitter(codec.REPLY_END)
            self._exchange = Exchange(stream, self._name, splitter, self._unasked)
            # What the line or a serial server still holds is no answer to us.
            self._lost = True
            self._failed = None

    async def close(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()

    async def ask(self, command: Command, kind: type[_Answer], operation: str) -> _Answer:
        """Ask; repeated after a failure of the line, for asking changes nothing. Raises LinkError,
        ProtocolError; never DeviceRefused, for a question that is declined says nothing of a shot.
        """
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self.request(command, operation)
                if isinstance(reply, kind):
                    return reply
                raise self._unexpected(reply, operation)
            except (LinkTimeout, ProtocolError):
                if tries == TRIES:
                    raise

    async def tell(
        self,
        command: Act | Load | SetVariable | SetMaster,
        operation: str,
        seconds: float | None = None,
    ) -> None:
        """Have a command carried out; never repeated. Raises DeviceRefused."""
        reply = await self.request(command, operation, seconds)
        if isinstance(reply, Refused):
            raise self.refusal(reply, operation)
        if reply != Done(_name(command)):
            raise self._unexpected(reply, operation)

    async def start(self, operation: str) -> Refused | None:
        """GO, and what it was refused for, if it was. Raises LinkError, ProtocolError.

        What was told before the answer that it is marking is of a former shot, and dropped.
        """
        self._starting = True
        try:
            reply = await self.request(Act.START, operation)
        finally:
            self._starting = False
        if reply is Event.MARKING:
            link = self._link(operation)
            for _ in range(link.waiting):
                await link.next_unsolicited(0, operation)
            # Its own input may have been first: then the refusal of this GO is still to come.
            self._lost = True
            return None
        if isinstance(reply, Refused):
            return reply
        raise self._unexpected(reply, operation)

    async def files(self, mask: str, operation: str) -> list[str]:
        """The stored files of that name. Raises DeviceRefused, LinkError, ProtocolError."""
        reply = await self.request(ListFiles(mask), operation)
        link = self._link(operation)
        if isinstance(reply, Refused):
            raise self.refusal(reply, operation)
        try:
            if not isinstance(reply, Text):
                raise self._unexpected(reply, operation)
            names = []
            for _ in range(codec.parse_count(reply)):
                frame = await link.receive(self._reply_seconds, operation)
                name = self._decoded(frame, operation)
                if not isinstance(name, Text):
                    raise self._unexpected(name, operation)
                names.append(name.line)
        except codec.MalformedError as fault:
            self._lost = True
            raise UnexpectedReply(self._name, operation, str(fault)) from fault
        except DeviceError:
            self._lost = True
            raise
        return names

    async def request(
        self, command: Command, operation: str, seconds: float | None = None
    ) -> Reply:
        """One command and its reply, whatever it is. Raises LinkError, ProtocolError."""
        link = self._link(operation)
        try:
            if self._lost:
                await self._fall_in(link, operation)
            self._failed = command
            data = _encode(command)
            frame = await link.request(data, seconds or self._reply_seconds, operation)
            return self._decoded(frame, operation)
        except LinkClosed:
            await self.close()
            raise
        except DeviceError:
            self._lost = True
            raise

    async def events(self, operation: str) -> list[Event]:
        """What has been told by now of how a marking goes on. Raises LinkClosed, BadFrame."""
        try:
            frames = await self._link(operation).drain(operation)
        except LinkClosed:
            await self.close()
            raise
        return [_event(frame) for frame in frames]

    async def next_event(self, seconds: float, operation: str) -> Event | None:
        """The next that is told, or None if nothing is in time. Raises LinkClosed, BadFrame."""
        try:
            return _event(await self._link(operation).next_unsolicited(seconds, operation))
        except LinkTimeout:
            return None
        except LinkClosed:
            await self.close()
            raise

    def refusal(self, refused: Refused, operation: str) -> DeviceRefused:
        return DeviceRefused(self._name, operation, codec.meaning(refused), refused.code)

    def _unasked(self, frame: bytes) -> bool:
        """An event answers nothing, but that of marking while GO waits for its answer."""
        return codec.is_event(frame) and not (self._starting and codec.is_start(frame))

    def _unexpected(self, reply: Reply, operation: str) -> UnexpectedReply:
        """A reply of the wrong kind: from here on, step is lost."""
        self._lost = True
        return UnexpectedReply(self._name, operation, f"{reply!r} answers something else")

    def _link(self, operation: str) -> Exchange:
        if self._exchange is None:
            raise LinkClosed(self._name, operation, "not connected")
        return self._exchange

    async def _fall_in(self, link: Exchange, operation: str) -> None:
        """Get in step again. Replies carry no number but come in order: once a question that is
        not outstanding is answered, every older reply has come.
        """
        starting, self._starting = self._starting, False
        try:
            question: Command = Act.STATUS if self._failed == GetMaster() else GetMaster()
            wanted = Status if question is Act.STATUS else Master
            self._failed = question
            deadline = clock.now() + self._reply_seconds
            data = _encode(question)
            frame = await link.request(data, self._reply_seconds, operation)
            while not _is(frame, wanted):
                frame = await link.receive(deadline - clock.now(), operation)
            self._lost = False
        finally:
            self._starting = starting

    def _decoded(self, frame: bytes, operation: str) -> Reply:
        try:
            return _decode(frame)
        except codec.MalformedError as fault:
            raise BadFrame(self._name, operation, str(fault)) from fault


def _name(command: Act | Load | SetVariable | SetMaster) -> str:
    match command:
        case Act():
            return command.value
        case Load():
            return "LD"
        case SetVariable():
            return "VS"
        case SetMaster():
            return "SP"


def _event(frame: bytes) -> Event:
    event = _decode(frame)
    assert isinstance(event, Event)
    return event


def _is(frame: bytes, kind: type[Status] | type[Master]) -> bool:
    try:
        return isinstance(_decode(frame), kind)
    except codec.MalformedError:
        return False
