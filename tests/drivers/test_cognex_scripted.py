"""The Cognex driver against raw bytes written here: no codec on the other side."""

import pytest
from pydantic import ValidationError

from drivers.cognex_dmcc.driver import CognexDmcc, Options
from drivers.errors import (
    BadChecksum,
    BadFrame,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    UnexpectedReply,
)
from drivers.protocols import Identity, Reading
from simulators.scripted import Expect, Reply
from tests.drivers.scripted_reader import look, meets_an_end, player, sees


def ask(line: bytes) -> Expect:
    return Expect((line + b"\r\n").hex())


def say(*lines: bytes, wait: float = 0.0) -> Reply:
    return Reply(b"".join(line + b"\r\n" for line in lines).hex(), wait)


def raw(data: bytes, wait: float = 0.0) -> Reply:
    return Reply(data.hex(), wait)


A12 = b"||[1]QTEy"
B = b"||[1]Qg=="
NOTHING = b"||[1]Tk8tUkVBRA=="

CONNECT = (
    *(ask(b"||0:1>SET COM.DMCC-RESPONSE 1"), ask(b"||0:2>GET DEVICE.TYPE")),
    say(b"||0:2[0]DM262X"),
)
FLUSH = (
    *(ask(b"||0:3>TRIGGER OFF"), say(b"||0:3[0]")),
    *(ask(b"||0:4>GET DEVICE.TYPE"), say(b"||0:4[0]DM262X")),
)
OPEN = (ask(b"||0:5>TRIGGER ON"), say(b"||0:5[0]"))
CLOSE = (ask(b"||0:6>TRIGGER OFF"), say(b"||0:6[0]"))
LOOK = (*CONNECT, *FLUSH, *OPEN)


play = player(CognexDmcc, Options)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
def test_one_whole_look(listen: str) -> None:
    play(lambda reader: sees(reader, "A12"), *LOOK, say(A12), *CLOSE, listen=listen)


def test_who_it_is_without_a_trigger() -> None:
    async def act(reader: CognexDmcc) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Cognex", "DM262X", "6.1.16")

    play(
        act,
        *(*CONNECT, ask(b"||0:3>GET DEVICE.TYPE"), say(b"||0:3[0]DM262X")),
        *(ask(b"||0:4>GET DEVICE.FIRMWARE-VER"), say(b"||0:4[0]6.1.16")),
    )


def test_a_reader_that_acknowledges_the_change_of_responses_too() -> None:
    async def act(reader: CognexDmcc) -> None:
        await reader.connect()

    play(
        act,
        *(ask(b"||0:1>SET COM.DMCC-RESPONSE 2"), say(b"||0:1[0]")),
        *(ask(b"||0:2>GET DEVICE.TYPE"), say(b"||0:2[0]DM262X")),
        extended_mode=2,
    )


def test_a_reader_that_stays_silent_is_not_connected() -> None:
    async def act(reader: CognexDmcc) -> None:
        with pytest.raises(LinkTimeout):
            await reader.connect()
        with pytest.raises(LinkClosed):
            await reader.flush()

    play(act, *CONNECT[:2], say(b"DM262X"))


def test_the_reader_says_that_it_saw_nothing() -> None:
    """It is asked again while there is time, and the last trigger is ended."""

    async def act(reader: CognexDmcc) -> None:
        await sees(reader, seconds=0.1)

    play(
        act,
        *(*LOOK, say(NOTHING), ask(b"||0:6>TRIGGER ON"), say(b"||0:6[0]")),
        *(ask(b"||0:7>TRIGGER OFF"), say(b"||0:7[0]", NOTHING)),
    )


def test_a_code_at_the_second_trigger() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*LOOK, say(NOTHING), ask(b"||0:6>TRIGGER ON"), say(b"||0:6[0]", A12)),
        *(ask(b"||0:7>TRIGGER OFF"), say(b"||0:7[104]")),
    )


def test_the_end_of_a_trigger_that_is_told_before_the_acknowledgement() -> None:
    play(
        lambda reader: sees(reader, seconds=0.05),
        *(*LOOK, ask(b"||0:6>TRIGGER OFF"), say(NOTHING, b"||0:6[0]")),
    )


def test_silence_is_no_empty_look() -> None:
    async def act(reader: CognexDmcc) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *LOOK, *CLOSE)


