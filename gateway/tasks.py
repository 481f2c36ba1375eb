"""Ending tasks for good.

`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes in the same turn as what it
waits for, and libraries under us use it: a task that was cancelled once may go on. So a task is
cancelled until it has ended.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

_AGAIN_S = 0.2


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Returns when all of them have ended; what they raised is of no more interest."""
    every = list(tasks)
    pending = {task for task in every if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
    for task in every:
        if not task.cancelled():
            task.exception()  # looked at, so that it is not reported as never retrieved


async def run_until_first(*work: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one has ended, and raise what it raised; the others are ended."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)
