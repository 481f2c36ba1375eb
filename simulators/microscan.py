"""A Microscan reader on K-commands: what it sees is what is engraved on the piece at its station.

A read cycle looks until a code is decoded or its time is over; every readable symbol on the piece
is then sent, one line each, in the order of the positions, or the message of nothing read. A symbol
engraved over another hides it. With the option `position` it sees that position of a tray and no
other: one reader a position. Settings hold until it is switched off. It speaks point-to-point, or
the ACK/NAK protocol with STX, ETX and LRC (`simulators.acknak`).

Wrong behaviour on demand: `stale` (a read cycle also delivers, late and after any flush, what the
one with a code before it delivered), `blind` (sees nothing where there is a code, for so many
cycles), `covered` (sees nothing of so many of the next pieces), `mute` (does not tell how so many
cycles ended).

Unverified: that `<?>` ends what it tells of wrong commands; that a trigger within a read cycle is
ignored. `<K?>`, which asks for all settings, `<I>`, after which no trigger is taken, `<H>`, which
takes them again, and what an MS-3 has in K200 are known of a public client alone.
"""

import re
from typing import Any

from drivers import clock
from drivers.microscan import acknak
from drivers.microscan.codec import (
    BY_SERIAL_DATA,
    END,
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
    Status,
    decode_command,
    decode_setting,
    encode_firmware,
    encode_result,
    encode_setting,
    encode_status,
)
from simulators.acknak import AckNak
from simulators.looking import Looking
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

FIRMWARE = "1F2E"
_CONTINUOUS = "0"
_TRIGGER_MODES = {
    "microhawk": (_CONTINUOUS, "313", "313"),
    "ms-3": (_CONTINUOUS, "244"),
}
"""K200 as delivered: a mode, and how long an input has to be on, in later series also off."""
_COMMAND = re.compile(rb"<[^<>]*>")
_UNFINISHED = 500
"""Bytes after which a command without an end is given up."""


class Microscan(Looking):
    """One reader. Everything it knows outlives a connection, as on a real serial line."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float = 1.0,
        decode_seconds: float = 0.15,
        position: int | None = None,
        aim: str = "",
        preamble: str = "",
        series: str = "microhawk",
        ends: bool = True,
        ack_nak: bool = False,
        answer_seconds: float = 0.5,
        asks: bool = False,
    ) -> None:
        super().__init__(parts, station, speed, decode_seconds, position, keeps_on=True)
        self._aim = aim
        self._preamble = preamble.encode("latin-1")
        self._series = series
        self._end = END if ends else b""
        self._ack_nak = AckNak(self.later, answer_seconds / speed, asks) if ack_nak else None
        self.forget_all()

    def forget_all(self) -> None:
        super().forget_all()
        if self._ack_nak is not None:
            self._ack_nak.forget()
        self._buffer = b""
        self._bits = 0
        self._settings = {
            TRIGGER_MODE: list(_TRIGGER_MODES[self._series]),
            TRIGGER_CHARACTER: [TRIGGER],
            END_OF_CYCLE: ["0", str(2 * TICKS_A_SECOND)],
            NO_READ_MESSAGE: [ON, NO_READ],
        }

    def state(self) -> dict[str, Any]:
        state = {**super().state(), "settings": dict(self._settings)}
        if self._ack_nak is not None:
            state |= {"naks": self._ack_nak.naks, "repeats": self._ack_nak.repeats}
        return state

    async def hear(self, wire: Wire, data: bytes) -> None:
        if self._ack_nak is not None:
            for command in await self._ack_nak.hear(wire, data):
                await self._handle(wire, command)
            return
        self._buffer += data
        at = 0
        for found in _COMMAND.finditer(self._buffer):
            at = found.end()
            await self._handle(wire, found[0])
        self._buffer = self._buffer[at:][-_UNFINISHED:]

    async def deliver(self, wire: Wire, contents: list[str]) -> None:
        for content in contents:
            await self._tell(wire, (self._aim + content).encode("latin-1"))

    async def deliver_none(self, wire: Wire) -> None:
        on, message = self._settings[NO_READ_MESSAGE]
        if on == ON:
            await self._tell(wire, message.encode("latin-1"))

    async def _tell(self, wire: Wire, content: bytes) -> None:
        if self._ack_nak is None:
            await wire.write(encode_result(content, self._preamble))
        else:
            self._ack_nak.send(wire, acknak.encode_result(content, self._preamble))

    async def _answer(self, wire: Wire, answer: bytes) -> None:
        if self._ack_nak is None:
            await wire.write(answer + self._end)
        else:
            self._ack_nak.send(wire, self._preamble + answer + self._end)

    async def _handle(self, wire: Wire, frame: bytes) -> None:
        try:
            text = decode_command(frame)
        except FrameError:
            self._bits |= 0x01
            return
        if text == "?":
            reading = 0x20 if self._look_at is not None else 0
            await self._answer(wire, encode_status(Status(self._bits | reading)))
            self._bits = 0
            return
        self._bits |= 0x02
        if text == "!a":
            await self._answer(wire, encode_firmware(FIRMWARE))
        elif [text] == self._settings[TRIGGER_CHARACTER]:
            await self._trigger()
        elif text == "K?":
            await self._answer(wire, b"".join(map(self._told, self._settings)))
        elif text.endswith("?") and text[1:-1].isdigit() and int(text[1:-1]) in self._settings:
            await self._answer(wire, self._told(int(text[1:-1])))
        elif text == "I":
            self.disable()
        elif text == "H":
            self._enabled = True
        elif text not in ("A", "Z"):
            self._set(frame)

    def _told(self, number: int) -> bytes:
        return encode_setting(Setting(number, tuple(self._settings[number])))

    async def _trigger(self) -> None:
        if not self._enabled or self._settings[TRIGGER_MODE][0] != BY_SERIAL_DATA:
            self._bits |= 0x01
        elif self._look_at is None:
            await self.moments.reach("session")
            seconds = int(self._settings[END_OF_CYCLE][1]) / TICKS_A_SECOND
            self.start_looking(clock.now(), seconds)

    def _set(self, frame: bytes) -> None:
        """Change the fields that are given; an empty one stays as it is."""
        try:
            setting = decode_setting(frame)
        except FrameError:
            self._bits |= 0x01
            return
        present = self._settings.get(setting.number)
        if present is None or len(setting.fields) > len(present):
            self._bits |= 0x01
            return
        if setting.number == END_OF_CYCLE and not "".join(setting.fields).isdigit():
            self._bits |= 0x01
            return
        for index, field in enumerate(setting.fields):
            present[index] = field or present[index]


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> Microscan:
    """Options: decode_seconds, position (the one that it sees, 1 and up; without it all), aim (the
    AIM identifier before each code), preamble, series (microhawk, ms-3), ends (0: answers without
    the end of a line), protocol (point-to-point, ack-nak), answer_seconds (how long it waits for
    ACK), asks (1: with REQ and RES). Raises ValueError.
    """
    given = Given(options)
    protocol = given.one_of("protocol", ("point-to-point", "ack-nak"))
    device = Microscan(
        parts,
        station,
        speed,
        decode_seconds=given.number("decode_seconds", 0.15),
        position=given.whole_or_none("position"),
        aim=given.text("aim", ""),
        preamble=given.text("preamble", ""),
        series=given.one_of("series", tuple(_TRIGGER_MODES)),
        ends=given.switch("ends", "1"),
        ack_nak=protocol == "ack-nak",
        answer_seconds=given.number("answer_seconds", 0.5),
        asks=given.switch("asks"),
    )
    given.end()
    return device
