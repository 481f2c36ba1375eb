"""Commands of Keyence SR readers, their replies, and what they read, both ways: bytes to values.

SR-750 Series User's Manual, "Details of Command Communication" (pages 71 and 72), and "Data
Communication Format" (pages 63 to 66); SR-2000 Series User's Manual, the same chapters:

    command   LON CR                or   STX LON ETX        the host chooses; the reply mirrors it
    reply     OK,LON                     done
              ER,LON,23                  refused, with its cause
              OK,NUM,5,1,0,4,6           read, not good, errors, stable, triggers
    result    A12 CR                or   STX A12 ETX        as it is set in the reader

The reader can append items to what it read, apart by a colon: time and type of the code before it
(and the AIM identifier without a colon), all others after it, in the order of `AFTER`. Only the
selected items come. What is in the symbol may hold colons itself, so the items are counted from
both ends, and each has to look as its kind does (`Layout`); what is left is the content.

Unverified, each in one place here: the message of nothing read (`NO_READ`), and which items come
with it (`decode_result` takes any beginning of them); the cause with which LOFF is refused when no
trigger is on (`NO_TRIGGER`: the manual says that it is refused); the fields of KEYENCE
(`decode_version`); that the thirteen grades are apart by the same colon (`_GRADES`). A line may
have an LF behind its CR.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

STX, ETX, CR, LF = b"\x02", b"\x03", b"\r", b"\n"
LONGEST = 1 << 16
"""Bytes that a frame may have; a symbol holds some thousands at most."""

NO_READ = "ERROR"
TRIGGER_ON = "LON"
TRIGGER_OFF = "LOFF"
COUNTS = "NUM"
STATE = "ERRSTAT"
VERSION = "KEYENCE"
NO_ERROR = "none"

NOT_NOW = "20"
NO_TRIGGER = NOT_NOW
CAUSES = {
    "00": "undefined command",
    "01": "wrong format of the command",
    "02": "parameter 1 out of range",
    "03": "parameter 2 out of range",
    "04": "parameter 2 is not in hexadecimal digits",
    "05": "parameter 2 is out of range in hexadecimal digits",
    "10": "preset data are wrong",
    "11": "area of the setting is wrong",
    "12": "no such file",
    "13": "not possible with multiple heads: settings",
    "14": "not possible with multiple heads: synchronisation",
    "20": "not possible in the present state",
    "21": "buffer overflow",
    "22": "settings are being loaded or saved",
    "23": "AutoID Network Navigator is connected",
    "99": "hardware fault",
}
GRADES = (
    *("ALL", "DEC", "CC", "CM", "RM", "FPD", "FID", "VID"),
    *("AN", "GN", "UEC", "PGH", "PGV"),
)
"""The grades of ISO/IEC TR 29158 (AIM DPM), in the order of the manual."""
NO_GRADE = "-"

_GRADE = r"[A-DF]|[0-4](?:\.\d)?|-"
_GRADES = (_GRADE,) * len(GRADES)
_NUMBER = r"\d{1,10}"
_POINT = r"-?\d{1,5}/-?\d{1,5}"
_NAME = r".{0,200}"
_BEFORE: dict[str, tuple[str, ...]] = {"time": (r"\d{14}",), "code-type": (r"[ -~]{1,40}",)}
_AFTER: dict[str, tuple[str, ...]] = {
    "bank": (_NUMBER,),
    "burst": (_NUMBER,),
    "scans": (_NUMBER,),
    "positioning": (_NUMBER,),
    "vertices": (_POINT,) * 4,
    "centre": (_POINT,),
    "unused-ecc": (r"\d{1,3}%?",),
    "matching": (r"\d{1,3}",),
    "iso15415": (_GRADE,),
    "aim-dpm": (_GRADE,),
    "aim-dpm-details": _GRADES,
    "image": (_NAME,),
    "group": (_NAME,),
    "device": (_NAME,),
    "read-time": (_NUMBER,),
}
BEFORE, AFTER = tuple(_BEFORE), tuple(_AFTER)
ITEMS = (*BEFORE, *AFTER)
"""What can be appended, in its order. Not here: items whose number of fields is not fixed
(detailed error code, SEMI T10) or that no colon parts from the rest (data size, checksum)."""

_NAMES = rf"{TRIGGER_ON}|{TRIGGER_OFF}|{COUNTS}|{STATE}|{VERSION}"
_REPLY = re.compile(rf"OK,({_NAMES})((?:,[ -+\--~]{{0,80}}){{0,8}})|ER,([ -+\--~]{{0,40}}),(\d\d)")
OTHER_ITEMS = "not the items that the reader is said to append"
_ANY_REPLY = re.compile(r"(?:OK|ER),[A-Z]")
_COMMAND = re.compile(r"[ -~]{1,200}")


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


class Framing(Enum):
    """What stands around a command, a reply or a result."""

    CR = "cr"
    STX = "stx"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to `command`; of a refusal `fields` is its cause alone."""

    command: str
    fields: tuple[str, ...] = ()
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the triggers since the reader was switched on."""

    read: int
    not_good: int
    errors: int
    stable: int
    triggers: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a trigger ended with: `content` and the fields of each item, or nothing read."""

    content: bytes
    items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nothing: bool = False

    @property
    def grade(self) -> str:
        """`B`, or `B (DEC A, CC B)` with the details that apply; empty if there is none."""
        grades = self.items.get("aim-dpm-details") or self.items.get("aim-dpm")
        overall, *rest = grades or self.items.get("iso15415") or (NO_GRADE,)
        if overall == NO_GRADE:
            return ""
        details = [
            f"{name} {grade}"
            for name, grade in zip(GRADES[1:], rest, strict=False)
            if grade != NO_GRADE
        ]
        return f"{overall} ({', '.join(details)})" if details else overall


