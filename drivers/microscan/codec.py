"""K-commands, the reader's answers and what it read, both ways: bytes to values and back.

Microscan QX Hawk help, "Serial Command Format" (qx_hawk_help-7-15); MicroHAWK Engine Integration
Guide 84-9007100-02, pages 14-18 and 14-21; MS-9 Scanner User's Manual, pages 8-6 and 12-20:

    <K220,0,50>   configuration: a number of three digits, fields apart by commas
    <A>           utility: what was configured holds until the reader is switched off
    <K220?>       the present fields, answered by <K220,0,50>
    <?>           status, answered by <?/22>: the first hex digit is the low one
    <!a>          checksum of the firmware, answered by <!a/1F2E>

Commands are case-sensitive and are not acknowledged. `<`, `>` and `,` stand in no field; what has
to hold them is sent as pairs of hex digits. A trigger is one character, in `<` and `>` too.

What was read comes as it is, with a preamble before it (none as delivered) and a postamble after it
(CR LF), and so does the message of nothing read. So it is point-to-point; `acknak` has the frames
of the other protocol.

Unverified, each in one place here: in which unit the time of a read cycle is told
(`TICKS_A_SECOND`); whether answers have the postamble too (`Splitter` takes both).
"""

import re
from dataclasses import dataclass

END = b"\r\n"
LONGEST = 1 << 16
"""Bytes that a line may have; a symbol holds some thousands at most."""

TICKS_A_SECOND = 100
NO_READ = "NOREAD"
TRIGGER = " "

TRIGGER_MODE = 200
TRIGGER_CHARACTER = 201
END_OF_CYCLE = 220
NO_READ_MESSAGE = 714

BY_SERIAL_DATA = "4"
BY_TIME = "0"
ON = "1"

_FIELD = re.compile(r"[ -~]*\Z")
_COMMAND = re.compile(rb"<([ -;=?-~]{1,400})>\Z")
_SETTING = re.compile(r"K(\d{3})(?:,(.*))?\Z")
_STATUS = re.compile(rb"<\?/([0-9A-F])([0-9A-F]?)>\Z")
_FIRMWARE = re.compile(rb"<!a/([0-9A-Za-z]{1,16})>\Z")
_ANSWER = re.compile(rb"<(?:\?/[0-9A-F]{1,2}|!a/[0-9A-Za-z]{1,16}|K\d{3}(?:,[ -;=?-~]{0,400})?)>")


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A configuration command with its fields, or the answer to a question for it."""

    number: int
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The reader's status byte."""

    bits: int

    @property
    def command_error(self) -> bool:
        return bool(self.bits & 0x01)

    @property
    def command_received(self) -> bool:
        return bool(self.bits & 0x02)

    @property
    def line_error(self) -> bool:
        return bool(self.bits & 0x04)

    @property
    def flash_failure(self) -> bool:
        return bool(self.bits & 0x08)

    @property
    def overflow(self) -> bool:
        return bool(self.bits & 0x10)

    @property
    def reading(self) -> bool:
        """It is in a read cycle."""
        return bool(self.bits & 0x20)


def encode_command(text: str) -> bytes:
    """A command in its brackets. Raises ValueError for a text that cannot stand in them."""
    frame = f"<{text}>".encode("latin-1")
    if not _COMMAND.match(frame):
        raise ValueError(f"{text!r} cannot stand between < and >")
    return frame


def decode_command(frame: bytes) -> str:
    """What stands in the brackets. Raises FrameError."""
    found = _COMMAND.match(frame)
    if found is None:
        raise FrameError("no command in < and >")
    return found[1].decode("ascii")


def encode_setting(setting: Setting) -> bytes:
    """A configuration command. Raises ValueError."""
    for field in setting.fields:
        if "," in field or not _FIELD.match(field):
            raise ValueError(f"{field!r} cannot be a field")
    return encode_command(",".join((f"K{setting.number:03}", *setting.fields)))


def decode_setting(frame: bytes) -> Setting:
    """The configuration command in exactly `frame`. Raises FrameError."""
    found = _SETTING.match(decode_command(frame))
    if found is None:
        raise FrameError("no configuration command")
    fields = () if found[2] is None else tuple(found[2].split(","))
    return Setting(int(found[1]), fields)


