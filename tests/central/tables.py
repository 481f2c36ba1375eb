"""The register's rows in one form, whether they lie in memory or in PostgreSQL.

    assert differences(of_register(register), of_database(connection)) == []

Ids and times that a database gives are left out: rows name each other as records do, by gateway,
epoch and seq.
"""

from typing import Any

from central.ingest.database import Connection
from tests.central.memory import Register

Tables = dict[str, list[tuple[Any, ...]]]
"""By table's name, its rows in order."""


def differences(ours: Tables, theirs: Tables) -> list[str]:
    """A line for each row that stands on one side only."""
    found = []
    for name in sorted(ours.keys() | theirs.keys()):
        left, right = list(ours.get(name, [])), list(theirs.get(name, []))
        for row in ours.get(name, []):
            if row in right:
                left.remove(row)
                right.remove(row)
        found += [f"{name}: only here {row}" for row in left]
        found += [f"{name}: only there {row}" for row in right]
    return found


def of_register(register: Register) -> Tables:
    """What a register in memory holds."""
    held = register.held
    boots = {name: stream.boot for name, stream in register.streams.items()}
    disputed = register.disputed_uiis()
    tables: Tables = {
        "stream": [
            (
                *(*name, stream.committed, stream.head, stream.state, register.previous[name]),
                *((None, None) if (boot := boots[name]) is None else (boot.counter, boot.nonce)),
                *(stream.plan or (None, None)),
            )
            for name, stream in register.streams.items()
        ],
        "stream_key": [
            (*name, key.id, key.public, key.from_seq, key.to_seq)
            for name, stream in register.streams.items()
            for key in stream.keys
        ],
        "batch": [
            (*b.stream, b.first, b.last, b.head, b.header, b.key_id, b.sig, b.body)
            for b in register.batches
        ],
        "record": [(*key, row.type, row.at, row.verdict) for key, row in register.rows.items()],
        "item": [
            (
                *(item.uii, item.component, item.elements, item.state, item.read_ok),
                *(item.remark, item.quarantined, item.duplicated, item.basis, item.order),
                *(item.space, item.number, item.serial, item.readback, item.sample),
                *(item.uii in disputed, *register.changed[item.key]),
            )
            for item in held.items.values()
        ],
        "claim": [
            (
                *(*key, *claim.item, claim.order, claim.space, claim.number, claim.fresh),
                *(claim.quantity, claim.station),
            )
            for key, claim in held.claims.items()
        ],
        "about": [(*item, *key) for item, key in register.about],
        "refusal": [
            (*key, told.code, told.detail, told.resolved) for key, told in held.refused.items()
        ],
        "waiting": [(*key, *one.of, one.heard) for key, one in held.waiting.items()],
        "sample_group": [
            (
                *(g.id, g.gateway, g.epoch, g.station, g.order),
                *(g.size, g.seq, g.position, g.state),
            )
            for g in held.groups.values()
        ],
        "disputed_mark": [
            (
                *(*name, m.seq, m.position, m.held, m.uii, m.component, m.serial),
                *(m.order, m.station, m.space, m.number),
            )
            for name, marks in register.disputed.items()
            for m in marks
        ],
        "evidence": [(e.gateway, e.reason, e.detail, e.payload) for e in register.evidence],
        "plan": [
            (gateway, *which, epochs[gateway, which].epoch, body, brought)
            for plans, epochs, brought in (
                (register.plans, held.plans, False),
                (register.brought, held.brought, True),
            )
            for (gateway, which), body in plans.items()
        ],
        "block": [
            (b.id, b.space, b.start, b.end, *b.stream, b.order, *b.plan)
            for b in register.blocks.values()
        ],
        "loss": list(register.losses),
        "gateway_state": [
            (
                *(gateway, s.epoch, s.boot.counter, s.boot.nonce, s.online),
                *(s.plan or (None, None)),
                *(s.seq, s.latches, s.committed),
            )
            for gateway, s in register.states.items()
        ],
        "setting": [
            ("incarnation", str(register.incarnation)),
            ("restored", "true" if register.restored else "false"),
            *([] if register.older is None else [("older", register.older)]),
        ],
    }
    return {name: _sorted(rows) for name, rows in tables.items()}


