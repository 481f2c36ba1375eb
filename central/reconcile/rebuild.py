"""The whole register once more, from its acts, its signed plans and its batches alone.

Everything is written into an empty schema by the same code that wrote it at first, compared with
the register row by row, and thrown away: it is one transaction that is rolled back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection as Psycopg
from sqlalchemy import Connection, text

from central import db, schema
from central.errors import GjurmaError
from central.ingest import ingest_acts, rules, salvage, store
from central.ingest.facts import PlanKeys, Received, Suffix, Unjudged
from central.keys import plan_keys
from central.plan.store import decoded
from central.reconcile.projections import PROJECTIONS
from central.register.acts import CARRIED_OVER, Act
from gateway.contract.batch import Batch, BatchHeader, heads
from gateway.contract.errors import SignatureInvalid
from gateway.contract.plan import CentralKey
from gateway.contract.signed import Signed
from gateway.contract.topics import Boot

AGAIN = "gjurma_rebuilt"
MOST = 100
"""So many rows that differ are named."""

SOURCES = frozenset({"act", "evidence"})
"""What is read and not rebuilt: acts, and messages that are no batch. So are signed plans, but for
those that a batch brought."""
VOLATILE = frozenset(
    {"gateway_state", "credential", "answered", "delivery", "delivery_attempt"}
    | {"watched", "concluded", "seen", "second_factor"}
)
"""Health, secrets, answers that are given again, word that was sent, how far the watch has looked
and scans were judged, and where sessions were seen: no state of the register."""

# A row as JSON. Identities that rolled-back transactions used up are not compared: what they stand
# for is.
_WHOLE = "to_jsonb(t)"
_ROWS: Mapping[str, tuple[str, str]] = {
    "item": ("to_jsonb(t) - 'id'", ""),
    "claim": (
        "to_jsonb(t) - 'item' || jsonb_build_object('uii', i.uii, 'component', i.component)",
        "JOIN {schema}.item i ON i.id = t.item",
    ),
    "about": (
        "to_jsonb(t) - 'item' || jsonb_build_object('uii', i.uii, 'component', i.component)",
        "JOIN {schema}.item i ON i.id = t.item",
    ),
    "batch": ("to_jsonb(t) - 'leaf_base'", ""),  # given by the log, later
    # What a person shows at the line is in no act; its proof is.
    "person": (
        """to_jsonb(t) - 'badge' - 'pin' || jsonb_build_object('proof', CASE WHEN badge = ''
        THEN proof ELSE encode(sha256(convert_to(badge || pin, 'UTF8')), 'hex') END)""",
        "",
    ),
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "item": ("uii", "component"),
    "about": ("uii", "component", "batch", "pos"),
}


@dataclass(frozen=True)
class Difference:
    """One row that the register holds and its sources do not give, or the other way round.

    `columns` maps each that differs to (as it stands, as it ought to be).
    """

    table: str
    key: str
    found: bool
    rebuilt: bool
    columns: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        where = f"{self.table} {self.key}"
        if not self.rebuilt:
            return f"{where}: no act and no batch gives it"
        if not self.found:
            return f"{where}: it is missing"
        told = (f"{name} is {a!r}, ought to be {b!r}" for name, (a, b) in self.columns.items())
        return f"{where}: " + "; ".join(told)


@dataclass(frozen=True)
class Rebuilt:
    """`differences`: the first hundred."""

    acts: int
    plans: int
    batches: int
    tables: int
    rows: int
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        return not self.differences


class SourceUnusable(GjurmaError):
    """An act or a batch that the code which wrote it does not take any more."""

    code = "source-unusable"


def rebuild(connection: Connection, keys: tuple[CentralKey, ...]) -> Rebuilt:
    """Within the caller's REPEATABLE READ transaction, as the database's owner; who rolls it back.

    `keys`: what a batch brings is a plan where its key is among them. Raises `SourceUnusable`.
    """
    tables = rebuilt_tables()
    _empty_schema(connection, tables)
    acts = _repeat_acts(connection)
    plans = _repeat_plans(connection)
    batches = _repeat_batches(connection, plan_keys(keys))
    rows = sum(
        connection.execute(
            text(f"SELECT count(*) FROM public.{name}")  # noqa: S608 - a table of our own
        ).scalar_one()
        for name in tables
    )
    found: list[Difference] = []
    for name in tables:
        found += _differences(connection, name, MOST - len(found))
    return Rebuilt(acts, plans, batches, len(tables), rows, tuple(found))


def rebuilt_tables() -> list[str]:
    """Return the tables that are rebuilt, each after those that it refers to."""
    return [
        table.name
        for table in schema.metadata.sorted_tables
        if table.name not in SOURCES | VOLATILE
    ]


def differs(connection: Connection, name: str) -> bool:
    """Whether a rebuilt table is not as the register's."""
    return bool(_differences(connection, name, 1))


