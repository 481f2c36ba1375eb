"""Lines of the Keyence MD series, both ways and in both dialects.

No page of the maker's manuals is at hand; their titles are "Communication Interface User's Manual,
MD-X2000/2500 Series" (927GB, H98GB), and that "for MD-X1000/1500, MD-F3200/5200, MD-U1000, ML-Z9600
Series" (MMD35GB). What is taken here stands in public clients, cited as:

- K1: a browser of every command of the MD-X2000/2500, made from that manual
- K2: a client and its log of a real MD-X2000
- K3: a header of an MD-X2500's commands and their answers
- K4: a client over RS-232, with the lock and the read-back, in the dialect of programs
- K5: a client whose comments translate a manual, in the dialect of programs
- K6: a table of the codes of refusals and errors, of a client of older models

A command is one line of ASCII that ends with CR (K1-K5); `WX` does and `RX` asks. It is answered by
`WX,OK`, by `RX,OK` and what was asked for, or by `WX,NG` or `RX,NG` with a code and words (K1, K2).
There is no checksum. The MD-V and the MD-X1000/1500 also have an older set of commands, of two
letters, which is not this one.

Unverified (U), each in one place here:
- That a program is asked for by `RX,ProgramNo`, as a job is by `RX,JobNo`: `_WORDS`.
- The answer about a counter, of which only the setting is known (K1): `counter`.
- That a text holds neither a comma nor `=`, and may hold GS: `_TEXT`.
"""

import re
from dataclasses import dataclass
from enum import Enum

GS = "\x1d"
END = b"\r"
LINE_BYTES = 512  # no command that is used here comes near; what is longer is noise
JOBS = range(2000)  # K1, K3: 0000 to 1999
BLOCKS = range(256)  # K1, K3: 000 to 255
COUNTS = range(10**10)  # K1: ten digits

_TEXT = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e\x1d]{0,255}")
_CODE = re.compile(r"[A-Z][0-9]{3}")
_COUNTER = re.compile(r"[0-9A-J]")  # K1
_WHOLE = re.compile(rb"[^\r\n]{1,200}\r")


class MalformedError(ValueError):
    """Bytes that are no line of this protocol, or a value that none can carry."""


class Dialect(Enum):
    """What a stored layout is called."""

    JOB = "job"
    """MD-X2000 and 2500 (K1, K3)."""
    PROGRAM = "program"
    """MD-X1000 and 1500, MD-F3200 and 5200, MD-U1000 (K4, K5)."""


_WORDS = {Dialect.JOB: ("JobNo", "JOB"), Dialect.PROGRAM: ("ProgramNo", "PRG")}
_START = {Dialect.JOB: "StartMarking=1", Dialect.PROGRAM: "StartMarking"}
"""K1: 1 asks for the cause of an error in detail; K4, K5 have no parameter."""


class Act(Enum):
    """Host: commands without parameters."""

    START = "StartMarking"
    STOP = "StopMarking"
    CLEAR = "ErrorClear"


class Question(Enum):
    """Host: questions without parameters."""

    JOB = "JobNo"
    READY = "Ready"
    ERRORS = "Error"
    LOCK = "TriggerLock"
    SHUTTER = "LaserSafetyModuleShutter"


@dataclass(frozen=True)
class SelectJob:
    """Host: make a stored job, or program, the one that is marked."""

    job: int


@dataclass(frozen=True)
class SetText:
    """Host: the text of one block of a job; it stays there."""

    job: int
    block: int
    text: str


@dataclass(frozen=True)
class GetText:
    """Host: what text has that block?"""

    job: int
    block: int


@dataclass(frozen=True)
class GetMarked:
    """Host: what text was last marked of that block? (K1, K2; both dialects)"""

    job: int
    block: int


@dataclass(frozen=True)
class SetLock:
    """Host: take no trigger from outside, or take it again (K1, K4)."""

    on: bool


