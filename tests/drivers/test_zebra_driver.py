"""The Zebra driver against the simulated reader on real wires, faults included.

What is asserted is what was read of the part, and what the reader still holds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import serial
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers import clock
from drivers.catalog import find
from drivers.errors import (
    BadFrame,
    DeviceError,
    DeviceRefused,
    LinkClosed,
    LinkTimeout,
    UnexpectedReply,
)
from drivers.protocols import CodeReader, Identity, Reading
from drivers.zebra_ssi.driver import Options, ZebraSsi
from simulators.faults import Faults
from simulators.part import PartStore
from simulators.zebra_ssi import ZebraSsi as Device
from simulators.zebra_ssi import build
from tests.support.examples import examples
from tests.support.virtual import MEMORY, SERIAL_IN_MEMORY

UII = "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786950\x1e\x04"
OTHER = "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786951\x1e\x04"
WIRES = (SERIAL_IN_MEMORY, MEMORY)
RESPONSE = 0.2
CHARACTER = 0.03
QUICK = Options(response_timeout=RESPONSE, character_timeout=CHARACTER, resend_seconds=0.1)


@dataclass
class Bench:
    """One reader, its driver and the part before it."""

    reader: ZebraSsi
    device: Device
    parts: PartStore
    faults: Faults
    url: str

    def lay(self, *contents: str, quality: float = 0.9) -> int:
        piece = self.parts.load("bench")
        for position, content in enumerate(contents):
            self.parts.engrave("bench", position, content, (), quality, "laser")
        return piece

    async def look(self, seconds: float = 0.5) -> list[str]:
        """One whole look, as a station does it."""
        await self.reader.flush()
        await self.reader.open()
        readings = await self.reader.read(seconds)
        await self.reader.close()
        return [reading.content for reading in readings]

    async def look_until_it_counts(self, seconds: float = 0.5) -> list[str]:
        """A station repeats a look that did not count."""
        for _ in range(10):
            try:
                await self.reader.connect()
                return await self.look(seconds)
            except DeviceError:
                continue
        raise AssertionError("no look counted")


@asynccontextmanager
async def bench(
    folder: Path, listen: str = SERIAL_IN_MEMORY, options: Options | None = None, **device: str
) -> AsyncIterator[Bench]:
    parts = PartStore(folder / "parts.db")
    faults = Faults()
    simulated = build(
        {
            "decode_seconds": "0.03",
            "response_timeout": str(RESPONSE),
            "character_timeout": str(CHARACTER),
            **device,
        },
        parts,
        "bench",
        1.0,
    )
    url = await simulated.start(listen, faults)
    reader = ZebraSsi(
        url,
        options or QUICK,
        "reader",
    )
    try:
        yield Bench(reader, simulated, parts, faults, url)
    finally:
        await reader.shut()
        await simulated.stop()
        parts.close()


def run(
    folder: Path,
    act: Callable[[Bench], Awaitable[None]],
    listen: str = SERIAL_IN_MEMORY,
    options: Options | None = None,
    **device: str,
) -> None:
    async def whole() -> None:
        async with asyncio.timeout(120), bench(folder, listen, options, **device) as made:
            await made.reader.connect()
            await act(made)

    asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a state, not an event
            await asyncio.sleep(0.005)


async def test_a_reader_in_low_power_mode_is_woken(tmp_path: Path) -> None:
    """Without RTS/CTS, what wakes it is lost: each look would begin with an unanswered command."""
    options = QUICK.model_copy(update={"response_timeout": 2.0})
    async with bench(tmp_path, options=options, low_power="1") as rig:
        rig.lay(UII)
        await rig.reader.connect()
        for pause in (1.5, 0.7):
            await asyncio.sleep(pause)
            began = clock.now()
            assert await rig.look() == [UII]
            assert clock.now() - began < 0.5


async def test_rts_is_off_while_its_port_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader takes RTS that is on for a host that is about to send, and sends nothing."""
    seen: list[bool] = []
    # A pseudo-terminal has neither line.
    monkeypatch.setattr(serial.Serial, "_update_dtr_state", lambda _: None)
    monkeypatch.setattr(serial.Serial, "_update_rts_state", lambda port: seen.append(port.rts))
    async with bench(tmp_path, "serial") as rig:
        await rig.reader.connect()
        assert seen == [False]


@pytest.mark.parametrize("listen", WIRES)
def test_reads_what_is_engraved(tmp_path: Path, listen: str) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        assert await made.reader.read(1.0) == (Reading(UII, "]d1"),)
        await made.reader.close()
        made.lay(OTHER)
        assert await made.look() == [OTHER]
        await until(lambda: made.device.state()["pending"] == 0)
        assert made.device.state()["session"] is False

    run(tmp_path, act, listen)


