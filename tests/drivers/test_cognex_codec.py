"""DMCC lines against published bytes and an independent checksum; mutants must not survive."""

import base64
import contextlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cognex_dmcc import codec
from drivers.cognex_dmcc.codec import (
    ChecksumError,
    Command,
    FrameError,
    Reply,
    Results,
    Span,
    Splitter,
    decode_command,
    decode_reply,
    decode_result,
    decode_text,
    encode_command,
    encode_reply,
    encode_result,
    encode_text,
    is_reply,
    question,
    setting,
    status_name,
)

FILE = Path(__file__).parent.parent / "vectors" / "cognex_dmcc" / "frames.toml"
VECTORS: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text())
spans = st.sampled_from(Span)


def named(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=lambda vector: vector["name"])


def span_of(vector: dict[str, Any]) -> Span:
    return Span(vector.get("span", "whole"))


def check_command(vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame, span = bytes.fromhex(vector["hex"]), span_of(vector)
    command = Command(vector["text"], vector.get("ident"), vector.get("checked", False))
    assert codec.encode_command(command, span) == frame
    assert codec.decode_command(frame, span) == command
    if "constant" in vector:
        assert getattr(codec, vector["constant"]) == vector["text"]


def check_reply(vector: dict[str, Any]) -> None:
    frame, span = bytes.fromhex(vector["hex"]), span_of(vector)
    reply = Reply(
        vector["status"],
        bytes.fromhex(vector["data"]),
        vector.get("ident"),
        vector.get("checked", False),
        tuple(vector.get("more", ())),
    )
    assert codec.encode_reply(reply, span) == frame
    assert codec.decode_reply(frame, span) == reply
    assert codec.is_reply(frame)


def check_result(vector: dict[str, Any]) -> None:
    frame, results = bytes.fromhex(vector["hex"]), Results(vector["results"])
    content = bytes.fromhex(vector["content"])
    checked = vector.get("checked", False)
    assert codec.encode_result(content, results, checked, Span.WHOLE) == frame
    assert codec.decode_result(frame, results, Span.WHOLE) == content
    assert not codec.is_reply(frame)


@named("command")
def test_commands_both_ways(vector: dict[str, Any]) -> None:
    check_command(vector)


@named("reply")
def test_replies_both_ways(vector: dict[str, Any]) -> None:
    check_reply(vector)


@named("result")
def test_results_both_ways(vector: dict[str, Any]) -> None:
    check_result(vector)


def odd_bits(covered: bytes) -> int:
    """The rule step by step: a bit is set where an odd number of the bytes have it."""
    return sum(2**bit for bit in range(8) if sum(byte >> bit & 1 for byte in covered) % 2)


@pytest.mark.parametrize(
    "vector",
    [each for kind in VECTORS.values() for each in kind if each.get("checked")],
    ids=lambda vector: vector["name"],
)
def test_the_file_keeps_the_rule_of_the_checksum(vector: dict[str, Any]) -> None:
    line = bytes.fromhex(vector["hex"])[:-2]
    ends = b">" if "text" in vector else b"]"
    start = line.index(ends) + 1 if vector.get("span") == "body" else 0
    assert line[-1] == odd_bits(line[start:-1])


def _survives() -> bool:
    checks = {"command": check_command, "reply": check_reply, "result": check_result}
    try:
        for kind, check in checks.items():
            for vector in VECTORS[kind]:
                check(vector)
    except (AssertionError, ValueError, IndexError, KeyError):
        return False
    return True


# The same defect on both sides: a codec that only agrees with itself would let each pass.
MUTANTS: dict[str, dict[str, Any]] = {
    "sum for exclusive or": {"checksum": lambda head, body, _: sum(head + body) & 0xFF},
    "the header never counts": {"checksum": lambda _, body, __: odd_bits(body)},
    "the header always counts": {"checksum": lambda head, body, _: odd_bits(head + body)},
    "LF alone": {"FOOTER": b"\n"},
    "CR alone": {"FOOTER": b"\r"},
    "base64 for addresses": {
        "encode_result": lambda content, results, checked, span: encode_result(
            content, results, checked, span
        ).translate(bytes.maketrans(b"+/", b"-_")),
        "decode_result": lambda frame, results, span: decode_result(
            frame.translate(bytes.maketrans(b"-_", b"+/")), results, span
        ),
    },
    "status 2 for what was read": {
        "encode_result": lambda content, results, checked, span: encode_result(
            content, results, checked, span
        ).replace(b"[1]", b"[2]"),
        "decode_result": lambda frame, results, span: decode_result(
            frame.replace(b"[2]", b"[1]"), results, span
        ),
    },
    "number before checksum": {
        "encode_command": lambda command, span: encode_command(command, span).replace(
            b"||0:123>", b"||123:0>"
        ),
        "decode_command": lambda frame, span: decode_command(
            frame.replace(b"||123:0>", b"||0:123>"), span
        ),
    },
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(
    monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Callable[..., Any]]
) -> None:
    assert _survives()
    for name, changed in mutant.items():
        monkeypatch.setattr(codec, name, changed)
    # Each agrees with itself, as a codec tested against its own simulator would.
    sample = Command("TRIGGER ON", 123, True)
    span = Span.WHOLE
    assert codec.decode_command(codec.encode_command(sample, span), span) == sample
    content = b"[)>\x1e06\x1d"
    sent = codec.encode_result(content, Results.BASE64, False, span)
    assert codec.decode_result(sent, Results.BASE64, span) == content
    assert not _survives()


def test_texts() -> None:
    assert setting("COM.DMCC-RESPONSE", 1) == "SET COM.DMCC-RESPONSE 1"
    assert question("DEVICE.TYPE") == "GET DEVICE.TYPE"
    assert status_name(104) == "104 rejected by state"
    assert status_name(199) == "199 unknown status"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\r\n",
        b"||>\r\n",
        b"|>TRIGGER ON\r\n",
        b"||2>TRIGGER ON\r\n",
        b"||0:1:2>TRIGGER ON\r\n",
        b"||0:1>TRIGGER ON\n",
        b"||0:1>TRIGGER\r\nON\r\n",
        b"||0:1>TRIGGER\x00ON\r\n",
        b"||0:1>TRIGGER\xffON\r\n",
        b"||0:1234567890>TRIGGER ON\r\n",
        b"||1>\r\n",
    ],
)
def test_no_command(line: bytes) -> None:
    with pytest.raises(FrameError):
        decode_command(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\r\n",
        b"ON\r\n",
        b"||0]\r\n",
        b"||[]\r\n",
        b"||[0000]\r\n",
        b"||x:1[0]\r\n",
        b" ||[0]\r\n",
        b"||[0]\r",
        b"||[0]ON\r\nON\r\n",
        b"||1[0]\r\n",
    ],
)
def test_no_reply(line: bytes) -> None:
    with pytest.raises(FrameError):
        decode_reply(line)


