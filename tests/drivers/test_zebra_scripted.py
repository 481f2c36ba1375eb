"""The Zebra driver against raw bytes written here: no codec on the other side."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers import clock
from drivers.errors import BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.protocols import Identity, Reading
from drivers.zebra_ssi.driver import Options, ZebraSsi
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Expect, Reply, Script, Step
from tests.support.virtual import SERIAL_IN_MEMORY

RESEND = 0.1
SETTINGS = "0F C6 04 00 FF 9F 01 EE 01 5E 00 8A 08 9B 01 FB 0D"
ENABLE = "04 E9 04 00 FF 0F"
REVISION = "04 A3 04 00 FF 55"
REVISION_AGAIN = "04 A3 04 01 FF 54"
FLUSH = "04 D2 04 00 FF 26"
FLUSH_AGAIN = "04 D2 04 01 FF 25"
START = "04 E4 04 00 FF 14"
START_AGAIN = "04 E4 04 01 FF 13"
STOP = "04 E5 04 00 FF 13"
CAPABILITIES = "04 D3 04 00 FF 25"

HOST_ACK = "04 D0 04 00 FF 28"
HOST_NAK = "05 D1 04 00 01 FF 25"
ACK = "04 D0 00 00 FF 2C"
ACK_AGAIN = "04 D0 00 01 FF 2B"
NAK_RESEND = "05 D1 00 00 01 FF 29"
NAK_CONTEXT = "05 D1 00 00 02 FF 28"
NAK_DENIED = "05 D1 00 00 06 FF 24"
TOLD = "0E A4 00 00 41 31 20 30 20 53 45 34 35 30 FD 3B"  # "A1 0 SE450"

A12 = "08 F3 00 00 1B 41 31 32 FE 46"
A12_AGAIN = "08 F3 00 01 1B 41 31 32 FE 45"
A12_FIRST = "08 F3 00 02 1B 41 31 32 FE 44"
A12_FIRST_AGAIN = "08 F3 00 03 1B 41 31 32 FE 43"
A12_BROKEN = "08 F3 00 00 1B 41 31 33 FE 46"
B = "06 F3 00 00 1B 42 FE AA"

FENCE = (Expect(REVISION), Reply(TOLD), Expect(HOST_ACK))
CONNECT = (*FENCE, Expect(SETTINGS), Reply(ACK), Expect(ENABLE), Reply(ACK))
FLUSHED = (Expect(FLUSH), Reply(ACK), *FENCE)
OPENED = (Expect(START), Reply(ACK))
CLOSED = (Expect(STOP), Reply(ACK))
LOOK = (*CONNECT, *FLUSHED, *OPENED)

Act = Callable[[ZebraSsi], Awaitable[None]]


def play(
    act: Act,
    *steps: Step,
    listen: str = SERIAL_IN_MEMORY,
    configure: bool = True,
    resend_seconds: float = RESEND,
    within: float = 10,
    wake: bool = False,
) -> None:
    async def whole() -> None:
        script = Script(*steps)
        listener = await serve(listen, script, Faults())
        reader = ZebraSsi(
            listener.url,
            Options(
                response_timeout=0.15,
                character_timeout=0.03,
                linger=0.03,
                configure=configure,
                resend_seconds=resend_seconds,
                wake=wake,
            ),
            "reader",
        )
        try:
            async with asyncio.timeout(within):
                await act(reader)
        finally:
            await asyncio.sleep(0.02)  # what the driver should not have sent shows up by now
            await reader.shut()
            await listener.close()
        script.check()

    asyncio.run(whole())


async def look(reader: ZebraSsi, seconds: float = 0.5) -> tuple[Reading, ...]:
    await reader.connect()
    await reader.flush()
    await reader.open()
    return await reader.read(seconds)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
def test_one_whole_look(listen: str) -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)
        await reader.close()

    play(act, *LOOK, Reply(A12), Expect(HOST_ACK), *CLOSED, listen=listen)


def test_a_reader_is_woken_before_a_packet_after_a_pause() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await asyncio.sleep(1)
        await reader.flush()

    play(act, Expect("00"), *CONNECT, Expect("00"), *FLUSHED, wake=True)


def test_nothing_seen() -> None:
    """The end of the session is over when a packet that was lost would have come again."""

    async def act(reader: ZebraSsi) -> None:
        assert await look(reader, 0.05) == ()
        began = clock.now()
        await reader.close()
        assert clock.now() - began >= RESEND

    play(act, *LOOK, *CLOSED)


@pytest.mark.parametrize("end", [ACK, NAK_CONTEXT])
def test_a_code_that_comes_only_when_it_is_sent_again_spoils_the_empty_look(end: str) -> None:
    """Its first packet was lost whole: nothing came until the end was acknowledged."""

    async def act(reader: ZebraSsi) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply, match="A12"):
            await reader.close()

    again = (Reply(A12_AGAIN, RESEND / 2), Expect(HOST_ACK))
    play(act, *LOOK, Expect(STOP), Reply(end), *again)


def test_what_is_sent_again_and_damaged_spoils_the_empty_look() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(BadFrame):
            await reader.close()

    play(act, *LOOK, *CLOSED, Reply(A12_BROKEN, RESEND / 2), Expect(HOST_NAK))


def test_a_reader_that_is_set_already_is_waited_for_too() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply, match="A12"):
            await reader.close()

    connect = (*FENCE, Expect(ENABLE), Reply(ACK))
    again = (Reply(A12_AGAIN, RESEND / 2), Expect(HOST_ACK))
    play(act, *connect, *FLUSHED, *OPENED, *CLOSED, *again, configure=False)


def test_a_session_with_codes_does_not_wait() -> None:
    """What comes after its end is not looked at before the next command."""

    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)
        await reader.close()

    settings = "0F C6 04 00 FF 9F 01 EE 01 5E 00 8A 08 9B 63 FA AB"
    connect = (*FENCE, Expect(settings), Reply(ACK), Expect(ENABLE), Reply(ACK))
    shown = (Reply(A12), Expect(HOST_ACK))
    play(act, *connect, *FLUSHED, *OPENED, *shown, *CLOSED, resend_seconds=9.9, within=5)


def test_who_it_is() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Zebra", "SE450", "A1")

    play(act, *CONNECT, *FENCE)


def test_what_it_can_do() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        assert (await reader.capabilities()).commands == {0xE4, 0xE5}
        with pytest.raises(BadFrame):
            await reader.capabilities()
        with pytest.raises(DeviceRefused):
            await reader.capabilities()

    play(
        act,
        *(*CONNECT, Expect(CAPABILITIES), Reply("0A D4 00 00 00 20 24 01 E4 E5 FD 14")),
        *(Expect(HOST_ACK), Expect(CAPABILITIES), Reply("04 D4 00 00 FF 28"), Expect(HOST_ACK)),
        *(Expect(CAPABILITIES), Reply(NAK_CONTEXT)),
    )


def test_two_frames_are_one_code_and_each_is_acknowledged() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12B", "]d1"),)

    play(act, *LOOK, Reply(A12_FIRST), Expect(HOST_ACK), Reply(B), Expect(HOST_ACK))


def test_a_frame_sent_again_without_need_is_acknowledged_and_dropped() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12B", "]d1"),)

    play(
        act,
        *(*LOOK, Reply(A12_FIRST), Expect(HOST_ACK), Reply(A12_FIRST_AGAIN), Expect(HOST_ACK)),
        *(Reply(B), Expect(HOST_ACK)),
    )


def test_a_damaged_code_is_asked_for_again() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)

    play(act, *LOOK, Reply(A12_BROKEN), Expect(HOST_NAK), Reply(A12_AGAIN), Expect(HOST_ACK))


def test_a_code_that_stops_in_the_middle_is_given_up_and_asked_for_again() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)

    play(act, *LOOK, Reply(A12[:17]), Expect(HOST_NAK), Reply(A12_AGAIN), Expect(HOST_ACK))


def test_a_code_in_drops_within_the_character_timeout_is_whole() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)

    drops = [Reply(byte, 0.005) for byte in A12.split()]
    play(act, *LOOK, *drops, Expect(HOST_ACK))


def test_a_damaged_code_that_never_comes_again_is_no_empty_read() -> None:
    async def act(reader: ZebraSsi) -> None:
        with pytest.raises(BadFrame):
            await look(reader, 0.05)

    play(act, *LOOK, Reply(A12_BROKEN), Expect(HOST_NAK))


def test_half_a_code_is_no_empty_read() -> None:
    async def act(reader: ZebraSsi) -> None:
        with pytest.raises(BadFrame):
            await look(reader, 0.05)

    play(act, *LOOK, Reply(A12_FIRST), Expect(HOST_ACK))


def test_a_command_is_sent_twice_more_with_the_retransmit_bit() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        with pytest.raises(LinkTimeout):
            await reader.flush()

    play(act, *CONNECT, Expect(FLUSH), Expect(FLUSH_AGAIN), Expect(FLUSH_AGAIN))


def test_a_second_try_puts_a_fence_before_the_next_command() -> None:
    """Both tries may be acknowledged; the second answer must not pass for the start's."""

    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await reader.flush()
        await reader.open()
        with pytest.raises(LinkTimeout):
            await reader.close()

    play(
        act,
        *(*CONNECT, *FLUSHED, Expect(START), Expect(START_AGAIN), Reply(ACK)),
        *(Expect(REVISION), Reply(ACK), Reply(TOLD), Expect(HOST_ACK)),
        *(Expect(STOP), Expect("04 E5 04 01 FF 12"), Expect("04 E5 04 01 FF 12")),
    )


