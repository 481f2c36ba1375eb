"""The Keyence MD codec against literal lines, mutants of both halves, and properties."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.keyence_md import codec
from drivers.keyence_md.codec import (
    Accepted,
    Act,
    Answer,
    Command,
    Dialect,
    GetCounter,
    GetMarked,
    GetText,
    MalformedError,
    Question,
    Ready,
    Refused,
    Reply,
    SelectJob,
    SetCounter,
    SetLock,
    SetShutter,
    SetText,
    Splitter,
)

_FILE = Path(__file__).parent.parent / "vectors" / "keyence_md" / "lines.toml"
LINES: list[dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["line"]
_COMMANDS: dict[str, Callable[..., Command]] = {
    "select": SelectJob,
    "set text": SetText,
    "get text": GetText,
    "get marked": GetMarked,
    "lock": SetLock,
    "shutter": SetShutter,
    "set counter": SetCounter,
    "get counter": GetCounter,
    "act": lambda what: Act[what],
    "ask": lambda what: Question[what],
}
_REPLIES: dict[str, Callable[..., Reply]] = {
    "accepted": Accepted,
    "answer": Answer,
    "refused": Refused,
}


def check(line: dict[str, Any]) -> None:
    """The literal bytes and the literal meaning, each in both directions."""
    octets, dialect = bytes.fromhex(line["hex"]), Dialect(line["dialect"])
    fields = dict(line["message"])
    kind = fields.pop("kind")
    if kind in _COMMANDS:
        command = _COMMANDS[kind](**fields)
        assert codec.encode_command(command, dialect) == octets
        assert codec.decode_command(octets, dialect) == command
        return
    reply = _REPLIES[kind](**fields)
    assert codec.encode_reply(reply) == octets
    assert codec.decode_reply(octets) == reply
    means = line.get("means", {})
    if isinstance(reply, Refused):
        assert means == {name: getattr(reply, name) for name in means}
    elif isinstance(reply, Answer):
        understood(reply, means)


def understood(answer: Answer, means: dict[str, Any]) -> None:
    match means:
        case {"ready": name}:
            assert codec.ready(Ready[name]) == answer
            assert codec.parse_ready(answer) is Ready[name]
        case {"errors": codes}:
            assert codec.errors(tuple(codes)) == answer
            assert codec.parse_errors(answer) == tuple(codes)
        case {"flag": on}:
            assert codec.flag(on) == answer
            assert codec.parse_flag(answer) is on
        case {"job": number}:
            assert codec.job(number) == answer
            assert codec.parse_job(answer) == number
        case {"counter": value}:
            assert codec.counter(value) == answer
            assert codec.parse_counter(answer) == value
        case _:
            assert means == {}


@pytest.mark.parametrize("line", LINES, ids=[line["what"] for line in LINES])
def test_line_of_a_client(line: dict[str, Any]) -> None:
    check(line)


# The same mistake made in both halves: the codec still understands itself, the vectors must not.
MUTANTS: dict[str, dict[str, object]] = {
    "jobs in the words of programs": {
        "_WORDS": {Dialect.JOB: ("ProgramNo", "PRG"), Dialect.PROGRAM: ("ProgramNo", "PRG")}
    },
    "programs in the words of jobs": {
        "_WORDS": {Dialect.JOB: ("JobNo", "JOB"), Dialect.PROGRAM: ("JobNo", "JOB")}
    },
    "a start without its parameter": {
        "_START": {Dialect.JOB: "StartMarking", Dialect.PROGRAM: "StartMarking"}
    },
    "a line that ends with a line feed": {"END": b"\n"},
    "a block of two digits": {"_block": lambda number: f"{number:02}"},
    "flags turned round": {
        "flag": lambda on: Answer("0" if on else "1"),
        "parse_flag": lambda answer: answer.data == "0",
    },
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_catch_a_mutant(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, wrong in MUTANTS[mutant].items():
        monkeypatch.setattr(codec, name, wrong)
    command = SelectJob(7)
    for dialect in Dialect:
        octets = codec.encode_command(command, dialect)
        assert codec.decode_command(octets, dialect) == command
    assert codec.decode_reply(codec.encode_reply(Accepted())) == Accepted()
    assert codec.parse_flag(codec.flag(True)) is True
    assert any(_fails(line) for line in LINES)


def _fails(line: dict[str, Any]) -> bool:
    try:
        check(line)
    except (AssertionError, ValueError, LookupError):
        return True
    return False


_JOBS, _BLOCKS = st.integers(0, 1999), st.integers(0, 255)
_NAMES = st.sampled_from("0123456789ABCDEFGHIJ")
_PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\x1d")
_WORDS = st.text(_PRINTABLE.filter(lambda each: each not in ",="), max_size=255)
COMMANDS = st.one_of(
    st.sampled_from([*Act, *Question]),
    st.builds(SelectJob, _JOBS),
    st.builds(SetText, _JOBS, _BLOCKS, _WORDS),
    st.builds(GetText, _JOBS, _BLOCKS),
    st.builds(GetMarked, _JOBS, _BLOCKS),
    st.builds(SetLock, st.booleans()),
    st.builds(SetShutter, st.booleans()),
    st.builds(SetCounter, _JOBS, _NAMES, st.integers(0, 10**10 - 1)),
    st.builds(GetCounter, _JOBS, _NAMES),
)
_CODES = st.from_regex(r"[A-Z][0-9]{3}", fullmatch=True)
REPLIES: st.SearchStrategy[Reply] = st.one_of(
    st.just(Accepted()),
    st.builds(Answer, st.text(_PRINTABLE, max_size=300)),
    st.builds(Refused, st.booleans(), _CODES, st.text(_PRINTABLE, max_size=60)),
)
_DIALECTS = st.sampled_from(Dialect)


@given(COMMANDS, _DIALECTS)
def test_a_command_that_is_encoded_is_decoded(command: Command, dialect: Dialect) -> None:
    octets = codec.encode_command(command, dialect)
    assert codec.decode_command(octets, dialect) == command
    asks = isinstance(command, codec.Read)
    assert codec.answers(octets, asked=asks)
    assert not codec.answers(octets, asked=not asks)


@given(REPLIES)
def test_a_reply_that_is_encoded_is_decoded(reply: Reply) -> None:
    assert codec.decode_reply(codec.encode_reply(reply)) == reply


_HEADS = st.sampled_from(
    [b"WX,", b"RX,", b"WX,OK", b"RX,OK,", b"WX,NG,S", b"WX,JOB=0007,", b"RX,NG,"]
)


@given(
    st.binary(max_size=40) | st.builds(lambda a, b: a + b + b"\r", _HEADS, st.binary(max_size=20)),
    _DIALECTS,
)
def test_any_bytes_are_a_message_or_a_named_error(octets: bytes, dialect: Dialect) -> None:
    try:
        reply = codec.decode_reply(octets)
    except MalformedError:
        pass
    else:
        assert codec.encode_reply(reply) == octets
    try:
        command = codec.decode_command(octets, dialect)
    except MalformedError:
        return
    assert codec.encode_command(command, dialect) == octets


_ANSWERS: list[tuple[Callable[[Answer], Any], Callable[[Any], Answer]]] = [
    (codec.parse_ready, codec.ready),
    (codec.parse_errors, codec.errors),
    (codec.parse_flag, codec.flag),
    (codec.parse_job, codec.job),
    (codec.parse_counter, codec.counter),
]


@given(st.text(_PRINTABLE, max_size=24) | st.from_regex(r"[0-9,]{1,22}", fullmatch=True))
def test_any_answer_is_a_value_or_a_named_error(data: str) -> None:
    answer = Answer(data)
    for parse, form in _ANSWERS:
        try:
            value = parse(answer)
        except MalformedError:
            continue
        assert parse(form(value)) == value


@given(st.lists(REPLIES, max_size=4), st.data())
def test_lines_are_found_however_the_bytes_are_cut(
    replies: list[Reply], data: st.DataObject
) -> None:
    frames = [codec.encode_reply(reply) for reply in replies]
    stream = b"".join(frame + b"\n" * data.draw(st.integers(0, 1)) for frame in frames)
    splitter, found = Splitter(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert splitter.garbage == 0


@given(st.binary(max_size=1200))
def test_the_splitter_keeps_nothing_for_ever(octets: bytes) -> None:
    splitter = Splitter()
    frames = splitter.feed(octets)
    assert splitter.feed(b"\rWX,OK\r")[-1] == b"WX,OK\r"
    assert all(len(frame) <= codec.LINE_BYTES for frame in frames)


@pytest.mark.parametrize(
    "command",
    [
        SelectJob(2000),
        SetText(0, 256, "A"),
        SetText(0, 0, "A,BLK=001"),
        SetText(0, 0, "A=B"),
        SetText(0, 0, "A\rWX"),
        SetText(0, 0, "é"),
        SetText(0, 0, "x" * 256),
        GetCounter(0, "K"),
        SetCounter(0, "A", 10**10),
        SetCounter(0, "A", -1),
    ],
)
def test_what_no_line_can_say_is_refused(command: Command) -> None:
    with pytest.raises(MalformedError):
        codec.encode_command(command, Dialect.JOB)


@pytest.mark.parametrize("reply", [Answer("a\rb"), Answer("x" * 512), Refused(True, "9", "x")])
def test_what_no_answer_can_say_is_refused(reply: Reply) -> None:
    with pytest.raises(MalformedError):
        codec.encode_reply(reply)


@pytest.mark.parametrize(
    ("refused", "meaning"),
    [
        (Refused(False, "S022", "Block Number"), "there is no such block"),
        (Refused(False, "E004", "Scanner Error"), "Scanner Error"),
        (Refused(False, "E004"), "E004"),
    ],
)
def test_a_refusal_is_told_in_words(refused: Refused, meaning: str) -> None:
    assert codec.meaning(refused) == meaning


@pytest.mark.parametrize("words", ["Busy", "controlling shutter now"])
def test_busy_is_told_by_its_words_too(words: str) -> None:
    assert Refused(False, "S999", words).busy
