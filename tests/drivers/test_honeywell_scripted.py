"""The Honeywell driver against raw bytes written here: no codec on the other side."""

from pathlib import Path
from typing import Any

import pytest

from drivers.errors import BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.honeywell.driver import Honeywell, Options
from drivers.protocols import Identity, Reading
from simulators.scripted import Expect, Reply, Step
from tests.drivers.reader_bench import UII, Bench, Setup, run, until
from tests.drivers.scripted_reader import look, meets_an_end, player, sees

ON = Expect("16540D")
OFF = Expect("16550D")
SET = b"TRGMOD0;TRGSTO30000;SHWNRD1;PRECA2;PREBK29902;SUFCA2;SUFBK29903"
PRESENT = [b"TRGMOD0", b"TRGSTO30000", b"SHWNRD1", b"PREBK29902", b"SUFBK29903"]


def ask(items: bytes, end: bytes = b"!") -> Expect:
    return Expect((b"\x16M\r" + items + end).hex())


def say(data: bytes, wait: float = 0.0) -> Reply:
    return Reply(data.hex(), wait)


def done(items: bytes) -> bytes:
    return items.replace(b";", b"\x06;") + b"\x06!"


def fence(turn: int, *, present: list[bytes] = PRESENT, before: bytes = b"") -> tuple[Step, ...]:
    """The question for all settings, in the order of that turn, and its answer."""
    at = turn % len(present)
    ordered = present[at:] + present[:at]
    asked = b";".join(item[:6] + b"?" for item in ordered)
    return ask(asked), say(before + done(b";".join(ordered)))


CONNECT = (OFF, ask(SET), say(done(SET)), *fence(0))
FLUSH = (OFF, *fence(1), *fence(2))
LOOK = (*CONNECT, *FLUSH, ON)
END = (OFF, *fence(3))


play = player(Honeywell, Options)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
def test_one_whole_look(listen: str) -> None:
    play(lambda reader: sees(reader, "A12"), *LOOK, say(b"\x02A12\x03"), *END, listen=listen)


def test_who_it_is_without_a_trigger() -> None:
    async def act(reader: Honeywell) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Honeywell", "Xenon 1900", "16345")

    play(
        act,
        *(*CONNECT, ask(b"REVINF", b".")),
        say(b"Product Name: Xenon 1900\r\nSoftware Revision: $ProjectRevision: 16345 \r\n"),
        say(b"Checksum: N/A\r\nREVINF\x06.", 0.02),
    )


def test_a_reader_that_is_set_by_others_is_only_asked() -> None:
    async def act(reader: Honeywell) -> None:
        await reader.connect()

    play(act, OFF, *fence(0), configure=False)


def test_a_reader_that_is_set_otherwise_is_refused() -> None:
    async def act(reader: Honeywell) -> None:
        with pytest.raises(DeviceRefused, match="not set as it has to be") as refused:
            await reader.connect()
        assert refused.value.vendor_code == "SUFBK2990D, not 9903"

    play(act, OFF, *fence(0, present=[*PRESENT[:4], b"SUFBK2990D"]), configure=False)


@pytest.mark.parametrize(
    ("status", "name", "cause"), [(b"\x05", "ENQ", "no such command"), (b"\x15", "NAK", "value")]
)
def test_a_setting_that_this_reader_does_not_take(status: bytes, name: str, cause: str) -> None:
    async def act(reader: Honeywell) -> None:
        with pytest.raises(DeviceRefused, match=cause) as refused:
            await reader.connect()
        assert refused.value.vendor_code == f"SHWNRD {name}"

    play(act, OFF, ask(SET), say(done(SET).replace(b"SHWNRD1\x06", b"SHWNRD1" + status)))


def test_the_reader_says_that_it_saw_nothing() -> None:
    """It is triggered again while there is time; the command that ends it brings the last word."""
    play(
        lambda reader: sees(reader, seconds=0.1),
        *(*LOOK, say(b"\x02NR\x03"), ON, OFF, *fence(3, before=b"\x02NR\x03")),
    )


def test_silence_is_no_empty_look() -> None:
    async def act(reader: Honeywell) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *LOOK, *END)


def test_codes_that_come_along_and_the_same_again() -> None:
    play(
        lambda reader: sees(reader, "A12", "B."),
        *(*LOOK, say(b"\x02A12\x03\x02B.\x03\x02A12\x03"), *END),
    )


def test_a_content_with_line_ends_and_what_reads_as_an_answer_is_told_whole() -> None:
    play(
        lambda reader: sees(reader, "A\r\nTRGMOD0\x06!\x1e"),
        *(*LOOK, say(b"\x02A\r\nTRGMOD0\x06!\x1e\x03"), *END),
    )


def test_a_content_that_holds_the_suffix_fails_the_look() -> None:
    """It is not told as the code that it begins with."""

    async def act(reader: Honeywell) -> None:
        with pytest.raises(BadFrame):
            await look(reader)

    play(act, *LOOK, say(b"\x02A\x03B\x03"))