_QUERIES = {
    "stream": "SELECT gateway, epoch, committed, head, state, previous_head, boot_counter,"
    " boot_nonce, plan_incarnation, plan_version FROM stream",
    "stream_key": "SELECT s.gateway, s.epoch, key_id, public, from_seq, to_seq FROM stream_key k"
    " JOIN stream s ON s.id = k.stream",
    "batch": "SELECT s.gateway, s.epoch, first, last, b.head, header, key_id, sig, body"
    " FROM batch b JOIN stream s ON s.id = b.stream",
    "record": "SELECT s.gateway, s.epoch, b.first + r.pos, type, at, verdict FROM record r"
    " JOIN batch b ON b.id = r.batch JOIN stream s ON s.id = b.stream",
    "item": "SELECT uii, component, elements, i.state, read_ok, remark, quarantined, duplicated,"
    " basis, order_code, space, number, serial, readback, sample, disputed, s.gateway,"
    " s.epoch, b.first"
    " FROM item i JOIN batch b ON b.id = i.changed JOIN stream s ON s.id = b.stream",
    "claim": "SELECT s.gateway, s.epoch, c.seq, c.position, i.uii, i.component, c.order_code,"
    " c.space, c.number, c.fresh, c.quantity, c.station FROM claim c"
    " JOIN stream s ON s.id = c.stream"
    " JOIN item i ON i.id = c.item JOIN batch b ON b.id = c.batch"
    "  AND b.stream = c.stream AND b.first + c.pos = c.seq",
    "about": "SELECT i.uii, i.component, s.gateway, s.epoch, b.first + a.pos FROM about a"
    " JOIN item i ON i.id = a.item JOIN batch b ON b.id = a.batch"
    " JOIN stream s ON s.id = b.stream",
    "refusal": "SELECT s.gateway, s.epoch, seq, code, detail, resolved IS NOT NULL FROM refusal r"
    " JOIN stream s ON s.id = r.stream",
    "waiting": "SELECT s.gateway, s.epoch, w.seq, of_gateway, of_epoch, of_seq, of_position, heard"
    " FROM waiting w JOIN stream s ON s.id = w.stream JOIN batch b ON b.id = w.batch"
    "  AND b.stream = w.stream AND w.seq BETWEEN b.first AND b.last",
    "sample_group": "SELECT g.id, s.gateway, s.epoch, station, order_code, size, seq, position,"
    " g.state FROM sample_group g JOIN stream s ON s.id = g.stream",
    "disputed_mark": "SELECT s.gateway, s.epoch, seq, position, held, uii, component, serial,"
    " order_code, station, space, number FROM disputed_mark d JOIN stream s ON s.id = d.stream",
    "evidence": "SELECT gateway, reason, detail, bytes FROM evidence",
    "plan": "SELECT gateway, incarnation, version, epoch, body, brought FROM plan",
    "block": "SELECT b.id, space, lower(span), upper(span) - 1, s.gateway, s.epoch, order_code,"
    " b.plan_incarnation, b.plan_version FROM block b JOIN stream s ON s.id = b.stream",
    "loss": "SELECT block, lower(span), upper(span) - 1 FROM loss",
    "gateway_state": "SELECT gateway, epoch, boot_counter, boot_nonce, online, plan_incarnation,"
    " plan_version, seq, latches, committed FROM gateway_state",
    "setting": "SELECT name, value FROM setting",
}


def of_database(connection: Connection) -> Tables:
    """What PostgreSQL holds, read in the caller's transaction."""
    return {
        name: _sorted([tuple(map(_plain, row)) for row in connection.execute(query).fetchall()])
        for name, query in _QUERIES.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    return tuple(value) if isinstance(value, list) else value


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row])