@dataclass(frozen=True)
class SetShutter:
    """Host: open or close the shutter of the laser safety module (K1; MD-X2000 and 2500)."""

    is_open: bool


@dataclass(frozen=True)
class SetCounter:
    """Host: a counter's value; 0 to 9 are a job's own, A to J all jobs' (K1, K6)."""

    job: int
    name: str
    value: int


@dataclass(frozen=True)
class GetCounter:
    """Host: a counter's value?"""

    job: int
    name: str


Write = Act | SelectJob | SetText | SetLock | SetShutter | SetCounter
Read = Question | GetText | GetMarked | GetCounter
Command = Write | Read


@dataclass(frozen=True)
class Accepted:
    """Marker: a WX command was carried out."""


@dataclass(frozen=True)
class Answer:
    """Marker: what an RX command asked for; the question tells what it means."""

    data: str


@dataclass(frozen=True)
class Refused:
    """Marker: it did not do it, or does not say. `asked`: it answers an RX command."""

    asked: bool
    code: str
    words: str = ""

    @property
    def busy(self) -> bool:
        """It may be tried again: it marks, it expands a text, or its shutter moves (K1, K2, K6)."""
        said = self.words.lower()
        return self.code in (BUSY, SHUTTER_MOVES) or "busy" in said or "controlling shutter" in said

    @property
    def declines(self) -> bool:
        """It was not carried out at all. A StartMarking may also be answered by what ended the mark
        half-way: by an error, an interlock (K1: its parameter; U: which codes).
        """
        return self.code.startswith("S") or self.code in (SHUTTER_MOVES, LOCKED)


Reply = Accepted | Answer | Refused


class Ready(Enum):
    """Marker: its answer to READY (K1, K3, K5)."""

    ON = "0"
    ERROR = "1"
    BUSY = "2"
    """It marks, or expands a text."""


BUSY, NO_JOB, NO_BLOCK, NEVER_MARKED = "S009", "S021", "S022", "S029"
SHUTTER_MOVES, LOCKED = "T001", "T002"
_MEANINGS = {
    BUSY: "it is busy",
    NO_JOB: "there is no such job",
    NO_BLOCK: "there is no such block",
    "S024": "the command is not allowed now",
    "S026": "no such format",
    "S027": "no such command",
    NEVER_MARKED: "nothing was marked of it",
    "T000": "its emergency stop or interlock",
    SHUTTER_MOVES: "its shutter moves",
    LOCKED: "triggers are locked",
    "T003": "its marking laser is disabled",
    "T006": "its laser is not excited",
    "T008": "it is warming up",
}
"""K6, the S codes also in K2; the others are told by their code and the marker's words."""


def meaning(refused: Refused) -> str:
    """What a refusal says, in words."""
    return _MEANINGS.get(refused.code, refused.words) or refused.code


def is_waiting(code: str) -> bool:
    """Whether a code of RX,Error says that the marker is not ready, and nothing is broken (K6)."""
    return code.startswith("T")


def encode_command(command: Command, dialect: Dialect) -> bytes:
    """The whole line. Raises MalformedError for what no line can carry."""
    number, place = _WORDS[dialect]
    match command:
        case Act.START:
            line = f"WX,{_START[dialect]}"
        case Act():
            line = f"WX,{command.value}"
        case Question.JOB:
            line = f"RX,{number}"
        case Question():
            line = f"RX,{command.value}"
        case SelectJob(job):
            line = f"WX,{number}={_job(job)}"
        case SetText(job, block, words):
            line = f"WX,{place}={_job(job)},BLK={_block(block)},CharacterString={text(words)}"
        case GetText(job, block):
            line = f"RX,{place}={_job(job)},BLK={_block(block)},CharacterString"
        case GetMarked(job, block):
            line = f"RX,MarkedCharacter={_job(job)},{_block(block)}"
        case SetLock(on):
            line = f"WX,TriggerLock={on:d}"
        case SetShutter(is_open):
            line = f"WX,LaserSafetyModuleShutter={is_open:d}"
        case SetCounter(job, name, value):
            line = f"WX,{place}={_job(job)},CTR={_counter(name)},Counter={counter(value).data}"
        case GetCounter(job, name):
            line = f"RX,{place}={_job(job)},CTR={_counter(name)},Counter"
    return _sealed(line)


