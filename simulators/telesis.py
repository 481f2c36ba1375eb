"""A Telesis marker with a BM470 controller: what it does, in its own time.

Options: `check` (decimal, hex, none), `replies` (framed, bare), `station` (two digits), `macro`
(05, 06, none: what the stored patterns' 2D code uses), `code_field`, `lines` (legible lines of the
patterns), `patterns` (names, comma-separated; one that begins with BLANK marks nothing), `done`
(reset, start: what puts its output DONE out), `position`, `marking`, `late`, `resetting` (seconds,
divided by the speed).
Wrong behaviours (the back door's `fault`): see `MISDEEDS`. Own operations: `pause`, `resume`.

What was set stays: each start marks it again. (U) While it marks it takes nothing but `I` and `O`.
"""

import asyncio
from typing import Any

from drivers.telesis import codec
from drivers.telesis.codec import (
    Accepted,
    Answer,
    Command,
    Format,
    MalformedError,
    Output,
    Refused,
    Replies,
    Reply,
    Signals,
    Splitter,
)
from simulators.marker import WiredMarker
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

MISDEEDS = {
    "faint": "the next mark is too faint to be read",
    "silent": "the next end does not put DONE on",
    "late": "the next mark begins `late` seconds after its start",
    "failed": "the next mark stops half-way, with a fault",
    "refuse": "the next G is not taken",
}


class Telesis(WiredMarker):
    """One marker at one station. Without power it forgets all but its patterns."""

    def __init__(
        self, options: dict[str, str], parts: PartStore, station: str, speed: float
    ) -> None:
        given = Given(options)
        super().__init__("telesis", given, parts, station, speed, MISDEEDS)
        self._form = Format(
            given.one_of("check", tuple(codec.CHECKS), "decimal"),
            given.text("station"),
            given.member("replies", Replies.FRAMED),
        )
        self._code = given.whole("code_field", 1)
        self._lines = range(self._code + 1, self._code + 1 + given.whole("lines", 1))
        self._patterns = given.words("patterns", "BLANK,PART")
        self._done_until_start = given.one_of("done", ("reset", "start")) == "start"
        self._resetting_seconds = given.number("resetting", 1) / speed
        given.end()
        self._going_on = asyncio.Event()
        self._switch_on()

    def _switch_on(self) -> None:
        self._pattern = ""
        self._fields: dict[int, str] = {}
        self._online = True
        self._marking = self._ended = self._fault = False
        self._going_on.set()

    # What the back door asks.

    def state(self) -> dict[str, Any]:
        return {
            "powered": self._powered,
            "pattern": self._pattern,
            "fields": {str(number): text for number, text in self._fields.items()},
            "ready": self._ready and self._engraves,
            "marking": self._marking,
            "done": self._ended,
            "fault": self._fault,
        }

    async def pedal(self) -> bool:
        """Its input START. Whether it began to engrave: a blank pattern does nothing to the metal.

        What is loaded it marks again and again.
        """
        if not self._powered or not self._ready or not self._pattern:
            return False
        engraves = self._engraves
        self._begin()
        self.later("shot", self._shoot())
        return engraves

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        match op:
            case "pause" if self._marking:
                self._going_on.clear()
            case "resume":
                self._going_on.set()
            case _:
                return await super().operate(op, request)
        return {}

    # What happens on the wire.

    async def talk(self, wire: Wire) -> None:
        # What the host sends begins with SOH alone, however it is acknowledged.
        splitter = Splitter(Format(self._form.check, self._form.station))
        while data := await wire.read():
            for frame in splitter.feed(data):
                await self.moments.stand_still()
                if self._powered:
                    reply = await self._obey(frame)
                    if reply and self._powered:
                        await wire.write(codec.encode_reply(reply, self._form))

    async def _obey(self, frame: bytes) -> Reply | None:
        """The answer, if there is one: what cannot be read is refused where its type is clear."""
        framed = self._form.replies is Replies.FRAMED
        try:
            command = codec.decode_command(frame, self._form)
        except MalformedError:
            kind = frame[1:2].decode("ascii", errors="replace")
            if framed:
                return Refused(kind) if kind in ("P", "V", "G", "O", "I") else None
            return Refused("")
        kind = command.type if framed else ""
        if command.type == codec.SIGNALS:
            return Answer(command.type, codec.signals(self._signals))
        return Accepted(kind) if await self._take(command) else Refused(kind)

    async def _take(self, command: Command) -> bool:
        if command.type == codec.RESET:
            await self._reset()
            return True
        if self._fault or self._marking or not self._online:
            return False
        match command.type:
            case codec.PATTERN if command.data in self._patterns:
                self._pattern, self._fields = command.data, {}
                if self.moments.current == "armed":
                    self.moments.current = ""
                return True
            case codec.VARIABLE:
                return await self._set(command.data)
            case codec.GO:
                return await self._go()
        return False

    async def _set(self, data: str) -> bool:
        try:
            number, text = codec.parse_field(data)
        except MalformedError:
            return False
        if number != self._code and number not in self._lines:
            return False
        self._fields[number] = text
        if number == self._code:
            await self.moments.reach("armed")
        return True

    async def _go(self) -> bool:
        if self._misdeeds.take("refuse") or not self._pattern:
            return False
        self._begin()
        if self._misdeeds.take("late"):
            self.later("shot", self._shoot_late())
            return True
        await self._mark()
        if self._powered:
            self.later("shot", self._finish())
        return True

    # What the marker does.

    @property
    def _ready(self) -> bool:
        return self._online and not self._marking and not self._fault

    @property
    def _engraves(self) -> bool:
        return bool(self._fields.get(self._code)) and not self._pattern.startswith("BLANK")

    @property
    def _signals(self) -> Signals:
        on = {
            Output.READY: self._ready,
            Output.DONE: self._ended,
            Output.PAUSED: not self._going_on.is_set(),
            Output.NO_FAULT: not self._fault,
        }
        return Signals(frozenset(output for output, is_on in on.items() if is_on))

    def _begin(self) -> None:
        self._marking, self._ended = True, False

    async def _mark(self) -> None:
        """The metal changes first, and before any reply."""
        failed = self._misdeeds.take("failed")
        if self._engraves:
            lines = [self._fields.get(number, "") for number in self._lines]
            self._engrave(self._fields[self._code], lines, failed)
        self._fault = failed
        await self.moments.reach("marked")

    async def _finish(self) -> None:
        if not self._fault:
            await asyncio.sleep(self._marking_seconds)
            await self._going_on.wait()
            self._ended = not self._misdeeds.take("silent")
        self._engraving = None
        self._marking = False
        self.moments.current = ""

    async def _reset(self) -> None:
        """What is being marked stays half-way."""
        self._spoil()
        self.cancel("shot")
        self._marking = self._fault = False
        self._ended &= self._done_until_start
        self._engraving = None
        self._going_on.set()
        self._online = False
        self.later("reset", self._go_online())

    async def _go_online(self) -> None:
        await asyncio.sleep(self._resetting_seconds)
        self._online = True


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> Telesis:
    """Raises ValueError for options that it does not know."""
    return Telesis(options, parts, station, speed)
