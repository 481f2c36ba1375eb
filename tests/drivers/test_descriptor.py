"""A wire that is read as a file: what is cancelled, cut short, ended or asked by nobody."""

import asyncio
import errno
import os
import socket
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest
import serial

from drivers import clock
from drivers.buffered import Buffered
from drivers.descriptor import DescriptorStream
from drivers.errors import LinkClosed
from drivers.transport import open_stream

WIRES = ["socket", "terminal"]


@dataclass
class Other:
    """The device's end."""

    send: Callable[[bytes], object]
    receive: Callable[[int], bytes]
    hang_up: Callable[[], None]


@contextmanager
def _sockets() -> Iterator[tuple[socket.socket, Other]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, Other(theirs.sendall, theirs.recv, theirs.close)


@contextmanager
def _terminal() -> Iterator[tuple[serial.Serial, Other]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    port = serial.Serial(os.ttyname(slave), timeout=0)
    os.close(slave)
    ended: list[bool] = []

    def hang_up() -> None:
        if not ended:
            ended.append(True)
            os.close(master)

    with port:
        yield port, Other(partial(os.write, master), partial(os.read, master), hang_up)
        hang_up()


@asynccontextmanager
async def wire(kind: str) -> AsyncIterator[tuple[DescriptorStream, Other]]:
    with _sockets() if kind == "socket" else _terminal() as (file, other):
        stream = DescriptorStream(file, "device")
        yield stream, other
        await stream.close()


async def test_a_read_that_is_cancelled_at_any_moment_loses_nothing() -> None:
    async with wire("socket") as (stream, other):
        for turns in range(8):
            reading = asyncio.create_task(stream.read(5))
            await asyncio.sleep(0)
            other.send(b"it")
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            (got,) = await asyncio.gather(reading, return_exceptions=True)
            rest = b"" if got == b"it" else await stream.read(5)
            assert b"it" in (got, rest), f"cancelled after {turns} turns: {got!r}, {rest!r}"


async def test_what_has_come_is_there_without_waiting_and_nothing_is_nothing() -> None:
    async with wire("socket") as (stream, other):
        assert await stream.read(0) == b""
        assert await stream.read(0.01) == b""
        other.send(b"one")
        other.send(b"two")
        assert await stream.read(0) == b"onetwo"


@pytest.mark.parametrize(("before", "answered"), [(0.02, False), (0.02, True), (5.0, True)])
async def test_a_read_waits_for_its_own_time_whatever_the_one_before_it_waited_for(
    before: float, answered: bool
) -> None:
    async def scenario() -> float:
        async with wire("socket") as (stream, other):
            if answered:
                other.send(b"?")
            await stream.read(before)
            began = clock.now()
            async with asyncio.timeout(2):
                assert await stream.read(0.1) == b""
            return clock.now() - began

    assert await scenario() >= 0.1


async def test_what_nobody_asks_for_is_not_watched() -> None:
    """Else the event loop would turn round and round while a device talks to nobody."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = DescriptorStream(ours, "device")
    theirs.send(b"an answer")
    await stream.read()
    reading = asyncio.create_task(stream.read())
    await asyncio.sleep(0)
    reading.cancel()
    theirs.send(b"something else")
    await asyncio.sleep(0.05)
    assert not asyncio.get_running_loop().remove_reader(ours.fileno())
    assert await stream.read() == b"something else"
    await stream.close()
    theirs.close()


async def test_a_long_write_waits_for_who_reads_slowly() -> None:
    sent = bytes(range(256)) * 8192

    async def run() -> bytes:
        async with wire("socket") as (stream, other):
            writing = asyncio.create_task(stream.write(sent))
            got = b""
            while len(got) < len(sent):
                got += await asyncio.to_thread(other.receive, 65536)
            await writing
            return got

    assert await run() == sent


async def test_a_write_that_is_given_up_in_its_middle_ends_the_line() -> None:
    """What came next would be taken for its rest."""
    async with wire("socket") as (stream, other):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stream.write(bytes(4 * 1024 * 1024))
        other.send(b"an answer")
        for act in (stream.read(), stream.write(b"x")):
            with pytest.raises(LinkClosed, match="given up in its middle"):
                await act


@pytest.mark.parametrize("kind", WIRES)
async def test_a_device_that_takes_no_byte_ends_the_line(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system holds for it would reach it when nobody waits for that any more."""
    monkeypatch.setattr("drivers.descriptor.WRITE_SECONDS", 0.05)
    async with wire(kind) as (stream, _other):
        with pytest.raises(LinkClosed, match="took no byte"):
            async with asyncio.timeout(5):
                await stream.write(bytes(4 * 1024 * 1024))
        with pytest.raises(LinkClosed, match="took no byte"):
            await stream.read(5)


class _Stuck:
    """A port whose system waits for a device that takes no bytes before it closes."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self.freed = threading.Event()
        self.closed_by = 0

    def fileno(self) -> int:
        return self._port.fileno()

    def close(self) -> None:
        self.closed_by = threading.get_ident()
        self.freed.wait(30)


async def test_closing_a_port_that_the_system_holds_on_to_stops_nothing_else() -> None:
    with _terminal() as (port, _other):
        stuck = _Stuck(port)
        closing = asyncio.create_task(DescriptorStream(stuck, "device").close())
        while not stuck.closed_by:  # noqa: ASYNC110 - a thread tells it
            await asyncio.sleep(0)
        stuck.freed.set()
        await closing
    assert stuck.closed_by != threading.get_ident()


async def test_what_a_closed_port_still_holds_for_its_device_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.descriptor.DRAIN_SECONDS", 0.0)
    thrown_away: list[int] = []
    monkeypatch.setattr(termios, "tcflush", lambda _number, queue: thrown_away.append(queue))
    async with wire("terminal") as (stream, _other):
        await stream.write(b"GO")
        thrown_away.clear()
        await stream.close()
    assert thrown_away == [termios.TCOFLUSH]


@pytest.mark.parametrize("kind", WIRES)
async def test_nothing_is_handed_to_a_line_that_has_ended(kind: str) -> None:
    async with wire(kind) as (stream, other):
        other.send(b"last")
        await stream.read(5)
        other.hang_up()
        with pytest.raises(LinkClosed):
            await stream.write(b"never")


@pytest.mark.parametrize("kind", WIRES)
async def test_who_waits_is_told_of_the_end(kind: str) -> None:
    for how in ("theirs", "ours"):
        async with wire(kind) as (stream, other):
            reading = asyncio.create_task(stream.read(5))
            await asyncio.sleep(0.01)
            if how == "ours":
                await stream.close()
            else:
                other.hang_up()
            with pytest.raises(LinkClosed):
                await reading


async def test_who_waits_to_write_is_told_of_the_end() -> None:
    async with wire("socket") as (stream, _other):
        writing = asyncio.create_task(stream.write(bytes(4 * 1024 * 1024)))
        await asyncio.sleep(0.01)
        await stream.close()
        with pytest.raises(LinkClosed, match="the line is closed"):
            await writing


@pytest.mark.parametrize("seconds", [None, 0, 5])
async def test_a_line_that_the_system_gave_up_has_ended_however_it_is_read(
    seconds: float | None,
) -> None:
    """By keepalive: its error is a TimeoutError, as that of a wait which is over."""
    reader = asyncio.StreamReader()
    reader.set_exception(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
    with pytest.raises(LinkClosed, match="timed out"):
        await Buffered(reader, "device").read(seconds)


async def test_a_port_with_nothing_to_read_is_not_one_that_has_gone() -> None:
    """Its line is set by the stream's opener; what is set here is what pyserial leaves."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stream = await open_stream(f"serial://{os.ttyname(slave)}", "device")
    os.close(slave)
    for _ in range(3):
        assert await stream.read(0) == b""
    os.write(master, b"here")
    assert await stream.read(5) == b"here"
    assert await stream.read(0) == b""
    await stream.close()
    os.close(master)
