"""Frames of the Panasonic commands, both ways, in LP-400/V-compatible and in standard mode.

Sources, by the page numbers of:
- C: "LP-GS Series Serial Communication Command Manual, LP-400/V compatible mode"
  (ME-LP-GS-SR-COMP-3)
- N: "LP-GS Series Serial Communication Command Manual" (ME-LPGS-SR-5), of the standard mode
- L: "LP-400 Series External Control Manual"
- S: "LP-GS Series Setup and Maintenance Manual" (ME-LPGS-SM-8)

Frame (C p.33, 34; N p.33, 34): start code, body, two check characters if they are switched on, end
code. The check characters are the low byte of the sum from the start code through the body, in
upper-case hexadecimal. The end code is CR, or CR LF by setting (S p.111).

A command looks the same in both modes, and so does the answer to a readout: start code 02. What
else differs, in one place each:
- Replies. Compatible: 06 before "00" (accepted), 15 before a two-digit cause (refused). Standard:
  02, the command and A without data (accepted), or E with cause and sub-code (refused); the
  command reads `???` where the marker could not tell it. Both letters, the start code and the
  command are settings of the marker (S p.111), taken as they are at first.
- Data of several items. Compatible: one after the other. Standard: a comma between two.
- STS, another layout with other items.

(U) In standard mode: cause and sub-code stand side by side without a comma (N p.34 draws two
fields); SIN and the end report of MST have the compatible mode's items (those pages were not seen).
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

STX, ACK, NAK = 0x02, 0x06, 0x15
GS = "\x1d"
TERMINATORS = {"cr": b"\r", "crlf": b"\r\n"}

Mode = Literal["compatible", "standard"]

_COMMA: dict[Mode, str] = {"compatible": "", "standard": ","}  # between two items: C p.33, N p.33
FILES: dict[Mode, range] = {"compatible": range(2048), "standard": range(10_000)}  # C p.33, N p.71
TEXT_NUMBERS = range(16)  # C p.72
TEXT_CHARACTERS = 99  # C p.72: 198 bytes hold 99 characters, and ASCII must not be mixed
LINE_CHARACTERS = 30  # C p.69
CODE_CHARACTERS = 30  # C p.87
FRAME_BYTES = 256  # the longest body is SIN with 200 bytes


class MalformedError(ValueError):
    """Bytes that are no frame, or a frame whose content the manual does not allow."""


class ChecksumError(MalformedError):
    """The two check characters do not match."""


class WrongModeError(MalformedError):
    """A frame of the other command mode."""


@dataclass(frozen=True)
class Format:
    """How the marker's communication is set (S p.111)."""

    checksum: bool = False
    terminator: bytes = b"\r"
    mode: Mode = "compatible"


@dataclass(frozen=True)
class Command:
    """Host to marker: `sub` is S (set, do) or R (read out)."""

    name: str
    sub: str
    data: str = ""


@dataclass(frozen=True)
class Answer:
    """Marker to host: what was read out, or an end report."""

    name: str
    data: str = ""


@dataclass(frozen=True)
class Accepted:
    """Marker to host: done. `name` is the command, in standard mode alone."""

    name: str = ""


@dataclass(frozen=True)
class Refused:
    """Marker to host, with a two-digit cause (C p.34).

    In standard mode also the command's `name`, or `???`, and which item of its data is wrong, "01"
    to "99"; "00" where that is no word on one item (N p.34).
    """

    cause: str
    name: str = ""
    item: str = ""


Message = Command | Answer | Accepted | Refused

ALARM = "10"
CAUSES = {
    "01": "incorrect start code",
    "02": "incorrect end code",
    "03": "not acceptable in the present state",
    "04": "no such command",
    "05": "incorrect checksum",
    "06": "incorrect data length",
    "07": "the input terminals have control",
    "08": "incorrect sub command",
    "09": "data out of range",
    ALARM: "an alarm or a warning is present",
    "11": "text for one shot not acceptable: shutter closed, reception on, or sent already",
    "12": "not enough memory",
    "99": "another cause",
}
"""Why a command is refused (C p.34, L p.70, N p.34)."""
NAMELESS = "???"
_NAMELESS_CAUSES = ("01", "02", "04", "05")  # N p.34


class Pumping(Enum):
    """The state of laser pumping (C p.62)."""

    OFF = "0"
    PREPARING = "1"
    DONE = "2"


