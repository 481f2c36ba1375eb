"""`gjurma-sim device` as a process: its URL, its back door, its end."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from sys import executable
from typing import cast

import pytest

from drivers.catalog import find
from drivers.errors import LinkClosed
from drivers.panasonic_lp.driver import PanasonicLp
from drivers.protocols import CodeReader, Did
from simulators.control import ask
from simulators.part import FILE, PartStore
from tests.drivers.marking import CONTENT, SHOT
from tests.drivers.panasonic_bench import SPEED, quick

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def device(folder: Path, *more: str) -> AsyncIterator[tuple[Process, str, Path]]:
    """The process, its URL and its back door."""
    control = folder / "laser.sock"
    arguments = ("device", "panasonic-lp", "--state", str(folder), "--station", "line")
    process = await asyncio.create_subprocess_exec(
        executable,
        "-m",
        "simulators",
        *arguments,
        "--control",
        str(control),
        "--speed",
        str(SPEED),
        *more,
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip(), control
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0", "link"])
async def test_a_shot_and_the_back_door(tmp_path: Path, listen: str) -> None:
    wire = f"serial://{tmp_path}/laser" if listen == "link" else listen
    async with device(tmp_path, "--listen", wire) as (process, url, control):
        if listen == "link":
            assert url == wire
        parts = PartStore(tmp_path / FILE)
        parts.load("line")
        driver = PanasonicLp(url, quick(), "laser")
        await driver.connect()
        await driver.select_job("1")
        await driver.arm(SHOT)
        state = (await ask(control, {"op": "state"}))["state"]
        assert (state["moment"], state["held"], state["ready"]) == ("armed", False, True)
        assert await ask(control, {"op": "fault", "name": "silent"}) == {"ok": True}
        assert await ask(control, {"op": "hold", "moment": "marked"}) == {"ok": True}
        assert await ask(control, {"op": "pedal"}) == {"ok": True, "fired": True}
        held = await ask(control, {"op": "await_held", "timeout": 5})
        assert held == {"ok": True, "held": True}
        assert [each.content for each in parts.seen("line")] == [CONTENT]
        assert "held at 'marked'" in (await ask(control, {"op": "pedal"}))["error"]
        assert await ask(control, {"op": "release"}) == {"ok": True}
        assert (await driver.outcome(0.2)).did is Did.UNKNOWN
        assert (await ask(control, {"op": "landed"}))["landed"] == {"silent": 1}
        await driver.close()
        parts.close()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert not control.exists()
        assert not (tmp_path / "laser").is_symlink()


async def test_wrong_requests_are_answered_and_end_nothing(tmp_path: Path) -> None:
    async with device(tmp_path, "--listen", "serial") as (_, _, control):
        for request, error in (
            ({"op": "dance"}, "no operation 'dance'"),
            ({}, "no operation ''"),
            ({"op": "fault", "name": "melt"}, "no fault 'melt'"),
            ({"op": "fault", "name": "drop", "direction": "up"}, "no direction 'up'"),
            ({"op": "fault", "name": "drop", "colour": "red"}, "colour"),
            ({"op": "hold", "moment": "lunch"}, "no moment 'lunch'"),
            ({"op": "power"}, "on"),
        ):
            reply = await ask(control, request)
            assert reply["ok"] is False
            assert error in reply["error"]
        assert await ask(control, {"op": "pedal"}) == {"ok": True, "fired": False}
        reader, writer = await asyncio.open_unix_connection(control)
        writer.write(b"no json\n[1]\n")
        assert b'"ok": false' in await reader.readline()
        assert b'"ok": false' in await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert (await ask(control, {"op": "landed"}))["landed"] == {}


async def test_a_socket_and_a_link_left_by_a_kill_are_no_hindrance(tmp_path: Path) -> None:
    wire = f"serial://{tmp_path}/laser"
    async with device(tmp_path, "--listen", wire) as (process, _, control):
        process.kill()
        await process.wait()
        assert control.exists()
    async with device(tmp_path, "--listen", wire) as (_, url, control):
        assert (await ask(control, {"op": "state"}))["ok"] is True
        driver = PanasonicLp(url, quick(), "laser")
        await driver.connect()
        await driver.identify()
        await driver.close()


async def test_a_link_that_another_has_taken_stays_when_the_first_ends(tmp_path: Path) -> None:
    listen = f"serial://{tmp_path}/wire"
    async with (
        device(tmp_path, "--listen", listen) as (first, _, _),
        device(tmp_path / "other", "--listen", listen),
    ):
        taken = (tmp_path / "wire").readlink()
        first.terminate()
        assert await asyncio.wait_for(first.wait(), 20) == 0
        assert (tmp_path / "wire").readlink() == taken


async def test_what_is_wrong_from_the_start_and_what_lies_there(tmp_path: Path) -> None:
    """No back door is needed: frames are split, and the first mark is faint."""
    more = ("--fault", "split=always,seconds=0.001", "--fault", "faint", "--part")
    async with device(tmp_path, "--listen", "tcp://127.0.0.1:0", *more) as (_, url, control):
        parts = PartStore(tmp_path / FILE)
        driver = PanasonicLp(url, quick(), "laser")
        await driver.connect()
        await driver.select_job("1")
        await driver.arm(SHOT)
        await driver.fire()
        assert (await driver.outcome(5)).did is Did.DONE
        await driver.close()
        (mark,) = parts.seen("line")
        assert (mark.piece, mark.content, mark.quality < 0.5) == (1, CONTENT, True)
        landed = (await ask(control, {"op": "landed"}))["landed"]
        assert landed["faint"] == 1
        assert landed["split"] > 5
        parts.close()


async def test_codes_lie_there_for_a_reader(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(executable, "-m", "simulators", "device", "microscan", "--state", str(tmp_path)),
        *("--listen", "serial", "--option", "decode_seconds=0.03", "--part", "A12", CONTENT),
        stdout=PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    kind = find("microscan")
    reader = cast("CodeReader", kind.build(url, kind.options(), "reader"))
    await reader.connect()
    await reader.flush()
    await reader.open()
    assert {reading.content for reading in await reader.read(5)} == {"A12", CONTENT}
    await reader.shut()
    process.terminate()
    await process.wait()


async def test_a_second_host_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    listen = ("--listen", "tcp://127.0.0.1:0", "--only-one")
    async with device(tmp_path, *listen) as (process, url, _):
        for _ in range(3):
            first = PanasonicLp(url, quick(), "laser")
            await _connected(first)
            second = PanasonicLp(url, quick(), "laser")
            with pytest.raises(LinkClosed):
                await second.connect()
            await first.identify()
            await first.close()
        process.terminate()
        assert await process.wait() == 0


async def _connected(driver: PanasonicLp) -> None:
    """As soon as it listens again."""
    async with asyncio.timeout(20):
        while True:
            try:
                await driver.connect()
                await driver.identify()
            except LinkClosed:
                await asyncio.sleep(0.02)
            else:
                return


@pytest.mark.parametrize(
    "wrong",
    [
        ("--listen", "udp://127.0.0.1:1"),
        ("--listen", "serial", "--option", "colour=red"),
        ("--listen", "serial", "--option", "checksum=maybe"),
        ("--listen", "serial", "--speed", "0"),
        ("--listen", "serial", "--only-one"),
        ("--listen", "serial", "--fault", "melt"),
        ("--listen", "serial", "--fault", "split=often"),
        ("--listen", "serial", "--fault", "split,colour=1"),
        ("--listen", "serial", "--fault", "drop,direction=up"),
        (),
    ],
)
async def test_wrong_use_is_told_with_exit_2(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        executable, "-m", "simulators", "device", "panasonic-lp", *wrong, stderr=PIPE
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in told
