"""Salvaged records: what a damaged journal of an epoch that has ended still proved.

An officer brings the file. Each run of records is judged as the epoch's own, by the same law as a
batch from the wire, and the act names the records that are missing between them. The register never
takes a record twice: what it holds is compared and left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from psycopg import Connection as Psycopg
from pydantic import BaseModel

from central.errors import Conflict, NotFound, Refused
from central.ingest import ingest_acts, rules, store
from central.ingest.database import Connection
from central.ingest.facts import Evidence, PlanKeys, Received, Stream, Suffix
from central.ingest.intake import insist
from central.register.acts import Why, Work
from central.register.gateways.projection import GATEWAY, SALVAGED
from central.register.gateways.service import sharing
from central.register.numbers import service as numbers
from central.said import said
from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.salvage import Salvage, Span, decode_salvage

LARGEST = 64 * 1024 * 1024
"""Bytes of a salvage file over HTTP."""


class Salvaged(BaseModel):
    """The result of a salvage. `records` are new, `known` were in the register before."""

    gateway: str
    epoch: int
    records: int
    known: int
    missing: tuple[Span, ...]
    """Records that were journalled, and that the file does not prove."""


@dataclass(frozen=True)
class Gap:
    """Records `first` to `last` are missing; `head` is the chain's after the last of them."""

    first: int
    last: int
    head: bytes


def gaps(connection: Connection, gateway: str, epoch: int) -> Mapping[int, Gap]:
    """The gaps that officers have entered, by their first record."""
    return {
        gap["first"]: Gap(gap["first"], gap["last"], bytes.fromhex(gap["head"]))
        for (payload,) in _acts(connection, gateway, epoch)
        for gap in payload["gaps"]
    }


def _acts(connection: Connection, gateway: str, epoch: int) -> list[tuple[dict[str, Any]]]:
    return cast(
        "list[tuple[dict[str, Any]]]",
        connection.execute(
            "SELECT payload FROM act WHERE subject = %s AND key = %s AND what = %s"
            " AND payload->>'epoch' = %s ORDER BY id",
            (GATEWAY.name, gateway, SALVAGED, str(epoch)),
        ).fetchall(),
    )


def after_gap(stream: Stream, gap: Gap) -> Stream:
    """The stream once a gap is entered: it goes on with the record after it."""
    return replace(stream, committed=gap.last, head=gap.head)


def take(work: Work, payload: bytes, reason: str, plan_keys: PlanKeys) -> Salvaged:
    """Take a salvage file in, whole or not at all; the same file again changes nothing.

    Raises `Refused`, `NotFound` or `Conflict`.
    """
    try:
        found = decode_salvage(payload)
    except ContractError as error:
        raise Refused(said("the salvage file cannot be read: {fault}", fault=str(error))) from error
    with work.connection.begin_nested():
        return _Taking(work, found, plan_keys).run(reason)


