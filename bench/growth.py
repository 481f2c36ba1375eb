"""What is written into a register of full size: batches, against a small one; a file, against COPY.

All of it is rolled back, so that the register is the same for the next round.
"""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection

from bench.grown import Register
from bench.measure import Measurement
from central import keys
from central.generate import ground, stock
from central.generate.cast import LINES
from central.generate.marks import Site, Stream
from central.generate.past import Past
from central.generate.rows import Rows
from central.generate.schedule import Run, cut
from central.ingest import rules, store
from central.ingest.facts import Received, Suffix
from central.register.acts import By, Work
from central.register.imports import service as imports
from central.register.numbers import service as numbers
from central.register.orders import service as orders
from central.register.orders.models import NewOrder

GATEWAY = "bench.line-9"
SEED = 7


def ingest_of(full: Register, small: Register, batches: int, rounds: int) -> Measurement:
    """The same batches into both, but for their numbers."""
    found = Measurement("register-ingest", "Ingest into a grown register", "records/s", "higher")
    limit = f"at {small.told['marks']:,} marks"
    for turn in range(rounds):
        rates = {}
        for register in (small, full) if turn % 2 else (full, small):
            rates[register.folder] = _ingest(register, batches)
        found.add(limit, rates[small.folder])
        found.add(f"at {full.told['marks']:,} marks", rates[full.folder], against=(limit,))
    found.notes += [
        "4 trays of 10 parts a batch, each part read back; the store called directly, one worker",
        "one transaction a round, rolled back: no commit is in it",
    ]
    return found


def _ingest(register: Register, batches: int) -> float:
    """Records a second, by the clock."""
    with _undone(register) as connection:
        run, stream, payload = _order(register, connection, batches)
        sent = _batches(run, stream, payload)
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        now, records = datetime.now(UTC), 0
        began = time.perf_counter()
        for each in sent:
            received = rules.examine(GATEWAY, each)
            assert isinstance(received, Received)
            outcome = store.receive(driver, received, now, {})
            assert isinstance(outcome, Suffix), outcome
            records += len(received.records)
        seconds = time.perf_counter() - began
        refused = driver.execute("SELECT count(*) FROM refusal WHERE stream = %s", (stream,))
        assert refused.fetchone() == (0,)
    return records / seconds


@contextmanager
def _undone(register: Register) -> Iterator[Connection]:
    with register.engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


def _order(register: Register, connection: Connection, batches: int) -> tuple[Run, int, bytes]:
    """A gateway of its own, enrolled, with an order that is released and a signed plan of it."""
    known = next(line for line in LINES if line.product.code == "ASH78")
    line = replace(known, gateways=(GATEWAY,), trays=4)
    now = datetime.now(UTC).replace(microsecond=0)
    work = Past(connection, By.program("bench"), at=now, basis="a measurement")
    ground.enrol(work, SEED, GATEWAY)
    start = numbers.following(connection, [line.space])[line.space]
    whole = Run(line, GATEWAY, 1, batches * line.trays, start, now, timedelta(minutes=1))
    run = cut([whole], first_batch=1)[0]
    asked = NewOrder(
        code=run.code,
        product=line.product.code,
        quantity=run.parts,
        gateways=(GATEWAY,),
        job="1",
        licence=f"L-{line.maker}",
        lot=run.lot,
        verify=line.verify,
        tray=line.tray,
    )
    orders.enter(work, asked)
    orders.release(work, run.code, ground.APPROVED)
    signing = keys.load(register.config.keys.dir, "plan")
    public = keys.load_public(register.config.keys.dir)
    payload = ground.signed_plan(run, ground.incarnation(connection), signing, public)
    ground.issue(connection, run, payload, now)
    return run, ground.streams(connection)[GATEWAY], payload


def _batches(run: Run, stream: int, plan: bytes) -> list[bytes]:
    """As the gateway would send them; what would follow from them is thrown away."""
    site, rows = Stream(SEED, Site(GATEWAY, stream, ((run, plan),)), amiss=False), Rows()
    for batch in run.batches:
        site.make(0, batch.id, rows)
    found = []
    for row in rows.batches:
        header, key, signature, body = row[5:9]
        proof = key.encode() + b" " + base64.b64encode(signature)
        found.append(b"\n".join((header, proof, body)))
    return found


_FLOOR = ("article", "legacy")


def import_of(register: Register, rows: int, rounds: int) -> Measurement:
    """The file's rows by the application, and the same rows by COPY."""
    found = Measurement("register-import", f"A file of {rows:,} rows", "rows/s", "higher")
    content = stock.file(rows, series="BENCH")
    bare = "bare COPY of the rows of both tables"
    for _ in range(rounds):
        with _undone(register) as connection:
            work = Past(
                connection, By.program("bench"), at=datetime.now(UTC), basis="a measurement"
            )

            @contextmanager
            def transactions(work: Work = work) -> Iterator[Work]:
                yield work

            asked = stock.asked("IMP-BENCH")
            began = time.perf_counter()
            state = imports.run(transactions, asked, content)
            seconds = time.perf_counter() - began
            assert state.imported == rows
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            found.add(bare, rows / _copied(driver))
        found.add("import", rows / seconds, against=(bare,))
    found.notes.append("the file as bytes; all portions in one transaction, rolled back")
    return found


def _copied(driver: psycopg.Connection[Any]) -> float:
    """Seconds for what the import brought, into tables with the same indexes."""
    seconds = 0.0
    for name in _FLOOR:
        query = f"SELECT t.* FROM {name} t JOIN legacy l USING (code) WHERE l.import_number = %s"  # noqa: S608
        cursor = driver.execute(query.encode(), ("IMP-BENCH",))
        rows = cursor.fetchall()
        described = cursor.description
        assert described is not None
        table = f"floor_{name}"
        driver.execute(f"CREATE TEMP TABLE {table} (LIKE {name} INCLUDING ALL)".encode())
        began = time.perf_counter()
        with (
            driver.cursor() as into,
            into.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types([each.type_code for each in described])
            for row in rows:
                copy.write_row(row)
        seconds += time.perf_counter() - began
        driver.execute(f"DROP TABLE {table}".encode())
    return seconds
