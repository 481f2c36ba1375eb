"""The broker's cable: a TCP line between the gateways and the broker that can be pulled."""

import asyncio
import contextlib


class Cable:
    """Forwards every connection while it is plugged in; pulled, it drops all and takes none."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.pulled = False
        self.dropped = 0
        """Connections that ended because the cable was pulled."""

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.pulled = True
        while self._tasks:  # one that is still connecting is dropped at the next look
            self._drop()
            await asyncio.wait(self._tasks, timeout=0.1)

    def pull(self) -> None:
        self.pulled = True
        self.dropped += len(self._open) // 2
        self._drop()

    def plug(self) -> None:
        self.pulled = False

    async def carry(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        """Pass on what came in; a worse cable takes its time, or lets nothing through."""
        writer.write(data)
        await writer.drain()

    def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.pulled:
                return
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
            await asyncio.gather(self._copy(reader, there[1]), self._copy(there[0], writer))
        except OSError:
            pass  # the broker is away: to the gateway that is the same as no cable
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while data := await reader.read(65536):
                await self.carry(data, writer)
        except OSError:
            pass  # one end went away; the other is closed below
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