def test_a_longer_suffix_tells_it_apart() -> None:
    set_ = SET.replace(b"SUFBK29903", b"SUFBK2990304")
    present = [*PRESENT[:4], b"SUFBK2990304"]
    play(
        lambda reader: sees(reader, "A\x03B"),
        *(OFF, ask(set_), say(done(set_)), *fence(0, present=present), OFF),
        *(*fence(1, present=present), *fence(2, present=present), ON),
        *(say(b"\x02A\x03B\x03\x04"), OFF, *fence(3, present=present)),
        suffix="\x03\x04",
    )


def test_aim_identifiers_and_a_symbol_that_holds_the_message_of_nothing_read() -> None:
    set_ = SET.replace(b"PREBK29902", b"PREBK299025C81")
    present = [*PRESENT[:3], b"PREBK299025C81", PRESENT[4]]

    async def act(reader: Honeywell) -> None:
        assert await look(reader, 0.1) == (Reading("NR", "]d1"),)

    play(
        act,
        *(OFF, ask(set_), say(done(set_)), *fence(0, present=present), OFF),
        *(*fence(1, present=present), *fence(2, present=present), ON),
        *(say(b"\x02]X0NR\x03"), ON, say(b"\x02]d1NR\x03")),
        aim_identifiers=True,
    )


def test_another_message_of_nothing_read() -> None:
    play(
        lambda reader: sees(reader, "NR"),
        *(*LOOK, say(b"\x02NONE\x03"), ON, say(b"\x02NR\x03"), *END),
        no_read="NONE",
    )


def test_split_frames() -> None:
    def drops(data: bytes) -> list[Step]:
        return [say(bytes((byte,)), 0.002) for byte in data]

    play(
        lambda reader: sees(reader, "A12"),
        *(OFF, ask(SET), *drops(done(SET)), *fence(0), *FLUSH, ON, *drops(b"\x02A12\x03"), *END),
        reply_seconds=5.0,
    )


def test_garbage_before_a_session() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*CONNECT, say(b"\xff\x00NR\r\n"), *FLUSH, ON, say(b"\x02A12\x03"), *END),
    )


def test_half_a_code_before_the_end_is_no_empty_look() -> None:
    async def act(reader: Honeywell) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises((BadFrame, LinkTimeout)):
            await reader.close()

    play(act, *LOOK, say(b"\x02A1"), *END)


def test_a_code_without_its_prefix_is_no_code() -> None:
    """So a reader answers that was switched off between, and has lost what was set."""

    async def act(reader: Honeywell) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises((BadFrame, LinkTimeout)):
            await reader.close()

    play(act, *LOOK, say(b"A12\r\n"), *END)


def test_a_reader_that_was_switched_off_in_a_look_is_refused_and_set_again(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay()
        await made.reader.flush()
        await made.reader.open()
        await until(lambda: made.device.state()["session"])
        await made.device.power(False)
        await made.device.power(True)
        made.lay(UII)
        assert await made.reader.read(0.05) == ()
        with pytest.raises(DeviceRefused, match="not set as it has to be"):
            await made.reader.close()
        await made.reader.shut()
        assert await made.look_until_it_counts() == [UII]
        saved = made.device.state()["saved"]
        assert (saved["SHWNRD"], saved["PREBK2"], saved["SUFBK2"]) == ("0", "", "990D0A")

    run(tmp_path, Setup("honeywell", {"reply_seconds": 0.3, "result_seconds": 0.15}), act)


def test_a_late_answer_of_the_question_before_is_not_taken_for_ours() -> None:
    """The order in which is asked tells the answers apart."""
    ahead, answer = fence(1)
    late = fence(0)[1]

    async def act(reader: Honeywell) -> None:
        await reader.connect()
        await reader.flush()

    play(act, *CONNECT, OFF, ahead, late, answer, *fence(2))


def test_what_the_reader_still_held_is_flushed() -> None:
    play(
        lambda reader: sees(reader, "B"),
        *(*CONNECT, say(b"\x02A\x03"), OFF, *fence(1, before=b"\x02A\x03"), say(b"\x02A\x03")),
        *(*fence(2, before=b"\x02A\x03"), ON, say(b"\x02B\x03"), *END),
    )


def test_a_code_that_comes_after_the_read_spoils_the_look() -> None:
    async def act(reader: Honeywell) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply):
            await reader.close()

    play(act, *LOOK, OFF, *fence(3, before=b"\x02A12\x03"))


@pytest.mark.parametrize(
    "given",
    [
        {"prefix": ""},
        {"prefix": "A"},
        {"prefix": "\x06"},
        {"prefix": "\r"},
        {"prefix": "ë"},
        {"suffix": ""},
        {"suffix": "\\"},
        {"suffix": "\x02"},
        {"suffix": "R"},
        {"no_read": ""},
        {"trigger_seconds": 301},
    ],
)
def test_options_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Options"):
        Options.model_validate(given)


def test_a_reader_that_goes_away() -> None:
    meets_an_end(Honeywell, Options(reply_seconds=0.3), *CONNECT)
