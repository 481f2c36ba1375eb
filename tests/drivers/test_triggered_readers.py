"""Readers that look when they are triggered, against their simulators on real wires, with faults.

What is asserted is what was read of the part: whatever the wire does, a look that counts is true.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.errors import DeviceError, DeviceRefused, LinkClosed, LinkTimeout, UnexpectedReply
from drivers.protocols import CodeReader, Identity, Reading
from tests.drivers.reader_bench import OTHER, UII, WIRES, Bench, Setup, bench, run, until
from tests.support.examples import examples

_DMCC = {"reply_seconds": 0.6, "result_seconds": 0.15, "linger": 0.03}
_MICROSCAN = {**_DMCC, "cycle_seconds": 0.1}
_ACK_NAK = {**_MICROSCAN, "protocol": "ack-nak", "gap_seconds": 0.04}
_SIM_ACK_NAK = {"protocol": "ack-nak", "answer_seconds": "0.1"}
_KEYENCE = {**_DMCC, "answer_seconds": 0.15}
_GRADED = ["time", "unused-ecc", "aim-dpm-details", "image"]
SETUPS = {
    "cognex": Setup("cognex-dmcc", _DMCC),
    "cognex-manual": Setup("cognex-dmcc", _DMCC, {"trigger": "manual"}),
    "cognex-plain": Setup("cognex-dmcc", {**_DMCC, "results": "plain"}, {"results": "plain"}),
    "cognex-checksum": Setup(
        "cognex-dmcc",
        {**_DMCC, "checksum": True, "checksum_span": "body", "extended_mode": 2},
        {"checksum": "1", "span": "body"},
    ),
    "cognex-silent": Setup("cognex-dmcc", {**_DMCC, "responses": "silent"}),
    "microscan": Setup("microscan", _MICROSCAN),
    "microscan-bare": Setup(
        "microscan", {**_MICROSCAN, "preamble": "=", "trigger": "t"}, {"preamble": "=", "ends": "0"}
    ),
    "microscan-ack-nak": Setup("microscan", _ACK_NAK, _SIM_ACK_NAK),
    "microscan-ack-nak-asks": Setup(
        "microscan",
        {**_ACK_NAK, "preamble": "="},
        {**_SIM_ACK_NAK, "asks": "1", "preamble": "=", "ends": "0"},
    ),
    "keyence": Setup("keyence-sr", _KEYENCE),
    "keyence-stx": Setup(
        "keyence-sr",
        {**_KEYENCE, "data_framing": "stx", "appended": _GRADED},
        {"data": "stx", "append": "+".join(_GRADED), "oneshot": "0.1"},
    ),
    "keyence-cr-silent": Setup("keyence-sr", {**_KEYENCE, "framing": "cr"}, {"answers": "0"}),
    "honeywell": Setup("honeywell", _DMCC),
    "honeywell-marked": Setup(
        "honeywell",
        {**_DMCC, "trigger_seconds": 0.1, "suffix": "\x03\r", "aim_identifiers": True},
    ),
}
IDENTITIES = {
    "honeywell": Identity("Honeywell", "Xenon 1900", "16345"),
    "keyence-sr": Identity("Keyence", "SR-1000", "R1.27"),
    "cognex-dmcc": Identity("Cognex", "DM262X", "6.1.16"),
    "microscan": Identity("Microscan", "", "1F2E"),
}
REFUSALS = {"cognex-dmcc": "104", "keyence-sr": "23", "microscan": "03"}
USUAL = ("cognex", "microscan", "microscan-ack-nak", "keyence-stx", "honeywell")
"""What `make test` asks all of; of the other settings it asks whether they read, and `make faults`
all of it.
"""
every_setting = pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
every = pytest.mark.parametrize(
    "setup",
    [
        pytest.param(setup, id=name, marks=[] if name in USUAL else pytest.mark.faults)
        for name, setup in SETUPS.items()
    ],
)
REFUSING = [
    name
    for name, setup in SETUPS.items()
    if setup.kind in REFUSALS and name not in ("cognex-silent", "keyence-cr-silent")
]


def garbles(setup: Setup) -> tuple[str, ...]:
    """Faults of the wire that can make another content of a code, and no reader could know."""
    if setup.options.get("protocol") == "ack-nak":
        return ()
    if (
        setup.kind in ("microscan", "keyence-sr", "honeywell")
        or "plain" in setup.options.values()
        or "silent" in setup.options.values()
    ):
        return ("flip", "drop", "double")
    return () if setup.options.get("checksum") else ("flip",)


@every_setting
@pytest.mark.parametrize("listen", WIRES)
def test_reads_what_is_engraved(tmp_path: Path, setup: Setup, listen: str) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        assert await made.look() == [UII]
        made.lay(OTHER)
        assert await made.look() == [OTHER]
        assert made.device.state()["session"] is False

    run(tmp_path, setup, act, listen)


@every
def test_a_blank_part_and_no_part_give_nothing(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        assert await made.look(0.1) == []
        made.lay()
        assert await made.look(0.1) == []
        made.lay(UII, quality=0.4)
        assert await made.look(0.1) == []
        assert made.device.state()["session"] is False

    run(tmp_path, setup, act)


@every
def test_a_part_marked_during_the_session_is_seen(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay()
        await made.reader.flush()
        await made.reader.open()
        reading = asyncio.create_task(made.reader.read(5.0))
        await asyncio.sleep(0.1)
        made.parts.engrave("bench", 1, UII, (), 0.9, "laser")
        assert [found.content for found in await reading] == [UII]
        await made.reader.close()

    run(tmp_path, setup, act)


@every
def test_all_codes_of_a_part_come_once_and_a_hidden_one_not(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay("4006381333931", UII, UII)
        assert await made.look() == ["4006381333931", UII]
        made.parts.engrave("bench", 1, OTHER, (), 0.9, "laser")
        assert await made.look() == [OTHER, UII]

    run(tmp_path, setup, act)


def test_a_reader_that_grades_tells_the_grade_with_each_code(tmp_path: Path) -> None:
    """A look tells it once, whatever another trigger would say of the same code."""

    async def act(made: Bench) -> None:
        made.lay("4006381333931", UII)
        await made.reader.flush()
        await made.reader.open()
        readings = await made.reader.read(0.5)
        await made.reader.close()
        details = "DEC A, CC A, CM A, RM A, FPD A, AN A, GN A, UEC A, PGH A, PGV A"
        assert [(reading.content, reading.grade) for reading in readings] == [
            ("4006381333931", f"A ({details})"),
            (UII, f"A ({details})"),
        ]

    run(tmp_path, SETUPS["keyence-stx"], act)


@every
def test_who_it_is_without_looking(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        assert await made.reader.identify() == IDENTITIES[setup.kind]
        assert made.device.state()["sessions"] == 0

    run(tmp_path, setup, act)


@every
@pytest.mark.parametrize("direction", ["to_host", "to_device"])
@pytest.mark.parametrize("kind", ["drop", "double", "split", "delay", "flip"])
@pytest.mark.parametrize(
    "afters",
    [
        pytest.param((0, 14, 41, 70), id="some"),
        pytest.param(range(0, 150, 6), id="more", marks=pytest.mark.faults),
    ],
)
def test_each_fault_in_the_middle_of_a_look(
    tmp_path: Path, setup: Setup, afters: Iterable[int], kind: str, direction: str
) -> None:
    """A look that counts is true, or tells what is no mark of anybody's where nothing on the wire
    could show that; it is never empty when there is a code.
    """

    async def act(made: Bench) -> None:
        for index, after in enumerate(afters):
            contents = [] if index % 3 == 1 else [UII]
            made.lay(*contents)
            made.faults.arm(kind, direction, after=after, seconds=0.06)
            found = await made.look_until_it_counts(0.5 if contents else 0.1)
            if found != contents:
                assert kind in garbles(setup)
                assert found
                assert UII not in found or contents
            made.faults.clear()

    run(tmp_path, setup, act)


@pytest.mark.parametrize("name", ["microscan-ack-nak", "microscan-ack-nak-asks"])
def test_a_turned_bit_costs_no_look_where_it_is_sent_again(tmp_path: Path, name: str) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        made.faults.arm("flip", "to_host", after=5)
        assert [found.content for found in await made.reader.read(5.0)] == [UII]
        await made.reader.close()
        made.faults.arm("flip", "to_device", after=2)
        assert await made.look() == [UII]
        state = made.device.state()
        assert (state["repeats"], state["naks"]) == (1, 1)

    run(tmp_path, SETUPS[name], act)


@every
def test_a_stale_code_is_never_the_only_answer_unnoticed(tmp_path: Path, setup: Setup) -> None:
    """The driver cannot tell it apart; it hands out both, or the look does not count."""

    async def act(made: Bench) -> None:
        made.lay(UII)
        assert await made.look() == [UII]
        made.device.misbehave("stale", 1)
        made.lay(OTHER)
        try:
            assert await made.look() == [UII, OTHER]
        except UnexpectedReply:
            await made.reader.shut()
            await made.reader.connect()
        assert made.device.misdeeds() == {"stale": 1}
        assert await made.look() == [OTHER]

    run(tmp_path, setup, act)


@every
def test_a_code_of_a_session_that_was_given_up_is_flushed(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        await until(lambda: made.device.state()["session"] is False)
        made.lay()
        assert await made.look(0.1) == []

    run(tmp_path, setup, act)


@every
def test_a_code_after_an_empty_read_spoils_the_look(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        assert await made.reader.read(0.001) == ()
        await until(lambda: made.device.state()["session"] is False)
        with pytest.raises(UnexpectedReply):
            await made.reader.close()
        assert await made.look() == [UII]

    run(tmp_path, setup, act)


@every
def test_a_blind_reader_sees_nothing_for_so_many_triggers(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        made.device.misbehave("blind", 1)
        assert await made.look(0.045) == []
        assert await made.look() == [UII]
        assert made.device.misdeeds() == {"blind": 1}

    run(tmp_path, setup, act)


@every
def test_a_covered_piece_is_never_seen_and_the_next_one_is(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.device.misbehave("covered", 1)
        made.lay(UII)
        assert await made.look(0.045) == []
        assert await made.look(0.045) == []
        made.lay(UII)
        assert await made.look() == [UII]
        assert made.device.misdeeds() == {"covered": 1}

    run(tmp_path, setup, act)


@every
def test_a_reader_that_does_not_tell_the_end_has_seen_nothing_that_counts(
    tmp_path: Path, setup: Setup
) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        made.device.misbehave("mute", 1)
        with pytest.raises(LinkTimeout):
            await made.look(0.1)
        await made.reader.shut()
        await made.reader.connect()
        assert await made.look() == [UII]

    run(tmp_path, setup, act)


@every
def test_a_reader_that_is_switched_off_and_on(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.device.power(False)
        with pytest.raises(LinkTimeout):
            await made.reader.flush()
        await made.reader.shut()
        with pytest.raises(LinkTimeout):
            await made.reader.connect()
        with pytest.raises(LinkClosed):
            await made.reader.flush()
        await made.device.power(True)
        await made.reader.connect()
        await made.reader.connect()
        assert await made.look() == [UII]

    run(tmp_path, setup, act)


@every
def test_a_connection_that_breaks_is_told_and_made_again(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        made.faults.arm("cut", "to_device", after=2, seconds=0.1)
        with pytest.raises(LinkClosed):
            await made.look()
        with pytest.raises(LinkClosed):
            await made.reader.open()
        await until(lambda: not made.faults.dead)
        await made.reader.connect()
        assert await made.look() == [UII]

    run(tmp_path, setup, act, WIRES[1])


@every
def test_a_line_that_is_dead_for_a_while(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        for after, direction in ((0, "to_device"), (9, "to_host"), (12, "to_device")):
            made.faults.arm("cut", direction, after=after, seconds=0.3)
            assert await made.look_until_it_counts() == [UII]
        assert made.faults.landed["cut"] == 3

    run(tmp_path, setup, act)


@pytest.mark.parametrize("name", REFUSING)
def test_a_refusal_is_told_with_its_cause(tmp_path: Path, name: str) -> None:
    setup = SETUPS[name]

    async def act(made: Bench) -> None:
        made.device.disable()
        await made.reader.flush()
        with pytest.raises(DeviceRefused) as refused:
            await made.reader.open()
        assert refused.value.vendor_code == REFUSALS[setup.kind]

    run(tmp_path, setup, act)


@every
@hypothesis_settings(
    max_examples=examples(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.binary(min_size=1, max_size=40), before=st.booleans())
async def test_any_noise_is_survived(
    tmp_path: Path, setup: Setup, noise: bytes, before: bool
) -> None:
    """Noise on the line delays a look or makes it fail by name; it never hides a code."""
    async with bench(tmp_path, setup) as made:
        made.lay(UII)
        await made.reader.connect()
        await made.device.babble(noise)
        if not before:
            try:
                await made.reader.flush()
                await made.reader.open()
                await made.device.babble(noise)
                assert await made.reader.read(2.0)
            except DeviceError:
                await made.reader.shut()
        assert UII in await made.look_until_it_counts()


@every
def test_held_at_the_start_of_a_session_it_answers_nothing(tmp_path: Path, setup: Setup) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        made.device.moments.hold("session")
        await made.reader.flush()
        looking = asyncio.create_task(made.look())
        assert await made.device.moments.await_held(1.0)
        with pytest.raises(DeviceError):
            await looking
        made.device.moments.release()
        assert await made.look_until_it_counts() == [UII]

    run(tmp_path, setup, act)


@every
async def test_one_reader_a_position_of_a_tray(tmp_path: Path, setup: Setup) -> None:
    """A tray of two, read at one time, each by its own reader on its own wire."""

    async def look(reader: CodeReader) -> tuple[Reading, ...]:
        await reader.connect()
        await reader.flush()
        await reader.open()
        readings = await reader.read(0.5)
        await reader.close()
        return readings

    first, second = (
        Setup(setup.kind, setup.options, {**setup.device, "position": str(place)})
        for place in (1, 2)
    )
    async with (
        bench(tmp_path, first, WIRES[0]) as one,
        bench(tmp_path, second, WIRES[1]) as two,
    ):
        one.lay(UII, OTHER)
        found = await asyncio.gather(look(one.reader), look(two.reader))
        assert [[reading.content for reading in each] for each in found] == [[UII], [OTHER]]
