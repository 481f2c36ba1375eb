"""The Keyence SR driver against raw bytes written here: no codec on the other side."""

from typing import Any

import pytest

from drivers.errors import (
    BadFrame,
    DeviceFault,
    DeviceRefused,
    LinkTimeout,
    UnexpectedReply,
)
from drivers.keyence_sr.driver import KeyenceSr, Options
from drivers.protocols import Identity, Reading
from simulators.scripted import Expect, Reply, Step
from tests.drivers.scripted_reader import look, meets_an_end, player, sees


def box(text: bytes) -> bytes:
    return b"\x02" + text + b"\x03"


def ask(text: bytes) -> Expect:
    return Expect(box(text).hex())


def say(data: bytes, wait: float = 0.0) -> Reply:
    return Reply(data.hex(), wait)


NO_TRIGGER = (ask(b"LOFF"), say(box(b"ER,LOFF,20")))
STATE = (ask(b"ERRSTAT"), say(box(b"OK,ERRSTAT,none")))
COUNTS = (ask(b"NUM"), say(box(b"OK,NUM,5,1,0,4,6")))
CONNECT = (*NO_TRIGGER, *STATE)
FLUSH = (*NO_TRIGGER, *COUNTS)
TRIGGER = (ask(b"LON"), say(box(b"OK,LON")))
LOOK = (*CONNECT, *FLUSH, *TRIGGER)

# An SR-2000 as delivered: LON and LOFF are not answered.
SILENT_CONNECT = (ask(b"LOFF"), *STATE)
SILENT_LOOK = (
    *(*SILENT_CONNECT, ask(b"LOFF"), *COUNTS),
    *(ask(b"KEYENCE"), say(box(b"OK,KEYENCE,SR-2000,R1")), ask(b"LON")),
)
SILENT_END = (ask(b"LOFF"), *STATE)


play = player(KeyenceSr, Options, answer_seconds=0.15)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
def test_one_whole_look(listen: str) -> None:
    play(lambda reader: sees(reader, "A12"), *LOOK, say(b"A12\r"), *NO_TRIGGER, listen=listen)


def test_commands_with_a_carriage_return_behind_them() -> None:
    plain: list[Step] = [
        *(Expect(b"LOFF\r".hex()), say(b"OK,LOFF\r")),
        *(Expect(b"ERRSTAT\r".hex()), say(b"OK,ERRSTAT,none\r")),
        *(Expect(b"LOFF\r".hex()), say(b"ER,LOFF,20\r\n")),
        *(Expect(b"NUM\r".hex()), say(b"OK,NUM,5,1,0,4,6\r\n")),
        *(Expect(b"LON\r".hex()), say(b"OK,LON\rA12\r")),
        *(Expect(b"LOFF\r".hex()), say(b"ER,LOFF,20\r")),
    ]
    play(lambda reader: sees(reader, "A12"), *plain, framing="cr")


def test_who_it_is_without_a_trigger() -> None:
    async def act(reader: KeyenceSr) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Keyence", "SR-1000", "R1.27")

    play(act, *CONNECT, ask(b"KEYENCE"), say(box(b"OK,KEYENCE,SR-1000,R1.27")))


def test_a_reader_that_tells_an_error() -> None:
    async def act(reader: KeyenceSr) -> None:
        with pytest.raises(DeviceFault) as fault:
            await reader.connect()
        assert fault.value.alarm == "plc"

    play(act, *NO_TRIGGER, ask(b"ERRSTAT"), say(box(b"OK,ERRSTAT,plc")))


def test_the_reader_says_that_it_saw_nothing() -> None:
    """It is triggered again while there is time; LOFF ends the last one, and is answered first."""
    play(
        lambda reader: sees(reader, seconds=0.1),
        *(*LOOK, say(b"ERROR\r"), *TRIGGER),
        *(ask(b"LOFF"), say(box(b"OK,LOFF") + b"ERROR\r")),
    )


