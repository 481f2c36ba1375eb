"""Carries out on PostgreSQL what the rules decide: one transaction a batch.

Rows are locked in one order everywhere: stream, then items by id. An item that another worker
adds between our look and our insert makes the batch be judged again.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from central import db
from central.ingest import forks, ingest_acts, rules
from central.ingest.database import LIVE_CHANNEL, Connection, columns, notify
from central.ingest.facts import (
    Brought,
    Dropped,
    Evidence,
    Key,
    Known,
    PlanKeys,
    Received,
    Stream,
    Suffix,
    Unjudged,
    Writes,
)
from central.ingest.life import Item, ItemKey
from central.ingest.lookup import decoded_plan, look_up, look_up_items
from central.register.gateways.projection import UNJUDGED
from central.said import said
from gateway.contract.batch import first_head, heads
from gateway.contract.topics import Boot

QUOTA, QUOTA_BYTES = 1_000, 64 * 2**20
"""Evidence that is kept of a gateway for one reason within a day: messages, and their bytes."""
_NUMBER = re.compile("[0-9]{1,15}$", re.ASCII)
"""The number in a serial number's text; what stands before it is the order's own."""
_NOTIFY_ITEMS = 200  # item ids in one notification, which PostgreSQL limits to 8000 bytes


class JudgedTooEarly(Exception):
    """Another transaction added an item that this judgement did not know; judge again."""


def receive(
    connection: Connection,
    received: Received,
    now: datetime,
    plan_keys: PlanKeys,
    fault: str = "",
) -> Suffix | Dropped | Evidence:
    """Judge and store one batch inside the caller's transaction; returns what became of it.

    `plan_keys`: a plan that the batch brings counts where one of them has signed it.
    `fault`: why it cannot be judged; it is kept unjudged then. Raises `JudgedTooEarly`: the caller
    rolls back and calls again.
    """
    header = received.batch.header
    if is_held(connection):
        return Dropped("older")
    stream = lock_stream(connection, header.gateway, header.epoch)
    if stream is None:
        what = said("no epoch {epoch} was opened", epoch=header.epoch)
        evidence = Evidence(header.gateway, "unknown-epoch", what, received.payload, answer=False)
        keep(connection, evidence, now)
        return evidence
    stored = {seq: head_at(connection, stream, seq) for seq in rules.overlap(stream, received)}
    admitted = rules.admit(stream, received, stored)
    if isinstance(admitted, Suffix):
        new = received.records[admitted.start :]
        if rules.accepted(new) and rules.is_unheard(header, new, incarnation(connection)):
            return Dropped("unheard")
        taken = (connection, stream, received, admitted, now, plan_keys)
        for forged in set_aside(*taken, fault) if fault else take_in(*taken):
            keep(connection, forged, now)
    elif isinstance(admitted, Dropped):
        if admitted.reason == "gap":
            _claim(connection, stream, header.first - 1)
    elif isinstance(admitted, Evidence):
        keep(connection, admitted, now)
        if admitted.latch is not None:
            ingest_acts.latch(connection, stream, admitted.latch, admitted.detail, now)
        if forks.proves_two_branches(stream, admitted):
            dispute_batch(connection, stream, received, admitted.detail, now)
    return admitted


def dispute_batch(
    connection: Connection, stream: Stream, received: Received, why: str, now: datetime
) -> None:
    """Dispute what a batch of a second journal announced, and what the register holds beside it."""
    since = forks.parting(stream, received, lambda seq: head_at(connection, stream, seq))
    ingest_acts.dispute(connection, stream, forks.announced(received, since), why, now)


def is_held(connection: Connection) -> bool:
    """Whether this register is proved older than it was, and nobody has declared that."""
    return connection.execute("SELECT FROM setting WHERE name = 'older'").fetchone() is not None


def _claim(connection: Connection, stream: Stream, committed: int) -> None:
    """Note that a gateway goes on from records that this register does not hold."""
    connection.execute(
        "UPDATE gateway_state SET committed = %s WHERE gateway = %s AND epoch = %s",
        (committed, stream.gateway, stream.epoch),
    )


def take_in(
    connection: Connection,
    stream: Stream,
    received: Received,
    suffix: Suffix,
    now: datetime,
    plan_keys: PlanKeys,
    unjudged: Unjudged | None = None,
) -> list[Evidence]:
    """Judge and store the new part of an admitted batch.

    Returns what it brought as a plan and this register has not signed. Raises `JudgedTooEarly`.
    """
    new = received.records[suffix.start :]
    forged: list[Evidence] = []
    if unjudged is None or unjudged.claims:
        plans, forged = rules.brought(received.batch.header, new, plan_keys)
        for plan in plans:
            _bring(connection, stream, plan, now)
    needs = rules.needs(stream, new)
    known = (look_up if unjudged is None else look_up_items)(connection, stream, needs)
    writes = rules.judge(stream, received, suffix, known, unjudged)
    _write(connection, stream, received, known, writes, now)
    return forged


def incarnation(connection: Connection) -> int:
    """The incarnation of this register: the last restore that was declared."""
    query = "SELECT value::bigint FROM setting WHERE name = 'incarnation'"
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _bring(connection: Connection, stream: Stream, brought: Brought, now: datetime) -> None:
    """Store a plan that this database has forgotten, and its blocks of numbers."""
    plan = brought.plan
    which = (stream.gateway, *plan.which.key())
    stored = connection.execute(
        "INSERT INTO plan (gateway, incarnation, version, brought, epoch, body, signed)"
        " SELECT %s, %s, %s, true, %s, %b, %s WHERE NOT EXISTS (SELECT FROM plan"
        " WHERE gateway = %s AND incarnation = %s AND version = %s AND body = %b)"
        " ON CONFLICT DO NOTHING",
        (*which, plan.epoch, brought.payload, now, *which, brought.payload),
    )
    if stored.rowcount == 0:
        return
    for block in plan.blocks:
        connection.execute(
            "INSERT INTO block (id, space, span, stream, order_code, plan_incarnation,"
            " plan_version, issued) VALUES (%s, %s, int8range(%s, %s), %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (
                *(block.id, block.space, block.start, block.end + 1, stream.id, block.order),
                *(*plan.which.key(), now),
            ),
        )


def set_aside(
    connection: Connection,
    stream: Stream,
    received: Received,
    suffix: Suffix,
    now: datetime,
    plan_keys: PlanKeys,
    fault: str,
) -> list[Evidence]:
    """Store the new part of an admitted batch unjudged: with its plans and the claims of its marks,
    or as bytes alone where those cannot be written. An act tells of it. Returns as `take_in`."""
    for claims in (True, True, True, False):  # the first attempts may meet another transaction
        unjudged = Unjudged(fault, claims)
        try:
            with connection.transaction():
                forged = take_in(connection, stream, received, suffix, now, plan_keys, unjudged)
        except Exception as error:
            if db.may_pass(error) or not claims:
                raise
        else:
            break
    header = received.batch.header
    span = {"first": header.first + suffix.start, "last": header.last}
    payload = {"epoch": stream.epoch, **span, **asdict(unjudged)}
    ingest_acts.act(connection, "gateway", stream.gateway, UNJUDGED, payload, "", now)
    return forged


def keep(connection: Connection, evidence: Evidence, now: datetime) -> None:
    """Keep bytes as evidence; the same bytes for the same reason stand once.

    Beyond its quota of a day a gateway's bytes are not kept, and one row says so.
    """
    kept = connection.execute(
        "SELECT count(*), coalesce(sum(octet_length(bytes)), 0) FROM evidence"
        " WHERE gateway = %s AND reason = %s AND received > %s",
        (evidence.gateway, evidence.reason, now - timedelta(days=1)),
    ).fetchone()
    assert kept is not None
    if kept[0] >= QUOTA or kept[1] >= QUOTA_BYTES:
        evidence = _over_quota(evidence, now)
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


def _over_quota(evidence: Evidence, now: datetime) -> Evidence:
    """The one of its day that stands for all that is not kept."""
    detail = said(
        "more came for the reason {reason} within a day than is kept", reason=evidence.reason
    )
    payload = f"{evidence.reason} {now.astimezone(UTC).date()}".encode()
    return replace(evidence, reason="over-quota", detail=detail, payload=payload)


def lock_streams(connection: Connection, gateways: Iterable[str]) -> None:
    """Lock all streams of these gateways until the transaction ends.

    A latch takes the lock of all acts, and an enrolment takes that lock after its stream's: who
    stores for several gateways locks their streams before.
    """
    connection.execute(
        "SELECT FROM stream WHERE gateway = ANY(%s) ORDER BY gateway, epoch FOR UPDATE",
        (sorted(gateways),),
    )


def lock_stream(connection: Connection, gateway: str, epoch: int) -> Stream | None:
    """The stream's row, locked until the transaction ends."""
    row = connection.execute(
        "SELECT id, committed, head, state, boot_counter, boot_nonce, plan_incarnation,"
        " plan_version, EXISTS (SELECT 1 FROM device WHERE name = stream.gateway)"
        " FROM stream WHERE gateway = %s AND epoch = %s FOR UPDATE",
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
        is_device=row[8],
    )


