"""Dates and times as people write them here, 26.11.2026 14:30, at Tirana; and back.

A browser's own control for a date shows it as the browser's language does, whatever the page's is:
there 3 April and 4 March can look the same. So they are written, as all pages show them.
"""

import re
from datetime import date, datetime, time

from central.screens.words import ZONE

_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
ENDS = frozenset({"valid_until", "until", "deadline", "due", "planned_arrival"})
"""Fields, by the last part of their names, that say until when: a day alone lasts to its end."""
_LAST_SECOND = time(23, 59, 59, tzinfo=ZONE)
_MOMENT = re.compile(_DAY.pattern + r"[\s,]+(\d{1,2})[:.](\d{2})")


def moment_shown(told: str) -> str:
    """A moment as JSON has it, to the minute; what is none stays as it is."""
    try:
        return f"{datetime.fromisoformat(told).astimezone(ZONE):%d.%m.%Y %H:%M}"
    except ValueError:
        return told


def moment_read(text: str) -> str:
    """What was written, with the offset that holds at Tirana then, where it names none; what is no
    moment stays as it is, for the interface to refuse."""
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            moment = datetime.fromisoformat(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).isoformat()
        day, month, year, hour, minute = map(int, found.groups())
        return datetime(year, month, day, hour, minute, tzinfo=ZONE).isoformat()
    except ValueError:
        return text


def end_read(text: str) -> str:
    """As `moment_read`; a day without a time ends with its last second at Tirana."""
    day = day_read(text.strip())
    try:
        return datetime.combine(date.fromisoformat(day), _LAST_SECOND).isoformat()
    except ValueError:
        return moment_read(text)


def day_shown(told: str) -> str:
    """A day as JSON has it; what is none stays as it is."""
    try:
        return f"{date.fromisoformat(told):%d.%m.%Y}"
    except ValueError:
        return told


def day_read(text: str) -> str:
    """What was written, as JSON has it; what is no day stays as it is."""
    found = _DAY.fullmatch(text.strip())
    try:
        return text if found is None else date(*map(int, reversed(found.groups()))).isoformat()
    except ValueError:
        return text
