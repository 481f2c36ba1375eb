"""Frames of the Telesis Extended Protocol, both ways.

Sources, by the page numbers of:
- B: "BenchMark 320/BM470 Marking System" (Telesis 34753A)
- T: "TMP3200/090 Datasheet" (Telesis 37061 Rev. J)

Frame (B p.9): SOH, a type of one character, two digits of a station where there are several, STX,
data, ETX, the block check, CR. What comes before SOH is ignored. Only the host begins; without an
answer in three seconds the line may be tried again, three times in all.

Unverified (U), each in one place here, and each to be chosen by a `Format`:
- The block check: the low byte of the sum of type and data, as three decimal digits. `CHECKS`.
- How a message is acknowledged: in a frame of the same type whose data are ACK or NAK, or by that
  character and CR alone. `Replies`.
- That the answer to `I` is a frame of the same type with nothing but the signals in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

SOH, STX, ETX, ACK, NAK, CR = 0x01, 0x02, 0x03, 0x06, 0x15, 0x0D
GS = "\x1d"
FIELDS = range(1, 100)  # two digits (B p.9)
FRAME_BYTES = 512  # longer is noise: no text that is sent here comes near

PATTERN, VARIABLE, GO, RESET, SIGNALS = "P", "V", "G", "O", "I"
_TYPES = (PATTERN, VARIABLE, GO, RESET, SIGNALS)


class MalformedError(ValueError):
    """Bytes that are no frame, or a frame whose content the protocol does not allow."""


class ChecksumError(MalformedError):
    """The block check does not match."""


def _decimal(covered: bytes) -> bytes:
    return b"%03d" % (sum(covered) & 0xFF)


def _hexadecimal(covered: bytes) -> bytes:
    return b"%02X" % (sum(covered) & 0xFF)


def _none(_covered: bytes) -> bytes:
    return b""


CHECKS: dict[str, Callable[[bytes], bytes]] = {
    "decimal": _decimal,
    "hex": _hexadecimal,
    "none": _none,
}
"""The block check of type and data (U)."""


class Replies(Enum):
    """How a message is acknowledged (U)."""

    FRAMED = "framed"
    BARE = "bare"


@dataclass(frozen=True)
class Format:
    """How the controller's communication is set."""

    check: str = "decimal"
    station: str = ""
    """Two digits, or empty where there is one controller on the line."""
    replies: Replies = Replies.FRAMED


@dataclass(frozen=True)
class Command:
    """Host to controller (B p.9)."""

    type: str
    data: str = ""


@dataclass(frozen=True)
class Accepted:
    """Controller to host. `type` is that of the message; empty where the answer has none."""

    type: str


@dataclass(frozen=True)
class Refused:
    """Controller to host: not taken. `type` as in `Accepted`."""

    type: str


@dataclass(frozen=True)
class Answer:
    """Controller to host: what was asked for."""

    type: str
    data: str


Reply = Accepted | Refused | Answer


class Output(Enum):
    """The controller's outputs, as bits of the answer to `I` (B p.9, BM470).

    A TMP3200 has others (T p.6): it needs a table of its own.
    """

    READY = 0x01
    DONE = 0x02
    PAUSED = 0x04
    NO_FAULT = 0x08


class Input(Enum):
    """The controller's inputs that matter here (B p.9)."""

    START = 0x001
    STOP = 0x002


@dataclass(frozen=True)
class Signals:
    """What `I` answers: the outputs and inputs that are on."""

    outputs: frozenset[Output]
    inputs: frozenset[Input] = frozenset()

    @cached_property
    def ready(self) -> bool:
        return Output.READY in self.outputs

    @cached_property
    def done(self) -> bool:
        return Output.DONE in self.outputs

    @cached_property
    def paused(self) -> bool:
        return Output.PAUSED in self.outputs

    @cached_property
    def fault(self) -> bool:
        return Output.NO_FAULT not in self.outputs


def encode_command(command: Command, form: Format) -> bytes:
    """The whole frame. Raises MalformedError for what no frame can carry."""
    if command.type not in _TYPES:
        raise MalformedError(f"no type {command.type!r}")
    return _frame(command.type, _octets(command.data), form)


def decode_command(frame: bytes, form: Format) -> Command:
    """The message in one whole frame. Raises ChecksumError, MalformedError."""
    kind, data = _parse(frame, form)
    return Command(kind, _text(data))


def encode_reply(reply: Reply, form: Format) -> bytes:
    """The whole frame. Raises MalformedError for what no frame can carry."""
    if isinstance(reply, Answer):
        if not reply.data:
            raise MalformedError("an answer says something")
        return encode_command(Command(reply.type, reply.data), form)
    mark = ACK if isinstance(reply, Accepted) else NAK
    if form.replies is Replies.BARE:
        if reply.type:
            raise MalformedError("a bare acknowledgement has no type")
        return bytes([mark, CR])
    if reply.type not in _TYPES:
        raise MalformedError(f"no type {reply.type!r}")
    return _frame(reply.type, bytes([mark]), form)


def decode_reply(frame: bytes, form: Format) -> Reply:
    """The reply in one whole frame. Raises ChecksumError, MalformedError."""
    if form.replies is Replies.BARE and frame in (bytes([ACK, CR]), bytes([NAK, CR])):
        return Accepted("") if frame[0] == ACK else Refused("")
    kind, data = _parse(frame, form)
    if form.replies is Replies.FRAMED and data in (bytes([ACK]), bytes([NAK])):
        return Accepted(kind) if data[0] == ACK else Refused(kind)
    if not data:
        raise MalformedError(f"an answer that says nothing: {frame!r}")
    return Answer(kind, _text(data))


