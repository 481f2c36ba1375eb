"""The simulated end of a wire: a pseudo-terminal or a TCP server, with faults on the way.

`serve` runs a peer on the wire; `splice` forwards both ways to a server that a library owns.
"""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from simulators.faults import Direction, Faults

ONLY_ONE = "only-one"
"""A listener's setting: one connection at a time, and any other is refused."""
NO_HANG_UP = "no-hang-up"
"""A listener's setting: a cut line is silent, as behind a serial server; no connection ends."""
_CHUNK = 4096


class Wire:
    """What the device has of the wire. `faults` stand between it and the host."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        faults: Faults,
        hangs_up: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._faults = faults
        self._hangs_up = hangs_up
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = (
            asyncio.create_task(self._pump_in(), name="wire-in"),
            asyncio.create_task(self._pump_out(), name="wire-out"),
        )

    async def read(self) -> bytes:
        """The next bytes from the host; empty when the line has ended."""
        data = await self._incoming.get()
        if not data:
            self._incoming.put_nowait(b"")  # the end stays the end
        return data

    async def write(self, data: bytes) -> None:
        """Send to the host. Returns at once: the line's delays are not the device's."""
        if data:
            self._outgoing.put_nowait(data)

    async def close(self) -> None:
        """End the line, without what is still on its way."""
        for task in self._tasks:
            task.cancel()
        self._writer.close()  # before anything is waited for: the one who closes may be cancelled
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _pump_in(self) -> None:
        try:
            while data := await self._reader.read(_CHUNK):
                async for piece in self._passing("to_device", data):
                    self._incoming.put_nowait(piece)
        except OSError:
            pass  # the host is gone: the same as an orderly end
        self._incoming.put_nowait(b"")

    async def _pump_out(self) -> None:
        # A host that is gone takes nothing; the reading side notices the end.
        with contextlib.suppress(OSError):
            while True:
                async for piece in self._passing("to_host", await self._outgoing.get()):
                    self._writer.write(piece)
                    await self._writer.drain()

    async def _passing(self, direction: Direction, data: bytes) -> AsyncIterator[bytes]:
        for piece in self._faults.meet(direction, data):
            if piece.wait:
                await asyncio.sleep(piece.wait)
            yield piece.data
        if self._faults.dead and self._hangs_up:
            self._writer.close()


Peer = Callable[[Wire], Awaitable[None]]
"""Runs once a connection, until the line ends; on a pseudo-terminal once in all."""


class Listener:
    """A wire that is being served. `url` is what a host opens."""

    def __init__(self, peer: Peer, faults: Faults) -> None:
        self.url = ""
        self.broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """The first error that ended a peer; a simulator with a defect has to say so."""
        self._peer = peer
        self._faults = faults
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._where = ("", 0)
        self._only_one = False
        self._hangs_up = True
        self._closing = False
        self._terminal: asyncio.ReadTransport | None = None
        self._host_end = -1
        self._link: Path | None = None
        self._link_target = Path()

    async def close(self) -> None:
        """Stop serving; every connection ends. Raises what broke a peer, if anything did."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        if self._server is not None:
            self._server.close()  # one that a talk which ended meanwhile had opened again
            await self._server.wait_closed()
        if self._terminal is not None:
            self._terminal.close()
            os.close(self._host_end)
        if self._link is not None and self._leads_here(self._link):
            self._link.unlink()
        if self.broken.done() and not self.broken.cancelled():
            raise self.broken.result()

    def _leads_here(self, link: Path) -> bool:
        """A simulator that was started later on the same path has its own link there."""
        return link.is_symlink() and link.readlink() == self._link_target

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hangs_up: bool
    ) -> None:
        wire = Wire(reader, writer, self._faults, hangs_up)
        try:
            await self._peer(wire)
        finally:
            await wire.close()
            if self._only_one and not self._closing:
                await self._listen()

    def _start(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hangs_up: bool
    ) -> None:
        talk = asyncio.create_task(self._talk(reader, writer, hangs_up), name="peer")
        self._talks.add(talk)
        talk.add_done_callback(self._ended)

    def _ended(self, talk: asyncio.Task[None]) -> None:
        self._talks.discard(talk)
        fault = None if talk.cancelled() else talk.exception()
        if fault is not None and not self.broken.done():
            self.broken.set_result(fault)

    async def _open_terminal(self, link: str) -> None:
        device_end, host_end = os.openpty()
        # Held open, so that the device never sees a host come or go, as on a real line.
        self._host_end = host_end
        tty.setraw(host_end)
        path = os.ttyname(host_end)
        if link:
            self._link = Path(link)
            if self._link.is_symlink():
                self._link.unlink()  # what a killed simulator left behind
            self._link_target = Path(path)
            self._link.symlink_to(path)  # raises FileExistsError: no file of anybody's is removed
            path = link
        self.url = f"serial://{path}"
        os.set_blocking(device_end, False)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        self._terminal, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(device_end, "rb", 0)
        )
        # The writing half needs a protocol of its own; the reader behind it gets nothing.
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(os.dup(device_end), "wb", 0),
        )
        self._start(reader, asyncio.StreamWriter(transport, protocol, None, loop), hangs_up=False)

    async def _open_tcp(self, host: str, port: int, setting: str) -> None:
        self._only_one = setting == ONLY_ONE
        self._hangs_up = setting != NO_HANG_UP
        self._where = (host, port)
        await self._listen()

    async def _listen(self) -> None:
        host, port = self._where
        self._server = server = await asyncio.start_server(self._connected, host, port)
        port = server.sockets[0].getsockname()[1]
        self._where = (host, port)
        self.url = f"tcp://{host}:{port}"

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._only_one and self._server is not None:
            # Whoever comes now is refused by the system, as by a serial server.
            self._server.close()
        self._start(reader, writer, self._hangs_up)