def test_a_trigger_that_is_refused() -> None:
    async def act(reader: KeyenceSr) -> None:
        with pytest.raises(DeviceRefused, match="Navigator") as refused:
            await look(reader)
        assert refused.value.vendor_code == "23"

    play(act, *CONNECT, *FLUSH, ask(b"LON"), say(box(b"ER,LON,23")))


def test_an_end_that_is_refused_for_another_cause() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert len(await look(reader)) == 1
        with pytest.raises(DeviceRefused) as refused:
            await reader.close()
        assert refused.value.vendor_code == "22"

    play(act, *LOOK, say(b"A12\r"), ask(b"LOFF"), say(box(b"ER,LOFF,22")))


def test_a_question_that_is_refused_for_now_is_a_fence_too() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*CONNECT, *NO_TRIGGER, ask(b"NUM"), say(box(b"ER,NUM,20"))),
        *(*TRIGGER, say(b"A12\r"), *NO_TRIGGER),
    )


@pytest.mark.parametrize(
    ("answer", "error"), [(b"ER,NUM,99", DeviceRefused), (b"OK,NUM,5,1", BadFrame)]
)
def test_a_fence_that_does_not_stand(answer: bytes, error: type[Exception]) -> None:
    async def act(reader: KeyenceSr) -> None:
        await reader.connect()
        with pytest.raises(error):
            await reader.flush()

    play(act, *CONNECT, *NO_TRIGGER, ask(b"NUM"), say(box(answer)))


def test_silence_is_no_empty_look() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *LOOK, ask(b"LOFF"), say(box(b"OK,LOFF")))


def test_a_reader_that_does_not_answer_its_triggers() -> None:
    play(lambda reader: sees(reader, "A12"), *SILENT_LOOK, say(b"A12\r"), *SILENT_END)


def test_one_that_does_not_and_saw_nothing() -> None:
    play(
        lambda reader: sees(reader, seconds=0.05),
        *(*SILENT_LOOK, ask(b"LOFF"), say(b"ERROR\r"), *STATE),
    )


def test_one_that_does_not_and_a_trigger_that_was_lost() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *SILENT_LOOK, *SILENT_END)


def test_codes_that_come_along_and_the_same_again() -> None:
    play(
        lambda reader: sees(reader, "A12", "OK"),
        *(*LOOK, say(b"A12\r\nOK\r\nA12\r\n"), *NO_TRIGGER),
    )


def test_a_content_that_holds_a_line_end_and_what_reads_as_an_answer() -> None:
    """Between STX and ETX it is told whole; a symbol with just an answer in it fails the look."""
    play(
        lambda reader: sees(reader, "A\rOK,LON\r12"),
        *(*LOOK, say(box(b"A\rOK,LON\r12")), *NO_TRIGGER),
        data_framing="stx",
    )


def test_a_symbol_that_holds_just_an_answer() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *LOOK, say(box(b"OK,LON")), *NO_TRIGGER, data_framing="stx")


def test_a_symbol_that_holds_an_unknown_answer() -> None:
    async def act(reader: KeyenceSr) -> None:
        with pytest.raises(BadFrame, match="not known"):
            await look(reader)

    play(act, *LOOK, say(b"OK,TUNE\r"))


def test_colons_of_the_content_and_of_the_items() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader) == (Reading("A:1:B", "]d1", "B"),)
        await reader.close()

    play(
        act,
        *(*LOOK, say(b"20261127083005:]d1A:1:B:98%:B:FILE1\r"), *NO_TRIGGER),
        appended=["image", "aim-dpm", "time", "unused-ecc"],
        aim_identifiers=True,
    )


def test_each_grade() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader) == (
            Reading("A12", "", "3 (DEC 4, CC 3, CM 4, RM 4, FPD 4, AN 4, GN 4, UEC 4, PGH 4)"),
        )

    play(
        act,
        *(*LOOK, say(b"A12:3:4:3:4:4:4:-:-:4:4:4:4:-\r")),
        appended=["aim-dpm-details"],
    )