@dataclass(frozen=True)
class Status:
    """What STS answers (C p.62, N p.68); None is what the mode, or the series, does not tell.

    `reception` False is the digit 1: it is the inverted sense, in both modes.
    """

    error: bool
    pumping: Pumping
    reception: bool
    """Settings may be received; then nothing can be triggered. True too with a closed shutter."""
    ready: bool
    """A trigger would mark."""
    intervals: bool | None = None
    """Compatible mode: marking at regular intervals is on."""
    radiating: bool | None = None
    """Standard mode: it is marking."""
    shutter: bool | None = None
    """Standard mode: the shutter is open."""
    waiting: bool | None = None
    """Standard mode, LP-RC and LP-RF alone: it waits for data."""


def checksum(frame: bytes) -> bytes:
    """The check characters of `frame`: start code and body."""
    return b"%02X" % (sum(frame) & 0xFF)


def encode(message: Message, form: Format) -> bytes:
    """The whole frame. Raises MalformedError for what no frame can carry."""
    standard = form.mode == "standard"
    match message:
        case Command(name, sub, data):
            start, body = STX, name + sub + data
        case Answer(name, data):
            start, body = STX, name + "A" + data
        case Accepted(name):
            start, body = (STX, name + "A") if standard else (ACK, "00")
        case Refused(cause, name, item):
            start, body = (STX, name + "E" + cause + item) if standard else (NAK, cause)
    frame = bytes([start]) + _octets(body)
    if _parse(frame, form.mode) != message:  # a sub command A, a cause that is no number
        raise MalformedError(f"no frame says {message!r}")
    return frame + (checksum(frame) if form.checksum else b"") + form.terminator


def decode(frame: bytes, form: Format) -> Message:
    """The message in one whole frame. Raises ChecksumError, MalformedError."""
    if not frame.endswith(form.terminator):
        raise MalformedError(f"no end code: {frame!r}")
    content = frame[: len(frame) - len(form.terminator)]
    if form.checksum:
        content, given = content[:-2], content[-2:]
        if given != checksum(content):
            raise ChecksumError(f"check characters {given!r}, computed {checksum(content)!r}")
    return _parse(content, form.mode)


def accepted(name: str, form: Format) -> Accepted:
    """What the marker says when it has carried out `name`."""
    return Accepted(name if form.mode == "standard" else "")


def refused(name: str, cause: str, form: Format) -> Refused:
    """What the marker says when it does not carry out `name`."""
    if form.mode == "compatible":
        return Refused(cause)
    return Refused(cause, NAMELESS if cause in _NAMELESS_CAUSES else name, "00")


def names_another(reply: Message, name: str) -> bool:
    """Whether `reply` says that it answers another command than `name`."""
    return bool(reply.name) and reply.name not in (name, NAMELESS)


def _octets(body: str) -> bytes:
    try:
        octets = body.encode("ascii")
    except UnicodeEncodeError as fault:
        raise MalformedError(f"not ASCII: {body!r}") from fault
    if any((octet < 0x20 and octet != 0x1D) or octet == 0x7F for octet in octets):
        raise MalformedError(f"a control character other than GS: {body!r}")
    return octets


def _parse(content: bytes, mode: Mode) -> Message:
    """The message in start code and body."""
    try:
        body = content[1:].decode("ascii")
    except UnicodeDecodeError as fault:
        raise MalformedError(f"not ASCII: {content!r}") from fault
    _octets(body)
    start = content[0] if content else -1
    reply = _parse_reply(start, body)
    if reply is not None:
        of: Mode = "standard" if start == STX else "compatible"
        if of != mode:
            raise WrongModeError(f"{content!r} is of the {of} command mode")
        return reply
    if start == STX and len(body) >= 4 and body[:3].isalpha() and body[:3].isupper():
        name, sub, data = body[:3], body[3], body[4:]
        if sub != "A":
            return Command(name, sub, data)
        # A readout always answers something: without data it is the standard mode's acceptance.
        return Answer(name, data) if data or mode == "compatible" else Accepted(name)
    raise MalformedError(f"no frame: {content!r}")