def field(number: int, text: str) -> str:
    """Data of `V`: the text of a variable field (B p.9). Raises MalformedError."""
    if number not in FIELDS:
        raise MalformedError(f"no field {number}")
    _octets(text)
    return f"{number:02}{text}"


def parse_field(data: str) -> tuple[int, str]:
    """Raises MalformedError."""
    digits, text = data[:2], data[2:]
    if len(digits) != 2 or not (digits.isascii() and digits.isdigit()):
        raise MalformedError(f"no field's number: {data!r}")
    field(int(digits), text)
    return int(digits), text


def signals(value: Signals) -> str:
    """Data of the answer to `I`: two hexadecimal digits of outputs, three of inputs (B p.9)."""
    outputs = sum(output.value for output in value.outputs)
    inputs = sum(each.value for each in value.inputs)
    return f"{outputs:02X};{inputs:03X}"


def parse_signals(data: str) -> Signals:
    """What has no name here is left out. Raises MalformedError."""
    digits = set("0123456789ABCDEF")
    if len(data) != 6 or data[2] != ";" or not set(data[:2] + data[3:]) <= digits:
        raise MalformedError(f"no signals: {data!r}")
    outputs, inputs = int(data[:2], 16), int(data[3:], 16)
    return Signals(
        frozenset(output for output in Output if outputs & output.value),
        frozenset(each for each in Input if inputs & each.value),
    )


class Splitter:
    """Cuts a stream into whole frames; bytes outside a frame are skipped and counted.

    A frame begins with SOH, or, where acknowledgements are bare, with ACK or NAK; it ends with CR.
    """

    def __init__(self, form: Format) -> None:
        self._starts = (SOH, ACK, NAK) if form.replies is Replies.BARE else (SOH,)
        starts = re.escape(bytes(self._starts))
        self._whole = re.compile(rb"[%b][^%b\r]{1,200}\r" % (starts, starts))
        self._open = bytearray()
        self.garbage = 0

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        if not self._open and self._whole.fullmatch(data):
            return [data]  # as a frame nearly always comes: byte by byte takes far longer
        frames = []
        for octet in data:
            if octet in self._starts:
                self.reset()
                self._open.append(octet)
            elif not self._open:
                self.garbage += 1
            else:
                self._open.append(octet)
                if octet == CR:
                    frames.append(bytes(self._open))
                    self._open.clear()
                elif len(self._open) >= FRAME_BYTES:
                    self.reset()
        return frames


_NAMES = {
    PATTERN: "load a pattern",
    VARIABLE: "set a field: arms",
    GO: "start: marks",
    RESET: "reset, and stop",
    SIGNALS: "signals",
}


def explain(data: bytes, sent: bool) -> str:
    """What the whole frames in `data` mean to a person, with the block check left out of account;
    empty where nothing is known.
    """
    told = []
    for found in re.finditer(rb"\x01[^\x01\r]*\r|[\x06\x15]\r", data):
        frame = found[0]
        name = _NAMES.get(frame[1:2].decode("latin-1"), "") if frame[0] == SOH else ""
        body = frame[frame.find(STX) + 1 : frame.find(ETX)] if name else frame[:1]
        if sent:
            told.append(f"{name}?" if name == _NAMES[SIGNALS] else name)
        elif body in (bytes([ACK]), bytes([NAK])):
            told.append(f"{name} {'accepted' if body[0] == ACK else 'refused'}".strip())
        elif name == _NAMES[SIGNALS]:
            told.append(_shown(body))
    return "; ".join(each for each in told if each)


def _shown(body: bytes) -> str:
    try:
        seen = parse_signals(body.decode("latin-1"))
    except MalformedError:
        return ""
    on = [output.name for output in Output if output in seen.outputs]
    on += [f"input {each.name}" for each in Input if each in seen.inputs]
    return f"on: {', '.join(on) or 'nothing'}"


def _frame(kind: str, data: bytes, form: Format) -> bytes:
    head = kind.encode("ascii")
    body = bytes([SOH]) + head + form.station.encode("ascii") + bytes([STX]) + data + bytes([ETX])
    frame = body + CHECKS[form.check](head + data) + bytes([CR])
    if len(frame) > FRAME_BYTES:
        raise MalformedError(f"{len(data)} characters are too many")
    return frame


def _parse(frame: bytes, form: Format) -> tuple[str, bytes]:
    """Type and data of a whole frame."""
    head_size = 2 + len(form.station)
    end = frame.find(bytes([ETX]))
    head = frame[1:head_size]
    if (
        len(frame) > FRAME_BYTES
        or frame[:1] != bytes([SOH])
        or frame[head_size : head_size + 1] != bytes([STX])
        or end < 0
        or frame[-1:] != bytes([CR])
        or head[1:] != form.station.encode("ascii")
        or head[:1] not in [kind.encode("ascii") for kind in _TYPES]
    ):
        raise MalformedError(f"no frame: {frame!r}")
    data, given = frame[head_size + 1 : end], frame[end + 1 : -1]
    computed = CHECKS[form.check](head[:1] + data)
    if given != computed:
        raise ChecksumError(f"block check {given!r}, computed {computed!r}")
    return head[:1].decode("ascii"), data


def _octets(text: str) -> bytes:
    octets = text.encode("ascii", errors="replace")
    if _text(octets) != text:
        raise MalformedError(f"no frame can carry {text!r}")
    return octets


def _text(octets: bytes) -> str:
    if any(not (0x20 <= octet <= 0x7E or octet == 0x1D) for octet in octets):
        raise MalformedError(f"not a text: {octets!r}")
    return octets.decode("ascii")
