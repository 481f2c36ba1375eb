"""`gjurma-sim replay`: the device's side of a recorded wire, for a host that says the same again.

A trace is what `gjurma-gateway --trace` wrote, JSON lines. What was received is sent again, as late
after what was before it as it came then; what was sent has to come again, byte for byte, however it
is cut. The first difference is told with its line in the trace, and ends the replay. So does the
last frame, when the host has been silent after it for a second.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulators.faults import Faults
from simulators.pipe import Wire, serve
from simulators.scripted import Expect, Reply, Script, Step


@dataclass(frozen=True)
class Recorded:
    """One step of a recorded conversation, and the line of the trace that holds it."""

    line: int
    at: str
    step: Step


Connection = tuple[Recorded, ...]
QUIET_SECONDS = 1.0


def read(path: Path, device: str = "") -> tuple[str, list[Connection]]:
    """The device's name and its connections, in their order; what came before the first is left.

    `device` may be empty where the trace holds one alone. Raises ValueError, OSError.
    """
    entries: list[tuple[int, dict[str, Any]]] = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            entry = dict(json.loads(text))
            entries.append((number, entry | {"mono": float(entry["mono"])}))
        except (ValueError, TypeError, LookupError) as fault:
            raise ValueError(f"{path}:{number}: no line of a trace: {fault}") from fault
    names = sorted({str(entry.get("device", "")) for _, entry in entries})
    if device and device not in names:
        raise ValueError(f"{path}: holds no {device!r}; it holds {', '.join(names)}")
    if not device and len(names) != 1:
        raise ValueError(f"{path}: choose one by --device: {', '.join(names) or 'it is empty'}")
    name = device or names[0]
    own = [(number, entry) for number, entry in entries if entry.get("device") == name]
    starts = [index for index, (_, entry) in enumerate(own) if entry["way"] == "opened"]
    cuts = pairwise([*starts, len(own)])
    found = [_connection(own[begin:end]) for begin, end in cuts]
    if not found:
        raise ValueError(f"{path}: no connection of {name} begins in it")
    return name, found


def _connection(entries: Sequence[tuple[int, dict[str, Any]]]) -> Connection:
    steps = []
    for (_, before), (number, entry) in pairwise(entries):
        way, octets = entry["way"], str(entry.get("hex", ""))
        if way == "sent":
            steps.append(Recorded(number, str(entry.get("at", "")), Expect(octets)))
        elif way == "received":
            wait = max(entry["mono"] - before["mono"], 0.0)
            steps.append(Recorded(number, str(entry.get("at", "")), Reply(octets, wait)))
    return tuple(steps)


class Replay:
    """Plays one recorded connection after the other, each to a connection of its own.

    On a line that does not tell connections apart they are played as one.
    """

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.ended = asyncio.Event()
        """A difference was found, or the last frame is played."""
        self.fault = ""
        self._connections = connections
        self._scripts = [Script(*(each.step for each in steps)) for steps in connections]
        self._begun = 0

    async def __call__(self, wire: Wire) -> None:
        number = self._begun
        self._begun += 1
        if number == len(self._scripts):
            self._end("the host connects once more than was recorded")
            return
        script, steps = self._scripts[number], self._connections[number]
        beyond = await script.play(wire)
        if script.fault:
            reached = steps[script.played]
            self._end(f"line {reached.line} ({reached.at}): {script.fault.partition(': ')[2]}")
            return
        last = self._begun == len(self._scripts) and not self.left
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS if last else None):
                beyond = beyond or await wire.read()
        if beyond:
            self._end(f"after the last of {len(steps)} frames came {beyond.hex(' ')}")
        elif last:
            self._end("")

    def _end(self, fault: str) -> None:
        self.fault = self.fault or fault
        self.ended.set()

    @property
    def left(self) -> int:
        """How many recorded frames were not reached."""
        return sum(
            len(steps) - script.played
            for steps, script in zip(self._connections, self._scripts, strict=True)
        )


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("replay", help="the device's side of a recorded wire")
    command.add_argument("trace", type=Path, metavar="FILE")
    command.add_argument("--listen", required=True, metavar="WIRE", help="as for a device")
    command.add_argument("--device", default="", help="which, where the trace holds several")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        return asyncio.run(_serve(arguments))
    except (ValueError, OSError) as fault:
        print(f"gjurma-sim replay: {fault}", file=sys.stderr)
        return 2


async def _serve(arguments: argparse.Namespace) -> int:
    """Until its last frame, a difference, or it is stopped. 1 where the host left the trace."""
    name, connections = await asyncio.to_thread(read, arguments.trace, arguments.device)
    if arguments.listen.startswith("serial"):
        connections = [tuple(each for steps in connections for each in steps)]
    replay = Replay(connections)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    listener = await serve(arguments.listen, replay, Faults())
    ends = [asyncio.create_task(replay.ended.wait()), asyncio.create_task(stopping.wait())]
    try:
        print(listener.url, flush=True)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await listener.close()
    if replay.fault:
        print(f"{arguments.trace}: {name}: {replay.fault}", file=sys.stderr)
        return 1
    if replay.left:
        print(
            f"{arguments.trace}: {name}: {replay.left} frames were not asked for", file=sys.stderr
        )
        return 1
    print(f"{name}: every frame came as it was recorded", flush=True)
    return 0
