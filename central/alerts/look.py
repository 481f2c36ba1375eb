"""Reads from the register what the rules look at: by act, by batch, and by the clock.

Each is read within the caller's snapshot, and nothing is written.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text

from central import schema
from central.alerts.facts import (
    ClaimedRecords,
    ClockRead,
    CountedLot,
    CountedOrder,
    ForkedJournal,
    Heard,
    LastHad,
    LatchedGateway,
    Missing,
    NotStored,
    OlderRegister,
    Overdue,
    OverdueCount,
    Received,
    RefusedMark,
    RefusedScan,
    Spot,
    Told,
    UnjudgedBatch,
    UsedBlock,
)
from central.queries import balances, consignments
from central.queries.records import batches as stored_batches
from central.register.consignments.models import Role
from central.register.consignments.projection import CONSIGNMENT
from central.register.consignments.rules import ON_THE_WAY, Consignment
from central.register.incarnation import current
from central.register.incarnation import older as proof
from central.register.lots.balance import balances as balances_of_lots
from central.register.stock.rules import RUNNING

# A site has degrees; what is part of it lies where it does.
_SPOTS = (
    "spot AS (SELECT p.code, p.entity,"
    " coalesce(p.latitude, q.latitude, r.latitude) AS latitude,"
    " coalesce(p.longitude, q.longitude, r.longitude) AS longitude"
    " FROM place p LEFT JOIN place q ON q.code = p.parent LEFT JOIN place r ON r.code = q.parent)"
)
_WHERE_IT_IS = (
    "('stored', 'moved', 'packed', 'unpacked', 'assembled', 'disassembled', 'received', 'issued',"
    " 'imported', 'found', 'seized', 'seen')"
)
"""Events whose place is where the thing is, and not where it goes or was."""

# What had been told of the article before, nearest in time.
_NEIGHBOUR = (
    "LEFT JOIN LATERAL (SELECT o.number, o.place, o.happened, os.latitude, os.longitude"
    " FROM event_article a JOIN event o ON o.number = a.event JOIN spot os ON os.code = o.place"
    " WHERE a.article = t.article AND a.version < t.version AND a.verdict <> 'unknown-article'"
    " AND o.what IN {where_it_is} AND os.latitude IS NOT NULL"
    " AND o.happened {side} e.happened ORDER BY o.happened {order}, a.version DESC LIMIT 1) {name}"
    " ON s.latitude IS NOT NULL AND NOT t.within AND e.what IN {where_it_is}"
)
# Who has an article is told by who received it and by who settled a dispute; before, it is its
# producer's. A unit that nobody has received since is whoever's it is now.
_HOLDER = (
    "(SELECT h.holder FROM ("
    " SELECT a.version, o.holder FROM event_article a JOIN event o ON o.number = a.event"
    "  WHERE a.article = t.article AND a.verdict = 'ok' AND o.holder IS NOT NULL"
    " UNION ALL SELECT c.id, c.payload->>'holder' FROM act c"
    "  WHERE c.subject = 'article' AND c.key = t.article) h"
    " WHERE {when} ORDER BY h.version DESC LIMIT 1)"
)
_TOLD = (
    "WITH {spots} SELECT e.number AS event, e.what, e.happened, e.place, e.reporter, t.article,"
    " t.verdict,"
    " nullif(t.before, '') AS before, nullif(t.after, '') AS after, s.entity AS owner,"
    " s.latitude, s.longitude, coalesce({holder_then},"
    "  d.producer, CASE WHEN {holder_since} IS NULL"
    "  THEN d.holder END) AS holder,"
    " b.number AS b_event, b.place AS b_place, b.happened AS b_happened,"
    " b.latitude AS b_latitude, b.longitude AS b_longitude,"
    " n.number AS n_event, n.place AS n_place, n.happened AS n_happened,"
    " n.latitude AS n_latitude, n.longitude AS n_longitude"
    " FROM event e JOIN event_article t ON t.event = e.number"
    " LEFT JOIN article d ON d.code = t.article LEFT JOIN spot s ON s.code = e.place"
    " {before} {next}"
    " WHERE e.version > :after AND e.version <= :upto"
    " AND (t.verdict <> 'ok' OR (e.place IS NOT NULL AND NOT t.within))"
    " ORDER BY e.version, t.article"
)
_EVENTS = text(
    _TOLD.format(
        spots=_SPOTS,
        holder_then=_HOLDER.format(when="h.version <= t.version"),
        holder_since=_HOLDER.format(when="h.version > t.version"),
        before=_NEIGHBOUR.format(side="<=", order="DESC", name="b", where_it_is=_WHERE_IT_IS),
        next=_NEIGHBOUR.format(side=">", order="ASC", name="n", where_it_is=_WHERE_IT_IS),
    )
)
_REFUSED = text(
    "SELECT s.gateway, s.epoch, b.first + r.pos AS seq, r.verdict AS code,"
    " coalesce(f.detail, '') AS detail, array_agg(DISTINCT i.uii ORDER BY i.uii) AS uiis,"
    " coalesce(array_agg(DISTINCT i.uii ORDER BY i.uii) FILTER (WHERE i.duplicated), '{}')"
    "  AS doubled"
    " FROM record r JOIN batch b ON b.id = r.batch JOIN stream s ON s.id = b.stream"
    " JOIN claim c ON c.batch = r.batch AND c.pos = r.pos JOIN item i ON i.id = c.item"
    " LEFT JOIN refusal f ON f.stream = b.stream AND f.seq = b.first + r.pos"
    " WHERE r.batch = ANY(:batches) AND r.verdict <> 'ok'"
    " GROUP BY b.id, s.gateway, s.epoch, b.first, r.pos, r.verdict, f.detail"
    " ORDER BY b.id, r.pos"
)
_USED = text(
    "SELECT k.id, coalesce(k.order_code, '') AS order_code, s.gateway,"
    " upper(k.span) - lower(k.span) AS size, k.issued, b.received"
    " FROM claim c JOIN batch b ON b.id = c.batch JOIN block k"
    " ON k.space = c.space AND k.span @> c.number AND c.number = upper(k.span) - 1"
    " JOIN stream s ON s.id = k.stream WHERE c.batch = ANY(:batches) AND c.fresh ORDER BY k.id"
)
# The newest batch of each gateway; a device says on its own page that its clock is off.
_NEWEST = text(
    "SELECT DISTINCT ON (b.stream) b.id FROM batch b JOIN stream s ON s.id = b.stream"
    " JOIN gateway g ON g.name = s.gateway WHERE b.id = ANY(:batches)"
    " ORDER BY b.stream, b.first DESC"
)
_MISSING = text(
    "SELECT c.number, max(a.id) AS act, c.place, c.entity,"
    " (SELECT coalesce(array_agg(l.code ORDER BY l.code), '{}') FROM count_article l"
    "  WHERE l.count_number = c.number AND l.result = 'missing' AND l.kind IN ('item', 'legacy'))"
    "  AS weapons,"
    " (SELECT coalesce(sum(q.expected - coalesce(q.third, q.first, 0)), 0) FROM count_quantity q"
    "  WHERE q.count_number = c.number AND q.result = 'missing') AS pieces"
    " FROM act a JOIN counts c ON c.number = a.key"
    " WHERE a.id > :after AND a.id <= :upto AND a.subject = 'count'"
    " AND a.what IN ('compared', 'looked again')"
    " GROUP BY c.number ORDER BY c.number"
)
_UNJUDGED = text(
    "SELECT key, (payload->>'epoch')::bigint AS epoch, (payload->>'first')::bigint AS first,"
    " (payload->>'last')::bigint AS last, payload->>'fault' AS fault, id FROM act"
    " WHERE id > :after AND id <= :upto AND subject = 'gateway' AND what = 'unjudged' ORDER BY id"
)
_JUDGED = text(
    "SELECT b.id FROM act a"
    " JOIN stream s ON s.gateway = a.key AND s.epoch = (a.payload->>'epoch')::bigint"
    " JOIN batch b ON b.stream = s.id AND b.first = (a.payload->>'first')::bigint"
    " WHERE a.id > :after AND a.id <= :upto AND a.subject = 'gateway' AND a.what = 'judged again'"
    " ORDER BY b.id"
)
_RECEIVED = text(
    "SELECT key, max(id) AS act FROM act WHERE id > :after AND id <= :upto"
    " AND subject = 'consignment' AND what = 'receipt ended' GROUP BY key ORDER BY key"
)
_ORDERS = text(
    "SELECT order_code FROM claim WHERE batch = ANY(:batches) AND order_code <> ''"
    " UNION SELECT b.order_code FROM sighting g JOIN block b ON b.id = g.block"
    " WHERE g.batch = ANY(:batches) AND b.order_code IS NOT NULL"
)
_LOTS = text(
    "SELECT key FROM act WHERE subject = 'lot' AND id > :after AND id <= :upto"
    " UNION SELECT component FROM lot_component c JOIN act a ON a.key = c.lot"
    "  WHERE a.subject = 'lot' AND a.id > :after AND a.id <= :upto AND component IS NOT NULL"
)
_LOTS_OF_ORDERS = text(
    "SELECT l.code FROM lot l JOIN orders o ON o.product = l.product AND o.lot = l.number"
    " WHERE o.code = ANY(:orders)"
)
# An epoch that has ended says nothing any more; a device in a drawer is no alarm.
_HEARD = text(
    "SELECT s.gateway, greatest(t.at, b.received, s.opened) AS seen FROM stream s"
    " JOIN gateway g ON g.name = s.gateway"
    " LEFT JOIN gateway_state t ON t.gateway = s.gateway"
    " LEFT JOIN LATERAL (SELECT received FROM batch WHERE stream = s.id"
    "  ORDER BY first DESC LIMIT 1) b ON true"
    " WHERE s.state = 'live' AND NOT EXISTS (SELECT 1 FROM stream n"
    "  WHERE n.gateway = s.gateway AND n.epoch > s.epoch) ORDER BY s.gateway"
)

_BEHIND = text(
    "SELECT s.gateway, t.seq - s.committed AS waiting FROM stream s"
    " JOIN gateway_state t ON t.gateway = s.gateway AND t.epoch = s.epoch"
    " WHERE t.online AND t.seq > s.committed AND NOT EXISTS (SELECT 1 FROM stream n"
    "  WHERE n.gateway = s.gateway AND n.epoch > s.epoch)"
)
_LATCHED = text(
    "SELECT s.gateway, s.epoch, s.state, t.boot_counter, t.boot_nonce, t.latches FROM stream s"
    " JOIN gateway g ON g.name = s.gateway"
    " LEFT JOIN gateway_state t ON t.gateway = s.gateway AND t.epoch = s.epoch"
    " WHERE (s.state IN ('forked', 'two-of-me') OR cardinality(t.latches) > 0)"
    "  AND NOT EXISTS (SELECT 1 FROM stream n"
    "   WHERE n.gateway = s.gateway AND n.epoch > s.epoch) ORDER BY s.gateway"
)

_NOT_STORED = text(
    "SELECT s.gateway, e.messages, e.detail FROM (SELECT DISTINCT gateway FROM stream) s"
    " CROSS JOIN LATERAL (SELECT count(*) AS messages, (array_agg(detail ORDER BY id))[1] AS detail"
    "  FROM evidence WHERE gateway = s.gateway AND reason = 'not-stored' AND received >= :day) e"
    " WHERE e.messages > 0 ORDER BY s.gateway"
)
_FORKED = text(
    "SELECT s.gateway, s.epoch, array_agg(DISTINCT d.station) AS stations,"
    " array_agg(DISTINCT d.uii) AS uiis FROM disputed_mark d JOIN stream s ON s.id = d.stream"
    " GROUP BY s.gateway, s.epoch ORDER BY s.gateway, s.epoch"
)

# A claim is of no use beside a proof. After a declared restore a gateway may lawfully know more,
# until all have reported.
_CLAIMED = text(
    "SELECT s.gateway, s.epoch, t.committed AS claimed, s.committed AS held FROM stream s"
    " JOIN gateway_state t ON t.gateway = s.gateway AND t.epoch = s.epoch"
    " WHERE t.committed > s.committed AND s.state = 'live'"
    "  AND NOT EXISTS (SELECT 1 FROM setting"
    "   WHERE name = 'older' OR (name = 'restored' AND value = 'true'))"
    "  AND NOT EXISTS (SELECT 1 FROM stream n"
    "   WHERE n.gateway = s.gateway AND n.epoch > s.epoch) ORDER BY s.gateway"
)


def told(connection: Connection, after: int, upto: int) -> Iterator[Told]:
    """Of the events that these acts told, an event at a time."""
    for row in connection.execute(_EVENTS, {"after": after, "upto": upto}):
        others = (_spot(row, "b_"), _spot(row, "n_"))
        yield Told(
            event=row.event,
            what=row.what,
            article=row.article,
            verdict=row.verdict,
            before=row.before,
            after=row.after,
            place=row.place,
            holder=row.holder,
            owner=row.owner,
            reporter=row.reporter,
            spot=_spot(row),
            others=tuple(each for each in others if each is not None),
        )


def _spot(row: Row[Any], prefix: str = "") -> Spot | None:
    named = {
        name: getattr(row, prefix + name)
        for name in ("event", "place", "happened", "latitude", "longitude")
    }
    return None if named["latitude"] is None else Spot(**named)


def refused(connection: Connection, batches: Sequence[int]) -> Iterator[RefusedMark]:
    """The records of these batches that announced marks and were not accepted."""
    for row in connection.execute(_REFUSED, {"batches": list(batches)}):
        yield RefusedMark(
            row.gateway,
            row.epoch,
            row.seq,
            row.code,
            row.detail,
            tuple(row.uiis),
            tuple(row.doubled),
        )


def clocks(connection: Connection, batches: Sequence[int]) -> Iterator[ClockRead]:
    """Each gateway's clock, by the last record of its newest batch among these.

    A record without an offset proves only a clock that is ahead: it comes from the future.
    """
    newest = connection.execute(_NEWEST, {"batches": list(batches)}).scalars()
    for batch in stored_batches(connection, newest).values():
        pos = batch.last - batch.first
        record = batch.record(pos)
        if record is None:
            continue
        if record.clock.offset_ms is not None:
            ahead = -record.clock.offset_ms / 1000
        else:
            ahead = max(0.0, (record.at - batch.received).total_seconds())
        key = batch.key(pos)
        yield ClockRead(key.gateway, f"{key.gateway}/{key.epoch}/{key.seq}", ahead)


def unjudged(connection: Connection, after: int, upto: int) -> Iterator[UnjudgedBatch]:
    """The batches that ingest could not judge, by these acts."""
    for row in connection.execute(_UNJUDGED, {"after": after, "upto": upto}):
        yield UnjudgedBatch(row.key, row.epoch, row.first, row.last, row.fault, row.id)


def judged_again(connection: Connection, after: int, upto: int) -> list[int]:
    """The batches that were unjudged, and were judged by these acts."""
    return list(connection.execute(_JUDGED, {"after": after, "upto": upto}).scalars())


def not_stored(connection: Connection, now: datetime) -> Iterator[NotStored]:
    """The messages of this UTC day that ingest could not store."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for row in connection.execute(_NOT_STORED, {"day": day}):
        yield NotStored(row.gateway, day.date(), row.messages, row.detail)