def decode_command(octets: bytes, dialect: Dialect) -> Command:
    """The command in one whole line. Raises MalformedError."""
    line = _opened(octets)
    number, place = _WORDS[dialect]
    plain: dict[str, Command] = {
        **{f"WX,{act.value}": act for act in Act if act is not Act.START},
        **{f"RX,{question.value}": question for question in Question},
    }
    plain.pop(f"RX,{Question.JOB.value}")
    plain |= {f"WX,{_START[dialect]}": Act.START, f"RX,{number}": Question.JOB}
    if line in plain:
        return plain[line]
    if found := re.fullmatch(rf"WX,{number}=([0-9]{{4}})", line):
        return SelectJob(int(_job(int(found[1]))))
    if found := re.fullmatch(rf"(WX|RX),{place}=([0-9]{{4}}),BLK=([0-9]{{3}}),(.*)", line):
        job, block = int(_job(int(found[2]))), int(_block(int(found[3])))
        name, equals, words = found[4].partition("=")
        if name == "CharacterString" and (found[1] == "WX") == bool(equals):
            return SetText(job, block, text(words)) if equals else GetText(job, block)
    if found := re.fullmatch(r"RX,MarkedCharacter=([0-9]{4}),([0-9]{3})", line):
        return GetMarked(int(_job(int(found[1]))), int(_block(int(found[2]))))
    if found := re.fullmatch(r"WX,(TriggerLock|LaserSafetyModuleShutter)=([01])", line):
        on = found[2] == "1"
        return SetLock(on) if found[1] == "TriggerLock" else SetShutter(on)
    if found := re.fullmatch(rf"RX,{place}=([0-9]{{4}}),CTR=(.),Counter", line):
        return GetCounter(int(_job(int(found[1]))), _counter(found[2]))
    counted = rf"WX,{place}=([0-9]{{4}}),CTR=(.),Counter=([0-9]{{10}}),0{{10}}"
    if found := re.fullmatch(counted, line):
        return SetCounter(int(_job(int(found[1]))), _counter(found[2]), int(found[3]))
    raise MalformedError(f"no command: {line!r}")


def encode_reply(reply: Reply) -> bytes:
    """The whole line. Raises MalformedError for what no line can carry."""
    match reply:
        case Accepted():
            line = "WX,OK"
        case Answer(data):
            line = f"RX,OK,{data}"
        case Refused(asked, code, words):
            line = f"{'RX' if asked else 'WX'},NG,{code}" + (f",{words}" if words else "")
    octets = _sealed(line)
    if decode_reply(octets) != reply:
        raise MalformedError(f"no line says {reply!r}")
    return octets


def decode_reply(octets: bytes) -> Reply:
    """The reply in one whole line. Raises MalformedError."""
    line = _opened(octets)
    if line == "WX,OK":
        return Accepted()
    if line.startswith("RX,OK,"):
        return Answer(line.removeprefix("RX,OK,"))
    found = re.fullmatch(r"(WX|RX),NG,([^,]+)(?:,(.+))?", line)
    if found and _CODE.fullmatch(found[2]):
        return Refused(found[1] == "RX", found[2], found[3] or "")
    raise MalformedError(f"no reply: {line!r}")


def answers(octets: bytes, asked: bool) -> bool:
    """Whether a whole line answers a question (`asked`), or else a command; false for neither."""
    return octets.startswith(b"RX," if asked else b"WX,")


def ready(state: Ready) -> Answer:
    return Answer(state.value)


