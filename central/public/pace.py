"""How often one address may ask for what everybody may know."""

import threading
import time
from collections.abc import Callable

from central.addresses import network
from central.errors import TooMany

MOST = 240
WITHIN_S = 60.0
_ADDRESSES = 20_000
"""More than that within a minute: the oldest are forgotten."""


class Pace:
    """Within this process. What comes by the loopback interface is a server that stands before this
    one and does not say for whom it asks: all the world would share its turn, so it has none."""

    def __init__(
        self,
        most: int = MOST,
        within_s: float = WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._within_s = within_s
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[float, int]] = {}

    def ask(self, address: str) -> None:
        """Raises `TooMany`."""
        asks = network(address)
        if not asks:
            return
        with self._lock:
            now = self._clock()
            began, count = self._asked.get(asks, (now, 0))
            if began + self._within_s <= now:
                began, count = now, 0
            if count >= self._most:
                raise TooMany(f"{self._most} pages were asked for within a minute")
            self._asked.pop(asks, None)
            self._asked[asks] = began, count + 1
            while len(self._asked) > _ADDRESSES:
                self._asked.pop(next(iter(self._asked)))
