"""The demo's processes: started, watched, killed, started again, and none left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

STOP_S = 10.0
LAST_LINES = 5
LASTING = {
    "gjurma-central": ("serve", "plan", "ingest", "watch", "scans"),
    "gjurma-gateway": ("run",),
    "gjurma-sim": ("device",),
}
"""What the demo starts to stay, by program: the commands that do not end by themselves."""


def program(name: str) -> str:
    """One of this project's console scripts, beside the Python that runs the demo."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; run: make setup")
    return found


def failed(what: str, log: Path) -> ChildProcessError:
    """Says what happened to a program, where its log is, and the end of it."""
    said = log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return ChildProcessError("\n  ".join([f"{what}; see {log}", *said]))


@dataclass
class Child:
    """One process, which may be started again under its name."""

    name: str
    command: list[str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    first_line: str = ""
    reads_first_line: bool = False
    on_start: Callable[[], None] = lambda: None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self) -> None:
        """Start it; with `reads_first_line`, returns once its first line stands there."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self.reads_first_line else log,
                stderr=log,
                start_new_session=True,
            )
        if self.reads_first_line:
            assert self.process.stdout is not None
            async with asyncio.timeout(30):
                line = await self.process.stdout.readline()
            if not line:
                raise self.failed("ended at once")
            self.first_line = line.decode().strip()
        self.on_start()

    def failed(self, how: str) -> ChildProcessError:
        """What became of it, with the last that it said."""
        return failed(f"{self.name} {how}", self.log)

    async def kill(self) -> None:
        """SIGKILL, as a cable pulled from the wall."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            await self.kill()


@dataclass
class Children:
    """All of them, by name."""

    logs: Path
    on_start: Callable[[], None]
    """Called each time that one of them has been started, also again."""
    by_name: dict[str, Child] = field(default_factory=dict)

    def add(self, name: str, command: list[str], *, reads_first_line: bool = False) -> Child:
        log = self.logs / f"{name}.log"
        child = Child(name, command, log, reads_first_line=reads_first_line, on_start=self.on_start)
        self.by_name[name] = child
        return child

    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self.by_name.items() if child.pid is not None}

    def ended(self) -> list[str]:
        """Those that were started and have ended by themselves."""
        return [
            name
            for name, child in self.by_name.items()
            if child.process is not None and child.process.returncode is not None
        ]

    async def stop_all(self) -> None:
        """The last started first: a gateway before what it talks to."""
        for child in reversed(list(self.by_name.values())):
            await child.stop()


async def run_once(command: list[str], log: Path, *, stdin: str = "") -> tuple[int, str]:
    """Run a command to its end; its exit code and standard output. Errors go to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        output, _ = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, output.decode()


def end_leftovers(folder: Path) -> list[str]:
    """End what a demo that was killed has left running in this folder; returns what it was.

    They are found by their command lines: a list that the killed demo kept may be too old.
    """
    left = {pid: _lasting(command, folder) for pid, command in _commands()}
    found = {pid: what for pid, what in left.items() if what}
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + STOP_S
    while found.keys() & {pid for pid, _ in _commands()} and time.monotonic() < deadline:
        time.sleep(0.05)  # their ports are free once they are gone
    return sorted(found.values())


def _commands() -> Iterator[tuple[int, list[str]]]:
    """Every process of this machine that has a command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it ended meanwhile
        if words != [""]:
            yield int(entry.parent.name), words


def _lasting(words: list[str], folder: Path) -> str:
    """Which of the demo's lasting programs a command line is, if it works in `folder`."""
    if not any(Path(word.partition("://")[2] or word).is_relative_to(folder) for word in words):
        return ""
    if "simulators.broker" in words:
        return "broker"
    for program_path, command in pairwise(words):
        name = Path(program_path).name
        if command in LASTING.get(name, ()):
            return f"{name} {command}"
    return ""
