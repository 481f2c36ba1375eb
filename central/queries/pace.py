"""The pace of marking over the last hour, minute by minute: by line, and what became of the marks.

A mark counts in the minute in which the register received it, by what it is now. So the same is
told to whoever asks, and what was read since is counted where it was marked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from central.queries.models import Answer

MINUTES = 60
LINES = 4
"""So many are told by name, the busiest; all the others together."""
_WHOLE_S = 60.0
"""What is older than the last two minutes is counted anew this often: little becomes of it."""
_LATELY = timedelta(minutes=1)

_COUNTS = text(
    "SELECT floor(extract(epoch FROM b.received) / 60)::bigint AS minute, s.gateway,"
    " count(*) AS marks,"
    " count(*) FILTER (WHERE i.state = 'good' AND NOT (i.quarantined OR i.duplicated"
    "   OR i.disputed)) AS good,"
    " count(*) FILTER (WHERE i.state IN ('rejected', 'unknown', 'scrapped')"
    "   OR i.quarantined OR i.duplicated OR i.disputed) AS aside,"
    " count(*) FILTER (WHERE b.received > :lately) AS lately"
    " FROM batch b JOIN claim c ON c.batch = b.id JOIN item i ON i.id = c.item"
    " JOIN stream s ON s.id = b.stream"
    " WHERE b.received >= :since GROUP BY 1, 2"
)


class LinePace(Answer):
    """Marks a minute of one gateway; of all that are not told by name where `gateway` is empty."""

    gateway: str
    marks: list[int]


class Pace(Answer):
    """`minutes`: when each began, in seconds since 1970; they are over. The totals are of the hour
    up to now; `aside`: rejected, unknown, scrapped, quarantined or duplicated."""

    minutes: list[int]
    lines: list[LinePace]
    good: list[int]
    aside: list[int]
    total: int
    total_good: int
    total_aside: int
    last_minute: int


class Counts(NamedTuple):
    """Of one gateway in one minute."""

    marks: int
    good: int
    aside: int


class Hour:
    """Keeps the counts of the last hour, so that most looks need to count two minutes only."""

    def __init__(self) -> None:
        self._counts: dict[int, dict[str, Counts]] = {}
        self._whole: datetime | None = None

    def look(self, connection: Connection, now: datetime | None = None) -> Pace:
        now = datetime.now(UTC) if now is None else now
        this = int(now.timestamp()) // 60
        oldest = this - MINUTES
        whole = self._whole is None or (now - self._whole).total_seconds() >= _WHOLE_S
        since = oldest if whole else this - 1
        rows = connection.execute(
            _COUNTS,
            {"since": datetime.fromtimestamp(60 * since, UTC), "lately": now - _LATELY},
        ).all()
        self._counts = {m: by for m, by in self._counts.items() if oldest <= m < since}
        for row in rows:
            by = self._counts.setdefault(row.minute, {})
            by[row.gateway] = Counts(row.marks, row.good, row.aside)
        if whole:
            self._whole = now
        return told(self._counts, range(oldest, this), sum(row.lately for row in rows))


def told(counts: Mapping[int, Mapping[str, Counts]], minutes: range, last_minute: int) -> Pace:
    """What a page is told of the counts: the minutes that are over, the busiest lines by name."""
    of_line: Counter[str] = Counter()
    for by in counts.values():
        of_line.update({gateway: each.marks for gateway, each in by.items()})
    busiest = sorted(of_line, key=lambda name: (-of_line[name], name))
    named, rest = sorted(busiest[:LINES]), frozenset(busiest[LINES:])
    shown = [(name, frozenset({name})) for name in named] + ([("", rest)] if rest else [])

    def a_minute(field: int, lines: frozenset[str] | None = None) -> list[int]:
        return [_sum(counts.get(minute, {}), field, lines) for minute in minutes]

    def total(field: int) -> int:
        return sum(_sum(by, field, None) for by in counts.values())

    return Pace(
        minutes=[60 * minute for minute in minutes],
        lines=[LinePace(gateway=name, marks=a_minute(0, lines)) for name, lines in shown],
        good=a_minute(1),
        aside=a_minute(2),
        total=total(0),
        total_good=total(1),
        total_aside=total(2),
        last_minute=last_minute,
    )


def _sum(by: Mapping[str, Counts], field: int, lines: Iterable[str] | None) -> int:
    wanted = by if lines is None else (name for name in lines if name in by)
    return sum(by[name][field] for name in wanted)
