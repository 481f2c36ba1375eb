"""A recorded wire is played back: a driver comes to the same end, and a difference is told."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from sys import executable
from typing import cast

import pytest

from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.protocols import CodeReader, Did, Identity, MarkText, Outcome, Shot
from drivers.trace import TraceFile, watching
from simulators import replay
from simulators.device import build
from simulators.faults import Faults
from simulators.part import FILE, PartStore
from tests.drivers.marking import SHOT
from tests.drivers.panasonic_bench import SPEED, quick

WIRES = ("serial", "tcp://127.0.0.1:0")
OTHER = Shot((MarkText(1, "[)>\x1e06\x1d18S7A72000000002\x1e\x04", ("7A7 2000000002",)),))


async def shoot(url: str, shot: Shot) -> tuple[Outcome, Outcome | None]:
    """One shot, as a station does it: its outcome, and what the disarming proves."""
    laser = PanasonicLp(url, quick(reply_seconds=10), "laser")
    try:
        await laser.connect()
        await laser.disarm()
        await laser.select_job("1")
        await laser.arm(shot)
        await laser.fire()
        outcome = await laser.outcome(10)
        return outcome, await laser.disarm()
    finally:
        await laser.close()


async def look(url: str) -> tuple[Identity, list[str]]:
    kind = find("microscan")
    reader = cast("CodeReader", kind.build(url, kind.options(), "reader"))
    try:
        await reader.connect()
        who = await reader.identify()
        await reader.flush()
        await reader.open()
        readings = await reader.read(5)
        await reader.close()
        return who, [reading.content for reading in readings]
    finally:
        await reader.shut()


@asynccontextmanager
async def played(trace: Path, *more: str) -> AsyncIterator[tuple[Process, str]]:
    """The replay as a program, and its URL."""
    process = await asyncio.create_subprocess_exec(
        executable, "-m", "simulators", "replay", trace, *more, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: Process) -> tuple[int | None, str]:
    """Its exit code and what it said, after it was told to stop if it had not ended by itself."""
    if process.returncode is None:
        process.terminate()
    out, err = await process.communicate()
    return process.returncode, (out + err).decode()


@pytest.mark.parametrize("listen", WIRES)
async def test_a_shot_and_a_look_come_to_the_same_end_again(tmp_path: Path, listen: str) -> None:
    trace = tmp_path / "trace"

    async def recorded() -> tuple[object, object]:
        parts = PartStore(tmp_path / FILE)
        parts.load("line")
        laser = build("panasonic-lp", {}, parts, "line", SPEED)
        reader = build("microscan", {"decode_seconds": "0.03"}, parts, "line", 1.0)
        shot = await shoot(await laser.start(listen, Faults()), SHOT)
        seen = await look(await reader.start(listen, Faults()))
        await laser.stop()
        await reader.stop()
        parts.close()
        return shot, seen

    async def again() -> tuple[object, object]:
        async with (
            played(trace, "--listen", listen, "--device", "laser") as (laser, laser_url),
            played(trace, "--listen", listen, "--device", "reader") as (reader, reader_url),
        ):
            result = await shoot(laser_url, SHOT), await look(reader_url)
            for process, name in ((laser, "laser"), (reader, "reader")):
                await asyncio.wait_for(process.wait(), 30)
                told = await ended(process)
                assert told == (0, f"{name}: every frame came as it was recorded\n")
        return result

    file = TraceFile(trace)
    with watching(file):
        first = await recorded()
    file.close()
    shot, seen = first
    assert cast("tuple[Outcome, object]", shot)[0].did is Did.DONE
    assert cast("tuple[object, list[str]]", seen)[1] == [SHOT.marks[0].content]
    assert await again() == first


async def test_the_first_difference_is_told_by_its_line(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    async def recorded() -> None:
        parts = PartStore(tmp_path / FILE)
        parts.load("line")
        laser = build("panasonic-lp", {}, parts, "line", SPEED)
        await shoot(await laser.start("tcp://127.0.0.1:0", Faults()), SHOT)
        await laser.stop()
        parts.close()

    async def other_text() -> tuple[int | None, str]:
        async with played(trace, "--listen", "tcp://127.0.0.1:0") as (process, url):
            with pytest.raises(DeviceError):
                await shoot(url, OTHER)
            await asyncio.wait_for(process.wait(), 20)
            return await ended(process)

    async def half() -> tuple[int | None, str]:
        async with played(trace, "--listen", "serial") as (process, url):
            laser = PanasonicLp(url, quick(), "laser")
            await laser.connect()
            await laser.disarm()
            await laser.close()
            return await ended(process)

    file = TraceFile(trace)
    with watching(file):
        await recorded()
    file.close()
    texts = [json.loads(line) for line in trace.read_text().splitlines()]
    line = next(n for n, each in enumerate(texts, 1) if "SINS01" in each.get("text", ""))
    code, told = await other_text()
    assert code == 1
    assert (
        f"laser: line {line} ({texts[line - 1]['at']}): {texts[line - 1]['hex']} expected" in told
    )
    assert " 32 " in told  # the other text's last figure
    code, told = await half()
    assert (code, "frames were not asked for" in told) == (1, True)


@pytest.mark.parametrize(
    ("text", "device", "told"),
    [
        ("", "", "it is empty"),
        ("no json\n", "", "trace:1: no line of a trace"),
        ('{"device":"a","way":"opened"}\n', "", "trace:1: no line of a trace"),
        ('{"device":"a","way":"sent","hex":"00","mono":1}\n', "", "no connection of a begins"),
        ('{"device":"a","way":"opened","mono":1}\n', "b", "holds no 'b'; it holds a"),
        (
            '{"device":"a","way":"opened","mono":1}\n{"device":"b","way":"opened","mono":1}\n',
            "",
            "choose one by --device: a, b",
        ),
    ],
)
def test_what_is_no_trace_is_told(tmp_path: Path, text: str, device: str, told: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text)
    with pytest.raises(ValueError, match=told):
        replay.read(path, device)
