"""The Microscan driver in the ACK/NAK protocol against raw bytes: no codec on the other side."""

from typing import Any

import pytest

from drivers import clock
from drivers.errors import BadFrame, LinkTimeout
from drivers.microscan.driver import Microscan
from simulators.scripted import Step
from tests.drivers.scripted_reader import look, sees
from tests.drivers.test_microscan_scripted import Act, ask, play, say

ACK, NAK, REQ, RES = b"\x06", b"\x15", b"\x05", b"\x04"
# The last byte of each is its LRC, written out.
STATUS = b"\x02<?>\x03\x3e"
IDLE, READING = b"\x02<?/20>\r\n\x03\x14", b"\x02<?/22>\r\n\x03\x16"
TRIGGER = b"\x02< >\x03\x21"
CODE = b"\x02A12\r\n\x03\x46"
NOREAD = b"\x02NOREAD\r\n\x03\x17"


def told(answer: bytes, question: bytes = STATUS) -> tuple[Step, ...]:
    """A question is acknowledged, and its answer too."""
    return ask(question), say(ACK + answer), ask(ACK)


CONNECT = (
    *told(IDLE),
    *told(b"\x02<K200,4>\r\n\x03\x67", b"\x02<K200?>\x03\x47"),
    *told(b"\x02<K201, >\r\n\x03\x72", b"\x02<K201?>\x03\x46"),
    *told(b"\x02<K220,0,10>\r\n\x03\x4c", b"\x02<K220?>\x03\x45"),
    *told(b"\x02<K714,1,NOREAD>\r\n\x03\x5d", b"\x02<K714?>\x03\x47"),
)
READY = (*CONNECT, *told(IDLE), *told(IDLE))
STARTED = (ask(TRIGGER), say(ACK), *told(READING))
LOOK = (*READY, *STARTED)


def talk(act: Act, *steps: Step, **options: Any) -> None:
    given = {"protocol": "ack-nak", "gap_seconds": 0.05, "configure": False, **options}
    play(act, *steps, **given)


def test_one_whole_look() -> None:
    talk(lambda reader: sees(reader, "A12"), *LOOK, say(CODE), ask(ACK), *told(IDLE))


def test_each_setting_is_a_frame_of_its_own() -> None:
    async def act(reader: Microscan) -> None:
        await reader.connect()

    settings = (
        *(b"\x02<K200,4>\x03\x60", b"\x02<K201, >\x03\x75", b"\x02<K220,0,10>\x03\x4b"),
        *(b"\x02<K714,1,NOREAD>\x03\x5a", b"\x02<A>\x03\x40"),
    )
    taken = [step for setting in settings for step in (ask(setting), say(ACK))]
    talk(act, *told(IDLE), *taken, *told(IDLE), *CONNECT[3:], configure=True)