def question(number: int) -> str:
    """The text that asks for the present fields."""
    return f"K{number:03}?"


def encode_status(status: Status) -> bytes:
    """The answer to `<?>`."""
    return f"<?/{status.bits & 0x0F:X}{status.bits >> 4:X}>".encode("ascii")


def decode_status(frame: bytes) -> Status:
    """The status. A single digit is the low one. Raises FrameError."""
    found = _STATUS.match(frame)
    if found is None:
        raise FrameError("no status")
    return Status(int(found[1], 16) | int(found[2] or b"0", 16) << 4)


def encode_firmware(checksum: str) -> bytes:
    """The answer to `<!a>`. Raises ValueError."""
    frame = f"<!a/{checksum}>".encode("latin-1")
    if not _FIRMWARE.match(frame):
        raise ValueError(f"{checksum!r} is no checksum")
    return frame


def decode_firmware(frame: bytes) -> str:
    """The checksum of the firmware. Raises FrameError."""
    found = _FIRMWARE.match(frame)
    if found is None:
        raise FrameError("no checksum of the firmware")
    return found[1].decode("ascii")


def encode_result(content: bytes, preamble: bytes = b"") -> bytes:
    """What was read. Raises ValueError if it holds the end of a line."""
    frame = preamble + content + END
    if frame.find(END) != len(frame) - len(END):
        raise ValueError("the content holds the end of a line")
    return frame


def decode_result(frame: bytes, preamble: bytes = b"") -> bytes:
    """What was read. Raises FrameError."""
    if frame.find(END) != len(frame) - len(END) or not frame.startswith(preamble):
        raise FrameError("no line with its preamble that ends once, with CR LF")
    return frame[len(preamble) : -len(END)]


def is_answer(frame: bytes) -> bool:
    """The frame answers a command; else it is what was read."""
    return _ANSWER.fullmatch(frame) is not None


_NAMES = {
    "!a": "firmware",
    "?": "status",
    f"K{TRIGGER_MODE}": "trigger mode",
    f"K{TRIGGER_CHARACTER}": "trigger character",
    f"K{END_OF_CYCLE}": "end of the read cycle",
    f"K{NO_READ_MESSAGE}": "message of nothing read",
    "A": "apply",
    "Z": "save",
    TRIGGER: "trigger",
}


def explain(data: bytes, sent: bool) -> str:
    """What the commands and answers in `data` mean to a person; empty where nothing is known."""
    told = []
    for found in re.finditer(rb"<([ -;=?-~]+)>", data):
        text = found[1].decode("ascii")
        name = _NAMES.get(text, _NAMES.get(text.removesuffix("?").partition("/")[0][:4], ""))
        if _STATUS.match(found[0]):
            status = decode_status(found[0])
            flags = {
                "wrong command": status.command_error,
                "fault on the line": status.line_error,
                "flash failure": status.flash_failure,
                "overflow": status.overflow,
                "in a read cycle": status.reading,
            }
            name = f"status: {', '.join(flag for flag, on in flags.items() if on) or 'good'}"
        elif name and sent and text.endswith(("?", "!a")):
            name += "?"
        told.append(name)
    return "; ".join(each for each in told if each)


class Splitter:
    """Cuts a stream into answers and lines, unchecked. An answer ends with `>`, with or without the
    end of a line after it. So a symbol that holds just such an answer cannot be told from one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no end begins before: a line that comes slowly is searched once
        self.garbage = 0
        """Bytes that were never completed."""

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        found = []
        while self._buffer:
            if answer := _ANSWER.match(self._buffer):
                frame = answer[0]
            elif (end := self._buffer.find(END, self._searched)) >= 0:
                frame = bytes(self._buffer[: end + len(END)])
            else:
                break
            del self._buffer[: len(frame)]
            self._searched = 0
            if frame != END:
                found.append(bytes(frame))
        self._searched = max(len(self._buffer) - len(END) + 1, 0)
        if len(self._buffer) > LONGEST:
            self.reset()
        return found

    def reset(self) -> None:
        """Forget an unfinished line, but not that its end may be on its way."""
        if END.startswith(self._buffer):
            return
        self.garbage += len(self._buffer)
        self._buffer.clear()
        self._searched = 0
