"""Says what bytes look like that no driver understood, and which setting would answer it.

Everything here is a guess for a person, from bytes alone: nothing is sent, and nothing is decided.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from pydantic import BaseModel

from drivers import catalog
from drivers.address import Rfc2217Target, SerialTarget, parse_url
from drivers.catalog import Kind
from drivers.modbus_cell.codec import crc16
from drivers.trace import printable

SHOWN = 48
"""Bytes that are shown, at most."""
_ON_THE_WIRE = (
    *("checksum", "checksum_span", "terminator", "mode", "serial_server", "dialect", "framing"),
    *("data_framing", "responses", "protocol", "station", "unit"),
)
"""Options that say how a device is set to speak, whatever the kind."""
_CONTROLS = b"\t\r\n\x02\x03\x06\x15"
_PROMPTS = (b">", b"#", b"$", b"%", b":")
_SHORTEST_RTU, _LONGEST_RTU = 5, 256
_ASKED = (3, 6, 16)
"""Functions of Modbus that a cell is asked."""
_FEW = 3
"""So many bytes and fewer prove no pattern of bits."""


def shown(data: bytes) -> str:
    """Return bytes as hex and as text, shortened."""
    more = f" and {len(data) - SHOWN} more" if len(data) > SHOWN else ""
    return f"{data[:SHOWN].hex(' ')} | {printable(data[:SHOWN])}{more}"


def diagnosed(
    kind: Kind, url: str, options: BaseModel, sent: Sequence[bytes], received: bytes
) -> list[str]:
    """Say what the received bytes look like, the likeliest first; empty where nothing came."""
    if not received:
        return []
    foreign = list(_other_protocol(url, received))
    if foreign:
        return foreign
    echo = _echo(sent, received)
    if echo:
        return [echo]
    bits = _seven_bits(url, received)
    if bits:
        return [bits]
    modbus = _modbus(kind, options, received)
    if modbus:
        return [modbus]
    prompt = _prompt(received)
    if kind.explain is not None and (meaning := kind.explain(received, False)):
        said = f"a {kind.name} ({meaning}) that is set otherwise"
        return [*prompt, f"{said}: {_checksum(options, received) or _choices(kind, options)}"]
    if prompt:
        return prompt
    if not _text(received):
        return [_no_text(url)]
    others = [
        other.name
        for other in catalog.kinds()
        if other.explain is not None and other.name != kind.name and other.explain(received, False)
    ]
    if others:
        return [f"no {kind.name} speaks so; it may be {' or '.join(others)}: --kind {others[0]}"]
    return [
        f"text, but no frame of a {kind.name}: another kind of device, or {_choices(kind, options)}"
    ]


def _other_protocol(url: str, data: bytes) -> Iterator[str]:
    scheme, address = urlsplit(url).scheme, urlsplit(url).netloc
    if data[:2] in (b"\x15\x03", b"\x16\x03"):
        yield f"TLS: it wants an encrypted line: write tls://{address}"
    elif data[:1] == b"\xff" and data[1:2] in b"\xfb\xfc\xfd\xfe" and len(data) > 1:
        if scheme == "tcp":
            yield f"telnet: a serial server in RFC 2217 mode: write rfc2217://{address}"
    elif data.startswith((b"HTTP/", b"<!DOCTYPE", b"<html")):
        yield "a web server: the device's own port is another one"
    elif data.startswith(b"SSH-"):
        yield "SSH: the device's own port is another one"


def _echo(sent: Sequence[bytes], received: bytes) -> str:
    """What was sent came back, alone or before the reply."""
    first = next((each for each in sent if each), b"")
    if len(first) > 1 and received.startswith(first):
        return (
            "what was sent comes back: an echo. Switch the echo off in the device or in the RS-485"
            " adapter; alone it is also what a bridge between TxD and RxD does"
        )
    return ""


def _seven_bits(url: str, data: bytes) -> str:
    """Text with a parity bit in place of the eighth."""
    target = parse_url(url) if urlsplit(url).scheme in ("serial", "rfc2217", "tcp", "tls") else None
    line = getattr(target, "line", None)
    stripped = bytes(octet & 0x7F for octet in data)
    if len(data) <= _FEW or max(data) < 0x80 or not _text(stripped):
        return ""
    ones = {octet.bit_count() % 2 for octet in data}
    high = {octet >> 7 for octet in data}
    parity = ("E" if ones == {0} else "O" if ones == {1} else "") or ("M" if high == {1} else "")
    if not parity or (line is not None and line.bytesize == 7):
        return ""
    if line is None:
        where = "set the serial server's port to it, or the device to 8N1"
    else:
        where = f"write ?bytesize=7&parity={parity} in the URL, or set the device to 8N1"
    return f"7 data bits and parity (7{parity}1): it says {printable(stripped)!r}; {where}"


def _modbus(kind: Kind, options: BaseModel, data: bytes) -> str:
    """RTU where TCP frames were expected, and the reverse."""
    if kind.name != "modbus-cell":
        return ""
    rtu = getattr(options, "serial_server", False)
    ends = range(_SHORTEST_RTU, min(len(data), _LONGEST_RTU) + 1)
    if (
        not rtu
        and data[1:2]
        and data[1] & 0x7F in _ASKED
        and any(crc16(data[:e]) == 0 for e in ends)
    ):
        return "Modbus RTU: a serial server before the cell: --option serial_server=true"
    if rtu and data[2:4] == b"\0\0" and int.from_bytes(data[4:6]) <= len(data) - 6:
        return "Modbus TCP: the cell's own Ethernet: --option serial_server=false"
    return ""


def _prompt(data: bytes) -> list[str]:
    """Text behind the last end of a frame, as of a terminal that waits for a command."""
    rest = data.replace(b"\n", b"\r").rpartition(b"\r")[2]
    if not rest.strip().endswith(_PROMPTS) or not _text(rest) or b"\x03" in rest:
        return []
    what = f"{printable(rest)!r} after what it says: a prompt"
    return [f"{what}. Switch it off in the device, or leave the serial server's command mode"]


def _checksum(options: BaseModel, data: bytes) -> str:
    """Replies with a checksum where none is set, and the reverse (Panasonic, Cognex)."""
    wanted = getattr(options, "checksum", None)
    frames = [frame for frame in data.replace(b"\n", b"").split(b"\r") if frame]
    there = any(
        frame.startswith(b"||1") or frame[-2:] == b"%02X" % (sum(frame[:-2]) & 0xFF)
        for frame in frames
    )
    if wanted is None or wanted == there:
        return ""
    return f"its checksum is {'on' if there else 'off'}: --option checksum={str(there).lower()}"


def _no_text(url: str) -> str:
    target = parse_url(url) if urlsplit(url).scheme in ("serial", "rfc2217") else None
    if not isinstance(target, SerialTarget | Rfc2217Target):
        return "no text: the serial server's port has another line speed, or it is another device"
    return (
        f"no text: another line speed than {target.line.baudrate}, or another device;"
        " try ?baudrate=9600, 19200, 38400, 57600, 115200"
    )


def _text(data: bytes) -> bool:
    """Nine of ten bytes are printable, or what frames are made of."""
    good = sum(0x20 <= octet <= 0x7E or octet in _CONTROLS for octet in data)
    return good * 10 >= len(data) * 9


def _choices(kind: Kind, options: BaseModel) -> str:
    """The options of the kind that change how it speaks, as they are set."""
    there = [
        f"{name}={str(getattr(options, name)).lower()}"
        for name in kind.options.model_fields
        if name in _ON_THE_WIRE
    ]
    more = f"look at {', '.join(there)}" if there else "look at the URL's line settings"
    return f"{more} (`gjurma-gateway drivers {kind.name}`)"