DAMAGED = {
    "a turned bit": CODE.replace(b"A", b"E"),
    "a turned bit of LRC": CODE[:-1] + b"\x47",
    "no STX": CODE[1:],
    "STX is ACK": b"\x06" + CODE[1:],
    "no ETX": CODE.replace(b"\x03", b""),
    "no LRC": CODE[:-1],
    "no postamble": b"\x02A12\x03\x41",
    "half a frame": CODE[:3],
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_frame_is_answered_nak_and_comes_again(damaged: bytes) -> None:
    talk(
        lambda reader: sees(reader, "A12"),
        *(*LOOK, say(damaged), ask(NAK), say(CODE), ask(ACK), *told(IDLE)),
    )


def test_what_is_damaged_each_time_and_given_up_is_no_empty_look() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(BadFrame):
            await look(reader)

    talk(act, *LOOK, *(say(DAMAGED["a turned bit"]), ask(NAK)) * 4)


def test_what_was_damaged_does_not_come_again_as_an_answer() -> None:
    """Two codes, and the second is lost: the look does not count with the first alone."""

    async def act(reader: Microscan) -> None:
        with pytest.raises(BadFrame):
            await sees(reader, "A12")

    talk(
        act,
        *(*LOOK, say(CODE), ask(ACK), ask(STATUS), say(ACK)),
        *(say(DAMAGED["a turned bit"]), ask(NAK), say(IDLE), ask(ACK)),
        result_seconds=0.05,
    )


def test_a_frame_that_comes_twice_is_read_once() -> None:
    """ACK was lost. The message of nothing read must not end the trigger that follows it."""
    talk(
        lambda reader: sees(reader, "A12", seconds=2.0),
        *(*LOOK, say(NOREAD), ask(ACK), ask(TRIGGER), say(NOREAD), ask(ACK), say(ACK)),
        *(*told(READING), say(CODE, 0.1), ask(ACK), *told(IDLE)),
    )


def test_the_same_after_another_trigger_is_read_anew() -> None:
    talk(
        lambda reader: sees(reader, "A12", seconds=2.0),
        *(*LOOK, say(NOREAD), ask(ACK), *STARTED, say(NOREAD), ask(ACK), *STARTED),
        *(say(CODE), ask(ACK), *told(IDLE)),
    )


CODES = {
    "71": b"\x0271\r\n\x03\x02",
    "61": b"\x0261\r\n\x03\x03",
    "31": b"\x0231\r\n\x03\x06",
    "AP": b"\x02AP\r\n\x03\x15",
    "A\x02B\x03AC": b"\x02A\x02B\x03AC\r\n\x03\x04",
    "A\r\nB": b"\x02A\r\nB\r\n\x03\x00",
}


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("content", CODES, ids=[code.hex() for code in map(str.encode, CODES)])
def test_control_characters_in_codes_and_checks(content: str, cut: bool) -> None:
    frame = CODES[content]
    drops = [say(bytes((byte,)), 0.002) for byte in frame] if cut else [say(frame)]
    talk(lambda reader: sees(reader, content), *LOOK, *drops, ask(ACK), *told(IDLE))


def test_a_command_that_is_rejected_is_sent_again() -> None:
    talk(
        lambda reader: sees(reader, "A12"),
        *(*READY, ask(TRIGGER), say(NAK), *STARTED, say(CODE), ask(ACK)),
        *(ask(STATUS), say(NAK), ask(STATUS), say(NAK), *told(IDLE)),
    )


def test_a_command_that_is_rejected_each_time() -> None:
    async def act(reader: Microscan) -> None:
        with pytest.raises(BadFrame, match="NAK"):
            await reader.connect()

    talk(act, *(ask(STATUS), say(NAK)) * 4)


def test_a_trigger_that_nothing_answers_is_not_sent_again() -> None:
    async def act(reader: Microscan) -> None:
        before = clock.now()
        with pytest.raises(LinkTimeout, match="acknowledge"):
            await look(reader)
        assert clock.now() - before >= 0.3

    talk(act, *READY, ask(TRIGGER))


def test_an_answer_stands_for_a_lost_acknowledgement() -> None:
    talk(
        lambda reader: sees(reader, "A12"),
        *(*LOOK, say(CODE), ask(ACK), ask(STATUS), say(IDLE), ask(ACK)),
    )


def test_a_reader_that_asks_for_our_answer_again_gets_it() -> None:
    talk(
        lambda reader: sees(reader, "A12"),
        *(*LOOK, say(CODE), ask(ACK), say(REQ), ask(ACK), say(RES), *told(IDLE)),
    )


def test_a_reader_that_asks_about_a_frame_that_never_came() -> None:
    talk(
        lambda reader: sees(reader, "A12"),
        *(*READY, ask(TRIGGER), say(ACK), *told(READING), say(RES + REQ), ask(NAK)),
        *(say(CODE), ask(ACK), say(RES), *told(IDLE)),
    )


def test_a_code_before_the_answer_keeps_its_place() -> None:
    """A short read cycle is over before its status is asked for."""
    talk(
        lambda reader: sees(reader, "A12"),
        *(*READY, ask(TRIGGER), say(ACK), ask(STATUS), say(CODE), ask(ACK), say(ACK + IDLE)),
        *(ask(ACK), *told(IDLE)),
    )
