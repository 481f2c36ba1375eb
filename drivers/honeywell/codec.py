"""Serial programming commands of Honeywell scanners, the answers, and what was read, both ways.

Xenon 1900/1902 and N86XX User's Guides, "Serial Programming Commands" (chapters 11 and 10):

    trigger   SYN T CR             stop   SYN U CR                    neither is answered
    menu      SYN M CR TAGSUBdata;TAGSUBdata!        `!`: until it is switched off, `.`: saved
    question  SYN M CR TAGSUB?.                      `?` present, `^` default, `*` range
    answer    TAGSUBdata ACK;TAGSUBdata ACK!         the command again, and before each mark
              ACK (done), ENQ (no such command) or NAK (no such data)

Tags and subtags are not case-sensitive. A reader puts nothing around what it read but the prefix
and suffix that are set for it: as delivered none, or CR alone. Neither stands around an answer. So
what was read is known by its prefix, one control character, and ends with its suffix; within it
anything may stand but these two. Outside of it answers hold printable ASCII and ends of lines.

Unverified, each in one place here: that `?` with `!` asks for what is set until it is switched
off (`question`); that a prefix and a suffix of all symbologies (`ALL_CODES`) stand around the
message of nothing read too; which bytes of a prefix stand for the AIM identifier
(`AIM_IDENTIFIER`), and which identifier the message of nothing read has (`is_nothing` takes none
and `]X`); the lines of REVINF (`decode_revisions`, as one Voyager 1602g sent them).
"""

import re
from dataclasses import dataclass
from enum import Enum

LONGEST = 1 << 16
"""Bytes that a frame may have; a symbol holds some thousands at most."""

MENU = b"\x16M\r"
TRIGGER_ON = b"\x16T\r"
TRIGGER_OFF = b"\x16U\r"

TRIGGER_MODE = "TRGMOD"
READ_TIME = "TRGSTO"
SHOW_NO_READ = "SHWNRD"
PREFIX = "PREBK2"
CLEAR_PREFIXES = "PRECA2"
SUFFIX = "SUFBK2"
CLEAR_SUFFIXES = "SUFCA2"
REVISIONS = "REVINF"
MANUAL = "0"
ON = "1"
ALL_CODES = "99"
AIM_IDENTIFIER = "5C81"
NO_READ = "NR"
NAME = 6
"""Characters of tag and subtag."""

_ITEM = re.compile(r"[ \"-+\-/-:<-~]{3,400}")
_ANSWER = re.compile(
    rb"[\x20-\x7e\r\n]*(?:[\x05\x06\x15][,;][\x20-\x7e\r\n]*)*[\x05\x06\x15][.!]", re.DOTALL
)
_PART = re.compile(rb"([\x20-\x7e\r\n]*)([\x05\x06\x15])([,;.!])")
_STRANGER = re.compile(rb"[^\x05\x06\x15\x20-\x7e\r\n]")
_ANSWER_END = re.compile(rb"[\x05\x06\x15][.!]")
_CONTROL = re.compile(rb"[\x01-\x04\x07\x08\x0e-\x14\x17-\x1f]")


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


class Verdict(Enum):
    """What a reader says to one command."""

    ACK = b"\x06"
    ENQ = b"\x05"
    NAK = b"\x15"

    @property
    def cause(self) -> str:
        return {
            Verdict.ACK: "done",
            Verdict.ENQ: "this reader knows no such command",
            Verdict.NAK: "this reader takes no such value",
        }[self]


@dataclass(frozen=True, slots=True)
class Menu:
    """Commands or questions that are sent at once: tag, subtag and data of each."""

    items: tuple[str, ...]
    saved: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What a reader answers to one command, and the mark that follows it."""

    text: str
    verdict: Verdict
    mark: str = ";"

    @property
    def name(self) -> str:
        """Tag and subtag; a list of revisions comes before them, on lines of its own."""
        return self.text.rpartition("\n")[2][:NAME].upper()

    @property
    def value(self) -> str:
        return self.text.rpartition("\n")[2][NAME:]


def encode_menu(menu: Menu) -> bytes:
    """The command's bytes. Raises ValueError."""
    if not menu.items or not all(map(_ITEM.fullmatch, menu.items)):
        raise ValueError(f"{menu.items!r} are no commands")
    return MENU + ";".join(menu.items).encode("ascii") + (b"." if menu.saved else b"!")


def decode_menu(frame: bytes) -> Menu:
    """The commands in exactly `frame`. A subtag that follows a comma has its tag again: so it is
    written out here. Raises FrameError.
    """
    if not frame.startswith(MENU) or frame[-1:] not in (b".", b"!"):
        raise FrameError("no menu command")
    items: list[str] = []
    for group in frame[len(MENU) : -1].decode("latin-1").split(";"):
        first, *more = group.split(",")
        items += (first, *(first[:3] + each for each in more))
    if not all(map(_ITEM.fullmatch, items)):
        raise FrameError("no menu command")
    return Menu(tuple(items), frame.endswith(b"."))


def encode_answer(parts: tuple[Part, ...]) -> bytes:
    """The answer's bytes. Raises ValueError."""
    frame = b"".join(
        part.text.encode("latin-1") + part.verdict.value + part.mark.encode("latin-1")
        for part in parts
    )
    if not is_answer(frame):
        raise ValueError(f"{parts!r} are no answer")
    return frame


