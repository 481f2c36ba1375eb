"""A third library at the other end: modbus-tk marks a part, over TCP, RTU and RTU over TCP.

It shares nothing with pymodbus, nor with the libmodbus of mbpoll, which knows no RTU over TCP.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import serial
from modbus_tk.defines import (
    READ_HOLDING_REGISTERS,
    WRITE_MULTIPLE_REGISTERS,
    WRITE_SINGLE_REGISTER,
)
from modbus_tk.modbus_rtu import RtuMaster
from modbus_tk.modbus_rtu_over_tcp import RtuOverTcpMaster
from modbus_tk.modbus_tcp import TcpMaster

from drivers.modbus_cell.link import CellLink
from drivers.transport import SerialTarget, TcpTarget, parse_url
from simulators.modbus_cell import build
from simulators.part import PartStore
from tests.drivers.modbus_bench import STATION, Recorder, until

UNIT = 5
TEXT = (0x4D4B, 0x2D30, 0x3030, 0x3100)
"""`MK-0001`, whose CRC is 0x62FF."""


def host_of(url: str, serial_server: str) -> Any:
    """The library's host on that wire; it has no types."""
    target = parse_url(url)
    if isinstance(target, TcpTarget):
        kind = RtuOverTcpMaster if serial_server == "on" else TcpMaster
        return kind(target.host, target.port, timeout_in_sec=10.0)
    assert isinstance(target, SerialTarget)
    host = RtuMaster(serial.Serial(target.path, baudrate=19200))
    host.set_timeout(10.0)
    return host


TCP = "tcp://127.0.0.1:0"
WIRES = pytest.mark.parametrize(
    ("listen", "serial_server"),
    [(TCP, "off"), ("serial", "off"), (TCP, "on")],
    ids=["tcp", "rtu", "rtu over tcp"],
)


@WIRES
async def test_another_library_marks_a_part_once(
    tmp_path: Path, listen: str, serial_server: str
) -> None:
    """The sequence of docs/modbus-cell.md: number 7, job 1; triggered again, it does not mark."""
    parts = PartStore(tmp_path / "parts.db")
    options = {"watchdog": "60", "unit": str(UNIT), "serial_server": serial_server}
    device = build(options, parts, STATION, 50.0)
    url = await device.start(listen, Recorder())
    host = host_of(url, serial_server)

    async def ask(function: int, address: int, **what: Any) -> tuple[int, ...]:
        answer = await asyncio.to_thread(host.execute, UNIT, function, address, **what)
        return tuple(answer)

    async def write(address: int, value: int) -> None:
        told = await ask(WRITE_SINGLE_REGISTER, address, output_value=value)
        assert told == (address, value)

    async def reads(address: int, wanted: int) -> None:
        async with asyncio.timeout(20):
            while await ask(READ_HOLDING_REGISTERS, address, quantity_of_x=1) != (wanted,):
                pass

    try:
        parts.load(STATION)
        await reads(190, 2)
        for address, value in ((0, 1), (1, 0x30), (3, 1)):
            await write(address, value)
        await reads(101, 0x1E1)
        load = (7, 1, 7, 0x62FF, 0, 0, 0, 0, *TEXT)
        told = await ask(WRITE_MULTIPLE_REGISTERS, 2, output_value=load)
        assert told == (2, len(load))
        await write(1, 0x31)
        await reads(105, 1)
        state = await ask(READ_HOLDING_REGISTERS, 100, quantity_of_x=13)
        assert (state[2], state[3], state[5], state[11], state[12]) == (7, 1, 1, 7, 0x62FF)
        assert await ask(READ_HOLDING_REGISTERS, 120, quantity_of_x=4) == TEXT
        for control in (0x30, 0x31, 0x38, 0x30, 0x31):  # again, acknowledge, and again
            await write(1, control)
        await reads(105, 0)
        assert [seen.content for seen in parts.seen(STATION)] == ["MK-0001"]
    finally:
        await asyncio.to_thread(host.close)
        if listen == TCP:
            await until(lambda: not any(t.get_name() == "peer" for t in asyncio.all_tasks()))
        await device.stop()
        parts.close()


@WIRES
async def test_the_driver_sends_what_another_library_sends(
    tmp_path: Path, listen: str, serial_server: str
) -> None:
    """A heartbeat and the trigger, byte for byte; each once."""
    parts = PartStore(tmp_path / "parts.db")
    options = {"unit": str(UNIT), "serial_server": serial_server}
    device = build(options, parts, STATION, 50.0)
    recorder = Recorder()
    url = await device.start(listen, recorder)
    target = parse_url(url)
    assert isinstance(target, (SerialTarget, TcpTarget))
    host = host_of(url, serial_server)
    link = CellLink(target, "cell", UNIT, 10.0, rtu_over_tcp=serial_server == "on")
    try:
        for address, value in ((0, 1), (1, 0x31)):
            await asyncio.to_thread(
                host.execute, UNIT, WRITE_SINGLE_REGISTER, address, output_value=value
            )
        await asyncio.to_thread(host.close)
        theirs = recorder.take()
        await link.open()
        await link.write(0, 1)
        await link.write(1, 0x31)
        ours = recorder.take()
    finally:
        await link.close()
        if listen == TCP:
            await until(lambda: not any(t.get_name() == "peer" for t in asyncio.all_tasks()))
        await device.stop()
        parts.close()
    if listen == TCP and serial_server == "off":  # but for the numbers of the transactions
        theirs, ours = (sent[2:12] + sent[14:] for sent in (theirs, ours))
    assert ours == theirs
