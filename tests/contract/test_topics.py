"""Topics, boots and the state message."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from gateway.contract.errors import ContractError
from gateway.contract.topics import (
    ALL_RECORDS_SHARED,
    ALL_STATES,
    Boot,
    Leaf,
    PlanVersion,
    State,
    gateway_of,
    topic,
)
from tests.contract import strategies as own
from tests.contract.test_record import value_or_error

STATES = [
    (
        b'{"v":1,"epoch":3,"boot":"17-9f3c00aa11bb22cc","online":true,"plan":{"incarnation":1,'
        b'"version":12},"seq":1540,"latches":["JOURNAL_FULL"]}'
    ),
    b'{"v":1,"epoch":3,"boot":"17-9f3c00aa11bb22cc","online":false,"latches":[]}',
    (
        b'{"v":1,"epoch":3,"boot":"17-9f3c00aa11bb22cc","online":true,"seq":1540,"latches":[],'
        b'"committed":1540,"receipt":"{\\"v\\":1}\\nk1 AA=="}'
    ),
]
WILL = b'{"v":1,"epoch":3,"boot":"17-9f3c00aa11bb22cc","online":false}'


def test_topics_are_those_of_the_contract() -> None:
    assert topic("gramsh.line-2", "records") == "gjurma/v1/gramsh.line-2/records"
    assert topic("gramsh.line-2", "receipts") == "gjurma/v1/gramsh.line-2/receipts"
    assert topic("gramsh.line-2", "plan") == "gjurma/v1/gramsh.line-2/plan"
    assert topic("gramsh.line-2", "state") == "gjurma/v1/gramsh.line-2/state"


def test_subscriptions_match_their_topics_and_no_other() -> None:
    share, group, pattern = ALL_RECORDS_SHARED.split("/", 2)
    assert (share, group) == ("$share", "ingest")
    for leaf in get_args(Leaf):
        name = topic("gramsh.line-2", leaf)
        assert topic_matches_sub(pattern, name) == (leaf == "records")
        assert topic_matches_sub(ALL_STATES, name) == (leaf == "state")
        assert gateway_of(name) == "gramsh.line-2"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gjurma/v1/gramsh.line-2",
        "gjurma/v1/gramsh.line-2/",
        "gjurma/v1/gramsh.line-2/orders",
        "gjurma/v1/gramsh.line-2/records/x",
        "gjurma/v1/gramsh.line-2/records\n",
        "gjurma/v2/gramsh.line-2/records",
        "gjurma/v1//records",
        "gjurma/v1/+/records",
        "gjurma/v1/#",
        "gjurma/v1/gramsh/records",
        "gjurma/v1/Gramsh.line-2/records",
        "gjurma/v1/gramsh.line.2/records",
        "/gjurma/v1/gramsh.line-2/records",
        "xgjurma/v1/gramsh.line-2/records",
        f"gjurma/v1/{'a' * 41}.b/records",
    ],
)
def test_other_topics_are_refused(name: str) -> None:
    with pytest.raises(ContractError):
        gateway_of(name)


@given(st.text())
def test_any_topic_ends_in_a_gateway_or_a_contract_error(text: str) -> None:
    for name in (text, f"gjurma/v1/{text}/records", f"gjurma/v1/gramsh.line-2/{text}"):
        try:
            found = gateway_of(name)
        except ContractError:
            continue
        assert name in [topic(found, leaf) for leaf in get_args(Leaf)]


@given(st.integers(0, 10**12 - 1), st.from_regex("[0-9a-f]{8,64}", fullmatch=True))
def test_a_boot_has_one_spelling(counter: int, nonce: str) -> None:
    boot = Boot(counter, nonce)
    assert Boot.parse(str(boot)) == boot


def test_boots_are_ordered_by_their_counter() -> None:
    assert Boot.parse("9-ffffffff") < Boot.parse("10-00000000")


@pytest.mark.parametrize(
    "text",
    ["", "17", "-9f3c00aa", "17-", "17-9f3c", "17-9F3C00AA", "017-9f3c00aa", "+17-9f3c00aa",
     "١-9f3c00aa", "1 -9f3c00aa", "17-9f3c00aa-",
     "17-9f3c00aa\n", "1234567890123-9f3c00aa", "1-" + "a" * 65],
)  # fmt: skip
def test_refused_boots(text: str) -> None:
    with pytest.raises(ContractError):
        Boot.parse(text)


@given(st.text())
def test_any_boot_ends_in_a_value_or_a_contract_error(text: str) -> None:
    for candidate in (text, f"{text}-00112233", f"1-{text}"):
        try:
            assert str(Boot.parse(candidate)) == candidate
        except ContractError:
            continue


@pytest.mark.parametrize("line", STATES)
def test_states_encode_to_the_same_bytes(line: bytes) -> None:
    assert State.from_line(line).line() == line


def test_the_last_will_is_a_state() -> None:
    state = State.from_line(WILL)
    assert (state.online, state.plan, state.seq, state.latches) == (False, None, None, ())


@given(own.of_model(State))
def test_state_encode_then_decode_is_the_identity(state: State) -> None:
    assert State.from_line(state.line()) == state


def test_an_incarnation_goes_before_a_version() -> None:
    older = PlanVersion(incarnation=1, version=9)
    newer = PlanVersion(incarnation=2, version=1)
    assert older.key() < newer.key()


@given(own.mangled_bytes([*STATES, WILL]) | own.mangled_json([*STATES, WILL]) | st.binary())
def test_any_state_ends_in_a_value_or_a_contract_error(line: bytes) -> None:
    value_or_error(State.from_line, line)
