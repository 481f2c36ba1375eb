"""The salvage file: what a damaged journal still proves, for an officer to bring to the register.

One signed message: the manifest's line and its signature, then one batch after another, each as on
the wire. A single record carries no signature, so each run of records is signed again as a batch,
by the epoch's own key or, where that is lost, by the key of a later epoch of the same gateway.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contract.batch import Batch, BatchHeader, decode_batch
from gateway.contract.encoding import Count, GatewayName, Message, Seq, Version
from gateway.contract.errors import ContractError
from gateway.contract.signed import Signed, SigningKey, sign, take_apart


class Span(Message):
    """Records `first` to `last`, both included."""

    first: Seq
    last: Seq


class Manifest(Message):
    """The first line of a salvage file. `missing`: records that were journalled and not proved."""

    v: Version = 1
    gateway: GatewayName
    epoch: Seq
    after: Count
    """The last record that is left out, since the register has confirmed it."""
    missing: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Salvage:
    """A salvage file taken apart; no signature and no chain has been checked yet."""

    manifest: Manifest
    signed: Signed
    batches: tuple[tuple[bytes, Batch], ...]
    """Each with its bytes."""


def encode_salvage(manifest: Manifest, batches: Sequence[bytes], key: SigningKey) -> bytes:
    """The file's content; `batches` are payloads of `encode_batch`, by their first record."""
    return b"\n".join((sign("salvage", manifest.line(), key), *batches))


def decode_salvage(payload: bytes) -> Salvage:
    """Take a file apart; raises `ContractError`."""
    signed = take_apart("salvage", payload)
    manifest = Manifest.from_line(signed.line)
    lines = signed.rest.split(b"\n") if signed.rest else []
    batches: list[tuple[bytes, Batch]] = []
    following = manifest.after + 1
    while lines:
        header = BatchHeader.from_line(lines[0])
        if (header.gateway, header.epoch) != (manifest.gateway, manifest.epoch):
            raise ContractError("a batch is of another journal than the manifest")
        if header.first < following or header.last < header.first:
            raise ContractError(f"record {header.first} follows record {following - 1}")
        size = header.last - header.first + 3
        content = b"\n".join(lines[:size])
        batches.append((content, decode_batch(content)))
        following, lines = header.last + 1, lines[size:]
    return Salvage(manifest, signed, tuple(batches))
