"""Looks up on PostgreSQL what the law has to know, and locks what it may change.

Rows are locked in one order everywhere: stream, then items by id. Three looks break it, and leave
it to PostgreSQL to find the rare deadlock: another stream's row where a mark is not known yet, a
component that was added while its siblings were waited for, and the members of a sample group that
is decided on.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, LiteralString

from central.ingest import rules
from central.ingest.database import Connection, columns
from central.ingest.facts import Held, Known, MarkKey, Needs, PlanKey, RecordKey, Stream, Waiting
from central.ingest.life import Item, ItemKey
from central.ingest.samples import Group
from gateway.contract.errors import ContractError
from gateway.contract.plan import Plan
from gateway.contract.record import Intent, Settled, Verified, decode_record
from gateway.contract.signed import take_apart


def look_up(connection: Connection, stream: Stream, needs: Needs) -> Known:
    """What the register holds of `needs`."""
    marks, ids = _claims_of(connection, needs.marks)
    missing = needs.marks - marks.keys()
    if missing and _lock_others(connection, stream, missing):
        found, found_ids = _claims_of(connection, missing)
        marks |= found
        ids += found_ids
    named = (sorted(needs.uiis), sorted(needs.elements), ids)
    items = _items(connection, _NAMED, named)
    required, something_waits = _orders(
        connection, needs.orders | {item.order for item in items.values()}
    )
    if any(len(components) > 1 for components in required.values()):
        # Who adds a component locks those that are there. A look that had to wait for that does
        # not see the new one; the next look does, and from then on nobody adds another.
        items = _items(connection, _NAMED, named)
    if needs.repeated:
        marks |= _siblings(connection, rules.repeated_uiis(needs, marks))
    waiting = _waiting(connection, needs.awaited) if something_waits else {}
    groups: dict[str, Group] = {}
    joined = rules.groups_needed(needs, items.values())
    if joined is not None:
        groups = _groups(connection, stream, joined)
        claimed = {mark: items[held.item] for mark, held in marks.items() if held.item in items}
        if groups and rules.may_decide(needs, claimed, bool(waiting)):
            items |= _items(connection, _MEMBERS, (sorted(groups),))
            more = {item.order for item in items.values()} - required.keys()
            required |= _orders(connection, more)[0]
    return Known(
        plans=_plans(connection, stream, needs.plans),
        items=items,
        marks=marks,
        numbers=_numbers(connection, needs.numbers),
        intents=_intents(connection, needs.intents),
        orders=required,
        waiting=waiting,
        groups=groups,
    )


def look_up_items(connection: Connection, _stream: Stream, needs: Needs) -> Known:
    """The items of `needs` and the components that their orders require: for a batch that cannot be
    judged, so that no other fact stands in its way."""
    named: tuple[list[Any], ...] = (sorted(needs.uiis), sorted(needs.elements), [])
    items = _items(connection, _NAMED, named)
    orders = needs.orders | {item.order for item in items.values()}
    return Known(items=items, orders=_orders(connection, orders)[0])


def _plans(connection: Connection, stream: Stream, keys: Iterable[PlanKey]) -> dict[PlanKey, Plan]:
    """A plan that the gateway brought is the one that it has accepted, whatever was signed anew."""
    found = {}
    for incarnation, version in keys:
        row = connection.execute(
            "SELECT body FROM plan WHERE gateway = %s AND incarnation = %s AND version = %s"
            " ORDER BY brought AND epoch = %s DESC, brought LIMIT 1",
            (stream.gateway, incarnation, version, stream.epoch),
        ).fetchone()
        if row is not None:
            found[incarnation, version] = decoded_plan(bytes(row[0]))
    return found


@lru_cache(maxsize=256)
def decoded_plan(body: bytes) -> Plan:
    """Signed by ourselves and read from our own table: its signature was never in doubt.

    The bytes are read each time, since a restored database may hold others; decoding is not.
    """
    return Plan.from_line(take_apart("plan", body).line)


def _claims_of(
    connection: Connection, marks: Iterable[MarkKey]
) -> tuple[dict[MarkKey, Held], list[int]]:
    wanted = list(marks)
    if not wanted:
        return {}, []
    rows = connection.execute(
        "SELECT w.gateway, w.epoch, w.seq, w.position, i.uii, i.component, c.fresh, i.id"
        " FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[])"
        "   AS w (gateway, epoch, seq, position)"
        " JOIN stream s ON s.gateway = w.gateway AND s.epoch = w.epoch"
        " JOIN claim c ON c.stream = s.id AND c.seq = w.seq AND c.position = w.position"
        " JOIN item i ON i.id = c.item",
        columns(wanted, 4),
    ).fetchall()
    return {MarkKey(*r[:4]): Held((r[4], r[5]), r[6]) for r in rows}, [row[7] for row in rows]


def _lock_others(connection: Connection, stream: Stream, marks: Iterable[MarkKey]) -> bool:
    """Wait for whoever stores another stream that should know these marks, and keep it waiting.

    Else each of two transactions could miss what the other one adds: one the mark, the other the
    statement that waits for it.
    """
    others = sorted({mark[:2] for mark in marks} - {(stream.gateway, stream.epoch)})
    if not others:
        return False
    return bool(
        connection.execute(
            "SELECT s.id FROM stream s JOIN unnest(%b::text[], %b::bigint[])"
            " AS w (gateway, epoch) ON s.gateway = w.gateway AND s.epoch = w.epoch"
            " ORDER BY s.id FOR SHARE OF s",
            columns(others, 2),
        ).fetchall()
    )


def _siblings(connection: Connection, uiis: Iterable[str]) -> dict[MarkKey, Held]:
    """Every claim of the numbers that are marked once more."""
    rows = connection.execute(
        "SELECT s.gateway, s.epoch, c.seq, c.position, i.uii, i.component, c.fresh FROM item i"
        " JOIN claim c ON c.item = i.id JOIN stream s ON s.id = c.stream WHERE i.uii = ANY(%b)",
        (sorted(uiis),),
    ).fetchall()
    return {MarkKey(*row[:4]): Held((row[4], row[5]), row[6]) for row in rows}


_ITEM_COLUMNS = (
    "SELECT uii, component, elements, order_code, space, number, serial, state, read_ok,"
    " remark, quarantined, duplicated, basis, readback, sample FROM item WHERE id IN"
)
_NAMED = " ".join(
    (
        _ITEM_COLUMNS,
        "(SELECT s.id FROM item n JOIN item s ON s.uii = n.uii WHERE n.id IN (",
        "SELECT id FROM item WHERE uii = ANY(%b) UNION",
        "SELECT id FROM item WHERE elements = ANY(%b)",
        "UNION SELECT unnest(%b::bigint[]))) ORDER BY id FOR UPDATE",
    )
)
_MEMBERS = " ".join(
    (
        _ITEM_COLUMNS,
        "(SELECT s.id FROM item n JOIN item s ON s.uii = n.uii WHERE n.sample = ANY(%b))",
        "ORDER BY id FOR UPDATE",
    )
)


def _items(
    connection: Connection, query: LiteralString, values: tuple[list[Any], ...]
) -> dict[ItemKey, Item]:
    """Every component of each UII in question, locked in the order of their ids."""
    if not any(values):
        return {}
    items = [Item(*row) for row in connection.execute(query, values).fetchall()]
    return {item.key: item for item in items}


def _groups(connection: Connection, stream: Stream, joined: Iterable[str]) -> dict[str, Group]:
    """The stream's open groups, and those that known items have joined.

    Another stream's group changes only under the lock of its sample's item, which is held here.
    """
    rows = connection.execute(
        "SELECT g.id, s.gateway, s.epoch, g.station, g.order_code, g.size, g.seq, g.position,"
        " g.state FROM sample_group g JOIN stream s ON s.id = g.stream"
        " WHERE g.id = ANY(%b) OR (g.stream = %s AND g.state = 'open') ORDER BY g.id",
        (sorted(joined), stream.id),
    ).fetchall()
    return {row[0]: Group(*row) for row in rows}


def _waiting(
    connection: Connection, awaited: Iterable[RecordKey]
) -> dict[MarkKey, tuple[Waiting, ...]]:
    """What waits for these intents, in the order of arrival."""
    wanted = sorted(awaited)
    if not wanted:
        return {}
    found: dict[MarkKey, tuple[Waiting, ...]] = {}
    for gateway, epoch, seq, of_gateway, of_epoch, *rest in connection.execute(
        "SELECT s.gateway, s.epoch, w.seq, w.of_gateway, w.of_epoch, w.of_seq, w.of_position,"
        " w.heard, b.first, b.body FROM unnest(%b::text[], %b::bigint[], %b::bigint[])"
        "   AS n (gateway, epoch, seq)"
        " JOIN waiting w ON w.of_gateway = n.gateway AND w.of_epoch = n.epoch AND w.of_seq = n.seq"
        " JOIN stream s ON s.id = w.stream JOIN batch b ON b.id = w.batch"
        " ORDER BY w.batch, w.seq",
        columns(wanted, 3),
    ).fetchall():
        of_seq, position, heard, first, body = rest
        says = decode_record(bytes(body).split(b"\n")[seq - first])
        assert isinstance(says, Verified | Settled)
        of = MarkKey(of_gateway, of_epoch, of_seq, position)
        one = Waiting(RecordKey(gateway, epoch, seq), of, says, heard)
        found[of] = (*found.get(of, ()), one)
    return found


def _numbers(
    connection: Connection, numbers: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[MarkKey, ...]]:
    wanted = list(numbers)
    if not wanted:
        return {}
    found: dict[tuple[str, int], tuple[MarkKey, ...]] = {}
    for space, number, *mark in connection.execute(
        "SELECT c.space, c.number, s.gateway, s.epoch, c.seq, c.position"
        " FROM unnest(%b::text[], %b::bigint[]) AS w (space, number)"
        " JOIN claim c ON c.space = w.space AND c.number = w.number AND c.fresh"
        " JOIN stream s ON s.id = c.stream ORDER BY c.batch, c.pos",
        columns(wanted, 2),
    ).fetchall():
        found[space, number] = (*found.get((space, number), ()), MarkKey(*mark))
    return found


def _intents(connection: Connection, keys: Iterable[RecordKey]) -> dict[RecordKey, Intent]:
    """The intents of earlier batches, from their stored bytes."""
    wanted = list(keys)
    if not wanted:
        return {}
    found = {}
    for gateway, epoch, seq, first, body in connection.execute(
        "SELECT w.gateway, w.epoch, w.seq, b.first, b.body"
        " FROM unnest(%b::text[], %b::bigint[], %b::bigint[]) AS w (gateway, epoch, seq)"
        " JOIN stream s ON s.gateway = w.gateway AND s.epoch = w.epoch"
        " CROSS JOIN LATERAL (SELECT first, last, body FROM batch WHERE stream = s.id"
        "   AND first <= w.seq ORDER BY first DESC LIMIT 1) b WHERE b.last >= w.seq",
        columns(wanted, 3),
    ).fetchall():
        try:
            record = decode_record(bytes(body).split(b"\n")[seq - first])
        except ContractError:
            continue
        if isinstance(record, Intent):
            found[RecordKey(gateway, epoch, seq)] = record
    return found


def _orders(
    connection: Connection, codes: Iterable[str]
) -> tuple[dict[str, tuple[str, ...]], bool]:
    """The components that orders require; and whether anything at all waits for a mark.

    Mostly nothing does, which this question then tells for nothing. It is put after the items are
    locked: a read of a mark that is known waits under its item's lock.
    """
    rows = connection.execute(
        "SELECT o.code, o.components, EXISTS (SELECT 1 FROM waiting)"
        " FROM (SELECT 1) one LEFT JOIN orders o ON o.code = ANY(%b)",
        (sorted(codes),),
    ).fetchall()
    required = {
        code: tuple(component["name"] for component in components)
        for code, components, _ in rows
        if code is not None
    }
    return required, bool(rows[0][2])
