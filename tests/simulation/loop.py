"""An asyncio event loop on virtual time: waiting costs nothing, and the same seed the same order.

Nothing here reads a real clock, opens a socket or starts a thread. Tasks and futures hash by a
counter and not by address, since `asyncio.wait` keeps them in sets.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")
TURNS_WITHOUT_TIME = 20_000
"""So many turns of the loop at one moment: something calls itself for ever."""


class Stalled(Exception):
    """Nothing is scheduled and nothing is ready: whatever is waited for will never come."""


class Spinning(Exception):
    """The loop turns and turns, and time stands still."""


class ProcessEnded(BaseException):
    """The process is no more; whatever it still tries has no effect."""


class _Counted:
    """Hashes by the order of making."""

    _number = 0

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimFuture(_Counted, asyncio.Future[Any]):
    """A future of this loop."""


class SimTask(_Counted, asyncio.Task[Any]):
    """A task of this loop."""


class _Clock:
    """Stands where a selector stands: to wait is to move the clock on."""

    def __init__(self, loop: "SimLoop") -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stalled("nothing is scheduled any more")
        if timeout > 0:
            self._loop.now += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > TURNS_WITHOUT_TIME:
                raise Spinning(f"{self._turns} turns at {self._loop.now:.6f} s")
        return []

    def close(self) -> None:
        """Nothing is held."""


class SimLoop(asyncio.BaseEventLoop):
    """`now` is virtual seconds since the world began."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._made = 0
        self._selector = _Clock(self)
        self.set_exception_handler(self._keep_fault)
        self.set_task_factory(_make_task)  # type: ignore[arg-type]
        self.faults: list[BaseException] = []
        """What callbacks raised and nobody was there to hear."""

    def time(self) -> float:
        return self.now

    def number(self) -> int:
        self._made += 1
        return self._made

    def create_future(self) -> "SimFuture":
        future = SimFuture(loop=self)
        future._number = self.number()
        return future

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """No other thread wakes this loop."""

    def _keep_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if isinstance(fault, ProcessEnded) or "handle" not in context:
            return  # what nobody retrieved is told when memory is freed: no moment of the story
        self.faults.append(fault if fault is not None else RuntimeError(context["message"]))


def _make_task(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: Context | None = None,
) -> asyncio.Task[T]:
    assert isinstance(loop, SimLoop)
    task = SimTask(coro, loop=loop, name=name, context=context)
    task._number = loop.number()
    return task


def run(main: Callable[[SimLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main(loop)` to its end on a loop of its own, and take the loop down again."""
    loop = SimLoop()
    try:
        try:
            result = loop.run_until_complete(main(loop))
        finally:
            _end_all(loop)
    finally:
        loop.close()
    if loop.faults:
        raise loop.faults[0]
    return result


def _end_all(loop: SimLoop) -> None:
    pending = sorted(
        (task for task in asyncio.all_tasks(loop) if isinstance(task, SimTask)),
        key=lambda task: task._number,
    )
    for _ in range(5):
        if not pending:
            return
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.wait(pending, timeout=1))
        pending = [task for task in pending if not task.done()]
    raise RuntimeError(f"{len(pending)} tasks do not end, first {pending[0]}")