def _parse_reply(start: int, body: str) -> Accepted | Refused | None:
    """What only one of the modes says: ACK and NAK, or E with cause and sub-code."""
    if start == ACK and body == "00":
        return Accepted()
    if start == NAK and len(body) == 2 and body.isdigit() and body != "00":
        return Refused(body)
    name, sub, codes = body[:3], body[3:4], body[4:]
    if start != STX or sub != "E" or len(codes) != 4 or not codes.isdigit():
        return None
    cause, item = codes[:2], codes[2:]
    named = name.isalpha() and name.isupper() and cause not in _NAMELESS_CAUSES
    nameless = name == NAMELESS and cause in _NAMELESS_CAUSES
    return Refused(cause, name, item) if (named or nameless) and cause != "00" else None


class Splitter:
    """Cuts a stream into whole frames; bytes outside a frame are skipped and counted.

    The marker ignores what stands before a start code and after an end code. A start code inside
    a frame begins a new one (U: the manual forbids it in data and does not say what happens).
    """

    def __init__(self, form: Format) -> None:
        self._terminator = form.terminator
        self._whole = re.compile(
            rb"[\x02\x06\x15][^\x02\x06\x15\r]{1,200}" + re.escape(form.terminator)
        )
        self._open = bytearray()
        self.garbage = 0

    @property
    def unfinished(self) -> bool:
        """A frame has begun and not ended."""
        return bool(self._open)

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        if not self._open and self._whole.fullmatch(data):
            return [data]  # as a frame nearly always comes: byte by byte takes far longer
        frames = []
        for octet in data:
            if octet in (STX, ACK, NAK):
                self.reset()
                self._open.append(octet)
            elif not self._open:
                # The LF of an end code CR LF belongs to it, although CR alone was set here.
                self.garbage += octet != 0x0A
            else:
                self._open.append(octet)
                if self._open.endswith(self._terminator):
                    frames.append(bytes(self._open))
                    self._open.clear()
                elif len(self._open) > FRAME_BYTES:
                    self.reset()
        return frames


def is_end_report(frame: bytes) -> bool:
    """An end report carries four characters; the answer to MST R carries one (C p.63, 64)."""
    return frame.startswith(b"\x02MSTA") and len(frame.rstrip(b"\r\n")) >= 9


def _digits(data: str) -> bool:
    return data.isascii() and data.isdigit()


def file_number(number: int, mode: Mode) -> str:
    """Data of FNO: four digits (C p.33, N p.71). Raises MalformedError."""
    if number not in FILES[mode]:
        raise MalformedError(f"no file {number}")
    return f"{number:04}"


def parse_file_number(data: str, mode: Mode) -> int:
    """A command of standard mode may leave out zeros in front (N p.71)."""
    whole = len(data) == 4 or (mode == "standard" and 1 <= len(data) <= 4)
    if not whole or not _digits(data) or int(data) not in FILES[mode]:
        raise MalformedError(f"no file number: {data!r}")
    return int(data)


def flag(on: bool) -> str:
    """Data of LSR, SHT, MST (1 on) and RSM (1 standard mode): C p.57, 58, 63, 135."""
    return "1" if on else "0"


def parse_flag(data: str) -> bool:
    if data not in ("0", "1"):
        raise MalformedError(f"neither 0 nor 1: {data!r}")
    return data == "1"


def reception(on: bool) -> str:
    """Data of MKM, in the inverted sense: 0 permits settings, 1 ends them and arms (C p.56)."""
    return flag(not on)


def parse_reception(data: str) -> bool:
    return not parse_flag(data)


def shot_text(number: int, text: str, mode: Mode) -> str:
    """Data of SIN: text for one shot (C p.72). Raises MalformedError.

    (U) In standard mode nothing tells a comma of the text from one between two items: refused.
    """
    if number not in TEXT_NUMBERS:
        raise MalformedError(f"text number {number} is not 0 to 15")
    if len(text) > TEXT_CHARACTERS:
        raise MalformedError(f"{len(text)} characters, at most {TEXT_CHARACTERS} are allowed")
    if mode == "standard" and "," in text:
        raise MalformedError("in standard mode the text may hold no comma")
    return f"{number:02}{_COMMA[mode]}{text}"


def parse_shot_text(data: str, mode: Mode) -> tuple[int, str]:
    number, text = data[:2], data[2:].removeprefix(_COMMA[mode])
    if len(number) != 2 or not _digits(number):
        raise MalformedError(f"no text number: {data!r}")
    if shot_text(int(number), text, mode) != data:
        raise MalformedError(f"no comma behind the text number: {data!r}")
    return int(number), text


