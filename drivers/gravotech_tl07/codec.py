"""Lines of the Gravotech TL07 controller, both ways.

Sources, as cited below:
- M: "User manual, Command instructions for TL07" (M_Instructions TL07_en_A, 04/2015)
- C: the public client `gravotech-tl07` 1.0.0, whose author had the whole manual

A command is one line of ASCII that ends with CR, a reply one that ends with CR LF; there is no
checksum (C). A command that was carried out is answered by its name and 1, a question by its value,
anything else by `ER kind detail`. After the answer `GO M` (marking) the end of a marking comes by
itself: `GO F` done, `GO P` paused, `GO S` stopped by a fault.

Unverified (U), each in one place here:
- How `VG` answers: `Readback` and `value_line`.
- That a text may carry GS, and none a quotation mark: `_TEXT`.
- That the mask of `LS` stands without quotation marks, as C sends it: `ListFiles`.
"""

import re
from dataclasses import dataclass
from enum import Enum

GS = "\x1d"
COMMAND_END, REPLY_END = b"\r", b"\r\n"
LINE_BYTES = 1024  # no command that is used here comes near; what is longer is noise
VARIABLES = range(10)  # C: variables 0 to 9
COUNTS = range(2**32)  # C: 0 to 4294967295; 0 is for ever

_LINE = re.compile(rb"[\x20-\x7e\x1d]*")
_TEXT = re.compile(r"[\x20\x21\x23-\x7e\x1d]*")
_FILE = re.compile(r"[\x21\x23-\x29\x2b-\x3e\x40-\x7e]+")  # no blank, no quote, no mask's * and ?
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")


class MalformedError(ValueError):
    """Bytes that are no line of this protocol, or a value that none can carry."""


class Mode(Enum):
    """How a loaded file is run (C: LD)."""

    NORMAL = "N"
    SIMULATION = "S"
    """The whole cycle without marking."""
    AUTONOMOUS = "A"


class Act(Enum):
    """Commands without parameters (C)."""

    START = "GO"
    STOP = "AM"
    ACKNOWLEDGE = "AD"
    STATUS = "ST"


@dataclass(frozen=True)
class Load:
    """Host: load a stored file, to be marked `count` times (M: "One time" is 1)."""

    file: str
    count: int
    mode: Mode


@dataclass(frozen=True)
class SetVariable:
    """Host: the text of a variable (M)."""

    index: int
    text: str


@dataclass(frozen=True)
class GetVariable:
    """Host: what is the text of a variable? (C)"""

    index: int


@dataclass(frozen=True)
class GetMaster:
    """Host: may this connection command? (C: GP)"""


@dataclass(frozen=True)
class SetMaster:
    """Host: let this connection command, or give that up (C: SP)."""

    on: bool


@dataclass(frozen=True)
class ListFiles:
    """Host: which stored files have that name? Without one: all (C: LS with a mask, or without)."""

    mask: str = ""


Command = Act | Load | SetVariable | GetVariable | GetMaster | SetMaster | ListFiles


class State(Enum):
    """What the controller does (C: ST)."""

    INITIALISING = 1
    ALIVE = 2
    """No file is loaded that could be started."""
    READY = 4
    """A file is loaded; a start marks."""
    MARKING = 8
    PAUSED = 16
    FAULT = 32


class RunMode(Enum):
    """The mode of the loaded file, as ST tells it (C)."""

    NORMAL = 0
    AUTONOMOUS = 1
    SIMULATION = 2


@dataclass(frozen=True)
class Status:
    """Controller: its answer to ST. `rearm` is the state of its safety circuit and shutter."""

    state: State
    rearm: int
    mode: RunMode


@dataclass(frozen=True)
class Done:
    """Controller: the command of that name was carried out."""

    name: str


class Event(Enum):
    """Controller: how a marking goes on. Only the first is an answer, to GO."""

    MARKING = "GO M"
    FINISHED = "GO F"
    PAUSED = "GO P"
    STOPPED = "GO S"


@dataclass(frozen=True)
class Refused:
    """Controller: it did not do it. For kind 2 the detail is the state it is in."""

    kind: int
    detail: int

    @property
    def code(self) -> str:
        return f"ER {self.kind} {self.detail}"


@dataclass(frozen=True)
class Master:
    """Controller: whether this connection may command."""

    on: bool


@dataclass(frozen=True)
class Text:
    """Controller: a variable's text, a number of files or a file's name; the question tells."""

    line: str


Reply = Status | Done | Event | Refused | Master | Text