def test_silence_is_an_empty_look_where_the_reader_is_set_to_it() -> None:
    play(lambda reader: sees(reader, seconds=0.05), *LOOK, *CLOSE, no_read="")


def test_codes_that_come_along_and_the_same_again() -> None:
    play(lambda reader: sees(reader, "A12", "B"), *LOOK, say(A12, B, A12), *CLOSE)


def test_split_lines() -> None:
    async def act(reader: CognexDmcc) -> None:
        await sees(reader, "A12")

    pieces = [raw(bytes((byte,)), 0.002) for byte in A12 + b"\r\n"]
    play(
        act,
        *CONNECT[:2],
        raw(b"||0:2[0]DM"),
        raw(b"262X\r"),
        raw(b"\n"),
        *LOOK[3:],
        *pieces,
        *CLOSE,
    )


def test_garbage_before_a_reply_and_after_it() -> None:
    async def act(reader: CognexDmcc) -> None:
        await sees(reader, "A12")

    play(
        act,
        *(*CONNECT[:2], raw(b"\x00\xff|"), say(b"||0:2[0]DM262X")),
        *(raw(b"welcome\r\n\xfe"), *FLUSH, *OPEN, say(A12), *CLOSE),
    )


def test_garbage_within_a_session_is_no_empty_look() -> None:
    async def act(reader: CognexDmcc) -> None:
        with pytest.raises(BadFrame):
            await look(reader)

    play(act, *LOOK, say(b"\x00\x01"))


def test_half_a_code_before_the_end_is_no_empty_look() -> None:
    async def act(reader: CognexDmcc) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(BadFrame):
            await reader.close()

    play(act, *LOOK, raw(b"||[1]QT"), *CLOSE, no_read="")


def test_a_late_reply_of_the_request_before_is_not_taken_for_ours() -> None:
    """The first flush is given up; its reply comes when the second has been asked."""

    async def act(reader: CognexDmcc) -> None:
        await reader.connect()
        with pytest.raises(LinkTimeout):
            await reader.flush()
        await reader.flush()

    play(
        act,
        *(*CONNECT, ask(b"||0:3>TRIGGER OFF"), ask(b"||0:4>TRIGGER OFF")),
        *(say(b"||0:3[105]", wait=0.05), say(b"||0:4[0]", wait=0.05)),
        *(ask(b"||0:5>GET DEVICE.TYPE"), say(b"||0:5[0]DM262X")),
    )


def test_a_reply_without_the_number_is_not_taken_for_ours() -> None:
    async def act(reader: CognexDmcc) -> None:
        await reader.connect()
        with pytest.raises(LinkTimeout):
            await reader.flush()

    play(act, *CONNECT, ask(b"||0:3>TRIGGER OFF"), say(b"||[0]"))


@pytest.mark.parametrize("status", ["100", "101", "104", "105"])
def test_a_trigger_that_is_refused(status: str) -> None:
    async def act(reader: CognexDmcc) -> None:
        with pytest.raises(DeviceRefused) as refused:
            await look(reader)
        assert refused.value.vendor_code == status

    reply = say(f"||0:5[{status}]".encode())
    play(act, *CONNECT, *FLUSH, ask(b"||0:5>TRIGGER ON"), reply)


def test_an_end_that_is_refused() -> None:
    async def act(reader: CognexDmcc) -> None:
        assert len(await look(reader)) == 1
        with pytest.raises(DeviceRefused):
            await reader.close()

    play(act, *LOOK, say(A12), ask(b"||0:6>TRIGGER OFF"), say(b"||0:6[105]"))


def test_what_the_reader_still_held_is_flushed() -> None:
    play(
        lambda reader: sees(reader, "B"),
        *(*CONNECT, say(A12), ask(b"||0:3>TRIGGER OFF"), say(A12, b"||0:3[0]", NOTHING)),
        *(ask(b"||0:4>GET DEVICE.TYPE"), say(A12, b"damage", b"||0:4[0]DM262X", A12)),
        *(*OPEN, say(B), *CLOSE),
    )


def test_a_code_before_the_triggers_acknowledgement_is_dropped() -> None:
    play(
        lambda reader: sees(reader, "B"),
        *(*CONNECT, *FLUSH, ask(b"||0:5>TRIGGER ON"), say(A12, b"||0:5[0]", B), *CLOSE),
    )


