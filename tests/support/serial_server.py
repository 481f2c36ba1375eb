"""A serial server, such as ser2net or a Moxa NPort: a TCP port before a serial one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.errors import LinkClosed
from drivers.transport import ByteStream, open_stream

_PIECE = 7
"""It hands on what came until its timer rang: requests and replies arrive cut anywhere."""


@asynccontextmanager
async def serial_server(serial_url: str) -> AsyncIterator[str]:
    """Serve the serial port; gives the tcp:// URL. One client at a time: a second has to wait."""
    lock = asyncio.Lock()
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        async with lock:
            port = await open_stream(serial_url, "serial server")
            ways = (
                asyncio.create_task(_to_port(reader, port)),
                asyncio.create_task(_to_client(port, writer)),
            )
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                await port.close()
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        clients.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"tcp://{host}:{port}"
    finally:
        server.close()
        if clients:
            await asyncio.wait(clients, timeout=10)
        await server.wait_closed()


async def _to_port(reader: asyncio.StreamReader, port: ByteStream) -> None:
    with contextlib.suppress(OSError, LinkClosed):
        while data := await reader.read(_PIECE):
            await port.write(data)


async def _to_client(port: ByteStream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, LinkClosed):
        while True:
            writer.write(await port.read(_PIECE))
            await writer.drain()
