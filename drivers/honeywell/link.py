"""How a Honeywell scanner is asked: a trigger is not answered, so its result alone proves it.

What the driver needs is set until the reader is switched off, and asked for again before each
trigger and at its end: a reader that was switched off between has lost it, and what it saw no
longer counts. That question is the *fence*: the line keeps its order, so what comes before its
answer was sent before it.

Answers carry no number. The order in which the settings are asked for changes from one question to
the next, so that a late answer is told apart; a session that failed has to go on with the wire
opened anew.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from drivers import clock
from drivers.errors import BadFrame, DeviceRefused, LinkTimeout
from drivers.exchange import Exchange
from drivers.honeywell.codec import (
    AIM_IDENTIFIER,
    CLEAR_PREFIXES,
    CLEAR_SUFFIXES,
    MANUAL,
    NO_READ,
    ON,
    PREFIX,
    READ_TIME,
    REVISIONS,
    SHOW_NO_READ,
    SUFFIX,
    TRIGGER_MODE,
    TRIGGER_OFF,
    TRIGGER_ON,
    FrameError,
    Menu,
    Part,
    Splitter,
    Verdict,
    around,
    decode_answer,
    decode_result,
    decode_revisions,
    encode_menu,
    is_answer,
    is_nothing,
    question,
)
from drivers.protocols import Identity
from drivers.remembered import remembered
from drivers.transport import ByteStream
from drivers.triggered import Result, drop

_NAMES = (TRIGGER_MODE, READ_TIME, SHOW_NO_READ, PREFIX, SUFFIX)
_encode = remembered(encode_menu)
_decode = remembered(decode_answer)
_revisions = remembered(decode_revisions)


def orders() -> Iterator[tuple[str, ...]]:
    """The settings in an order that is another each time; they go on over connections."""
    return itertools.cycle([_NAMES[at:] + _NAMES[:at] for at in range(len(_NAMES))])


@dataclass(frozen=True, slots=True)
class Ways:
    """How a reader is set, and how long its answers may take."""

    configure: bool = True
    trigger_seconds: float = 30.0
    reply_seconds: float = 2.0
    no_read: str = NO_READ
    prefix: bytes = b"\x02"
    suffix: bytes = b"\x03"
    identified: bool = False

    @property
    def settings(self) -> dict[str, str]:
        """What a host needs that triggers the reader itself."""
        return {
            TRIGGER_MODE: MANUAL,
            READ_TIME: str(round(self.trigger_seconds * 1000)),
            SHOW_NO_READ: ON,
            PREFIX: around(self.prefix) + AIM_IDENTIFIER * self.identified,
            SUFFIX: around(self.suffix),
        }


class MenuCommands:
    """One reader's line; what it read is kept in its order."""

    def __init__(
        self, stream: ByteStream, device: str, ways: Ways, order: Iterator[tuple[str, ...]]
    ) -> None:
        self._device = device
        self._ways = ways
        self._order = order
        self._splitter = Splitter(ways.prefix, ways.suffix)
        self._exchange = Exchange(
            stream, device, self._splitter, unsolicited=lambda frame: not is_answer(frame)
        )

    @property
    def garbage(self) -> int:
        return self._splitter.garbage

    async def begin(self, operation: str) -> None:
        """Set the reader until it is switched off, and hear that it is so."""
        await self._exchange.send(TRIGGER_OFF)
        await self._exchange.resynchronise(operation)
        if self._ways.configure:
            await self._configure(operation)
        await self._fence(operation)

    async def identify(self, operation: str) -> Identity:
        parts = await self._ask(Menu((REVISIONS,), saved=True), (REVISIONS,), operation)
        return Identity("Honeywell", *_revisions(parts[0]))

    async def trigger(self, operation: str) -> None:
        """Nothing answers; nothing is asked either, a question might end the trigger."""
        await self._exchange.send(TRIGGER_ON)

    async def stop(self, operation: str) -> None:
        await self._exchange.send(TRIGGER_OFF)
        await self._fence(operation)

    async def result(self, seconds: float, operation: str) -> Result | None:
        try:
            frame = await self._exchange.next_unsolicited(max(seconds, 0.0), operation)
        except LinkTimeout:
            return None
        ways = self._ways
        try:
            content = decode_result(frame, ways.prefix, ways.suffix)
        except FrameError as fault:
            raise BadFrame(self._device, operation, str(fault)) from fault
        nothing = is_nothing(content, ways.no_read.encode("latin-1"), ways.identified)
        return Result(content, nothing=nothing)

    async def forget_earlier(self, operation: str) -> None:
        """Nothing: a trigger is not acknowledged, and a short one may have told its result."""

    async def settle(self, quiet: float, operation: str) -> None:
        await drop(self, quiet, self._device, operation)
        await self._fence(operation)
        await self._exchange.drain(operation)

    async def close(self) -> None:
        await self._exchange.close()

    async def _configure(self, operation: str) -> None:
        """What stood before and after a code of one symbology alone would go before: all goes."""
        items = [name + value for name, value in self._ways.settings.items()]
        items.insert(items.index(PREFIX + self._ways.settings[PREFIX]), CLEAR_PREFIXES)
        items.insert(len(items) - 1, CLEAR_SUFFIXES)
        names = tuple(item[: len(PREFIX)] for item in items)
        await self._ask(Menu(tuple(items)), names, operation)

    async def _fence(self, operation: str) -> None:
        """Hear that all is set as it has to be. Raises DeviceRefused."""
        names = next(self._order)
        wanted = self._ways.settings
        for part in await self._ask(question(names), names, operation):
            if part.value.upper() != wanted[part.name]:
                code = f"{part.name}{part.value}, not {wanted[part.name]}"
                raise DeviceRefused(
                    self._device, operation, "the reader is not set as it has to be", code
                )

    async def _ask(self, menu: Menu, names: tuple[str, ...], operation: str) -> tuple[Part, ...]:
        """The first answer to just these commands; others come late, and are dropped."""
        seconds = self._ways.reply_seconds
        deadline = clock.now() + seconds
        frame = await self._exchange.request(_encode(menu), seconds, operation)
        parts = _decode(frame)
        while tuple(part.name for part in parts) != names:
            left = deadline - clock.now()
            parts = _decode(await self._exchange.receive(left, operation))
        for part in parts:
            if part.verdict is not Verdict.ACK:
                code = f"{part.name} {part.verdict.name}"
                raise DeviceRefused(self._device, operation, part.verdict.cause, code)
        return parts