def refused_scans(connection: Connection, after: int, upto: int) -> Iterator[RefusedScan]:
    """The scans that became no event by these acts."""
    table = schema.scan
    rows = connection.execute(
        select(table)
        .where(table.c.version > after, table.c.version <= upto, table.c.event.is_(None))
        .order_by(table.c.version)
    )
    for row in rows:
        record = f"{row.gateway}/{row.epoch}/{row.seq}"
        yield RefusedScan(row.gateway, record, row.verdict, row.detail)


def used_up(connection: Connection, batches: Sequence[int]) -> Iterator[UsedBlock]:
    """The blocks whose last number these batches claim."""
    for row in connection.execute(_USED, {"batches": list(batches)}):
        yield UsedBlock(row.id, row.order_code, row.gateway, row.size, row.issued, row.received)


def marked(connection: Connection, batches: Sequence[int]) -> set[str]:
    """The orders that these batches mark for."""
    return set(connection.execute(_ORDERS, {"batches": list(batches)}).scalars())


def heard(connection: Connection, since: datetime, now: datetime) -> Iterator[Heard]:
    """Every gateway that may mark. `since`: when the watch began: where the whole register was
    down, it was not the gateways that were silent."""
    for row in connection.execute(_HEARD):
        yield Heard(row.gateway, row.seen, since, now)


