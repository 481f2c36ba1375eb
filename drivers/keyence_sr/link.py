"""How a Keyence SR is asked: each reply names its command, and comes before what the command does.

A reader can be set not to answer LON and LOFF (the SR-2000 comes so). Whether it does is found out
when the wire is opened, by a LOFF, which triggers nothing. From one that answers, each answer is
waited for. From one that does not, LOFF is followed by a question, whose answer comes after it, and
a trigger is proved by its result alone.

Replies carry no number. The questions change from one time to the next, so that a late answer is
told apart; a session that failed has to go on with the wire opened anew.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers import clock
from drivers.errors import BadFrame, DeviceFault, DeviceRefused, LinkTimeout
from drivers.exchange import Exchange
from drivers.keyence_sr.codec import (
    COUNTS,
    NO_ERROR,
    NO_READ,
    NO_TRIGGER,
    NOT_NOW,
    STATE,
    TRIGGER_OFF,
    TRIGGER_ON,
    VERSION,
    FrameError,
    Framing,
    Layout,
    Reply,
    Splitter,
    cause,
    decode_counts,
    decode_reply,
    decode_result,
    decode_version,
    encode_command,
    is_reply,
)
from drivers.protocols import Identity
from drivers.remembered import remembered
from drivers.transport import ByteStream
from drivers.triggered import Result, drop

_encode = remembered(encode_command)
_decode = remembered(decode_reply)
_version = remembered(decode_version)
_is_reply = remembered(is_reply)


def questions() -> Iterator[str]:
    """Questions that change nothing, in turn; they go on over connections."""
    return itertools.cycle((COUNTS, VERSION, STATE))


@dataclass(frozen=True, slots=True)
class Ways:
    """How a reader is set, and how long its replies may take."""

    framing: Framing = Framing.STX
    data_framing: Framing = Framing.CR
    layout: Layout = field(default_factory=Layout)
    no_read: str = NO_READ
    reply_seconds: float = 2.0
    answer_seconds: float = 0.5


class SrCommands:
    """One reader's line; what it read is kept in its order."""

    def __init__(self, stream: ByteStream, device: str, ways: Ways, asked: Iterator[str]) -> None:
        self._device = device
        self._ways = ways
        self._asked = asked
        self._answers = True
        self._splitter = Splitter(ways.framing, ways.data_framing)
        self._exchange = Exchange(
            stream,
            device,
            self._splitter,
            unsolicited=lambda frame: not _is_reply(frame, ways.framing),
        )

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, operation: str) -> None:
        """Learn whether LON and LOFF are answered. Raises DeviceFault if the reader tells one."""
        await self._exchange.resynchronise(operation)
        try:
            await self._off(self._ways.answer_seconds, operation)
        except LinkTimeout:
            self._answers = False
        state = await self._ask(STATE, self._ways.reply_seconds, operation)
        told = ",".join(state.fields)
        if told != NO_ERROR:
            raise DeviceFault(self._device, operation, "the reader tells an error of its own", told)

    async def identify(self, operation: str) -> Identity:
        reply = await self._ask(VERSION, self._ways.reply_seconds, operation)
        return Identity("Keyence", *_version(reply))

    async def trigger(self, operation: str) -> None:
        if self._answers:
            await self._ask(TRIGGER_ON, self._ways.reply_seconds, operation)
        else:
            await self._exchange.send(_encode(TRIGGER_ON, self._ways.framing))

    async def stop(self, operation: str) -> None:
        if self._answers:
            await self._off(self._ways.reply_seconds, operation)
        else:
            await self._exchange.send(_encode(TRIGGER_OFF, self._ways.framing))
            await self._fence(operation)

    async def result(self, seconds: float, operation: str) -> Result | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        ways = self._ways
        try:
            seen = decode_result(frame, ways.layout, ways.data_framing, ways.no_read)
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault
        return Result(seen.content, seen.grade, seen.nothing)

    async def forget_earlier(self, operation: str) -> None:
        """What was read comes after the answer to LON; without one nothing is known to be older."""
        if self._answers:
            # What came behind the answer has not been sorted yet.
            for _ in range(self._exchange.waiting):
                await self._exchange.next_unsolicited(0.0, operation)

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self._fence(operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _off(self, seconds: float, operation: str) -> None:
        """End a trigger. After a code there is none any more, and LOFF is refused."""
        try:
            await self._ask(TRIGGER_OFF, seconds, operation)
        except DeviceRefused as refusal:
            if refusal.vendor_code != NO_TRIGGER:
                raise

    async def _fence(self, operation: str) -> None:
        """Ask what is answered after all that came before. A refusal for now is an answer too."""
        question = next(self._asked)
        try:
            reply = await self._ask(question, self._ways.reply_seconds, operation)
        except DeviceRefused as refusal:
            if refusal.vendor_code != NOT_NOW:
                raise
            return
        if question == COUNTS:
            try:
                decode_counts(reply)
            except FrameError as fault:
                raise BadFrame(self._device, operation, str(fault)) from fault

    async def _ask(self, text: str, seconds: float, operation: str) -> Reply:
        """The first reply that names this command; others come late, and are dropped."""
        deadline = clock.now() + seconds
        framing = self._ways.framing
        frame = await self._exchange.request(_encode(text, framing), seconds, operation)
        while (reply := _decode(frame, framing)).command != text:
            frame = await self._exchange.receive(deadline - clock.now(), operation)
        if not reply.ok:
            code = reply.fields[0]
            raise DeviceRefused(self._device, operation, cause(code), code)
        return reply
