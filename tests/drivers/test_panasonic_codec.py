"""The Panasonic codec against the manuals' frames of both modes, an independent sum, properties."""

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
    Mode,
    Pumping,
    Refused,
    Splitter,
    Status,
    WrongModeError,
)

_FOLDER = Path(__file__).parent.parent / "vectors" / "panasonic_lp"
FRAMES: list[dict[str, Any]] = [
    frame
    for name in ("frames.toml", "standard.toml")
    for frame in tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))["frame"]
]
EACH = pytest.mark.parametrize(
    "frame", FRAMES, ids=[f"{each.get('mode', 'compatible')}: {each['what']}" for each in FRAMES]
)


def _form(frame: dict[str, Any]) -> Format:
    terminator = codec.TERMINATORS[frame.get("terminator", "cr")]
    return Format(frame.get("checksum", False), terminator, frame.get("mode", "compatible"))


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
    mode = form.mode
    match frame.get("means", {}):
        case {"file": number, "short": True}:  # understood; we send four digits
            assert codec.parse_file_number(data, mode) == number
        case {"file": number}:
            assert codec.file_number(number, mode) == data
            assert codec.parse_file_number(data, mode) == number
        case {"reception": on}:
            assert codec.reception(on) == data
            assert codec.parse_reception(data) is on
        case {"status": fields}:
            status = Status(**{**fields, "pumping": Pumping(fields["pumping"])})
            assert codec.status(status, mode) == data
            assert codec.parse_status(data, mode) == status
            assert codec.status_mode(data) == mode
        case {"error": error, "end_report": unasked}:
            assert codec.end_report(error) == data
            assert codec.parse_end_report(data) == error
            assert codec.is_end_report(octets) is unasked
        case {"end_report": unasked}:
            assert codec.is_end_report(octets) is unasked
        case {"flag": on}:
            assert codec.flag(on) == data
            assert codec.parse_flag(data) is on
            assert codec.is_end_report(octets) is False
        case {"line": number, "text": text}:
            assert codec.stored_line(number, text) == data
            assert codec.parse_stored_line(data) == (number, text)
        case {"shot": number, "text": text}:
            assert codec.shot_text(number, text, mode) == data
            assert codec.parse_shot_text(data, mode) == (number, text)
        case {"object": thing, "part": part, "text": text}:
            assert codec.stored_code(thing, part, text) == data
            assert codec.parse_stored_code(data) == (thing, part, text)
        case means:
            assert means == {}


@EACH
def test_frame_of_the_manual(frame: dict[str, Any]) -> None:
    check(frame)


def _sum(octets: bytes) -> str:
    """The manual's words, literally: add, keep the lower byte, two characters (L p.70)."""
    total = 0
    for octet in octets:
        total = total + octet
    lower = total - total // 256 * 256
    return "0123456789ABCDEF"[lower // 16] + "0123456789ABCDEF"[lower % 16]


@EACH
def test_checksum_by_another_hand(frame: dict[str, Any]) -> None:
    octets = bytes.fromhex(frame["hex"]).rstrip(b"\r\n")
    content = octets[:-2] if frame.get("checksum") else octets
    summed = content + _sum(content).encode() + b"\r"
    form = Format(checksum=True, mode=_form(frame).mode)
    assert codec.encode(_message(frame), form) == summed
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
        "file_number": lambda number, mode: f"{number:03}",
        "parse_file_number": lambda data, mode: int(data) if len(data) == 3 else -1,
    },
    "text number of one digit": {
        "shot_text": lambda number, text, mode: f"{number}{text}",
        "parse_shot_text": lambda data, mode: (int(data[0]), data[1:]),
    },
    "status with ready before reception": {
        "status": lambda value, mode: (
            f"{value.error:d}{value.pumping.value}{value.ready:d}{not value.reception:d}"
            f"{value.intervals:d}"
        ),
        "parse_status": lambda data, mode: Status(
            data[0] == "1", Pumping(data[1]), data[3] == "0", data[2] == "1", data[4] == "1"
        ),
    },
    "end reports without the E": {
        "end_report": lambda error: f"{error:04}",
        "parse_end_report": lambda data: int(data),
    },
}
_CONSTANTS: dict[str, Any] = {
    "STX": 0x01,
    "ACK": 0x15,
    "NAK": 0x06,
    "NAMELESS": "***",
    "_NAMELESS_CAUSES": ("01", "02", "03", "04"),
    "_COMMA": {"compatible": "", "standard": ";"},
    "FILES": {"compatible": range(2048), "standard": range(2048)},
}


