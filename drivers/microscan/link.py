"""How a Microscan reader is asked: its commands are silent, its status tells what became of them.

`<?>` is answered by the status: whether a command was wrong since it was asked last, and whether
the reader is in a read cycle. A cycle that was triggered and is over already has told its result.
A read cycle cannot be stopped; it ends with a code or when its time is over, so `stop` waits.

Answers carry no number. A status that comes after its time was over could pass for the next one, so
a session that failed has to go on with the wire opened anew, which first waits until it is quiet.

In the ACK/NAK protocol (`handshake`) the status is asked for all the same: ACK says that a command
came over well, and not what became of it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from drivers import clock
from drivers.errors import BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.exchange import Exchange
from drivers.microscan import acknak
from drivers.microscan.codec import (
    BY_SERIAL_DATA,
    BY_TIME,
    END_OF_CYCLE,
    NO_READ,
    NO_READ_MESSAGE,
    ON,
    TICKS_A_SECOND,
    TRIGGER,
    TRIGGER_CHARACTER,
    TRIGGER_MODE,
    FrameError,
    Setting,
    Splitter,
    Status,
    decode_firmware,
    decode_result,
    decode_setting,
    decode_status,
    encode_command,
    encode_setting,
    is_answer,
    question,
)
from drivers.microscan.handshake import Bodies, Handshake
from drivers.protocols import Identity
from drivers.transport import ByteStream
from drivers.triggered import Result, drop

Protocol = Literal["point-to-point", "ack-nak"]

_POLL_SECONDS = 0.02
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Ways:
    """How a reader is set, and how long its answers may take."""

    configure: bool = True
    cycle_seconds: float = 0.5
    reply_seconds: float = 2.0
    trigger: str = TRIGGER
    no_read: str = NO_READ
    preamble: bytes = b""
    protocol: Protocol = "point-to-point"
    gap_seconds: float = 0.1

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a host needs that starts each read cycle itself."""
        ticks = str(max(round(self.cycle_seconds * TICKS_A_SECOND), 1))
        return (
            Setting(TRIGGER_MODE, (BY_SERIAL_DATA,)),
            Setting(TRIGGER_CHARACTER, (self.trigger,)),
            Setting(END_OF_CYCLE, (BY_TIME, ticks)),
            Setting(NO_READ_MESSAGE, (ON, self.no_read)),
        )


class KCommands:
    """One reader's line; what it read is kept in its order."""

    def __init__(self, stream: ByteStream, device: str, ways: Ways) -> None:
        self._device = device
        self._ways = ways
        self._source: Splitter | Handshake
        self._decode_result: Callable[[bytes, bytes], bytes]
        if ways.protocol == "ack-nak":
            self._source = stream = Handshake(
                stream, device, ways.preamble, ways.reply_seconds, ways.gap_seconds
            )
            splitter: Splitter | Bodies = Bodies()
            self._decode_result = acknak.decode_result
        else:
            self._source = splitter = Splitter()
            self._decode_result = decode_result
        self._exchange = Exchange(
            stream, device, splitter, unsolicited=lambda frame: not is_answer(frame)
        )

    @property
    def garbage(self) -> int:
        return self._source.garbage

    async def begin(self, operation: str) -> None:
        """Configure the reader until it is switched off, and read back that it is so."""
        await self._exchange.resynchronise(operation)
        await self._status(operation)  # a wrong command of others is told here
        if self._ways.configure:
            for setting in self._ways.settings:
                await self._exchange.send(encode_setting(setting))
            await self._exchange.send(encode_command("A"))
            self._refused(await self._status(operation), operation)
        for wanted in self._ways.settings:
            text = question(wanted.number)
            present = await self._ask(text, decode_setting, operation)
            # A reader may have more fields than are set here.
            fields = present.fields[: len(wanted.fields)]
            if (present.number, fields) != (wanted.number, wanted.fields):
                raise DeviceRefused(
                    self._device, operation, f"K{wanted.number} is {fields}", f"K{wanted.number}"
                )

    async def identify(self, operation: str) -> Identity:
        """A reader tells no name; the checksum of its firmware stands for the version."""
        return Identity("Microscan", "", await self._ask("!a", decode_firmware, operation))

    async def trigger(self, operation: str) -> None:
        await self._exchange.send(encode_command(self._ways.trigger))
        status = await self._status(operation)
        self._refused(status, operation)
        if not status.reading and not self._exchange.waiting:
            raise UnexpectedReply(self._device, operation, "the reader began no read cycle")

    async def stop(self, operation: str) -> None:
        deadline = clock.now() + self._ways.cycle_seconds + self._ways.reply_seconds
        while (await self._status(operation)).reading:
            if clock.now() > deadline:
                raise LinkTimeout(self._device, operation, "the read cycle does not end")
            await asyncio.sleep(_POLL_SECONDS)

    async def result(self, seconds: float, operation: str) -> Result | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        try:
            return Result(self._decode_result(frame, self._ways.preamble))
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault

    async def forget_earlier(self, operation: str) -> None:
        """Nothing: a short read cycle is over, and its result told, before the status is."""

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self._status(operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _status(self, operation: str) -> Status:
        return await self._ask("?", decode_status, operation)

    async def _ask(self, text: str, decode: Callable[[bytes], _Answer], operation: str) -> _Answer:
        """The first answer of the form that was asked for; others come late, and are dropped."""
        seconds = self._ways.reply_seconds
        deadline = clock.now() + seconds
        frame = await self._exchange.request(encode_command(text), seconds, operation)
        while True:
            try:
                return decode(frame)
            except FrameError:
                left = deadline - clock.now()
                frame = await self._exchange.receive(left, operation)

    def _refused(self, status: Status, operation: str) -> None:
        if status.command_error or status.line_error:
            raise DeviceRefused(
                self._device, operation, f"status {status.bits:02X}", f"{status.bits:02X}"
            )
