"""How many marks a page is told in a second, and the exact count of those that it is not."""

import time
from collections.abc import Callable


class Sampler:
    """Lets `rate` marks a second through, up to `burst` of them at once.

    A line at work stays far below it, and everything is told. It bounds what the stream sends and a
    page draws when a site delivers what it has kept for days.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left = float(burst)
        self._filled = clock()
        self._told = self._of = 0

    def room(self) -> int:
        """How many may be told now."""
        now = self._clock()
        self._left = min(self._burst, self._left + self._rate * (now - self._filled))
        self._filled = now
        return int(self._left)

    def told(self, told: int, of: int) -> None:
        """So many were told, of so many that there were."""
        self._left -= told
        self._told += told
        self._of += of

    def tally(self) -> tuple[int, int]:
        """(told, of) since the last tally."""
        found = (self._told, self._of)
        self._told = self._of = 0
        return found
