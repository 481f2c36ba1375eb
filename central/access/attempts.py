"""How often somebody may try a password: a few times a minute for each account."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from central.errors import TooMany, Unauthorized

MOST = 5
WITHIN_S = 60.0
_ACCOUNTS = 10_000  # more names than that are nobody's: the oldest are forgotten


class Attempts:
    """Failed ones, by account; within this process, and forgotten when it ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, account: str) -> Iterator[None]:
        """Raises `TooMany`; counts it as failed where it ends in `Unauthorized`."""
        with self._lock:
            failed = self._failed.get(account, deque())
            while failed and failed[0] <= self._clock() - WITHIN_S:
                failed.popleft()
            if len(failed) >= MOST:
                raise TooMany(f"{MOST} passwords were tried within a minute")
        try:
            yield
        except Unauthorized:
            with self._lock:
                self._failed.setdefault(account, deque()).append(self._clock())
                while len(self._failed) > _ACCOUNTS:
                    self._failed.pop(next(iter(self._failed)))
            raise