def behind(connection: Connection) -> dict[str, int]:
    """By gateway that is online: how many records it last said it holds beyond the register's."""
    return {row.gateway: row.waiting for row in connection.execute(_BEHIND)}


def latched(connection: Connection) -> Iterator[LatchedGateway]:
    """The gateways whose newest epoch is latched, by their own word or by the register's."""
    for row in connection.execute(_LATCHED):
        latches = set(row.latches or ())
        if row.state in ("forked", "two-of-me"):
            latches.add(row.state)
        boot = "" if row.boot_nonce is None else f"{row.boot_counter}-{row.boot_nonce}"
        yield LatchedGateway(row.gateway, row.epoch, boot, tuple(sorted(latches)))


def forked(connection: Connection) -> Iterator[ForkedJournal]:
    """The epochs whose journal went on in two places."""
    for row in connection.execute(_FORKED):
        yield ForkedJournal(row.gateway, row.epoch, tuple(row.stations), tuple(row.uiis))


def older(connection: Connection) -> Iterator[OlderRegister]:
    """The register itself, where an undeclared restore is proved."""
    why = proof(connection)
    if why is not None:
        yield OlderRegister(current(connection), why)


def claimed(connection: Connection) -> Iterator[ClaimedRecords]:
    """The gateways that say that more was confirmed than the register holds."""
    ours = current(connection)
    for row in connection.execute(_CLAIMED):
        yield ClaimedRecords(row.gateway, row.epoch, ours, row.claimed, row.held)