def _standard(order: str) -> dict[str, Callable[..., Any]]:
    """STS of standard mode with its items in another order; first letters of their names."""
    names = {"t": "ready", "r": "radiating", "s": "shutter", "e": "error"}

    def write(value: Status, _mode: Mode) -> str:
        told = {letter: codec.flag(bool(getattr(value, name))) for letter, name in names.items()}
        told |= {"p": value.pumping.value, "c": codec.reception(value.reception)}
        return ",".join(told[letter] for letter in order)

    def parse(data: str, _mode: Mode) -> Status:
        told = dict(zip(order, data.split(","), strict=True))
        flags = {name: told[letter] == "1" for letter, name in names.items()}
        return Status(pumping=Pumping(told["p"]), reception=told["c"] == "0", **flags)

    return {"status": write, "parse_status": parse}


MUTANTS |= {
    "standard status with pumping first": _standard("ptrsce"),
    "standard status with radiation and ready exchanged": _standard("rtpsce"),
    "standard status with shutter and reception exchanged": _standard("trpcse"),
    "standard status with the error first, as in compatible mode": _standard("etrpsc"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_catch_a_mutant(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, wrong in MUTANTS[mutant].items():
        monkeypatch.setattr(codec, name, wrong)
    form = Format(checksum=True)
    command = Command("FNO", "S", "2047")
    assert codec.decode(codec.encode(command, form), form) == command
    of: Mode = "standard" if mutant.startswith("standard") else "compatible"
    assert any(_fails(frame) for frame in FRAMES if _form(frame).mode == of)


@pytest.mark.parametrize("name", _CONSTANTS)
def test_vectors_catch_a_wrong_constant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, name, _CONSTANTS[name])
    assert any(_fails(frame) for frame in FRAMES)


def _fails(frame: dict[str, Any]) -> bool:
    try:
        check(frame)
    except (AssertionError, ValueError, LookupError):
        return True
    return False


MODES: tuple[Mode, ...] = ("compatible", "standard")
FORMS = st.builds(Format, st.booleans(), st.sampled_from([b"\r", b"\r\n"]), st.sampled_from(MODES))
_DATA = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\x1d"), max_size=200
)
_NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
_CAUSES = st.integers(1, 99).map(lambda cause: f"{cause:02}")


def messages(form: Format) -> st.SearchStrategy[Message]:
    """What can be said in that mode."""
    return (
        st.builds(Command, _NAMES, st.sampled_from("SR"), _DATA)
        | st.builds(Answer, _NAMES, _DATA.filter(bool))
        | st.builds(codec.accepted, _NAMES, st.just(form))
        | st.builds(codec.refused, _NAMES, _CAUSES, st.just(form))
    )


SAID = FORMS.flatmap(lambda form: st.tuples(messages(form), st.just(form)))


@given(SAID)
def test_what_is_encoded_is_decoded(said: tuple[Message, Format]) -> None:
    message, form = said
    assert codec.decode(codec.encode(message, form), form) == message


@given(SAID)
def test_a_reply_of_the_other_mode_is_never_a_reply(said: tuple[Message, Format]) -> None:
    """Commands and answers look the same; what accepts and refuses must not."""
    message, form = said
    mode: Mode = "standard" if form.mode == "compatible" else "compatible"
    octets = codec.encode(message, form)
    other = Format(form.checksum, form.terminator, mode)
    if isinstance(message, Command | Answer):
        assert codec.decode(octets, other) == message
    elif form.mode == "standard" and isinstance(message, Accepted):
        assert codec.decode(octets, other) == Answer(message.name)
    else:
        with pytest.raises(WrongModeError, match=form.mode):
            codec.decode(octets, other)


@given(st.binary(max_size=64), FORMS)
def test_any_bytes_are_a_message_or_a_named_error(octets: bytes, form: Format) -> None:
    try:
        message = codec.decode(octets, form)
    except MalformedError:
        return
    assert codec.encode(message, form) == octets


@given(SAID, st.data())
def test_a_flipped_bit_never_passes_the_checksum(
    said: tuple[Message, Format], data: st.DataObject
) -> None:
    message, form = said[0], Format(checksum=True, mode=said[1].mode)
    octets = bytearray(codec.encode(message, form))
    at = data.draw(st.integers(0, len(octets) - 2))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedError):
        codec.decode(bytes(octets), form)


