"""The demo's processes: started, watched, killed, started again, and none left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

STOP_S = 10.0


def program(name: str) -> str:
    """One of this project's console scripts, beside the Python that runs the demo."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; run: make setup")
    return found


@dataclass
class Child:
    """One process, which may be started again under its name."""

    name: str
    command: list[str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    first_line: str = ""
    reads_first_line: bool = False

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
            line = await asyncio.wait_for(self.process.stdout.readline(), 30)
            if not line:
                raise ChildProcessError(f"{self.name} ended at once; see {self.log}")
            self.first_line = line.decode().strip()

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
            await asyncio.wait_for(self.process.wait(), STOP_S)
        except TimeoutError:
            await self.kill()


@dataclass
class Children:
    """All of them, by name."""

    logs: Path
    by_name: dict[str, Child] = field(default_factory=dict)

    def add(self, name: str, command: list[str], *, reads_first_line: bool = False) -> Child:
        child = Child(name, command, self.logs / f"{name}.log", reads_first_line=reads_first_line)
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


def end_leftovers(pids: dict[str, int], folder: Path) -> list[str]:
    """End what a demo that was killed has left running in this folder; returns their names."""
    ended = []
    for name, pid in pids.items():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "gjurma" in command and str(folder) in command:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            ended.append(name)
    return ended
