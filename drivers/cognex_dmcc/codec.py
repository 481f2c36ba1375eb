"""DMCC commands, replies and read strings, both ways: bytes to values and values to bytes.

Cognex, DataMan Communications and Programming Manual, "Command Syntax" and "Reader Response"
(pages 18 and 19 of manualslib 2077577; the same text in DataMan Control Commands 3.5):

    command   ||checksum:command-id>command arguments CR LF
    reply     ||checksum:command-id[status]data CR LF

All of the header but `||` and `>` may be missing. Checksum 0 (or none): no checksum; 1: the last
byte before the footer is the exclusive or of the bytes. Words of a command are case-insensitive. A
reader answers in one of two ways (`COM.DMCC-RESPONSE`): *silent*, the default, without any
header, nothing to a SET and nothing to a wrong command; or *extended*, with the reply above to all.

What was read comes apart from replies. Extended: a frame with status 1, its data in base64 as
of RFC 2045 (DataMan Control Commands 3.5, "Reader Response"), the message of nothing read too.

Unverified, each in one place here: over which bytes the checksum goes (`Span`); whether all
firmware sends what was read in base64, on one line however long, and with a header (`Results`);
the message of nothing read
(`NO_READ`); the value that means extended (`EXTENDED`: the manual says 1, clients in use with
firmware 6.1 send 2); what further fields in a reply's header mean (`Reply.more`: firmware 6.1.16
sends `||:::2[0]`).
"""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import reduce
from operator import xor

FOOTER = b"\r\n"
LONGEST = 1 << 16
"""Bytes that a line may have; a symbol holds some thousands at most."""

SILENT = 0
EXTENDED = 1
NO_READ = "NO-READ"

RESPONSE = "COM.DMCC-RESPONSE"
TYPE = "DEVICE.TYPE"
FIRMWARE = "DEVICE.FIRMWARE-VER"
TRIGGER_ON = "TRIGGER ON"
TRIGGER_OFF = "TRIGGER OFF"

_COMMAND = re.compile(rb"\|\|(?:([01]?)(?::(\d{0,9}))?)?>(.*)\Z", re.DOTALL)
_REPLY = re.compile(rb"\|\|((?:\d{0,9}(?::\d{0,9}){0,7})?)\[(\d{1,3})\](.*)\Z", re.DOTALL)
_REPLY_HEAD = re.compile(rb"\|\|[0-9:]{0,79}\[\d{1,3}\]")


class Span(Enum):
    """Over which bytes the checksum goes."""

    WHOLE = "whole"
    """All before it, the header too."""
    BODY = "body"
    """The command, or the data, without the header."""


class Results(Enum):
    """How a reader with extended responses sends what it read."""

    BASE64 = "base64"
    """`||[1]`, then base64."""
    FRAMED = "framed"
    """`||[1]`, then the text as it is."""
    PLAIN = "plain"
    """The text as it is, without a header; so it is with silent responses."""


class Status(IntEnum):
    """The number in a reply's brackets."""

    OK = 0
    READ = 1
    UNIDENTIFIED = 100
    COMMAND_INVALID = 101
    PARAMETER_INVALID = 102
    CHECKSUM_INCORRECT = 103
    REJECTED_BY_STATE = 104
    READER_UNAVAILABLE = 105
    FILE_ERROR = 106


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


class ChecksumError(FrameError):
    """A frame whose checksum does not match."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: printable ASCII, words apart by one space."""

    text: str
    ident: int | None = None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, or what was read (status 1). `more`: fields of the header after the first two."""

    status: int
    data: bytes = b""
    ident: int | None = None
    checked: bool = False
    more: tuple[str, ...] = ()


def checksum(head: bytes, body: bytes, span: Span) -> int:
    """The exclusive or of the bytes that the checksum covers."""
    return reduce(xor, head + body if span is Span.WHOLE else body, 0)


def setting(parameter: str, value: int) -> str:
    """The text of a SET."""
    return f"SET {parameter} {value}"


def question(parameter: str) -> str:
    """The text of a GET."""
    return f"GET {parameter}"


def encode_command(command: Command, span: Span = Span.WHOLE) -> bytes:
    """The command's bytes. Raises ValueError for a text that would not arrive as it is."""
    body = command.text.encode("ascii")
    if not body or not command.text.isprintable():
        raise ValueError(f"{command.text!r} is not printable ASCII")
    head = f"||{_options(command.checked, command.ident)}>".encode("ascii")
    return _closed(head, body, command.checked, span)


def decode_command(frame: bytes, span: Span = Span.WHOLE) -> Command:
    """The command in exactly `frame`. Raises FrameError, ChecksumError."""
    found = _COMMAND.match(_opened(frame))
    if found is None:
        raise FrameError("no command header")
    checked = found[1] == b"1"
    body = _checked(frame, found.start(3), found[3], checked, span)
    ident = int(found[2]) if found[2] else None
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise FrameError("a command that is no ASCII") from None
    if not text or not text.isprintable():
        raise FrameError("a command that is empty or not printable")
    return Command(text, ident, checked)


def encode_reply(reply: Reply, span: Span = Span.WHOLE) -> bytes:
    """The reply's bytes. Raises ValueError if its data hold a line's end."""
    options = _options(reply.checked, reply.ident)
    if reply.more:
        options += ":" * (reply.ident is None) + "".join(f":{field}" for field in reply.more)
    head = f"||{options}[{reply.status}]".encode("ascii")
    return _closed(head, reply.data, reply.checked, span)


