"""Byte streams to devices, opened from one URL.

`serial:///dev/ttyS0?baudrate=9600&bytesize=8&parity=N&stopbits=1` · `tcp://host:port` (raw bytes;
also a serial server such as ser2net or a Moxa NPort) · `rfc2217://host:port?baudrate=9600`.
"""

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

import serial
import serial_asyncio_fast

from drivers.errors import LinkClosed, LinkTimeout, PortBusy

CONNECT_SECONDS = 5.0
_Told = TypeVar("_Told")
_POLL_SECONDS = 0.1  # how soon the RFC 2217 pump notices that it is to end


class ByteStream(Protocol):
    """Bytes both ways. Cancelling `read` loses nothing."""

    async def read(self, maximum: int = 4096) -> bytes:
        """At least one byte, at most `maximum`; raises LinkClosed at the end."""

    async def write(self, data: bytes) -> None:
        """Hand `data` to the wire; raises LinkClosed."""

    async def close(self) -> None:
        """Idempotent."""


@dataclass(frozen=True)
class Line:
    """The settings of an asynchronous serial line."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1


@dataclass(frozen=True)
class SerialTarget:
    path: str
    line: Line


@dataclass(frozen=True)
class TcpTarget:
    host: str
    port: int


@dataclass(frozen=True)
class Rfc2217Target:
    host: str
    port: int
    line: Line


Target = SerialTarget | TcpTarget | Rfc2217Target


def parse_url(url: str) -> Target:
    """What `url` names; raises ValueError that says what would be right. Never connects."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f"{url!r}: {fault}") from None
    if parts.fragment or parts.username or parts.password:
        raise ValueError(f"{url!r}: no user and no fragment belong in a device's URL")
    if parts.scheme == "serial":
        if parts.netloc or len(parts.path) < 2:
            raise ValueError(f"{url!r}: write three slashes and the port, serial:///dev/ttyS0")
        return SerialTarget(parts.path, _line(url, parts.query))
    if parts.scheme not in ("tcp", "rfc2217"):
        raise ValueError(f"{url!r}: begin with serial://, tcp:// or rfc2217://")
    if not parts.hostname or not port or parts.path not in ("", "/"):
        raise ValueError(f"{url!r}: write {parts.scheme}://host:port, with a port of 1 to 65535")
    if parts.scheme == "rfc2217":
        return Rfc2217Target(parts.hostname, port, _line(url, parts.query))
    if parts.query:
        raise ValueError(f"{url!r}: tcp:// has no settings after the port")
    return TcpTarget(parts.hostname, port)


def _line(url: str, query: str) -> Line:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError(f"{url!r}: a setting is given twice")
    allowed = {
        "baudrate": tuple(str(rate) for rate in serial.Serial.BAUDRATES if rate >= 300),
        "bytesize": ("5", "6", "7", "8"),
        "parity": ("N", "E", "O", "M", "S"),
        "stopbits": ("1", "1.5", "2"),
    }
    for name, value in given.items():
        if name not in allowed:
            raise ValueError(f"{url!r}: unknown setting {name!r}; known: {', '.join(allowed)}")
        if value not in allowed[name]:
            choices = ", ".join(allowed[name])
            raise ValueError(f"{url!r}: {name} is {value!r}; it may be {choices}")
    return Line(
        baudrate=int(given.get("baudrate", "9600")),
        bytesize=int(given.get("bytesize", "8")),
        parity=given.get("parity", "N"),
        stopbits=float(given.get("stopbits", "1")),
    )


async def open_stream(url: str, device: str) -> ByteStream:
    """Open the wire that `url` names for `device` (the name that errors carry).

    Raises ValueError for a wrong URL, PortBusy, LinkTimeout (no connection in 5 s), LinkClosed.
    """
    match parse_url(url):
        case SerialTarget() as target:
            return await _open_serial(target, device)
        case TcpTarget() as target:
            return await _open_tcp(target, device)
        case Rfc2217Target() as target:
            return await _open_rfc2217(target, device)


