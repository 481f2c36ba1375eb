"""How many passwords are tried at once, so that no visitor takes the turn of all others."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from central.errors import TooMany

PLACES = 4
"""Strangers at once, and as many of those who are known: each password takes 64 MiB and a tenth of
a second of one core."""
EACH = 2
"""Of one address, or of one account."""
WAITING, WAITING_EACH = 30, 10
"""Who waits for a place: in all, and of one address or account."""
WAIT_S = 5.0


class Places:
    """Strangers and those who are known (a browser that signed in before, a session) have places
    of their own, so that no stranger takes the place of somebody who is known."""

    def __init__(self, places: int = PLACES, each: int = EACH, wait_s: float = WAIT_S) -> None:
        self._strangers = _Lane(places, each, wait_s)
        self._known = _Lane(places, each, wait_s)

    @contextmanager
    def take(self, whose: str, *, known: bool) -> Iterator[None]:
        """Hold a place in the block; wait for one before. `whose`: the address of a stranger,
        empty where a server stands before this one and does not say it; else the account.

        Raises `TooMany`.
        """
        lane = self._known if known else self._strangers
        lane.enter(whose)
        try:
            yield
        finally:
            lane.leave(whose)


class _Lane:
    def __init__(self, places: int, each: int, wait_s: float) -> None:
        self._places = places
        self._each = each
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._held: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def enter(self, whose: str) -> None:
        with self._changed:
            full = self._waiting.total() >= WAITING
            if full or (whose and self._waiting[whose] >= WAITING_EACH):
                raise _too_many()
            self._waiting[whose] += 1
            try:
                if not self._changed.wait_for(lambda: self._is_free(whose), self._wait_s):
                    raise _too_many()
            finally:
                _take_one(self._waiting, whose)
            self._held[whose] += 1

    def leave(self, whose: str) -> None:
        with self._changed:
            _take_one(self._held, whose)
            self._changed.notify_all()

    def _is_free(self, whose: str) -> bool:
        each = self._each if whose else self._places
        return self._held.total() < self._places and self._held[whose] < each


def _too_many() -> TooMany:
    return TooMany("too many are being tried; wait a moment")


def _take_one(counts: Counter[str], whose: str) -> None:
    counts[whose] -= 1
    if not counts[whose]:
        del counts[whose]
