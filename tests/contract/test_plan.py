"""Plans: golden bytes, identity, what they make of an order, and that only the key makes one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import ContractError, SignatureInvalid
from gateway.contract.plan import Component, Plan, PlanOrder, decode_plan, encode_plan
from gateway.contract.record import Item
from gateway.contract.signed import SigningKey, sign
from tests.contract import strategies as own
from tests.contract.test_record import value_or_error
from tests.contract.wire import PLANS, RECEIPTS, SignedVector

KEY = PLANS[0].key
known = PLANS[0].known_key
LINES = [each.payload.split(b"\n")[0] for each in PLANS]


def golden() -> Plan:
    return decode_plan(PLANS[0].payload, known)


def order(name: str) -> PlanOrder:
    found = golden().order(name)
    assert found is not None
    return found


@pytest.mark.parametrize("vector", PLANS, ids=["orders", "empty"])
def test_golden_plans_encode_to_the_same_bytes(vector: SignedVector) -> None:
    assert encode_plan(decode_plan(vector.payload, vector.known_key), vector.key) == vector.payload


def test_golden_plan_says_what_it_says() -> None:
    plan = golden()
    assert plan.which.key() == (1790000000, 12)
    assert [each.id for each in plan.orders] == ["ord-31", "ord-40"]
    assert plan.order("ord-32") is None
    assert [(each.start, each.end, each.order) for each in plan.blocks] == [
        (1200, 1299, "ord-31"),
        (0, 499, "ord-40"),
    ]
    assert plan.people[1].roles == ("shift-lead", "quality")
    assert bytes.fromhex(plan.keys[0].public) == KEY.public


def test_a_template_gives_what_the_golden_intents_carry() -> None:
    rifle, carton = order("ord-31"), order("ord-40")
    receiver, barrel = rifle.components
    assert rifle.serial(1200) == "AK001200"
    assert rifle.content(1200, receiver) == ("[)>\x1e06\x1d18SA0G1HAK001200\x1d20PRECEIVER\x1e\x04")
    assert rifle.content(1200, barrel) == "[)>\x1e06\x1d18SA0G1HAK001200\x1d20PBARREL\x1e\x04"
    assert rifle.lines(1200, receiver) == ("AL A0G1H", "AK001200")
    item = Item(uii="DA0G1HAK001200", elements="06:18S=A0G1HAK001200")
    assert rifle.item(1200, receiver) == rifle.item(1200, barrel) == item
    assert carton.content(1, carton.components[0]) == (
        "[)>\x1e06\x1d17VA0G1H\x1d1TPLC26L001-004\x1dS0001\x1e\x04"
    )
    assert carton.item(1, carton.components[0]).uii == "DA0G1HPLC26L001-0040001"


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_two_numbers_never_give_one_content(one: int, other: int) -> None:
    rifle = order("ord-31")
    for component in rifle.components:
        same = rifle.content(one, component) == rifle.content(other, component)
        assert same == (one == other)


def test_what_is_put_in_is_not_filled_again() -> None:
    strange = order("ord-40").model_copy(update={"lot": "{component}{serial}"})
    strange = strange.model_copy(
        update={"template": strange.template.model_copy(update={"content": "{lot}/{serial}/{x}"})}
    )
    component = Component(name="carton", symbol="{lot}")
    assert strange.content(7, component) == "{component}{serial}/0007/{x}"


@given(own.of_model(Plan))
def test_encode_then_decode_is_the_identity(plan: Plan) -> None:
    payload = encode_plan(plan, KEY)
    assert decode_plan(payload, known) == plan
    assert encode_plan(decode_plan(payload, known), KEY) == payload


def test_every_flipped_bit_is_detected() -> None:
    payload = PLANS[1].payload
    for position in range(len(payload)):
        for bit in range(8):
            flipped = bytearray(payload)
            flipped[position] ^= 1 << bit
            with pytest.raises(ContractError):
                decode_plan(bytes(flipped), known)


def test_nothing_may_follow() -> None:
    for tail in (b"\n", b"\n\n", b"\nx", b" ", b"\r\n"):
        with pytest.raises(ContractError):
            decode_plan(PLANS[0].payload + tail, known)


def test_other_keys_and_other_kinds_are_refused() -> None:
    for payload in (
        encode_plan(golden(), SigningKey.new()),
        sign("receipt", golden().line(), KEY),
        RECEIPTS[0].payload,
    ):
        with pytest.raises(SignatureInvalid):
            decode_plan(payload, known)


def test_unknown_fields_are_kept_where_they_stand() -> None:
    line = LINES[0].replace(b'"verify":{"mode":"each",', b'"verify":{"mode":"each",', 1)
    line = line.replace(b'"symbol":"RECEIVER"', b'"symbol":"RECEIVER","depth":null', 1)
    line = line[:-1] + b',"shift":{"night":[1,null]}}'
    assert decode_plan(sign("plan", line, KEY), known).line() == line


@given(own.mangled_bytes(LINES) | own.mangled_json(LINES))
def test_a_signed_line_of_anything_ends_in_a_value_or_a_contract_error(line: bytes) -> None:
    """Even from whoever holds the key."""
    value_or_error(Plan.from_line, line)
    if b"\n" not in line:
        value_or_error(lambda each: decode_plan(sign("plan", each, KEY), known), line)


@given(own.mangled_bytes([each.payload for each in PLANS]) | st.binary(max_size=300))
def test_any_bytes_are_refused(payload: bytes) -> None:
    if payload not in [each.payload for each in PLANS]:
        with pytest.raises(ContractError):
            decode_plan(payload, known)
