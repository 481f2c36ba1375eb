"""Calls that may block, beside the event loop and past the end of the process."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class _Threads(Executor):
    """A thread for each call. Nothing waits for it when the process ends."""

    def submit(
        self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        ended: Future[_Result] = Future()

        def run() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as fault:  # raised where the future is awaited
                ended.set_exception(fault)
            else:
                ended.set_result(result)

        threading.Thread(target=run, name="aside", daemon=True).start()
        return ended


_THREADS = _Threads()


def aside(call: Callable[[], _Result]) -> asyncio.Future[_Result]:
    """Run `call` in a thread of its own, and return the future of its end.

    Cancelling the future does not end the call. Unlike a thread of `asyncio.to_thread`, this one is
    not waited for when the process ends: a call may hang for as long as a device does.
    """
    return asyncio.get_running_loop().run_in_executor(_THREADS, call)
