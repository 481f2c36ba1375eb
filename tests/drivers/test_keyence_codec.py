"""Keyence SR frames against published layouts; mutants must fail, and any bytes end in a value."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.keyence_sr import codec
from drivers.keyence_sr.codec import (
    AFTER,
    BEFORE,
    ITEMS,
    NO_READ,
    Counts,
    FrameError,
    Framing,
    Layout,
    Reply,
    Seen,
    Splitter,
    cause,
    decode_command,
    decode_counts,
    decode_reply,
    decode_result,
    decode_version,
    encode_command,
    encode_counts,
    encode_reply,
    encode_result,
    is_reply,
)

FILE = Path(__file__).parent.parent / "vectors" / "keyence_sr" / "frames.toml"
VECTORS: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text())
ALL = [(kind, vector) for kind, vectors in VECTORS.items() for vector in vectors]


def seen_of(vector: dict[str, Any]) -> Seen:
    items = {name: tuple(fields) for name, fields in vector.get("items", {}).items()}
    return Seen(bytes.fromhex(vector["content"]), items, vector.get("nothing", False))


def check(kind: str, vector: dict[str, Any]) -> None:
    """Both directions, through the module so that a mutant is seen."""
    frame, framing = bytes.fromhex(vector["hex"]), Framing(vector["framing"])
    match kind:
        case "command":
            assert codec.encode_command(vector["text"], framing) == frame
            if "constant" in vector:
                assert getattr(codec, vector["constant"]) == vector["text"]
            assert codec.decode_command(frame) == (vector["text"], framing)
        case "reply":
            reply = Reply(vector["command"], tuple(vector["fields"]), "refused" not in vector)
            assert codec.encode_reply(reply, framing) == frame
            assert codec.decode_reply(frame, framing) == reply
            assert codec.is_reply(frame, framing)
            if "counts" in vector:
                assert codec.encode_counts(Counts(*vector["counts"])) == reply
                assert codec.decode_counts(reply) == Counts(*vector["counts"])
            if "version" in vector:
                assert codec.decode_version(reply) == tuple(vector["version"])
        case _:
            seen = seen_of(vector)
            layout = codec.Layout(frozenset(vector.get("items", {})))
            assert codec.encode_result(seen, layout, framing) == frame
            assert codec.decode_result(frame, layout, framing, NO_READ) == seen
            assert seen.grade == vector.get("grade", "")
            assert not codec.is_reply(frame, framing)


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


def _swapped(counts: Counts) -> Counts:
    return Counts(counts.triggers, counts.not_good, counts.errors, counts.stable, counts.read)


_COLUMNS = codec._columns
MUTANTS: dict[str, dict[str, Any]] = {
    "LF for CR": {"CR": b"\n"},
    "EOT for ETX": {"ETX": b"\x04"},
    "a semicolon in replies": {
        "encode_reply": lambda reply, framing: encode_reply(reply, framing).replace(b",", b";"),
        "decode_reply": lambda frame, framing: decode_reply(frame.replace(b";", b","), framing),
    },
    "counts the other way": {
        "encode_counts": lambda counts: encode_counts(_swapped(counts)),
        "decode_counts": lambda reply: _swapped(decode_counts(reply)),
    },
    "items the other way": {
        "_columns": lambda known, items: tuple(reversed(_COLUMNS(known, items))),
    },
    "another delimiter": {"Layout": lambda items=frozenset(): Layout(items, ";")},
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_fail_the_vectors(monkeypatch: pytest.MonkeyPatch, mutant: dict[str, Any]) -> None:
    assert _survives()
    for name, changed in mutant.items():
        monkeypatch.setattr(codec, name, changed)
    # Each agrees with itself, as a codec tested against its own simulator would.
    command = codec.encode_command("LON", Framing.STX)
    assert codec.decode_command(command) == ("LON", Framing.STX)
    counts = codec.encode_counts(Counts(5, 1, 0, 4, 6))
    sent = codec.encode_reply(counts, Framing.CR)
    assert codec.decode_counts(codec.decode_reply(sent, Framing.CR)) == Counts(5, 1, 0, 4, 6)
    layout = codec.Layout(frozenset({"burst", "aim-dpm"}))
    seen = Seen(b"A:1", {"burst": ("1",), "aim-dpm": ("2",)})
    frame = codec.encode_result(seen, layout, Framing.CR)
    assert codec.decode_result(frame, layout, Framing.CR, NO_READ) == seen
    assert not _survives()


def test_causes() -> None:
    assert cause("23") == "AutoID Network Navigator is connected"
    assert cause("77") == "unknown cause 77"


def test_versions() -> None:
    assert decode_version(Reply("KEYENCE", ("R1.27",))) == ("", "R1.27")
    assert decode_version(Reply("KEYENCE", ("SR-2000", "R2", "b"))) == ("SR-2000", "R2,b")


@pytest.mark.parametrize("fields", [(), ("1", "2", "3", "4"), ("1", "2", "3", "4", "x")])
def test_no_counts(fields: tuple[str, ...]) -> None:
    with pytest.raises(FrameError, match="five numbers"):
        decode_counts(Reply("NUM", fields))


@pytest.mark.parametrize("text", ["", "L\rON", "ë", "\x02", "L" * 201])
def test_texts_that_are_no_command(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        encode_command(text, Framing.STX)


@pytest.mark.parametrize(
    "frame",
    [b"", b"\r", b"LON", b"\x02LON\r", b"LON\x03", b"\x02\x02LON\x03", b"L\x03N\r", b"\xff\r"],
)
def test_frames_that_are_no_command(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decode_command(frame)


@pytest.mark.parametrize(
    "frame",
    [b"OK\r", b"OK,LOX\r", b"ER,LON\r", b"ER,LON,2\r", b"A12\r", b"OK,LON", b"OK,NUM,\xff\r"],
)
def test_frames_that_are_no_reply(frame: bytes) -> None:
    assert not is_reply(frame, Framing.CR)
    with pytest.raises(FrameError):
        decode_reply(frame, Framing.CR)


def test_replies_that_are_none() -> None:
    with pytest.raises(ValueError, match="no reply"):
        encode_reply(Reply("NUM", ("ë",)), Framing.CR)
    with pytest.raises(ValueError, match="what ends it"):
        encode_reply(Reply("NUM", ("\r",)), Framing.CR)


def test_an_answer_that_is_not_known_is_no_code() -> None:
    with pytest.raises(FrameError, match="not known"):
        decode_result(b"OK,TUNE\r", Layout(), Framing.CR, NO_READ)


@pytest.mark.parametrize(
    ("items", "delimiter"),
    [({"colour"}, ":"), ({"aim-dpm", "aim-dpm-details"}, ":"), (set(), "::"), (set(), "\r")],
)
def test_layouts_that_cannot_be(items: set[str], delimiter: str) -> None:
    with pytest.raises(ValueError, match=r"no item|details|delimiter"):
        Layout(frozenset(items), delimiter)


@pytest.mark.parametrize(
    "text", [b"A12", b"A12:X", b"A12:B:", b"B", b"20261127083005:B", b"2026112708300:A:B"]
)
def test_items_that_are_not_as_they_have_to_be(text: bytes) -> None:
    """A reader that appends something else is noticed; nothing is cut off a content."""
    with pytest.raises(FrameError):
        decode_result(text + b"\r", Layout(frozenset({"time", "aim-dpm"})), Framing.CR, NO_READ)


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        (b"ERROR", True),
        (b"20261127083005:ERROR", True),
        (b"20261127083005:ERROR:-", True),
        (b"ERROR:-", True),
        (b"20261127083005:ERROR:-:A", False),
        (b"20261127083005:ERRORS:A", False),
        (b"20261127083005::ERROR:A", False),
    ],
)
def test_the_message_of_nothing_read_with_and_without_items(text: bytes, nothing: bool) -> None:
    layout = Layout(frozenset({"time", "aim-dpm"}))
    assert decode_result(text + b"\r", layout, Framing.CR, NO_READ).nothing is nothing


def test_a_content_that_would_end_its_frame() -> None:
    for content, framing in ((b"A\rB", Framing.CR), (b"A\x03B", Framing.STX)):
        with pytest.raises(ValueError, match="what ends it"):
            encode_result(Seen(content), Layout(), framing)
    with pytest.raises(ValueError, match="said to append"):
        encode_result(Seen(b"A"), Layout(frozenset({"burst"})), Framing.CR)
    with pytest.raises(ValueError, match="layout"):
        encode_result(Seen(b"A", {"burst": ("1",)}), Layout(), Framing.CR)


numbers = st.integers(0, 9_999).map(str)
points = st.tuples(st.integers(-1, 999), st.integers(-1, 999)).map("{0[0]}/{0[1]}".format)
grades = st.sampled_from(["A", "B", "C", "D", "F", "4", "0", "2.5", "-"])
names = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=":"))
VALUES: dict[str, Any] = {
    "time": st.tuples(st.integers(0, 10**14 - 1).map("{:014}".format)),
    "code-type": st.tuples(st.sampled_from(["DataMatrix", "QR", "1"])),
    "vertices": st.tuples(points, points, points, points),
    "centre": st.tuples(points),
    "unused-ecc": st.tuples(st.integers(0, 100).map("{}%".format)),
    "matching": st.tuples(st.integers(0, 100).map(str)),
    "iso15415": st.tuples(grades),
    "aim-dpm": st.tuples(grades),
    "aim-dpm-details": st.tuples(*[grades] * 13),
    "image": st.tuples(names),
    "group": st.tuples(names),
    "device": st.tuples(names),
}
chosen = st.sets(st.sampled_from(ITEMS)).filter(lambda c: not {"aim-dpm", "aim-dpm-details"} <= c)
contents = st.binary(max_size=60).filter(
    lambda data: (
        not set(data) & {2, 3, 13} and data[:3] not in (b"OK,", b"ER,") and data != b"ERROR"
    )
)
colons = st.lists(st.sampled_from([b"A", b":", b"::", b"1", b"B"]), max_size=12).map(b"".join)


@given(st.data(), contents | colons, chosen, st.sampled_from(Framing))
def test_a_content_comes_back_between_its_items(
    data: st.DataObject, content: bytes, items: set[str], framing: Framing
) -> None:
    told = {name: data.draw(VALUES.get(name, st.tuples(numbers))) for name in items}
    seen = Seen(content, told)
    layout = Layout(frozenset(items))
    frame = encode_result(seen, layout, framing)
    assert decode_result(frame, layout, framing, NO_READ) == seen
    # Independent of the codec's own order: what stands before, the content, what stands behind.
    before = [field for name in BEFORE if name in items for field in told[name]]
    after = [field for name in AFTER if name in items for field in told[name]]
    whole = b":".join([*map(str.encode, before), content, *map(str.encode, after)])
    assert frame == (whole + b"\r" if framing is Framing.CR else b"\x02" + whole + b"\x03")


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
    st.sampled_from(Framing),
)
def test_a_command_comes_back(text: str, framing: Framing) -> None:
    frame = encode_command(text, framing)
    assert decode_command(frame) == (text, framing)
    assert Splitter(Framing.CR, Framing.STX).feed(frame) == [frame]


@given(st.builds(Counts, *[st.integers(0, 9_999_999_999)] * 5), st.sampled_from(Framing))
def test_counts_come_back(counts: Counts, framing: Framing) -> None:
    reply = decode_reply(encode_reply(encode_counts(counts), framing), framing)
    assert decode_counts(reply) == counts


@given(
    st.binary(max_size=120)
    | st.binary(max_size=40).map(lambda text: b"OK,NUM," + text + b"\r")
    | st.binary(max_size=40).map(lambda text: b"\x02" + text + b"\x03"),
    chosen,
)
def test_any_bytes_end_in_a_value_or_a_named_error(data: bytes, items: set[str]) -> None:
    with contextlib.suppress(FrameError):
        text, framing = decode_command(data)
        assert encode_command(text, framing) == data
    for framing in Framing:
        is_reply(data, framing)
        with contextlib.suppress(FrameError):
            reply = decode_reply(data, framing)
            assert encode_reply(reply, framing) == data
            decode_version(reply)
            decode_counts(reply)
        with contextlib.suppress(FrameError):
            decode_result(data, Layout(frozenset(items)), framing, NO_READ)


sent_frames = st.lists(
    st.sampled_from([b"\x02OK,LON\x03", b"A12\r", b"ERROR\r", b"OK,LON\r", b"\x02A\r12\x03"]),
    max_size=8,
)


@given(sent_frames, st.lists(st.integers(1, 20), max_size=60))
def test_however_the_wire_cuts_them_the_frames_are_the_same(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(sent)
    splitter = Splitter(Framing.STX, Framing.CR)
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(stream) or 1]:
        found += splitter.feed(stream[at : at + size])
        at += size
    assert found == sent
    assert splitter.garbage == 0


def test_where_a_frame_begins_and_ends() -> None:
    mixed = Splitter(Framing.STX, Framing.CR)
    assert mixed.feed(b"A1\x02OK,LON\x03A12\r\nB\r\n") == [b"\x02OK,LON\x03", b"A12\r", b"B\r"]
    assert mixed.garbage == 2
    assert mixed.feed(b"OK,LON\x03A12\r") == [b"A12\r"]
    assert mixed.garbage == 2 + 7
    boxed = Splitter(Framing.STX, Framing.STX)
    assert boxed.feed(b"A\r\x02A1\x02A\r12\x03\x03") == [b"\x02A\r12\x03"]
    assert boxed.garbage == 2 + 3 + 1


@given(
    st.lists(st.binary(max_size=300)), st.lists(st.sampled_from(Framing), min_size=1, max_size=2)
)
def test_a_splitter_takes_anything(chunks: list[bytes], framings: list[Framing]) -> None:
    splitter = Splitter(*framings)
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.reset()
    assert splitter.feed(b"\x02OK,LON\x03") == [b"\x02OK,LON\x03"]


def test_a_frame_without_an_end_is_given_up() -> None:
    splitter = Splitter(Framing.STX)
    assert splitter.feed(b"\x02" * (codec.LONGEST + 1)) == []
    assert splitter.garbage == codec.LONGEST + 1
