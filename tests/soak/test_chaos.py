"""What goes wrong is decided by the seed; a program that is killed comes back."""

import asyncio
import sys
from itertools import islice
from pathlib import Path

from simulators.demo.processes import Child
from tests.soak.chaos import EVERY_S, LASTS_S, WEIGHTS, draw
from tests.soak.program import Program
from tests.soak.traces import traces

CAST = {
    "gateway": ["a", "b"],
    "marker": ["a/marker"],
    "broker": ["broker"],
    "database": ["database"],
    "gateway-way": ["a", "b"],
    "disk": ["a"],
}


def test_the_seed_decides() -> None:
    first = list(islice(draw(7, CAST), 400))
    assert first == list(islice(draw(7, CAST), 400))
    assert first != list(islice(draw(8, CAST), 400))
    possible = {key for key in WEIGHTS if key[1] in CAST}
    assert {(act.what, act.kind) for act in first} == possible, "each comes in a few minutes"
    for act in first:
        assert act.whom in CAST[act.kind]
        low, high = LASTS_S[act.what]
        assert low <= act.seconds <= high
    mean = sum(act.after for act in first) / len(first)
    assert 0.8 * EVERY_S < mean < 1.2 * EVERY_S


def test_nothing_happens_to_what_is_not_there() -> None:
    acts = islice(draw(1, {**CAST, "disk": []}), 400)
    assert "fill" not in {act.what for act in acts}


def waiting(folder: Path, started: list[int | None]) -> Child:
    """A program that waits for a signal; `started` gets its process each time."""
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    child = Child("one", command, folder / "one.log")
    child.on_start = lambda: started.append(child.pid)
    return child


async def test_a_killed_program_comes_back_and_one_that_ends_is_counted(tmp_path: Path) -> None:
    started: list[int | None] = []
    child = waiting(tmp_path, started)

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while len(started) < count or child.pid is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    program = Program("one", "one", child.start, lambda: child.pid)
    program.keep()
    await until(1)
    assert program.kill()
    await until(2)
    assert program.ended == 0
    await asyncio.to_thread(child.end)
    await until(3)
    assert program.ended == 1
    await program.leave()
    assert program.kill()
    await asyncio.to_thread(child.wait)
    assert not program.kill()
    assert len(started) == 3


async def test_a_start_that_takes_long_is_none_that_failed(tmp_path: Path) -> None:
    child = waiting(tmp_path, [])

    async def scenario(*, lives: bool) -> int:
        asked = asyncio.Event()

        def begin() -> None:
            loop.call_soon_threadsafe(asked.set)
            if lives:
                child.start()
            raise AssertionError("waited 60 s for its answer")

        loop = asyncio.get_running_loop()
        program = Program("one", "one", begin, lambda: child.pid)
        program.keep()
        await asyncio.wait_for(asked.wait(), 10)
        await program.leave()
        return program.ended

    assert await scenario(lives=False) >= 1
    assert await scenario(lives=True) == 0
    child.kill()


def test_a_trace_in_a_log_is_found_unless_it_is_a_librarys_own(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-11-24 10:00:00,000 INFO well\n")
    assert traces(tmp_path) == []
    trace = "Traceback (most recent call last)\n  File x\n"
    own = (
        "2026-11-24 10:00:01,000 ERROR Exception in callback BaseSelectorEventLoop.add_writer(11)\n"
        f"{trace}OSError: [Errno 9] Bad file descriptor\n"
    )
    (tmp_path / "a.log").write_text(own)
    assert traces(tmp_path) == []
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.log").write_text(
        f"{own}2026-11-24 10:00:02,0 ERROR x\n{trace}KeyError: 1\n"
    )
    assert traces(tmp_path) == [f"{tmp_path}/b/b.log: KeyError: 1"]
