"""The Modbus connection to one marking cell, with the heartbeat that lives and dies with it.

A request is sent once. Only reads are repeated, and by this module, never by the library: a write
sent again could be a second trigger. After any failure the connection is dropped, so that a late
reply can never be taken for the answer to a later request.

RTU has no transaction numbers, so a late or doubled reply could still be read as the answer to the
next read. Each snapshot therefore first writes a new heartbeat, and counts only if it shows that
heartbeat. Behind a serial server that goes beyond the connection: what the cell said to the one
before is handed to the one after.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import serial
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from drivers import clock
from drivers.address import SerialTarget, TcpTarget
from drivers.errors import (
    DeviceRefused,
    LinkClosed,
    LinkError,
    LinkTimeout,
    ProtocolError,
    UnexpectedReply,
)
from drivers.modbus_cell.codec import (
    HEARTBEAT,
    SNAPSHOT_REGISTERS,
    CellState,
    Command,
    decode_snapshot,
)
from drivers.port import port_error
from drivers.trace import Tap, traced
from drivers.usb import path_of

HEARTBEAT_SECONDS = 1.0
STEADY_SECONDS = 10.0
"""How long a connection has to stand before it is told that the cell is back."""
_READ_TRIES = 3
_HIGHEST = 0xFFFF
# Exceptions that say that the request was not carried out: function, address, value, busy, gateway
# path. The others (device failure, acknowledge, no reply behind a gateway) leave that open.
_NOT_EXECUTED = {0x01, 0x02, 0x03, 0x06, 0x0A}

_log = logging.getLogger(__name__)
# The library logs every failed request; here a failure is raised, or logged once as a change.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class _Trace:
    """Tells a tap what the library sends and receives, each byte once.

    The library shows a reply that comes in pieces from its beginning each time.
    """

    def __init__(self, tap: Tap | None) -> None:
        self._tap = tap
        self._shown = b""

    def packet(self, sending: bool, data: bytes) -> bytes:
        if self._tap is not None and sending:
            self._tap("sent", data)
        elif self._tap is not None:
            news = data[len(self._shown) :] if data.startswith(self._shown) else data
            self._shown = data
            if news:
                self._tap("received", news)
        return data

    def pdu(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self._shown = b""  # a whole reply was taken
        return pdu


class CellLink:
    """One connection to the registers of unit `unit`; `timeout` is seconds a reply may take.

    `rtu_over_tcp`: a TCP target leads to a serial server, which hands on the frames of an RTU line.
    """

    def __init__(
        self,
        target: SerialTarget | TcpTarget,
        device: str,
        unit: int,
        timeout: float,
        *,
        rtu_over_tcp: bool = False,
    ) -> None:
        self.failure: LinkError | ProtocolError | None = None
        """Why the connection was lost; None while it stands and after `close`."""
        self._target = target
        self._device = device
        self._unit = unit
        self._timeout = timeout
        self._tcp_framer = FramerType.RTU if rtu_over_tcp else FramerType.SOCKET
        self._client: _Client | None = None
        self._lost: asyncio.Future[None] | None = None
        self._tap: Tap | None = None
        self._pulse: asyncio.Task[None] | None = None
        self._beat = 0
        self._told_away = False
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Connect and start the heartbeat; does nothing when open. Raises LinkError."""
        async with self._lock:
            await self._open()

    async def close(self) -> None:
        """Stop the heartbeat and disconnect; idempotent."""
        async with self._lock:
            pulse = self._drop()
            self.failure = None
        if pulse is not None:
            await asyncio.wait([pulse])

    async def snapshot(self) -> tuple[Command, CellState]:
        """Registers 0-112 in one request, not older than this call; reconnects where needed."""
        return decode_snapshot(await self._read_again(self._fresh))

    async def read(self, address: int, count: int) -> list[int]:
        """`count` registers from `address` on; reconnects where needed."""
        return await self._read_again(lambda: self._read(address, count))

    async def write(self, address: int, value: int) -> None:
        """Write one register (function 06), once. Raises LinkError, ProtocolError, DeviceRefused.

        After LinkError or ProtocolError the register may or may not have been written.
        """
        async with self._lock:
            await self._write(address, value)

    async def write_block(self, address: int, values: list[int]) -> None:
        """Write registers from `address` on in one request (function 16), once; as `write`."""
        operation = f"write {address}-{address + len(values) - 1}"
        async with self._lock:
            reply = await self._send(
                operation,
                16,
                lambda client: client.write_registers(address, values, device_id=self._unit),
            )
            if (reply.address, reply.count) != (address, len(values)):
                raise self._broken(UnexpectedReply(self._device, operation, f"answered by {reply}"))

    async def _read_again(self, read: Callable[[], Awaitable[list[int]]]) -> list[int]:
        for _ in range(_READ_TRIES - 1):
            async with self._lock:
                await self._open()
                with contextlib.suppress(LinkError, ProtocolError):
                    return await read()
        async with self._lock:
            await self._open()
            return await read()

    async def _fresh(self) -> list[int]:
        beat = await self._next_beat()
        registers = await self._read(0, SNAPSHOT_REGISTERS)
        if registers[HEARTBEAT] != beat:
            raise self._broken(
                UnexpectedReply(
                    self._device, "read 0-112", f"heartbeat {registers[HEARTBEAT]}, wrote {beat}"
                )
            )
        return registers

    async def _next_beat(self) -> int:
        self._beat = self._beat % _HIGHEST + 1
        await self._write(HEARTBEAT, self._beat)
        return self._beat

    async def _read(self, address: int, count: int) -> list[int]:
        operation = f"read {address}-{address + count - 1}"
        reply = await self._send(
            operation,
            3,
            lambda client: client.read_holding_registers(
                address, count=count, device_id=self._unit
            ),
        )
        if len(reply.registers) != count:
            raise self._broken(UnexpectedReply(self._device, operation, f"answered by {reply}"))
        return list(reply.registers)

    async def _write(self, address: int, value: int) -> None:
        operation = f"write {address}"
        reply = await self._send(
            operation,
            6,
            lambda client: client.write_register(address, value, device_id=self._unit),
        )
        if (reply.address, list(reply.registers)) != (address, [value]):
            raise self._broken(UnexpectedReply(self._device, operation, f"answered by {reply}"))

    async def _send(
        self, operation: str, function: int, call: Callable[[_Client], Awaitable[ModbusPDU]]
    ) -> ModbusPDU:
        """One request, one reply to that function; whatever else happens drops the connection."""
        client, lost = self._client, self._lost
        if client is None or lost is None:
            why = self.failure.detail if self.failure else "not connected"
            raise LinkClosed(self._device, operation, why)

        async def ask() -> ModbusPDU:  # a call on a lost connection raises before it is awaited
            return await call(client)

        request = asyncio.ensure_future(ask())
        try:
            ends: set[asyncio.Future[Any]] = {request, lost}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered = request.done()
            if not answered:
                request.cancel()
                self._drop()
        if not answered:
            raise self._broken(LinkClosed(self._device, operation, "the connection was lost"))
        try:
            reply = request.result()
        except ConnectionException as fault:
            raise self._broken(LinkClosed(self._device, operation, str(fault))) from fault
        except ModbusException as fault:
            why = f"no reply within {self._timeout:g} s"
            raise self._broken(LinkTimeout(self._device, operation, why)) from fault
        if reply.function_code & 0x7F != function:
            raise self._broken(UnexpectedReply(self._device, operation, f"answered by {reply}"))
        if reply.isError():
            code = reply.exception_code
            told = f"Modbus exception {code:02d}"
            if code not in _NOT_EXECUTED:
                raise self._broken(UnexpectedReply(self._device, operation, told))
            raise DeviceRefused(self._device, operation, told, f"exception-{code:02d}")
        return reply

    async def _open(self) -> None:
        if self._client is not None:
            return
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def changed(connected: bool) -> None:
            if not connected and not lost.done():
                lost.set_result(None)

        tap = traced(self._device)
        client, path = await self._new_client(changed, tap)
        try:
            connected = await client.connect()
        except BaseException:
            client.close()
            raise
        if not connected:
            client.close()
            unreachable = self._unreachable(path)
            if tap is not None:
                tap("failed", detail=str(unreachable))
            raise unreachable
        if tap is not None:
            tap("opened", detail=path)
        self._client, self._lost, self._tap = client, lost, tap
        self.failure = None
        self._pulse = asyncio.create_task(self._beat_on(client), name=f"{self._device} heartbeat")

    async def _new_client(
        self, changed: Callable[[bool], None], tap: Tap | None
    ) -> tuple[_Client, str]:
        """A client that is not connected, and where it will connect to. Raises LinkClosed."""
        trace = _Trace(tap)
        if isinstance(self._target, TcpTarget):
            tcp = AsyncModbusTcpClient(
                self._target.host,
                port=self._target.port,
                framer=self._tcp_framer,
                name=self._device,
                reconnect_delay=0,
                timeout=self._timeout,
                retries=0,
                trace_connect=changed,
                trace_packet=trace.packet,
                trace_pdu=trace.pdu,
            )
            return tcp, f"{self._target.host}:{self._target.port}"
        line = self._target.line
        path = await asyncio.to_thread(path_of, self._target, self._device)
        rtu = AsyncModbusSerialClient(
            path,
            baudrate=line.baudrate,
            bytesize=line.bytesize,
            parity=line.parity,
            stopbits=int(line.stopbits),
            name=self._device,
            reconnect_delay=0,
            timeout=self._timeout,
            retries=0,
            trace_connect=changed,
            trace_packet=trace.packet,
            trace_pdu=trace.pdu,
        )
        return rtu, path

    def _unreachable(self, where: str) -> LinkError:
        """Why connecting failed: the library only says that it did."""
        if isinstance(self._target, TcpTarget):
            return LinkClosed(self._device, "connect", f"no connection to {where}")
        try:
            serial.Serial(where, exclusive=True).close()
        except serial.SerialException as fault:
            return port_error(self._device, where, fault)
        return LinkClosed(self._device, "connect", f"{where} did not open")

    async def _beat_on(self, client: _Client) -> None:
        """One heartbeat a second over `client`; ends when that connection does."""
        steady_at = clock.now() + STEADY_SECONDS
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            async with self._lock:
                if self._client is not client:
                    return
                # A failure drops the connection and stays in `failure`; the next write tells it.
                with contextlib.suppress(LinkError, ProtocolError):
                    try:
                        await self._next_beat()
                    except DeviceRefused as refusal:
                        raise self._broken(
                            UnexpectedReply(self._device, "heartbeat", refusal.detail)
                        ) from refusal
                if self._told_away and self._client is client and clock.now() >= steady_at:
                    self._told_away = False
                    _log.info("%s: connected again", self._device)

    def _broken(self, error: LinkError | ProtocolError) -> LinkError | ProtocolError:
        """Drop the connection because of `error`, and give it back to be raised."""
        if not self._told_away:  # once a change of state, however often it comes and goes
            self._told_away = True
            _log.warning("connection dropped: %s", error)
        self._drop()
        self.failure = error
        return error

    def _drop(self) -> asyncio.Task[None] | None:
        """Disconnect; gives the heartbeat's task, which is ending, unless it is the caller."""
        client, pulse, tap = self._client, self._pulse, self._tap
        self._client = self._lost = self._pulse = self._tap = None
        if tap is not None:
            tap("closed")
        if client is not None:
            client.close()
        if pulse is None or pulse is asyncio.current_task():
            return None
        pulse.cancel()
        return pulse
