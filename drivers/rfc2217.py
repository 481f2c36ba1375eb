"""A port of a serial server that takes the line's settings from its host, by RFC 2217."""

import asyncio
import queue
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

import serial.rfc2217

from drivers.address import Rfc2217Target
from drivers.buffered import Buffered
from drivers.errors import LinkClosed
from drivers.tcp import prepare

_Told = TypeVar("_Told")
_POLL_SECONDS = 0.1  # how soon the pump notices that it is to end


class _Rfc2217Port(serial.rfc2217.Serial):
    """pyserial's client, which ends in order also where the server was first to end."""

    _socket: socket.socket | None
    _read_buffer: queue.Queue[bytes | None]

    def prepare(self) -> None:
        """Set its socket as every other one to a device; the library hides it."""
        if self._socket is not None:
            prepare(self._socket)

    def close(self) -> None:
        link = self._socket
        super().close()
        if link is not None:
            link.close()  # the library leaves one open that it cannot shut down

    def _telnet_read_loop(self) -> None:
        # An answer to a server that has gone cannot be sent, and what is no telnet has no answer.
        try:
            super()._telnet_read_loop()  # type: ignore[misc]  # its stubs leave it out
        except (OSError, TypeError):
            self._read_buffer.put(None)


class Rfc2217Stream(Buffered):
    """A `drivers.transport.ByteStream` over a client that knows only blocking calls."""

    def __init__(self, port: _Rfc2217Port, device: str) -> None:
        super().__init__(asyncio.StreamReader(), device)
        self._port = port
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

    async def write(self, data: bytes) -> None:
        try:
            await asyncio.to_thread(self._port.write, data)
        except OSError as fault:
            raise LinkClosed(self._device, "write", str(fault)) from fault

    async def close(self) -> None:
        self._ending.set()
        await asyncio.to_thread(self._pump.join)
        await asyncio.to_thread(self._port.close)


def _why(fault: OSError, target: Rfc2217Target) -> str:
    """Say why; pyserial has the system's error only as what it was dealing with."""
    where, cause = f"{target.host}:{target.port}", fault.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return f"{where}: {cause.strerror}"
    return f"{where}: no RFC 2217 ({fault}); write tcp://{where} if the server hands on bytes alone"


async def open_rfc2217(target: Rfc2217Target, device: str, rts: bool) -> Rfc2217Stream:
    """Open it, with its line set. Raises LinkClosed."""

    def connect() -> _Rfc2217Port:
        # Whether DTR and RTS could be set is not waited for: some servers answer that never, and
        # ser2net does not where the port has no such lines. The line's settings are waited for.
        port = _Rfc2217Port(
            baudrate=target.line.baudrate,
            bytesize=target.line.bytesize,
            parity=target.line.parity,
            stopbits=target.line.stopbits,
            xonxoff=target.line.xonxoff,
            rtscts=target.line.rtscts,
            timeout=_POLL_SECONDS,
        )
        port.port, port.rts = f"rfc2217://{target.host}:{target.port}?ign_set_control", rts
        port.open()
        port.prepare()
        return port

    try:
        port = await asyncio.to_thread(connect)
    except OSError as fault:
        raise LinkClosed(device, "connect", _why(fault, target)) from fault
    return Rfc2217Stream(port, device)