def decode_answer(frame: bytes) -> tuple[Part, ...]:
    """What is answered to each command. Raises FrameError."""
    if not is_answer(frame):
        raise FrameError("no answer")
    return tuple(
        Part(text.decode("ascii"), Verdict(verdict), mark.decode("ascii"))
        for text, verdict, mark in _PART.findall(frame)
    )


def is_answer(frame: bytes) -> bool:
    """The frame answers a command; else it is what was read."""
    return _ANSWER.fullmatch(frame) is not None


def explain(data: bytes, sent: bool) -> str:
    """What a trigger is, and why each command was refused that `data` answers."""
    if sent:
        return {TRIGGER_ON: "trigger", TRIGGER_OFF: "end of the trigger"}.get(data, "")
    found = _ANSWER.search(data)
    parts = decode_answer(found[0]) if found else ()
    refused = [part for part in parts if part.verdict is not Verdict.ACK]
    return "; ".join(f"{part.name}: {part.verdict.cause}" for part in refused)


def question(names: tuple[str, ...]) -> Menu:
    """Asks for what is set at present."""
    return Menu(tuple(f"{name}?" for name in names))


def around(text: bytes) -> str:
    """The data that set a prefix or a suffix of all symbologies."""
    return ALL_CODES + text.hex().upper()


def decode_revisions(part: Part) -> tuple[str, str]:
    """Model and revision of the software; empty where it does not tell them."""
    lines = [line.partition(":") for line in part.text.splitlines()]
    told = {name.strip(): value.strip() for name, _, value in lines}
    revision = told.get("Software Revision", "")
    return told.get("Product Name", ""), revision.removeprefix("$ProjectRevision:").strip(" $")


def encode_result(content: bytes, prefix: bytes, suffix: bytes) -> bytes:
    """What was read. Raises ValueError if it could not be told whole."""
    frame = prefix + content + suffix
    if prefix in content or frame.find(suffix, len(prefix)) != len(frame) - len(suffix):
        raise ValueError("the content holds its prefix or its suffix")
    return frame


def decode_result(frame: bytes, prefix: bytes, suffix: bytes) -> bytes:
    """What was read. Raises FrameError."""
    body = len(frame) - len(prefix)
    if not frame.startswith(prefix) or body < len(suffix) or not frame.endswith(suffix):
        raise FrameError("nothing with its prefix and its suffix")
    content = frame[len(prefix) : -len(suffix)]
    if prefix in content or frame.find(suffix, len(prefix)) != len(frame) - len(suffix):
        raise FrameError("the content holds its prefix or its suffix")
    return content


def is_nothing(content: bytes, no_read: bytes, identified: bool) -> bool:
    """It is the message of nothing read. With identifiers a symbol of just that content is not."""
    return content == no_read or (
        identified and content.startswith(b"]X") and content[3:] == no_read
    )


def is_prefix(text: bytes) -> bool:
    """It can begin what was read: a control character that stands in no answer and no command."""
    return _CONTROL.fullmatch(text) is not None


class Splitter:
    """Cuts a stream into answers and what was read, unchecked. `prefix` begins what was read
    wherever it stands; what is neither is skipped, and counted.
    """

    def __init__(self, prefix: bytes, suffix: bytes) -> None:
        self._prefix = prefix
        self._suffix = suffix
        self._buffer = bytearray()
        self.garbage = 0
        """Bytes that belong to no frame, or were never completed."""

    def feed(self, data: bytes) -> list[bytes]:
        ends = not self._buffer or self._ends(data)
        self._buffer += data
        found = []
        while ends and self._buffer:
            frame = self._next()
            if frame is None:
                break
            if frame:
                found.append(frame)
        if len(self._buffer) > LONGEST:
            self.reset()
        return found

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._skip(len(self._buffer))

    def _ends(self, data: bytes) -> bool:
        """More may change what is there; else a long frame would be searched at each piece."""
        longest = max(len(self._prefix), len(self._suffix), 2)
        seam = bytes(self._buffer[1 - longest :]) + data
        if self._buffer.startswith(self._prefix):
            return self._suffix in seam
        return (
            self._prefix in seam
            or _STRANGER.search(data) is not None
            or _ANSWER_END.search(seam) is not None
        )

    def _next(self) -> bytes | None:
        """A frame; empty if bytes were skipped; None if more have to come."""
        start = self._buffer.find(self._prefix)
        if start == 0:
            end = self._buffer.find(self._suffix, len(self._prefix))
            if end < 0:
                return None
            self._skip(self._buffer.rfind(self._prefix, 0, end))
            return self._cut(self._buffer.find(self._suffix, len(self._prefix)) + len(self._suffix))
        head = bytes(self._buffer if start < 0 else self._buffer[:start])
        if answer := _ANSWER.match(head):
            return self._cut(answer.end())
        # Only up to the stranger: an answer may stand between it and what follows.
        stranger = _STRANGER.search(head)
        if stranger is None and start < 0:
            return None
        self._skip(start if stranger is None else stranger.end())
        return b""

    def _cut(self, size: int) -> bytes:
        frame = bytes(self._buffer[:size])
        del self._buffer[:size]
        return frame

    def _skip(self, size: int) -> None:
        self.garbage += size
        del self._buffer[:size]
