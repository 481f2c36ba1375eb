"""One request in flight: late, doubled, garbled and unasked frames, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import BadFrame, LinkClosed, LinkTimeout
from drivers.exchange import QUEUE_FRAMES, Exchange
from drivers.transport import open_stream
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Expect, Reply, Script, Step
from tests.support.virtual import MEMORY


class Lines:
    """Frames are lines that begin with a letter."""

    def __init__(self) -> None:
        self._open = b""
        self.garbage = 0

    def reset(self) -> None:
        self._open = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._open = (self._open + data).split(b"\n")
        frames = [line for line in lines if line[:1].isalpha()]
        self.garbage += sum(len(line) + 1 for line in lines) - sum(len(line) + 1 for line in frames)
        return frames


def _hex(text: str) -> str:
    return text.encode().hex()


def says(text: str, wait: float = 0.0) -> Reply:
    return Reply(_hex(text), wait)


ASK = Expect(_hex("ask\n"))


@asynccontextmanager
async def exchange(*steps: Step) -> AsyncIterator[Exchange]:
    script = Script(*steps)
    listener = await serve(MEMORY, script, Faults())
    link = Exchange(
        await open_stream(listener.url, "device"),
        "device",
        Lines(),
        unsolicited=lambda frame: frame.startswith(b"U"),
    )
    try:
        yield link
    finally:
        await link.close()
        await listener.close()
    script.check()


async def test_a_reply_in_pieces() -> None:
    async with exchange(ASK, says("an"), says("swer\n", 0.02)) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"answer"
        assert not link.spoiled


async def test_a_doubled_reply_is_not_the_next_one() -> None:
    async with exchange(ASK, says("one\none\n"), ASK, says("two\n")) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"one"
        assert await link.request(b"ask\n", 1, "ask") == b"two"


async def test_a_reply_that_was_given_up_is_thrown_away() -> None:
    async with exchange(ASK, says("late\n", 0.1), ASK, says("two\n")) as link:
        with pytest.raises(LinkTimeout):
            await link.request(b"ask\n", 0.05, "ask")
        assert link.spoiled
        await asyncio.sleep(0.1)
        assert await link.request(b"ask\n", 1, "ask") == b"two"


async def test_a_cancelled_request_spoils_the_exchange() -> None:
    async with exchange(ASK, says("late\n", 0.05), ASK, says("two\n")) as link:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await link.request(b"ask\n", 1, "ask")
        assert link.spoiled
        await asyncio.sleep(0.1)
        assert await link.request(b"ask\n", 1, "ask") == b"two"


async def test_garbage_before_the_reply_is_skipped_and_alone_it_is_named() -> None:
    async with exchange(ASK, says("#?!\nanswer\n"), ASK, says("#?!\n")) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"answer"
        with pytest.raises(BadFrame, match="4 bytes"):
            await link.request(b"ask\n", 0.1, "ask")


async def test_unsolicited_frames_are_kept_in_order_and_apart() -> None:
    async with exchange(ASK, says("U1\nanswer\nU2\n"), says("U3\n", 0.05)) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"answer"
        assert link.waiting == 1
        assert await link.next_unsolicited(1, "wait") == b"U1"
        assert await link.next_unsolicited(1, "wait") == b"U2"
        assert await link.next_unsolicited(1, "wait") == b"U3"
        with pytest.raises(LinkTimeout):
            await link.next_unsolicited(0.02, "wait")


async def test_draining_takes_all_that_has_come() -> None:
    async with exchange(ASK, says("U1\nanswer\nU2\nstray\n"), ASK, says("U3\ntwo\n")) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"answer"
        assert await link.drain("drain") == [b"U1", b"U2"]
        assert await link.request(b"ask\n", 1, "ask") == b"two"
        assert await link.drain("drain") == [b"U3"]
        assert await link.drain("drain") == []


async def test_resynchronising_keeps_the_unsolicited() -> None:
    async with exchange(ASK, says("one\nU1\nstray\n"), ASK, says("two\n")) as link:
        assert await link.request(b"ask\n", 1, "ask") == b"one"
        await link.resynchronise("resynchronise")
        assert link.waiting == 1
        assert await link.request(b"ask\n", 1, "ask") == b"two"


async def test_a_flood_that_nobody_takes_is_an_error_and_not_a_loss() -> None:
    flood = says("U\n" * (QUEUE_FRAMES + 1) + "answer\n")
    async with exchange(ASK, flood) as link:
        with pytest.raises(BadFrame, match="unsolicited"):
            await link.request(b"ask\n", 1, "ask")


async def test_a_line_that_never_gets_quiet_does_not_hold_the_caller() -> None:
    chatter = [says("noise\n", 0.01) for _ in range(400)]
    script = Script(ASK, *chatter)
    listener = await serve(MEMORY, script, Faults())
    stream = await open_stream(listener.url, "device")
    link = Exchange(stream, "device", Lines(), quiet=1.5)
    await link.send(b"ask\n")
    with pytest.raises(BadFrame, match="quiet"):
        await link.resynchronise("resynchronise")
    await link.close()
    await listener.close()


async def test_a_line_that_ends_is_told() -> None:
    async with exchange(ASK, says("Yes\n")) as link:
        assert await link.request(b"ask\n", 5, "ask") == b"Yes"
        await link.close()
        with pytest.raises(LinkClosed):
            await link.request(b"ask\n", 1, "ask")