def drop_rebuilt(connection: Connection) -> None:
    """Throw away what was rebuilt; the transaction goes on with the register's own tables."""
    connection.execute(text(f"DROP SCHEMA {AGAIN} CASCADE"))
    connection.execute(text("SET LOCAL search_path TO public"))


def _empty_schema(connection: Connection, tables: list[str]) -> None:
    """Without references between tables: they are filled in another order than at first."""
    connection.execute(text(f"CREATE SCHEMA {AGAIN}"))
    for name in tables:
        connection.execute(text(f"CREATE TABLE {AGAIN}.{name} (LIKE public.{name} INCLUDING ALL)"))
    connection.execute(text(f"SET LOCAL search_path TO {AGAIN}, public"))


def _repeat_acts(connection: Connection) -> int:
    """From the first that says everything."""
    count = 0
    rows = connection.execute(
        text(
            "SELECT id, at, subject, key, what, payload, reason FROM public.act WHERE id >="
            " (SELECT min(id) FROM public.act WHERE subject = 'register' AND what = :carried)"
            " ORDER BY id"
        ),
        {"carried": CARRIED_OVER},
    )
    for row in rows.all():
        act = Act(**row._mapping)
        try:
            PROJECTIONS[act.subject].project(connection, act)
        except (GjurmaError, KeyError) as error:
            raise SourceUnusable(f"act {act.id} ({act.subject} {act.key}): {error}") from error
        count += 1
    return count


def _repeat_plans(connection: Connection) -> int:
    """Blocks begin with the first plan that names them; a space goes on after its last.

    Where that plan was brought, they begin with the batch that brought it.
    """
    connection.execute(
        text(f"INSERT INTO {AGAIN}.plan SELECT * FROM public.plan WHERE NOT brought")  # noqa: S608 - a name of our own
    )
    count = 0
    brought: set[str] = set()
    for row in connection.execute(
        text(
            "SELECT p.body, p.signed, p.brought, s.id AS stream FROM public.plan p JOIN stream s"
            " ON s.gateway = p.gateway AND s.epoch = p.epoch"
            " ORDER BY p.gateway, p.incarnation, p.version, p.brought"
        )
    ).all():
        plan = decoded(bytes(row.body))
        names = {block.id for block in plan.blocks}
        if row.brought:
            held = connection.execute(
                text("SELECT id FROM block WHERE id = ANY(:names)"), {"names": sorted(names)}
            )
            brought |= names - set(held.scalars())
            continue
        for block in plan.blocks:
            if block.id in brought:
                continue
            connection.execute(
                text(
                    "INSERT INTO block (id, space, span, stream, order_code, plan_incarnation,"
                    " plan_version, issued) VALUES (:id, :space, int8range(:start, :end), :stream,"
                    " :order, :incarnation, :version, :issued) ON CONFLICT (id) DO NOTHING"
                ),
                {
                    "id": block.id,
                    "space": block.space,
                    "start": block.start,
                    "end": block.end + 1,
                    "stream": row.stream,
                    "order": block.order,
                    "incarnation": plan.incarnation,
                    "version": plan.version,
                    "issued": row.signed,
                },
            )
        count += 1
    connection.execute(
        text(
            "UPDATE number_space n SET next = greatest(next,"
            " (SELECT max(upper(span)) FROM block WHERE space = n.name))"
        )
    )
    return count