def test_nak_resend_is_a_second_try() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await reader.flush()

    play(
        act,
        *(*CONNECT, Expect(FLUSH), Reply(NAK_RESEND), Expect(FLUSH_AGAIN), Reply(ACK), *FENCE),
    )


def test_a_damaged_answer_is_asked_for_again() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await reader.flush()

    broken = ACK[:-2] + "2D"
    play(act, *CONNECT, Expect(FLUSH), Reply(broken), Expect(HOST_NAK), Reply(ACK_AGAIN), *FENCE)


def test_an_answer_is_not_acknowledged() -> None:
    """A reader that gets an ACK for its ACK could answer that one too, and so on for ever."""

    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await asyncio.sleep(0.1)

    play(act, *CONNECT)


@pytest.mark.parametrize(("nak", "code"), [(NAK_DENIED, "6"), (NAK_CONTEXT, "2")])
def test_a_start_that_is_refused(nak: str, code: str) -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await reader.flush()
        with pytest.raises(DeviceRefused) as refused:
            await reader.open()
        assert refused.value.vendor_code == code

    play(act, *CONNECT, *FLUSHED, Expect(START), Reply(nak))


def test_a_session_that_ended_by_itself() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)
        await reader.close()

    play(act, *LOOK, Reply(A12), Expect(HOST_ACK), Expect(STOP), Reply(NAK_CONTEXT))


