"""Carries out on PostgreSQL what the rules decide: one transaction a batch.

Rows are locked in one order everywhere: stream, then items by id. An item that another worker
adds between our look and our insert makes the batch be judged again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from central.ingest import rules
from central.ingest.facts import (
    Dropped,
    Evidence,
    Key,
    Known,
    MarkKey,
    Needs,
    PlanKey,
    Received,
    RecordKey,
    Stream,
    Suffix,
    Writes,
)
from central.ingest.life import Item, ItemKey
from gateway.contract.batch import first_head, heads
from gateway.contract.errors import ContractError
from gateway.contract.plan import Plan
from gateway.contract.record import Intent, decode_record
from gateway.contract.signed import take_apart
from gateway.contract.topics import Boot

Connection = psycopg.Connection[TupleRow]
LIVE_CHANNEL = "gjurma_live"
PLAN_CHANNEL = "gjurma_plan"
_NOTIFY_ITEMS = 200  # item ids in one notification, which PostgreSQL limits to 8000 bytes


class JudgedTooEarly(Exception):
    """Another transaction added an item that this judgement did not know; judge again."""


def receive(
    connection: Connection, received: Received, now: datetime
) -> Suffix | Dropped | Evidence:
    """Judge and store one batch inside the caller's transaction; returns what became of it.

    Raises `JudgedTooEarly`: the caller rolls back and calls again.
    """
    header = received.batch.header
    stream = lock_stream(connection, header.gateway, header.epoch)
    if stream is None:
        fault = f"no epoch {header.epoch} was opened"
        evidence = Evidence(header.gateway, "unknown-epoch", fault, received.payload, answer=False)
        keep(connection, evidence, now)
        return evidence
    stored = {seq: _head_at(connection, stream, seq) for seq in rules.overlap(stream, received)}
    admitted = rules.admit(stream, received, stored)
    if isinstance(admitted, Suffix):
        needs = rules.needs(stream, received.records[admitted.start :])
        known = _look_up(connection, stream, needs)
        writes = rules.judge(stream, received, admitted, known)
        _write(connection, stream, received, known, writes, now)
    elif isinstance(admitted, Evidence):
        keep(connection, admitted, now)
        if admitted.latch is not None:
            _latch(connection, stream, admitted.latch, now)
    return admitted


def _latch(connection: Connection, stream: Stream, state: str, now: datetime) -> None:
    connection.execute(
        "UPDATE stream SET state = %s, ended = %s WHERE id = %s", (state, now, stream.id)
    )
    notify(connection, LIVE_CHANNEL, {"gateway": stream.gateway, "latch": state})
    notify(connection, PLAN_CHANNEL, {"gateway": stream.gateway})


def keep(connection: Connection, evidence: Evidence, now: datetime) -> None:
    """Keep bytes as evidence; the same bytes for the same reason stand once."""
    connection.execute(
        "INSERT INTO evidence (gateway, received, reason, bytes, sha256, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            evidence.gateway,
            now,
            evidence.reason,
            evidence.payload,
            hashlib.sha256(evidence.payload).digest(),
            evidence.detail[:500],
        ),
    )


def lock_stream(connection: Connection, gateway: str, epoch: int) -> Stream | None:
    """The stream's row, locked until the transaction ends."""
    row = connection.execute(
        "SELECT id, committed, head, state, boot_counter, boot_nonce, plan_incarnation,"
        " plan_version FROM stream WHERE gateway = %s AND epoch = %s FOR UPDATE",
        (gateway, epoch),
    ).fetchone()
    if row is None:
        return None
    keys = connection.execute(
        "SELECT key_id, public, from_seq, to_seq FROM stream_key WHERE stream = %s", (row[0],)
    ).fetchall()
    return Stream(
        id=row[0],
        gateway=gateway,
        epoch=epoch,
        committed=row[1],
        head=bytes(row[2]),
        state=row[3],
        boot=None if row[4] is None else Boot(row[4], row[5]),
        plan=None if row[6] is None else (row[6], row[7]),
        keys=tuple(Key(key, bytes(public), start, end) for key, public, start, end in keys),
    )


