"""Frames of the ACK/NAK protocol by hand-made bytes; mutants must not survive, any bytes do."""

import contextlib
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.microscan import acknak
from drivers.microscan.acknak import (
    ACK,
    ETX,
    NAK,
    REQ,
    STX,
    Splitter,
    answer_in,
    decode_frame,
    decode_result,
    encode_frame,
    encode_result,
)
from drivers.microscan.codec import LONGEST, FrameError

FILE = Path(__file__).parent.parent / "vectors" / "microscan" / "acknak.toml"
VECTORS: list[dict[str, Any]] = tomllib.loads(FILE.read_text())["frame"]


def splitter(preamble: bytes = b"") -> Splitter:
    """As a host has it, which takes commands too, so that each vector passes."""
    return Splitter(lambda body: bool(answer_in(body, preamble)) or body in COMMANDS)


COMMANDS = (b"<T>", b"<T/00000>", b"<K141?>")


def check(vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame, body = bytes.fromhex(vector["hex"]), bytes.fromhex(vector["body"])
    preamble = bytes.fromhex(vector.get("preamble", ""))
    assert acknak.encode_frame(body) == frame
    assert acknak.decode_frame(frame) == body
    assert splitter(preamble).feed(frame) == [frame]
    assert acknak.answer_in(body, preamble) == bytes.fromhex(vector.get("answer", ""))
    if "content" in vector:
        content = bytes.fromhex(vector["content"])
        assert acknak.encode_result(content, preamble) == body
        assert acknak.decode_result(body, preamble) == content


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    check(vector)


def _survives() -> bool:
    try:
        for vector in VECTORS:
            check(vector)
    except (AssertionError, ValueError):
        return False
    return True


lrc = acknak.lrc
MUTANTS: dict[str, dict[str, Any]] = {
    "LRC with STX": {"lrc": lambda data: lrc(data) ^ STX[0]},
    "LRC without ETX": {"lrc": lambda data: lrc(data) ^ ETX[0]},
    "LRC is a sum": {"lrc": lambda data: sum(data) & 0xFF},
    "STX and ETX changed": {"STX": ETX, "ETX": STX},
    "CR alone": {"END": b"\r"},
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Any]) -> None:
    assert _survives()
    for name, changed in mutant.items():
        monkeypatch.setattr(acknak, name, changed)
    # Each agrees with itself, as a codec tested against its own simulator would.
    body = acknak.encode_result(b"A12")
    assert acknak.decode_result(acknak.decode_frame(acknak.encode_frame(body))) == b"A12"
    assert not _survives()


contents = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\x02", b"\x03", b"\r\n", b"A", b"\x06", b"\x15"]), max_size=12
).map(b"".join)
bodies = contents.map(encode_result).filter(lambda body: b"\r\n\x03" not in body)


@given(contents, st.sampled_from([b"", b"=", b"\x02"]))
def test_a_content_comes_back(content: bytes, preamble: bytes) -> None:
    assert decode_result(encode_result(content, preamble), preamble) == content


@given(
    st.lists(bodies.map(encode_frame) | st.sampled_from([ACK, NAK, REQ]), max_size=6),
    st.lists(st.integers(1, 30), max_size=60),
)
def test_however_the_wire_cuts_them_the_frames_are_the_same(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream, cutter = b"".join(sent), Splitter(lambda body: False)
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += cutter.feed(stream[at : at + size])
        at += size
    assert found == sent
    assert not cutter.unfinished


@given(bodies, st.data())
def test_no_turned_bit_passes(body: bytes, data: st.DataObject) -> None:
    """Not one of them, wherever it is; and what is left is a silence away from a good frame."""
    frame = bytearray(encode_frame(body))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    cutter = Splitter(lambda body: False)
    assert [piece for piece in cutter.feed(bytes(frame)) if len(piece) > 1] == []
    cutter.give_up()
    assert cutter.feed(encode_frame(body)) == [encode_frame(body)]


@given(st.lists(st.binary(max_size=300)))
def test_any_bytes_end_in_a_frame_or_a_named_error(chunks: list[bytes]) -> None:
    cutter = splitter()
    for chunk in chunks:
        for piece in cutter.feed(chunk):
            assert len(piece) == 1 or decode_frame(piece) is not None
        with contextlib.suppress(FrameError):
            decode_frame(chunk)
        with contextlib.suppress(FrameError):
            decode_result(chunk, b"=")
    skipped = cutter.unfinished
    assert (cutter.give_up() > 0) is skipped
    assert not cutter.unfinished


def test_after_noise_nothing_counts_until_it_is_silent() -> None:
    """A frame within noise could be a part of a damaged one."""
    cutter, frame = splitter(), encode_frame(b"A12\r\n")
    assert cutter.feed(ACK + b"\xff" + frame) == [ACK]
    assert cutter.feed(frame) == []
    assert cutter.give_up() == 1 + 2 * len(frame)
    assert cutter.feed(frame) == [frame]


def test_what_is_no_frame() -> None:
    with pytest.raises(ValueError, match="end of a frame"):
        encode_frame(b"A\r\n\x03B\r\n")
    for frame in (b"", b"\x02\x03", b"A12\x03F", b"\x02A12\r\n\x03G", b"\x02A12\r\n"):
        with pytest.raises(FrameError):
            decode_frame(frame)
    for body in (b"", b"\n", b"A12", b"=A12\r\r"):
        with pytest.raises(FrameError):
            decode_result(body, b"=")


def test_a_long_frame_that_comes_slowly_costs_no_square_of_its_length() -> None:
    """Searched anew with each byte these are 200 million ETX, which takes minutes."""
    cutter, frame = splitter(), encode_frame(ETX * 20_000 + b"\r\n")
    before = time.process_time()
    found = [piece for at in range(len(frame)) for piece in cutter.feed(frame[at : at + 1])]
    assert found == [frame]
    assert time.process_time() - before < 5


def test_a_frame_without_an_end_is_given_up() -> None:
    cutter = splitter()
    assert cutter.feed(STX + ETX * LONGEST) == []
    assert cutter.give_up() == LONGEST + 1
