"""Items marked, by year and kind of product: counted once a day, beside what else is asked."""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine, text

from central.errors import DatabaseUnavailable
from central.public import disclosure
from central.public.figures import COLUMNS, ZONE, year_begins
from central.public.models import ALL, Figure
from central.queries.reading import snapshot

_LOG = logging.getLogger(__name__)
_AGAIN_S = 60.0
"""After it could not be counted."""
_WAIT_S = 2.0
"""So long who asks first waits for it; who comes meanwhile does not."""
# A number counts once, however many pieces carry it, in the year in which its mark came in.
_COUNTS = text(
    f"SELECT extract(year FROM received AT TIME ZONE '{ZONE}')::int AS year, kind, entity,"  # noqa: S608
    " count(*) AS number FROM (SELECT c.space, c.number, min(b.received) AS received, p.kind,"
    "   p.entity FROM claim c JOIN batch b ON b.id = c.batch JOIN item i ON i.id = c.item"
    "   JOIN orders o ON o.code = c.order_code JOIN product p ON p.code = o.product"
    "  WHERE c.fresh AND c.number IS NOT NULL AND i.state = 'good'"
    "   AND NOT (i.quarantined OR i.duplicated OR i.disputed)"
    "  GROUP BY c.space, c.number, p.kind, p.entity) n WHERE received < :until GROUP BY 1, 2, 3"
)


def count(connection: Connection, now: datetime) -> list[Figure]:
    """Of years that are over."""
    years: defaultdict[int, dict[str, Counter[str]]] = defaultdict(
        lambda: {kind: Counter() for kind in COLUMNS["marks"] if kind != ALL}
    )
    for row in connection.execute(_COUNTS, {"until": year_begins(now)}):
        years[row.year][row.kind][row.entity] += row.number
    return [
        Figure(table="marks", row=str(year), column=column, count=number)
        for year in sorted(years, reverse=True)
        for column, number in disclosure.told(years[year]).items()
    ]


class Marks:
    """The figures of today, or those of before while today's are being counted."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._counting: threading.Thread | None = None
        self._found: Sequence[Figure] | None = None
        self._day: date | None = None
        self._failed = -_AGAIN_S

    def look(self) -> Sequence[Figure] | None:
        """None while nothing was counted yet."""
        with self._lock:
            begun = self._begin()
        if begun is not None and self._found is None:
            begun.join(_WAIT_S)
        return self._found

    def _begin(self) -> threading.Thread | None:
        """The counting, if it was time for that."""
        now = self._clock()
        rests = time.monotonic() < self._failed + _AGAIN_S
        if self._day == now.date() or self._counting is not None or rests:
            return None
        begun = threading.Thread(target=self._count, args=(now,), daemon=True)
        begun.start()
        self._counting = begun
        return begun

    def _count(self, now: datetime) -> None:
        found: Sequence[Figure] | None = None
        try:
            with snapshot(self._engine) as connection:
                # It may take minutes, once a day, and nobody waits for it.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                found = count(connection, now)
        except DatabaseUnavailable as error:
            _LOG.warning("marks of past years are not counted: %s", error)
        except Exception:
            # Whatever it was, the next request would only meet it again.
            _LOG.exception("marks of past years cannot be counted")
        with self._lock:
            self._counting = None
            if found is None:
                self._failed = time.monotonic()
            else:
                self._found, self._day = found, now.date()
