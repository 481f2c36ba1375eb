"""A batch on its way in, by whichever wire it came: judged, stored, and then answered."""

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from psycopg import errors as pg

from central import db
from central.ingest import receipts, rules, store
from central.ingest.database import Connection
from central.ingest.facts import Evidence, Key, PlanKeys, Received
from gateway.contract.batch import MAX_RECORDS, Batch, decode_batch
from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot

log = logging.getLogger("central.ingest")
ATTEMPTS = 5
"""So often a batch fails before it counts as one that cannot be judged."""
PAUSE_S = (0.01, 0.5)
_OTHER_SCHEMA = (
    *(pg.UndefinedColumn, pg.UndefinedTable, pg.UndefinedFunction, pg.DatatypeMismatch),
    *(pg.NotNullViolation, pg.InsufficientPrivilege),
)
"""During an upgrade the tables may be those of another version: no batch is to blame."""
T = TypeVar("T")


def take(
    connection: Connection,
    gateway: str,
    payload: bytes,
    now: datetime,
    plan_keys: PlanKeys,
    fault: str = "",
) -> tuple[int, str] | None:
    """Store what came from a gateway; returns the (epoch, boot) to answer with a receipt.

    `fault`: why it cannot be judged; it is kept unjudged then.
    """
    received = rules.examine(gateway, payload)
    if isinstance(received, Received):
        outcome = store.receive(connection, received, now, plan_keys, fault)
    else:
        outcome = received
        store.keep(connection, outcome, now)
    if isinstance(outcome, Evidence):
        log.warning("%s: kept as evidence: %s: %s", gateway, outcome.reason, outcome.detail)
        if not outcome.answer:
            return None
    assert isinstance(received, Received)
    return received.batch.header.epoch, received.batch.header.boot


def alone(
    connection: Connection, work: Callable[[str], T], sender: Callable[[], str], payload: bytes
) -> T | None:
    """Do it in a transaction of its own, as `insist` calls it.

    What cannot even be kept unjudged becomes evidence, and None is returned. Raises what says that
    the database is away.
    """

    def attempt(fault: str) -> T:
        with connection.transaction():
            return work(fault)

    try:
        return insist(attempt)
    except Exception as error:
        if db.is_away(error):
            raise
        log.exception("not stored, kept as evidence")
        gateway = sender()
        evidence = Evidence(gateway, "not-stored", db.described(error), payload, answer=False)
        with connection.transaction():
            store.keep(connection, evidence, datetime.now(UTC))
        return None


def insist(
    work: Callable[[str], T],
    pause: Callable[[float], None] = time.sleep,
    *,
    nested: bool = False,
) -> T:
    """Call `work` with "" until it succeeds; from the fifth failure on with that fault.

    A transaction that another one has broken off is begun again, and counts as no failure. Where
    `work` is `nested` in one, that error is raised: the locks of the outer one would stay. Raises
    what `work` raises with a fault, and what says that the database is away or that its tables are
    another version's.
    """
    fault, failures = "", 0
    for attempt in count():
        try:
            return work(fault)
        except Exception as error:
            if not db.collided(error):
                if fault or db.is_away(error) or isinstance(error, _OTHER_SCHEMA):
                    raise
                failures += 1
                if failures == ATTEMPTS:
                    log.exception("a batch cannot be judged; it is kept unjudged")
                    fault = db.described(error)
            elif nested:
                raise
        least, most = PAUSE_S
        pause(min(least * 2.0**attempt, most) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
    raise AssertionError


def unproved(payload: bytes) -> Batch:
    """A batch as it says it is. Raises `ContractError`."""
    batch = decode_batch(payload)
    Boot.parse(batch.header.boot)
    if len(batch.records) > MAX_RECORDS:
        raise ContractError(f"{len(batch.records)} records; a batch has at most {MAX_RECORDS}")
    return batch


def prove(connection: Connection, batch: Batch) -> None:
    """That a key of its stream signed it, its records included; nothing is kept or locked.

    Raises `SignatureInvalid`, also where there is no such stream, or `ChainBroken`.
    """
    header = batch.header
    rows = connection.execute(
        "SELECT key_id, public, from_seq, to_seq FROM stream_key k JOIN stream s ON s.id = k.stream"
        " WHERE s.gateway = %s AND s.epoch = %s",
        (header.gateway, header.epoch),
    ).fetchall()
    keys = (Key(key, bytes(public), start, end) for key, public, start, end in rows)
    try:
        batch.signed.verify(rules.keys_of(keys, header).get)
    except SignatureInvalid as error:
        raise SignatureInvalid("no key that is valid there signed it") from error
    batch.check()


def answer(
    connection: Connection, key: SigningKey, plan_keys: PlanKeys, batch: Batch, payload: bytes
) -> bytes | None:
    """Store a batch that is signed, then answer it: its receipt. None: it is evidence alone."""
    gateway = batch.header.gateway

    def work(fault: str) -> bytes | None:
        now = datetime.now(UTC)
        asked = take(connection, gateway, payload, now, plan_keys, fault)
        if asked is None:
            return None
        return receipts.signed_receipt(connection, key, gateway, *asked, now)

    return alone(connection, work, lambda: gateway, payload)