class _Taking:
    def __init__(self, work: Work, found: Salvage, plan_keys: PlanKeys) -> None:
        self._work, self._found, self._plan_keys = work, found, plan_keys
        driver = work.connection.connection.driver_connection
        assert isinstance(driver, Psycopg)
        self._connection: Connection = driver
        self._now = datetime.now(UTC)
        manifest = found.manifest
        self._gateway, self._epoch = manifest.gateway, manifest.epoch
        self._stream = self._ended()
        self._public = self._keys()
        self._gaps: list[Gap] = []
        self._signed: dict[str, tuple[int, int]] = {}
        """First and last record signed, by the key of a later epoch."""
        self._new = self._known = 0

    def run(self, reason: str) -> Salvaged:
        manifest, committed = self._found.manifest, self._stream.committed
        if manifest.after > committed:
            raise Conflict(
                said(
                    "the file begins after record {after} and the register holds {committed}:"
                    " salvage again with --after {committed}",
                    after=manifest.after,
                    committed=committed,
                )
            )
        received = [self._proved(content) for content, _ in self._found.batches]
        self._verify(self._found.signed.verify)
        for each in received:
            self._one(each)
        ingest_acts.dispute(self._connection, self._stream, (), reason, self._now)
        former = _acts(self._connection, self._gateway, self._epoch)
        missing = [span.model_dump() for span in self._found.manifest.missing]
        if self._new or not former:
            self._act(missing, reason)
        return Salvaged(
            gateway=self._gateway,
            epoch=self._epoch,
            records=self._new,
            known=self._known,
            missing=self._found.manifest.missing,
        )

    def _ended(self) -> Stream:
        stream = store.lock_stream(self._connection, self._gateway, self._epoch)
        if stream is None:
            raise NotFound(
                said(
                    "{gateway} has no epoch {epoch} here", gateway=self._gateway, epoch=self._epoch
                )
            )
        later = self._connection.execute(
            "SELECT 1 FROM stream WHERE gateway = %s AND epoch > %s", (self._gateway, self._epoch)
        ).fetchone()
        if later is None:
            raise Conflict(
                said(
                    "epoch {epoch} of {gateway} has not ended: enrol the gateway again first",
                    gateway=self._gateway,
                    epoch=self._epoch,
                )
            )
        return stream

    def _keys(self) -> Mapping[str, bytes]:
        """The keys of this epoch and of later ones: a key may be lost with its journal."""
        rows = self._connection.execute(
            "SELECT k.key_id, k.public FROM stream_key k JOIN stream s ON s.id = k.stream"
            " WHERE s.gateway = %s AND s.epoch >= %s",
            (self._gateway, self._epoch),
        ).fetchall()
        return {name: bytes(public) for name, public in rows}

    def _verify(self, verify: Any) -> None:
        try:
            verify(self._public.get)
        except SignatureInvalid as error:
            raise Refused(
                said("no key of this epoch or of a later one has signed the salvage file")
            ) from error

    def _proved(self, content: bytes) -> Received:
        received = rules.examine(self._gateway, content)
        if isinstance(received, Evidence):
            raise Refused(
                said("the salvage file cannot be read: {fault}", fault=str(received.detail))
            )
        self._verify(received.batch.signed.verify)
        return received

    def _one(self, received: Received) -> None:
        header, stream = received.batch.header, self._stream
        self._fills_no_gap(header.first, header.last)
        if header.first > stream.committed + 1:
            gap = Gap(stream.committed + 1, header.first - 1, bytes.fromhex(header.prev))
            self._gaps.append(gap)
            stream = after_gap(stream, gap)
        held = min(header.last, stream.committed)
        if self._head_of(received, held) != store.head_at(self._connection, stream, held):
            raise Conflict(
                said(
                    "the register holds another record {seq} of epoch {epoch} of {gateway}",
                    seq=held,
                    epoch=self._epoch,
                    gateway=self._gateway,
                )
            )
        self._known += held - header.first + 1
        if header.last <= stream.committed:
            return
        first = stream.committed + 1
        signer = received.batch.signed.key_id
        if signer not in {key.id for key in stream.keys}:
            begun, _ = self._signed.get(signer, (first, 0))
            self._signed[signer] = (begun, header.last)
        self._store(stream, received, Suffix(first - header.first))
        self._new += header.last - first + 1
        self._stream = cast(
            "Stream", store.lock_stream(self._connection, self._gateway, self._epoch)
        )

    def _store(self, stream: Stream, received: Received, suffix: Suffix) -> None:
        """Take a run of records in as ingest does a batch: unjudged where it cannot be judged."""
        taken = (self._connection, stream, received, suffix, self._now, self._plan_keys)

        def attempt(fault: str) -> None:
            with self._connection.transaction():
                if fault:
                    store.set_aside(*taken, fault)
                else:
                    store.take_in(*taken)

        insist(attempt, nested=True)

    def _fills_no_gap(self, first: int, last: int) -> None:
        """Refuse records of a gap: what follows it was judged without them."""
        for gap in gaps(self._connection, self._gateway, self._epoch).values():
            if first <= gap.last and last >= gap.first:
                raise Conflict(
                    said(
                        "records {first} to {last} were entered as missing, and others after them",
                        first=gap.first,
                        last=gap.last,
                    )
                )

    def _head_of(self, received: Received, seq: int) -> bytes:
        header = received.batch.header
        if seq < header.first:
            return bytes.fromhex(header.prev)
        return received.chain[seq - header.first]

    def _act(self, missing: Sequence[Mapping[str, int]], reason: str) -> None:
        """Enter what is missing, the gaps, and the keys that signed beside the epoch's own."""
        self._work.act(
            GATEWAY,
            self._gateway,
            SALVAGED,
            {
                "epoch": self._epoch,
                "records": self._new,
                "missing": list(missing),
                "gaps": [
                    {"first": gap.first, "last": gap.last, "head": gap.head.hex()}
                    for gap in self._gaps
                ],
                "keys": [
                    {"public": self._public[name].hex(), "first": first, "last": last}
                    for name, (first, last) in self._signed.items()
                ],
                # Of blocks that a restored register heard of just now, by an `accepted`.
                "losses": numbers.unclaimed(
                    self._work.connection, self._stream.id, never_lost=True
                ),
            },
            why=Why(reason),
            gateways=sharing(self._work.connection, self._gateway),
        )
