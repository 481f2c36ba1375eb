"""An event loop on virtual time, with servers in memory under the host name `memory`.

While every wire of the loop is in memory, the clock jumps to the next timer as soon as nothing is
ready and no thread works for the loop: a test waits for nothing, and no timeout depends on how busy
the machine is. While a pseudo-terminal or a TCP socket is open, the loop is a `PatientLoop`.
"""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable
from selectors import SelectorKey
from typing import Any

from simulators.pipe import NO_HANG_UP
from tests.support.patient import PatientLoop, PatientSelector

HOST = "memory"
"""Only this loop knows the host: elsewhere the name does not resolve."""
MEMORY = f"tcp://{HOST}:0"
SERIAL_IN_MEMORY = f"{MEMORY}?{NO_HANG_UP}"
"""A wire that is silent when it is cut, like a serial line."""
TURN_SECONDS = 1e-5
"""What each turn of the loop takes on virtual time, so that nothing takes no time at all."""
STALLED_SECONDS = 60.0


class Stalled(Exception):
    """Nothing is ready, and nothing will be: the test would wait for ever."""


class _Selector(PatientSelector):
    """Moves the clock on instead of waiting while only wires in memory are registered."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: set[int] = set()
        """Descriptors that are not in memory."""
        self.calls = 0
        """Calls that a thread pool has not finished; they take no time."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        key = super().register(fileobj, events, data)
        if not _is_in_memory(key.fd):
            if not self.outside:
                self.skip_work()
            self.outside.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        key = super().unregister(fileobj)
        if self.outside == {key.fd}:
            self.count_work()
        self.outside.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if self.outside:
            return super().select(timeout)
        self.counted += TURN_SECONDS
        ready = self.select_uncounted(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is not None and not self.calls:
            self.counted += timeout
            return ready
        # Without a call it is the end of the thread pool, which a thread tells.
        ready = self.select_uncounted(STALLED_SECONDS)
        if not ready:
            raise Stalled(f"nothing happens; unfinished calls: {self.calls}")
        return ready


def _is_in_memory(descriptor: int) -> bool:
    """A pair of local sockets delivers within the call that sends, unlike TCP and terminals."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return False
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        return copy.family == socket.AF_UNIX


class _Address:
    """The listening socket of a server in memory, as far as it is asked for its name."""

    def __init__(self, port: int) -> None:
        self._port = port

    def getsockname(self) -> tuple[str, int]:
        return HOST, self._port


class _Server:
    """A listening server in memory."""

    def __init__(
        self,
        servers: dict[int, "_Server"],
        port: int,
        factory: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self.factory = factory
        self.sockets = (_Address(port),)
        self._servers = servers
        self._port = port
        servers[port] = self

    def close(self) -> None:
        if self._servers.get(self._port) is self:
            del self._servers[self._port]

    async def wait_closed(self) -> None:
        """Return at once: `close` has no delay."""


class VirtualLoop(PatientLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        self._servers: dict[int, _Server] = {}
        self._last_port = 0
        super().__init__(self._virtual)

    def time(self) -> float:
        return super().time() if self._virtual.outside else self._virtual.counted

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._virtual.calls += 1
        future.add_done_callback(self._end_call)
        return future

    def _end_call(self, _call: object) -> None:
        self._virtual.calls -= 1

    async def create_server(self, protocol_factory: Any, *args: Any, **settings: Any) -> Any:
        if args[:1] != (HOST,):
            return await super().create_server(protocol_factory, *args, **settings)
        port = args[1] or self._last_port + 1
        self._last_port = max(self._last_port, port)
        return _Server(self._servers, port, protocol_factory)

    async def getaddrinfo(self, host: Any, port: Any, **settings: Any) -> Any:
        if host not in (HOST, HOST.encode()):
            return await super().getaddrinfo(host, port, **settings)
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", (HOST, port))]

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        if address[0] != HOST:
            await super().sock_connect(sock, address)
            return
        server, mine, theirs = self._meet(address[1])
        with mine:
            os.dup2(mine.fileno(), sock.fileno(), inheritable=False)
        await self.connect_accepted_socket(server.factory, theirs)

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **settings: Any
    ) -> Any:
        if host != HOST:
            return await super().create_connection(protocol_factory, host, port, **settings)
        server, mine, theirs = self._meet(port)
        await self.connect_accepted_socket(server.factory, theirs)
        return await self.connect_accepted_socket(protocol_factory, mine)

    def _meet(self, port: int) -> tuple[_Server, socket.socket, socket.socket]:
        if port not in self._servers:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        mine, theirs = socket.socketpair()
        mine.setblocking(False)
        theirs.setblocking(False)
        return self._servers[port], mine, theirs
