"""The demo as a child process, and what it leaves on the machine."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from central import embedded
from simulators.demo.processes import end_leftovers
from simulators.part import FILE, PartStore
from tests.support.command import completed
from tests.support.wait import wait_for

BIN = Path(sys.executable).parent
GRAMSH, POLICAN = "gramsh.line-1", "polican.packing-1"
CONTENT_OF = {GRAMSH: "17VA001H", POLICAN: "17VA002H"}
START_S, END_S = 180, 1200


@contextmanager
def state_folder() -> Iterator[Path]:
    """A place for a state folder; at the end nothing runs there, and it is gone.

    Not pytest's: run as root, PostgreSQL's own user has to reach it.
    """
    folder = Path(tempfile.mkdtemp(prefix="gjurma-demo-"))
    state = folder / "state"
    try:
        yield state
    finally:
        end_leftovers(state)
        embedded.stop(state / "pg", immediate=True)
        shutil.rmtree(folder)


def running_in(folder: Path) -> dict[int, str]:
    """Every process with that folder in its command line, or that works in it: PostgreSQL's do."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            where = os.readlink(entry / "cwd")  # noqa: PTH115 -- it may be gone
        except OSError:
            continue
        if words != [""] and str(folder) in " ".join([*words, where]):
            found[int(entry.name)] = " ".join(words).strip()
    return found


def command(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """One of the project's programs, to its end."""
    return completed(BIN / program, *arguments)


@dataclass
class Demo:
    """`gjurma-sim demo` in `state`, started and not yet waited for."""

    state: Path
    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, state: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> "Demo":
        process = subprocess.Popen(
            [str(BIN / "gjurma-sim"), "demo", "--state", str(state), *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return cls(state, process)

    @classmethod
    def that_goes_on(cls, state: Path, *more: str) -> "Demo":
        """Until it is ended; at the pace that people see, since faster it would leave no machine
        to those who test it."""
        return cls.start(state, "--parts", "100000", "--speed", "4", "--json", *more)

    @classmethod
    def ran(cls, state: Path, *arguments: str) -> "tuple[list[str], dict[str, Any]]":
        """Run to the end, which has to be good: the lines, and the last of them decoded."""
        return cls.start(state, *arguments).ended()

    def ended(self, code: int = 0) -> "tuple[list[str], dict[str, Any]]":
        """Wait until it ends by itself."""
        try:
            output, errors = self.process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert self.process.returncode == code, f"{self.process.returncode}\n{output}\n{errors}"
        lines = output.splitlines()
        return lines, json.loads(lines[-1])

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.process.kill()
        self.process.communicate()

    def wait_started(self) -> None:
        """Until the stations mark, and `gjurma-sim fault` is heard."""

        def started() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            return (self.state / "demo.sock").exists() and all(self.engraved(g) for g in CONTENT_OF)

        wait_for("the demo to mark", started, START_S)

    @property
    def told(self) -> dict[str, Any]:
        """demo.json."""
        told: dict[str, Any] = json.loads((self.state / "demo.json").read_text())
        return told

    def fault(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return command("gjurma-sim", "fault", *arguments, "--state", self.state)

    def did(self, *arguments: str) -> str:
        """A fault that has to succeed; what was said."""
        done = self.fault(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.strip()

    def page(self, gateway: str) -> dict[str, Any]:
        """What the operator's page of that gateway shows."""
        url = self.told["addresses"][f"operator {gateway}"]
        page: dict[str, Any] = httpx.get(f"{url}api/state", timeout=10).json()
        return page

    def engraved(self, gateway: str) -> int:
        """How many pieces of that gateway carry a number."""
        return len(engraved(self.state, gateway))


def pieces(state: Path) -> list[dict[str, Any]]:
    """`gjurma-sim parts --json`."""
    done = command("gjurma-sim", "parts", "--state", state, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def engraved(state: Path, gateway: str) -> list[str]:
    """The contents on the pieces of a gateway, one for each engraving."""
    if not (state / FILE).exists():
        return []
    with closing(PartStore(state / FILE)) as store:
        return [
            engraving["content"]
            for piece in store.dump()
            for engraving in piece["engravings"]
            if CONTENT_OF[gateway] in engraving["content"]
        ]
