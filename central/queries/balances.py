"""The mass balance: every number that was issued, counted in the term that holds it.

issued = unused + open + good + rejected + scrapped + voided + unknown + lost. No term is what
remains of the others. `gjurma-central reconcile` counts the same from signed plans and records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, text

from central.queries.models import Balance, BalanceRow, StationRow
from central.queries.terms import TERMS, ItemState, term_of

By = Literal["order", "gateway", "producer"]
_KEYS: Mapping[By, str] = {"order": "b.order_code", "gateway": "s.gateway", "producer": "p.entity"}
_SCOPE = (
    " FROM block b JOIN stream s ON s.id = b.stream LEFT JOIN orders o ON o.code = b.order_code"
    " LEFT JOIN product p ON p.code = o.product"
)
_CONDITIONS = {
    "codes": "b.order_code = ANY(:codes)",
    "entity": "p.entity = :entity",
    "since": "b.issued >= :since",
    "until": "b.issued < :until",
}
_STATES_IN_ORDER: tuple[ItemState, ...] = get_args(ItemState)
# One bit for each: cheaper by far to gather than a sorted list of a few million numbers.
_MASK = (
    "bit_or(CASE i.state "
    + " ".join(f"WHEN '{state}' THEN {1 << bit}" for bit, state in enumerate(_STATES_IN_ORDER))
    + " END)"
)
# A number's states, gathered over all that claims it; only numbers of these blocks, and only those
# that a record has spent: after a restore a further component may be told of before. Each block by
# itself: nobody can guess how much of the table lies between two numbers, and who guesses too much
# reads every item.
_STATES = (
    "SELECT key, states, count(*) AS numbers,"
    " count(*) FILTER (WHERE quarantined) AS quarantined,"
    " count(*) FILTER (WHERE duplicated) AS duplicated"
    " FROM (SELECT {key} AS key, n.* {scope} CROSS JOIN LATERAL ("
    "   SELECT c.space, c.number, {states} AS states, bool_or(i.quarantined) AS quarantined,"
    "    bool_or(i.duplicated) AS duplicated FROM claim c"
    "   CROSS JOIN LATERAL (SELECT state, quarantined, duplicated OR disputed AS duplicated"
    "    FROM item WHERE id = c.item OFFSET 0) i"
    "   WHERE c.space = b.space AND c.number >= lower(b.span) AND c.number < upper(b.span)"
    "   GROUP BY c.space, c.number HAVING bool_or(c.fresh) OFFSET 0) n{where}) n"
    " GROUP BY key, states"
)
# A gateway spends a block in order. Above the highest number claimed, to the block's end, numbers
# are unused, or void where the block is; unless a new epoch ended the stream. Of what was lost with
# it, a salvage may have brought some; one that was read on a part since is in no term, nor is one
# that only a branch of a journal announced which the register does not hold.
_BLOCKS = (
    "SELECT {key} AS key, sum(upper(b.span) - lower(b.span))::bigint AS issued,"
    " coalesce(sum(c.rest) FILTER (WHERE e.live AND NOT e.void), 0)::bigint AS unused,"
    " coalesce(sum(c.rest) FILTER (WHERE e.live AND e.void), 0)::bigint AS void,"
    " coalesce(sum(l.lost), 0)::bigint AS lost"
    "{scope} CROSS JOIN LATERAL (SELECT upper(b.span) - a.above - (SELECT count(DISTINCT number)"
    "   FROM disputed_mark d WHERE d.space = b.space AND d.number >= a.above"
    "   AND d.number < upper(b.span) AND d.found <> 'none') AS rest"
    "  FROM (SELECT greatest(lower(b.span),"
    "   coalesce(max(number) + 1, 0)) AS above FROM claim"
    "  WHERE claim.space = b.space AND number >= lower(b.span) AND number < upper(b.span)"
    "  AND fresh) a) c"
    " CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT 1 FROM stream n WHERE n.gateway = s.gateway"
    "   AND n.epoch > s.epoch) AS live,"
    "  EXISTS (SELECT 1 FROM voided_block v WHERE v.block = b.id) AS void) e"
    " CROSS JOIN LATERAL (SELECT sum(upper(loss.span) - lower(loss.span)"
    "   - (SELECT count(*) FROM (SELECT number FROM claim WHERE claim.space = b.space"
    "     AND number >= lower(loss.span) AND number < upper(loss.span) AND fresh"
    "     UNION SELECT number FROM sighting g WHERE g.block = b.id AND g.number <@ loss.span"
    "     UNION SELECT number FROM disputed_mark d WHERE d.space = b.space"
    "      AND d.number <@ loss.span AND d.found <> 'none') n)"
    "   ) AS lost FROM loss WHERE loss.block = b.id) l"
    "{where} GROUP BY {key}"
)
_STATIONS = (
    "SELECT key, states, count(*) AS numbers, count(*) FILTER (WHERE quarantined) AS quarantined,"
    " count(*) FILTER (WHERE duplicated) AS duplicated"
    " FROM (SELECT f.key, a.* FROM (SELECT DISTINCT ON (c.space, c.number) c.space, c.number,"
    "    r.at, p.entity, s.gateway || '/' || c.station AS key"
    "   FROM claim c JOIN stream s ON s.id = c.stream"
    "   JOIN record r ON r.batch = c.batch AND r.pos = c.pos"
    "   JOIN orders o ON o.code = c.order_code JOIN product p ON p.code = o.product"
    "   WHERE c.fresh AND c.number IS NOT NULL ORDER BY c.space, c.number, c.batch, c.pos) f"
    "  JOIN (SELECT c.space, c.number, {states} AS states,"
    "    bool_or(i.quarantined) AS quarantined,"
    "    bool_or(i.duplicated OR i.disputed) AS duplicated"
    "   FROM claim c JOIN item i ON i.id = c.item GROUP BY c.space, c.number) a"
    "   ON a.space = f.space AND a.number = f.number"
    "  WHERE (CAST(:entity AS text) IS NULL OR f.entity = :entity)"
    "  AND (CAST(:since AS timestamptz) IS NULL OR f.at >= :since)"
    "  AND (CAST(:until AS timestamptz) IS NULL OR f.at < :until)) n GROUP BY key, states"
)


@dataclass(frozen=True)
class Counted:
    """`quarantined`, `duplicated`: numbers with that flag, in whatever term."""

    balance: Balance
    quarantined: int = 0
    duplicated: int = 0

    @property
    def unaccounted(self) -> int:
        """Issued numbers that no term holds."""
        told = self.balance.model_dump()
        return int(2 * told["issued"] - sum(told.values()))


NOTHING = Counted(Balance(issued=0, unused=0, lost=0, **dict.fromkeys(TERMS, 0)))


def counted(
    connection: Connection,
    by: By,
    *,
    codes: list[str] | None = None,
    entity: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Counted]:
    """By key, the numbers of blocks that were issued in the period, in the terms of this moment.

    `codes`: of these orders; `entity`: of its products. Blocks that only a gateway's `accepted`
    tells of after a restore are of no order and no producer.
    """
    asked = {"codes": codes, "entity": entity, "since": since, "until": until}
    values = {name: value for name, value in asked.items() if value is not None}
    where = " AND ".join(["true", *(_CONDITIONS[name] for name in values)])
    # The texts are our own; what is asked for is bound.
    parts = {"key": _KEYS[by], "scope": _SCOPE, "where": f" WHERE {where}", "states": _MASK}
    states: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(text(_STATES.format(**parts)), values):
        states.setdefault(row.key, []).append(row)
    found = {}
    for row in connection.execute(text(_BLOCKS.format(**parts)), values):
        if row.key is None:
            continue
        groups = states.get(row.key, [])
        counts = _terms(groups)
        counts["voided"] += row.void
        found[row.key] = Counted(
            Balance(issued=row.issued, unused=row.unused, lost=row.lost, **counts),
            quarantined=sum(group.quarantined for group in groups),
            duplicated=sum(group.duplicated for group in groups),
        )
    return found


def rows(
    connection: Connection,
    by: By,
    *,
    entity: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[BalanceRow]:
    """One a key, in their order."""
    found = counted(connection, by, entity=entity, since=since, until=until)
    return [
        BalanceRow(
            key=key,
            quarantined=each.quarantined,
            duplicated=each.duplicated,
            unaccounted=each.unaccounted,
            **each.balance.model_dump(),
        )
        for key, each in sorted(found.items())
    ]


def stations(
    connection: Connection,
    *,
    entity: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[StationRow]:
    """One a station, in their order: numbers are issued to gateways, so these are of spent ones."""
    groups: dict[str, list[Row[Any]]] = {}
    values = {"entity": entity, "since": since, "until": until}
    for row in connection.execute(text(_STATIONS.format(states=_MASK)), values):
        groups.setdefault(row.key, []).append(row)
    return [
        StationRow(
            key=key,
            spent=sum(group.numbers for group in found),
            quarantined=sum(group.quarantined for group in found),
            duplicated=sum(group.duplicated for group in found),
            **_terms(found),
        )
        for key, found in sorted(groups.items())
    ]


def _terms(groups: list[Row[Any]]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(TERMS, 0)
    for group in groups:
        counts[term_of(_in(group.states))] += group.numbers
    return counts


def _in(mask: int) -> list[ItemState]:
    return [state for bit, state in enumerate(_STATES_IN_ORDER) if mask >> bit & 1]
