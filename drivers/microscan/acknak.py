"""The frames of the ACK/NAK protocol around K-commands and what was read, both ways.

QX Hawk help 4-68 and Quadrus MINI manual, page 3-7, "ACK/NAK Options"; for the LRC V430-F manual
Z392, page 3-14; for what follows what Quadrus MINI manual, page A-16; for retries MINI Hawk manual,
page A-22:

    STX <K200,4> ETX LRC                    to the reader, which answers ACK or NAK
    STX preamble <?/22> postamble ETX LRC   its answer, after that ACK; the host answers ACK or NAK
    STX preamble A12 postamble ETX LRC      what was read; the host answers ACK or NAK

Both sides follow it, always. A frame that was answered NAK comes again, three times at most. LRC is
the exclusive or of all that stands between STX and LRC, so ETX is in it. A side that hears neither
asks with REQ; RES ends a transfer: both are off in a reader as delivered, and so are STX, ETX and
LRC, which have to be on here. Their characters are those of V320-F manual, page O-1.

Nothing is escaped. A frame ends with the first ETX after a postamble, or after a body that is whole
without one, and the byte behind: so a code may hold STX and ETX, but not its postamble and ETX.

Unverified, each in one place here: how often a frame comes again (`RETRIES`: the page tells it of
polling); that a body can come without its postamble (`Splitter` takes both).
"""

from collections.abc import Callable
from functools import reduce
from operator import xor

from drivers.microscan.codec import END, LONGEST, FrameError, is_answer

STX, ETX = b"\x02", b"\x03"
RES, REQ = b"\x04", b"\x05"
ACK, NAK = b"\x06", b"\x15"
SIGNALS = ACK + NAK + REQ + RES
RETRIES = 3
_LONGEST_ANSWER = 1 << 10


def lrc(data: bytes) -> int:
    """The check of what stands behind STX, ETX included."""
    return reduce(xor, data, 0)


def encode_frame(body: bytes) -> bytes:
    """A body in its frame. Raises ValueError if it would end before its end."""
    if body.find(END + ETX) >= 0:
        raise ValueError("the body holds the end of a frame")
    checked = body + ETX
    return STX + checked + bytes((lrc(checked),))


def decode_frame(frame: bytes) -> bytes:
    """The body of exactly one frame. Raises FrameError."""
    if len(frame) < 3 or frame[:1] != STX or frame[-2:-1] != ETX or lrc(frame[1:-1]) != frame[-1]:
        raise FrameError("no frame with a good LRC")
    return frame[1:-2]


def encode_result(content: bytes, preamble: bytes = b"") -> bytes:
    """The body of what was read."""
    return preamble + content + END


def decode_result(body: bytes, preamble: bytes = b"") -> bytes:
    """What was read. Raises FrameError."""
    if len(body) < len(preamble + END) or not body.startswith(preamble) or not body.endswith(END):
        raise FrameError("no body with its preamble that ends with CR LF")
    return body[len(preamble) : -len(END)]


def answer_in(body: bytes, preamble: bytes = b"") -> bytes:
    """The answer that a body is, without what stands around it; empty if it is none."""
    bare = body.removeprefix(preamble).removesuffix(END)
    return next((each for each in (bare, body.removesuffix(END)) if is_answer(each)), b"")


class Splitter:
    """Cuts a stream into frames with a good LRC and signals of one byte.

    After anything else nobody knows where the next frame begins: all is skipped until `give_up`,
    for which a silence is the time. `whole` tells which bodies need no postamble before their ETX.
    """

    def __init__(self, whole: Callable[[bytes], bool]) -> None:
        self._whole = whole
        self._buffer = bytearray()
        self._searched = 0
        """No frame ends before there: a line that comes slowly is not searched again and again."""
        self._lost = 0

    @property
    def unfinished(self) -> bool:
        """Bytes came that are no frame yet, or will be none."""
        return bool(self._lost or self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        found = []
        while self._buffer and not self._lost:
            first = bytes(self._buffer[:1])
            if first in SIGNALS:
                size = 1
            elif first == STX:
                size = self._frame()
                if size == 0:
                    break
            else:
                self._lose()
                break
            piece = bytes(self._buffer[:size])
            if size > 1 and lrc(piece[1:-1]) != piece[-1]:
                self._lose()
                break
            found.append(piece)
            del self._buffer[:size]
            self._searched = 0
        if self._lost or len(self._buffer) > LONGEST:
            self._lose()
        return found

    def give_up(self) -> int:
        """Forget what is unfinished; how many bytes that were."""
        self._lose()
        lost, self._lost = self._lost, 0
        return lost

    def _lose(self) -> None:
        self._lost += len(self._buffer)
        self._buffer.clear()
        self._searched = 0

    def _frame(self) -> int:
        """The length of the frame that begins the buffer; 0 if its end has not come."""
        while (at := self._buffer.find(ETX, self._searched + 1)) >= 0:
            if at + 1 == len(self._buffer):
                return 0
            short = at < _LONGEST_ANSWER
            if self._buffer.endswith(END, 1, at) or (
                short and self._whole(bytes(self._buffer[1:at]))
            ):
                return at + 2
            self._searched = at
        self._searched = len(self._buffer) - 1
        return 0
