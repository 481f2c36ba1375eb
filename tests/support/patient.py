"""An event loop whose clock does not count the time that a busy machine took from it.

Device and driver of a test share a loop. When the machine runs something else for half a second,
neither has been slow, yet by the wall's clock every timeout shorter than that is over: by this one
it is not. Silence is waited for as long as ever. Work, and a wait that bytes ended, count for a
moment at most, so that a timeout can come late here and never early.
"""

import asyncio
import selectors
import time

MOST_SECONDS = 0.05
"""What work between two waits counts for at most, and a wait that bytes ended."""


class _Selector(selectors.DefaultSelector):
    """Tells how much of a wait is to be counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0.0
        self.ended_at = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        self.counted += min(began - self.ended_at, MOST_SECONDS)
        found = super().select(timeout)
        self.ended_at = time.monotonic()
        most = MOST_SECONDS if found or timeout is None else timeout
        self.counted += min(self.ended_at - began, most)
        return found


class PatientLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._patient = _Selector()
        super().__init__(self._patient)

    def time(self) -> float:
        working = time.monotonic() - self._patient.ended_at
        return self._patient.counted + min(working, MOST_SECONDS)


class PatientPolicy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return PatientLoop()
