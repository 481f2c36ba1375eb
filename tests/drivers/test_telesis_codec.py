"""The Telesis codec against literal frames, an independent sum, and properties."""

import tomllib
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.telesis import codec
from drivers.telesis.codec import (
    Accepted,
    Answer,
    ChecksumError,
    Command,
    Format,
    Input,
    MalformedError,
    Output,
    Refused,
    Replies,
    Reply,
    Signals,
    Splitter,
)

_FILE = Path(__file__).parent.parent / "vectors" / "telesis" / "frames.toml"
FRAMES: list[dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["frame"]
_KINDS: dict[str, Callable[..., Command | Reply]] = {
    "command": Command,
    "accepted": Accepted,
    "refused": Refused,
    "answer": Answer,
}


def _form(frame: dict[str, Any]) -> Format:
    replies = Replies(frame.get("replies", "framed"))
    return Format(frame.get("check", "decimal"), frame.get("station", ""), replies)


def check(frame: dict[str, Any]) -> None:
    """The literal bytes and the literal meaning, each in both directions."""
    octets, form = bytes.fromhex(frame["hex"]), _form(frame)
    fields = dict(frame["message"])
    message = _KINDS[fields.pop("kind")](**fields)
    if isinstance(message, Command):
        assert codec.encode_command(message, form) == octets
        assert codec.decode_command(octets, form) == message
    else:
        assert codec.encode_reply(message, form) == octets
        assert codec.decode_reply(octets, form) == message
    if "constant" in frame:
        assert getattr(codec, frame["constant"]) == message.type
    data = getattr(message, "data", "")
    match frame.get("means", {}):
        case {"field": number, "text": text}:
            assert codec.field(number, text) == data
            assert codec.parse_field(data) == (number, text)
        case {"outputs": outputs, "inputs": inputs, "says": says}:
            signals = Signals(
                frozenset(codec.Output[name] for name in outputs),
                frozenset(codec.Input[name] for name in inputs),
            )
            assert codec.signals(signals) == data
            assert codec.parse_signals(data) == signals
            told = ("ready", "done", "paused", "fault")
            assert [name for name in told if getattr(signals, name)] == says
        case means:
            assert means == {}


@pytest.mark.parametrize("frame", FRAMES, ids=[frame["what"].split(":")[0] for frame in FRAMES])
def test_frame_of_the_manual(frame: dict[str, Any]) -> None:
    check(frame)


def _sum(octets: bytes) -> str:
    """Add, take 256 away while it goes, three decimal digits."""
    total = 0
    for octet in octets:
        total = total + octet
        if total >= 256:
            total = total - 256
    return "0123456789"[total // 100] + "0123456789"[total // 10 % 10] + "0123456789"[total % 10]


@pytest.mark.parametrize("frame", FRAMES, ids=[frame["what"].split(":")[0] for frame in FRAMES])
def test_block_check_by_another_hand(frame: dict[str, Any]) -> None:
    if set(frame) & {"check", "station", "replies"}:
        return
    octets = bytes.fromhex(frame["hex"])
    etx = octets.index(0x03)
    assert octets[etx + 1 : -1].decode() == _sum(octets[1:2] + octets[3:etx])


# The same mistake made in both halves: the codec still understands itself, the vectors must not.
MUTANTS: dict[str, dict[str, object]] = {
    "sum with the data alone": {
        "CHECKS": {**codec.CHECKS, "decimal": lambda covered: b"%03d" % (sum(covered[1:]) & 0xFF)}
    },
    "sum without leading zeros": {
        "CHECKS": {**codec.CHECKS, "decimal": lambda covered: b"%d" % (sum(covered) & 0xFF)}
    },
    "sum that is not cut": {
        "CHECKS": {**codec.CHECKS, "decimal": lambda covered: b"%03d" % sum(covered)}
    },
    "ACK for NAK": {"ACK": 0x15, "NAK": 0x06},
    "STX for SOH": {"SOH": 0x02, "STX": 0x01},
    "outputs in another order": {
        "Output": Enum("Output", {"DONE": 1, "READY": 2, "PAUSED": 4, "NO_FAULT": 8})
    },
    "stop for start": {"Input": Enum("Input", {"STOP": 1, "START": 2})},
    "field of one digit": {
        "field": lambda number, text: f"{number}{text}",
        "parse_field": lambda data: (int(data[0]), data[1:]),
    },
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_catch_a_mutant(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, wrong in MUTANTS[mutant].items():
        monkeypatch.setattr(codec, name, wrong)
    command = Command("V", codec.field(1, "AB"))
    assert codec.decode_command(codec.encode_command(command, Format()), Format()) == command
    reply = Accepted("V")
    assert codec.decode_reply(codec.encode_reply(reply, Format()), Format()) == reply
    assert any(_fails(frame) for frame in FRAMES)


def _fails(frame: dict[str, Any]) -> bool:
    try:
        check(frame)
    except (AssertionError, ValueError, LookupError):
        return True
    return False


FORMS = st.builds(
    Format,
    st.sampled_from(sorted(codec.CHECKS)),
    st.sampled_from(["", "07", "99"]),
    st.sampled_from(Replies),
)
_TYPES = st.sampled_from(["P", "V", "G", "O", "I"])
_DATA = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\x1d"), max_size=200
)
COMMANDS = st.builds(Command, _TYPES, _DATA)


def _replies(form: Format) -> st.SearchStrategy[Reply]:
    kinds = st.just("") if form.replies is Replies.BARE else _TYPES
    answers = st.builds(Answer, _TYPES, _DATA.filter(bool))
    return st.builds(Accepted, kinds) | st.builds(Refused, kinds) | answers


@given(COMMANDS, FORMS)
def test_a_command_that_is_encoded_is_decoded(command: Command, form: Format) -> None:
    assert codec.decode_command(codec.encode_command(command, form), form) == command


@given(FORMS, st.data())
def test_a_reply_that_is_encoded_is_decoded(form: Format, data: st.DataObject) -> None:
    reply = data.draw(_replies(form))
    assert codec.decode_reply(codec.encode_reply(reply, form), form) == reply


@given(
    st.binary(max_size=40)
    | st.binary(max_size=9).map(lambda data: b"\x01I\x02" + data + b"\x03\r"),
    FORMS,
)
def test_any_bytes_are_a_message_or_a_named_error(octets: bytes, form: Format) -> None:
    try:
        reply = codec.decode_reply(octets, form)
    except MalformedError:
        pass
    else:
        assert codec.encode_reply(reply, form) == octets
    try:
        command = codec.decode_command(octets, form)
    except MalformedError:
        return
    assert codec.encode_command(command, form) == octets


@given(COMMANDS, st.sampled_from(["decimal", "hex"]), st.data())
def test_a_flipped_bit_never_passes_the_block_check(
    command: Command, kind: str, data: st.DataObject
) -> None:
    form = Format(kind)
    octets = bytearray(codec.encode_command(command, form))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedError):
        codec.decode_command(bytes(octets), form)


@given(st.text(max_size=12) | st.from_regex(r"[0-9A-F]{2};[0-9A-F]{3}", fullmatch=True))
def test_any_data_is_a_value_or_a_named_error(data: str) -> None:
    try:
        number, text = codec.parse_field(data)
    except MalformedError:
        pass
    else:
        assert codec.field(number, text) == data
    try:
        signals = codec.parse_signals(data)
    except MalformedError:
        return
    assert codec.parse_signals(codec.signals(signals)) == signals


def test_signals_without_a_name_are_left_out() -> None:
    assert codec.parse_signals("FF;FFF") == Signals(frozenset(Output), frozenset(Input))


@given(FORMS, st.data())
def test_frames_are_found_however_the_bytes_are_cut(form: Format, data: st.DataObject) -> None:
    replies = data.draw(st.lists(_replies(form), max_size=4))
    frames = [codec.encode_reply(reply, form) for reply in replies]
    stream = b"".join(b"#\n" + frame for frame in frames)
    splitter, found = Splitter(form), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert splitter.garbage == 2 * len(frames)


@given(st.binary(max_size=1200))
def test_the_splitter_keeps_nothing_for_ever(octets: bytes) -> None:
    splitter = Splitter(Format())
    frames = splitter.feed(octets)
    assert splitter.feed(b"\r\x01I\x02\x03073\r")[-1:] == [b"\x01I\x02\x03073\r"]
    assert all(len(frame) <= codec.FRAME_BYTES for frame in frames)


def test_a_wrong_sum_is_told_from_no_frame() -> None:
    with pytest.raises(ChecksumError):
        codec.decode_reply(b"\x01G\x02\x06\x03078\r", Format())


@pytest.mark.parametrize(
    "command",
    [
        Command("X"),
        Command("P", "a\rb"),
        Command("P", "\x03"),
        Command("V", "01\u00e9"),
        Command("V", "01" + "x" * 512),
    ],
)
def test_what_no_frame_can_say_is_refused(command: Command) -> None:
    with pytest.raises(MalformedError):
        codec.encode_command(command, Format())


@pytest.mark.parametrize(
    ("reply", "form"),
    [
        (Answer("I", ""), Format()),
        (Accepted(""), Format()),
        (Refused("X"), Format()),
        (Accepted("G"), Format(replies=Replies.BARE)),
    ],
)
def test_what_no_answer_can_say_is_refused(reply: Reply, form: Format) -> None:
    with pytest.raises(MalformedError):
        codec.encode_reply(reply, form)


def test_fields_have_two_digits() -> None:
    for number in (0, 100):
        with pytest.raises(MalformedError):
            codec.field(number, "x")
