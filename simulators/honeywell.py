"""A Honeywell scanner on serial commands: what it sees is what is engraved on the piece before it.

A trigger looks until a code is decoded, it is ended by command, or its time is over; every readable
symbol on the piece is then sent in the order of the positions, each between prefix and suffix, or
the message of nothing read if it is on. A symbol engraved over another hides it. With the option
`position` it sees that position of a tray and no other: one reader a position.

As delivered: manual trigger, 30 s, no message of nothing read, no prefix, a suffix of CR LF as its
RS-232 interface is set up. What is set with `!` holds until it is switched off.

Wrong behaviour on demand: `stale` (a trigger also delivers, late and after any flush, what the
trigger with a code before it delivered), `blind` (sees nothing for so many triggers), `mute` (does
not tell how so many triggers ended).

Unverified: that a trigger within one is ignored; that the message of nothing read has prefix,
suffix and an identifier as a code has.
"""

import re
from typing import Any

from drivers import clock
from drivers.honeywell.codec import (
    AIM_IDENTIFIER,
    ALL_CODES,
    CLEAR_PREFIXES,
    CLEAR_SUFFIXES,
    MANUAL,
    MENU,
    NAME,
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
    Part,
    Verdict,
    decode_menu,
    encode_answer,
)
from simulators.looking import Looking
from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire

DELIVERED = {TRIGGER_MODE: "0", READ_TIME: "30000", SHOW_NO_READ: "0", PREFIX: "", SUFFIX: "990D0A"}
REVISION_LINES = (
    "Product Name: Xenon 1900\r\nBoot Revision: : 8992\r\nSoftware Part Number: CA000064BBC\r\n"
    "Software Revision: $ProjectRevision: 16345 \r\nSerial Number: 15232B1F0C\r\n"
)
_TAKES = {
    TRIGGER_MODE: re.compile(r"[0-9]"),
    READ_TIME: re.compile(r"\d{1,6}"),
    SHOW_NO_READ: re.compile(r"[01]"),
    PREFIX: re.compile(r"99(?:[0-9A-Fa-f]{2}){1,11}"),
    SUFFIX: re.compile(r"99(?:[0-9A-Fa-f]{2}){1,11}"),
}
_CLEARS = {CLEAR_PREFIXES: PREFIX, CLEAR_SUFFIXES: SUFFIX}
_COMMAND = re.compile(rb"\x16[TU]\r|\x16M\r[^\x16.!]*[.!]")
_UNFINISHED = 500
"""Bytes after which a command without an end is given up."""
_NOTHING = "]X0"


class Honeywell(Looking):
    """One reader. Everything it knows outlives a connection, as on a real serial line."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        speed: float = 1.0,
        decode_seconds: float = 0.15,
        position: int | None = None,
        aim: str = "]d1",
        saved: dict[str, str] | None = None,
    ) -> None:
        super().__init__(parts, station, speed, decode_seconds, position, keeps_on=True)
        self._speed = speed
        self._aim = aim
        self._saved = {**DELIVERED, **(saved or {})}
        self.forget_all()

    def forget_all(self) -> None:
        super().forget_all()
        self._buffer = b""
        self._settings = dict(self._saved)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "settings": dict(self._settings), "saved": dict(self._saved)}

    async def hear(self, wire: Wire, data: bytes) -> None:
        self._buffer += data
        at = 0
        for found in _COMMAND.finditer(self._buffer):
            at = found.end()
            await self._handle(wire, found[0])
        self._buffer = self._buffer[at:][-_UNFINISHED:]

    async def deliver(self, wire: Wire, contents: list[str]) -> None:
        for content in contents:
            await self._send(wire, content, self._aim)

    async def deliver_none(self, wire: Wire) -> None:
        if self._settings[SHOW_NO_READ] == ON:
            await self._send(wire, NO_READ, _NOTHING)

    async def _send(self, wire: Wire, content: str, identifier: str) -> None:
        """As a reader does it: whatever the content holds."""
        prefix = self._settings[PREFIX].removeprefix(ALL_CODES)
        identified = AIM_IDENTIFIER in prefix
        await wire.write(
            bytes.fromhex(prefix.replace(AIM_IDENTIFIER, ""))
            + (identifier * identified + content).encode("latin-1")
            + bytes.fromhex(self._settings[SUFFIX].removeprefix(ALL_CODES))
        )

    async def _handle(self, wire: Wire, frame: bytes) -> None:
        if frame == TRIGGER_ON:
            await self._trigger()
        elif frame == TRIGGER_OFF:
            if self.stop_looking():
                await self.end(wire, [])
        elif frame.startswith(MENU):
            try:
                menu = decode_menu(frame)
            except FrameError:
                return
            answers = [self._menu(item, menu.saved) for item in menu.items]
            last = len(answers) - 1
            parts = (
                Part(text, verdict, ";" if at < last else chr(frame[-1]))
                for at, (text, verdict) in enumerate(answers)
            )
            await wire.write(encode_answer(tuple(parts)))

    async def _trigger(self) -> None:
        if self._enabled and self._settings[TRIGGER_MODE] == MANUAL and self._look_at is None:
            await self.moments.reach("session")
            seconds = int(self._settings[READ_TIME]) / 1000 / self._speed
            self.start_looking(clock.now(), seconds or None)

    def _menu(self, item: str, saved: bool) -> tuple[str, Verdict]:
        """One command, and what is answered to it."""
        name, data = item[:NAME].upper(), item[NAME:]
        present = self._saved if saved else self._settings
        if name == REVISIONS:
            return REVISION_LINES + name, Verdict.ACK
        if name in _CLEARS:
            self._set(_CLEARS[name], "", saved)
            return name, Verdict.ACK
        if name not in self._settings:
            return item, Verdict.ENQ
        if data in ("?", "^"):
            return name + (present if data == "?" else DELIVERED)[name], Verdict.ACK
        if not _TAKES[name].fullmatch(data):
            return item, Verdict.NAK
        self._set(name, data, saved)
        return item, Verdict.ACK

    def _set(self, name: str, value: str, saved: bool) -> None:
        self._settings[name] = value
        if saved:
            self._saved[name] = value


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> Honeywell:
    """Options: decode_seconds, position (the one that it sees, 1 and up; without it all), aim (the
    AIM identifier of each code), and what is saved in it: TRGMOD, TRGSTO, PREBK2, SUFBK2, SHWNRD.
    Raises ValueError.
    """
    given = Given(options)
    saved = {name: given.text(name, value) for name, value in DELIVERED.items()}
    for name, value in saved.items():
        if value != DELIVERED[name] and not _TAKES[name].fullmatch(value):
            raise ValueError(f"{name} cannot be {value!r}")
    device = Honeywell(
        parts,
        station,
        speed,
        decode_seconds=given.number("decode_seconds", 0.15),
        position=given.whole_or_none("position"),
        aim=given.text("aim", "]d1"),
        saved=saved,
    )
    given.end()
    return device
