"""SSI packets, both ways: bytes to values and values to bytes.

Layout (Symbol SE-923 Integration Guide, figure 6-1 and table 6-2; Zebra Simple Serial Interface
Programmer's Guide 72E-40451): `length opcode source status data... checksum`. The length is one
byte and counts all but the checksum. Source 0 is the decoder, 4 the host. Status bit 0: sent
again; bit 1: more frames of this message follow. The checksum is the two's complement of the sum
of all bytes before it, 16 bits, high byte first.

DECODE_DATA: the first data byte is the code's type (SE-923 guide, table 6-6), then what the symbol
holds, control characters as they are (a Data Matrix macro is expanded by the reader).

A code that is too long comes in several frames, each with the code's type first (the Node.js client
motorola-ssi-scanner, in use with QR codes of several frames, takes them apart in that way).

Unverified, each in one place here: the layout of CAPABILITIES_REPLY (`Capabilities`) and the value
of the trigger mode (`HOST_MODE`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

HOST = 0x04
DECODER = 0x00

RETRANSMIT = 0x01
MORE = 0x02

HEAD = 4
"""Bytes that the length counts beside the data."""
LONGEST = 0xFF
DATA_LIMIT = LONGEST - HEAD
CHECKSUM_BYTES = 2


class Opcode(IntEnum):
    CAPABILITIES_REPLY = 0xD4
    CAPABILITIES_REQUEST = 0xD3
    CMD_ACK = 0xD0
    CMD_NAK = 0xD1
    DECODE_DATA = 0xF3
    FLUSH_QUEUE = 0xD2
    PARAM_SEND = 0xC6
    REPLY_REVISION = 0xA4
    REQUEST_REVISION = 0xA3
    SCAN_DISABLE = 0xEA
    SCAN_ENABLE = 0xE9
    START_SESSION = 0xE4
    STOP_SESSION = 0xE5


class Cause(IntEnum):
    """Why a packet was not accepted: the data byte of CMD_NAK."""

    RESEND = 1
    BAD_CONTEXT = 2
    DENIED = 6


class Parameter(IntEnum):
    """Numbers of the settings that matter here."""

    NO_READ_MESSAGE = 0x5E
    TRIGGER_MODE = 0x8A
    HOST_RESPONSE_TIMEOUT = 0x9B
    HANDSHAKE = 0x9F
    PACKETED_DECODE_DATA = 0xEE


NO_BEEP = 0xFF
FIRST_LONG_PARAMETER = 0xF0
"""Numbers from here on introduce parameters with longer numbers or values."""
HOST_MODE = 8

HOST_SETTINGS: dict[int, int] = {
    Parameter.HANDSHAKE: 1,
    Parameter.PACKETED_DECODE_DATA: 1,
    Parameter.NO_READ_MESSAGE: 0,
    Parameter.TRIGGER_MODE: HOST_MODE,
}
"""What a host needs that starts each session itself. The readers' default is raw decode data."""

RESEND_UNIT = 0.1
RESEND_LIMIT = 9.9
"""Host Serial Response Time-out, seconds: how long a reader waits for the acknowledgement of a
packet before it sends it again. 2.0 as delivered (DS457 Integration Guide, page 8-14)."""

AIM = {
    0x01: "]A0",  # Code 39
    0x03: "]C0",  # Code 128
    0x0B: "]E0",  # EAN-13
    0x0F: "]C1",  # EAN-128, now GS1-128
    0x11: "]L0",  # PDF417
    0x1B: "]d1",  # Data Matrix ECC 200
    0x1C: "]Q1",  # QR Model 2
}
"""Code type to AIM symbology identifier. The type does not tell FNC1 in first place (`]d2`,
`]Q3`); a reader that is set to send AIM code identifiers itself does."""

_CODE_TYPE = {identifier: code_type for code_type, identifier in AIM.items()}


class PacketError(ValueError):
    """Bytes that are no packet."""


