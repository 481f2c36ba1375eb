"""A program that is kept running: it may be killed or stopped at any moment, and comes back."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

LOOK_S = 0.1
PAUSE_S = 1.0
"""How long a program that ended by itself stays away, as under a service manager."""


@dataclass
class Program:
    """`launch` starts it, in a thread, and may raise; `find` tells its process while it lives."""

    name: str
    kind: str
    launch: Callable[[], object]
    find: Callable[[], int | None]
    vacate: Callable[[], object] = lambda: None
    """What its end would leave behind for others to find in its place; called before a kill."""
    ended: int = 0
    """How often it has ended by itself, or could not be started; being slow is neither."""
    _away_s: float | None = None
    _keeping: "asyncio.Task[None] | None" = None
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self) -> None:
        """Start it whenever it does not run, until `leave`."""
        self._leaving.clear()
        self._keeping = asyncio.create_task(self._keep(), name=self.name)

    async def leave(self) -> None:
        """Start it no more; when this returns, nobody is about to start it."""
        self._leaving.set()
        if self._keeping is not None:
            await asyncio.wait({self._keeping})  # whoever is cancelled here does not cancel that
            self._keeping.result()

    def kill(self, away_s: float = 0.0) -> bool:
        """SIGKILL, and a new start after `away_s`; False if it does not run."""
        if self.find() is None:
            return False
        self._away_s = away_s
        self.vacate()
        return self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> bool:
        """Whether there was a process to take the signal."""
        pid = self.find()
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    async def _keep(self) -> None:
        while not self._leaving.is_set():
            if self.find() is None:
                await self._start()
            while self.find() is not None and not self._leaving.is_set():
                await self._wait(LOOK_S)
            if self._leaving.is_set():
                return
            pause, self._away_s = self._away_s, None
            if pause is None:
                self._note("it has ended by itself")
                pause = PAUSE_S
            await self._wait(pause)

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(self.launch)
        except (AssertionError, OSError) as error:
            # It was killed while it started; or it lives, and the machine is busy.
            if self._away_s is None and self.find() is None:
                self._note(f"it could not be started: {error}")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            pass

    def _note(self, what: str) -> None:
        self.ended += 1
        log.warning("%s: %s", self.name, what)


def working_in(folder: Path, pid: int) -> int | None:
    """That process, if it lives and works in that folder: PostgreSQL is nobody's child."""
    try:
        return pid if Path(f"/proc/{pid}/cwd").readlink() == folder else None
    except OSError:
        return None