def stored_line(number: int, text: str) -> str:
    """Data of MCS: a stored line, 1 to 50 of the file, 51 to 60 of all files (C p.69)."""
    if not 1 <= number <= 60 or len(text) > LINE_CHARACTERS or GS in text:
        raise MalformedError(f"no stored line: {number}, {text!r}")
    return f"{number:02}{text}"


def parse_stored_line(data: str) -> tuple[int, str]:
    number, text = data[:2], data[2:]
    if len(number) != 2 or not _digits(number):
        raise MalformedError(f"no line number: {data!r}")
    stored_line(int(number), text)
    return int(number), text


def stored_code(thing: int, part: int, text: str) -> str:
    """Data of BCS: part 1 to 9 of the stored 2D code of object 0 to 7 (C p.87). GS is FNC1."""
    if not 0 <= thing <= 7 or not 1 <= part <= 9 or len(text) > CODE_CHARACTERS:
        raise MalformedError(f"no stored code: {thing}, {part}, {text!r}")
    return f"{thing}{part}{text}"


def parse_stored_code(data: str) -> tuple[int, int, str]:
    if len(data) < 2 or not _digits(data[:2]):
        raise MalformedError(f"no object and part: {data!r}")
    thing, part, text = int(data[0]), int(data[1]), data[2:]
    stored_code(thing, part, text)
    return thing, part, text


def status(value: Status, mode: Mode) -> str:
    """Data of the answer to STS (C p.62, N p.68). Raises MalformedError for what it cannot tell."""
    if mode == "compatible":
        items = [
            flag(value.error),
            value.pumping.value,
            reception(value.reception),
            flag(value.ready),
            flag(bool(value.intervals)),
        ]
    else:
        items = [
            flag(value.ready),
            flag(bool(value.radiating)),
            value.pumping.value,
            flag(bool(value.shutter)),
            reception(value.reception),
            flag(value.error),
        ]
        if value.waiting is not None:
            items.append(flag(value.waiting))
    told = _COMMA[mode].join(items)
    if parse_status(told, mode) != value:
        raise MalformedError(f"no status of the {mode} command mode: {value!r}")
    return told


def status_mode(data: str) -> Mode:
    """In which mode STS was answered; raises MalformedError, which names an LP-310.

    An LP-310 tells six digits of another sense: its error is 0 when there is one.
    """
    if len(data) == 6 and _digits(data):
        raise MalformedError(f"status {data!r} has six digits: an LP-310, which is not supported")
    if len(data) == 5 and _digits(data):
        return "compatible"
    if len(data) in (11, 13) and _digits(data[::2]) and not data[1::2].strip(","):
        return "standard"
    raise MalformedError(f"no status: {data!r}")


def parse_status(data: str, mode: Mode) -> Status:
    """Raises WrongModeError for the other mode's, MalformedError."""
    of = status_mode(data)
    if of != mode:
        raise WrongModeError(f"status {data!r} is of the {of} command mode")
    try:
        if mode == "compatible":
            return Status(
                error=parse_flag(data[0]),
                pumping=Pumping(data[1]),
                reception=parse_reception(data[2]),
                ready=parse_flag(data[3]),
                intervals=parse_flag(data[4]),
            )
        ready, radiating, pumping, shutter, closed, error, *waiting = data.split(",")
        return Status(
            error=parse_flag(error),
            pumping=Pumping(pumping),
            reception=parse_reception(closed),
            ready=parse_flag(ready),
            radiating=parse_flag(radiating),
            shutter=parse_flag(shutter),
            waiting=parse_flag(waiting[0]) if waiting else None,
        )
    except ValueError as fault:
        raise MalformedError(f"no status: {data!r}") from fault


def end_report(error: int) -> str:
    """Data of an end report: 0 is the normal end, else the error's number (C p.64)."""
    if not 0 <= error <= 999:
        raise MalformedError(f"no error {error}")
    return "0000" if error == 0 else f"E{error:03}"


def parse_end_report(data: str) -> int:
    """0 after a normal end; warnings E700 to E799, which do not interrupt, are reported as 0."""
    if data == "0000":
        return 0
    if len(data) != 4 or data[0] != "E" or not _digits(data[1:]) or data == "E000":
        raise MalformedError(f"no end report: {data!r}")
    return int(data[1:])
