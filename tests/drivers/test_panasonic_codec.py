"""The Panasonic codec against the manual's frames, an independent sum, and properties."""

import tomllib
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.panasonic_lp import codec
from drivers.panasonic_lp.codec import (
    Accepted,
    Answer,
    ChecksumError,
    Command,
    Format,
    MalformedError,
    Message,
    Pumping,
    Refused,
    Splitter,
    Status,
)

_FILE = Path(__file__).parent.parent / "vectors" / "panasonic_lp" / "frames.toml"
FRAMES: list[dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["frame"]


def _form(frame: dict[str, Any]) -> Format:
    terminator = {"cr": b"\x0d", "crlf": b"\x0d\x0a"}[frame.get("terminator", "cr")]
    return Format(frame.get("checksum", False), terminator)


def _message(frame: dict[str, Any]) -> Message:
    fields = dict(frame["message"])
    kinds: dict[str, Callable[..., Message]] = {
        "command": Command,
        "answer": Answer,
        "accepted": Accepted,
        "refused": Refused,
    }
    return kinds[fields.pop("kind")](**fields)


def check(frame: dict[str, Any]) -> None:
    """The literal bytes and the literal meaning, each in both directions."""
    octets, form, message = bytes.fromhex(frame["hex"]), _form(frame), _message(frame)
    assert codec.encode(message, form) == octets
    assert codec.decode(octets, form) == message
    data = getattr(message, "data", "")
    match frame.get("means", {}):
        case {"file": number}:
            assert codec.file_number(number) == data
            assert codec.parse_file_number(data) == number
        case {"reception": on}:
            assert codec.reception(on) == data
            assert codec.parse_reception(data) is on
        case {"status": fields}:
            status = Status(**{**fields, "pumping": Pumping(fields["pumping"])})
            assert codec.status(status) == data
            assert codec.parse_status(data) == status
        case {"error": error, "end_report": unasked}:
            assert codec.end_report(error) == data
            assert codec.parse_end_report(data) == error
            assert codec.is_end_report(octets) is unasked
        case {"flag": on}:
            assert codec.flag(on) == data
            assert codec.parse_flag(data) is on
            assert codec.is_end_report(octets) is False
        case {"line": number, "text": text}:
            assert codec.stored_line(number, text) == data
            assert codec.parse_stored_line(data) == (number, text)
        case {"shot": number, "text": text}:
            assert codec.shot_text(number, text) == data
            assert codec.parse_shot_text(data) == (number, text)
        case {"object": thing, "part": part, "text": text}:
            assert codec.stored_code(thing, part, text) == data
            assert codec.parse_stored_code(data) == (thing, part, text)
        case means:
            assert means == {}


@pytest.mark.parametrize("frame", FRAMES, ids=[frame["what"] for frame in FRAMES])
def test_frame_of_the_manual(frame: dict[str, Any]) -> None:
    check(frame)


def _sum(octets: bytes) -> str:
    """The manual's words, literally: add, keep the lower byte, two characters (L p.70)."""
    total = 0
    for octet in octets:
        total = total + octet
    lower = total - total // 256 * 256
    return "0123456789ABCDEF"[lower // 16] + "0123456789ABCDEF"[lower % 16]


@pytest.mark.parametrize("frame", FRAMES, ids=[frame["what"] for frame in FRAMES])
def test_checksum_by_another_hand(frame: dict[str, Any]) -> None:
    octets = bytes.fromhex(frame["hex"]).rstrip(b"\r\n")
    content = octets[:-2] if frame.get("checksum") else octets
    summed = content + _sum(content).encode() + b"\r"
    assert codec.encode(_message(frame), Format(checksum=True)) == summed
    if frame.get("checksum"):
        assert octets[-2:].decode() == _sum(content)


# The same mistake made in both halves: the codec still understands itself, the vectors must not.
MUTANTS: dict[str, dict[str, Callable[..., Any]]] = {
    "sum without the start code": {"checksum": lambda frame: b"%02X" % (sum(frame[1:]) & 0xFF)},
    "sum in lower case": {"checksum": lambda frame: b"%02x" % (sum(frame) & 0xFF)},
    "sum as exclusive or": {"checksum": lambda frame: b"%02X" % reduce(int.__xor__, frame)},
    "reception in the plain sense": {
        "reception": lambda on: codec.flag(on),
        "parse_reception": lambda data: codec.parse_flag(data),
    },
    "flags inverted": {
        "flag": lambda on: "0" if on else "1",
        "parse_flag": lambda data: data == "0",
    },
    "file number of three digits": {
        "file_number": lambda number: f"{number:03}",
        "parse_file_number": lambda data: int(data) if len(data) == 3 else -1,
    },
    "text number of one digit": {
        "shot_text": lambda number, text: f"{number}{text}",
        "parse_shot_text": lambda data: (int(data[0]), data[1:]),
    },
    "status with ready before reception": {
        "status": lambda value: (
            f"{value.error:d}{value.pumping.value}{value.ready:d}{not value.reception:d}"
            f"{value.intervals:d}"
        ),
        "parse_status": lambda data: Status(
            data[0] == "1", Pumping(data[1]), data[3] == "0", data[2] == "1", data[4] == "1"
        ),
    },
    "end reports without the E": {
        "end_report": lambda error: f"{error:04}",
        "parse_end_report": lambda data: int(data),
    },
}
_CONSTANTS = {"STX": 0x01, "ACK": 0x15, "NAK": 0x06}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_catch_a_mutant(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, wrong in MUTANTS[mutant].items():
        monkeypatch.setattr(codec, name, wrong)
    form = Format(checksum=True)
    command = Command("FNO", "S", "2047")
    assert codec.decode(codec.encode(command, form), form) == command
    assert any(_fails(frame) for frame in FRAMES)


@pytest.mark.parametrize("name", _CONSTANTS)
def test_vectors_catch_a_wrong_start_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, name, _CONSTANTS[name])
    assert any(_fails(frame) for frame in FRAMES)


def _fails(frame: dict[str, Any]) -> bool:
    try:
        check(frame)
    except (AssertionError, ValueError, LookupError):
        return True
    return False


FORMS = st.builds(Format, st.booleans(), st.sampled_from([b"\r", b"\r\n"]))
_DATA = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\x1d"), max_size=200
)
_NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
MESSAGES: st.SearchStrategy[Message] = (
    st.builds(Command, _NAMES, st.sampled_from("SR"), _DATA)
    | st.builds(Answer, _NAMES, _DATA)
    | st.just(Accepted())
    | st.integers(1, 99).map(lambda cause: Refused(f"{cause:02}"))
)


@given(MESSAGES, FORMS)
def test_what_is_encoded_is_decoded(message: Message, form: Format) -> None:
    assert codec.decode(codec.encode(message, form), form) == message


@given(st.binary(max_size=64), FORMS)
def test_any_bytes_are_a_message_or_a_named_error(octets: bytes, form: Format) -> None:
    try:
        message = codec.decode(octets, form)
    except MalformedError:
        return
    assert codec.encode(message, form) == octets


@given(MESSAGES, st.data())
def test_a_flipped_bit_never_passes_the_checksum(message: Message, data: st.DataObject) -> None:
    form = Format(checksum=True)
    octets = bytearray(codec.encode(message, form))
    at = data.draw(st.integers(0, len(octets) - 2))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedError):
        codec.decode(bytes(octets), form)