@given(st.text(max_size=12) | st.from_regex(r"[0-2](,[0-2]){5,6}", fullmatch=True))
def test_any_data_is_a_value_or_a_named_error(data: str) -> None:
    pairs: list[tuple[Callable[..., Any], Callable[..., str], tuple[Mode, ...]]] = [
        (codec.parse_flag, codec.flag, ()),
        (codec.parse_reception, codec.reception, ()),
        (codec.parse_end_report, codec.end_report, ()),
        *((codec.parse_status, codec.status, (mode,)) for mode in MODES),
        (codec.parse_file_number, codec.file_number, ("compatible",)),
    ]
    for parse, write, mode in pairs:
        try:
            value = parse(data, *mode)
        except MalformedError:
            continue
        assert write(value, *mode) == data
    several: list[tuple[Callable[..., Any], Callable[..., str], tuple[Mode, ...]]] = [
        *((codec.parse_shot_text, codec.shot_text, (mode,)) for mode in MODES),
        (codec.parse_stored_line, codec.stored_line, ()),
        (codec.parse_stored_code, codec.stored_code, ()),
    ]
    for parse, write, mode in several:
        try:
            values = parse(data, *mode)
        except MalformedError:
            continue
        assert write(*values, *mode) == data


@given(FORMS, st.data())
def test_frames_are_found_however_the_bytes_are_cut(form: Format, data: st.DataObject) -> None:
    said = data.draw(st.lists(messages(form), max_size=4))
    frames = [codec.encode(message, form) for message in said]
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


@pytest.mark.parametrize("mode", MODES)
def test_look_alikes_of_the_status_are_named(mode: Mode) -> None:
    other = {"compatible": "1,0,2,1,1,0", "standard": "02110"}[mode]
    with pytest.raises(WrongModeError, match="standard" if "," in other else "compatible"):
        codec.parse_status(other, mode)
    for lp310 in ("002110", "102110"):
        with pytest.raises(MalformedError, match="LP-310"):
            codec.parse_status(lp310, mode)


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
        Accepted("FNO"),
        Refused("03", "FNO", "00"),
    ],
)
def test_what_no_frame_can_say_is_refused(message: Message) -> None:
    with pytest.raises(MalformedError):
        codec.encode(message, Format())


@pytest.mark.parametrize(
    "message",
    [
        Accepted(),
        Answer("FNO", ""),
        Refused("03"),
        Refused("04", "FNO", "00"),
        Refused("03", "???", "00"),
        Refused("00", "FNO", "00"),
        Refused("03", "FNO", "0"),
    ],
)
def test_what_no_frame_of_standard_mode_can_say_is_refused(message: Message) -> None:
    with pytest.raises(MalformedError):
        codec.encode(message, Format(mode="standard"))


def test_no_mode_tells_what_only_the_other_knows() -> None:
    radiating = Status(False, Pumping.DONE, False, False, radiating=True, shutter=True)
    with pytest.raises(MalformedError):
        codec.status(radiating, "compatible")
    with pytest.raises(MalformedError):
        codec.status(Status(False, Pumping.DONE, False, False, intervals=True), "standard")


def test_a_standard_reply_names_the_command_that_it_answers() -> None:
    assert codec.names_another(Accepted("MRK"), "MKM")
    assert not codec.names_another(Accepted("MKM"), "MKM")
    assert not codec.names_another(Refused("05", "???", "00"), "MKM")
    assert not codec.names_another(Accepted(), "MKM")


@pytest.mark.parametrize("mode", MODES)
def test_text_for_one_shot_has_99_characters_at_most(mode: Mode) -> None:
    data = codec.shot_text(15, "x" * 99, mode)
    assert codec.parse_shot_text(data, mode) == (15, "x" * 99)
    with pytest.raises(MalformedError):
        codec.shot_text(0, "x" * 100, mode)
    with pytest.raises(MalformedError):
        codec.shot_text(16, "x", mode)


def test_a_comma_in_a_text_is_refused_where_it_separates() -> None:
    assert codec.shot_text(0, "a,b", "compatible") == "00a,b"
    with pytest.raises(MalformedError, match="comma"):
        codec.shot_text(0, "a,b", "standard")
    with pytest.raises(MalformedError, match="comma"):
        codec.parse_shot_text("00ab", "standard")


def test_only_standard_mode_has_files_above_2047() -> None:
    assert codec.parse_file_number(codec.file_number(9999, "standard"), "standard") == 9999
    for data in ("2048", "9999", "10"):
        with pytest.raises(MalformedError):
            codec.parse_file_number(data, "compatible")
