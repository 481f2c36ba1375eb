"""What a device's URL says: which wire, and how it is set. Checked without connecting.

`serial:///dev/ttyS0?baudrate=9600&bytesize=8&parity=N&stopbits=1&xonxoff=0&rtscts=0` ·
`serial:///?usb=SERIAL&interface=0&baudrate=9600` (a USB adapter, by its serial number) ·
`tcp://host:port` (raw bytes; also a serial server such as ser2net or a Moxa NPort) ·
`tls://host:port?ca=/path&name=host` (the same in TLS) · `rfc2217://host:port?baudrate=9600`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

import serial

SCHEMES = ("serial", "tcp", "tls", "rfc2217")
_LINE: Mapping[str, tuple[str, ...]] = {
    "baudrate": tuple(str(rate) for rate in serial.Serial.BAUDRATES if rate >= 300),
    "bytesize": ("5", "6", "7", "8"),
    "parity": ("N", "E", "O", "M", "S"),
    "stopbits": ("1", "1.5", "2"),
    "xonxoff": ("0", "1"),
    "rtscts": ("0", "1"),
}


@dataclass(frozen=True)
class Line:
    """The settings of an asynchronous serial line."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    xonxoff: bool = False
    """Either end stops the other by XOFF (13h) and lets it go on by XON (11h)."""
    rtscts: bool = False
    """Either end stops the other by the lines RTS and CTS."""


@dataclass(frozen=True)
class UsbAdapter:
    """A USB adapter by what it says of itself, whatever the system calls its port today."""

    serial_number: str
    interface: int | None = None
    """The USB interface, where one adapter has several ports."""


@dataclass(frozen=True)
class SerialTarget:
    """A serial port: its path, or the adapter whose path is looked up each time it is opened."""

    path: str
    """Empty where the adapter is named."""
    line: Line
    usb: UsbAdapter | None = None


@dataclass(frozen=True)
class TcpTarget:
    host: str
    port: int


@dataclass(frozen=True)
class TlsTarget:
    """A TCP port behind TLS. The certificate has to hold `name`, or `host` where that is empty."""

    host: str
    port: int
    ca: str = ""
    """A PEM file of who may have signed it; empty: those that the system trusts."""
    name: str = ""
    cert: str = ""
    """A PEM file with the client's own certificate, where it has one."""
    key: str = ""
    """Its key, where that is a file of its own."""


@dataclass(frozen=True)
class Rfc2217Target:
    host: str
    port: int
    line: Line


Target = SerialTarget | TcpTarget | TlsTarget | Rfc2217Target


def parse_url(url: str) -> Target:
    """What `url` names; raises ValueError that says what would be right. Never connects."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f"{url!r}: {fault}") from None
    if parts.fragment or parts.username or parts.password:
        raise ValueError(f"{url!r}: no user and no fragment belong in a device's URL")
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{url!r}: begin with serial://, tcp://, tls:// or rfc2217://")
    if parts.scheme == "serial":
        return _serial(url, parts)
    if not parts.hostname or not port or parts.path not in ("", "/"):
        raise ValueError(f"{url!r}: write {parts.scheme}://host:port, with a port of 1 to 65535")
    if parts.scheme == "rfc2217":
        return Rfc2217Target(parts.hostname, port, _line(_settings(url, parts.query, _LINE)))
    if parts.scheme == "tls":
        given = _settings(url, parts.query, ("ca", "name", "cert", "key"))
        if "key" in given and "cert" not in given:
            raise ValueError(f"{url!r}: a key without its certificate; write cert= as well")
        return TlsTarget(parts.hostname, port, **given)
    if parts.query:
        raise ValueError(f"{url!r}: tcp:// has no settings after the port")
    return TcpTarget(parts.hostname, port)


def parse_url_without_flow_control(url: str) -> Target:
    """`parse_url`, and refuse flow control: in binary frames XON and XOFF are data.

    Raises ValueError.
    """
    target = parse_url(url)
    line = getattr(target, "line", None)
    if line is not None and (line.xonxoff or line.rtscts):
        raise ValueError(f"{url!r}: this protocol has no xonxoff and no rtscts; take them out")
    return target


def _serial(url: str, parts: SplitResult) -> SerialTarget:
    given = _settings(url, parts.query, (*_LINE, "usb", "interface"))
    number, interface = given.pop("usb", ""), given.pop("interface", "")
    path = "" if parts.path == "/" else parts.path
    if parts.netloc or bool(path) == bool(number):
        why = "write three slashes and the port, serial:///dev/ttyS0, or serial:///?usb=SERIAL"
        raise ValueError(f"{url!r}: {why}")
    if not number:
        if interface:
            raise ValueError(f"{url!r}: interface belongs to usb=SERIAL")
        return SerialTarget(path, _line(given))
    if interface and not (interface.isascii() and interface.isdigit()):
        raise ValueError(f"{url!r}: interface is {interface!r}; it is a number from 0 on")
    usb = UsbAdapter(number, int(interface) if interface else None)
    return SerialTarget("", _line(given), usb)


def _settings(url: str, query: str, known: Collection[str]) -> dict[str, str]:
    """What follows the question mark, each setting once and none empty."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError(f"{url!r}: a setting is given twice")
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{url!r}: unknown setting {name!r}; known: {', '.join(known)}")
        if name in _LINE and value not in _LINE[name]:
            choices = ", ".join(_LINE[name])
            raise ValueError(f"{url!r}: {name} is {value!r}; it may be {choices}")
        if not value:
            raise ValueError(f"{url!r}: {name} is empty")
    return given


def _line(given: Mapping[str, str]) -> Line:
    return Line(
        baudrate=int(given.get("baudrate", "9600")),
        bytesize=int(given.get("bytesize", "8")),
        parity=given.get("parity", "N"),
        stopbits=float(given.get("stopbits", "1")),
        xonxoff=given.get("xonxoff") == "1",
        rtscts=given.get("rtscts") == "1",
    )
