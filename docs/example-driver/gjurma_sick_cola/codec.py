"""Telegrams of SICK's command language CoLa A, both ways. Pure: bytes in, values out.

A telegram is STX, a command's type, a space, its name and its parameters, each after a space, ETX
(SICK, "Telegram Listing LiDAR sensors", 8014631, 2.2: the frame is that of all CoLa A devices).
`sRN` reads a variable and is answered by `sRA`; `sMN` calls a method and is answered by `sAN`; what
cannot be done is answered by `sFA` and a number. The frame of `sMN mTCgateon`, which opens the
reading gate, stands in the "SICK CLV6300" notes of industrialmonitordirect.com; that it is answered
by `sAN mTCgateon 1` is seen in public programs that drive these readers.

Unverified (U): that a code comes as a telegram of its own, `STX content ETX`, and nothing read as
`NoRead`: both are settings of the reader's output format.
"""

import re
from dataclasses import dataclass

STX, ETX = b"\x02", b"\x03"
LONGEST = 4096

GATE_ON, GATE_OFF = "mTCgateon", "mTCgateoff"
IDENT = "DeviceIdent"
NO_READ = "NoRead"

_COMMANDS = ("sRN", "sMN")
_ANSWERS = ("sRA", "sAN", "sFA")
_IDENT = re.compile(rb"sRA DeviceIdent ([0-9A-Fa-f]+) (.*)\Z", re.DOTALL)


class FrameError(ValueError):
    """Bytes that are no telegram, or one that says something else."""


@dataclass(frozen=True)
class Telegram:
    """Type, name and parameters, as they stand there."""

    type: str
    name: str
    values: tuple[str, ...] = ()


def encode(telegram: Telegram) -> bytes:
    """The whole frame. Raises FrameError."""
    text = " ".join((telegram.type, telegram.name, *telegram.values))
    if not text.isascii() or not text.isprintable():
        raise FrameError(f"no telegram can carry {text!r}")
    return STX + text.encode("ascii") + ETX


def decode(frame: bytes) -> Telegram:
    """The telegram in a whole frame. Raises FrameError."""
    try:
        kind, name, *values = opened(frame).decode("ascii").split(" ")
    except ValueError as fault:
        raise FrameError(f"no telegram: {frame!r}") from fault
    if kind not in (*_COMMANDS, *_ANSWERS):
        raise FrameError(f"no telegram: {frame!r}")
    return Telegram(kind, name, tuple(values))


def opened(frame: bytes) -> bytes:
    """What stands in a frame: of one that is no telegram, what was read. Raises FrameError."""
    if not (frame.startswith(STX) and frame.endswith(ETX)):
        raise FrameError(f"no frame: {frame!r}")
    return frame[1:-1]


def is_answer(frame: bytes) -> bool:
    return frame[1:4] in [kind.encode() for kind in _ANSWERS] and frame[4:5] == b" "


def encode_ident(name: str, version: str) -> bytes:
    """The answer to `sRN DeviceIdent`: each text with its length before it, hexadecimal (U)."""
    return encode(Telegram("sRA", IDENT, (f"{len(name):X}", name, f"{len(version):X}", version)))


def decode_ident(frame: bytes) -> tuple[str, str]:
    """Name and version in that answer. Raises FrameError."""
    found = _IDENT.match(opened(frame))
    if found is None:
        raise FrameError(f"not who it is: {frame!r}")
    size, rest = int(found[1], 16), found[2]
    name, (length, _, version) = rest[:size], rest[size + 1 :].partition(b" ")
    if not length or int(length, 16) != len(version):
        raise FrameError(f"not who it is: {frame!r}")
    return name.decode("latin-1"), version.decode("latin-1")


def explain(data: bytes, sent: bool) -> str:
    """What the frames in `data` mean to a person."""
    names = {GATE_ON: "reading gate on", GATE_OFF: "reading gate off", IDENT: "who is there"}
    told = []
    for frame in Splitter().feed(data):
        try:
            telegram = decode(frame)
        except FrameError:
            told.append("" if sent else "what was read")
            continue
        refused = telegram.type == "sFA"
        told.append(f"error {telegram.name}" if refused else names.get(telegram.name, ""))
    return "; ".join(each for each in told if each)


class Splitter:
    """Cuts a stream into whole frames; an STX inside one begins a new one."""

    def __init__(self) -> None:
        self._open = bytearray()
        self.garbage = 0

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        frames = []
        for octet in data:
            if octet == STX[0]:
                self.reset()
            elif not self._open:
                self.garbage += 1
                continue
            self._open.append(octet)
            if octet == ETX[0]:
                frames.append(bytes(self._open))
                self._open.clear()
            elif len(self._open) >= LONGEST:
                self.reset()
        return frames
