"""Honeywell frames against published bytes; mutants must not survive; any bytes end in a value."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.honeywell import codec
from drivers.honeywell.codec import (
    FrameError,
    Menu,
    Part,
    Splitter,
    Verdict,
    around,
    decode_answer,
    decode_menu,
    decode_result,
    decode_revisions,
    encode_answer,
    encode_menu,
    encode_result,
    is_answer,
    is_nothing,
    is_prefix,
    question,
)

FILE = Path(__file__).parent.parent / "vectors" / "honeywell" / "frames.toml"
VECTORS: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text())
ALL = [(kind, vector) for kind, vectors in VECTORS.items() for vector in vectors]


def check(kind: str, vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame = bytes.fromhex(vector["hex"])
    match kind:
        case "trigger":
            assert getattr(codec, vector["constant"]) == frame
        case "menu":
            menu = Menu(tuple(vector["items"]), vector["saved"])
            assert codec.encode_menu(menu) == frame
            assert codec.decode_menu(frame) == menu
        case "answer":
            parts = tuple(
                Part(text, Verdict[verdict], mark) for text, verdict, mark in vector["parts"]
            )
            assert codec.encode_answer(parts) == frame
            assert codec.decode_answer(frame) == parts
            assert codec.is_answer(frame)
        case "revisions":
            (part,) = codec.decode_answer(frame)
            assert part == Part(vector["text"], Verdict.ACK, ".")
            assert (part.name, part.value) == ("REVINF", "")
            assert codec.decode_revisions(part) == (vector["model"], vector["version"])
        case _:
            prefix, suffix = bytes.fromhex(vector["prefix"]), bytes.fromhex(vector["suffix"])
            content = bytes.fromhex(vector["content"])
            assert codec.encode_result(content, prefix, suffix) == frame
            assert codec.decode_result(frame, prefix, suffix) == content
            assert not codec.is_answer(frame)
            assert codec.is_nothing(content, b"NR", False) is vector.get("nothing", False)


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


_ACK_AND_NAK = bytes.maketrans(b"\x06\x15", b"\x15\x06")
MUTANTS: dict[str, dict[str, Any]] = {
    "T and U": {"TRIGGER_ON": b"\x16U\r", "TRIGGER_OFF": b"\x16T\r"},
    "LF for CR": {"MENU": b"\x16M\n"},
    "saved and not": {
        "encode_menu": lambda menu: encode_menu(Menu(menu.items, not menu.saved)),
        "decode_menu": lambda frame: Menu(decode_menu(frame).items, not decode_menu(frame).saved),
    },
    "ACK and NAK": {
        "encode_answer": lambda parts: encode_answer(parts).translate(_ACK_AND_NAK),
        "decode_answer": lambda frame: decode_answer(frame.translate(_ACK_AND_NAK)),
    },
    "the mark before the status": {
        "encode_answer": lambda parts: (
            encode_answer(parts)[:-2] + encode_answer(parts)[-1:] + encode_answer(parts)[-2:-1]
        ),
        "decode_answer": lambda frame: decode_answer(frame[:-2] + frame[-1:] + frame[-2:-1]),
    },
    "suffix before": {
        "encode_result": lambda content, prefix, suffix: prefix + suffix + content,
        "decode_result": lambda frame, prefix, suffix: frame[len(prefix + suffix) :],
    },
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Any]) -> None:
    assert _survives()
    for name, changed in mutant.items():
        monkeypatch.setattr(codec, name, changed)
    # Each agrees with itself, as a codec tested against its own simulator would.
    menu = Menu(("TRGMOD0", "SHWNRD1"))
    assert codec.decode_menu(codec.encode_menu(menu)) == menu
    parts = (Part("TRGMOD0", Verdict.ACK, "!"),)
    assert codec.decode_answer(codec.encode_answer(parts)) == parts
    frame = codec.encode_result(b"A12", b"\x02", b"\x03")
    assert codec.decode_result(frame, b"\x02", b"\x03") == b"A12"
    assert not _survives()


def test_questions_and_what_stands_around_a_code() -> None:
    assert encode_menu(question(("TRGMOD", "PREBK2"))) == b"\x16M\rTRGMOD?;PREBK2?!"
    named = (codec.PREFIX, codec.SUFFIX, codec.CLEAR_PREFIXES, codec.CLEAR_SUFFIXES)
    assert named == ("PREBK2", "SUFBK2", "PRECA2", "SUFCA2")
    assert around(b"\x02") == "9902"
    assert around(b"\x03\r") == "99030D"


def test_a_subtag_behind_a_comma_has_the_tag_before_it() -> None:
    """Xenon 1900 User's Guide, page 11-1: `Tag SubTag {Data} [, SubTag {Data}] [; Tag ...]`."""
    frame = b"\x16M\rCBRENA1,SSX0;TRGMOD0!"
    assert decode_menu(frame).items == ("CBRENA1", "CBRSSX0", "TRGMOD0")


def test_the_message_of_nothing_read() -> None:
    assert is_nothing(b"NR", b"NR", False)
    assert is_nothing(b"]X0NR", b"NR", True)
    assert is_nothing(b"NR", b"NR", True)
    assert not is_nothing(b"]X0NR", b"NR", False)
    assert not is_nothing(b"]d1NR", b"NR", True)


@pytest.mark.parametrize("text", [b"\x02", b"\x01", b"\x1d"])
def test_what_can_begin_a_code(text: bytes) -> None:
    assert is_prefix(text)


