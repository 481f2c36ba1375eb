"""How often somebody may try a password or a signature: a few times a minute."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from central.errors import TooMany, Unauthorized, WrongCode, WrongPassword

MOST = 5
WITHIN_S = 60.0
_ACCOUNTS = 10_000  # more names than that are nobody's: the oldest are forgotten


class Attempts:
    """Those that failed or run, by account; within this process, and forgotten when it ends.

    `what` is tried, in words, at `most` so often `within_s`; `failed_by`: what says that it was
    wrong.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        what: str = "passwords",
        most: int = MOST,
        within_s: float = WITHIN_S,
        failed_by: tuple[type[Exception], ...] = (Unauthorized, WrongPassword, WrongCode),
    ) -> None:
        self._clock = clock
        self._what = what
        self._most = most
        self._within_s = within_s
        self._failed_by = failed_by
        self._failed: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, account: str) -> Iterator[None]:
        """Raises `TooMany`. It counts as failed until it is over without an error of `failed_by`:
        many at once are no more tries than many in turn."""
        began = self._begin(account)
        try:
            yield
        except self._failed_by:
            raise
        except BaseException:
            self._take_back(account, began)
            raise
        else:
            self._take_back(account, began)

    def _begin(self, account: str) -> float:
        with self._lock:
            now = self._clock()
            failed = self._failed.get(account, deque())
            while failed and failed[0] <= now - self._within_s:
                failed.popleft()
            if len(failed) >= self._most:
                within = f"{self._within_s / 60:.0f} minutes"
                raise TooMany(f"{self._most} {self._what} were tried within {within}")
            self._failed.setdefault(account, failed).append(now)
            while len(self._failed) > _ACCOUNTS:
                self._failed.pop(next(iter(self._failed)))
            return now

    def _take_back(self, account: str, began: float) -> None:
        with self._lock:
            failed = self._failed.get(account)
            if failed is None:
                return
            with suppress(ValueError):
                failed.remove(began)
            if not failed:
                del self._failed[account]
