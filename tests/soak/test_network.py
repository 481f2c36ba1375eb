"""The way of a soak, on real connections: whole, slow, silent, cut."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.soak.network import Way


@asynccontextmanager
async def way_to_an_echo() -> AsyncIterator[Way]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        way = Way(server.sockets[0].getsockname()[1])
        await way.start()
        try:
            yield way
        finally:
            await way.stop()


async def said(way: Way, text: bytes) -> bytes:
    """What comes back of it on a connection of its own; empty when the line ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    try:
        writer.write(text)
        return await reader.read(100)
    except OSError:
        return b""
    finally:
        writer.close()


async def test_a_way_is_whole_slow_and_cut() -> None:
    async with way_to_an_echo() as way:
        assert await said(way, b"whole") == b"whole"
        way.delay_s, began = 0.05, time.monotonic()
        assert await said(way, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.1  # there and back
        way.pull()
        assert await said(way, b"cut") == b""
        way.clear()
        assert await said(way, b"whole again") == b"whole again"


async def test_a_hushed_way_holds_back_what_it_carries_and_ends_nothing() -> None:
    async with way_to_an_echo() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(b"before")
        assert await reader.read(100) == b"before"
        way.hush()
        writer.write(b"held")
        answer = asyncio.ensure_future(reader.read(100))
        done, _ = await asyncio.wait([answer], timeout=0.1)
        assert not done
        way.clear()
        assert await answer == b"held"
        way.hush()
        writer.write(b"never")
        writer.close()
        # It can be taken away while it is silent.
