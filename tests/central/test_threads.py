"""Tests that no thread outlives the block of its `Threads`."""

import asyncio
from threading import Event

import pytest

from central.threads import Threads


async def test_the_thread_of_a_cancelled_task_is_waited_for() -> None:
    started, released, ended = Event(), Event(), Event()

    def work() -> None:
        started.set()
        assert released.wait(30)
        ended.set()

    async with Threads() as threads:
        task = asyncio.create_task(threads.run(work))
        await threads.run(started.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()
        asyncio.get_running_loop().call_soon(released.set)
    assert ended.is_set()


async def test_results_and_errors_are_handed_on() -> None:
    async with Threads() as threads:
        assert await threads.run(int, "7") == 7
        with pytest.raises(ValueError, match="seven"):
            await threads.run(int, "seven")
