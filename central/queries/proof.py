"""What proves a record, computed anew from the stored bytes: step by step, each with what it found.

Nothing is taken from what was concluded when the batch came in: hashes and signatures are worked
out here, by what the gateway's key signed and by what lies on either side of the batch.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection, select

from central import schema
from central.errors import NotFound
from central.queries.models import Answer, RecordKey
from central.queries.records import (
    Place,
    StoredBatch,
    StreamKey,
    batches,
    heads_before,
    is_chained,
    is_signed,
    keys_of,
    place_of,
)
from central.register.subject import no_such
from gateway.contract.batch import BatchHeader, heads
from gateway.contract.errors import ContractError
from gateway.contract.signed import key_id

StepCode = Literal[
    "stored", "decodes", "chained", "header", "key", "signed", "before", "began", "after"
]
Outcome = Literal["holds", "fails", "open"]


class ProofStep(Answer):
    """One thing that was computed. `open`: nothing speaks for it or against it yet."""

    code: StepCode
    outcome: Outcome
    found: Annotated[
        dict[str, str], Field(description="what was computed and compared, by what it is")
    ]


class Proof(Answer):
    """All steps, in the order in which each rests on those before."""

    record: RecordKey
    batch: int
    computed: datetime
    holds: Annotated[bool, Field(description="no step fails")]
    steps: list[ProofStep]


def prove(connection: Connection, key: RecordKey) -> Proof:
    """Raises `NotFound` where the register does not hold the record."""
    place = place_of(connection, key)
    if place is None:
        raise NotFound(no_such("record", f"{key.gateway}/{key.epoch}/{key.seq}"))
    number, _ = place
    batch = batches(connection, [number])[number]
    steps = [
        *_of_record(batch, place),
        *_of_batch(connection, batch),
        *_of_neighbours(connection, batch),
    ]
    return Proof(
        record=key,
        batch=number,
        computed=datetime.now(UTC),
        holds=all(step.outcome != "fails" for step in steps),
        steps=steps,
    )


def _step(code: StepCode, holds: bool | None, **found: object) -> ProofStep:
    outcome: Outcome = "open" if holds is None else "holds" if holds else "fails"
    told = {name: str(value) for name, value in found.items() if value not in (None, "")}
    return ProofStep(code=code, outcome=outcome, found=told)


def _of_record(batch: StoredBatch, place: Place) -> Iterator[ProofStep]:
    """Its bytes are there, and say which record they are."""
    _, pos = place
    line = batch.lines[pos] if pos < len(batch.lines) else b""
    sha256 = hashlib.sha256(line).hexdigest()
    count = f"{pos + 1} / {len(batch.lines)}"
    yield _step("stored", bool(line), batch=batch.id, line=count, bytes=len(line), sha256=sha256)
    record = batch.record(pos)
    expected = batch.first + pos
    said = None if record is None else record.seq
    yield _step("decodes", said == expected, number=expected, said=said)


def _of_batch(connection: Connection, batch: StoredBatch) -> Iterator[ProofStep]:
    """Its lines lead to a head, a header says that head, and a key that was good signed it."""
    before = heads_before(connection, {batch.id: batch}).get(batch.id)
    reached = None
    if before is not None:
        *_, reached = (before, *heads(before, batch.lines))
    yield _step(
        "chained",
        is_chained(batch, before),
        records=f"{batch.first}–{batch.last}",
        from_head=_hex(before),
        computed=_hex(reached),
        stored=batch.head.hex(),
    )
    header = _header(batch)
    ours = (batch.gateway, batch.epoch, batch.last, batch.head.hex())
    theirs = None if header is None else (header.gateway, header.epoch, header.last, header.head)
    said = "" if header is None else f"{header.gateway}/{header.epoch}/{header.last}"
    head = None if header is None else header.head
    yield _step("header", theirs == ours, names=said, head=head)
    key = keys_of(connection, [batch.stream]).get((batch.stream, batch.key_id))
    public = None if key is None else key.public
    span = None if key is None else f"{key.first}–{key.last or '…'}"
    good = _is_good(key, batch)
    yield _step("key", good, key=batch.key_id, public=_hex(public), valid=span)
    signature = batch.sig.hex()
    yield _step("signed", is_signed(batch, public), key=batch.key_id, signature=signature)


def _of_neighbours(connection: Connection, batch: StoredBatch) -> Iterator[ProofStep]:
    """What was signed before it and after it holds it in its place."""
    if batch.first == 1:
        yield _beginning(connection, batch)
    else:
        former = _at(connection, batch.stream, batch.first - 1)
        holds = former is not None and former.last == batch.first - 1
        holds = holds and former is not None and _is_signed(connection, former)
        number = None if former is None else former.id
        head = None if former is None else former.head.hex()
        yield _step("before", holds, batch=number, head=head)
    later = _at(connection, batch.stream, batch.last + 1)
    if later is None:
        yield _step("after", None)
        return
    signed = _is_signed(connection, later)
    begins = is_chained(later, batch.head)
    yield _step("after", signed and begins, batch=later.id, head=batch.head.hex())


def _beginning(connection: Connection, batch: StoredBatch) -> ProofStep:
    """An epoch begins from the last head that the register had of the one before."""
    table, bodies = schema.stream, schema.batch
    told = connection.execute(
        select(table.c.previous_head).where(table.c.id == batch.stream)
    ).scalar_one()
    newest = connection.execute(
        select(bodies.c.id)
        .join(table, table.c.id == bodies.c.stream)
        .where(table.c.gateway == batch.gateway, table.c.epoch == batch.epoch - 1)
        .order_by(bodies.c.last.desc())
        .limit(1)
    ).scalar_one_or_none()
    if newest is None:
        return _step("began", bytes(told) == bytes(32), epoch=batch.epoch, head=bytes(32).hex())
    former = batches(connection, [newest])[newest]
    holds = bytes(told) == former.head and _is_signed(connection, former)
    return _step("began", holds, epoch=batch.epoch, batch=former.id, head=former.head.hex())


def _at(connection: Connection, stream: int, seq: int) -> StoredBatch | None:
    """The batch of this stream in which the record lies."""
    table = schema.batch
    found = connection.execute(
        select(table.c.id, table.c.last)
        .where(table.c.stream == stream, table.c.first <= seq)
        .order_by(table.c.first.desc())
        .limit(1)
    ).one_or_none()
    if found is None or found.last < seq:
        return None
    return batches(connection, [found.id])[found.id]


def _is_signed(connection: Connection, batch: StoredBatch) -> bool:
    """By a key of its own that was good for it, over the head that it is stored with."""
    key = keys_of(connection, [batch.stream]).get((batch.stream, batch.key_id))
    return _is_good(key, batch) and key is not None and is_signed(batch, key.public)


def _is_good(key: StreamKey | None, batch: StoredBatch) -> bool:
    return key is not None and key_id(key.public) == batch.key_id and key.is_good_for(batch)


def _header(batch: StoredBatch) -> BatchHeader | None:
    try:
        return BatchHeader.from_line(batch.header)
    except ContractError:
        return None


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
