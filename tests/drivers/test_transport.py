"""Byte streams by URL: what a URL may be, and what each failure of a real wire is called."""

import asyncio
import os
import socket
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial
import serial.rfc2217

from drivers.catalog import find
from drivers.errors import LinkClosed, PortBusy
from drivers.tcp import SILENCE_SECONDS, prepare
from drivers.transport import (
    ByteStream,
    Line,
    Rfc2217Target,
    SerialTarget,
    TcpTarget,
    TlsTarget,
    UsbAdapter,
    open_stream,
    parse_url,
)
from simulators.faults import Faults
from simulators.pipe import Wire, serve


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("serial:///dev/ttyS0", SerialTarget("/dev/ttyS0", Line())),
        (
            "serial:///dev/ttyUSB1?baudrate=115200&bytesize=7&parity=E&stopbits=2",
            SerialTarget("/dev/ttyUSB1", Line(115200, 7, "E", 2)),
        ),
        ("serial:///dev/ttyS0?xonxoff=1", SerialTarget("/dev/ttyS0", Line(xonxoff=True))),
        ("rfc2217://moxa:4001?rtscts=1", Rfc2217Target("moxa", 4001, Line(rtscts=True))),
        ("tcp://10.0.0.7:9094", TcpTarget("10.0.0.7", 9094)),
        ("tcp://[::1]:4001", TcpTarget("::1", 4001)),
        ("rfc2217://moxa:4001?baudrate=19200", Rfc2217Target("moxa", 4001, Line(19200))),
        ("serial:///?usb=A50285BI", SerialTarget("", Line(), UsbAdapter("A50285BI"))),
        (
            "serial:///?usb=FT%2B4&interface=2&baudrate=19200",
            SerialTarget("", Line(19200), UsbAdapter("FT+4", 2)),
        ),
        ("tls://10.0.0.7:9094", TlsTarget("10.0.0.7", 9094)),
        (
            "tls://moxa:4001?ca=/etc/gjurma/line.crt&name=line-3&cert=/a.crt&key=/a.key",
            TlsTarget("moxa", 4001, "/etc/gjurma/line.crt", "line-3", "/a.crt", "/a.key"),
        ),
    ],
)
def test_urls(url: str, target: object) -> None:
    assert parse_url(url) == target


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("/dev/ttyS0", "begin with serial"),
        ("serial://dev/ttyS0", "three slashes"),
        ("serial:///", "three slashes"),
        ("serial:///dev/ttyS0?baud=9600", "unknown setting 'baud'"),
        ("serial:///dev/ttyS0?baudrate=9601", "baudrate is '9601'"),
        ("serial:///dev/ttyS0?parity=e", "parity is 'e'"),
        ("serial:///dev/ttyS0?parity=E&parity=N", "twice"),
        ("serial:///dev/ttyS0?usb=A1", "usb=SERIAL"),
        ("serial:///?usb=", "usb is empty"),
        ("serial:///dev/ttyS0?interface=1", "belongs to usb"),
        ("serial:///?usb=A1&interface=one", "number from 0"),
        ("tls://host:80?verify=no", "unknown setting 'verify'"),
        ("tls://host:80?key=/a.key", "without its certificate"),
        ("tcp://host", "host:port"),
        ("tcp://host:0", "host:port"),
        ("tcp://host:70000", "70000|range"),
        ("tcp://:80", "host:port"),
        ("tcp://host:80/path", "host:port"),
        ("tcp://host:80?baudrate=9600", "no settings"),
        ("tcp://me:secret@host:80", "no user"),
        ("http://host:80", "begin with serial"),
    ],
)
def test_wrong_urls_say_what_would_be_right(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_url(url)


async def _echo(wire: Wire) -> None:
    while data := await wire.read():
        await wire.write(data)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
async def test_bytes_go_both_ways_and_a_cancelled_read_loses_none(listen: str) -> None:
    listener = await serve(listen, _echo, Faults())
    stream = await open_stream(listener.url, "device")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await stream.read()
    every = bytes(range(256)) * 8
    await stream.write(every)
    back = b""
    while len(back) < len(every):
        back += await stream.read()
    assert back == every
    await stream.close()
    await stream.close()
    await listener.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such option")
def test_what_a_device_does_not_acknowledge_ends_its_connection() -> None:
    """Else a device that lost its power is asked again after ever longer pauses."""
    with socket.socket() as link:
        prepare(link)
        waited = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        idle = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        pause = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
    assert waited == SILENCE_SECONDS * 1000
    assert waited >= (idle + 2 * pause) * 1000, "one lost question ends no line that is silent"


async def _write_on(stream: ByteStream) -> None:
    """The kernel may take some bytes before it notices that nobody is there."""
    for _ in range(100):
        await stream.write(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
async def test_a_line_that_ends_is_closed(listen: str) -> None:
    listener = await serve(listen, _echo, Faults())
    stream = await open_stream(listener.url, "device")
    await stream.write(b"x")
    assert await stream.read() == b"x"
    await listener.close()
    with pytest.raises(LinkClosed) as closed:
        await stream.read()
    assert closed.value.device == "device"
    with pytest.raises(LinkClosed):
        await _write_on(stream)
    await stream.close()


@pytest.mark.parametrize("setting", ["xonxoff", "rtscts"])
@pytest.mark.parametrize("on", [False, True])
async def test_flow_control_is_set_on_the_port(setting: str, on: bool) -> None:
    """By termios(3), on the terminal that the driver opened."""
    listener = await serve("serial", _echo, Faults())
    stream = await open_stream(f"{listener.url}?{setting}={int(on)}", "device")
    terminal = os.open(listener.url.removeprefix("serial://"), os.O_RDWR | os.O_NOCTTY)
    iflag, _, cflag, *_ = termios.tcgetattr(terminal)
    os.close(terminal)
    both = termios.IXON | termios.IXOFF
    assert (iflag & both == both) is (on and setting == "xonxoff")
    assert bool(cflag & termios.CRTSCTS) is (on and setting == "rtscts")
    await stream.close()
    await listener.close()


@pytest.mark.parametrize("kind", ["zebra-ssi", "modbus-cell"])
@pytest.mark.parametrize("setting", ["xonxoff", "rtscts"])
def test_binary_protocols_have_no_flow_control(kind: str, setting: str) -> None:
    found = find(kind)
    with pytest.raises(ValueError, match="no xonxoff and no rtscts"):
        found.build(f"serial:///dev/ttyS0?{setting}=1", found.options(), "device")


async def test_a_serial_port_has_one_owner() -> None:
    listener = await serve("serial", _echo, Faults())
    stream = await open_stream(listener.url, "first")
    with pytest.raises(PortBusy):
        await open_stream(listener.url, "second")
    await stream.write(b"still the first one's")
    assert await stream.read() == b"still the first one's"
    await stream.close()
    again = await open_stream(listener.url, "second")
    await again.close()
    await listener.close()


_HOLDER = """
import asyncio, sys
from drivers.transport import open_stream
async def hold():
    stream = await open_stream(sys.argv[1], "holder")
    print("held", flush=True)
    await stream.read()
asyncio.run(hold())
"""


async def test_a_serial_port_has_one_owner_among_processes_too() -> None:
    """The system lets go of the port of a process that was killed."""
    listener = await serve("serial", _echo, Faults())
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, listener.url, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(PortBusy) as busy:
        await open_stream(listener.url, "device")
    assert busy.value.code == "port-busy"
    holder.kill()
    await holder.wait()
    stream = await open_stream(listener.url, "device")
    await stream.close()
    await listener.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
async def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for url in (
            f"serial://{tmp_path}/none",
            f"tcp://127.0.0.1:{port}",
            f"rfc2217://127.0.0.1:{port}",
        ):
            with pytest.raises(LinkClosed):
                await open_stream(url, "device")


_PORT_MANAGER: Any = serial.rfc2217.PortManager  # its stubs ask for more than it uses


class _Connection:
    """What pyserial's RFC 2217 server wants to write to."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def write(self, data: bytes) -> None:
        self._link.sendall(data)


@contextmanager
def _rfc2217_server() -> Iterator[tuple[str, list[int]]]:
    """pyserial's own server before a port that is wired to itself. Tells the baud rates it saw."""
    rates: list[int] = []

    def serve_one(listening: socket.socket) -> None:
        link, _ = listening.accept()
        port = serial.serial_for_url("loop://", timeout=0.02)
        manager = _PORT_MANAGER(port, _Connection(link))
        with link, port:
            while data := link.recv(1024):
                port.write(b"".join(manager.filter(data)))
                link.sendall(b"".join(manager.escape(port.read(port.in_waiting))))
                rates.append(port.baudrate)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_one, args=(listening,))
        thread.start()
        yield f"rfc2217://127.0.0.1:{listening.getsockname()[1]}?baudrate=19200", rates
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
def test_a_port_of_a_serial_server_by_rfc_2217() -> None:
    async def run(url: str) -> None:
        stream = await open_stream(url, "device")
        every = bytes(range(256))  # 255 is the telnet escape
        await stream.write(every)
        back = b""
        while len(back) < len(every):
            back += await stream.read()
        assert back == every
        await stream.close()

    with _rfc2217_server() as (url, rates):
        asyncio.run(run(url))
    assert rates[-1] == 19200