def test_a_wrong_checksum_is_told() -> None:
    with pytest.raises(ChecksumError):
        decode_reply(b"||1:5[0]ON\x08\r\n")
    with pytest.raises(ChecksumError):
        decode_command(b"||1>GET DEVICE.TYPE\x00\r\n")


@pytest.mark.parametrize("line", [b"||[1]QTE\r\n", b"||[1]QT?y\r\n", b"||[1]QR==\r\n"])
def test_what_was_read_in_no_base64(line: bytes) -> None:
    with pytest.raises(FrameError):
        decode_result(line, Results.BASE64, Span.WHOLE)


def test_a_reply_is_not_what_was_read() -> None:
    with pytest.raises(FrameError):
        decode_result(b"||[0]QTEy\r\n", Results.BASE64, Span.WHOLE)
    assert decode_text(b"||[0]QTEy\r\n") == b"||[0]QTEy"


@pytest.mark.parametrize("text", ["", "A\nB", "ë"])
def test_a_command_that_would_not_arrive_as_it_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"printable|ascii"):
        encode_command(Command(text))


def test_data_with_the_end_of_a_line() -> None:
    with pytest.raises(ValueError, match="end of a line"):
        encode_reply(Reply(0, b"A\r\nB"))
    with pytest.raises(ValueError, match="end of a line"):
        encode_text(b"A\r\nB")


