"""A USB adapter that comes back under another name is found again; a wrong one is never taken."""

from pathlib import Path
from typing import cast

import pytest
from serial.tools.list_ports_common import ListPortInfo

import drivers.usb
from drivers.catalog import find
from drivers.errors import LinkClosed
from drivers.protocols import CodeReader
from drivers.transport import open_stream
from simulators.device import build
from simulators.faults import Faults
from simulators.part import FILE, PartStore
from simulators.pipe import Wire, serve


def port(device: str | Path, serial: str | None, location: str = "1-1.4") -> ListPortInfo:
    """As pyserial lists one; the ports themselves are real pseudo-terminals."""
    info = ListPortInfo(str(device), skip_link_detection=True)
    info.serial_number = serial
    info.location = location
    return info


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    """What is plugged in, to be changed by the test."""
    there: list[ListPortInfo] = []
    monkeypatch.setattr(drivers.usb, "comports", lambda: list(there))
    return there


async def _name(wire: Wire) -> None:
    """Says in which order it was served, and that alone."""
    while await wire.read():
        await wire.write(b"it is me")


async def test_the_right_adapter_is_opened_among_others(
    tmp_path: Path, plugged: list[ListPortInfo]
) -> None:
    listener = await serve(f"serial://{tmp_path}/ttyUSB1", _name, Faults())
    plugged[:] = [
        port("/dev/ttyS0", None),
        port(tmp_path / "ttyUSB0", "A1", "1-1.4:1.0"),
        port(tmp_path / "ttyUSB1", "A1", "1-1.4:1.1"),
        port(tmp_path / "ttyUSB2", "B2"),
    ]
    stream = await open_stream("serial:///?usb=A1&interface=1&baudrate=19200", "reader")
    await stream.write(b"?")
    assert await stream.read() == b"it is me"
    await stream.close()
    await listener.close()


@pytest.mark.parametrize(
    ("ports", "url", "told"),
    [
        ([], "serial:///?usb=A1", "no USB adapter A1; there is no adapter"),
        (
            [port("/dev/ttyUSB0", "B2")],
            "serial:///?usb=A1",
            r"no USB adapter A1; there is B2 interface 0 \(/dev/ttyUSB0\)",
        ),
        (
            [port("/dev/ttyUSB0", "A1", "1-2:1.0"), port("/dev/ttyUSB1", "A1", "1-2:1.1")],
            "serial:///?usb=A1",
            "more than one port is USB adapter A1: A1 interface 0 .*, A1 interface 1",
        ),
        (
            # Cheap adapters share one serial number: neither may be taken for the other.
            [port("/dev/ttyUSB0", "0001", "1-2"), port("/dev/ttyUSB1", "0001", "1-3")],
            "serial:///?usb=0001&interface=0",
            "more than one port is USB adapter 0001, interface 0",
        ),
        (
            [port("/dev/ttyUSB0", "A1", "1-2:1.0")],
            "serial:///?usb=A1&interface=3",
            "no USB adapter A1, interface 3; there is A1 interface 0",
        ),
    ],
)
async def test_what_is_not_one_port_is_refused_and_told(
    plugged: list[ListPortInfo], ports: list[ListPortInfo], url: str, told: str
) -> None:
    plugged.extend(ports)
    with pytest.raises(LinkClosed, match=told):
        await open_stream(url, "reader")


async def test_an_adapter_that_goes_while_the_ports_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pyserial then reads what is no longer there, and converts nothing to a number."""

    def vanish() -> list[ListPortInfo]:
        raise TypeError("int() can't convert non-string with explicit base")

    monkeypatch.setattr(drivers.usb, "comports", vanish)
    with pytest.raises(LinkClosed, match="could not be listed"):
        await open_stream("serial:///?usb=A1", "reader")


async def test_a_driver_finds_its_adapter_again_under_another_name(
    tmp_path: Path, plugged: list[ListPortInfo]
) -> None:
    async def look(reader: CodeReader) -> list[str]:
        await reader.connect()
        await reader.flush()
        await reader.open()
        readings = await reader.read(5)
        await reader.close()
        return [reading.content for reading in readings]

    parts = PartStore(tmp_path / FILE)
    parts.load("bench")
    parts.engrave("bench", 1, "A12", (), 0.9, "laser")
    kind = find("microscan")
    reader = cast("CodeReader", kind.build("serial:///?usb=A1", kind.options(), "reader"))
    for name in ("ttyUSB0", "ttyUSB3"):  # pulled out, and put in again
        device = build("microscan", {"decode_seconds": "0.03"}, parts, "bench", 1.0)
        await device.start(f"serial://{tmp_path}/{name}", Faults())
        plugged[:] = [port(tmp_path / name, "A1")]
        assert await look(reader) == ["A12"]
        await device.stop()
        with pytest.raises(LinkClosed):
            await look(reader)
        plugged.clear()
        with pytest.raises(LinkClosed, match="no USB adapter A1"):
            await look(reader)
    await reader.shut()
    parts.close()