def decode_reply(frame: bytes, span: Span = Span.WHOLE) -> Reply:
    """The reply in exactly `frame`. Raises FrameError, ChecksumError."""
    found = _REPLY.match(_opened(frame))
    if found is None:
        raise FrameError("no reply header")
    first, _, rest = found[1].decode("ascii").partition(":")
    ident, *more = rest.split(":")
    checked = first == "1"
    data = _checked(frame, found.start(3), found[3], checked, span)
    return Reply(int(found[2]), data, int(ident) if ident else None, checked, tuple(more))


def encode_text(text: bytes) -> bytes:
    """A line without a header: all that a reader with silent responses sends. Raises ValueError."""
    return _closed(b"", text, False, Span.WHOLE)


def decode_text(frame: bytes) -> bytes:
    """The text of a line without a header. Raises FrameError."""
    return _opened(frame)


def encode_result(content: bytes, results: Results, checked: bool, span: Span) -> bytes:
    """What was read, as a reader with extended responses sends it. Raises ValueError."""
    if results is Results.PLAIN:
        return encode_text(content)
    data = base64.b64encode(content) if results is Results.BASE64 else content
    return encode_reply(Reply(Status.READ, data, checked=checked), span)


def decode_result(frame: bytes, results: Results, span: Span) -> bytes:
    """What was read. Raises FrameError, ChecksumError."""
    if results is Results.PLAIN:
        return decode_text(frame)
    reply = decode_reply(frame, span)
    if reply.status != Status.READ:
        raise FrameError(f"a reply with status {reply.status}, not what was read")
    if results is Results.FRAMED:
        return reply.data
    try:
        content = base64.b64decode(reply.data, validate=True)
    except binascii.Error as fault:
        raise FrameError(f"what was read is no base64: {fault}") from None
    if base64.b64encode(content) != reply.data:
        raise FrameError("what was read is base64 that nothing encodes to")
    return content


def is_reply(frame: bytes) -> bool:
    """The frame answers a command: it has a reply's header, and not that of what was read."""
    found = _REPLY.match(frame.removesuffix(FOOTER))
    return found is not None and int(found[2]) != Status.READ


def status_name(status: int) -> str:
    """`104 rejected by state`; a status that the table does not know keeps its number."""
    try:
        return f"{status} {Status(status).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"{status} unknown status"


def explain(data: bytes, sent: bool) -> str:
    """What the status of each whole reply in `data` means; the rest of DMCC is words already."""
    told = []
    for frame in [] if sent else Splitter().feed(data):
        try:
            told.append(status_name(decode_reply(frame).status))
        except FrameError:
            continue
    return "; ".join(told)


def _options(checked: bool, ident: int | None) -> str:
    """The header's fields, as the manual prints them: nothing, `1`, `0:123`, `1:123`."""
    if ident is None:
        return "1" if checked else ""
    return f"{int(checked)}:{ident}"


def _closed(head: bytes, body: bytes, checked: bool, span: Span) -> bytes:
    frame = head + body + (bytes((checksum(head, body, span),)) if checked else b"") + FOOTER
    if frame.find(FOOTER) != len(frame) - len(FOOTER):
        raise ValueError("the text holds the end of a line")
    return frame


def _opened(frame: bytes) -> bytes:
    """The frame without its footer, which stands at its end and nowhere else."""
    if frame.find(FOOTER) != len(frame) - len(FOOTER):
        raise FrameError("no line that ends once, with CR LF")
    return frame[: -len(FOOTER)]


def _checked(frame: bytes, at: int, body: bytes, checked: bool, span: Span) -> bytes:
    """The body without its checksum, which is right."""
    if not checked:
        return body
    if not body:
        raise FrameError("a checksum is announced and missing")
    right = checksum(frame[:at], body[:-1], span)
    if body[-1] != right:
        raise ChecksumError(f"checksum {body[-1]:02X}, {right:02X} is right")
    return body[:-1]


class Splitter:
    """Cuts a stream into lines, unchecked. `marked`: a reply's header begins a frame wherever it
    stands, so that what came before it on the line is told as skipped. Not where a line may be
    the text of a symbol, which can hold anything.
    """

    def __init__(self, marked: bool = False) -> None:
        self._marked = marked
        self._buffer = bytearray()
        self._searched = 0  # no footer begins before: a line that comes slowly is searched once
        self.garbage = 0
        """Bytes skipped because they begin no frame, or were never completed."""

    def feed(self, data: bytes) -> list[bytes]:
        if not self._buffer and 0 <= data.find(FOOTER) == len(data) - len(FOOTER):
            return [self._from_mark(data)]  # as a line nearly always comes
        self._buffer += data
        found = []
        while (end := self._buffer.find(FOOTER, self._searched)) >= 0:
            line = bytes(self._buffer[: end + len(FOOTER)])
            del self._buffer[: len(line)]
            self._searched = 0
            found.append(self._from_mark(line))
        self._searched = max(len(self._buffer) - len(FOOTER) + 1, 0)
        if len(self._buffer) > LONGEST:
            self.reset()
        return found

    def reset(self) -> None:
        """Forget an unfinished line."""
        self.garbage += len(self._buffer)
        self._buffer.clear()
        self._searched = 0

    def _from_mark(self, line: bytes) -> bytes:
        if not self._marked:
            return line
        at = 0
        for mark in _REPLY_HEAD.finditer(line):
            at = mark.start()
        self.garbage += at
        return line[at:]
