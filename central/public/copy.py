"""The copy of the public registers that every request is answered from.

It is read anew at most every few seconds, so however many ask, the register hardly notices.
"""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from central.errors import DatabaseUnavailable
from central.public.marks import Marks
from central.public.models import Figure
from central.public.reading import Published, read
from central.queries.reading import snapshot

FRESH_S = 5.0
AGAIN_S = 1.0
"""After the database did not answer; until then nobody tries it."""


class Copy:
    """One a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._found: Published | None = None
        self._read = 0.0
        self._away = ""
        """Why the database did not answer when it was tried last; empty if it did."""
        self._tried = 0.0
        self._marks = Marks(engine)

    def look(self) -> Published:
        """No older than `FRESH_S`. Raises `DatabaseUnavailable`."""
        # Who comes while it is being read wants just that; but where the database was away, one
        # waits to see whether it still is, and not every thread of this server.
        if not self._lock.acquire(blocking=not self._away):
            raise DatabaseUnavailable(self._away)
        try:
            if self._away and time.monotonic() < self._tried + AGAIN_S:
                raise DatabaseUnavailable(self._away)
            if self._found is None or time.monotonic() >= self._read + FRESH_S:
                self._found = self._look_anew()
                self._read = time.monotonic()
            return self._found
        finally:
            self._lock.release()

    def figures(self) -> tuple[Sequence[Figure], bool]:
        """All statistics, and whether those of marks are among them already."""
        figures = self.look().figures
        marks = self._marks.look()
        return [*figures, *(marks or ())], marks is not None

    def _look_anew(self) -> Published:
        try:
            with snapshot(self._engine) as connection:
                found = read(connection, datetime.now(UTC))
        except DatabaseUnavailable as error:
            self._away, self._tried = str(error), time.monotonic()
            raise
        self._away = ""
        return found
