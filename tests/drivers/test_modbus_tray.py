"""Trays on the Modbus cell: several positions in a shot; what counts is what is on each carton."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient

from drivers.errors import DeviceError, DeviceFault, DeviceRefused
from drivers.modbus_cell.codec import (
    HIGHEST_POSITION,
    Place,
    Report,
    Result,
    crc16,
    encode_command,
    loaded_tray,
)
from drivers.modbus_cell.tray import outcome_of_tray
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from drivers.transport import TcpTarget, parse_url
from tests.drivers.modbus_bench import (
    LONG_WIRES,
    STATION,
    WIRES,
    Bench,
    bench,
    settled,
    tray,
    until,
)

DONE, UNKNOWN, NOT_STARTED = Did.DONE, Did.UNKNOWN, Did.NOT_STARTED


def agree(it: Bench, what: Shot, outcome: Outcome) -> None:
    """What is said of each position is what is on its carton; nothing is on any other."""
    asked = {mark.position: mark.content for mark in what.marks}
    for position in range(1, HIGHEST_POSITION + 1):
        marks = it.at(position)
        if position not in asked or outcome.at(position) is NOT_STARTED:
            assert marks == [], (position, outcome)
        elif outcome.at(position) is DONE:
            assert marks == [(asked[position], True)], (position, outcome)
        else:
            assert [content for content, _ in marks] in ([], [asked[position]])
    each = {outcome.at(position) for position in asked}
    assert outcome.did is (each.pop() if len(each) == 1 else UNKNOWN)


@WIRES
async def test_a_tray_is_marked_position_by_position(tmp_path: Path, listen: str) -> None:
    async with bench(tmp_path, listen, positions="4") as it:
        cell = await it.ready()
        what = tray(5, 1, 2, 3, 4)
        assert [cell.refuses(mark) for mark in what.marks] == [None] * 4
        assert cell.refuses(MarkText(5, "A")) == "position 5: the tray has 1 to 4"
        await cell.arm(what)
        assert (await cell.status()).activity is Activity.ARMED
        assert it.marks() == []
        await cell.fire()
        outcome = await cell.outcome(5)
        places = tuple((position, DONE) for position in range(1, 5))
        assert outcome == Outcome(DONE, places=places)
        agree(it, what, outcome)
        assert {each.lines for each in it.parts.seen(STATION)} == {
            (f"Nr {position}",) for position in range(1, 5)
        }
        kept = await cell.status()
        assert kept.sequence == 5
        assert kept.last is not None
        assert (kept.last.did, kept.last.places[:4]) == (DONE, places)
        assert await cell.disarm() == outcome
        assert await cell.disarm(5) == outcome
        after = await cell.status()
        assert (after.activity, after.last) == (Activity.READY, None)


@WIRES
async def test_the_fullest_tray_fits_the_requests(tmp_path: Path, listen: str) -> None:
    async with bench(tmp_path, listen) as it:
        cell = await it.ready()
        marks = [MarkText(position, f"{position:03}" + "X" * 125) for position in range(1, 17)]
        what = Shot(tuple(marks), 5)
        await cell.arm(what)
        await cell.fire()
        outcome = await cell.outcome(20)
        assert outcome.did is DONE
        agree(it, what, outcome)


async def test_a_re_mark_leaves_the_other_positions_alone(tmp_path: Path) -> None:
    """Also position 2 alone, and a shot without a tray after one with it."""
    async with bench(tmp_path) as it:
        cell = await it.ready()
        for sequence, positions in ((5, (1, 2, 3, 4)), (6, (3, 4)), (7, (2,)), (8, (1,))):
            it.parts.load(STATION)
            what = tray(sequence, *positions)
            outcome = await settled(cell, sequence, what)
            assert outcome.did is DONE
            agree(it, what, outcome)
        assert outcome == Outcome(DONE, "", "T00008P1")  # as without trays: with its echo


async def test_a_laser_that_fails_at_one_position(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.device.misbehave("fail", 1, position=3)
        what = tray(5, 1, 2, 3, 4)
        await cell.arm(what)
        await cell.fire()
        outcome = await cell.outcome(5)
        assert [outcome.at(position) for position in range(1, 5)] == [
            DONE,
            DONE,
            UNKNOWN,
            NOT_STARTED,
        ]
        assert outcome.cause == "position 3 failed half-way, position 4 not started"
        agree(it, what, outcome)
        assert it.at(3) == [("T00005P3", False)]
        assert await cell.disarm() == await cell.disarm() == outcome
        with pytest.raises(DeviceFault, match="7 timeout"):
            await cell.select_job("1")
        await it.device.operate("reset", {})
        await cell.select_job("1")
        what = tray(6, 3, 4)  # the same tray again, only what was not done
        await cell.arm(what)
        await cell.fire()
        assert (await cell.outcome(5)).did is DONE
        assert it.at(4) == [("T00006P4", True)]


async def test_an_echo_that_does_not_hold_makes_its_position_unknown(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.device.misbehave("echo", 1, position=2)
        what = tray(5, 1, 2, 3)
        outcome = await settled(cell, 5, what)
        assert outcome.cause == "position 2 has another text, by its echo"
        assert [outcome.at(position) for position in (1, 2, 3)] == [DONE, UNKNOWN, DONE]
        agree(it, what, outcome)


@pytest.mark.parametrize("by", ["abort", "e-stop"])
async def test_a_tray_that_is_stopped(tmp_path: Path, by: str) -> None:
    async with bench(tmp_path, mark_seconds="80") as it:  # 0.4 s a position at 200 times
        it.device.controller.retained.keep(sequence=1)
        cell = await it.ready()
        what = tray(5, 1, 2, 4)
        await cell.arm(what)
        await cell.fire()
        await until(lambda: it.device.state()["places"] == {"1": "ok", "2": "unknown"})
        if by == "abort":
            await cell.abort()
        else:
            await it.device.operate("input", {"name": "e-stop", "on": True})
        outcome = await cell.outcome(5)
        assert [outcome.at(position) for position in (1, 2, 4)] == [DONE, UNKNOWN, NOT_STARTED]
        agree(it, what, outcome)
        assert it.at(2) == [("T00005P2", False)]
        assert await cell.disarm() == outcome


@pytest.mark.parametrize(
    ("moment", "after", "expected"),
    [
        ("armed", 0, (NOT_STARTED, NOT_STARTED, NOT_STARTED)),
        ("marked", 0, (UNKNOWN, NOT_STARTED, NOT_STARTED)),
        ("between", 0, (DONE, NOT_STARTED, NOT_STARTED)),
        ("marked", 1, (DONE, UNKNOWN, NOT_STARTED)),
        ("between", 1, (DONE, DONE, NOT_STARTED)),
        ("marked", 2, (DONE, DONE, UNKNOWN)),
    ],
)
async def test_power_lost_at_a_tray(
    tmp_path: Path, moment: str, after: int, expected: tuple[Did, ...]
) -> None:
    """A new process asks what became of it; the cell's memory has outlived the loss."""
    async with bench(tmp_path, memory=str(tmp_path / "cell.json")) as it:
        it.device.controller.retained.keep(sequence=4)
        cell = await it.ready()
        what = tray(5, 1, 2, 4)
        await cell.arm(what)
        it.device.moments.hold(moment, after)
        firing = asyncio.create_task(cell.fire())
        assert await it.device.moments.await_held(5)
        await it.device.power(on=False)
        await cell.close()
        await asyncio.wait([firing])
        assert firing.exception() is None or isinstance(firing.exception(), DeviceError)
        await it.device.power(on=True)
        outcome = await it.cell().disarm(sequence=5)
        assert outcome is not None
        assert tuple(outcome.at(position) for position in (1, 2, 4)) == expected
        agree(it, what, outcome)