def _head_at(connection: Connection, stream: Stream, seq: int) -> bytes:
    """The stored head after record `seq`; inside a batch it is computed from the stored bytes."""
    if seq == stream.committed:
        return stream.head
    previous = connection.execute(
        "SELECT last, head FROM batch WHERE stream = %s AND last <= %s"
        " AND first <= %s ORDER BY first DESC LIMIT 1",
        (stream.id, seq, seq),
    ).fetchone()
    if previous is None:
        row = connection.execute(
            "SELECT previous_head FROM stream WHERE id = %s", (stream.id,)
        ).fetchone()
        assert row is not None
        last, head = 0, first_head(stream.gateway, stream.epoch, bytes(row[0]))
    else:
        last, head = previous[0], bytes(previous[1])
    if last == seq:
        return head
    body = connection.execute(
        "SELECT body FROM batch WHERE stream = %s AND first = %s", (stream.id, last + 1)
    ).fetchone()
    assert body is not None
    for after in heads(head, bytes(body[0]).split(b"\n")[: seq - last]):
        head = after
    return head


# --- what the law has to know ----------------------------------------------------------------


def _look_up(connection: Connection, stream: Stream, needs: Needs) -> Known:
    marks, ids = _claims_of(connection, needs.marks)
    items = _items(connection, needs, ids)
    orders = set(needs.orders) | {item.order for item in items.values()}
    return Known(
        plans=_plans(connection, stream.gateway, needs.plans),
        items=items,
        marks=marks,
        numbers=_numbers(connection, needs.numbers),
        intents=_intents(connection, {RecordKey(*mark[:3]) for mark in marks}),
        orders=_orders(connection, orders),
    )


def _plans(connection: Connection, gateway: str, keys: Iterable[PlanKey]) -> dict[PlanKey, Plan]:
    found = {}
    for incarnation, version in keys:
        row = connection.execute(
            "SELECT body FROM plan WHERE gateway = %s AND incarnation = %s AND version = %s",
            (gateway, incarnation, version),
        ).fetchone()
        if row is not None:
            found[incarnation, version] = _plan(bytes(row[0]))
    return found


@lru_cache(maxsize=256)
def _plan(body: bytes) -> Plan:
    """Signed by ourselves and read from our own table: its signature was never in doubt.

    The bytes are read each time, since a restored database may hold others; decoding is not.
    """
    return Plan.from_line(take_apart("plan", body).line)


def _claims_of(
    connection: Connection, marks: Iterable[MarkKey]
) -> tuple[dict[MarkKey, ItemKey], list[int]]:
    wanted = list(marks)
    if not wanted:
        return {}, []
    rows = connection.execute(
        "SELECT w.gateway, w.epoch, w.seq, w.position, i.uii, i.component, i.id"
        " FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[])"
        "   AS w (gateway, epoch, seq, position)"
        " JOIN stream s ON s.gateway = w.gateway AND s.epoch = w.epoch"
        " JOIN claim c ON c.stream = s.id AND c.seq = w.seq AND c.position = w.position"
        " JOIN item i ON i.id = c.item",
        _columns(wanted, 4),
    ).fetchall()
    return {MarkKey(*row[:4]): (row[4], row[5]) for row in rows}, [row[6] for row in rows]


def _items(connection: Connection, needs: Needs, ids: list[int]) -> dict[ItemKey, Item]:
    """Every component of each UII in question, locked in the order of their ids."""
    if not (needs.uiis or needs.elements or ids):
        return {}
    rows = connection.execute(
        "SELECT uii, component, elements, order_code, space, number, serial, state, read_ok,"
        " remark, quarantined, duplicated, basis FROM item WHERE id IN ("
        "  SELECT s.id FROM item n JOIN item s ON s.uii = n.uii"
        "  WHERE n.id IN (SELECT id FROM item WHERE uii = ANY(%b)"
        "   UNION SELECT id FROM item WHERE elements = ANY(%b)"
        "   UNION SELECT unnest(%b::bigint[])))"
        " ORDER BY id FOR UPDATE",
        (sorted(needs.uiis), sorted(needs.elements), ids),
    ).fetchall()
    items = [Item(*row) for row in rows]
    return {item.key: item for item in items}


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
        _columns(wanted, 2),
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
        _columns(wanted, 3),
    ).fetchall():
        try:
            record = decode_record(bytes(body).split(b"\n")[seq - first])
        except ContractError:
            continue
        if isinstance(record, Intent):
            found[RecordKey(gateway, epoch, seq)] = record
    return found


