"""A marker tried by hand: a person at a terminal says yes, lays each piece and counts its marks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.rig import CONTENT
from simulators.part import FILE, PartStore

pytestmark = pytest.mark.slow
STATION = "bench"


@contextmanager
def marker(folder: Path) -> Iterator[str]:
    """The URL of a simulated one that is a process of its own, as a real one would be."""
    words = ("device", "telesis", "--listen", "tcp://127.0.0.1:0", "--speed", "100")
    state = ("--state", str(folder), "--station", STATION, "--part")
    command = [sys.executable, "-m", "simulators", *words, *state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


class Person:
    """Sits at a terminal, does what is asked, and sees what is on the piece."""

    def __init__(self, parts: PartStore, sees: int | None = None) -> None:
        self._parts = parts
        self._sees = sees
        self.laid = 0
        self.screen = ""

    def works(self, command: list[str]) -> int:
        """The command's exit code."""
        acts: dict[str, Callable[[], str]] = {
            "Type yes to go on: ": lambda: "yes",
            "then press Enter. ": self._lay,
            "How many marks are on it now? ": self._count,
        }
        ours, theirs = os.openpty()
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            seen = ""
            while data := self._read(ours):
                self.screen += data
                seen += data
                for prompt, act in acts.items():
                    if seen.endswith(prompt):
                        seen = ""
                        os.write(ours, f"{act()}\n".encode())
            os.close(ours)
        return process.returncode

    @staticmethod
    def _read(terminal: int) -> str:
        try:
            return os.read(terminal, 4096).decode()
        except OSError:
            return ""  # nobody has its other end any more

    def _lay(self) -> str:
        self._parts.load(STATION)
        self.laid += 1
        return ""

    def _count(self) -> str:
        there = [each.content for each in self._parts.seen(STATION)]
        assert there in ([], [CONTENT])
        return str(len(there) if self._sees is None else self._sees)


@pytest.mark.parametrize(("sees", "code"), [(None, 0), (2, 1)])
def test_a_person_marks_and_counts(tmp_path: Path, sees: int | None, code: int) -> None:
    with marker(tmp_path) as url:
        parts = PartStore(tmp_path / FILE)
        person = Person(parts, sees)
        words = ["--kind", "telesis", "--job", "PART", "--mark", "--only", "a shot by command"]
        command = [sys.executable, "-m", "simulators", "conformance", url, *words]
        assert person.works(command) == code, person.screen
        parts.close()
    told = person.screen.splitlines()[-1]
    if sees is None:
        assert person.laid == 2
        assert told == "a shot by command: held"
    else:
        assert person.laid == 1
        assert told.startswith("a shot by command: failed: on the part: ")
