"""Byte streams to devices, opened from one URL; what a URL may be is in `drivers.address`."""

import asyncio
import contextlib
import os
import socket
import ssl
import termios
from pathlib import Path
from typing import Protocol

import serial

from drivers.address import (
    Line,
    Rfc2217Target,
    SerialTarget,
    Target,
    TcpTarget,
    TlsTarget,
    UsbAdapter,
    parse_url,
)
from drivers.buffered import Buffered
from drivers.descriptor import CLOSE_SECONDS, WRITE_SECONDS, DescriptorStream
from drivers.errors import LinkClosed, LinkError, LinkTimeout, NotTrusted
from drivers.port import port_error
from drivers.rfc2217 import open_rfc2217
from drivers.tcp import prepare
from drivers.trace import Tap, traced
from drivers.usb import path_of

__all__ = [
    "ByteStream",
    "Line",
    "Rfc2217Target",
    "SerialTarget",
    "Target",
    "TcpTarget",
    "TlsTarget",
    "UsbAdapter",
    "WatchedStream",
    "open_stream",
    "parse_url",
]

CONNECT_SECONDS = 5.0


class ByteStream(Protocol):
    """Bytes both ways. Cancelling `read` loses nothing."""

    async def read(self, seconds: float | None = None) -> bytes:
        """What has come, as soon as it is one byte; none if that takes longer than `seconds`.

        With 0, what has come by now. Raises LinkClosed at the end.
        """

    async def write(self, data: bytes) -> None:
        """Hand `data` to the wire; raises LinkClosed."""

    async def close(self) -> None:
        """Idempotent."""


async def open_stream(url: str, device: str, *, rts: bool = True) -> ByteStream:
    """Open the wire that `url` names for `device` (the name that errors carry).

    `rts` is the state of that line while it is open, on a wire that has it.

    Raises ValueError for a wrong URL, PortBusy, PortDenied, LinkTimeout (no connection in 5 s),
    NotTrusted, LinkClosed.
    """
    target = parse_url(url)
    tap = traced(device)
    if tap is None:
        return await _open(target, device, rts)
    try:
        stream = await _open(target, device, rts)
    except LinkError as fault:
        tap("failed", detail=str(fault))
        raise
    tap("opened", detail=url)
    return _TracedStream(stream, tap)


async def _open(target: Target, device: str, rts: bool) -> ByteStream:
    match target:
        case SerialTarget():
            return await _open_serial(target, device, rts)
        case TcpTarget() | TlsTarget():
            return await _open_tcp(target, device)
        case Rfc2217Target():
            return await open_rfc2217(target, device, rts)


class _TlsStream(Buffered):
    """A ByteStream over asyncio's reader and writer, which know how to encrypt."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, device: str
    ) -> None:
        super().__init__(reader, device)
        self._writer = writer

    async def write(self, data: bytes) -> None:
        # A closing transport swallows what it is given; the caller has to know.
        if self._writer.is_closing():
            raise LinkClosed(self._device, "write", "the line is closed")
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError as fault:
            self._writer.transport.abort()  # what it was given would reach it at some later time
            why = str(fault) or f"the device took no byte in {WRITE_SECONDS:g} s"
            raise LinkClosed(self._device, "write", why) from fault
        except OSError as fault:
            raise LinkClosed(self._device, "write", str(fault)) from fault

    async def close(self) -> None:
        self._writer.close()
        # What broke the line was told to whoever read or wrote.
        with contextlib.suppress(OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()  # a device that has gone never says goodbye


class WatchedStream:
    """A ByteStream that remembers that its line has ended."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.ended = False

    async def read(self, seconds: float | None = None) -> bytes:
        try:
            return await self._stream.read(seconds)
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


