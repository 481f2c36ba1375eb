"""The salvage file: a signed manifest and batches in order; whatever else is refused."""

import pytest

from gateway.contract.batch import BatchHeader, encode_batch, first_head, heads
from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.salvage import Manifest, Span, decode_salvage, encode_salvage
from gateway.contract.signed import SigningKey

GATEWAY = "gramsh.line-2"
KEY = SigningKey.from_bytes(bytes(32))
LINES = [b"record %d" % seq for seq in range(1, 10)]
HEADS = [first_head(GATEWAY, 3), *heads(first_head(GATEWAY, 3), LINES)]


def batch(first: int, last: int, **more: object) -> bytes:
    header = BatchHeader.model_validate(
        {
            "gateway": GATEWAY,
            "epoch": 3,
            "boot": "1-0123456789abcdef",
            "first": first,
            "last": last,
            "prev": HEADS[first - 1].hex(),
            "head": HEADS[last].hex(),
        }
        | more
    )
    return encode_batch(header, LINES[first - 1 : last], KEY)


def manifest(after: int = 2) -> Manifest:
    return Manifest(gateway=GATEWAY, epoch=3, after=after, missing=(Span(first=5, last=6),))


def test_what_was_written_is_read() -> None:
    batches = [batch(3, 4), batch(7, 9)]
    found = decode_salvage(encode_salvage(manifest(), batches, KEY))
    assert found.manifest == manifest()
    assert [content for content, _ in found.batches] == batches
    found.signed.verify({KEY.id: KEY.public}.get)
    assert [record for _, each in found.batches for record in each.records] == [
        *LINES[2:4],
        *LINES[6:9],
    ]


def test_a_file_without_records_names_what_is_missing() -> None:
    found = decode_salvage(encode_salvage(manifest(), [], KEY))
    assert (found.batches, found.manifest.missing) == ((), (Span(first=5, last=6),))


def test_a_manifest_that_was_changed_is_not_signed() -> None:
    content = encode_salvage(manifest(), [batch(3, 4)], KEY)
    found = decode_salvage(content.replace(b'"last":6', b'"last":5'))
    with pytest.raises(SignatureInvalid):
        found.signed.verify({KEY.id: KEY.public}.get)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing of ours",
        encode_salvage(manifest(), [batch(7, 9), batch(3, 4)], KEY),
        encode_salvage(manifest(), [batch(3, 4), batch(4, 5)], KEY),
        encode_salvage(manifest(4), [batch(3, 4)], KEY),
        encode_salvage(manifest(), [batch(3, 4, epoch=4)], KEY),
        encode_salvage(manifest(), [batch(3, 4, gateway="gramsh.line-1")], KEY),
        encode_salvage(manifest(), [batch(3, 4)], KEY) + b"\nmore",
        encode_salvage(manifest(), [batch(3, 4)], KEY).rpartition(b"\n")[0],
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ContractError):
        decode_salvage(content)
