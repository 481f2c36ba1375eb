"""K-commands against published bytes; mutants must not survive, and any bytes end in a value."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.microscan import codec
from drivers.microscan.codec import (
    FrameError,
    Setting,
    Splitter,
    Status,
    decode_command,
    decode_firmware,
    decode_result,
    decode_setting,
    decode_status,
    encode_command,
    encode_firmware,
    encode_result,
    encode_setting,
    encode_status,
    is_answer,
    question,
)

FILE = Path(__file__).parent.parent / "vectors" / "microscan" / "frames.toml"
VECTORS: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text())
BITS = {
    "command_error": 1,
    "command_received": 2,
    "line_error": 4,
    "flash_failure": 8,
    "overflow": 16,
    "reading": 32,
}


def check(kind: str, vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame = bytes.fromhex(vector["hex"])
    match kind:
        case "command":
            assert codec.encode_command(vector["text"]) == frame
            assert codec.decode_command(frame) == vector["text"]
        case "setting":
            setting = Setting(vector["number"], tuple(vector["fields"]))
            assert codec.encode_setting(setting) == frame
            assert codec.decode_setting(frame) == setting
            assert codec.is_answer(frame)
            if "constant" in vector:
                assert getattr(codec, vector["constant"]) == vector["number"]
        case "status":
            status = codec.decode_status(frame)
            assert status == Status(vector["bits"])
            assert {name for name in BITS if getattr(status, name)} == set(vector["true"])
            assert codec.encode_status(status) == frame
            assert codec.is_answer(frame)
        case "firmware":
            assert codec.encode_firmware(vector["checksum"]) == frame
            assert codec.decode_firmware(frame) == vector["checksum"]
            assert codec.is_answer(frame)
        case _:
            content = bytes.fromhex(vector["content"])
            preamble = bytes.fromhex(vector.get("preamble", ""))
            assert codec.encode_result(content, preamble) == frame
            assert codec.decode_result(frame, preamble) == content
            assert not codec.is_answer(frame)


ALL = [(kind, vector) for kind, vectors in VECTORS.items() for vector in vectors]


@pytest.mark.parametrize(("kind", "vector"), ALL, ids=[vector["name"] for _, vector in ALL])
def test_vector_both_ways(kind: str, vector: dict[str, Any]) -> None:
    check(kind, vector)


def _survives() -> bool:
    try:
        for kind, vector in ALL:
            check(kind, vector)
    except (AssertionError, ValueError):
        return False
    return True


def _swapped(status: Status) -> Status:
    return Status(status.bits >> 4 | (status.bits & 0x0F) << 4)


MUTANTS: dict[str, dict[str, Any]] = {
    "the first digit is the high one": {
        "encode_status": lambda status: encode_status(_swapped(status)),
        "decode_status": lambda frame: _swapped(decode_status(frame)),
    },
    "CR alone": {"END": b"\r"},
    "without the K": {
        "encode_setting": lambda setting: encode_setting(setting).replace(b"K", b""),
        "decode_setting": lambda frame: decode_setting(frame.replace(b"<", b"<K")),
    },
    "semicolons": {
        "encode_setting": lambda setting: encode_setting(setting).replace(b",", b";"),
        "decode_setting": lambda frame: decode_setting(frame.replace(b";", b",")),
    },
    "without the slash": {
        "encode_firmware": lambda checksum: encode_firmware(checksum).replace(b"/", b""),
        "decode_firmware": lambda frame: decode_firmware(frame.replace(b"a", b"a/", 1)),
    },
    "preamble behind": {
        "encode_result": lambda content, preamble: content + preamble + b"\r\n",
        "decode_result": lambda frame, preamble: frame[: len(frame) - 2 - len(preamble)],
    },
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Any]) -> None:
    assert _survives()
    for name, changed in mutant.items():
        monkeypatch.setattr(codec, name, changed)
    # Each agrees with itself, as a codec tested against its own simulator would.
    assert codec.decode_status(codec.encode_status(Status(0x2C))) == Status(0x2C)
    assert codec.decode_setting(codec.encode_setting(Setting(220, ("0", "50")))).number == 220
    assert codec.decode_firmware(codec.encode_firmware("1F2E")) == "1F2E"
    assert codec.decode_result(codec.encode_result(b"A12", b"="), b"=") == b"A12"
    assert not _survives()


def test_one_digit_is_the_low_one() -> None:
    """MS-3 manual, page 11-14, prints `<?/F>`."""
    assert decode_status(bytes.fromhex("3C 3F 2F 46 3E")) == Status(0x0F)


def test_questions() -> None:
    assert question(200) == "K200?"


@pytest.mark.parametrize("text", ["", "a<b", "a>b", "ë", "a\rb", "a" * 401])
def test_texts_that_stand_in_no_command(text: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        encode_command(text)


@pytest.mark.parametrize("field", ["a,b", "a<b", "a\nb", "ë"])
def test_fields_that_cannot_be(field: str) -> None:
    with pytest.raises(ValueError, match="cannot"):
        encode_setting(Setting(714, ("1", field)))


def test_what_is_no_checksum_and_no_line() -> None:
    with pytest.raises(ValueError, match="no checksum"):
        encode_firmware("")
    with pytest.raises(ValueError, match="end of a line"):
        encode_result(b"A\r\nB")
    with pytest.raises(FrameError):
        decode_result(b"A12\r\n", b"=")
    with pytest.raises(FrameError):
        decode_setting(b"<K20,4>")


fields = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="<>,"), max_size=20
)
settings = st.builds(Setting, st.integers(0, 999), st.lists(fields, max_size=5).map(tuple))
contents = st.binary(max_size=80).filter(lambda data: b"\r" not in data and data)


@given(settings)
def test_a_setting_comes_back(setting: Setting) -> None:
    frame = encode_setting(setting)
    assert decode_setting(frame) == setting
    assert Splitter().feed(frame + b"\r\n") == [frame]


@given(st.integers(0, 255))
def test_a_status_comes_back(bits: int) -> None:
    assert decode_status(encode_status(Status(bits))) == Status(bits)


@given(contents, st.sampled_from([b"", b"=", b"\x02"]))
def test_a_content_comes_back(content: bytes, preamble: bytes) -> None:
    assert decode_result(encode_result(content, preamble), preamble) == content


@given(st.binary(max_size=120) | st.binary(max_size=20).map(lambda middle: b"<" + middle + b">"))
def test_any_bytes_end_in_a_value_or_a_named_error(data: bytes) -> None:
    for decode in (decode_command, decode_setting, decode_status, decode_firmware, decode_result):
        with contextlib.suppress(FrameError):
            decode(data)
    is_answer(data)


@given(
    st.lists(settings.map(encode_setting) | st.sampled_from([b"A12\r\n", b"<?/22>"]), max_size=6),
    st.lists(st.integers(1, 30), max_size=60),
)
def test_however_the_wire_cuts_them_the_frames_are_the_same(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(sent)
    splitter = Splitter()
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += splitter.feed(stream[at : at + size])
        at += size
    assert found == sent
    assert splitter.garbage == 0


@given(st.lists(st.binary(max_size=300)))
def test_a_splitter_takes_anything(chunks: list[bytes]) -> None:
    splitter = Splitter()
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.reset()
    assert splitter.feed(b"<?/22>")[-1:] in ([b"<?/22>"], [])
    splitter.reset()
    assert splitter.feed(b"\r\n<?/22>")[-1:] == [b"<?/22>"]


def test_a_line_without_an_end_is_given_up() -> None:
    splitter = Splitter()
    assert splitter.feed(bytes(codec.LONGEST + 1)) == []
    assert splitter.garbage == codec.LONGEST + 1