class Layout:
    """Which items the reader appends, and by which character they are apart."""

    def __init__(self, items: frozenset[str] = frozenset(), delimiter: str = ":") -> None:
        """Raises ValueError for items that are not known, or not together."""
        if unknown := items.difference(ITEMS):
            raise ValueError(f"no item {', '.join(sorted(unknown))}; there are {', '.join(ITEMS)}")
        if {"aim-dpm", "aim-dpm-details"} <= items:
            raise ValueError("aim-dpm comes with its details or without them, not both")
        if len(delimiter) != 1 or not delimiter.isascii() or not delimiter.isprintable():
            raise ValueError("the delimiter is one printable ASCII character")
        self.delimiter = delimiter
        self.before = _columns(_BEFORE, items)
        self.after = _columns(_AFTER, items)


def encode_command(text: str, framing: Framing) -> bytes:
    """The command's bytes. Raises ValueError for a text that is no command."""
    if not _COMMAND.fullmatch(text):
        raise ValueError(f"{text!r} is not printable ASCII")
    return _framed(text.encode("ascii"), framing)


def decode_command(frame: bytes) -> tuple[str, Framing]:
    """The command, and what stands around it. Raises FrameError."""
    framing = Framing.STX if frame.startswith(STX) else Framing.CR
    text = _unframed(frame, framing).decode("latin-1")
    if not _COMMAND.fullmatch(text):
        raise FrameError("no command")
    return text, framing


def encode_reply(reply: Reply, framing: Framing) -> bytes:
    """The reply's bytes. Raises ValueError."""
    text = ",".join(("OK" if reply.ok else "ER", reply.command, *reply.fields))
    frame = _framed(text.encode("latin-1"), framing)
    if not is_reply(frame, framing):
        raise ValueError(f"{text!r} is no reply")
    return frame


def decode_reply(frame: bytes, framing: Framing) -> Reply:
    """The reply in exactly `frame`. Raises FrameError."""
    found = _REPLY.fullmatch(_unframed(frame, framing).decode("latin-1"))
    if found is None:
        raise FrameError("no reply")
    if found[4] is not None:
        return Reply(found[3], (found[4],), ok=False)
    return Reply(found[1], tuple(found[2].split(",")[1:]))


def is_reply(frame: bytes, framing: Framing) -> bool:
    """The frame answers a command; else it is what was read. A symbol that holds just such an
    answer cannot be told from one where both have the same framing.
    """
    try:
        decode_reply(frame, framing)
    except FrameError:
        return False
    return True


def cause(code: str) -> str:
    """`AutoID Network Navigator is connected`; an unknown cause is told by its number."""
    return CAUSES.get(code, f"unknown cause {code}")


def explain(data: bytes, sent: bool) -> str:
    """Why each command was refused that `data` answers; the rest is words already."""
    told = []
    for frame in [] if sent else Splitter(Framing.CR, Framing.STX).feed(data):
        for framing in Framing:
            if is_reply(frame, framing) and not (reply := decode_reply(frame, framing)).ok:
                told.append(f"{reply.command}: {cause(reply.fields[0])}")
    return "; ".join(told)


def encode_counts(counts: Counts) -> Reply:
    """The answer to NUM."""
    told = (counts.read, counts.not_good, counts.errors, counts.stable, counts.triggers)
    return Reply(COUNTS, tuple(map(str, told)))


def decode_counts(reply: Reply) -> Counts:
    """The counts. Raises FrameError."""
    if len(reply.fields) != 5 or not all(map(re.compile(r"\d{1,10}").fullmatch, reply.fields)):
        raise FrameError("NUM tells no five numbers")
    return Counts(*map(int, reply.fields))


