"""The driver against the simulated cell, over TCP and RTU; what counts is what is on the part."""

from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.catalog import find
from drivers.errors import DeviceFault, DeviceRefused, LinkError, LinkTimeout, UnexpectedReply
from drivers.modbus_cell.codec import encode_command, loaded
from drivers.modbus_cell.driver import ModbusCell
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from drivers.transport import TcpTarget, parse_url
from simulators.modbus_cell import build
from tests.drivers.modbus_bench import REAL_WIRES, STATION, TCP, WIRES, bench, shot, until


@REAL_WIRES
async def test_a_part_is_marked_once_and_the_cell_is_empty_afterwards(
    tmp_path: Path, listen: str
) -> None:
    async with bench(tmp_path, listen) as it:
        cell = it.cell()
        await cell.connect()
        assert (await cell.identify()).version == "map 2"
        assert (await cell.status()).activity is Activity.OFF
        await cell.select_job("2")
        assert (await cell.status()).activity is Activity.READY
        it.parts.load(STATION)
        await cell.arm(shot(7))
        assert (await cell.status()).activity is Activity.ARMED
        assert it.everything() == []
        await cell.fire()
        assert await cell.outcome(5) == Outcome(Did.DONE, "", "D7A7200007")
        kept = await cell.status()
        assert (kept.sequence, kept.last) == (7, Outcome(Did.DONE, "", "D7A7200007"))
        assert await cell.disarm() == Outcome(Did.DONE, "", "D7A7200007")
        assert await cell.disarm() == Outcome(Did.DONE, "", "D7A7200007")
        after = await cell.status()
        assert (after.activity, after.sequence, after.last) == (Activity.READY, 7, None)
        assert it.marks() == [("D7A7200007", ("Gramsh",), 1.0)]


@WIRES
async def test_a_pedal_fires_what_is_armed_once(tmp_path: Path, listen: str) -> None:
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(start="input")
        await it.device.pedal()
        assert it.marks() == []
        await cell.arm(shot(8))
        assert (await cell.status()).activity is Activity.ARMED
        with pytest.raises(DeviceRefused):
            await cell.fire()
        it.parts.take(STATION)
        await it.device.pedal()  # no piece, no shot
        it.parts.load(STATION)
        for _ in range(3):
            await it.device.pedal()
        assert (await cell.outcome(5)).did is Did.DONE
        await it.device.pedal()
        await cell.disarm()
        await it.device.pedal()
        assert it.everything() == ["D7A7200001", "D7A7200008"]
        assert len(it.marks()) == 1


@WIRES
async def test_only_its_own_unit_answers(tmp_path: Path, listen: str) -> None:
    """On a line of several units the others are silent; none takes a host for another's."""
    async with bench(tmp_path, listen, unit="7") as it:
        own = it.cell(unit=7)
        await own.connect()
        await own.select_job("1")
        await own.close()
        other = it.cell(unit=8, reply_timeout=0.1)
        with pytest.raises(UnexpectedReply if listen == TCP else LinkTimeout):
            await other.connect()


async def test_modbus_tcp_is_no_rtu(tmp_path: Path) -> None:
    """A cell behind a serial server, and the option that says so left out: and the other way."""
    for behind in ("on", "off"):
        async with bench(tmp_path, serial_server=behind) as it:
            right = it.cell(serial_server=behind == "on")
            await right.connect()
            await right.close()
            wrong = it.cell(serial_server=behind == "off", reply_timeout=0.1)
            with pytest.raises(LinkError):
                await wrong.connect()


async def test_a_part_that_is_laid_fires_what_is_armed(tmp_path: Path) -> None:
    async with bench(tmp_path, input="part") as it:
        cell = await it.ready(start="input")
        it.parts.take(STATION)
        await cell.arm(shot(8))
        it.parts.load(STATION)
        assert (await cell.outcome(5)).did is Did.DONE
        assert it.marks() == [("D7A7200008", ("Gramsh",), 1.0)]


