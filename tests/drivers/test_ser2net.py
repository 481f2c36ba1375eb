"""Real serial servers' software between driver and device: ser2net, by RFC 2217 and as raw TCP."""

import asyncio
import os
import shutil
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from drivers.catalog import find
from drivers.errors import DeviceError, LinkClosed
from drivers.protocols import CodeReader
from drivers.transport import ByteStream, open_stream
from simulators.broker import free_port
from simulators.device import build
from simulators.faults import Faults
from simulators.part import FILE, PartStore
from simulators.pipe import Wire, serve
from tests.needs import SYSTEM_PATH
from tests.support.wait import wait_for

pytestmark = [
    pytest.mark.needs_ser2net,
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),  # pyserial's own
]
ACCEPTERS = {"rfc2217": "telnet(rfc2217),tcp", "tcp": "tcp"}


def _urls() -> dict[str, str]:
    return {scheme: f"{scheme}://127.0.0.1:{free_port()}" for scheme in ACCEPTERS}


@asynccontextmanager
async def ser2net(port: str, urls: dict[str, str], folder: Path) -> AsyncIterator[None]:
    """The serial port behind ser2net, at a URL for each way. One host at a time."""
    settings = folder / "ser2net.yaml"
    settings.write_text(
        "%YAML 1.1\n---\n"
        + "".join(
            f"connection: &{scheme}\n"
            f"  accepter: {ACCEPTERS[scheme]},127.0.0.1,{url.rpartition(':')[2]}\n"
            f"  connector: serialdev(nouucplock),{port},9600n81,local\n"
            for scheme, url in urls.items()
        )
    )
    program = shutil.which("ser2net", path=SYSTEM_PATH)
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program, "-n", "-c", settings, "-P", folder / "ser2net.pid"
    )
    try:
        for url in urls.values():
            port_number = int(url.rpartition(":")[2])
            await asyncio.to_thread(wait_for, "ser2net to listen", partial(_listens, port_number))
        yield
    finally:
        process.terminate()
        await process.wait()


def _listens(port: int) -> bool:
    """Looked up without connecting: a connection would hold the serial port for a moment."""
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


async def _echo(wire: Wire) -> None:
    while data := await wire.read():
        await wire.write(data)


async def _said_back(stream: ByteStream, data: bytes) -> bytes:
    await stream.write(data)
    back = b""
    async with asyncio.timeout(20):
        while len(back) < len(data):
            back += await stream.read()
    return back


async def _to_its_end(url: str) -> None:
    stream = await open_stream(url, "second")
    try:
        async with asyncio.timeout(20):
            while True:
                await stream.read()
    finally:
        await stream.close()


def _speed(path: Path) -> int:
    """As the port is set by whoever has it."""
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return int(termios.tcgetattr(terminal)[4])
    finally:
        os.close(terminal)


@pytest.mark.parametrize("scheme", ACCEPTERS)
async def test_every_byte_goes_through_both_ways(tmp_path: Path, scheme: str) -> None:
    every = bytes(range(256)) * 2  # 255 is the telnet escape
    line = tmp_path / "line"
    listener = await serve(f"serial://{line}", _echo, Faults())
    urls = _urls()
    async with ser2net(str(line), urls, tmp_path):
        settings = "?baudrate=19200" if scheme == "rfc2217" else ""
        stream = await open_stream(urls[scheme] + settings, "reader")
        assert await _said_back(stream, every) == every
        wanted = termios.B19200 if scheme == "rfc2217" else termios.B9600
        assert _speed(line) == wanted  # by RFC 2217 it is the host that sets the line
        with pytest.raises(LinkClosed):
            await _to_its_end(urls[scheme])  # ser2net says why, and closes
        assert await _said_back(stream, every) == every
        await stream.close()
    await listener.close()


@pytest.mark.parametrize("scheme", ACCEPTERS)
async def test_a_reader_behind_it_that_is_restarted(tmp_path: Path, scheme: str) -> None:
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
    device = build("microscan", {"decode_seconds": "0.03"}, parts, "bench", 1.0)
    await device.start(f"serial://{tmp_path}/line", Faults())
    urls = _urls()
    kind = find("microscan")
    reader = cast("CodeReader", kind.build(urls[scheme], kind.options(), "reader"))
    for _ in range(2):
        async with ser2net(f"{tmp_path}/line", urls, tmp_path):
            assert await look(reader) == ["A12"]
        with pytest.raises(DeviceError):
            await look(reader)
        await reader.shut()
    await device.stop()
    parts.close()
