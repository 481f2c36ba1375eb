"""Follows each stream's records in their order, and turns those that scan into events.

How far it has come is kept in the transaction of the events themselves: ended anywhere, it goes on
with the first record that none was made of.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from central import db
from central.config import Config
from central.following import follow
from central.said import said
from central.scans.concluding import conclude, named, refuse, source_of
from central.scans.meaning import PURPOSES, SCANS, NoEvent, Scanned, codes_of
from gateway.contract.errors import ContractError
from gateway.contract.record import Observed, Record, decode_record

log = logging.getLogger("central.scans")
CHANNELS = ("gjurma_live",)
ONLY_ONE = 0x7363616E  # the advisory lock of the one process that does it
WAIT_S = 0.5
EVERY = 10
"""Without a word from the database it looks once in so many waits."""
AT_ONCE = 25
"""Scans in one transaction: acts of others wait for it."""

_BEHIND = text(
    "SELECT s.id, s.gateway, s.epoch FROM stream s LEFT JOIN concluded c ON c.stream = s.id"
    " WHERE s.committed > coalesce(c.seq, 0) ORDER BY s.id"
)
_BEGIN = text("INSERT INTO concluded VALUES (:stream, 0) ON CONFLICT DO NOTHING")
_FROM = text(
    "SELECT c.seq, s.committed FROM concluded c JOIN stream s ON s.id = c.stream"
    " WHERE c.stream = :stream FOR UPDATE OF c"
)
_RECORDS = text(
    "SELECT b.id, r.pos, b.first + r.pos AS seq, r.verdict FROM batch b"
    " JOIN record r ON r.batch = b.id"
    " WHERE b.stream = :stream AND b.last > :seq AND b.first + r.pos > :seq"
    " AND b.first <= :committed"
    " AND NOT EXISTS (SELECT 1 FROM scan k WHERE k.gateway = :gateway AND k.epoch = :epoch"
    "  AND k.seq = b.first + r.pos)"
    " AND (r.type = ANY(:types) AND r.verdict = 'ok' OR :device AND r.verdict <> 'ok')"
    " ORDER BY b.first, r.pos LIMIT :most"
)
_BODIES = text("SELECT id, body FROM batch WHERE id = ANY(:batches)")
_UP_TO = text("UPDATE concluded SET seq = :seq WHERE stream = :stream")


@dataclass(frozen=True)
class Behind:
    """A stream with records that were not looked at."""

    id: int
    gateway: str
    epoch: int


class Scans:
    """Runs until `stop`. A second one waits until the first is gone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._engine = db.make_engine(config)
        self._failing: set[int] = set()
        """Streams whose scans cannot be concluded."""
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        """Give the connections to the database back."""
        self._engine.dispose()

    def run(self) -> None:
        """Work until `stop`, through losses of the database."""
        try:
            follow(
                self._config,
                self._follow,
                only_one=ONLY_ONE,
                channels=CHANNELS,
                stopping=self._stopping,
                log=log,
                meanwhile="scans become no events",
            )
        finally:
            self.close()

    def _follow(self, listener: psycopg.Connection[Any]) -> None:
        quiet = EVERY
        while not self._stopping.is_set():
            if quiet >= EVERY:
                self.catch_up()
                quiet = 0
            # Taken to the end: leaving early would lose what came in the same packet.
            heard = [None for _ in listener.notifies(timeout=WAIT_S, stop_after=1)]
            quiet = EVERY if heard else quiet + 1

    def catch_up(self) -> None:
        """Conclude the records of every stream that is behind, some of each in turn."""
        failed: set[int] = set()
        while not self._stopping.is_set():
            with self._engine.connect() as connection:
                behind = _behind(connection)
            left = [stream for stream in behind if stream.id not in failed]
            if not left:
                return
            for stream in left:
                if self._stopping.is_set():
                    return
                if not self._try(stream):
                    failed.add(stream.id)

    def _try(self, stream: Behind) -> bool:
        """Conclude some of its records; return whether it can go on. Where two transactions took
        the same rows in another order, the next look finds them again. A stream that fails holds up
        no other, and is tried again at the next call of `catch_up`."""
        try:
            with self._engine.begin() as connection:
                go_on(connection, stream)
        except Exception as error:
            if db.collided(error):
                return True
            if db.is_away(error):
                raise
            if stream.id not in self._failing:
                log.exception("%s: its scans become no events", stream.gateway)
            self._failing.add(stream.id)
            return False
        self._failing.discard(stream.id)
        return True


def _behind(connection: Connection) -> list[Behind]:
    return [Behind(*row) for row in connection.execute(_BEHIND)]


def go_on(connection: Connection, stream: Behind) -> None:
    """The next records of a stream, in one transaction with how far that is."""
    source = source_of(connection, stream.gateway, stream.epoch)
    connection.execute(_BEGIN, {"stream": stream.id})
    done, committed = connection.execute(_FROM, {"stream": stream.id}).one()
    rows = connection.execute(
        _RECORDS,
        {
            "stream": stream.id,
            "gateway": stream.gateway,
            "epoch": stream.epoch,
            "seq": done,
            "committed": committed,
            "types": list(SCANS),
            "device": source.is_device,
            "most": AT_ONCE,
        },
    ).all()
    batches = {row.id for row in rows}
    lines = {
        row.id: bytes(row.body).split(b"\n")
        for row in connection.execute(_BODIES, {"batches": sorted(batches)})
    }
    records = [_decoded(lines[row.id][row.pos]) for row in rows]
    # Once for all of them: no event changes what a code names.
    codes = {code for record in records if isinstance(record, Scanned) for code in codes_of(record)}
    names = named(connection, codes, source.entity)
    for row, record in zip(rows, records, strict=True):
        if row.verdict != "ok":
            why = NoEvent(row.verdict, said("the record was refused: see the receipt"))
            refuse(connection, source, row.seq, record, why)
        elif isinstance(record, Scanned) and (source.is_device or _is_scan(record)):
            conclude(connection, source, row.seq, record, names)
    upto = rows[-1].seq if len(rows) == AT_ONCE else committed
    connection.execute(_UP_TO, {"stream": stream.id, "seq": upto})


def _decoded(line: bytes) -> Record | None:
    try:
        return decode_record(line)
    except ContractError:
        return None


def _is_scan(record: Scanned) -> bool:
    """A gateway also tells of codes that came before its reader by themselves."""
    return not isinstance(record, Observed) or record.purpose in PURPOSES
