"""How fast a station works, from when its last shots were done; pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)
FARTHEST = timedelta(days=1)
"""An end that is told: ten minutes of work say nothing about the days after."""
FEWEST = 3
"""Shots that a pace is told by; fewer say more of one part than of the work."""


def per_hour(shots: Iterable[tuple[datetime, int]], now: datetime) -> float | None:
    """Marks an hour over the last minutes; None while there are too few to tell.

    `shots`: when each was done and how many marks it made, oldest first. A pause counts: the pace
    of a station that stands still falls until there is none.
    """
    recent = [(at, made) for at, made in shots if now - WINDOW <= at <= now]
    if len(recent) < FEWEST:
        return None
    # The first only says when the counting begins.
    span = (now - recent[0][0]).total_seconds()
    return sum(made for _, made in recent[1:]) * 3600 / span if span > 0 else None


def end(pace: float | None, left: int, now: datetime) -> datetime | None:
    """When as many marks will be made at that pace; None where nobody can say."""
    if not pace or left <= 0 or left / pace > FARTHEST / timedelta(hours=1):
        return None
    return now + timedelta(hours=left / pace)