@pytest.mark.parametrize(
    "text", [b"", b"A", b"\x05", b"\x06", b"\x15", b"\r", b"\n", b"\x16", b"\x02\x02"]
)
def test_what_cannot(text: bytes) -> None:
    assert not is_prefix(text)


def test_revisions_that_are_not_told() -> None:
    assert decode_revisions(Part("REVINF", Verdict.ACK, ".")) == ("", "")


@pytest.mark.parametrize("items", [(), ("",), ("AB",), ("TRGMOD0!",), ("TRGMOD0;",), ("TRGMÖD",)])
def test_commands_that_are_none(items: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no commands"):
        encode_menu(Menu(items))


@pytest.mark.parametrize("frame", [b"", b"\x16M\r", b"\x16M\r!", b"\x16M\rTRGMOD0", b"TRGMOD0!"])
def test_frames_that_are_no_command(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decode_menu(frame)


@pytest.mark.parametrize("frame", [b"", b".", b"\x06", b"TRGMOD0!", b"\x02A\x06.", b"A\x06.B\x06."])
def test_frames_that_are_no_answer(frame: bytes) -> None:
    assert not is_answer(frame)
    with pytest.raises(FrameError):
        decode_answer(frame)


def test_answers_and_contents_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="no answer"):
        encode_answer((Part("A", Verdict.ACK, ";"),))
    for content in (b"A\x03B", b"A\x02B"):
        with pytest.raises(ValueError, match="holds its"):
            encode_result(content, b"\x02", b"\x03")
    for frame in (b"\x02A\x02B\x03", b"\x02A\x03B\x03", b"A\x03", b"\x02A", b"\x02"):
        with pytest.raises(FrameError):
            decode_result(frame, b"\x02", b"\x03")


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
menus = st.builds(
    Menu,
    st.lists(st.from_regex(r"[A-Z0-9]{6}[0-9A-F?]{0,12}", fullmatch=True), min_size=1).map(tuple),
    st.booleans(),
)
bodies = st.lists(
    st.builds(Part, texts, st.sampled_from(Verdict), st.sampled_from([",", ";"])), max_size=4
)
answers = st.tuples(
    bodies, st.builds(Part, texts, st.sampled_from(Verdict), st.sampled_from([".", "!"]))
).map(lambda told: (*told[0], told[1]))
contents = st.binary(max_size=80).filter(lambda data: not set(data) & {2, 3})


@given(menus)
def test_commands_come_back(menu: Menu) -> None:
    assert decode_menu(encode_menu(menu)) == menu


@given(answers)
def test_an_answer_comes_back(parts: tuple[Part, ...]) -> None:
    frame = encode_answer(parts)
    assert decode_answer(frame) == parts
    assert Splitter(b"\x02", b"\x03").feed(frame) == [frame]


@given(contents, st.sampled_from([b"\x03", b"\x03\r", b"\r\n\x03"]))
def test_a_content_comes_back_whatever_it_holds(content: bytes, suffix: bytes) -> None:
    frame = encode_result(content, b"\x02", suffix)
    assert decode_result(frame, b"\x02", suffix) == content
    assert Splitter(b"\x02", suffix).feed(frame) == [frame]
    assert not is_answer(frame)


@given(
    st.binary(max_size=120)
    | st.binary(max_size=30).map(lambda text: b"\x16M\r" + text + b"!")
    | st.binary(max_size=30).map(lambda text: text + b"\x06!")
)
def test_any_bytes_end_in_a_value_or_a_named_error(data: bytes) -> None:
    with contextlib.suppress(FrameError):
        assert decode_menu(data).items
    with contextlib.suppress(FrameError):
        parts = decode_answer(data)
        assert encode_answer(parts) == data
        decode_revisions(parts[-1])
    with contextlib.suppress(FrameError):
        content = decode_result(data, b"\x02", b"\x03")
        assert encode_result(content, b"\x02", b"\x03") == data


sent_frames = st.lists(
    answers.map(encode_answer) | contents.map(lambda content: b"\x02" + content + b"\x03"),
    max_size=6,
)


@given(sent_frames, st.lists(st.integers(1, 40), max_size=60))
def test_however_the_wire_cuts_them_the_frames_are_the_same(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(sent)
    splitter = Splitter(b"\x02", b"\x03")
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += splitter.feed(stream[at : at + size])
        at += size
    assert found == sent
    assert splitter.garbage == 0


def test_where_a_frame_begins_and_ends() -> None:
    splitter = Splitter(b"\x02", b"\x03")
    assert splitter.feed(b"TRG\x02A\x02A12\x03A12\r") == [b"\x02A12\x03"]
    assert splitter.garbage == 3 + 2
    # What is behind a suffix within a content is no answer, and is told.
    assert splitter.feed(b"\x03TRGMOD0\x06!") == [b"TRGMOD0\x06!"]
    assert splitter.garbage == 3 + 2 + 5


@given(st.lists(st.binary(max_size=300)))
def test_a_splitter_takes_anything(chunks: list[bytes]) -> None:
    splitter = Splitter(b"\x02", b"\x03")
    cut = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    splitter.reset()
    assert sum(map(len, cut)) + splitter.garbage == sum(map(len, chunks))
    assert splitter.feed(b"\x02A\x03") == [b"\x02A\x03"]


def test_a_frame_without_an_end_is_given_up() -> None:
    splitter = Splitter(b"\x02", b"\x03")
    assert splitter.feed(b"\x02" + bytes(codec.LONGEST)) == []
    assert splitter.garbage == codec.LONGEST + 1