@pytest.mark.parametrize("lines", [(A12, b"||0:6[0]"), (b"||0:6[0]", A12)])
def test_a_code_that_comes_after_the_read_spoils_the_look(lines: tuple[bytes, ...]) -> None:
    async def act(reader: CognexDmcc) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply):
            await reader.close()

    play(act, *LOOK, ask(b"||0:6>TRIGGER OFF"), say(*lines))


def test_checksums() -> None:
    async def act(reader: CognexDmcc) -> None:
        await reader.connect()
        with pytest.raises(BadChecksum, match="reader says"):
            await reader.flush()
        with pytest.raises(BadChecksum):
            await reader.flush()

    play(
        act,
        *(Expect((b"||1:1>GET DEVICE.TYPE" + b"\x5c\r\n").hex()), raw(b"||1:1[0]DM" + b"\x05\r\n")),
        *(Expect((b"||1:2>TRIGGER OFF" + b"\x30\r\n").hex()), say(b"||0:2[103]")),
        *(Expect((b"||1:3>TRIGGER OFF" + b"\x31\r\n").hex()), say(b"||1:3[0]A")),
        checksum=True,
        configure=False,
    )


def test_results_with_a_header_and_no_base64() -> None:
    play(
        lambda reader: sees(reader, "A,12"),
        *(*LOOK, say(b"||[1]NO-READ"), ask(b"||0:6>TRIGGER ON"), say(b"||0:6[0]")),
        *(say(b"||[1]A,12"), ask(b"||0:7>TRIGGER OFF"), say(b"||0:7[0]")),
        results="framed",
    )


def test_results_without_a_header() -> None:
    """Firmware 6.1.16 has more fields in the header of its replies."""
    play(
        lambda reader: sees(reader, "]d1", "A\x1d12"),
        *(*LOOK[:-1], say(b"||0:5::2[0]", b"]d1", b"A\x1d12"), *CLOSE),
        results="plain",
    )


def test_aim_identifiers() -> None:
    async def act(reader: CognexDmcc) -> None:
        assert await look(reader) == (Reading("A12", "]d2"),)

    play(act, *LOOK, say(b"||[1]XWQyQTEy"), aim_identifiers=True)


TYPE = (ask(b"||>GET DEVICE.TYPE"), say(b"DM262X"))
SILENT = (ask(b"||>SET COM.DMCC-RESPONSE 0"), *TYPE, *TYPE)
SILENT_LOOK = (
    *(*SILENT, ask(b"||>TRIGGER OFF"), *TYPE, *TYPE),
    *(ask(b"||>TRIGGER ON"), *TYPE),
)


def test_silent_responses() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*SILENT_LOOK, say(b"A12"), ask(b"||>TRIGGER OFF"), *TYPE),
        responses="silent",
    )


def test_silent_responses_identify() -> None:
    async def act(reader: CognexDmcc) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Cognex", "DM262X", "6.1.16")

    play(
        act,
        *(*SILENT, ask(b"||>GET DEVICE.FIRMWARE-VER"), say(b"6.1.16"), *TYPE),
        responses="silent",
    )


def test_silent_responses_and_a_code_before_the_fence() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*SILENT_LOOK[:-1], say(b"A12", b"DM262X"), ask(b"||>TRIGGER OFF"), *TYPE),
        responses="silent",
    )


def test_silent_responses_and_nothing_seen() -> None:
    play(
        lambda reader: sees(reader, seconds=0.05),
        *(*SILENT_LOOK, ask(b"||>TRIGGER OFF"), *TYPE, say(b"NO-READ")),
        responses="silent",
    )


def test_silent_responses_and_a_trigger_that_was_ignored() -> None:
    async def act(reader: CognexDmcc) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout):
            await reader.close()

    play(act, *SILENT_LOOK, ask(b"||>TRIGGER OFF"), *TYPE, responses="silent")


def test_silent_responses_and_a_code_that_passes_for_the_type() -> None:
    async def act(reader: CognexDmcc) -> None:
        with pytest.raises(LinkTimeout):
            await reader.connect()

    play(
        act,
        *(SILENT[0], TYPE[0], say(b"A12", b"DM262X"), *TYPE),
        responses="silent",
    )


def test_silent_responses_need_a_message_of_nothing_read() -> None:
    with pytest.raises(ValidationError, match="no_read"):
        Options(responses="silent", no_read="")


def test_a_reader_that_goes_away() -> None:
    meets_an_end(CognexDmcc, Options(reply_seconds=0.3), *CONNECT)