def test_a_code_between_flush_and_fence_is_acknowledged_and_dropped() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader, 0.05) == ()

    play(
        act,
        *(*CONNECT, Expect(FLUSH), Reply(A12), Expect(HOST_ACK), Reply(ACK)),
        *(Expect(REVISION), Reply(B), Expect(HOST_ACK), Reply(TOLD), Expect(HOST_ACK), *OPENED),
    )


def test_a_code_before_the_starts_acknowledgement_is_dropped() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("B", "]d1"),)

    play(
        act,
        *(*CONNECT, *FLUSHED, Expect(START), Reply(A12), Expect(HOST_ACK), Reply(ACK)),
        *(Reply(B), Expect(HOST_ACK)),
    )


def test_a_code_in_the_same_breath_as_the_starts_acknowledgement_counts() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("A12", "]d1"),)

    play(act, *CONNECT, *FLUSHED, Expect(START), Reply(f"{ACK} {A12}"), Expect(HOST_ACK))


def test_a_code_before_the_stops_acknowledgement_spoils_the_look() -> None:
    async def act(reader: ZebraSsi) -> None:
        assert await look(reader) == (Reading("B", "]d1"),)
        with pytest.raises(UnexpectedReply):
            await reader.close()

    play(
        act,
        *(*LOOK, Reply(B), Expect(HOST_ACK), Expect(STOP), Reply(A12), Expect(HOST_ACK)),
        Reply(ACK),
    )


def test_an_acknowledgement_that_nobody_asked_for_puts_up_a_fence() -> None:
    async def act(reader: ZebraSsi) -> None:
        await reader.connect()
        await reader.flush()
        await asyncio.sleep(0.05)
        await reader.open()

    play(act, *CONNECT, *FLUSHED, Reply(ACK), *FENCE, *OPENED)


def test_someone_who_speaks_something_else_is_not_asked_for_ever() -> None:
    async def act(reader: ZebraSsi) -> None:
        with pytest.raises(BadFrame):
            await reader.connect()

    echo = (Expect(REVISION), Reply(REVISION), Expect(HOST_NAK), Reply(HOST_NAK))
    play(
        act,
        *(*echo, Expect(HOST_NAK), Reply(HOST_NAK), Expect(HOST_NAK), Reply(HOST_NAK)),
        *(Expect(REVISION_AGAIN), Reply(REVISION_AGAIN), Expect(REVISION_AGAIN)),
    )
