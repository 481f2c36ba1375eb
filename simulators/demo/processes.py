"""The demo's processes: started, watched, killed, started again, and none left behind."""

import asyncio
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

START_S = 60.0
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


class Process(Protocol):
    """The part of `subprocess.Popen` that a child needs."""

    pid: int
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...


Spawn = Callable[[Sequence[str], IO[bytes] | None, IO[bytes]], Process]
"""Starts a command with its standard output, or a pipe for None, and its standard error."""


def spawn(command: Sequence[str], stdout: IO[bytes] | None, stderr: IO[bytes]) -> Process:
    """Start a command in a session of its own: Ctrl-C at the terminal does not reach it."""
    return subprocess.Popen(  # noqa: S603 - a program that the caller chose
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )


@dataclass
class Child:
    """One process, which may be started again under its name. No method but `start` is quick."""

    name: str
    command: list[str]
    log: Path
    process: Process | None = None
    first_line: str = ""
    reads_first_line: bool = False
    on_start: Callable[[], None] = lambda: None
    spawn: Spawn = spawn

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.poll() is None else None

    @property
    def logged(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def start(self) -> None:
        """Start it, and do not wait."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = self.spawn(self.command, None if self.reads_first_line else log, log)
        self.on_start()

    def wait_first_line(self) -> str:
        """Return the only line that it prints, once it has. Raises ChildProcessError."""
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as output:
            in_time, *_ = select.select([output], [], [], START_S)
            self.first_line = output.readline().decode().strip() if in_time else ""
        if not self.first_line:
            self.kill()
            raise self.failed("ended at once" if in_time else "prints nothing")
        return self.first_line

    def wait_until(self, ready: Callable[[], object]) -> None:
        """Wait until it is ready. Raises ChildProcessError if it ends before, or takes too long."""
        deadline = time.monotonic() + START_S
        while not (ready() and self.pid is not None):
            if self.pid is None:
                raise self.failed("ended")
            if time.monotonic() > deadline:
                raise self.failed("does not answer")
            time.sleep(0.05)

    def failed(self, how: str) -> ChildProcessError:
        """Return what became of it, with the last lines of its log."""
        return failed(f"{self.name} {how}", self.log)

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code; below zero it is the signal that ended the process.

        Raises subprocess.TimeoutExpired.
        """
        assert self.process is not None
        return self.process.wait(seconds)

    def end(self, number: int = signal.SIGTERM, seconds: float | None = 30) -> int:
        """Send a signal and `wait`."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, as a cable pulled from the wall; nothing when it does not run."""
        if self.pid is not None:
            self.end(signal.SIGKILL, None)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it."""
        if self.pid is not None:
            try:
                self.end(signal.SIGTERM, STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Children:
    """All of them, by name."""

    logs: Path
    on_start: Callable[[], None]
    """Called each time that one of them has been started, also again."""
    by_name: dict[str, Child] = field(default_factory=dict)

    def start(self, name: str, command: list[str], *, reads_first_line: bool = False) -> Child:
        """Start one, and do not wait."""
        log = self.logs / f"{name.replace('/', '-')}.log"
        child = Child(name, command, log, reads_first_line=reads_first_line, on_start=self.on_start)
        self.by_name[name] = child
        child.start()
        return child

    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self.by_name.items() if child.pid is not None}

    def ended(self) -> list[str]:
        """Those that were started and have ended by themselves."""
        return [
            name
            for name, child in self.by_name.items()
            if child.process is not None and child.pid is None
        ]

    def stop_all(self) -> None:
        """The last started first: a gateway before what it talks to."""
        for child in reversed(list(self.by_name.values())):
            child.stop()


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