def parse_ready(answer: Answer) -> Ready:
    """Raises MalformedError."""
    try:
        return Ready(answer.data)
    except ValueError as fault:
        raise MalformedError(f"no state: {answer.data!r}") from fault


def errors(codes: tuple[str, ...]) -> Answer:
    return Answer(",".join(("1", *codes)) if codes else "0")


def parse_errors(answer: Answer) -> tuple[str, ...]:
    """The codes of what is wrong; none where nothing is (K5). Raises MalformedError."""
    first, *codes = answer.data.split(",")
    codes = [code.strip() for code in codes]
    if first not in ("0", "1") or (first == "1") != bool(codes):
        raise MalformedError(f"no errors: {answer.data!r}")
    if not all(_CODE.fullmatch(code) for code in codes):
        raise MalformedError(f"no code of an error: {answer.data!r}")
    return tuple(codes)


def flag(on: bool) -> Answer:
    return Answer(f"{on:d}")


def parse_flag(answer: Answer) -> bool:
    """Of the lock: no trigger is taken; of the shutter: it is open. Raises MalformedError."""
    if answer.data not in ("0", "1"):
        raise MalformedError(f"neither on nor off: {answer.data!r}")
    return answer.data == "1"


def job(number: int) -> Answer:
    return Answer(_job(number))


def parse_job(answer: Answer) -> int:
    """Raises MalformedError."""
    return int(_job(_number(answer.data, 4)))


def counter(value: int) -> Answer:
    """A counter's value, and how often it was marked so far, which is 0 (K1)."""
    if value not in COUNTS:
        raise MalformedError(f"no count: {value}")
    return Answer(f"{value:010},{0:010}")


def parse_counter(answer: Answer) -> int:
    """The value. Raises MalformedError."""
    value, comma, repeats = answer.data.partition(",")
    if comma:
        _number(repeats, 10)
    return _number(value, 10)


def text(words: str) -> str:
    """A block's text. Raises MalformedError for what none can be."""
    if not _TEXT.fullmatch(words):
        raise MalformedError(f"no text: {words!r}")
    return words


class Splitter:
    """Cuts a stream into whole lines; a line feed after a line is skipped."""

    def __init__(self) -> None:
        self._open = bytearray()
        self.garbage = 0

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        if not self._open and _WHOLE.fullmatch(data):
            return [data]  # as a line nearly always comes: byte by byte takes far longer
        frames = []
        for octet in data:
            if octet == 0x0A and not self._open:
                continue
            self._open.append(octet)
            if self._open.endswith(END):
                frames.append(bytes(self._open))
                self._open.clear()
            elif len(self._open) >= LINE_BYTES:
                self.reset()
        return frames


def _sealed(line: str) -> bytes:
    octets = line.encode("ascii", errors="replace") + END
    if _opened(octets) != line:
        raise MalformedError(f"no line can carry {line!r}")
    return octets


def _opened(octets: bytes) -> str:
    line = octets.removesuffix(END)
    if line == octets or len(octets) > LINE_BYTES:
        raise MalformedError(f"no line: {octets!r}")
    if any(not (0x20 <= octet <= 0x7E or octet == 0x1D) for octet in line):
        raise MalformedError(f"not a line of ASCII: {octets!r}")
    return line.decode("ascii")


def _number(digits: str, most: int) -> int:
    if not re.fullmatch(rf"[0-9]{{1,{most}}}", digits):
        raise MalformedError(f"no number of {most} digits: {digits!r}")
    return int(digits)


def _job(number: int) -> str:
    if number not in JOBS:
        raise MalformedError(f"no job {number}: 0 to {JOBS[-1]}")
    return f"{number:04}"


def _block(number: int) -> str:
    if number not in BLOCKS:
        raise MalformedError(f"no block {number}: 0 to {BLOCKS[-1]}")
    return f"{number:03}"


def _counter(name: str) -> str:
    if not _COUNTER.fullmatch(name):
        raise MalformedError(f"no counter {name!r}")
    return name