@given(st.text(max_size=12))
def test_any_data_is_a_value_or_a_named_error(data: str) -> None:
    for parse, write in (
        (codec.parse_file_number, codec.file_number),
        (codec.parse_flag, codec.flag),
        (codec.parse_reception, codec.reception),
        (codec.parse_status, codec.status),
        (codec.parse_end_report, codec.end_report),
    ):
        parse_any: Callable[[str], Any] = parse
        write_any: Callable[[Any], str] = write
        try:
            value = parse_any(data)
        except MalformedError:
            continue
        assert write_any(value) == data
    for parse_parts, write_parts in (
        (codec.parse_shot_text, codec.shot_text),
        (codec.parse_stored_line, codec.stored_line),
        (codec.parse_stored_code, codec.stored_code),
    ):
        take: Callable[[str], Any] = parse_parts
        give: Callable[..., str] = write_parts
        try:
            values = take(data)
        except MalformedError:
            continue
        assert give(*values) == data


@given(st.lists(MESSAGES, max_size=4), FORMS, st.data())
def test_frames_are_found_however_the_bytes_are_cut(
    messages: list[Message], form: Format, data: st.DataObject
) -> None:
    frames = [codec.encode(message, form) for message in messages]
    stream = b"".join(b"#\n" + frame for frame in frames)
    splitter, found = Splitter(form), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert splitter.garbage == len(frames)


@given(st.binary(max_size=600))
def test_the_splitter_keeps_nothing_for_ever(octets: bytes) -> None:
    splitter = Splitter(Format())
    frames = splitter.feed(octets)
    assert splitter.feed(b"\r\x02STSR\r")[-1:] == [b"\x02STSR\r"]
    assert all(len(frame) <= codec.FRAME_BYTES + 1 for frame in frames)


def test_look_alikes_of_the_status_are_named() -> None:
    with pytest.raises(MalformedError, match="standard command mode"):
        codec.parse_status("1,0,2,1,1,0")
    with pytest.raises(MalformedError, match="LP-310"):
        codec.parse_status("002110")


def test_a_wrong_sum_is_told_from_no_frame() -> None:
    with pytest.raises(ChecksumError):
        codec.decode(b"\x0600\x36\x37\r", Format(checksum=True))


@pytest.mark.parametrize(
    "message",
    [
        Command("FNO", "A", "1"),
        Command("fno", "S"),
        Command("FNO", "S", "a\rb"),
        Command("SIN", "S", "00\u00e9"),
        Refused("00"),
        Refused("3"),
    ],
)
def test_what_no_frame_can_say_is_refused(message: Message) -> None:
    with pytest.raises(MalformedError):
        codec.encode(message, Format())


def test_text_for_one_shot_has_99_characters_at_most() -> None:
    assert codec.parse_shot_text(codec.shot_text(15, "x" * 99)) == (15, "x" * 99)
    with pytest.raises(MalformedError):
        codec.shot_text(0, "x" * 100)
    with pytest.raises(MalformedError):
        codec.shot_text(16, "x")