@pytest.mark.parametrize("listen", WIRES)
def test_a_blank_part_and_no_part_give_nothing(tmp_path: Path, listen: str) -> None:
    async def act(made: Bench) -> None:
        assert await made.look(0.15) == []
        made.lay()
        assert await made.look(0.15) == []
        made.lay(UII, quality=0.4)
        assert await made.look(0.15) == []
        assert made.device.state()["session"] is False

    run(tmp_path, act, listen)


def test_a_part_marked_during_the_session_is_seen(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay()
        await made.reader.flush()
        await made.reader.open()
        reading = asyncio.create_task(made.reader.read(5.0))
        await asyncio.sleep(0.1)
        made.parts.engrave("bench", 0, UII, (), 0.9, "laser")
        assert [found.content for found in await reading] == [UII]
        await made.reader.close()

    run(tmp_path, act)


def test_all_codes_of_a_part_come_once_and_a_hidden_one_not(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay("4006381333931", UII, UII)
        assert await made.look() == ["4006381333931", UII]
        made.parts.engrave("bench", 0, OTHER, (), 0.9, "laser")
        assert await made.look() == [OTHER, UII]

    run(tmp_path, act)


def test_every_byte_value_and_several_frames(tmp_path: Path) -> None:
    long = "".join(map(chr, range(256))) * 3

    async def act(made: Bench) -> None:
        made.lay(long, UII)
        assert await made.look() == [long, UII]

    run(tmp_path, act)
    run(tmp_path, act, frame="7")


def test_code_identifiers(tmp_path: Path) -> None:
    async def types(made: Bench) -> None:
        made.lay("4006381333931")
        await made.reader.flush()
        await made.reader.open()
        assert await made.reader.read(1.0) == (Reading("4006381333931", "]E0"),)

    async def aim(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        assert await made.reader.read(1.0) == (Reading(UII, "]Q1"),)

    run(tmp_path, types, symbology="]E0")
    options = QUICK.model_copy(update={"aim_identifiers": True})
    run(tmp_path, aim, options=options, symbology="]Q1", aim_identifiers="1")


def test_who_it_is_and_what_it_can_do(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        assert await made.reader.identify() == Identity("Zebra", "SE4500", "PAAABS00-001-R00")
        assert 0xE4 in (await made.reader.capabilities()).commands

    run(tmp_path, act)


@pytest.mark.parametrize("direction", ["to_host", "to_device"])
@pytest.mark.parametrize("kind", ["drop", "double", "split", "delay", "flip"])
@pytest.mark.parametrize(
    ("listen", "afters"),
    [
        pytest.param(WIRES[0], (0, 5, 15, 47), id="serial"),
        pytest.param(WIRES[0], range(0, 80, 4), id="serial-more", marks=pytest.mark.slow),
        pytest.param(WIRES[1], range(0, 80, 4), id="tcp-more", marks=pytest.mark.faults),
    ],
)
def test_each_fault_in_the_middle_of_a_look(
    tmp_path: Path, listen: str, afters: Iterable[int], kind: str, direction: str
) -> None:
    """Whatever the wire does to one frame, a look that counts tells the truth of the part."""

    async def act(made: Bench) -> None:
        for after in afters:
            contents = [] if after % 8 == 4 or after == 5 else [UII]
            made.lay(*contents)
            made.faults.arm(kind, direction, after=after, seconds=0.06)
            assert await made.look_until_it_counts(0.5 if contents else 0.1) == contents
            made.faults.clear()
        assert made.faults.landed[kind] >= 3

    run(tmp_path, act, listen)


@pytest.mark.parametrize("frame", ["251", "5"])
@pytest.mark.parametrize("kind", ["drop", "double", "flip"])
def test_faults_on_the_decoded_data_are_healed_within_the_session(
    tmp_path: Path, kind: str, frame: str
) -> None:
    async def act(made: Bench) -> None:
        for after in (0, 3, 6):
            made.lay(UII)
            await made.reader.flush()
            await made.reader.open()
            # The acknowledgement of the start has come; the next bytes are the decoded data.
            made.faults.arm(kind, "to_host", after=after)
            readings = await made.reader.read(1.0)
            assert [reading.content for reading in readings] == [UII]
            await made.reader.close()
        assert made.faults.landed[kind] == 3

    run(tmp_path, act, frame=frame)


def test_a_lost_acknowledgement_of_data_does_not_double_the_code(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        made.faults.arm("drop", "to_device")
        assert [r.content for r in await made.reader.read(1.0)] == [UII]
        # The reader sends it again, with the retransmit bit, and is acknowledged.
        await asyncio.sleep(RESPONSE * 1.5)
        assert await made.reader.read(0.1) == ()
        await made.reader.close()
        await until(lambda: made.device.state()["pending"] == 0)
        assert made.faults.landed["drop"] == 1

    run(tmp_path, act)


def test_damage_that_is_not_healed_is_not_an_empty_look(tmp_path: Path) -> None:
    """A garbled code must never look like a blank part."""

    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        made.faults.arm("flip", "to_host", count=50, after=5)
        with pytest.raises(BadFrame):
            await made.reader.read(0.2)
        made.faults.clear()
        assert await made.look_until_it_counts() == [UII]

    run(tmp_path, act)


def test_a_reader_that_sends_raw_data_is_not_taken_for_a_blank_part(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        with pytest.raises(BadFrame):
            await made.reader.read(0.3)

    options = QUICK.model_copy(update={"configure": False})
    run(tmp_path, act, options=options)


def test_a_stale_code_comes_in_the_next_session_although_the_queue_was_flushed(
    tmp_path: Path,
) -> None:
    """The driver cannot tell it apart; it hands out both, and the station drops the old one."""

    async def act(made: Bench) -> None:
        made.lay(UII)
        assert await made.look() == [UII]
        made.device.misbehave("stale", 1)
        made.lay(OTHER)
        assert await made.look() == [UII, OTHER]
        assert made.device.misdeeds() == {"stale": 1}
        assert await made.look() == [OTHER]

    run(tmp_path, act, decode_seconds="0.04")


def test_a_code_that_was_queued_before_the_flush_is_gone(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        await until(lambda: made.device.state()["pending"] == 1)
        made.lay()
        assert await made.look(0.15) == []

    run(tmp_path, act)


def test_a_code_sent_before_the_start_is_acknowledged_belongs_to_no_session(
    tmp_path: Path,
) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        await until(lambda: made.device.state()["pending"] == 1)
        made.lay()
        await made.reader.open()
        assert await made.reader.read(0.15) == ()
        await made.reader.close()

    run(tmp_path, act)


def test_a_code_after_an_empty_read_spoils_the_look(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        assert await made.reader.read(0.01) == ()
        await until(lambda: made.device.state()["pending"] == 1)
        with pytest.raises(UnexpectedReply):
            await made.reader.close()
        assert await made.look() == [UII]

    run(tmp_path, act, decode_seconds="0.1")


@pytest.mark.parametrize("resend_seconds", [0.1, 0.3])
@pytest.mark.parametrize("listen", WIRES)
def test_a_code_that_the_wire_lost_whole_is_no_blank_part(
    tmp_path: Path, listen: str, resend_seconds: float
) -> None:
    """No byte of it comes before the end; as delivered, the reader repeats it after 2 s only."""

    async def act(made: Bench) -> None:
        made.lay(UII)
        made.device.moments.hold("session")
        await made.reader.flush()
        await made.reader.open()
        assert await made.device.moments.await_held(5.0)
        # The acknowledgement of the start has come; the next bytes are the decoded data.
        made.faults.arm("drop", "to_host", after=0)
        made.device.moments.release()
        await until(lambda: made.faults.landed["drop"] == 1)
        assert await made.reader.read(0.01) == ()
        with pytest.raises(UnexpectedReply):
            await made.reader.close()
        await until(lambda: made.device.state()["pending"] == 0)
        assert await made.look() == [UII]

    options = QUICK.model_copy(update={"resend_seconds": resend_seconds})
    run(tmp_path, act, listen, options, response_timeout="2.0")


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.25, 10.0])
def test_the_reader_counts_in_tenths_of_a_second_to_99(seconds: float) -> None:
    for tenths in range(1, 100):
        assert Options(resend_seconds=tenths / 10).resend_seconds == tenths / 10
    with pytest.raises(ValueError, match="resend_seconds"):
        Options(resend_seconds=seconds)


def test_a_blind_reader_sees_nothing_for_so_many_sessions(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.device.operate("blind", {"count": 2})
        assert await made.look(0.15) == []
        assert await made.look(0.15) == []
        assert await made.look() == [UII]
        assert made.device.misdeeds() == {"blind": 2}

    run(tmp_path, act)


def test_a_reader_that_is_switched_off_and_on(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.device.power(False)
        with pytest.raises(LinkTimeout):
            await made.reader.flush()
        await made.device.power(True)
        # It forgot its settings; a station connects anew after a failure.
        await made.reader.shut()
        await made.reader.connect()
        assert await made.look() == [UII]

    run(tmp_path, act)


async def test_nothing_answers(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.device.power(False)
        with pytest.raises(LinkTimeout):
            await made.reader.connect()
        with pytest.raises(LinkClosed):
            await made.reader.flush()
        await made.device.power(True)
        await made.reader.connect()
        await made.reader.connect()
        assert await made.look(0.1) == []


def test_a_connection_that_breaks_is_told_and_made_again(tmp_path: Path) -> None:
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

    run(tmp_path, act, MEMORY)


def test_a_line_that_is_dead_for_a_while(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        for after, direction in ((0, "to_device"), (9, "to_host"), (20, "to_device")):
            made.faults.arm("cut", direction, after=after, seconds=0.3)
            assert await made.look_until_it_counts() == [UII]
        assert made.faults.landed["cut"] == 3

    run(tmp_path, act)


def test_held_at_the_start_of_a_session_it_answers_nothing(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.lay(UII)
        made.device.moments.hold("session")
        await made.reader.flush()
        await made.reader.open()
        assert await made.device.moments.await_held(1.0)
        with pytest.raises(LinkTimeout):
            await made.reader.close()
        made.device.moments.release()
        assert await made.look() == [UII]

    run(tmp_path, act)


def test_a_new_process_takes_over_a_running_session(tmp_path: Path) -> None:
    """The gateway was killed in the middle of a read of the part before."""

    async def act(made: Bench) -> None:
        made.lay(UII)
        await made.reader.flush()
        await made.reader.open()
        await until(lambda: made.device.state()["pending"] == 1)
        await made.reader.shut()
        made.lay(OTHER)
        again = ZebraSsi(made.url, QUICK, "reader")
        await again.connect()
        await again.flush()
        await again.open()
        assert [reading.content for reading in await again.read(1.0)] == [OTHER]
        await again.close()
        await again.shut()

    run(tmp_path, act)


def test_the_catalog_builds_it() -> None:
    kind = find("zebra-ssi")
    assert kind.role == "reader"
    reader: CodeReader = kind.build("serial:///dev/ttyS0", kind.options(), "reader")  # type: ignore[assignment]
    assert isinstance(reader, ZebraSsi)
    with pytest.raises(ValueError, match="begin with"):
        kind.build("http://reader", kind.options(), "reader")


@pytest.mark.parametrize(
    "options",
    [
        {"color": "red"},
        {"frame": "1"},
        {"frame": "252"},
        {"symbology": "]x9"},
        {"aim_identifiers": "yes"},
        {"response_timeout": "soon"},
    ],
)
def test_wrong_options_of_the_simulator(tmp_path: Path, options: dict[str, str]) -> None:
    parts = PartStore(tmp_path / "parts.db")
    try:
        with pytest.raises(ValueError, match=r"."):
            build(options, parts, "bench", 1.0)
    finally:
        parts.close()


@hypothesis_settings(
    max_examples=examples(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.binary(min_size=1, max_size=40), before=st.booleans())
async def test_any_noise_before_a_session_is_survived(
    tmp_path: Path, noise: bytes, before: bool
) -> None:
    """Noise on the line delays a look or makes it fail by name; it never makes a code up."""
    async with bench(tmp_path) as made:
        made.lay(UII)
        await made.reader.connect()
        await made.device.babble(noise)
        if not before:
            await made.reader.flush()
            await made.reader.open()
            await made.device.babble(noise)
            try:
                found = await made.reader.read(0.3)
                assert [reading.content for reading in found] == [UII]
            except DeviceError:
                pass
        assert await made.look_until_it_counts() == [UII]


def test_a_refusal_is_told_with_its_cause(tmp_path: Path) -> None:
    async def act(made: Bench) -> None:
        made.device.disable()
        await made.reader.flush()
        with pytest.raises(DeviceRefused) as refused:
            await made.reader.open()
        assert refused.value.vendor_code == "6"
        # Connecting anew enables it.
        await made.reader.shut()
        await made.reader.connect()
        assert await made.look(0.1) == []

    run(tmp_path, act)


async def test_one_reader_a_position_of_a_tray_each_on_its_own_wire(tmp_path: Path) -> None:
    """A tray of four, read at one time; blank at 3, and at 4 the code that belongs to 2."""
    parts = PartStore(tmp_path / "parts.db")
    parts.load("bench")
    for position, content in ((1, "A"), (2, "B"), (4, "B")):
        parts.engrave("bench", position, content, (), 1.0, "laser")
    devices, readers = [], []
    for position in range(1, 5):
        given = {"decode_seconds": "0.03", "position": str(position)}
        device = build(given, parts, "bench", 1.0)
        url = await device.start(WIRES[position % 2], Faults())
        devices.append(device)
        readers.append(ZebraSsi(url, Options(), f"reader {position}"))
    try:

        async def look(reader: ZebraSsi) -> list[str]:
            await reader.connect()
            await reader.flush()
            await reader.open()
            readings = await reader.read(0.5)
            await reader.close()
            return [reading.content for reading in readings]

        assert await asyncio.gather(*map(look, readers)) == [["A"], ["B"], [], ["B"]]
        parts.exchange("bench", 1, 3)
        assert await asyncio.gather(*map(look, readers)) == [[], ["B"], ["A"], ["B"]]
    finally:
        for reader in readers:
            await reader.shut()
        for device in devices:
            await device.stop()
        parts.close()