def test_nothing_read_with_items_before_it() -> None:
    play(
        lambda reader: sees(reader, seconds=0.05),
        *(*LOOK, ask(b"LOFF"), say(box(b"OK,LOFF") + b"20261127083005:ERROR:-\r")),
        appended=["time", "aim-dpm"],
    )


@pytest.mark.parametrize("line", [b"A12\r", b"A12:7\r", b"A12:B:7\r"])
def test_items_that_are_not_as_they_are_said_to_be(line: bytes) -> None:
    async def act(reader: KeyenceSr) -> None:
        with pytest.raises(BadFrame):
            await look(reader)

    play(act, *LOOK, say(line), appended=["aim-dpm"])


def test_another_delimiter() -> None:
    play(
        lambda reader: sees(reader, "A:1"),
        *(*LOOK, say(b"A:1;B\r"), *NO_TRIGGER),
        appended=["aim-dpm"],
        delimiter=";",
    )


def test_split_frames() -> None:
    def drops(data: bytes) -> list[Step]:
        return [say(bytes((byte,)), 0.002) for byte in data]

    play(
        lambda reader: sees(reader, "A12"),
        *(ask(b"LOFF"), *drops(box(b"ER,LOFF,20")), *STATE, *FLUSH, ask(b"LON")),
        *(*drops(box(b"OK,LON") + b"A12\r"), *NO_TRIGGER),
        reply_seconds=5.0,
        answer_seconds=5.0,
    )


def test_garbage_before_a_session_and_after_it() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*CONNECT, say(b"\xff\x00\x03\r\n"), *FLUSH, *TRIGGER, say(b"A12\r")),
        *(*NO_TRIGGER, say(b"\x00")),
    )


def test_half_a_code_before_the_end_is_no_empty_look() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises((BadFrame, LinkTimeout)):
            await reader.close()

    play(act, *LOOK, say(b"A1"), ask(b"LOFF"), say(box(b"OK,LOFF")))


def test_a_late_answer_of_the_question_before_is_not_taken_for_ours() -> None:
    async def act(reader: KeyenceSr) -> None:
        await reader.connect()
        with pytest.raises(LinkTimeout):
            await reader.identify()
        await reader.flush()

    play(
        act,
        *(*CONNECT, ask(b"KEYENCE"), ask(b"LOFF"), say(box(b"OK,KEYENCE,SR-1000,R1"), 0.05)),
        *(say(box(b"ER,LOFF,20"), 0.05), *COUNTS),
    )


def test_what_the_reader_still_held_is_flushed() -> None:
    play(
        lambda reader: sees(reader, "B"),
        *(*CONNECT, say(b"A12\r"), ask(b"LOFF"), say(b"A12\r" + box(b"ER,LOFF,20") + b"A12\r")),
        *(ask(b"NUM"), say(b"A12\r" + box(b"OK,NUM,5,1,0,4,6"))),
        *(ask(b"LON"), say(b"A12\r" + box(b"OK,LON") + b"B\r"), *NO_TRIGGER),
    )


def test_a_code_that_comes_after_the_read_spoils_the_look() -> None:
    async def act(reader: KeyenceSr) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply):
            await reader.close()

    play(act, *LOOK, ask(b"LOFF"), say(b"A12\r" + box(b"ER,LOFF,20")))


@pytest.mark.parametrize(
    "given",
    [
        {"appended": ["colour"]},
        {"appended": ["aim-dpm", "aim-dpm-details"]},
        {"delimiter": "::"},
        {"delimiter": "R"},
        {"no_read": ""},
        {"no_read": "NO READ"},
        {"framing": "crlf"},
    ],
)
def test_options_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Options"):
        Options.model_validate(given)


def test_a_reader_that_goes_away() -> None:
    meets_an_end(KeyenceSr, Options(reply_seconds=0.3), *CONNECT)