SYNTAX, CONTEXT, PROCESSING, RESERVED = 1, 2, 3, 4
_KINDS = {
    SYNTAX: "syntax",
    CONTEXT: "not in this state",
    PROCESSING: "processing",
    RESERVED: "reserved",
}
_CAUSES = {
    (SYNTAX, 1): "unknown command",
    (SYNTAX, 2): "too few parameters",
    (SYNTAX, 3): "too many parameters",
    (SYNTAX, 4): "wrong parameter",
    (SYNTAX, 5): "the file cannot be opened",
    (SYNTAX, 6): "unknown parameter",
    (SYNTAX, 7): "wrong value",
    (SYNTAX, 8): "the file is too large",
    (SYNTAX, 9): "no text",
    (CONTEXT, 1): "it is initialising",
    (CONTEXT, 2): "no file is loaded",
    (CONTEXT, 4): "it is ready to mark",
    (CONTEXT, 8): "it is marking",
    (CONTEXT, 16): "it is paused",
    (CONTEXT, 32): "it is in fault",
    (PROCESSING, 1): "overloaded",
    (PROCESSING, 2): "internal error, sending",
    (PROCESSING, 3): "internal error, receiving",
    (PROCESSING, 4): "memory full",
    (PROCESSING, 5): "no fault to acknowledge",
    (PROCESSING, 6): "an origin is required",
    (PROCESSING, 7): "the stop input is open",
    (PROCESSING, 8): "the start input was closed at power-on, or out of range",
    (PROCESSING, 9): "the fault could not be acknowledged",
    (RESERVED, 1): "reserved to the master",
}
_EVENTS = {event.value.encode() + REPLY_END for event in Event}
_DONE = ("LD", "VS", "AM", "AD", "SP")
NAMES = frozenset({"LD", "VS", "VG", "GP", "SP", "LS", *(act.value for act in Act)})
"""Of the commands that this codec knows."""


def meaning(refused: Refused) -> str:
    """What a refusal says, in words (C: its table of errors)."""
    kind = _KINDS.get(refused.kind, "a kind that the manual does not list")
    return _CAUSES.get((refused.kind, refused.detail), f"{kind}, {refused.detail}")


def encode_command(command: Command) -> bytes:
    """The whole line. Raises MalformedError for what no line can carry."""
    match command:
        case Act():
            line = command.value
        case Load(file, count, mode):
            if count not in COUNTS:
                raise MalformedError(f"no number of markings: {count}")
            line = f'LD "{_file(file)}" {count} {mode.value}'
        case SetVariable(index, text):
            line = f'VS {_variable(index)} "{_text(text)}"'
        case GetVariable(index):
            line = f"VG {_variable(index)}"
        case GetMaster():
            line = 'GP "MASTER"'
        case SetMaster(on):
            line = f'SP "MASTER":"{on:d}"'
        case ListFiles(mask):
            line = f"LS {_file(mask)}" if mask else "LS"
    return _sealed(line, COMMAND_END)


def decode_command(octets: bytes) -> Command:
    """The command in one whole line. Raises MalformedError."""
    line = _opened(octets, COMMAND_END)
    name, _, rest = line.partition(" ")
    if not rest and name in (act.value for act in Act) and line == name:
        return Act(name)
    match name:
        case "LD":
            found = re.fullmatch(r'"([^"]*)" ([0-9]+) ([NSA])', rest)
            if found:
                count = _number(found[2])
                if count in COUNTS:
                    return Load(_file(found[1]), count, Mode(found[3]))
        case "VS":
            found = re.fullmatch(r'([0-9]) "([^"]*)"', rest)
            if found:
                return SetVariable(int(found[1]), _text(found[2]))
        case "VG" if re.fullmatch("[0-9]", rest):
            return GetVariable(int(rest))
        case "GP" if rest == '"MASTER"':
            return GetMaster()
        case "SP" if rest in ('"MASTER":"0"', '"MASTER":"1"'):
            return SetMaster(rest.endswith('"1"'))
        case "LS" if line == name:
            return ListFiles()
        case "LS":
            return ListFiles(_file(rest))
    raise MalformedError(f"no command: {line!r}")


def encode_reply(reply: Reply) -> bytes:
    """The whole line. Raises MalformedError for what no line can carry, or what says otherwise."""
    match reply:
        case Status(state, rearm, mode):
            line = f"ST {state.value} {rearm} {mode.value}"
        case Done(name):
            line = f"{name} 1"
        case Event():
            line = reply.value
        case Refused():
            line = reply.code
        case Master(on):
            line = f'GP "MASTER":"{on:d}"'
        case Text():
            line = reply.line
    octets = _sealed(line, REPLY_END)
    if decode_reply(octets) != reply:
        raise MalformedError(f"no line says {reply!r}")
    return octets