def head_at(connection: Connection, stream: Stream, seq: int) -> bytes | None:
    """The stored head after record `seq`; inside a batch it is computed from the stored bytes.

    None within a gap, of which no bytes are stored.
    """
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
    if body is None:
        return None
    for after in heads(head, bytes(body[0]).split(b"\n")[: seq - last]):
        head = after
    return head


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
            *columns([(r.seq - writes.first, r.type, r.at, r.verdict) for r in writes.records], 4),
        ),
    )
    ids = _write_items(connection, known, writes.items, batch)
    _write_claims(connection, stream, writes, batch, ids)
    _write_refusals(connection, stream, writes, now)
    if writes.groups:
        _write_groups(connection, writes)
    if writes.judged or writes.waiting:
        _write_waiting(connection, stream, writes, batch)
    if writes.next_key is not None:
        _change_key(connection, stream, writes.next_key)
    if writes.spans:
        _write_spans(connection, stream, writes, now)
    if writes.sightings:
        _write_sightings(connection, stream, writes, batch)
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
    " %b::text[], %b::bool[], %b::bool[], %b::bool[], %b::bool[], %b::text[], %b::text[],"
    " %b::text[]) AS w (uii, component, elements, order_code, space, number, serial, state,"
    " read_ok, remark, quarantined, duplicated, basis, readback, sample)"
)
_INSERT_ITEMS = " ".join(
    (
        "INSERT INTO item (uii, component, elements, order_code, space, number, serial, state,",
        "read_ok, remark, quarantined, duplicated, basis, readback, sample, changed, disputed)",
        "SELECT w.*, %s,",
        "EXISTS (SELECT FROM disputed_mark d WHERE d.uii = w.uii AND d.found <> 'one') FROM",
        _ITEMS,
        "ON CONFLICT DO NOTHING RETURNING uii, component, id",
    )
)
_UPDATE_ITEMS = " ".join(
    (
        "UPDATE item SET state = w.state, read_ok = w.read_ok, remark = w.remark,",
        "quarantined = w.quarantined, duplicated = w.duplicated, basis = w.basis,",
        "readback = w.readback, sample = w.sample, changed = %s FROM",
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
            values = columns([_item_row(items[key]) for key in keys], 15)
            for uii, component, item in connection.execute(statement, (batch, *values)).fetchall():
                ids[uii, component] = item
    if len(ids) < len(items):
        raise JudgedTooEarly
    return ids


def _item_row(item: Item) -> tuple[Any, ...]:
    return (
        *(item.uii, item.component, item.elements, item.order, item.space, item.number),
        *(item.serial, item.state, item.read_ok, item.remark, item.quarantined),
        *(item.duplicated, item.basis, item.readback, item.sample),
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
                columns(missing, 2),
            ).fetchall()
        }
    if writes.claims:
        connection.execute(
            "INSERT INTO claim (batch, stream, seq, position, item, pos, order_code, space,"
            " number, fresh, quantity, station) SELECT %s, %s, * FROM unnest(%b::bigint[],"
            " %b::int[], %b::bigint[], %b::int[], %b::text[], %b::text[], %b::bigint[],"
            " %b::bool[], %b::bigint[], %b::text[])",
            (
                *(batch, stream.id),
                *columns(
                    [
                        (
                            *(c.seq, c.position, ids[c.item], c.seq - writes.first),
                            *(c.order, c.space, c.number, c.fresh, c.quantity, c.station),
                        )
                        for c in writes.claims
                    ],
                    10,
                ),
            ),
        )
    here = [(key, by.seq) for key, by in writes.about if by[:2] == _name(stream)]
    if here:
        connection.execute(
            "INSERT INTO about (batch, item, pos)"
            " SELECT %s, * FROM unnest(%b::bigint[], %b::int[])",
            (batch, *columns([(ids[key], seq - writes.first) for key, seq in here], 2)),
        )
    late = [(ids[key], *by) for key, by in writes.about if by[:2] != _name(stream)]
    if late:
        connection.execute(
            "INSERT INTO about (item, batch, pos) SELECT w.item, b.id, w.seq - b.first"
            " FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::bigint[])"
            "   AS w (item, gateway, epoch, seq)"
            " JOIN stream s ON s.gateway = w.gateway AND s.epoch = w.epoch"
            " JOIN batch b ON b.stream = s.id AND b.first <= w.seq AND b.last >= w.seq"
            " ON CONFLICT DO NOTHING",
            columns(late, 4),
        )


def _name(stream: Stream) -> tuple[str, int]:
    return (stream.gateway, stream.epoch)


def _write_groups(connection: Connection, writes: Writes) -> None:
    connection.execute(
        "INSERT INTO sample_group (id, stream, station, order_code, size, seq, position, state)"
        " SELECT w.id, s.id, w.station, w.order_code, w.size, w.seq, w.position, w.state"
        " FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::int[],"
        "  %b::bigint[], %b::int[], %b::text[])"
        "   AS w (id, gateway, epoch, station, order_code, size, seq, position, state)"
        " JOIN stream s ON s.gateway = w.gateway AND s.epoch = w.epoch ORDER BY w.id"
        " ON CONFLICT (id) DO UPDATE SET size = excluded.size, seq = excluded.seq,"
        " position = excluded.position, state = excluded.state",
        columns(
            [
                (g.id, g.gateway, g.epoch, g.station, g.order, g.size, g.seq, g.position, g.state)
                for g in writes.groups.values()
            ],
            9,
        ),
    )


def _write_waiting(connection: Connection, stream: Stream, writes: Writes, batch: int) -> None:
    for of in writes.judged:
        connection.execute(
            "DELETE FROM waiting USING stream s WHERE s.id = waiting.stream"
            " AND s.gateway = %s AND s.epoch = %s AND waiting.seq = %s",
            tuple(of),
        )
    for by, one in writes.waiting.items():
        if by[:2] != _name(stream):
            connection.execute(
                "UPDATE waiting SET heard = %s FROM stream s WHERE s.id = waiting.stream"
                " AND s.gateway = %s AND s.epoch = %s AND waiting.seq = %s",
                (one.heard, *by),
            )
            continue
        connection.execute(
            "INSERT INTO waiting (stream, seq, batch, of_gateway, of_epoch, of_seq, of_position,"
            " heard) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (stream.id, by.seq, batch, *one.of, one.heard),
        )


def _write_refusals(connection: Connection, stream: Stream, writes: Writes, now: datetime) -> None:
    if writes.refused:
        connection.execute(
            "INSERT INTO refusal (stream, seq, code, detail)"
            " SELECT %s, * FROM unnest(%b::bigint[], %b::text[], %b::text[])",
            (stream.id, *columns([(r.seq, r.code, r.detail) for r in writes.refused], 3)),
        )
    for again in writes.rejudged:
        connection.execute(
            "UPDATE refusal SET code = %s, detail = %s FROM stream s WHERE s.id = refusal.stream"
            " AND s.gateway = %s AND s.epoch = %s AND refusal.seq = %s",
            (again.code, again.detail, *again.of),
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


def _write_spans(connection: Connection, stream: Stream, writes: Writes, now: datetime) -> None:
    """Numbers that this database forgot in a restore: never to be issued again."""
    for span in writes.spans:
        connection.execute(
            "INSERT INTO block (id, space, span, stream, plan_incarnation, plan_version, issued)"
            " SELECT %s, n.name, int8range(%s, %s), %s, %s, %s, %s FROM number_space n"
            " WHERE n.name = %s ON CONFLICT DO NOTHING",
            (span.block, span.start, span.end + 1, stream.id, *span.plan, now, span.space),
        )


def _write_sightings(connection: Connection, stream: Stream, writes: Writes, batch: int) -> None:
    """Keep sightings of numbers that were issued, not those of another maker's marks."""
    for each in writes.sightings:
        number = _NUMBER.search(each.serial)
        if number is None:
            continue
        for block, order, body in connection.execute(
            "SELECT b.id, b.order_code, p.body FROM block b JOIN stream s ON s.id = b.stream"
            " JOIN plan p ON p.gateway = s.gateway AND p.incarnation = b.plan_incarnation"
            " AND p.version = b.plan_version WHERE b.span @> %s::int8",
            (int(number[0]),),
        ).fetchall():
            given = decoded_plan(bytes(body)).order(order or "")
            if given is not None and given.names(int(number[0]), each.uii):
                connection.execute(
                    "INSERT INTO sighting (stream, seq, position, batch, block, number)"
                    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (stream.id, each.seq, each.position, batch, block, int(number[0])),
                )
