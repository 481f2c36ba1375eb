"""The Microscan driver against raw bytes written here: no codec on the other side."""

from collections.abc import Awaitable, Callable

import pytest

from drivers.errors import BadFrame, DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.microscan.driver import Microscan, Options
from drivers.protocols import Identity, Reading
from simulators.scripted import Expect, Reply, Step
from tests.drivers.scripted_reader import look, meets_an_end, player, sees

Act = Callable[[Microscan], Awaitable[None]]


def ask(data: bytes) -> Expect:
    return Expect(data.hex())


def say(data: bytes, wait: float = 0.0) -> Reply:
    return Reply(data.hex(), wait)


IDLE = (ask(b"<?>"), say(b"<?/20>"))
READING = (ask(b"<?>"), say(b"<?/22>"))
READ_BACK = (
    *(ask(b"<K200?>"), say(b"<K200,4,313,313>\r\n"), ask(b"<K201?>"), say(b"<K201, >\r\n")),
    *(ask(b"<K220?>"), say(b"<K220,0,10>\r\n"), ask(b"<K714?>"), say(b"<K714,1,NOREAD>\r\n")),
)
SETTINGS = ask(b"<K200,4><K201, ><K220,0,10><K714,1,NOREAD><A>")
CONNECT = (*IDLE, SETTINGS, *IDLE, *READ_BACK)
FLUSH = (*IDLE, *IDLE)
TRIGGER = ask(b"< >")
LOOK = (*CONNECT, *FLUSH, TRIGGER, *READING)


play = player(Microscan, Options, cycle_seconds=0.1)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
def test_one_whole_look(listen: str) -> None:
    play(lambda reader: sees(reader, "A12"), *LOOK, say(b"A12\r\n"), *IDLE, listen=listen)


def test_who_it_is_without_a_trigger() -> None:
    async def act(reader: Microscan) -> None:
        await reader.connect()
        assert await reader.identify() == Identity("Microscan", "", "1F2E")

    play(act, *CONNECT, ask(b"<!a>"), say(b"<!a/1F2E>\r\n"))


def test_a_reader_that_is_set_by_others_is_only_asked() -> None:
    async def act(reader: Microscan) -> None:
        await reader.connect()

    play(act, *IDLE, *READ_BACK, configure=False)


def test_a_reader_that_is_set_otherwise_is_refused() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(DeviceRefused, match="K200"):
            await reader.connect()

    play(act, *IDLE, ask(b"<K200?>"), say(b"<K200,0>\r\n"), configure=False)


def test_a_setting_that_is_a_wrong_command_to_this_reader() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(DeviceRefused) as refused:
            await reader.connect()
        assert refused.value.vendor_code == "03"

    play(act, *IDLE, SETTINGS, ask(b"<?>"), say(b"<?/30>"))


def test_the_reader_says_that_it_saw_nothing() -> None:
    """It is triggered again while there is time; the last read cycle is waited for."""
    play(
        lambda reader: sees(reader, seconds=0.1),
        *(*LOOK, say(b"NOREAD\r\n"), TRIGGER, *READING),
        *(*READING, *READING, ask(b"<?>"), say(b"NOREAD\r\n<?/20>")),
    )


def test_a_cycle_that_is_over_before_the_status() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*CONNECT, *FLUSH, TRIGGER, ask(b"<?>"), say(b"A12\r\n<?/20>\r\n"), *IDLE),
    )


def test_a_trigger_that_begins_nothing() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(UnexpectedReply, match="no read cycle"):
            await look(reader)

    play(act, *CONNECT, *FLUSH, TRIGGER, *IDLE)


def test_a_trigger_that_is_refused() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(DeviceRefused):
            await look(reader)

    play(act, *CONNECT, *FLUSH, TRIGGER, ask(b"<?>"), say(b"<?/12>"))


def test_silence_is_no_empty_look() -> None:
    async def act(reader: Microscan) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(LinkTimeout, match="how its trigger ended"):
            await reader.close()

    play(act, *LOOK, *IDLE)


def test_codes_that_come_along_and_the_same_again() -> None:
    play(
        lambda reader: sees(reader, "A12", "B>"),
        *(*LOOK, say(b"A12\r\nB>\r\nA12\r\n"), *IDLE),
    )


def test_split_frames() -> None:
    async def act(reader: Microscan) -> None:
        await sees(reader, "A12")

    def drops(data: bytes) -> list[Step]:
        return [say(bytes((byte,)), 0.002) for byte in data]

    play(
        act,
        *(ask(b"<?>"), *drops(b"<?/20>\r\n"), *CONNECT[2:], *FLUSH, TRIGGER, *READING),
        *(*drops(b"A12\r\n"), *IDLE),
    )


def test_garbage_before_a_session_and_after_it() -> None:
    play(
        lambda reader: sees(reader, "A12"),
        *(*CONNECT, say(b"\xff\x00\r\n<"), *FLUSH, TRIGGER, *READING, say(b"A12\r\n")),
        *(*IDLE, say(b"\x00")),
    )


def test_half_a_code_before_the_end_is_no_empty_look() -> None:
    async def act(reader: Microscan) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises((BadFrame, LinkTimeout)):
            await reader.close()

    play(act, *LOOK, say(b"A1"), *IDLE)


def test_a_line_without_the_preamble_is_no_code() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(BadFrame):
            await look(reader)

    play(act, *LOOK, say(b"A12\r\n"), preamble="=")


def test_a_late_answer_of_the_question_before_is_not_taken_for_ours() -> None:
    async def act(reader: Microscan) -> None:
        await reader.connect()
        with pytest.raises(LinkTimeout):
            await reader.identify()
        await reader.flush()

    play(
        act,
        *(*CONNECT, ask(b"<!a>"), ask(b"<?>"), say(b"<!a/1F2E>\r\n", 0.05), say(b"<?/20>", 0.05)),
        *IDLE,
    )


def test_what_the_reader_still_held_is_flushed() -> None:
    play(
        lambda reader: sees(reader, "B"),
        *(*CONNECT, say(b"A12\r\n"), *READING, ask(b"<?>"), say(b"A12\r\n<?/20>\r\nA12\r\n")),
        *(ask(b"<?>"), say(b"A12\r\n<?/20>"), TRIGGER, *READING, say(b"B\r\n"), *IDLE),
    )


def test_a_code_that_comes_after_the_read_spoils_the_look() -> None:
    async def act(reader: Microscan) -> None:
        assert await look(reader, 0.05) == ()
        with pytest.raises(UnexpectedReply):
            await reader.close()

    play(act, *LOOK, ask(b"<?>"), say(b"A12\r\n<?/20>"))


def test_a_read_cycle_that_does_not_end() -> None:
    async def act(reader: Microscan) -> None:
        assert len(await look(reader)) == 1
        with pytest.raises(LinkTimeout):
            await reader.close()

    play(act, *LOOK, say(b"A12\r\n"), *READING, ask(b"<?>"))


def test_aim_identifiers() -> None:
    async def act(reader: Microscan) -> None:
        assert await look(reader) == (Reading("A12", "]d2"),)

    play(act, *LOOK, say(b"]d2A12\r\n"), aim_identifiers=True)


@pytest.mark.parametrize("character", ["<", ">", ",", "A", "K", "Z", "?", "ab", "", "ë"])
def test_characters_that_trigger_nothing(character: str) -> None:
    with pytest.raises(ValueError, match="trigger"):
        Options(trigger=character)


def test_a_reader_that_goes_away() -> None:
    meets_an_end(Microscan, Options(reply_seconds=0.3, cycle_seconds=0.1), *CONNECT)
