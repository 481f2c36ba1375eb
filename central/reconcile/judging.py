"""Judges batches that ingest has kept unjudged, each at its place.

What a batch gives depends on those before it, and those after it depend on it. So the register is
rebuilt with them judged, and what differs then is taken over. It all happens in one transaction;
ingest and acts wait for it.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from psycopg import Connection as Psycopg
from sqlalchemy import Connection, text

from central import schema
from central.errors import GjurmaError
from central.ingest import ingest_acts, store
from central.plan import doubts
from central.reconcile.rebuild import (
    AGAIN,
    Difference,
    differs,
    drop_rebuilt,
    rebuild,
    rebuilt_tables,
)
from central.register.acts import Why, Work
from central.register.gateways.projection import GATEWAY, JUDGED
from gateway.contract.plan import CentralKey

_SCANS_FROM = text(
    "UPDATE concluded c SET seq = least(c.seq, :first - 1) FROM stream s"
    " WHERE s.id = c.stream AND s.gateway = :gateway AND s.epoch = :epoch"
)
"""The scans of a line in that batch become events now; none becomes one twice."""
# Rows name an item by an id that a rebuilt one does not have.
_OF_ITEMS = ("claim", "about")


@dataclass(frozen=True)
class Batch:
    """A batch that was judged; `first` is its first record."""

    gateway: str
    epoch: int
    first: int

    def __str__(self) -> str:
        return f"{self.gateway} epoch {self.epoch} record {self.first}"


class RegisterDiffers(GjurmaError):
    """The register is not what its sources give, so that nothing can be judged again in it."""

    code = "register-differs"


def judge_again(work: Work, reason: str, keys: tuple[CentralKey, ...]) -> list[Batch]:
    """Judge all that is unjudged, as the database's owner, in a REPEATABLE READ transaction in
    which nothing was read yet. Raises `RegisterDiffers`, and `SourceUnusable` where a batch still
    cannot be judged; the transaction is of no use then."""
    connection = work.connection
    # Ingest locks a stream before all else, so that it waits here and holds nothing.
    connection.execute(text("LOCK TABLE stream IN EXCLUSIVE MODE"))
    driver = connection.connection.driver_connection
    assert isinstance(driver, Psycopg)
    batches = [Batch(*key) for key in ingest_acts.unjudged_batches(driver)]
    if not batches:
        return []
    before = rebuild(connection, keys).differences
    if before:
        raise RegisterDiffers(_told(before))
    drop_rebuilt(connection)
    for batch in batches:
        payload = {"epoch": batch.epoch, "first": batch.first}
        gateways = [batch.gateway]
        work.act(GATEWAY, batch.gateway, JUDGED, payload, why=Why(reason), gateways=gateways)
    rebuild(connection, keys)
    _take_over(connection)
    drop_rebuilt(connection)
    for batch in batches:
        connection.execute(_SCANS_FROM, asdict(batch))
        stream = store.lock_stream(driver, batch.gateway, batch.epoch)
        assert stream is not None
        # Where its journal forked.
        ingest_acts.dispute(driver, stream, (), reason, datetime.now(UTC))
    for gateway, epoch in sorted({(batch.gateway, batch.epoch) for batch in batches}):
        doubts.enter_of_ended(work, gateway, epoch)
    return batches


def _told(differences: tuple[Difference, ...]) -> str:
    return f"{len(differences)} rows, such as {differences[0]}; see rebuild"


def _take_over(connection: Connection) -> None:
    names = [name for name in rebuilt_tables() if differs(connection, name)]
    for name in names:
        columns = _columns(name)
        key = _key(name)
        told = ", ".join(columns)
        others = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
        changes = f"UPDATE SET {others}" if others else "NOTHING"
        rebuilt = _rows(name)
        connection.execute(
            text(
                f"INSERT INTO public.{name} ({told})"  # noqa: S608 - our own names
                f" ({rebuilt} EXCEPT SELECT {told} FROM public.{name})"
                f" ON CONFLICT ({', '.join(key)}) DO {changes}"
            )
        )
    for name in reversed(names):
        key = _key(name)
        same = " AND ".join(f"r.{column} = t.{column}" for column in key)
        connection.execute(
            text(
                f"DELETE FROM public.{name} t WHERE NOT EXISTS"  # noqa: S608 - our own names
                f" (SELECT FROM ({_rows(name)}) r WHERE {same})"
            )
        )


def _columns(name: str) -> list[str]:
    table = schema.metadata.tables[name]
    return [column.name for column in table.columns if (name, column.name) != ("item", "id")]


def _key(name: str) -> list[str]:
    if name == "item":
        return ["uii", "component"]
    return [column.name for column in schema.metadata.tables[name].primary_key]


def _rows(name: str) -> str:
    """The rebuilt rows of a table, with the ids that the register's items have."""
    if name not in _OF_ITEMS:
        return f"SELECT {', '.join(_columns(name))} FROM {AGAIN}.{name}"  # noqa: S608 - our own
    columns = ", ".join("p.id AS item" if c == "item" else f"t.{c}" for c in _columns(name))
    return (
        f"SELECT {columns} FROM {AGAIN}.{name} t JOIN {AGAIN}.item i ON i.id = t.item"  # noqa: S608
        " JOIN public.item p ON p.uii = i.uii AND p.component = i.component"
    )
