"""What the simulated devices on a byte stream share: a listener, tasks, refusals by default."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

from simulators.control import Moments
from simulators.faults import Faults
from simulators.pipe import Listener, Wire, serve


class WiredDevice(ABC):
    """A device that talks on a wire by itself; a family overrides what it can do."""

    def __init__(self, moments: tuple[str, ...] = ()) -> None:
        self.moments = Moments(moments)
        self._listener: Listener | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @abstractmethod
    async def talk(self, wire: Wire) -> None:
        """Serve one connection until it ends."""

    async def start(self, listen: str, faults: Faults) -> str:
        self._listener = await serve(listen, self.talk, faults)
        return self._listener.url

    async def stop(self) -> None:
        self.cancel_all()
        self.moments.release()
        if self._listener is not None:
            await self._listener.close()

    async def broken(self) -> BaseException:
        assert self._listener is not None
        return await self._listener.broken

    def later(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in the device's own time, instead of what was going on under that name."""
        self.cancel(name)
        task = self._tasks[name] = asyncio.create_task(work, name=name)
        task.add_done_callback(self._done)

    def cancel(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def cancel_all(self) -> None:
        for name in list(self._tasks):
            self.cancel(name)

    def _done(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None and self._listener is not None and not self._listener.broken.done():
            self._listener.broken.set_result(fault)

    def state(self) -> dict[str, Any]:
        return {}

    async def pedal(self) -> bool:
        raise ValueError("this device has no input of its own")

    async def power(self, on: bool) -> None:
        raise ValueError("this device has no switch")

    def misbehave(self, name: str, count: int) -> None:
        raise ValueError(f"this device knows no fault {name!r}")

    def misdeeds(self) -> dict[str, int]:
        return {}

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(f"no operation {op!r}")
