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


class PatientSelector(selectors.DefaultSelector):
    """Tells how much of a wait is to be counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0.0
        self.ended_at = time.monotonic()

    def work(self) -> float:
        """Return what the work since the last wait counts for."""
        return min(time.monotonic() - self.ended_at, MOST_SECONDS)

    def count_work(self) -> None:
        self.counted += self.work()
        self.skip_work()

    def skip_work(self) -> None:
        self.ended_at = time.monotonic()

    def select_uncounted(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.count_work()
        found = super().select(timeout)
        most = MOST_SECONDS if found or timeout is None else timeout
        self.counted += min(time.monotonic() - self.ended_at, most)
        self.skip_work()
        return found


class PatientLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: PatientSelector | None = None) -> None:
        self._patient = selector or PatientSelector()
        super().__init__(self._patient)

    def time(self) -> float:
        return self._patient.counted + self._patient.work()


class PatientPolicy(asyncio.DefaultEventLoopPolicy):
    loop_class: type[PatientLoop] = PatientLoop

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return self.loop_class()
