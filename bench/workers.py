"""Work that is done by several processes at once, and timed from the first to the last."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any

Task = Callable[..., None]
_LONG_S = 300


def together(task: Task, shares: Sequence[tuple[Any, ...]]) -> float:
    """Run `task(ready, *share)` in a process for each share; seconds from start to the last end.

    A task calls `ready()` when it is prepared; all of them then begin at once.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(shares))
    pipes, processes = [], []
    for share in shares:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_timed, args=(task, barrier, theirs, share))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        spans = [pipe.recv() for pipe in pipes if pipe.poll(_LONG_S)]
    except EOFError:
        spans = []
    finally:
        barrier.abort()  # whoever still waits for one that failed
        for process in processes:
            process.join(_LONG_S)
    if len(spans) != len(shares) or any(process.exitcode for process in processes):
        raise RuntimeError("a worker process failed; its own words are above")
    return float(max(end for _, end in spans) - min(begin for begin, _ in spans))


def _timed(task: Task, barrier: Barrier, pipe: Pipe, share: tuple[Any, ...]) -> None:
    began = 0.0

    def ready() -> None:
        nonlocal began
        barrier.wait(_LONG_S)
        began = time.perf_counter()  # CLOCK_MONOTONIC: one clock for all processes

    task(ready, *share)
    pipe.send((began, time.perf_counter()))
