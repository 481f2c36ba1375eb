"""The raw-byte peer: it plays its part, and says where the host left it."""

import asyncio

import pytest

from drivers.transport import open_stream
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Expect, Reply, Script


async def _talk(script: Script, *sent: bytes, replies: int) -> bytes:
    listener = await serve("tcp://127.0.0.1:0", script, Faults())
    stream = await open_stream(listener.url, "device")
    for data in sent:
        await stream.write(data)
        await asyncio.sleep(0.02)
    back = b""
    while len(back) < replies:
        back += await stream.read()
    await stream.close()
    await listener.close()
    return back


async def test_bytes_may_come_in_any_pieces() -> None:
    script = Script(Expect("01 02 03"), Reply("FF"), Expect("04"), Reply("FE FD"))
    assert await _talk(script, b"\x01\x02", b"\x03\x04", replies=3) == b"\xff\xfe\xfd"
    script.check()


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"\x01\x09", "step 0: 01 02 expected, 01 09 came"),
        (b"\x01\x02\x03", "after the last step came 03"),
        (b"\x01", "the host left|never reached"),
        (b"", "the host left|never reached"),
    ],
)
async def test_a_host_that_leaves_the_script_is_named(sent: bytes, fault: str) -> None:
    script = Script(Expect("01 02"))
    await _talk(script, sent, replies=0)
    with pytest.raises(AssertionError, match=fault):
        script.check()