def overdue(connection: Connection, now: datetime) -> Iterator[Overdue]:
    """The consignments that have not arrived when they were planned to."""
    table = schema.consignment
    named = ("number", "state", "direction", "planned_arrival")
    query = select(*(table.c[name] for name in named)).where(
        table.c.state.in_(ON_THE_WAY), table.c.planned_arrival <= now
    )
    for row in connection.execute(query.order_by(table.c.number)):
        yield Overdue(row.number, row.state, row.direction, row.planned_arrival)


def received(connection: Connection, after: int, upto: int) -> Iterator[Received]:
    """The consignments whose receipt these acts ended, as they stand."""
    for row in connection.execute(_RECEIVED, {"after": after, "upto": upto}):
        consignment = CONSIGNMENT.require(connection, row.key)
        view = consignments.showing(connection, consignment)
        yield Received(
            row.key,
            row.act,
            sender=_party(consignment, "sender"),
            recipient=_party(consignment, "recipient"),
            carrier=_party(consignment, "carrier"),
            short=tuple(_last_had(each) for each in view.differences if each.difference == "short"),
            count=view.counts.short,
        )


def _party(consignment: Consignment, role: Role) -> str:
    """Its code, or the name of who is no entity of the register; empty where there is none."""
    outsider = getattr(consignment.outsiders, role)
    return getattr(consignment, role) or ("" if outsider is None else str(outsider.name))


