"""The hash chain over records, and the batch that carries a run of them.

`head(n) = SHA-256(head(n-1) ‖ SHA-256(record n))`; heads are 32 raw bytes when hashed and
lower-case hex in JSON. The batch's signature covers the header, the header commits to the
records through `prev` and `head`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from gateway.contract.encoding import Count, GatewayName, Hex32, Message, Seq, Version
from gateway.contract.errors import ChainBroken, ContractError
from gateway.contract.signed import Signed, SigningKey, sign, take_apart

MAX_RECORDS = 500
MAX_BYTES = 256 * 1024
NO_HEAD = bytes(32)


def first_head(gateway: str, epoch: int, previous: bytes = NO_HEAD) -> bytes:
    """`head(0)` of an epoch; `previous` is central's last head of the epoch before."""
    return hashlib.sha256(
        b"gjurma/v1/epoch\n" + gateway.encode() + b"\n" + str(epoch).encode() + b"\n" + previous
    ).digest()


def next_head(head: bytes, record: bytes) -> bytes:
    """The head after one more record; `record` is its encoded bytes."""
    return hashlib.sha256(head + hashlib.sha256(record).digest()).digest()


def heads(head: bytes, records: Iterable[bytes]) -> Iterator[bytes]:
    """The head after each of the records in turn."""
    for record in records:
        head = next_head(head, record)
        yield head


class BatchHeader(Message):
    """Which records of which stream, and the heads before and after them."""

    v: Version = 1
    gateway: GatewayName
    epoch: Seq
    boot: str
    first: Seq
    last: Seq
    prev: Hex32
    head: Hex32
    incarnation: Count | None = None
    """The register's newest incarnation that the sender has heard of; absent from older senders."""
    plans: Annotated[tuple[str, ...], Field(max_length=MAX_RECORDS)] | None = None
    """The plans that these records accept and that an earlier incarnation issued, as signed."""


@dataclass(frozen=True)
class Batch:
    """A batch taken apart. Its signature is checked by `signed.verify`, its chain by `check`."""

    header: BatchHeader
    signed: Signed
    records: tuple[bytes, ...]

    def check(self) -> tuple[bytes, ...]:
        """The head after each record; raises `ChainBroken` unless they lead from prev to head."""
        chain = tuple(heads(bytes.fromhex(self.header.prev), self.records))
        if chain[-1].hex() != self.header.head:
            raise ChainBroken("the records do not lead from the batch's prev to its head")
        return chain


def encode_batch(header: BatchHeader, records: Sequence[bytes], key: SigningKey) -> bytes:
    """The payload: header line, signature line, one line a record; no line feed at the end."""
    return b"\n".join((sign("batch", header.line(), key), *records))


def decode_batch(payload: bytes) -> Batch:
    """Take a payload apart; raises `ContractError`. Records are not decoded here."""
    signed = take_apart("batch", payload)
    header = BatchHeader.from_line(signed.line)
    records = tuple(signed.rest.split(b"\n")) if signed.rest else ()
    if header.last < header.first or len(records) != header.last - header.first + 1:
        raise ContractError(
            f"the header announces records {header.first} to {header.last}, {len(records)} follow"
        )
    return Batch(header, signed, records)


def body_of(records: Sequence[bytes]) -> bytes:
    """Record lines as they are sent and stored."""
    return b"\n".join(records)