def decode_version(reply: Reply) -> tuple[str, str]:
    """Model and version; a single field is the version."""
    if len(reply.fields) < 2:
        return "", "".join(reply.fields)
    return reply.fields[0], ",".join(reply.fields[1:])


def encode_result(seen: Seen, layout: Layout, framing: Framing) -> bytes:
    """What was read, with its items. Raises ValueError if it could not be told apart again."""
    before, behind = (
        [value.encode("latin-1") for name, at, _ in each for value in _field(seen, name, at)]
        for each in (layout.before, layout.after)
    )
    fields = [*before, seen.content, *behind]
    frame = _framed(layout.delimiter.encode("ascii").join(fields), framing)
    no_read = seen.content.decode("latin-1") if seen.nothing else ""
    if decode_result(frame, layout, framing, no_read) != seen:
        raise ValueError("its items are not those of the layout")
    return frame


def decode_result(frame: bytes, layout: Layout, framing: Framing, no_read: str) -> Seen:
    """What was read. Raises FrameError."""
    text = _unframed(frame, framing).decode("latin-1")
    if _ANY_REPLY.match(text):
        raise FrameError("an answer that is not known")
    parts = text.split(layout.delimiter)
    first, count = len(layout.before), len(layout.after)
    for at in sorted({0, first}):
        # Items that belong to a code may be missing when there is none.
        if no_read and parts[at : at + 1] == [no_read] and len(parts) <= at + 1 + count:
            return Seen(no_read.encode("latin-1"), nothing=True)
    last = len(parts) - count
    if last <= first:
        raise FrameError(OTHER_ITEMS)
    items: dict[str, tuple[str, ...]] = {}
    told = [*parts[:first], *parts[last:]]
    for (name, _, form), value in zip((*layout.before, *layout.after), told, strict=True):
        if not form.fullmatch(value):
            raise FrameError(OTHER_ITEMS)
        items[name] = (*items.get(name, ()), value)
    return Seen(layout.delimiter.join(parts[first:last]).encode("latin-1"), items)


def _field(seen: Seen, name: str, at: int) -> tuple[str, ...]:
    return seen.items.get(name, ())[at : at + 1]


def _columns(
    known: dict[str, tuple[str, ...]], items: frozenset[str]
) -> tuple[tuple[str, int, re.Pattern[str]], ...]:
    """Each field of each item: its name, which of its fields it is, and its form."""
    return tuple(
        (name, at, re.compile(form))
        for name, forms in known.items()
        if name in items
        for at, form in enumerate(forms)
    )


def _framed(text: bytes, framing: Framing) -> bytes:
    if any(mark in text for mark in _marks(framing)):
        raise ValueError("the text holds what ends it")
    return text + CR if framing is Framing.CR else STX + text + ETX


def _unframed(frame: bytes, framing: Framing) -> bytes:
    boxed = framing is Framing.STX
    if not frame.endswith(ETX if boxed else CR) or frame.startswith(STX) is not boxed:
        raise FrameError("no frame of its form")
    text = frame[boxed:-1]
    if any(mark in text for mark in _marks(framing)):
        raise FrameError("a frame that ends twice")
    return text


def _marks(framing: Framing) -> tuple[bytes, ...]:
    return (STX, ETX) if framing is Framing.STX else (CR, STX, ETX)


class Splitter:
    """Cuts a stream into frames, unchecked: `STX ... ETX` where something comes in that form, lines
    up to CR where something comes in that one. STX begins a frame wherever it stands.
    """

    def __init__(self, *framings: Framing) -> None:
        self._lines = Framing.CR in framings
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
        marks = (ETX,) if self._buffer[:1] == STX else (STX, ETX, CR)
        return any(mark in data for mark in marks)

    def _next(self) -> bytes | None:
        """A frame; empty if bytes were skipped; None if more have to come."""
        if self._buffer[:1] == STX:
            end = self._buffer.find(ETX)
            if end < 0:
                return None
            self._skip(self._buffer.rfind(STX, 0, end))
            return self._cut(self._buffer.find(ETX) + 1)
        if self._lines and self._buffer[:1] in (LF, CR):
            del self._buffer[:1]
            return b""
        marks = [at for at in map(self._buffer.find, (STX, ETX)) if at >= 0]
        line = self._buffer.find(CR) if self._lines else -1
        if line >= 0 and (not marks or line < min(marks)):
            return self._cut(line + 1)
        if marks:
            at = min(marks)
            self._skip(at if self._buffer[at : at + 1] == STX else at + 1)
            return b""
        if self._lines:
            return None
        self._skip(len(self._buffer))
        return b""

    def _cut(self, size: int) -> bytes:
        frame = bytes(self._buffer[:size])
        del self._buffer[:size]
        return frame

    def _skip(self, size: int) -> None:
        self.garbage += size
        del self._buffer[:size]