class ChecksumError(PacketError):
    """A packet whose checksum does not match."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `data` holds at most 251 bytes."""

    opcode: int
    source: int = HOST
    status: int = 0
    data: bytes = b""

    @property
    def retransmit(self) -> bool:
        return bool(self.status & RETRANSMIT)

    @property
    def more(self) -> bool:
        return bool(self.status & MORE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One code: its type and the bytes that the symbol holds."""

    code_type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a decoder can do (layout unverified): `rates` and `line` are bit maps of its serial
    settings, `multipacket` one of its packet options, `commands` the opcodes that it knows.
    """

    rates: int
    line: int
    multipacket: int
    commands: frozenset[int]


def checksum(body: bytes) -> int:
    """Two's complement of the sum of `body`, as a number from 0 to 65535."""
    return -sum(body) & 0xFFFF


def encode(packet: Packet) -> bytes:
    """The packet's bytes. Raises ValueError if it holds too much."""
    if len(packet.data) > DATA_LIMIT:
        raise ValueError(f"{len(packet.data)} bytes of data, a packet holds {DATA_LIMIT}")
    head = bytes((HEAD + len(packet.data), packet.opcode, packet.source, packet.status))
    body = head + packet.data
    return body + checksum(body).to_bytes(CHECKSUM_BYTES, "big")


def decode(frame: bytes) -> Packet:
    """The packet in exactly `frame`. Raises PacketError, ChecksumError."""
    if len(frame) < HEAD + CHECKSUM_BYTES or len(frame) != frame[0] + CHECKSUM_BYTES:
        raise PacketError(f"{len(frame)} bytes do not have the length that the first one says")
    body = frame[:-CHECKSUM_BYTES]
    told = int.from_bytes(frame[-CHECKSUM_BYTES:], "big")
    if told != checksum(body):
        raise ChecksumError(f"checksum {told:04X}, {checksum(body):04X} is right")
    return Packet(frame[1], frame[2], frame[3], frame[HEAD:-CHECKSUM_BYTES])


def settings(values: Mapping[int, int]) -> Packet:
    """PARAM_SEND that changes one-byte parameters until the reader is switched off."""
    pairs = bytes(byte for pair in values.items() for byte in pair)
    return Packet(Opcode.PARAM_SEND, data=bytes((NO_BEEP,)) + pairs)


def host_settings(resend_seconds: float) -> dict[int, int]:
    """`HOST_SETTINGS`, and when a packet is to be sent again: multiples of 0.1, to 9.9 seconds."""
    tenths = round(resend_seconds / RESEND_UNIT)
    return {**HOST_SETTINGS, Parameter.HOST_RESPONSE_TIMEOUT: tenths}


def decode_settings(packet: Packet) -> dict[int, int]:
    """The parameters that a PARAM_SEND changes, of those with one byte each. Raises PacketError."""
    pairs = packet.data[1:]
    if not pairs or len(pairs) % 2 or max(pairs[::2]) >= FIRST_LONG_PARAMETER:
        raise PacketError("PARAM_SEND with other than pairs of number and value")
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def again(packet: Packet) -> Packet:
    """The packet as it is sent again."""
    return replace(packet, status=packet.status | RETRANSMIT)


def nak(cause: int, source: int = HOST) -> Packet:
    return Packet(Opcode.CMD_NAK, source, data=bytes((cause,)))


def nak_cause(packet: Packet) -> int:
    """The cause that a CMD_NAK gives; 0 if it gives none."""
    return packet.data[0] if packet.data else 0


def cause_name(cause: int) -> str:
    """`6 denied`; a cause that the table does not know keeps its number."""
    try:
        return f"{cause} {Cause(cause).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"{cause} unknown cause"


def symbology(code_type: int) -> str:
    """The AIM identifier for a code type, or empty."""
    return AIM.get(code_type, "")


def code_type(identifier: str) -> int:
    """The code type for an AIM identifier. Raises KeyError."""
    return _CODE_TYPE[identifier]


def frames(decoded: Decoded, size: int = DATA_LIMIT) -> list[Packet]:
    """The DECODE_DATA packets that carry one code, with at most `size` bytes of data each."""
    room = size - 1
    cuts = range(0, max(len(decoded.data), 1), room)
    last = cuts[-1]
    return [
        Packet(
            Opcode.DECODE_DATA,
            DECODER,
            0 if cut == last else MORE,
            bytes((decoded.code_type,)) + decoded.data[cut : cut + room],
        )
        for cut in cuts
    ]


class Assembler:
    """Puts the frames of decoded codes together, and drops what was sent again needlessly."""

    def __init__(self) -> None:
        self._last: Packet | None = None
        self._code_type = 0
        self._data = bytearray()
        self.partial = False
        """Frames of a code are there and its last one is not."""

    def add(self, packet: Packet) -> Decoded | None:
        """The code that this DECODE_DATA completes. Raises PacketError; the code is then lost."""
        if not packet.data:
            self._begin_again()
            raise PacketError("DECODE_DATA without a code type")
        last = self._last
        if packet.retransmit and last and (last.more, last.data) == (packet.more, packet.data):
            return None
        self._last = packet
        if self.partial and packet.data[0] != self._code_type:
            self._begin_again()
            raise PacketError("the code type changes between two frames of one code")
        self._code_type = packet.data[0]
        self._data += packet.data[1:]
        self.partial = packet.more
        if packet.more:
            return None
        decoded = Decoded(self._code_type, bytes(self._data))
        self._data.clear()
        return decoded

    def _begin_again(self) -> None:
        self._data.clear()
        self.partial = False


def encode_revision(fields: Sequence[str]) -> Packet:
    return Packet(Opcode.REPLY_REVISION, DECODER, data=" ".join(fields).encode("ascii"))


def decode_revision(packet: Packet) -> list[str]:
    """The fields of REPLY_REVISION: software revision, board, engine, and what else there is."""
    return packet.data.decode("latin-1").split()


def encode_capabilities(capabilities: Capabilities) -> Packet:
    data = capabilities.rates.to_bytes(2, "big") + bytes(
        (capabilities.line, capabilities.multipacket, *sorted(capabilities.commands))
    )
    return Packet(Opcode.CAPABILITIES_REPLY, DECODER, data=data)


def decode_capabilities(packet: Packet) -> Capabilities:
    """What CAPABILITIES_REPLY says. Raises PacketError."""
    data = packet.data
    if len(data) < 4:
        raise PacketError(f"CAPABILITIES_REPLY with {len(data)} bytes of data")
    return Capabilities(int.from_bytes(data[:2], "big"), data[2], data[3], frozenset(data[4:]))


def explain(data: bytes, sent: bool) -> str:
    """What the whole packets in `data` mean to a person; empty where nothing is known."""
    told = []
    for frame in Splitter().feed(data):
        try:
            packet = decode(frame)
            name = Opcode(packet.opcode).name.lower().replace("_", " ")
        except ValueError:
            continue
        if packet.opcode == Opcode.CMD_NAK and packet.data:
            name += f": {cause_name(nak_cause(packet))}"
        told.append(name + (", sent again" if packet.retransmit else ""))
    return "; ".join(told)


class Splitter:
    """Cuts a stream into frames by their first byte, unchecked. SSI has no start mark: what is
    not a frame is told apart only by time, so the owner calls `reset` after a silence.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.garbage = 0
        """Bytes skipped because no frame is that short, or because it was never completed."""

    @property
    def unfinished(self) -> bool:
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        found = []
        while self._buffer:
            length = self._buffer[0] + CHECKSUM_BYTES
            if length < HEAD + CHECKSUM_BYTES:
                del self._buffer[0]
                self.garbage += 1
                continue
            if len(self._buffer) < length:
                break
            found.append(bytes(self._buffer[:length]))
            del self._buffer[:length]
        return found

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self.garbage += len(self._buffer)
        self._buffer.clear()