def _last_had(short: consignments.Difference) -> LastHad:
    last = short.last
    told = (None, None, None) if last is None else (last.event, last.what, last.reporter)
    return LastHad(short.code, short.holder, *told)


def missing(connection: Connection, after: int, upto: int) -> Iterator[Missing]:
    """What these acts found missing by counts, as it stands."""
    for row in connection.execute(_MISSING, {"after": after, "upto": upto}):
        yield Missing(
            row.number, row.act, row.place, row.entity, tuple(row.weapons), int(row.pieces)
        )


def overdue_counts(connection: Connection, now: datetime) -> Iterator[OverdueCount]:
    """The counts that were to be closed by now."""
    table = schema.counts
    query = select(table.c.number, table.c.state, table.c.place, table.c.due).where(
        table.c.state.in_(RUNNING), table.c.due <= now
    )
    for row in connection.execute(query.order_by(table.c.number)):
        yield OverdueCount(row.number, row.state, row.place, row.due)


def lots_of(connection: Connection, after: int, upto: int) -> set[str]:
    """The lots that these acts are on, and those that are components of them."""
    return set(connection.execute(_LOTS, {"after": after, "upto": upto}).scalars())


def counted_lots(
    connection: Connection, lots: Sequence[str] | None, orders: Sequence[str]
) -> Iterator[CountedLot]:
    """The balance of these lots, and of those that these orders are for; of all where None."""
    codes = lots
    if codes is not None:
        marked = connection.execute(_LOTS_OF_ORDERS, {"orders": list(orders)}).scalars()
        codes = sorted({*codes, *marked})
    for code, each in sorted(balances_of_lots(connection, codes).items()):
        yield CountedLot(code, each.filled + each.found, each.short, each.disputed)


def counted(connection: Connection, orders: Sequence[str] | None) -> Iterator[CountedOrder]:
    """The mass balance of these orders; of all where None."""
    codes = None if orders is None else sorted(orders)
    for order, each in sorted(balances.counted(connection, "order", codes=codes).items()):
        yield CountedOrder(order, each.balance.issued, each.unaccounted)