class _Stream:
    """A ByteStream over asyncio's reader and writer (TCP and serial)."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, device: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._device = device

    async def read(self, maximum: int = 4096) -> bytes:
        try:
            data = await self._reader.read(maximum)
        except OSError as fault:
            raise LinkClosed(self._device, "read", str(fault)) from fault
        if not data:
            raise LinkClosed(self._device, "read", "the other end closed the line")
        return data

    async def write(self, data: bytes) -> None:
        # A closing transport swallows what it is given; the caller has to know.
        if self._writer.is_closing():
            raise LinkClosed(self._device, "write", "the line is closed")
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as fault:
            raise LinkClosed(self._device, "write", str(fault)) from fault

    async def close(self) -> None:
        self._writer.close()
        # What broke the line was told to whoever read or wrote.
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class WatchedStream:
    """A ByteStream that remembers that its line has ended."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.ended = False

    async def read(self, maximum: int = 4096) -> bytes:
        try:
            return await self._stream.read(maximum)
        except LinkClosed:
            self.ended = True
            raise

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.write(data)
        except LinkClosed:
            self.ended = True
            raise

    async def close(self) -> None:
        self.ended = True
        await self._stream.close()


async def _open_tcp(target: TcpTarget, device: str) -> ByteStream:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(target.host, target.port)
    except TimeoutError as fault:
        raise LinkTimeout(device, "connect", f"no answer in {CONNECT_SECONDS:g} s") from fault
    except OSError as fault:
        raise LinkClosed(device, "connect", str(fault)) from fault
    link: socket.socket = writer.get_extra_info("socket")
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A serial server that lost its power never says so: ask after 10 s of silence, four times.
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return _Stream(reader, writer, device)


async def _open_serial(target: SerialTarget, device: str) -> ByteStream:
    try:
        reader, writer = await serial_asyncio_fast.open_serial_connection(
            url=target.path,
            baudrate=target.line.baudrate,
            bytesize=target.line.bytesize,
            parity=target.line.parity,
            stopbits=target.line.stopbits,
            exclusive=True,
        )
    except OSError as fault:  # SerialException is one
        if fault.errno in (errno.EAGAIN, errno.EBUSY, errno.EACCES):
            raise PortBusy(device, "connect", str(fault)) from fault
        raise LinkClosed(device, "connect", str(fault)) from fault
    return _Stream(reader, writer, device)


class _Rfc2217Stream:
    """A ByteStream over pyserial's RFC 2217 client, which knows only blocking calls."""

    def __init__(self, port: serial.Serial, device: str) -> None:
        self._port = port
        self._device = device
        self._reader = asyncio.StreamReader()
        self._loop = asyncio.get_running_loop()
        self._ending = threading.Event()
        self._pump = threading.Thread(target=self._pump_bytes, name=f"{device}-rfc2217")
        self._pump.start()

    def _pump_bytes(self) -> None:
        while not self._ending.is_set():
            try:
                data = self._port.read(1)
                if data:
                    data += self._port.read(self._port.in_waiting)
            except OSError as fault:
                self._tell(self._reader.set_exception, fault)
                return
            if data:
                self._tell(self._reader.feed_data, data)

    def _tell(self, act: Callable[[_Told], None], value: _Told) -> None:
        if not self._ending.is_set():
            self._loop.call_soon_threadsafe(act, value)

    async def read(self, maximum: int = 4096) -> bytes:
        try:
            return await self._reader.read(maximum)
        except OSError as fault:
            raise LinkClosed(self._device, "read", str(fault)) from fault

    async def write(self, data: bytes) -> None:
        try:
            await asyncio.to_thread(self._port.write, data)
        except OSError as fault:
            raise LinkClosed(self._device, "write", str(fault)) from fault

    async def close(self) -> None:
        self._ending.set()
        await asyncio.to_thread(self._pump.join)
        await asyncio.to_thread(self._port.close)


async def _open_rfc2217(target: Rfc2217Target, device: str) -> ByteStream:
    def connect() -> serial.Serial:
        return serial.serial_for_url(
            f"rfc2217://{target.host}:{target.port}",
            baudrate=target.line.baudrate,
            bytesize=target.line.bytesize,
            parity=target.line.parity,
            stopbits=target.line.stopbits,
            timeout=_POLL_SECONDS,
        )

    try:
        port = await asyncio.to_thread(connect)
    except OSError as fault:
        raise LinkClosed(device, "connect", str(fault)) from fault
    return _Rfc2217Stream(port, device)