def _orders(connection: Connection, codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    wanted = sorted(codes)
    if not wanted:
        return {}
    return {
        code: tuple(component["name"] for component in components)
        for code, components in connection.execute(
            "SELECT code, components FROM orders WHERE code = ANY(%b)", (wanted,)
        ).fetchall()
    }


# --- the writes ------------------------------------------------------------------------------


def _write(
    connection: Connection,
    stream: Stream,
    received: Received,
    known: Known,
    writes: Writes,
    now: datetime,
) -> None:
    signed = received.batch.signed
    row = connection.execute(
        "INSERT INTO batch (stream, first, last, head, header, key_id, sig, body, received)"
        " VALUES (%s, %s, %s, %b, %b, %s, %b, %b, %s) RETURNING id",
        (
            *(stream.id, writes.first, writes.last, writes.head, signed.line),
            *(signed.key_id, signed.signature, writes.body, now),
        ),
    ).fetchone()
    assert row is not None
    batch: int = row[0]
    connection.execute(
        "INSERT INTO record (batch, pos, type, at, verdict)"
        " SELECT %s, * FROM unnest(%b::int[], %b::text[], %b::timestamptz[], %b::text[])",
        (
            batch,
            *_columns([(r.seq - writes.first, r.type, r.at, r.verdict) for r in writes.records], 4),
        ),
    )
    ids = _write_items(connection, known, writes.items, batch)
    _write_claims(connection, stream, writes, batch, ids)
    _write_refusals(connection, stream, writes, now)
    if writes.next_key is not None:
        _change_key(connection, stream, writes.next_key)
    if writes.spans:
        _write_spans(connection, stream, writes)
    plan = writes.plan or (None, None)
    connection.execute(
        "UPDATE stream SET committed = %s, head = %b, boot_counter = %s, boot_nonce = %s,"
        " plan_incarnation = %s, plan_version = %s WHERE id = %s",
        (
            *(writes.last, writes.head, writes.boot.counter, writes.boot.nonce),
            *(*plan, stream.id),
        ),
    )
    changed = sorted(ids[key] for key in writes.items)
    notify(
        connection,
        LIVE_CHANNEL,
        {
            "batch": batch,
            "gateway": stream.gateway,
            "epoch": stream.epoch,
            "first": writes.first,
            "last": writes.last,
            "items": changed[:_NOTIFY_ITEMS],
            "more": max(0, len(changed) - _NOTIFY_ITEMS),
        },
    )


_ITEMS = (
    "unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[],"
    " %b::text[], %b::bool[], %b::bool[], %b::bool[], %b::bool[], %b::text[])"
    " AS w (uii, component, elements, order_code, space, number, serial, state, read_ok, remark,"
    " quarantined, duplicated, basis)"
)
_INSERT_ITEMS = " ".join(
    (
        "INSERT INTO item (uii, component, elements, order_code, space, number, serial, state,",
        "read_ok, remark, quarantined, duplicated, basis, changed) SELECT w.*, %s FROM",
        _ITEMS,
        "ON CONFLICT DO NOTHING RETURNING uii, component, id",
    )
)
_UPDATE_ITEMS = " ".join(
    (
        "UPDATE item SET state = w.state, read_ok = w.read_ok, remark = w.remark,",
        "quarantined = w.quarantined, duplicated = w.duplicated, basis = w.basis, changed = %s",
        "FROM",
        _ITEMS,
        "WHERE item.uii = w.uii AND item.component = w.component",
        "RETURNING item.uii, item.component, item.id",
    )
)


def _write_items(
    connection: Connection, known: Known, items: Mapping[ItemKey, Item], batch: int
) -> dict[ItemKey, int]:
    """Insert and update, sorted by UII; returns the id of each.

    Those that were known are locked since they were looked up. One that was not, and stands there
    now, came from another transaction.
    """
    ids: dict[ItemKey, int] = {}
    for statement, keys in (
        (_UPDATE_ITEMS, sorted(items.keys() & known.items.keys())),
        (_INSERT_ITEMS, sorted(items.keys() - known.items.keys())),
    ):
        if keys:
            columns = _columns([_item_row(items[key]) for key in keys], 13)
            for uii, component, item in connection.execute(statement, (batch, *columns)).fetchall():
                ids[uii, component] = item
    if len(ids) < len(items):
        raise JudgedTooEarly
    return ids


def _item_row(item: Item) -> tuple[Any, ...]:
    return (
        *(item.uii, item.component, item.elements, item.order, item.space, item.number),
        *(item.serial, item.state, item.read_ok, item.remark, item.quarantined),
        *(item.duplicated, item.basis),
    )


def _write_claims(
    connection: Connection, stream: Stream, writes: Writes, batch: int, ids: dict[ItemKey, int]
) -> None:
    missing = sorted(
        ({claim.item for claim in writes.claims} | {key for key, _ in writes.about}) - ids.keys()
    )
    if missing:
        ids |= {
            (uii, component): item
            for uii, component, item in connection.execute(
                "SELECT i.uii, i.component, i.id FROM item i"
                " JOIN unnest(%b::text[], %b::text[]) AS w (uii, component)"
                " ON i.uii = w.uii AND i.component = w.component",
                _columns(missing, 2),
            ).fetchall()
        }
    if writes.claims:
        connection.execute(
            "INSERT INTO claim (batch, stream, seq, position, item, pos, order_code, space,"
            " number, fresh) SELECT %s, %s, * FROM unnest(%b::bigint[], %b::int[], %b::bigint[],"
            " %b::int[], %b::text[], %b::text[], %b::bigint[], %b::bool[])",
            (
                *(batch, stream.id),
                *_columns(
                    [
                        (
                            *(c.seq, c.position, ids[c.item], c.seq - writes.first),
                            *(c.order, c.space, c.number, c.fresh),
                        )
                        for c in writes.claims
                    ],
                    8,
                ),
            ),
        )
    if writes.about:
        connection.execute(
            "INSERT INTO about (batch, item, pos)"
            " SELECT %s, * FROM unnest(%b::bigint[], %b::int[])",
            (batch, *_columns([(ids[key], seq - writes.first) for key, seq in writes.about], 2)),
        )


def _write_refusals(connection: Connection, stream: Stream, writes: Writes, now: datetime) -> None:
    if writes.refused:
        connection.execute(
            "INSERT INTO refusal (stream, seq, code, detail)"
            " SELECT %s, * FROM unnest(%b::bigint[], %b::text[], %b::text[])",
            (stream.id, *_columns([(r.seq, r.code, r.detail) for r in writes.refused], 3)),
        )
    for of in writes.resolved:
        connection.execute(
            "UPDATE refusal SET resolved = %s FROM stream s WHERE s.id = refusal.stream"
            " AND s.gateway = %s AND s.epoch = %s AND refusal.seq = %s AND resolved IS NULL",
            (now, of.gateway, of.epoch, of.seq),
        )


def _change_key(connection: Connection, stream: Stream, key: Key) -> None:
    connection.execute(
        "UPDATE stream_key SET to_seq = %s WHERE stream = %s AND to_seq IS NULL",
        (key.from_seq - 1, stream.id),
    )
    connection.execute(
        "INSERT INTO stream_key (stream, key_id, public, from_seq) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (stream.id, key.id, key.public, key.from_seq),
    )


def _write_spans(connection: Connection, stream: Stream, writes: Writes) -> None:
    """Numbers that this database forgot in a restore: never to be issued again."""
    for span in writes.spans:
        connection.execute(
            "INSERT INTO block (id, space, span, stream, plan_incarnation, plan_version)"
            " SELECT %s, n.name, int8range(%s, %s), %s, %s, %s FROM number_space n"
            " WHERE n.name = %s ON CONFLICT DO NOTHING",
            (span.block, span.start, span.end + 1, stream.id, *span.plan, span.space),
        )


def notify(connection: Connection, channel: str, payload: dict[str, Any]) -> None:
    """Tell listeners once this transaction is committed."""
    connection.execute(
        "SELECT pg_notify(%s, %s)", (channel, json.dumps(payload, separators=(",", ":")))
    )


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    """Rows to columns, as `unnest` takes them."""
    return [[row[index] for row in rows] for index in range(width)]
