"""The Gravotech codec against the manual's lines, and properties."""

import tomllib
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gravotech_tl07 import codec
from drivers.gravotech_tl07.codec import (
    Act,
    Command,
    Done,
    Event,
    GetMaster,
    GetVariable,
    ListFiles,
    Load,
    MalformedError,
    Master,
    Mode,
    Readback,
    Refused,
    Reply,
    RunMode,
    SetMaster,
    SetVariable,
    Splitter,
    State,
    Status,
    Text,
)

_FILE = Path(__file__).parent.parent / "vectors" / "gravotech_tl07" / "lines.toml"
LINES: list[dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["line"]

_COMMANDS: dict[str, Callable[..., Command]] = {
    "act": lambda act: codec.Act[act.upper()],
    "load": lambda file, count, mode: Load(file, count, codec.Mode[mode.upper()]),
    "set": SetVariable,
    "get": GetVariable,
    "get-master": GetMaster,
    "set-master": SetMaster,
    "list": ListFiles,
}
_REPLIES: dict[str, Callable[..., Reply]] = {
    "status": lambda state, rearm, mode: Status(
        codec.State[state.upper()], rearm, codec.RunMode[mode.upper()]
    ),
    "done": Done,
    "event": lambda event: codec.Event[event.upper()],
    "refused": lambda error, detail: Refused(error, detail),
    "master": Master,
    "text": Text,
}


def check(line: dict[str, Any]) -> None:
    """The literal bytes and the literal meaning, each in both directions."""
    octets = bytes.fromhex(line["hex"])
    fields = dict(line["message"])
    kind = fields.pop("kind")
    if line["direction"] == "command":
        command = _COMMANDS[kind](**fields)
        assert codec.encode_command(command) == octets
        assert codec.decode_command(octets) == command
        return
    reply = _REPLIES[kind](**fields)
    assert codec.encode_reply(reply) == octets
    assert codec.decode_reply(octets) == reply
    assert codec.is_event(octets) is line.get("event", False)
    assert codec.is_start(octets) is line.get("start", False)
    if isinstance(reply, Refused):
        assert codec.meaning(reply) == line["meaning"]
    if "count" in line:
        assert isinstance(reply, Text)
        assert codec.parse_count(reply) == line["count"]
    if "value" in line:
        assert isinstance(reply, Text)
        form, text = Readback(line["value"]["form"]), line["value"]["text"]
        assert codec.value_line(text, form) == reply
        assert codec.parse_value(reply, form) == text


@pytest.mark.parametrize("line", LINES, ids=[line["what"] for line in LINES])
def test_line_of_the_manual(line: dict[str, Any]) -> None:
    check(line)


# The same mistake made in both halves: the codec still understands itself, the vectors must not.
MUTANTS: dict[str, dict[str, object]] = {
    "commands end with CR LF": {"COMMAND_END": b"\r\n"},
    "replies end with CR": {"REPLY_END": b"\r"},
    "another order of states": {
        "State": Enum(
            "State",
            {"INITIALISING": 1, "ALIVE": 4, "READY": 2, "MARKING": 8, "PAUSED": 16, "FAULT": 32},
        )
    },
    "simulation for normal": {
        "RunMode": Enum("RunMode", {"SIMULATION": 0, "AUTONOMOUS": 1, "NORMAL": 2})
    },
    "simulation is N": {
        "Mode": Enum("Mode", {"SIMULATION": "N", "NORMAL": "S", "AUTONOMOUS": "A"}),
    },
    "stop acknowledges": {
        "Act": Enum("Act", {"START": "GO", "STOP": "AD", "ACKNOWLEDGE": "AM", "STATUS": "ST"}),
    },
    "events of other letters": {
        "Event": Enum(
            "Event",
            {"MARKING": "GO F", "FINISHED": "GO M", "PAUSED": "GO S", "STOPPED": "GO P"},
        )
    },
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_catch_a_mutant(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, wrong in MUTANTS[mutant].items():
        monkeypatch.setattr(codec, name, wrong)
    for command in (codec.Act.STOP, Load("part.t2l", 1, codec.Mode.NORMAL)):
        assert codec.decode_command(codec.encode_command(command)) == command
    for reply in (
        codec.Event.FINISHED,
        Status(codec.State.ALIVE, 0, codec.RunMode.SIMULATION),
    ):
        assert codec.decode_reply(codec.encode_reply(reply)) == reply
    assert any(_fails(line) for line in LINES)


def _fails(line: dict[str, Any]) -> bool:
    try:
        check(line)
    except (AssertionError, ValueError, LookupError):
        return True
    return False


_TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"') | st.just("\x1d"),
    max_size=200,
)
_FILES = st.from_regex(r"[a-zA-Z0-9_.-]{1,20}", fullmatch=True)
COMMANDS: st.SearchStrategy[Command] = (
    st.sampled_from(Act)
    | st.builds(Load, _FILES, st.integers(0, 2**32 - 1), st.sampled_from(Mode))
    | st.builds(SetVariable, st.integers(0, 9), _TEXTS)
    | st.builds(GetVariable, st.integers(0, 9))
    | st.just(GetMaster())
    | st.builds(SetMaster, st.booleans())
    | st.builds(ListFiles, _FILES)
)
REPLIES: st.SearchStrategy[Reply] = (
    st.builds(Status, st.sampled_from(State), st.integers(0, 99), st.sampled_from(RunMode))
    | st.builds(Done, st.sampled_from(["LD", "VS", "AM", "AD", "SP"]))
    | st.sampled_from(Event)
    | st.builds(Refused, st.integers(0, 9), st.integers(0, 99))
    | st.builds(Master, st.booleans())
    | _TEXTS.map(lambda text: Text(f"={text}"))
)


@given(COMMANDS)
def test_a_command_that_is_encoded_is_decoded(command: Command) -> None:
    assert codec.decode_command(codec.encode_command(command)) == command


@given(REPLIES)
def test_a_reply_that_is_encoded_is_decoded(reply: Reply) -> None:
    assert codec.decode_reply(codec.encode_reply(reply)) == reply


_LINES = st.binary(max_size=40).map(lambda octets: octets + b"\r\n") | st.text(
    'LDVSGOAMPER "10N:\x1d\r\n', max_size=20
).map(lambda text: text.encode() + b"\r\n")


@given(_LINES | st.binary(max_size=40))
def test_any_bytes_are_a_message_or_a_named_error(octets: bytes) -> None:
    try:
        reply = codec.decode_reply(octets)
    except MalformedError:
        pass
    else:
        assert codec.encode_reply(reply) == octets
        codec.meaning(reply) if isinstance(reply, Refused) else None
    try:
        command = codec.decode_command(octets.replace(b"\n", b""))
    except MalformedError:
        return
    assert codec.encode_command(command) == octets.replace(b"\n", b"")


@given(st.text(max_size=12), st.sampled_from(Readback))
def test_any_text_is_read_back_or_a_named_error(text: str, form: Readback) -> None:
    try:
        reply = codec.value_line(text, form)
    except MalformedError:
        return
    assert codec.parse_value(reply, form) == text
    assert codec.decode_reply(codec.encode_reply(reply)) == reply


@given(st.text(max_size=12), st.sampled_from(Readback))
def test_any_answer_is_a_value_or_a_named_error(line: str, form: Readback) -> None:
    for parse in (
        lambda: codec.parse_value(Text(line), form),
        lambda: codec.parse_count(Text(line)),
    ):
        try:
            assert isinstance(parse(), (str, int))
        except MalformedError:
            continue


@pytest.mark.parametrize("text", ["GO F", "ER 1 1", "ST 2 0 0", "VS 1", "ST 9 0 0"])
def test_a_text_that_would_be_taken_for_another_reply_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        codec.value_line(text, Readback.PLAIN)
    assert codec.parse_value(codec.value_line(text, Readback.QUOTED), Readback.QUOTED) == text


@given(st.lists(REPLIES, max_size=4), st.data())
def test_lines_are_found_however_the_bytes_are_cut(
    replies: list[Reply], data: st.DataObject
) -> None:
    frames = [codec.encode_reply(reply) for reply in replies]
    stream = b"".join(frames)
    splitter, found = Splitter(codec.REPLY_END), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert splitter.garbage == 0


@given(st.binary(max_size=3000))
def test_the_splitter_keeps_nothing_for_ever(octets: bytes) -> None:
    splitter = Splitter(codec.REPLY_END)
    frames = splitter.feed(octets)
    assert splitter.feed(b"\r\nST 2 0 0\r\n")[-1:] == [b"ST 2 0 0\r\n"]
    assert all(len(frame) <= codec.LINE_BYTES for frame in frames)


def test_a_terminals_line_feed_belongs_to_the_line_before() -> None:
    assert Splitter(codec.COMMAND_END).feed(b"ST\r\nGO\r\n") == [b"ST\r", b"GO\r"]


@pytest.mark.parametrize(
    "command",
    [
        Load("part.t2l", 2**32, Mode.NORMAL),
        Load('a"b', 1, Mode.NORMAL),
        Load("", 1, Mode.NORMAL),
        ListFiles("*.t2l"),
        SetVariable(10, "x"),
        SetVariable(0, 'a"b'),
        SetVariable(0, "a\rb"),
        SetVariable(0, "\u00e9"),
        SetVariable(0, "x" * 1024),
        GetVariable(-1),
    ],
)
def test_what_no_line_can_say_is_refused(command: Command) -> None:
    with pytest.raises(MalformedError):
        codec.encode_command(command)