def _repeat_batches(connection: Connection, keys: PlanKeys) -> int:
    """In the order of their ids, which is the order in which they were judged.

    An epoch that has ended since was live when its batches came.
    """
    ended = connection.execute(
        text("SELECT id, state, ended FROM stream WHERE state <> 'live'")
    ).all()
    connection.execute(text("UPDATE stream SET state = 'live'"))
    driver = connection.connection.driver_connection
    assert isinstance(driver, Psycopg)
    unjudged = ingest_acts.unjudged_batches(driver)
    count = 0
    for row in _stored(connection):
        aside = unjudged.get((row.gateway, row.epoch, row.first))
        try:
            _repeat_batch(driver, row, keys, aside)
        except Exception as error:
            if isinstance(error, SourceUnusable) or db.may_pass(error):
                raise
            which = f"batch {row.id} ({row.gateway} epoch {row.epoch} record {row.first})"
            raise SourceUnusable(f"{which}: {type(error).__name__}: {error}") from error
        count += 1
        if count & (count - 1) == 0:
            # Nobody else sees these tables and gathers what is in them: without that they would be
            # taken for as small as they began, and read from end to end for each batch.
            connection.execute(text("ANALYZE about, batch, claim, item, record, sample_group"))
    for stream in ended:
        connection.execute(
            text("UPDATE stream SET state = :state, ended = :ended WHERE id = :id"),
            stream._asdict(),
        )
    return count


def _stored(connection: Connection) -> Iterator[Any]:
    last = 0
    while True:
        rows = connection.execute(
            text(
                "SELECT b.*, s.gateway, s.epoch FROM public.batch b JOIN stream s"
                " ON s.id = b.stream WHERE b.id > :last ORDER BY b.id LIMIT 200"
            ),
            {"last": last},
        ).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _repeat_batch(
    driver: Psycopg[Any], row: Any, keys: PlanKeys, unjudged: Unjudged | None
) -> None:
    stream = store.lock_stream(driver, row.gateway, row.epoch)
    assert stream is not None
    if row.first > stream.committed + 1:
        gap = salvage.gaps(driver, row.gateway, row.epoch).get(stream.committed + 1)
        stream = stream if gap is None else salvage.after_gap(stream, gap)
    header = BatchHeader.from_line(bytes(row.header))
    lines = tuple(bytes(row.body).split(b"\n"))
    # What overlapped an earlier batch was not stored again; the signed header begins before it.
    before = row.first - header.first
    chain = tuple(heads(stream.head, lines))
    if row.first != stream.committed + 1 or chain[-1] != bytes(row.head):
        raise SourceUnusable(f"batch {row.id} does not follow what came before it")
    records, faults = rules.decode_lines(row.first, lines)
    signed = Signed("batch", bytes(row.header), row.key_id, bytes(row.sig), b"")
    try:
        signed.verify({key.id: key.public for key in stream.keys}.get)
    except SignatureInvalid as error:
        raise SourceUnusable(f"batch {row.id}: {error}") from error
    received = Received(
        payload=b"",
        batch=Batch(header, signed, (b"",) * before + lines),
        boot=Boot.parse(header.boot),
        chain=(b"",) * before + chain,
        records=(None,) * before + records,
        faults=("",) * before + faults,
    )
    driver.execute(
        "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", (f"{AGAIN}.batch", row.id)
    )
    store.take_in(driver, stream, received, Suffix(before), row.received, keys, unjudged)


def _differences(connection: Connection, name: str, most: int) -> list[Difference]:
    if most <= 0:
        return []
    row, join = _ROWS.get(name, (_WHOLE, ""))

    def rows(where: str) -> str:
        joined = join.format(schema=where)
        return f"SELECT {row} AS row FROM {where}.{name} t {joined}"  # noqa: S608 - our own names

    key = _KEYS.get(name) or tuple(c.name for c in schema.metadata.tables[name].primary_key)

    def beyond(one: str, other: str) -> dict[str, dict[str, Any]]:
        query = f"({rows(one)} EXCEPT ALL {rows(other)}) LIMIT {most}"
        return {
            "/".join(str(found[part]) for part in key): found
            for found in connection.execute(text(query)).scalars()
        }

    here, there = beyond("public", AGAIN), beyond(AGAIN, "public")
    return [
        Difference(
            table=name,
            key=each,
            found=each in here,
            rebuilt=each in there,
            columns={
                column: (value, there[each][column])
                for column, value in here.get(each, {}).items()
                if each in there and there[each][column] != value
            },
        )
        for each in sorted(here.keys() | there.keys())[:most]
    ]