class _TracedStream:
    """A ByteStream whose bytes are told on their way. What is to be sent is told first."""

    def __init__(self, stream: ByteStream, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap
        self._ended = False

    async def read(self, seconds: float | None = None) -> bytes:
        try:
            data = await self._stream.read(seconds)
        except LinkClosed as fault:
            self._end(fault.detail)
            raise
        if data:
            self._tap("received", data)
        return data

    async def write(self, data: bytes) -> None:
        self._tap("sent", data)
        try:
            await self._stream.write(data)
        except LinkClosed as fault:
            self._end(fault.detail)
            raise

    async def close(self) -> None:
        self._end("")
        await self._stream.close()

    def _end(self, why: str) -> None:
        if not self._ended:
            self._ended = True
            self._tap("closed", detail=why)


async def _open_tcp(target: TcpTarget | TlsTarget, device: str) -> ByteStream:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if isinstance(target, TlsTarget):
                reader, writer = await asyncio.open_connection(
                    target.host,
                    target.port,
                    ssl=_context(target),
                    server_hostname=target.name or target.host,
                )
                prepare(writer.get_extra_info("socket"))
                return _TlsStream(reader, writer, device)
            return DescriptorStream(await _connected(target), device)
    except TimeoutError as fault:
        raise LinkTimeout(device, "connect", f"no answer in {CONNECT_SECONDS:g} s") from fault
    except ssl.SSLCertVerificationError as fault:
        raise NotTrusted(device, "connect", fault.verify_message) from fault
    except ssl.SSLError as fault:
        raise NotTrusted(device, "connect", _no_tls(fault, target)) from fault
    except OSError as fault:
        raise LinkClosed(device, "connect", _why(fault, target)) from fault


async def _connected(target: TcpTarget) -> socket.socket:
    """By the first address of the host that answers. Raises OSError of the last."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    failed: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        with contextlib.ExitStack() as unused:
            try:
                link = unused.enter_context(socket.socket(family, kind, protocol))
                link.setblocking(False)
                await loop.sock_connect(link, address)
                prepare(link)
            except OSError as fault:
                failed = fault
                continue
            unused.pop_all()
            return link
    raise failed


def check_files(url: str) -> None:
    """Raises ValueError for a file named by a `tls://` URL that is missing, or is no PEM file."""
    target = parse_url(url)
    if not isinstance(target, TlsTarget):
        return
    for name in ("ca", "cert", "key"):
        path = getattr(target, name)
        try:
            if path:
                Path(path).read_bytes()
        except OSError as fault:
            why = f"{path}: {fault.strerror}"
            raise ValueError(f"{url!r}: {name}: {why}; put the file there, or correct it") from None
    try:
        _context(target)
    except (OSError, ssl.SSLError) as fault:
        raise ValueError(f"{url!r}: {_no_pem(target)}: {fault}") from None


def _no_pem(target: TlsTarget) -> str:
    files = ", ".join(filter(None, (target.ca, target.cert, target.key)))
    return f"{files}: no PEM file with what is needed (a certificate; in key= its key)"


def _no_tls(fault: ssl.SSLError, target: TcpTarget | TlsTarget) -> str:
    """Say in words why there is no TLS, with the next step."""
    where = f"{target.host}:{target.port}"
    if fault.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"):
        return f"no TLS: {where} speaks without TLS; switch TLS on there, or write tcp://{where}"
    if fault.reason in ("UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"):
        return f"no TLS: {where} speaks a TLS older than 1.2; set it to 1.2 or later"
    return f"no TLS: {where}: {fault.reason or fault}"


def _why(fault: OSError, target: TcpTarget | TlsTarget) -> str:
    """What the system says, and of what: by itself that names no host and no file."""
    if isinstance(target, TlsTarget) and isinstance(fault, FileNotFoundError | PermissionError):
        files = ", ".join(filter(None, (target.ca, target.cert, target.key)))
        return f"{files}: {fault.strerror}"
    number = fault.errno or 0  # less than 0 where the name was not found
    said = os.strerror(number) if number > 0 else fault.strerror or str(fault)
    return f"{target.host}:{target.port}: {said}"


def _context(target: TlsTarget) -> ssl.SSLContext:
    """Always verifies, certificate and name. Raises OSError for files that are not there."""
    context = ssl.create_default_context(cafile=target.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.cert:
        context.load_cert_chain(target.cert, target.key or None)
    return context


async def _open_serial(target: SerialTarget, device: str, rts: bool) -> ByteStream:
    path = await asyncio.to_thread(path_of, target, device)
    try:
        port = serial.Serial(
            baudrate=target.line.baudrate,
            bytesize=target.line.bytesize,
            parity=target.line.parity,
            stopbits=target.line.stopbits,
            xonxoff=target.line.xonxoff,
            rtscts=target.line.rtscts,
            timeout=0,
            exclusive=True,
        )
        port.port, port.rts = path, rts
        port.open()
    except OSError as fault:  # SerialException is one
        raise port_error(device, path, fault) from fault
    try:
        # As pyserial sets it, a port with nothing to read looks like one that is gone (termios(3)).
        settings = termios.tcgetattr(port.fileno())
        settings[6][termios.VMIN] = 1
        termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)
    except termios.error as fault:
        port.close()
        raise LinkClosed(device, "connect", f"{path}: {fault.args[-1]}") from fault
    return DescriptorStream(port, device)
