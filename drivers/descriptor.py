"""A wire that the system gives as a file: a TCP socket, or a serial port.

Its bytes stay with the system until they are asked for, so that what has come is known without a
turn of the event loop, and a device that talks to nobody fills no memory of ours.
"""

import asyncio
import contextlib
import fcntl
import os
import select
import sys
import termios
import time
from typing import Protocol

from drivers.aside import aside
from drivers.errors import LinkClosed

CHUNK_BYTES = 4096
WRITE_SECONDS = 5.0
"""How long a write waits while the device takes no byte."""
DRAIN_SECONDS = 1.0
"""How long a serial port that is closed may still send what it was given."""
CLOSE_SECONDS = 2.0
"""How long `close` waits for a serial port."""


class _File(Protocol):
    """What `socket.socket` and `serial.Serial` have in common."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


class DescriptorStream:
    """Implements `drivers.transport.ByteStream`. The file does not block; it is closed with it."""

    def __init__(self, file: _File, device: str) -> None:
        self._file = file
        self._device = device
        self._number = file.fileno()
        self._loop = asyncio.get_running_loop()
        self._poll = select.poll()
        # A hang-up and an error are told unasked; that the other end closed a socket is not.
        self._poll.register(self._number, select.POLLIN | select.POLLRDHUP)
        self._come = b""
        self._waiter: asyncio.Future[None] | None = None
        self._until: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._free: asyncio.Future[None] | None = None
        self._watched = False
        self._end = ""

    async def read(self, seconds: float | None = None) -> bytes:
        if self._come or (seconds is not None and seconds <= 0):
            return self._take("read")
        self._check("read")
        await self._more(seconds)  # what is there already is told at once
        return self._take("read")

    async def write(self, data: bytes) -> None:
        self._check("write")
        # A line whose other end has gone takes what it is given; the caller has to know.
        if any(event & ~select.POLLIN for _, event in self._poll.poll(0)):
            raise LinkClosed(self._device, "write", "the other end closed the line")
        rest = data
        try:
            while rest:
                try:
                    rest = rest[os.write(self._number, rest) :]
                except BlockingIOError:
                    await self._room()
                    self._check("write")
        except OSError as fault:
            raise LinkClosed(self._device, "write", str(fault)) from fault
        except asyncio.CancelledError:
            if len(rest) < len(data):  # whatever came next would be taken for the rest of it
                self._stop("a write was given up in its middle")
            raise

    async def close(self) -> None:
        if self._number < 0:
            return
        self._stop("the line is closed")
        number, self._number = self._number, -1
        if os.isatty(number):
            # The system waits up to 30 s for a device that takes no bytes (closing_wait).
            await asyncio.wait(
                {aside(lambda: _close_port(self._file, number))}, timeout=CLOSE_SECONDS
            )
        else:
            _close(self._file)

    def _take(self, operation: str) -> bytes:
        """What has come, nothing if that is nothing yet. Raises LinkClosed at the end."""
        if self._come:
            data, self._come = self._come, b""
            return data
        self._check(operation)
        if not self._poll.poll(0):  # cheaper than a read that finds nothing and raises
            return b""
        data = self._received()
        self._check(operation)
        return data

    def _received(self) -> bytes:
        """What the system holds; notes the end."""
        try:
            data = os.read(self._number, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as fault:
            self._stop(str(fault))
            return b""
        if not data:
            self._stop("the other end closed the line")
        return data

    def _check(self, operation: str) -> None:
        if self._end:
            raise LinkClosed(self._device, operation, self._end)

    async def _more(self, seconds: float | None) -> None:
        """Wait until something has come, or the end, or so long. Cancelled, it has lost nothing."""
        assert self._waiter is None, "one reads at a time"
        self._waiter = waiter = self._loop.create_future()
        if not self._watched:
            self._watched = True
            self._loop.add_reader(self._number, self._readable)
        self._wait_at_most(seconds)
        try:
            await waiter
        finally:
            self._waiter = None

    def _wait_at_most(self, seconds: float | None) -> None:
        """An alarm is dear to make, and hardly ever rings: one that was set for an earlier read is
        kept, and set anew when it rings before its time.
        """
        self._until = None if seconds is None else self._loop.time() + seconds
        if self._until is None or (self._alarm is not None and self._alarm.when() <= self._until):
            return
        self._forget_alarm()
        self._alarm = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._waiter is None or self._until is None:
            return
        if self._loop.time() < self._until:
            self._alarm = self._loop.call_at(self._until, self._ring)
        else:
            _done(self._waiter)

    def _forget_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _readable(self) -> None:
        if self._waiter is None:
            self._unwatch()  # nobody asks; it is looked for again when somebody does
        elif not self._waiter.done():
            self._come = self._received()
            if self._come:
                self._waiter.set_result(None)

    async def _room(self) -> None:
        """Wait until the system takes more, or the end. A device that takes no byte ends the line:
        what it was given would reach it at some later time.
        """
        self._free = free = self._loop.create_future()
        self._loop.add_writer(self._number, _done, free)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await free
        except TimeoutError:
            self._stop(f"the device took no byte in {WRITE_SECONDS:g} s")
        finally:
            self._forget_room()

    def _forget_room(self) -> None:
        if self._free is not None:
            self._free = None
            self._loop.remove_writer(self._number)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._number)

    def _stop(self, why: str) -> None:
        """From now on there is only this to tell."""
        self._end = self._end or why
        self._unwatch()
        self._forget_alarm()
        for waiting in (self._waiter, self._free):
            if waiting is not None:
                _done(waiting)
        self._forget_room()


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _close(file: _File) -> None:
    with contextlib.suppress(OSError):  # what broke the line was told
        file.close()


def _close_port(file: _File, number: int) -> None:
    """Close a serial port; may block. Bytes that the device does not take are thrown away: it would
    act on them when nobody waits for that any more.
    """
    until = time.monotonic() + DRAIN_SECONDS
    with contextlib.suppress(OSError, termios.error):  # the port may have gone
        while _unsent(number) and time.monotonic() < until:
            time.sleep(0.02)
        termios.tcflush(number, termios.TCOFLUSH)
    _close(file)


def _unsent(number: int) -> int:
    """How many bytes the port still holds for the device."""
    return int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
