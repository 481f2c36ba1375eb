"""What is made of what: the lots that have a lot in them, over levels."""

from sqlalchemy import Connection, TextClause, text

MOST_LEVELS = 20
"""Deeper than anything is made: lots may be told to be reworked into each other without an end."""
# Of each link the part is known, so that the indexes of both tables lead to it.
LINKS = (
    "link (part, whole, role, quantity) AS NOT MATERIALIZED ("
    " SELECT component, lot, role, quantity FROM lot_component WHERE component IS NOT NULL"
    " UNION ALL SELECT lot, \"into\", 'rework', quantity FROM lot_movement"
    '  WHERE "into" IS NOT NULL AND stands)'
)
OF_A_LOT = "SELECT whole, part, role, quantity, 1 FROM link WHERE part = :lot"
SUPPLIED = (
    'SELECT lot, CAST(NULL AS text) COLLATE "C", role, quantity, 1 FROM lot_component'
    " WHERE number = :number"
    " AND (CAST(:maker AS text) IS NULL OR upper(maker) = upper(CAST(:maker AS text)))"
    " AND (CAST(:country AS text) IS NULL OR country = CAST(:country AS text))"
)
WHOLES = (
    "WITH RECURSIVE {links}, reached (code, part, role, quantity, depth) AS ({start}"
    " UNION SELECT l.whole, l.part, l.role, l.quantity, r.depth + 1 FROM reached r"
    "  JOIN link l ON l.part = r.code WHERE r.depth < {levels})"
)
"""Begins a statement: `reached` are the wholes, each by the `part` over which it was reached."""


def wholes(start: str, then: str) -> TextClause:
    """`start`: `OF_A_LOT` or `SUPPLIED`; `then`: what is asked of `reached`."""
    return text(WHOLES.format(links=LINKS, start=start, levels=MOST_LEVELS) + then)


_WITHIN = wholes(OF_A_LOT, " SELECT 1 FROM reached WHERE code = :whole LIMIT 1")


def is_within(connection: Connection, part: str, whole: str) -> bool:
    """Whether a lot has gone into another, at whatever level, or is the same."""
    found = connection.execute(_WITHIN, {"lot": part, "whole": whole}).first()
    return part == whole or found is not None
