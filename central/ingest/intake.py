"""A batch on its way in, by whichever wire it came: judged, stored, and then answered."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
from psycopg import errors as pg

from central.ingest import receipts, rules, store
from central.ingest.database import Connection
from central.ingest.facts import Evidence, Key, Received
from gateway.contract.batch import MAX_RECORDS, Batch, decode_batch
from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot

log = logging.getLogger("central.ingest")
T = TypeVar("T")


def take(
    connection: Connection, gateway: str, payload: bytes, now: datetime
) -> tuple[int, str] | None:
    """Store what came from a gateway; returns the (epoch, boot) to answer with a receipt."""
    received = rules.examine(gateway, payload)
    if isinstance(received, Received):
        outcome = store.receive(connection, received, now)
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
    connection: Connection, work: Callable[[], T], sender: Callable[[], str], payload: bytes
) -> T | None:
    """Do it in a transaction of its own, again where it collided with another.

    What the rules or PostgreSQL stumble over becomes evidence, and None is returned: neither its
    sender's next attempt nor the other senders may wait behind it.
    """
    while True:
        try:
            with connection.transaction():
                return work()
        except (pg.DeadlockDetected, pg.SerializationFailure, store.JudgedTooEarly):
            continue
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:
            log.exception("not stored, kept as evidence")
            fault = f"{type(error).__name__}: {error}"
            gateway = sender()
            evidence = Evidence(gateway, "not-stored", fault, payload, answer=False)
            with connection.transaction():
                store.keep(connection, evidence, datetime.now(UTC))
            return None


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


def answer(connection: Connection, key: SigningKey, batch: Batch, payload: bytes) -> bytes | None:
    """Store a batch that is signed, then answer it: its receipt. None: it is evidence alone."""
    gateway = batch.header.gateway

    def work() -> bytes | None:
        now = datetime.now(UTC)
        asked = take(connection, gateway, payload, now)
        if asked is None:
            return None
        return receipts.signed_receipt(connection, key, gateway, *asked, now)

    return alone(connection, work, lambda: gateway, payload)
