"""The copy of the public registers that every request is answered from.

It is read anew at most every few seconds, so however many ask, the register hardly notices.
"""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from central.public.marks import Marks
from central.public.models import Figure
from central.public.reading import Published, read
from central.queries.reading import snapshot

FRESH_S = 5.0


class Copy:
    """One a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._found: Published | None = None
        self._read = 0.0
        self._marks = Marks(engine)

    def look(self) -> Published:
        """No older than `FRESH_S`. Raises `DatabaseUnavailable`."""
        with self._lock:  # who comes while it is being read wants just that
            if self._found is None or time.monotonic() >= self._read + FRESH_S:
                with snapshot(self._engine) as connection:
                    self._found = read(connection, datetime.now(UTC))
                self._read = time.monotonic()
            return self._found

    def figures(self) -> tuple[Sequence[Figure], bool]:
        """All statistics, and whether those of marks are among them already."""
        marks = self._marks.look()
        return [*self.look().figures, *(marks or ())], marks is not None
