"""Our programs for tests, each a process of its own, without the second that its imports take.

For each of the three programs a process imports what it is made of, and forks for every one that a
test asks for. The fork then does what `python -m MODULE` does: the same file from its first line,
with the arguments, the folder, the environment and the files that were asked for; it is ended by
the same signals, and alone. Only what its imports do is not done anew, nor what a server makes
of them whatever its configuration.

That the programs start from nothing is proved where they do: all that tests/e2e, tests/soak and
the benchmarks start, and every command that runs to its end (`Centre.run`, `Site.command`).
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from simulators.demo import processes

_IMPORTED = {
    "central": (
        "central.__main__",
        "central.access.setup",
        "central.alerts.process",
        "central.app",
        "central.ingest.consumer",
        "central.migrations.run",
        "central.plan.process",
        "central.scans.process",
        "uvicorn.lifespan.on",
        "uvicorn.loops.asyncio",
        "uvicorn.protocols.http.h11_impl",
    ),
    "gateway": ("gateway.__main__", "gateway.agent", "uvicorn.protocols.http.h11_impl"),
    "simulators": (
        "simulators.__main__",
        "simulators.cognex_dmcc",
        "simulators.device",
        "simulators.microscan",
        "simulators.modbus_cell",
        "simulators.panasonic_lp",
        "simulators.zebra_ssi",
    ),
}
_PREPARED = {"central": "central.app"}
"""Whose `prepare` makes what every server of the program would make of its imports."""
_PROGRAM_OF = {"tests.crash.gateway_with_seams": "gateway"}
_LARGEST = 1 << 17
"""Bytes of what is asked: the environment is most of it."""


class Process:
    """A program that runs, as `simulators.demo.processes.Process` has it."""

    def __init__(self, module: str, told: int, stdout: IO[bytes] | None) -> None:
        self.args = module
        self.stdout = stdout
        self.returncode: int | None = None
        self._told = os.fdopen(told, "rb", buffering=0)
        self._lock = threading.Lock()
        first = self._told.readline()
        if not first:
            raise RuntimeError(f"{module}: the process that starts it has ended")
        self.pid = int(first)

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, below zero the signal that ended it. Raises subprocess.TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and we are not yet told
                os.kill(self.pid, number)

    def _look(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
                last = self._told.readline()
                self._told.close()
                if not last:
                    raise RuntimeError(f"{self.args}: the process that started it has ended")
                self.returncode = int(last)
        return self.returncode


def spawn(command: Sequence[str], stdout: IO[bytes] | None, stderr: IO[bytes]) -> processes.Process:
    """Start a command as `simulators.demo.processes.spawn` does; a program of ours is a fork."""
    python, module = list(command[:2]), command[2] if len(command) > 2 else ""
    program = _PROGRAM_OF.get(module, module)
    if python != [sys.executable, "-m"] or program not in _IMPORTED:
        return processes.spawn(command, stdout, stderr)
    reading, writing = (None, stdout) if stdout is not None else _pipe()
    told, tell = os.pipe()
    asked = {
        "arguments": command[2:],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), writing.fileno(), stderr.fileno(), tell]
        socket.send_fds(_starter(program), [json.dumps(asked).encode()], files)
    os.close(tell)
    if reading is not None:
        writing.close()
    return Process(module, told, reading)


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")


_making = threading.Lock()


def _starter(program: str) -> socket.socket:
    with _making:
        return _made(program)


@cache
def _made(program: str) -> socket.socket:
    """The way to the process that starts a program; it ends when this process does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(its.fileno()), program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            pass_fds=[its.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


# --- in the process that starts them --------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    arguments: list[str]
    folder: str
    environment: dict[str, str]


def _serve(asking: socket.socket) -> _Asked | None:
    """Fork for each that is asked for, and tell how it ended.

    Returns in every fork, with what it has to do, and when nobody can ask any more.
    """
    tell: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(asking, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not asking:
                    ready.unregister(key.fileobj)
                    _tell_end(key.fd, *tell.pop(key.fd))
                    continue
                said, files, _, _ = socket.recv_fds(asking, _LARGEST, 4)
                if not said:
                    return None
                *streams, told = files
                pid = os.fork()
                if pid == 0:
                    for number, stream in enumerate(streams):
                        os.dup2(stream, number)
                    return _Asked(**json.loads(said))
                for stream in streams:
                    os.close(stream)
                os.write(told, f"{pid}\n".encode())
                ended = os.pidfd_open(pid)
                tell[ended] = (pid, told)
                ready.register(ended, selectors.EVENT_READ)


def _tell_end(ended: int, pid: int, told: int) -> None:
    _, status = os.waitpid(pid, 0)
    os.close(ended)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(told)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ctrl-C ends pytest, and pytest ends us."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def main(number: int, program: str) -> None:
    with _no_interrupt():
        for module in _IMPORTED[program]:
            importlib.import_module(module)
        if program == "central":
            importlib.import_module("tests.support.cheap").hash_cheaply()
        if program in _PREPARED:
            sys.modules[_PREPARED[program]].prepare()
        del sys.modules[f"{program}.__main__"]  # every fork begins with its first line
        # A fork has the thread alone that forked, and locks as they were.
        assert len(list(Path("/proc/self/task").iterdir())) == 1
        gc.collect()
        gc.freeze()  # what was imported stays in memory that all of them share
        with socket.socket(fileno=number) as asking:
            asked = _serve(asking)
    if asked is None:
        return
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.environment)
    time.tzset()
    sys.argv = asked.arguments
    runpy.run_module(asked.arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