idents = st.none() | st.integers(0, 999_999_999)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)
commands = st.builds(Command, texts, idents, st.booleans())
lines = st.binary(max_size=80).filter(lambda data: b"\r" not in data and b"\n" not in data)
replies = st.builds(
    Reply,
    st.integers(0, 999),
    lines,
    idents,
    st.booleans(),
    st.lists(st.sampled_from(["", "2", "17"]), max_size=3).map(tuple),
)


@given(commands, spans)
def test_a_command_comes_back(command: Command, span: Span) -> None:
    frame = encode_command(command, span)
    assert decode_command(frame, span) == command
    assert Splitter(marked=True).feed(frame) == [frame]


@given(replies, spans)
def test_a_reply_comes_back(reply: Reply, span: Span) -> None:
    frame = encode_reply(reply, span)
    assert decode_reply(frame, span) == reply
    assert Splitter().feed(frame) == [frame]
    assert is_reply(frame) is (reply.status != 1)


@given(st.binary(max_size=300), st.booleans(), spans)
def test_any_content_comes_back_in_base64(content: bytes, checked: bool, span: Span) -> None:
    frame = encode_result(content, Results.BASE64, checked, span)
    assert decode_result(frame, Results.BASE64, span) == content
    assert base64.b64encode(content) in frame


@given(lines, st.sampled_from([Results.FRAMED, Results.PLAIN]))
def test_any_content_of_one_line_comes_back(content: bytes, results: Results) -> None:
    frame = encode_result(content, results, False, Span.WHOLE)
    assert decode_result(frame, results, Span.WHOLE) == content


@given(replies, st.data())
def test_any_flipped_bit_behind_the_header_is_seen(reply: Reply, data: st.DataObject) -> None:
    frame = bytearray(encode_reply(Reply(reply.status, reply.data, reply.ident, True)))
    at = data.draw(st.integers(frame.index(b"]") + 1, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FrameError):
        decode_reply(bytes(frame))


@given(st.binary(max_size=120) | st.binary(max_size=60).map(lambda rest: b"||" + rest), spans)
def test_any_bytes_end_in_a_value_or_a_named_error(data: bytes, span: Span) -> None:
    for line in (data, data + b"\r\n"):
        try:
            command = decode_command(line, span)
            assert decode_command(encode_command(command, span), span) == command
        except FrameError:
            pass
        try:
            reply = decode_reply(line, span)
            assert decode_reply(encode_reply(reply, span), span) == reply
        except FrameError:
            pass
        for results in Results:
            with contextlib.suppress(FrameError):
                decode_result(line, results, span)
        is_reply(line)


@given(st.lists(replies, max_size=6), st.lists(st.integers(1, 40), max_size=60))
def test_however_the_wire_cuts_them_the_lines_are_the_same(
    sent: list[Reply], cuts: list[int]
) -> None:
    stream = b"".join(map(encode_reply, sent))
    splitter = Splitter()
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += splitter.feed(stream[at : at + size])
        at += size
    assert [decode_reply(frame) for frame in found] == sent
    assert splitter.garbage == 0


def test_a_header_begins_a_frame_wherever_it_stands() -> None:
    splitter = Splitter(marked=True)
    assert splitter.feed(b"\xff\x00||0:5[0]ON\r\n||[1]QT||0:6[0]\r\n") == [
        b"||0:5[0]ON\r\n",
        b"||0:6[0]\r\n",
    ]
    assert splitter.garbage == 2 + 7
    plain = Splitter()
    assert plain.feed(b"X||0:5[0]ON\r\n") == [b"X||0:5[0]ON\r\n"]
    assert plain.garbage == 0


@given(st.lists(st.binary(max_size=300)), st.booleans())
def test_a_splitter_takes_anything(chunks: list[bytes], marked: bool) -> None:
    splitter = Splitter(marked)
    cut = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    splitter.reset()
    assert sum(map(len, cut)) + splitter.garbage == sum(map(len, chunks))
    assert splitter.feed(b"||[0]\r\n") == [b"||[0]\r\n"]


def test_a_line_without_an_end_is_given_up() -> None:
    splitter = Splitter()
    assert splitter.feed(bytes(codec.LONGEST + 1)) == []
    assert splitter.garbage == codec.LONGEST + 1
    assert splitter.feed(b"A\r\n") == [b"A\r\n"]
