"""Receipts: golden bytes, identity, and that nothing unsigned moves anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.receipt import Receipt, decode_receipt, encode_receipt
from gateway.contract.signed import SigningKey, sign
from tests.contract import strategies as own
from tests.contract.test_record import value_or_error
from tests.contract.wire import PLANS, RECEIPTS, RECORDS, SignedVector, literal_heads

KEY = RECEIPTS[0].key
known = RECEIPTS[0].known_key
LINES = [each.payload.split(b"\n")[0] for each in RECEIPTS]


@pytest.mark.parametrize("vector", RECEIPTS, ids=["refusing", "latching"])
def test_golden_receipts_encode_to_the_same_bytes(vector: SignedVector) -> None:
    receipt = decode_receipt(vector.payload, vector.known_key)
    assert encode_receipt(receipt, vector.key) == vector.payload


def test_golden_receipts_say_what_they_say() -> None:
    first, second = (decode_receipt(each.payload, known) for each in RECEIPTS)
    assert (first.committed, first.archived, first.incarnation) == (22, 9, 1790000000)
    assert first.head == literal_heads("gramsh.line-2", 1, bytes(32), RECORDS)[22]
    assert [(each.seq, each.code, each.detail) for each in first.refused] == [
        (7, "not-licensed", "licenca u pezullua")
    ]
    assert (first.refused_more, first.latch) == (1, None)
    assert (second.committed, second.latch, second.refused) == (0, "two-of-me", ())


@given(own.of_model(Receipt))
def test_encode_then_decode_is_the_identity(receipt: Receipt) -> None:
    payload = encode_receipt(receipt, KEY)
    assert decode_receipt(payload, known) == receipt
    assert encode_receipt(decode_receipt(payload, known), KEY) == payload


def test_every_flipped_bit_is_detected() -> None:
    payload = RECEIPTS[0].payload
    for position in range(len(payload)):
        for bit in range(8):
            flipped = bytearray(payload)
            flipped[position] ^= 1 << bit
            with pytest.raises(ContractError):
                decode_receipt(bytes(flipped), known)


def test_nothing_may_follow() -> None:
    for tail in (b"\n", b"\n\n", b"\nx", b" ", b"\r\n"):
        with pytest.raises(ContractError):
            decode_receipt(RECEIPTS[0].payload + tail, known)


def test_other_keys_and_other_kinds_are_refused() -> None:
    receipt = decode_receipt(RECEIPTS[0].payload, known)
    with pytest.raises(SignatureInvalid):
        decode_receipt(encode_receipt(receipt, SigningKey.new()), known)
    with pytest.raises(SignatureInvalid):
        decode_receipt(sign("plan", receipt.line(), KEY), known)
    with pytest.raises(SignatureInvalid):
        decode_receipt(PLANS[0].payload, known)


def test_unknown_fields_are_kept() -> None:
    line = LINES[0][:-1] + b',"advice":{"slow":true,"until":null}}'
    receipt = decode_receipt(sign("receipt", line, KEY), known)
    assert receipt.line() == line


@given(own.mangled_bytes(LINES) | own.mangled_json(LINES))
def test_a_signed_line_of_anything_ends_in_a_value_or_a_contract_error(line: bytes) -> None:
    """Even from whoever holds the key."""
    value_or_error(Receipt.from_line, line)
    if b"\n" not in line:
        value_or_error(lambda each: decode_receipt(sign("receipt", each, KEY), known), line)


@given(own.mangled_bytes([each.payload for each in RECEIPTS]) | st.binary(max_size=300))
def test_any_bytes_are_refused(payload: bytes) -> None:
    if payload not in [each.payload for each in RECEIPTS]:
        with pytest.raises(ContractError):
            decode_receipt(payload, known)
