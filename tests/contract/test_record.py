"""Records: golden bytes, identity, unknown fields, and what may not be read."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract.encoding import MAX_DEPTH, Message, dump_line, parse_line
from gateway.contract.errors import ContractError
from gateway.contract.record import (
    Assembled,
    ClockState,
    Closed,
    Common,
    Intent,
    Item,
    Observed,
    Packed,
    Record,
    Verified,
    decode_record,
    encode_record,
)
from gateway.contract.uii import identify
from tests.contract import strategies as own
from tests.contract.wire import PEOPLE, PICTURES, RECORDS, SCANS, UNKNOWN

TYPES: tuple[type[Common], ...] = get_args(Record)
CLOSED = (
    b'{"seq":1,"at":"2026-11-24T09:30:00.123456Z","clock":{"synced":true,"offset_ms":1.5},'
    b'"operator_auth":"none","salt":"00112233445566778899aabbccddeeff","type":"closed","reason":"x"'
)


def closed(tail: bytes = b"", old: bytes = b"", new: bytes = b"") -> bytes:
    """A `closed` record with fields put after its own, or with one piece replaced."""
    assert old in CLOSED
    return CLOSED.replace(old, new, 1) + tail + b"}"


@pytest.mark.parametrize(
    "line", RECORDS + SCANS + PEOPLE + PICTURES, ids=lambda line: str(parse_line(line)["seq"])
)
def test_golden_records_encode_to_the_same_bytes(line: bytes) -> None:
    assert encode_record(decode_record(line)) == line


def test_golden_records_show_every_type() -> None:
    assert {type(decode_record(line)) for line in RECORDS} == set(TYPES)


def test_golden_records_say_what_they_say() -> None:
    record = decode_record(RECORDS[6])
    assert isinstance(record, Intent)
    assert (record.seq, record.start, record.sequence) == (7, "plc", 65535)
    assert record.at.isoformat() == "2026-11-24T06:03:00+00:00"
    barrel, carton = record.marks
    assert barrel.source.kind == "repeat"
    assert (barrel.source.of.gateway, barrel.source.of.seq) == ("gramsh.line-2", 4)
    assert carton.source.kind == "block"
    assert (carton.kind, carton.quantity, carton.lot, carton.source.number) == (
        "package", 20, "PLC26L001-004", 0,
    )  # fmt: skip
    assert carton.content == "[)>\x1e06\x1d17VA0G1H\x1d1TPLC26L001-004\x1dS0001\x1e\x04"


def test_a_pictures_name_is_a_sha256_and_older_records_have_none() -> None:
    good, unread = map(decode_record, PICTURES)
    assert isinstance(good, Verified)
    assert isinstance(unread, Verified)
    assert good.picture == hashlib.sha256(b"test").hexdigest()
    assert unread.content is None
    assert unread.picture is not None
    assert all(
        each.picture is None for each in map(decode_record, RECORDS) if isinstance(each, Verified)
    )
    for wrong in ('"9F86', '"../etc/passwd', '"'):
        with pytest.raises(ContractError, match="picture"):
            decode_record(PICTURES[0].replace(b'"9f86', wrong.encode()))


def test_golden_items_are_those_that_their_content_names() -> None:
    marks = [
        mark
        for record in map(decode_record, RECORDS)
        if isinstance(record, Intent)
        for mark in record.marks
    ]
    assert len(marks) == 3
    for mark in marks:
        found = identify(mark.content)
        assert mark.item == Item(uii=found.uii, elements=found.elements)


def test_golden_scans_say_what_they_say() -> None:
    receipt, typed, packed, _, built_in, _ = map(decode_record, SCANS)
    assert isinstance(receipt, Observed)
    assert (receipt.purpose, receipt.consignment) == ("receive", "C-2026-0012")
    assert (receipt.place, receipt.counted, receipt.wedge) == ("UMG.D1.B07", True, None)
    assert receipt.symbologies == ("]d1", "]C1")
    assert isinstance(typed, Observed)
    assert (typed.entry, typed.wedge, typed.symbologies) == ("keyed", True, None)
    assert isinstance(packed, Packed)
    assert packed.place == "UMG.D1"
    assert isinstance(built_in, Assembled)
    assert built_in.component == "barrel"


@pytest.mark.parametrize("line", UNKNOWN)
def test_unknown_fields_are_kept(line: bytes) -> None:
    """Wherever they stand, null among them; whatever their names mean to Python."""

    def less_defaults(value: Any) -> Any:
        """What was sent; `text` and `operator_auth` have defaults, which encoding adds."""
        if isinstance(value, dict):
            return {
                key: less_defaults(inner)
                for key, inner in value.items()
                if (key, inner) not in [("text", []), ("operator_auth", "none")]
            }
        return [less_defaults(inner) for inner in value] if isinstance(value, list) else value

    again = encode_record(decode_record(line))
    assert less_defaults(parse_line(again)) == less_defaults(parse_line(line))
    assert encode_record(decode_record(again)) == again


@pytest.mark.parametrize("model", TYPES, ids=lambda model: model.__name__)
def test_encode_then_decode_is_the_identity(model: type[Common]) -> None:
    @given(own.of_model(model))
    def check(record: Record) -> None:
        line = encode_record(record)
        assert b"\n" not in line
        assert b"\r" not in line
        assert decode_record(line) == record
        assert encode_record(decode_record(line)) == line

    check()


@given(own.of_model(Closed), st.dictionaries(own.texts, own.json_values, max_size=3))
def test_any_unknown_field_comes_back(record: Closed, unknown: dict[str, Any]) -> None:
    unknown = {key: value for key, value in unknown.items() if key not in Closed.model_fields}
    value = parse_line(encode_record(record)) | unknown
    decoded = Closed.model_validate(value)
    assert parse_line(encode_record(decoded)) == value
    assert decode_record(encode_record(decoded)) == decoded


def test_times_keep_their_microseconds_and_their_first_centuries() -> None:
    for at in ("0001-01-01T00:00:00.000000Z", "0999-12-31T23:59:59.999999Z"):
        line = closed(old=b"2026-11-24T09:30:00.123456Z", new=at.encode())
        assert encode_record(decode_record(line)) == line


REFUSED = {
    "duplicate key": closed(b',"reason":"y"'),
    "duplicate key inside": closed(b',"x":[{"a":1,"a":1}]'),
    "duplicate key by escape": closed(b',"x":{"a":1,"\\u0061":2}'),
    "NUL, raw": closed(b',"x":"\x00"'),
    "NUL, escaped": closed(b',"x":"\\u0000"'),
    "NUL in a key": closed(b',"\\u0000":1'),
    "NUL in a known field": closed(old=b'"reason":"x"', new=b'"reason":"a\\u0000b"'),
    "lone high surrogate": closed(b',"x":["\\uD800"]'),
    "lone low surrogate": closed(b',"x":{"y":"\\uDFFF"}'),
    "surrogates in the wrong order": closed(b',"x":"\\uDE00\\uD83D"'),
    "surrogate in a key": closed(b',"\\ud800":1'),
    "surrogate as UTF-8": closed(b',"x":"\xed\xa0\x80"'),
    "not UTF-8": closed(b',"x":"\xff"'),
    "cut UTF-8": closed(b',"x":"\xc3"'),
    "overlong UTF-8": closed(b',"x":"\xc0\x80"'),
    "byte order mark": b"\xef\xbb\xbf" + closed(),
    "NaN": closed(b',"x":NaN'),
    "Infinity": closed(b',"x":Infinity'),
    "-Infinity in a known field": closed(old=b"1.5", new=b"-Infinity"),
    "1e999": closed(b',"x":1e999'),
    "-1e999 in a known field": closed(old=b"1.5", new=b"-1e999"),
    "a number no float holds": closed(old=b"1.5", new=b"1" + b"0" * 400),
    "thousands of digits": closed(b',"x":' + b"1" * 5000),
    "raw line feed": closed(b',"x":"a\nb"'),
    "line feed between tokens": closed(b',\n"x":1'),
    "carriage return": closed(b',\r"x":1'),
    "tab in a text": closed(b',"x":"a\tb"'),
    "two objects": closed() + closed(),
    "a tail": closed() + b"x",
    "an array": b"[" + closed() + b"]",
    "a text": b'"closed"',
    "nothing": b"",
    "deep arrays": closed(b',"x":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
    "deep objects": closed(b',"x":' + b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH),
    "very deep arrays": closed(b',"x":' + b"[" * 100_000 + b"]" * 100_000),
    "very deep objects": closed(b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep, with a surrogate pair": closed(b',"y":"\\ud83d\\ude00","x":' + b"[" * 900 + b"]" * 900),
    "seq 0": closed(old=b'"seq":1', new=b'"seq":0'),
    "seq as text": closed(old=b'"seq":1', new=b'"seq":"1"'),
    "seq as truth": closed(old=b'"seq":1', new=b'"seq":true'),
    "seq with a point": closed(old=b'"seq":1', new=b'"seq":1.0'),
    "seq beyond 64 bits": closed(old=b'"seq":1', new=b'"seq":9223372036854775808'),
    "truth as number": closed(old=b"true", new=b"1"),
    "truth as text": closed(old=b"true", new=b'"yes"'),
    "number as text": closed(old=b"1.5", new=b'"1.5"'),
    "time in lower case": closed(old=b"24T09", new=b"24t09"),
    "time with a blank": closed(old=b"-24T", new=b"- 4T"),
    "time without microseconds": closed(old=b".123456Z", new=b"Z"),
    "time with an offset": closed(old=b"123456Z", new=b"123456+00:00"),
    "time with a tail": closed(old=b"123456Z", new=b"123456Zx"),
    "time that is none": closed(old=b"11-24T", new=b"02-30T"),
    "year 0": closed(old=b"2026-", new=b"0000-"),
    "leap second": closed(old=b":30:00.", new=b":30:60."),
    "time as number": closed(old=b'"2026-11-24T09:30:00.123456Z"', new=b"1790000000"),
    "short salt": closed(old=b"00112233", new=b"001122"),
    "salt in upper case": closed(old=b"aabbccddeeff", new=b"AABBCCDDEEFF"),
    "salt and a line feed": closed(old=b"ddeeff", new=b"ddeeff\\n"),
    "unknown type": closed(old=b'"closed"', new=b'"shut"'),
    "no type": closed(old=b'"type":"closed",', new=b""),
    "type is no text": closed(old=b'"closed"', new=b'["closed"]'),
    "no salt": closed(old=b'"salt":"00112233445566778899aabbccddeeff",', new=b""),
    "text too long": closed(old=b'"reason":"x"', new=b'"reason":"' + b"x" * 2001 + b'"'),
}  # fmt: skip


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_refused(line: bytes) -> None:
    with pytest.raises(ContractError):
        decode_record(line)


def test_what_stands_beside_the_refused_is_read() -> None:
    deepest = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    for line in (
        closed(),
        closed(b',"x":' + deepest),
        closed(b',"x":"\\ud83d\\ude00 \\\\u0000 \\\\ud800"'),
        closed(b',"x":1e308'),
        closed(b',"x":[' + b"{}," * 5000 + b"{}]"),
    ):
        record = decode_record(line)
        assert decode_record(encode_record(record)) == record


def test_an_offset_is_a_number() -> None:
    for offset in (float("nan"), float("inf"), "1.5", True):
        with pytest.raises(ValidationError):
            ClockState(synced=True, offset_ms=offset)
    assert ClockState(synced=True, offset_ms=2).offset_ms == 2.0


@pytest.mark.parametrize("unknown", [{"x": "\ud800"}, {"x": "\x00"}, {"x": float("nan")}])
def test_what_may_not_be_read_is_not_written(unknown: dict[str, Any]) -> None:
    record = Closed.model_validate(parse_line(closed()) | unknown)
    with pytest.raises(ContractError):
        encode_record(record)


def test_what_nests_too_deep_is_not_written() -> None:
    for depth in (MAX_DEPTH, 300, 100_000):
        nest: list[Any] = []
        for _ in range(depth - 1):
            nest = [nest]
        with pytest.raises(ContractError):
            encode_record(Closed.model_validate(parse_line(closed()) | {"x": nest}))
        with pytest.raises(ContractError):
            dump_line({"x": nest})
        while nest:  # else taking it apart recurses as deep
            (nest,) = nest


def value_or_error(decode: Callable[[bytes], Message], data: bytes) -> None:
    """Whatever decodes has an encoding, which decodes to the same; nothing else is raised."""
    try:
        message = decode(data)
    except ContractError:
        return
    assert decode(message.line()) == message


@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace"))
)
def test_any_bytes_end_in_a_value_or_a_contract_error(data: bytes) -> None:
    value_or_error(decode_record, data)


@given(own.mangled_bytes(RECORDS + UNKNOWN) | own.mangled_json(RECORDS + UNKNOWN))
def test_mangled_records_end_in_a_value_or_a_contract_error(data: bytes) -> None:
    value_or_error(decode_record, data)


@given(own.json_values)
def test_any_json_ends_in_a_value_or_a_contract_error(value: Any) -> None:
    value_or_error(decode_record, json.dumps(value).encode())
