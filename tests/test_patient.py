"""`tests.support.patient`: what the machine took is not counted, what was waited for is."""

import asyncio
import os
import time

import pytest

from tests.support.patient import MOST_SECONDS, PatientLoop


async def test_a_stall_is_no_timeout() -> None:
    """As when a device of the same loop was kept from answering."""

    answer = asyncio.get_running_loop().create_future()

    async def device() -> None:
        await asyncio.sleep(0.01)
        time.sleep(0.5)  # noqa: ASYNC251 - the stall
        for _ in range(3):
            await asyncio.sleep(0)
        answer.set_result("late by the wall's clock alone")

    working = asyncio.create_task(device())
    async with asyncio.timeout(0.3):
        await answer
    await working


async def test_silence_is_one_in_its_time() -> None:
    assert isinstance(asyncio.get_running_loop(), PatientLoop)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.Event().wait()
    assert 0.2 <= (time.monotonic() - began) < 2


async def test_what_comes_from_elsewhere_counts_a_little() -> None:
    """Whatever another thread or program sends, no timeout is over before its time."""

    loop = asyncio.get_running_loop()
    out, into = os.pipe()
    told = asyncio.Event()
    loop.add_reader(out, told.set)

    def send() -> None:
        time.sleep(0.3)
        os.write(into, b".")

    sending = loop.run_in_executor(None, send)
    began = loop.time()
    await told.wait()
    loop.remove_reader(out)
    await sending
    os.close(out)
    os.close(into)
    assert (loop.time() - began) < 4 * MOST_SECONDS