async def test_a_pedal_fires_a_tray_once_and_not_when_it_is_disarmed(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready(start="input")
        what = tray(5, 1, 2, 3)
        await cell.arm(what)
        assert [await it.device.pedal() for _ in range(3)] == [True, False, False]
        outcome = await cell.outcome(5)
        assert outcome.did is DONE
        await cell.disarm()
        agree(it, what, outcome)
        it.parts.load(STATION)
        what = tray(6, 2, 3)
        await cell.arm(what)
        await cell.close()
        proof = await it.cell(start="input").disarm(sequence=6)
        assert proof is not None
        assert proof.did is NOT_STARTED
        assert await it.device.pedal() is False
        agree(it, what, proof)


async def test_a_cell_of_map_1_takes_one_position_and_refuses_a_tray(tmp_path: Path) -> None:
    async with bench(tmp_path, map="1") as it:
        cell = await it.ready()
        assert (await cell.identify()).version == "map 1"
        assert "map is version 1" in (cell.refuses(MarkText(2, "A")) or "")
        for what in (tray(5, 1, 2), tray(5, 3)):
            with pytest.raises(DeviceRefused, match="map is version 1"):
                await cell.arm(what)
        assert (await cell.status()).activity is Activity.READY
        assert await settled(cell, 6, tray(6, 1)) == Outcome(DONE, "", "T00006P1")
        # A careless host: to this cell, a tray's command is an empty text.
        it.parts.load(STATION)
        target = parse_url(it.url)
        assert isinstance(target, TcpTarget)
        host = AsyncModbusTcpClient(target.host, port=target.port, retries=0)
        await host.connect()
        refused = await host.write_registers(200, [1, 1])
        assert (refused.function_code, refused.exception_code) == (0x90, 2)
        command = loaded_tray(7, 1, {1: b"A", 2: b"B"})
        await host.write_registers(2, encode_command(command)[2:])
        await host.write_register(1, 0x31)
        await until(lambda: it.device.state()["fault"] == "6 text")
        host.close()
        assert it.marks() == []


async def test_a_tray_that_is_not_whole_is_not_fired(tmp_path: Path) -> None:
    """A careless host: an area, a length, the count or the table's CRC is not as it should be."""
    async with bench(tmp_path, positions="8") as it:
        cell = await it.ready()
        target = parse_url(it.url)
        assert isinstance(target, TcpTarget)
        host = AsyncModbusTcpClient(target.host, port=target.port, retries=0)
        await host.connect()

        async def fault_of(address: int, value: int, what: Shot) -> str:
            await cell.select_job("1")
            await cell.arm(what)
            await host.write_register(address, value)
            await host.write_register(1, 0x31)
            await until(lambda: it.device.state()["fault"] != "0 none")
            fault = it.device.state()["fault"]
            assert isinstance(fault, str)
            await host.write_register(1, 0x30)
            await cell.disarm()
            return fault

        what = tray(5, 1, 3)
        assert await fault_of(400, 0x4141, what) == "5 crc"
        assert await fault_of(200, 3, what) == "5 crc"
        assert await fault_of(6, 1, what) == "5 crc"
        assert await fault_of(7, 0, what) == "5 crc"
        assert await fault_of(4, 1, what) == "6 text"
        assert await fault_of(6, 0, what) == "6 text"
        host.close()
        assert it.marks() == []


async def test_a_cell_that_keeps_its_old_result_and_one_that_fires_late(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        cell = await it.ready()
        it.device.misbehave("late", 1)  # 30 s at 200 times: 0.15 s
        await cell.arm(tray(5, 1, 2))
        await cell.fire()
        early = await cell.outcome(0.05)
        assert (early.did, it.marks()) == (UNKNOWN, [])
        assert "still marking" in early.cause
        proof = await cell.disarm()
        assert proof is not None
        agree(it, tray(5, 1, 2), proof)
        assert proof.did is DONE
        it.parts.load(STATION)
        it.device.misbehave("keep", 1)
        await cell.arm(tray(6, 1, 2))
        await cell.fire()
        outcome = await cell.outcome(5)
        with pytest.raises(DeviceRefused, match="keeps its result"):
            await cell.disarm()
        with pytest.raises(DeviceRefused):
            await cell.arm(tray(7, 1, 2))
        assert await cell.disarm() == outcome
        assert it.device.misdeeds() == {"late": 1, "keep": 1}
        agree(it, tray(6, 1, 2), outcome)


@pytest.mark.slow
@LONG_WIRES
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("kind", ["cut", "flip", "drop", "double"])
@pytest.mark.parametrize("places", [6, pytest.param(40, marks=pytest.mark.faults)])
async def test_a_fault_anywhere_in_a_trays_cycle(
    tmp_path: Path, listen: str, direction: str, kind: str, places: int
) -> None:
    ends = {"to_device": 700, "to_host": 2200}
    step = ends[direction] // places
    async with bench(tmp_path, listen) as it:
        cell = await it.ready(reply_timeout=0.15, accept_timeout=0.2)
        for sequence, at in enumerate(range(0, ends[direction], step), start=2):
            it.parts.load(STATION)
            what = tray(sequence, 1, 2, 3)
            it.faults.clear()
            try:
                await cell.select_job("1")
            except DeviceError:
                await settled(cell, sequence, what)  # the line is not whole yet
                continue
            it.faults.arm(kind, direction, after=at, seconds=0.02 if kind == "cut" else None)
            agree(it, what, await settled(cell, sequence, what))
        assert it.faults.landed[kind] > places // 2
        contents = it.everything()
        assert len(contents) == len(set(contents))


def report(*places: Place, marks: int = 2) -> Report:
    return Report(9, marks, (*places, *[Place()] * (HIGHEST_POSITION - len(places))))


TEXTS = {1: b"A", 2: b"BB"}
A, BB = Place(Result.OK, 1, crc16(b"A")), Place(Result.OK, 2, crc16(b"BB"))


@pytest.mark.parametrize(
    ("says", "result"),
    [
        (report(A, BB, marks=1), Result.OK),
        (report(A, BB, Place(Result.OK, 1, crc16(b"A"))), Result.OK),
        (report(A), Result.OK),
        (report(), Result.OK),
    ],
    ids=["another number of marks", "a position that was not asked for", "one left", "none done"],
)
def test_a_cell_that_contradicts_itself_is_believed_in_nothing(says: Report, result: int) -> None:
    outcome = outcome_of_tray(says, result, TEXTS)
    assert (outcome.did, outcome.places) == (UNKNOWN, ())


@given(
    st.lists(
        st.builds(
            Place, st.integers(0, 5), st.integers(0, 3), st.sampled_from([0, 1, crc16(b"A")])
        ),
        min_size=HIGHEST_POSITION,
        max_size=HIGHEST_POSITION,
    ),
    st.integers(0, HIGHEST_POSITION),
    st.integers(1, 4),
    st.one_of(st.none(), st.dictionaries(st.integers(1, 16), st.just(b"A"), min_size=1)),
)
def test_no_report_proves_more_than_it_says(
    places: list[Place], marks: int, result: int, texts: dict[int, bytes] | None
) -> None:
    outcome = outcome_of_tray(Report(9, marks, tuple(places)), result, texts)
    for position, place in enumerate(places, start=1):
        if texts is not None and position not in texts:
            continue
        if outcome.at(position) is DONE:
            assert place.result == Result.OK
            assert texts is None or place.shows(texts[position])
        if outcome.at(position) is NOT_STARTED:
            assert place.result == Result.NONE
            assert result != Result.OK or texts is None
