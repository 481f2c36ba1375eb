"""The hash chain and the batch: heads by an independent reading, and every byte guarded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.batch import (
    NO_HEAD,
    Batch,
    BatchHeader,
    body_of,
    decode_batch,
    encode_batch,
    first_head,
    heads,
    next_head,
)
from gateway.contract.errors import ChainBroken, ContractError, SignatureInvalid
from gateway.contract.plan import decode_plan
from gateway.contract.record import Accepted, decode_record
from gateway.contract.signed import SigningKey
from tests.contract import strategies as own
from tests.contract.wire import (
    BATCHES,
    PLANS,
    RECORDS,
    SignedVector,
    literal_heads,
    objects,
)

KEY = BATCHES[0].key
GATEWAY = "gramsh.line-2"


def accept(payload: bytes) -> Batch:
    """What a reader does with a batch: take apart, verify, check the chain."""
    batch = decode_batch(payload)
    batch.signed.verify(BATCHES[0].known_key)
    batch.check()
    return batch


def test_golden_heads() -> None:
    """The file, the formula read literally, and `gateway.contract` agree, each with the other."""
    first, second = objects("heads.jsonl")
    expected = literal_heads(GATEWAY, 1, bytes(32), RECORDS)
    assert first["heads"] == expected
    start = first_head(GATEWAY, 1)
    assert start == first_head(GATEWAY, 1, NO_HEAD)
    assert [start.hex(), *(head.hex() for head in heads(start, RECORDS))] == expected
    assert second["heads"] == literal_heads(GATEWAY, 2, bytes.fromhex(expected[-1]), [])
    assert first_head(GATEWAY, 2, bytes.fromhex(expected[-1])).hex() == second["heads"][0]


def test_the_first_head_tells_gateways_epochs_and_pasts_apart() -> None:
    assert len(
        {
            first_head("a.b", 1),
            first_head("a.b", 11),
            first_head("a.b1", 1),
            first_head("a.b", 1, b"\x01" * 32),
        }
    ) == 4  # fmt: skip


@pytest.mark.parametrize("vector", BATCHES, ids=["whole", "part", "brings a plan"])
def test_golden_batches(vector: SignedVector) -> None:
    batch = decode_batch(vector.payload)
    batch.signed.verify(vector.known_key)
    header = batch.header
    assert (header.gateway, header.epoch, header.boot) == (GATEWAY, 1, "17-9f3c00aa11bb22cc")
    assert list(batch.records) == RECORDS[header.first - 1 : header.last]
    chain = literal_heads(GATEWAY, 1, bytes(32), RECORDS)
    assert (header.prev, header.head) == (chain[header.first - 1], chain[header.last])
    assert [head.hex() for head in batch.check()] == chain[header.first : header.last + 1]
    assert [decode_record(line).seq for line in batch.records] == list(
        range(header.first, header.last + 1)
    )
    assert encode_batch(header, batch.records, vector.key) == vector.payload
    assert body_of(batch.records) == batch.signed.rest


def test_a_golden_batch_brings_the_plan_that_its_records_accept() -> None:
    header = decode_batch(BATCHES[2].payload).header
    accepted = decode_record(RECORDS[header.first - 1])
    assert isinstance(accepted, Accepted)
    assert header.incarnation == 1790000001 > accepted.incarnation
    assert header.plans == (PLANS[0].payload.decode(),)
    plan = decode_plan(PLANS[0].payload, PLANS[0].known_key)
    assert plan.which.key() == (accepted.incarnation, accepted.version)


@given(own.of_model(BatchHeader))
def test_header_encode_then_decode_is_the_identity(header: BatchHeader) -> None:
    assert BatchHeader.from_line(header.line()) == header


@given(
    st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line), min_size=1, max_size=5),
    st.integers(1, 2**63 - 10),
    st.binary(min_size=32, max_size=32),
)
def test_any_lines_travel(lines: list[bytes], first: int, prev: bytes) -> None:
    """Records are not decoded on the way: what nobody can read arrives as it was sent."""
    end = prev
    for line in lines:
        end = next_head(end, line)
    header = BatchHeader(
        gateway=GATEWAY,
        epoch=1,
        boot="1-0011223344556677",
        first=first,
        last=first + len(lines) - 1,
        prev=prev.hex(),
        head=end.hex(),
    )
    batch = accept(encode_batch(header, lines, KEY))
    assert batch.records == tuple(lines)
    assert batch.header == header


@pytest.mark.parametrize("vector", BATCHES[1:2], ids=["part"])
def test_every_flipped_bit_of_every_byte_is_detected(vector: SignedVector) -> None:
    payload = vector.payload
    accept(payload)
    undetected = []
    for position in range(len(payload)):
        for bit in range(8):
            flipped = bytearray(payload)
            flipped[position] ^= 1 << bit
            try:
                accept(bytes(flipped))
            except ContractError:
                continue
            undetected.append((position, bit))
    assert undetected == []


@given(st.data())
def test_any_other_bytes_in_place_of_any_run_are_detected(data: st.DataObject) -> None:
    payload = BATCHES[0].payload
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 40)))
    other = data.draw(st.binary(max_size=40) | own.nasty)
    changed = payload[:start] + other + payload[end:]
    if changed != payload:
        with pytest.raises(ContractError):
            accept(changed)


def test_records_cannot_be_left_out_doubled_or_swapped() -> None:
    line, signature, *records = BATCHES[0].payload.split(b"\n")
    front = [line, signature]
    for changed in (
        records[:-1],
        records[1:],
        [*records, records[-1]],
        [*records, b""],
        [],
    ):
        with pytest.raises(ContractError):
            accept(b"\n".join([*front, *changed]))
    for at, _ in enumerate(pairwise(records)):
        swapped = records.copy()
        swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
        with pytest.raises(ChainBroken):
            accept(b"\n".join([*front, *swapped]))


def test_a_header_of_another_batch_does_not_fit() -> None:
    whole, part = (each.payload.split(b"\n", 2) for each in BATCHES[:2])
    with pytest.raises(ContractError):
        accept(b"\n".join([whole[0], whole[1], part[2]]))
    with pytest.raises(SignatureInvalid):
        accept(b"\n".join([whole[0], part[1], whole[2]]))


@pytest.mark.parametrize(
    ("first", "last"), [(5, 4), (1, 2**63 - 1), (2**63 - 1, 1), (1, 1), (1, 3)]
)
def test_a_header_announces_as_many_records_as_follow(first: int, last: int) -> None:
    header = BatchHeader(
        gateway=GATEWAY,
        epoch=1,
        boot="1-0011223344556677",
        first=first,
        last=last,
        prev="00" * 32,
        head="00" * 32,
    )
    for records in (RECORDS[:2], []):
        with pytest.raises(ContractError):
            decode_batch(encode_batch(header, records, SigningKey.new()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":true'),
        (b'"v":1', b'"v":1.0'),
        (b'"v":1', b'"v":"1"'),
        (b"gramsh.line-2", b"gramsh"),
        (b"gramsh.line-2", b"Gramsh.line-2"),
        (b"gramsh.line-2", b"gramsh.line-2\\n"),
        (b"gramsh.line-2", b"gramsh/+.line-2"),
        (b"gramsh.line-2", b"."),
        (b'"epoch":1', b'"epoch":0'),
        (b'"epoch":1', b'"epoch":-1'),
        (b'"prev":"', b'"prev":"0'),
        (b'"prev":"', b'"prev":"\\u0000'),
        (b'"first":1,', b""),
        (b'"first":1,', b'"first":1,"first":1,'),
    ],
)
def test_refused_headers(old: bytes, new: bytes) -> None:
    line = BATCHES[0].payload.split(b"\n")[0]
    assert old in line
    with pytest.raises(ContractError):
        BatchHeader.from_line(line.replace(old, new, 1))


def test_a_header_keeps_unknown_fields() -> None:
    line = BATCHES[0].payload.split(b"\n")[0][:-1] + b',"reason":"catch-up","lag":null}'
    assert BatchHeader.from_line(line).line() == line


HEADERS = [each.payload.split(b"\n")[0] for each in BATCHES]


@given(
    own.mangled_bytes([each.payload for each in BATCHES])
    | own.mangled_json(HEADERS).map(lambda line: line + BATCHES[0].payload[len(HEADERS[0]) :])
    | st.binary(max_size=300)
)
def test_any_bytes_end_in_a_batch_or_a_contract_error(payload: bytes) -> None:
    try:
        batch = decode_batch(payload)
        batch.check()
    except ContractError:
        return
    assert BatchHeader.from_line(batch.header.line()) == batch.header