async def test_a_repeated_number_never_marks_again(tmp_path: Path) -> None:
    """By the driver, which refuses it, and by a careless host, which the cell ignores."""
    async with bench(tmp_path) as it:
        cell = await it.ready()
        with pytest.raises(DeviceRefused, match="already carried out"):
            await cell.arm(shot(1))
        await cell.disarm()
        target = parse_url(it.url)
        assert isinstance(target, TcpTarget)
        host = AsyncModbusTcpClient(target.host, port=target.port, retries=0)
        await host.connect()
        for text in (b"D7A7200001\nGramsh", b"ANOTHER"):
            await host.write_registers(2, encode_command(loaded(1, 1, text))[2:])
            for control in (0x30, 0x31, 0x30, 0x70, 0x30):
                await host.write_register(1, control)
                await it.device.pedal()
        await host.write_registers(2, encode_command(loaded(2, 1, b"NEW"))[2:])
        await host.write_register(1, 0x31)
        await until(lambda: it.device.state()["result"] == "ok")
        await host.write_register(1, 0x31)  # no edge
        refused = await host.write_register(100, 1)
        assert (refused.function_code, refused.exception_code) == (0x86, 2)
        across = await host.write_registers(99, [1, 1])
        assert (across.function_code, across.exception_code) == (0x90, 2)
        host.close()
        assert it.marks() == [("NEW", (), 1.0)]
        assert it.everything() == ["D7A7200001", "NEW"]


async def test_nothing_fires_without_a_part(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.parts.take(STATION)
        await cell.arm(shot(5))
        with pytest.raises(DeviceRefused, match="no part"):
            await cell.fire()
        assert (await cell.outcome(1)).did is Did.NOT_STARTED
        it.parts.load(STATION)
        with pytest.raises(DeviceRefused):
            await cell.fire()
        assert it.everything() == ["D7A7200001"]


@pytest.mark.parametrize(
    ("name", "did", "readable"),
    [("faint", Did.DONE, False), ("fail", Did.UNKNOWN, False), ("echo", Did.UNKNOWN, True)],
)
async def test_a_cell_that_marks_badly(tmp_path: Path, name: str, did: Did, readable: bool) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.device.misbehave(name, 1)
        await cell.arm(shot(5))
        await cell.fire()
        assert (await cell.outcome(5)).did is did
        await cell.disarm()
        assert [quality >= 0.5 for _, _, quality in it.marks()] == [readable]
        assert it.device.misdeeds() == {name: 1}
        if name == "fail":
            with pytest.raises(DeviceFault, match="7 timeout"):
                await cell.select_job("1")
            await it.device.operate("reset", {})
        await cell.select_job("1")


async def test_a_job_that_the_cell_does_not_have(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        for job in ("9", "9", "0", "x", ""):
            with pytest.raises(DeviceRefused):
                await cell.select_job(job)
        await cell.select_job("2")
        assert it.device.state()["job"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Shot((MarkText(1, "A"),)),
        Shot((MarkText(1, "A"),), 0),
        Shot((MarkText(1, "A"),), 65536),
        Shot((), 5),
        Shot((MarkText(1, "A"), MarkText(1, "B")), 5),
        Shot((MarkText(17, "A"),), 5),
        Shot((MarkText(0, "A"),), 5),
        Shot((MarkText(1, "A\nB"),), 5),
    ],
)
async def test_a_shot_that_the_map_cannot_carry_loads_nothing(tmp_path: Path, wrong: Shot) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        with pytest.raises(DeviceRefused):
            await cell.arm(wrong)
        assert (await cell.status()).activity is Activity.READY


def test_the_catalogue_builds_it_and_refuses_what_it_does_not_know() -> None:
    kind = find("modbus-cell")
    assert kind.role == "marker"
    built = kind.build("tcp://127.0.0.1:502", kind.options(start="input"), "cell")
    assert isinstance(built, ModbusCell)
    assert built.single_shot
    assert built.refuses(MarkText(1, "A", ("B",))) is None
    assert built.refuses(MarkText(16, "A")) is None
    assert "position 17" in (built.refuses(MarkText(17, "A")) or "")
    for url in ("rfc2217://host:4000", "tcp://host", "udp://host:1"):
        with pytest.raises(ValueError, match="host"):
            kind.build(url, kind.options(), "cell")
    with pytest.raises(ValueError, match="speed"):
        kind.options(speed=1)
    kind.build("tcp://host:4001", kind.options(serial_server=True), "cell")
    with pytest.raises(ValueError, match="serial_server is said of tcp"):
        kind.build("serial:///dev/ttyS0", kind.options(serial_server=True), "cell")
    for options, wrong in (
        ({"input": "lever"}, "lever"),
        ({"colour": "red"}, "colour"),
        ({"serial_server": "yes"}, "serial_server"),
    ):
        with pytest.raises(ValueError, match=wrong):
            build(options, None, STATION, 1.0)  # type: ignore[arg-type]
