"""A Cognex DataMan on DMCC: what it sees is what is engraved on the piece at its station.

With silent responses when it is switched on, as the maker delivers it. `TRIGGER ON` takes one
picture (`trigger=single`) or looks until a code is decoded or `TRIGGER OFF` (`manual`); every
readable symbol on the piece is then sent, one line each, in the order of the positions, or the
message of nothing read. A symbol engraved over another hides it. With the option `position` it sees
that position of a tray and no other: one reader a position.

Wrong behaviour on demand: `stale` (a trigger also delivers, late and after any flush, what the
trigger with a code before it delivered), `blind` (sees nothing where there is a code, for so many
triggers), `covered` (sees nothing of so many of the next pieces), `mute` (does not tell how so many
triggers ended).

Unverified: that `TRIGGER OFF` ends a picture that is being decoded with the message of nothing
read, and that its reply comes before that message.
"""

from typing import Any

from drivers import clock
from drivers.cognex_dmcc.codec import (
    FIRMWARE,
    NO_READ,
    RESPONSE,
    SILENT,
    TYPE,
    ChecksumError,
    Command,
    FrameError,
    Reply,
    Results,
    Span,
    Splitter,
    Status,
    decode_command,
    encode_reply,
    encode_result,
    encode_text,
)
from simulators.looking import Looking
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

IDENTITY = {TYPE: "DM262X", FIRMWARE: "6.1.16"}
EXTENDED_MODES = (1, 2)


class CognexDmcc(Looking):
    """One reader. Everything it knows outlives a connection, as on a real serial line."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float = 1.0,
        decode_seconds: float = 0.15,
        position: int | None = None,
        aim: str = "",
        trigger: str = "single",
        results: Results = Results.BASE64,
        no_read: str = NO_READ,
        checked: bool = False,
        span: Span = Span.WHOLE,
    ) -> None:
        super().__init__(parts, station, speed, decode_seconds, position, trigger == "manual")
        self._aim = aim
        self._results = results
        self._no_read = no_read.encode("latin-1")
        self._checked = checked
        self._span = span
        self._splitter = Splitter()
        self.forget_all()

    def forget_all(self) -> None:
        super().forget_all()
        self._splitter.reset()
        self._mode = SILENT

    def state(self) -> dict[str, Any]:
        return {**super().state(), "mode": self._mode}

    async def hear(self, wire: Wire, data: bytes) -> None:
        for frame in self._splitter.feed(data):
            await self._handle(wire, frame)

    async def deliver(self, wire: Wire, contents: list[str]) -> None:
        results = Results.PLAIN if self._mode == SILENT else self._results
        for content in contents:
            data = (self._aim + content).encode("latin-1")
            await wire.write(encode_result(data, results, self._checked, self._span))

    async def deliver_none(self, wire: Wire) -> None:
        results = Results.PLAIN if self._mode == SILENT else self._results
        if self._no_read:
            await wire.write(encode_result(self._no_read, results, self._checked, self._span))

    async def _handle(self, wire: Wire, frame: bytes) -> None:
        try:
            command = decode_command(frame, self._span)
        except ChecksumError:
            await self._answer(wire, Command("?"), Status.CHECKSUM_INCORRECT)
            return
        except FrameError:
            return
        match command.text.upper().split(" "):
            case ["GET", parameter] if parameter in IDENTITY:
                await self._answer(wire, command, Status.OK, IDENTITY[parameter])
            case ["SET", parameter, number] if parameter == RESPONSE:
                await self._change_mode(wire, command, number)
            case ["TRIGGER", "ON"] if not self._enabled:
                await self._answer(wire, command, Status.REJECTED_BY_STATE)
            case ["TRIGGER", "ON"]:
                await self._answer(wire, command, Status.OK)
                await self.moments.reach("session")
                self.start_looking(clock.now())
            case ["TRIGGER", "OFF"]:
                await self._answer(wire, command, Status.OK)
                if self.stop_looking():
                    await self.end(wire, [])
            case _:
                await self._answer(wire, command, Status.COMMAND_INVALID)

    async def _change_mode(self, wire: Wire, command: Command, number: str) -> None:
        if number not in map(str, (SILENT, *EXTENDED_MODES)):
            await self._answer(wire, command, Status.PARAMETER_INVALID)
            return
        before, self._mode = self._mode, int(number)
        if before != SILENT:
            await self._reply(wire, command, Status.OK, "")

    async def _answer(self, wire: Wire, command: Command, status: Status, data: str = "") -> None:
        if self._mode != SILENT:
            await self._reply(wire, command, status, data)
        elif data:
            await wire.write(encode_text(data.encode("latin-1")))

    async def _reply(self, wire: Wire, command: Command, status: Status, data: str) -> None:
        reply = Reply(status, data.encode("latin-1"), command.ident, command.checked)
        await wire.write(encode_reply(reply, self._span))


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> CognexDmcc:
    """Options: decode_seconds, position (the one that it sees, 1 and up; without it all), aim (the
    AIM identifier before each code), trigger (single or manual), results (base64, framed, plain),
    no_read (empty: none), checksum (0 or 1, of what was read), span (whole or body).
    Raises ValueError.
    """
    given = Given(options)
    device = CognexDmcc(
        parts,
        station,
        speed,
        decode_seconds=given.number("decode_seconds", 0.15),
        position=given.whole_or_none("position"),
        aim=given.text("aim", ""),
        trigger=given.one_of("trigger", ("single", "manual")),
        results=given.member("results", Results.BASE64),
        no_read=given.text("no_read", NO_READ),
        checked=given.switch("checksum"),
        span=given.member("span", Span.WHOLE),
    )
    given.end()
    return device
