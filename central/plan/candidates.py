"""Finds in the register the numbers of which something may be due at a gateway, a bounded lot.

What is found here is a superset, as exact as its limit needs: `central.plan.due` decides.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from central.plan.due import OPEN_WITHOUT_READ
from central.plan.facts import DueMark, Limits, Number, Order, Piece, StreamKey
from gateway.contract.plan import Plan

# A further piece that was heard before its number's first one, and that no plan named, claims the
# item and no number. It may be marked: another piece of that number is due to nobody.
# `made` components carry a mark, so the next is that of index `made`. `holders` mark both it and
# the one before: a number of theirs is known to their own journal.
_MARKS = text(
    "SELECT n.number FROM (SELECT i.space, i.number, max(i.changed) AS changed,"
    "   count(*) FILTER (WHERE NOT (i.state = 'voided' AND i.remark)) AS made"
    "  FROM item i WHERE i.order_code = :code AND i.state <> 'good' AND i.number IS NOT NULL"
    "  GROUP BY i.space, i.number"
    "  HAVING bool_and(i.state = 'marked' AND (i.read_ok OR :unread)"
    "   OR (i.state = 'voided' AND i.remark))"
    "   AND bool_or(i.component = :opener)"
    "   AND NOT bool_or(i.quarantined OR i.duplicated OR i.disputed"
    "    OR EXISTS (SELECT 1 FROM item o WHERE o.uii = i.uii AND o.number IS NULL))) n"
    " WHERE n.made = :made AND n.number <> ALL(:taken)"
    " AND NOT EXISTS (SELECT 1 FROM claim c JOIN item p ON p.id = c.item"
    "  JOIN stream s ON s.id = c.stream WHERE c.space = n.space AND c.number = n.number"
    "  AND p.component = :before AND s.gateway = ANY(:holders)"
    "  AND s.epoch = (SELECT max(epoch) FROM stream t WHERE t.gateway = s.gateway))"
    " AND NOT EXISTS (SELECT 1 FROM doubt d WHERE d.order_code = :code AND d.number = n.number"
    "  AND d.component = :component AND d.returned IS NULL)"
    " ORDER BY n.changed, n.number LIMIT :most"
)
_READS = (
    "SELECT i.number FROM item i WHERE i.order_code = :code AND i.readback = 'elsewhere'"
    " AND i.state = 'marked'"
    " AND NOT i.read_ok AND i.number IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.item = i.id AND c.stream = :stream)"
)
_OLDEST = text(f"{_READS} ORDER BY i.changed, i.number LIMIT :most")
_NEWEST = text(f"{_READS} ORDER BY i.changed DESC, i.number DESC LIMIT :most")
_NUMBERS = text(
    "SELECT w.code, c.number, i.component, i.state, i.read_ok, i.remark,"
    " i.quarantined OR i.duplicated OR i.disputed"
    "  OR EXISTS (SELECT 1 FROM item o WHERE o.uii = i.uii AND o.number IS NULL) AS flagged,"
    " s.gateway, s.epoch, c.seq, c.position, c.fresh,"
    " b.received, ARRAY(SELECT d.component FROM doubt d WHERE d.order_code = w.code"
    "  AND d.number = w.number AND d.returned IS NULL) AS doubtful"
    " FROM unnest(CAST(:codes AS text[]), CAST(:spaces AS text[]), CAST(:numbers AS bigint[]))"
    "   AS w (code, space, number)"
    " JOIN claim c ON c.space = w.space AND c.number = w.number"
    " JOIN item i ON i.id = c.item AND i.order_code = w.code"
    " JOIN stream s ON s.id = c.stream JOIN batch b ON b.id = i.changed"
    " ORDER BY c.batch, c.pos, c.position"
)


def read(
    connection: Connection,
    me: StreamKey,
    stream: int,
    orders: tuple[Order, ...],
    former: Plan | None,
    in_play: frozenset[DueMark],
    limits: Limits,
) -> tuple[Number, ...]:
    """Those that the former plan lists, and the oldest others (of reads, the newest too)."""
    by_code = {order.code: order for order in orders}
    wanted: dict[tuple[str, int], None] = {}
    listed = (former.due or ()) if former is not None and former.epoch == me.epoch else ()
    wanted |= dict.fromkeys((due.order, due.number) for due in listed if due.order in by_code)
    for order in orders:
        member = order.member(me.gateway)
        if member is None:
            continue
        names = [component.name for component in order.components]
        for made, component in enumerate(names):
            if made == 0 or not member.marks(component):
                continue
            found = _marks(connection, order, made, in_play, limits.due_marks)
            wanted |= dict.fromkeys((order.code, number) for number in found)
        if order.verify.mode == "elsewhere" and member.reads:
            most = limits.due_reads // 2 + 1
            values = {"code": order.code, "stream": stream, "most": most}
            for query in (_OLDEST, _NEWEST):
                reads = connection.execute(query, values).scalars()
                wanted |= dict.fromkeys((order.code, number) for number in reads)
    return load(connection, [(by_code[code], number) for code, number in wanted])


def load(connection: Connection, wanted: Iterable[tuple[Order, int]]) -> tuple[Number, ...]:
    """What the register holds of each of these numbers."""
    rows: dict[tuple[str, int], list[Any]] = {}
    asked = list(wanted)
    if not asked:
        return ()
    for row in connection.execute(
        _NUMBERS,
        {
            "codes": [order.code for order, _ in asked],
            "spaces": [order.space for order, _ in asked],
            "numbers": [number for _, number in asked],
        },
    ):
        rows.setdefault((row.code, row.number), []).append(row)
    return tuple(
        _number(rows[order.code, number]) for order, number in asked if (order.code, number) in rows
    )


def _marks(
    connection: Connection, order: Order, made: int, in_play: frozenset[DueMark], most: int
) -> list[int]:
    component = order.components[made].name
    before = order.components[made - 1].name
    values = {
        "code": order.code,
        "opener": order.opener,
        "made": made,
        "before": before,
        "component": component,
        "unread": order.verify.mode in OPEN_WITHOUT_READ,
        "taken": [
            mark.number
            for mark in in_play
            if (mark.order, mark.component) == (order.code, component)
        ],
        "holders": [m.gateway for m in order.members if m.marks(before) and m.marks(component)],
        "most": most,
    }
    return list(connection.execute(_MARKS, values).scalars())


def _number(rows: list[Any]) -> Number:
    """Rows are in the order of their claims."""
    opened = next((row for row in rows if row.fresh), rows[0])
    since: datetime = max(row.received for row in rows)
    return Number(
        order=opened.code,
        number=opened.number,
        opened=(opened.gateway, opened.epoch, opened.seq),
        position=opened.position,
        pieces={
            row.component: Piece(
                row.state,
                row.read_ok,
                row.remark,
                StreamKey(row.gateway, row.epoch),
                row.seq,
                row.position,
            )
            for row in rows
        },
        since=since,
        flagged=any(row.flagged for row in rows),
        doubtful=frozenset(opened.doubtful),
    )
