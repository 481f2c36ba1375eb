"""Blocking functions of an event loop, run in threads that are waited for."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

R = TypeVar("R")


class Threads:
    """Runs functions in threads; the end of the block waits for each thread that still runs.

    `asyncio.to_thread` abandons its thread when its task is cancelled. Such a thread may connect
    to the database after its pool was disposed of, and nobody closes that connection.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self, function: Callable[..., R], *arguments: Any) -> R:
        """Return what the function returns; a cancelled call leaves its thread to `__aexit__`."""
        running = asyncio.get_running_loop().run_in_executor(None, partial(function, *arguments))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._running:
            await asyncio.wait(self._running)