def decode_reply(octets: bytes) -> Reply:
    """The reply in one whole line; `Text` where it is nothing that has a name. Raises
    MalformedError.
    """
    line = _opened(octets, REPLY_END)
    if line in (event.value for event in Event):
        return Event(line)
    name, *values = line.split(" ")
    if name in _DONE and values == ["1"]:
        return Done(name)
    if name == "ER" and len(values) == 2:
        return Refused(_number(values[0]), _number(values[1]))
    if name == "ST" and len(values) == 3:
        state, rearm, mode = (_number(value) for value in values)
        try:
            return Status(State(state), rearm, RunMode(mode))
        except ValueError as fault:
            raise MalformedError(f"no status: {line!r}") from fault
    if line in ('GP "MASTER":"0"', 'GP "MASTER":"1"'):
        return Master(line.endswith('"1"'))
    return Text(line)


class Readback(Enum):
    """How `VG` gives a text back (U: C returns the line as it comes)."""

    PLAIN = "plain"
    QUOTED = "quoted"
    NAMED = "named"


def value_line(text: str, form: Readback) -> Text:
    """What answers `VG`. Raises MalformedError for a text that would be taken for another reply."""
    frames = {Readback.PLAIN: "{}", Readback.QUOTED: '"{}"', Readback.NAMED: 'VG "{}"'}
    reply = Text(frames[form].format(_text(text)))
    encode_reply(reply)
    return reply


def parse_value(reply: Text, form: Readback) -> str:
    """The text in the answer to `VG`. Raises MalformedError."""
    before, after = {
        Readback.PLAIN: ("", ""),
        Readback.QUOTED: ('"', '"'),
        Readback.NAMED: ('VG "', '"'),
    }[form]
    line = reply.line
    if len(line) < len(before + after) or not (line.startswith(before) and line.endswith(after)):
        raise MalformedError(f"no {form.value} text: {line!r}")
    return _text(line[len(before) : len(line) - len(after)])


def parse_count(reply: Text) -> int:
    """How many files' names follow, one a line (C: LS). Raises MalformedError."""
    return _number(reply.line)


def is_event(octets: bytes) -> bool:
    """Whether a whole line tells how a marking goes on."""
    return octets in _EVENTS


def is_start(octets: bytes) -> bool:
    """Whether a whole line says that marking has begun."""
    return octets == Event.MARKING.value.encode() + REPLY_END


class Splitter:
    """Cuts a stream into whole lines. What stands before a line on the same line spoils it."""

    def __init__(self, end: bytes) -> None:
        self._end = end
        self._whole = re.compile(rb"[^\r\n]{1,200}" + re.escape(end))
        self._open = bytearray()
        self.garbage = 0

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        if not self._open and self._whole.fullmatch(data):
            return [data]  # as a line nearly always comes: byte by byte takes far longer
        frames = []
        for octet in data:
            if octet == 0x0A and not self._open and self._end == COMMAND_END:
                continue  # a terminal sends CR LF
            self._open.append(octet)
            if self._open.endswith(self._end):
                frames.append(bytes(self._open))
                self._open.clear()
            elif len(self._open) >= LINE_BYTES:
                self.reset()
        return frames


def _sealed(line: str, end: bytes) -> bytes:
    octets = line.encode("ascii", errors="replace") + end
    if _opened(octets, end) != line or len(octets) > LINE_BYTES:
        raise MalformedError(f"no line can carry {line!r}")
    return octets


def _opened(octets: bytes, end: bytes) -> str:
    if not octets.endswith(end):
        raise MalformedError(f"no end of line: {octets!r}")
    line = octets[: len(octets) - len(end)]
    if not _LINE.fullmatch(line):
        raise MalformedError(f"not a line of ASCII: {octets!r}")
    return line.decode("ascii")


def _number(digits: str) -> int:
    if not _NUMBER.fullmatch(digits):
        raise MalformedError(f"no number: {digits!r}")
    return int(digits)


def _variable(index: int) -> int:
    if index not in VARIABLES:
        raise MalformedError(f"no variable {index}")
    return index


def _text(text: str) -> str:
    if not _TEXT.fullmatch(text):
        raise MalformedError(f"a text cannot carry {text!r}")
    return text


def _file(name: str) -> str:
    if not _FILE.fullmatch(name):
        raise MalformedError(f"no file's name: {name!r}")
    return name
