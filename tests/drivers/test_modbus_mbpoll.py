"""Another library at the other end: mbpoll (libmodbus) reads, writes and triggers the cell.

Its frames are recorded on the wire, and pymodbus has to send the same bytes for the same request.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from drivers.modbus_cell.link import CellLink
from drivers.transport import SerialTarget, TcpTarget, parse_url
from simulators.faults import Faults
from simulators.modbus_cell import ModbusCell, build
from simulators.part import PartStore
from tests.drivers.modbus_bench import Recorder

pytestmark = pytest.mark.slow
STATION = "bench"
TRAY_CRC = "0x98C1"
WIRES = pytest.mark.parametrize("listen", ["tcp://127.0.0.1:0", "serial"], ids=["tcp", "rtu"])
Client = AsyncModbusTcpClient | AsyncModbusSerialClient


async def mbpoll(url: str, *arguments: str) -> str:
    """One run of mbpoll against `url`, registers numbered from 0; fails where it fails."""
    program = shutil.which("mbpoll")
    if program is None:
        pytest.fail("mbpoll is not installed: apt-get install mbpoll (make test does it as root)")
    target = parse_url(url)
    if isinstance(target, TcpTarget):
        wire = ["-p", str(target.port)]
        place = target.host
    else:
        assert isinstance(target, SerialTarget)
        wire = ["-m", "rtu", "-b", "19200", "-P", "none"]
        place = target.path
    split = arguments.index("--") if "--" in arguments else len(arguments)
    run = await asyncio.create_subprocess_exec(
        program,
        *wire,
        *("-0", "-1", "-o", "10"),
        *arguments[:split],
        place,
        *arguments[split + 1 :],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await run.communicate()
    text = output.decode()
    assert run.returncode == 0, text
    return text


def values(text: str) -> dict[int, int]:
    """The registers that mbpoll printed: `[101]: <tab> 481`."""
    found = {}
    for line in text.splitlines():
        if line.startswith("["):
            number, _, value = line.partition("]:")
            found[int(number[1:])] = int(value.split()[0], 0)
    return found


@WIRES
async def test_mbpoll_reads_and_triggers_the_cell(tmp_path: Path, listen: str) -> None:
    """The sequence of docs/modbus-cell.md, by hand; CMD_SEQ 7, job 1, text MK-0001."""
    parts = PartStore(tmp_path / "parts.db")
    device = build({"watchdog": "60"}, parts, STATION, 50.0)
    url = await device.start(listen, Faults())
    try:
        parts.load(STATION)
        assert values(await mbpoll(url, "-r", "190")) == {190: 2}
        await mbpoll(url, "-r", "0", "--", "1")
        await mbpoll(url, "-r", "1", "--", "48")
        await mbpoll(url, "-r", "3", "--", "1")
        await reads(url, 101, 0x1E1)
        text = ["0x4D4B", "0x2D30", "0x3030", "0x3100"]
        await mbpoll(url, "-r", "2", "--", "7", "1", "7", "0x62FF", "0", "0", "0", "0", *text)
        await mbpoll(url, "-r", "1", "--", "49")
        await reads(url, 105, 1)
        state = values(await mbpoll(url, "-r", "100", "-c", "13"))
        assert [state[at] for at in (102, 103, 104, 105, 107, 111, 112)] == [
            7, 1, 0, 1, 1, 7, 0x62FF,
        ]  # fmt: skip
        echo = values(await mbpoll(url, "-t", "4:hex", "-r", "120", "-c", "4"))
        assert list(echo.values()) == [0x4D4B, 0x2D30, 0x3030, 0x3100]
        for control in ("48", "49", "56", "48", "49"):  # again, acknowledge, and again
            await mbpoll(url, "-r", "1", "--", control)
        with pytest.raises(AssertionError, match="Illegal data address"):
            await mbpoll(url, "-r", "100", "--", "5")
        assert [seen.content for seen in parts.seen(STATION)] == ["MK-0001"]
    finally:
        await stop(device, listen)
        parts.close()


@WIRES
async def test_mbpoll_marks_two_positions_of_a_tray(tmp_path: Path, listen: str) -> None:
    """As docs/modbus-cell.md has it: `MK-0001` at 1, `K1` at 4; number 8, job 1."""
    parts = PartStore(tmp_path / "parts.db")
    device = build({"watchdog": "60", "positions": "4"}, parts, STATION, 50.0)
    url = await device.start(listen, Faults())
    try:
        parts.load(STATION)
        assert values(await mbpoll(url, "-r", "190", "-c", "2")) == {190: 2, 191: 4}
        await mbpoll(url, "-r", "0", "--", "1")
        await mbpoll(url, "-r", "1", "--", "48")
        await mbpoll(url, "-r", "3", "--", "1")
        await reads(url, 101, 0x1E1)
        await mbpoll(url, "-r", "400", "--", "0x4D4B", "0x2D30", "0x3030", "0x3100")
        await mbpoll(url, "-r", "592", "--", "0x4B31")
        table = ["7", "0x62FF", "0", "0", "0", "0", "2", "0x94F6", *["0"] * 24]
        await mbpoll(url, "-r", "200", "--", *table)
        await mbpoll(url, "-r", "2", "--", "8", "1", "0", "0", "2", TRAY_CRC)
        await mbpoll(url, "-r", "1", "--", "49")
        await reads(url, 105, 1)
        told = values(await mbpoll(url, "-r", "240", "-c", "14"))
        assert list(told.values()) == [8, 2, 1, 7, 0x62FF, 0, 0, 0, 0, 0, 0, 1, 2, 0x94F6]
        await mbpoll(url, "-r", "1", "--", "56")
        assert set(values(await mbpoll(url, "-r", "240", "-c", "14")).values()) == {0}
        with pytest.raises(AssertionError, match="Illegal data address"):
            await mbpoll(url, "-r", "240", "--", "5")
        seen = {each.position: each.content for each in parts.seen(STATION)}
        assert seen == {1: "MK-0001", 4: "K1"}
    finally:
        await stop(device, listen)
        parts.close()


async def stop(device: ModbusCell, listen: str) -> None:
    """Let each TCP connection end by itself first: one cut off while ending stays open."""
    async with asyncio.timeout(10):
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "peer"]
        if ending and listen != "serial":
            await asyncio.wait(ending)
    await device.stop()


async def reads(url: str, register: int, wanted: int) -> None:
    async with asyncio.timeout(10):
        while values(await mbpoll(url, "-r", str(register))) != {register: wanted}:
            pass


Request = tuple[list[str], Callable[[Client], Awaitable[object]], str]
REQUESTS: dict[str, Request] = {
    "read 100-112": (
        ["-r", "100", "-c", "13"],
        lambda client: client.read_holding_registers(100, count=13, device_id=1),
        "03 0064 000D",
    ),
    "trigger": (
        ["-r", "1", "--", "49"],
        lambda client: client.write_register(1, 49, device_id=1),
        "06 0001 0031",
    ),
    "load": (
        ["-r", "2", "--", "7", "1", "7", "0x62FF"],
        lambda client: client.write_registers(2, [7, 1, 7, 0x62FF], device_id=1),
        "10 0002 0004 08 0007 0001 0007 62FF",
    ),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@WIRES
async def test_pymodbus_sends_what_libmodbus_sends(
    tmp_path: Path, listen: str, request_: Request
) -> None:
    arguments, call, pdu = request_

    async def by_pymodbus(url: str) -> None:
        target = parse_url(url)
        client: Client
        if isinstance(target, TcpTarget):
            client = AsyncModbusTcpClient(target.host, port=target.port, retries=0)
        else:
            assert isinstance(target, SerialTarget)
            client = AsyncModbusSerialClient(target.path, baudrate=19200, retries=0)
        await client.connect()
        try:
            await call(client)
        finally:
            client.close()

    parts = PartStore(tmp_path / "parts.db")
    device = build({}, parts, STATION, 50.0)
    recorder = Recorder()
    url = await device.start(listen, recorder)
    try:
        await mbpoll(url, *arguments)
        theirs = recorder.take()
        await by_pymodbus(url)
        ours = recorder.take()
    finally:
        await stop(device, listen)
        parts.close()
    # Both number the transactions of a new connection from 1.
    assert ours == theirs
    assert bytes.fromhex(pdu) in ours


@WIRES
async def test_what_the_driver_sends_libmodbus_sends_too(tmp_path: Path, listen: str) -> None:
    """The driver's own trigger write, after its heartbeat, against mbpoll's for the same values."""
    parts = PartStore(tmp_path / "parts.db")
    device = build({}, parts, STATION, 50.0)
    recorder = Recorder()
    url = await device.start(listen, recorder)
    target = parse_url(url)
    assert isinstance(target, (SerialTarget, TcpTarget))
    link = CellLink(target, "cell", 1, 1.0)
    try:
        for register, value in ((0, 1), (1, 49)):
            await mbpoll(url, "-r", str(register), "--", str(value))
        theirs = recorder.take()
        await link.open()
        await link.write(0, 1)
        await link.write(1, 49)
        ours = recorder.take()
    finally:
        await link.close()
        await stop(device, listen)
        parts.close()
    if listen == "serial":
        assert ours == theirs
    else:  # mbpoll's second connection numbers from 1 again, the driver's one goes on
        assert ours == theirs[:12] + b"\x00\x02" + theirs[14:]