async def serve(listen: str, peer: Peer, faults: Faults) -> Listener:
    """Serve `peer` on a pseudo-terminal (`serial`; `serial:///path` also makes that symbolic link)
    or a TCP port (`tcp://host:port`, port 0 for any). With `tcp://host:port?only-one` it listens
    again only when the one connection has ended, as a Moxa NPort does by its factory settings. With
    `tcp://host:port?no-hang-up` a cut line is silent, and no connection ends.
    Raises ValueError, OSError (port taken).
    """
    listener = Listener(peer, faults)
    parts = urlsplit(listen)
    if parts.query not in ("", ONLY_ONE, NO_HANG_UP) or (parts.query and parts.scheme != "tcp"):
        raise ValueError(f"{listen!r}: only tcp:// has a setting, {ONLY_ONE} or {NO_HANG_UP}")
    if listen == "serial" or (parts.scheme == "serial" and not parts.netloc and parts.path):
        await listener._open_terminal("" if listen == "serial" else parts.path)
    elif parts.scheme == "tcp" and parts.hostname and parts.port is not None:
        await listener._open_tcp(parts.hostname, parts.port, parts.query)
    else:
        raise ValueError(f"{listen!r}: write serial, serial:///path/of/link or tcp://host:port")
    return listener


async def splice(listen: str, upstream: str, faults: Faults) -> Listener:
    """Serve `listen` by forwarding to the TCP server `upstream` (`tcp://host:port`).

    Each connection opens its own; when either side ends, so does the other. A pseudo-terminal has
    one connection in all, opened at its first byte.
    """
    parts = urlsplit(upstream)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port:
        raise ValueError(f"{upstream!r}: write tcp://host:port")
    host, port = parts.hostname, parts.port

    async def forward(wire: Wire) -> None:
        first = await wire.read()
        if not first:
            return
        reader, writer = await asyncio.open_connection(host, port)

        async def up() -> None:
            data = first
            while data:
                writer.write(data)
                await writer.drain()
                data = await wire.read()

        async def down() -> None:
            while data := await reader.read(_CHUNK):
                await wire.write(data)

        ways = {asyncio.create_task(up()), asyncio.create_task(down())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            writer.close()  # before anything is waited for, as in Wire.close
            await asyncio.gather(*ways, return_exceptions=True)
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    return await serve(listen, forward, faults)
