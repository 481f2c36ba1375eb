"""The driver against raw bytes: a peer that knows no codec says and expects what stands here."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers.errors import DeviceRefused, LinkTimeout, UnexpectedReply
from drivers.modbus_cell import link
from drivers.modbus_cell.driver import ModbusCell
from drivers.modbus_cell.options import CellOptions
from drivers.protocols import Activity, Did, MarkText, Outcome, Shot
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Expect, Reply, Script, Step

TCP = "tcp://127.0.0.1:0"


@pytest.fixture(autouse=True)
def _no_heartbeat_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not put a heartbeat into the middle of a script."""
    monkeypatch.setattr(link, "HEARTBEAT_SECONDS", 600.0)


def play(
    listen: str,
    steps: list[Step],
    host: Callable[[ModbusCell], Awaitable[None]],
    *,
    serial_server: bool = False,
) -> None:
    async def scenario() -> None:
        script = Script(*steps)
        listener = await serve(listen, script, Faults())
        options = CellOptions(
            reply_timeout=0.5, accept_timeout=0.2, ready_timeout=0.2, serial_server=serial_server
        )
        cell = ModbusCell(listener.url, options, "cell")
        try:
            await host(cell)
            script.check()
        finally:
            await cell.close()
            peers = [task for task in asyncio.all_tasks() if task.get_name() == "peer"]
            if peers and listen == TCP:
                await asyncio.wait(peers)
            await listener.close()

    asyncio.run(scenario())


def crc(frame: str) -> str:
    """`frame` with the CRC of an RTU frame, low byte first."""
    remainder = 0xFFFF
    for byte in bytes.fromhex(frame):
        remainder ^= byte
        for _ in range(8):
            carry = remainder & 1
            remainder >>= 1
            if carry:
                remainder ^= 0xA001
    return f"{frame} {remainder & 0xFF:02x}{remainder >> 8:02x}"


def registers(count: int, values: dict[int, int]) -> str:
    return "".join(f"{values.get(at, 0):04x}" for at in range(count))


def look(beat: int, values: dict[int, int], shown: int | None = None) -> list[Step]:
    """RTU: the heartbeat is written, then 0-112 is read; the reply shows heartbeat `shown`."""
    image = registers(113, {0: beat if shown is None else shown, **values})
    write = crc(f"01 06 0000 {beat:04x}")
    return [
        Expect(write),
        Reply(write),
        Expect(crc("01 03 0000 0071")),
        Reply(crc(f"01 03 e2 {image}")),
    ]


def scan(beat: int, values: dict[int, int]) -> list[Step]:
    """Four looks, in which the cell's own heartbeat changes twice."""
    beats = (0, 1, 2, 2)
    return [step for at, own in enumerate(beats) for step in look(beat + at, {**values, 100: own})]


READY = {1: 0x30, 101: 0x01E1, 102: 3, 103: 1}
# `K1`: two bytes, CRC 0x94F6 by the routine above; number 9 for job 1.
TEXT = {2: 9, 3: 1, 4: 2, 5: 0x94F6, 10: 0x4B31}
BLOCK = registers(74, TEXT)[8:]
EMPTY = registers(74, {3: 1})[8:]
LOAD: list[Step] = [Expect(crc(f"01 10 0002 0048 90 {BLOCK}")), Reply(crc("01 10 0002 0048"))]
CLEAR: list[Step] = [Expect(crc(f"01 10 0002 0048 90 {EMPTY}")), Reply(crc("01 10 0002 0048"))]
STANDING: list[Step] = [Expect(crc("01 06 0001 0030")), Reply(crc("01 06 0001 0030"))]
TRIGGER = Expect(crc("01 06 0001 0031"))
SHOT = Shot((MarkText(1, "K1"),), 9)
DONE = {**READY, 101: 0x01E4, 102: 9, 105: 1, 107: 1, 110: 1500, 111: 2, 112: 0x94F6}
ECHO: list[Step] = [
    Expect(crc("01 03 0078 0040")),
    Reply(crc(f"01 03 80 {registers(64, {0: 0x4B31})}")),
]
ACKNOWLEDGE: list[Step] = [Expect(crc("01 06 0001 0038")), Reply(crc("01 06 0001 0038"))]
ARMING: list[Step] = [*look(1, READY), *LOAD, *look(2, {**READY, **TEXT})]


def test_the_crc_of_these_scripts_is_that_of_the_standard() -> None:
    assert crc("02 07") == "02 07 4112"  # Modbus over serial line V1.02, appendix B


def test_status_over_tcp() -> None:
    image = registers(113, {0: 1, **READY})

    async def host(cell: ModbusCell) -> None:
        status = await cell.status()
        assert (status.activity, status.sequence, status.last) == (Activity.READY, 3, None)

    steps: list[Step] = [
        Expect("0001 0000 0006 01 06 0000 0001"),
        Reply("0001 0000 0006 01 06 0000 0001"),
        Expect("0002 0000 0006 01 03 0000 0071"),
        Reply(f"0002 0000 00e5 01 03 e2 {image}"),
    ]
    play(TCP, steps, host)


@pytest.mark.parametrize("listen", ["serial", TCP], ids=["serial", "behind a serial server"])
def test_a_whole_cycle_over_rtu(listen: str) -> None:
    """Every byte of one shot by command, in the order of the map's sequence."""

    async def host(cell: ModbusCell) -> None:
        await cell.arm(SHOT)
        await cell.fire()
        assert await cell.outcome(5) == Outcome(Did.DONE, "", "K1")
        assert await cell.disarm() == Outcome(Did.DONE, "", "K1")

    triggered = {**TEXT, **READY, 1: 0x31, 101: 0x01E2}
    steps: list[Step] = [
        *ARMING,
        *look(3, {**READY, **TEXT}),
        TRIGGER,
        Reply(crc("01 06 0001 0031")),
        *look(4, triggered),
        *look(5, {**triggered, 102: 9}),
        *look(6, {**DONE, **TEXT, 1: 0x31}),
        *ECHO,
        *STANDING,
        *look(7, {**DONE, **TEXT}),
        *STANDING,
        *CLEAR,
        *look(8, {**DONE, 3: 1}),
        *look(9, {**DONE, 3: 1}),
        *ACKNOWLEDGE,
        *look(10, {**READY, 1: 0x38, 3: 1, 101: 0x01E0, 102: 9}),
        *STANDING,
    ]
    play(listen, steps, host, serial_server=listen == TCP)


# Positions 1 and 3 of a tray: `K1`, and `MK-0001` with CRC 0x62FF; the table's CRC is TABLE_CRC.
TABLE = "0002 94f6 0000 0000 0007 62ff" + " 0000" * 26
TABLE_CRC = crc(TABLE)[-4:]
TRAY = {2: 9, 3: 1, 6: 2, 7: int(TABLE_CRC[2:] + TABLE_CRC[:2], 16)}
TRAY_SHOT = Shot((MarkText(1, "K1"), MarkText(3, "MK-0001")), 9)
AREAS = (("0190", "4b31"), ("0210", "4d4b 2d30 3030 3100"), ("00c8", TABLE))


def load_tray() -> list[Step]:
    """Each area and the table are written, then each is read back; the command comes last."""
    steps: list[Step] = []
    for address, hex_words in AREAS:
        count = len(hex_words.replace(" ", "")) // 4
        steps.append(Expect(crc(f"01 10 {address} {count:04x} {2 * count:02x} {hex_words}")))
        steps.append(Reply(crc(f"01 10 {address} {count:04x}")))
    for address, hex_words in AREAS:
        count = len(hex_words.replace(" ", "")) // 4
        steps.append(Expect(crc(f"01 03 {address} {count:04x}")))
        steps.append(Reply(crc(f"01 03 {2 * count:02x} {hex_words}")))
    block = registers(74, TRAY)[8:]
    steps.append(Expect(crc(f"01 10 0002 0048 90 {block}")))
    steps.append(Reply(crc("01 10 0002 0048")))
    return steps


def report(values: dict[int, int]) -> list[Step]:
    """240-289, read twice."""
    read: list[Step] = [
        Expect(crc("01 03 00f0 0032")),
        Reply(crc(f"01 03 64 {registers(50, values)}")),
    ]
    return read * 2


MAP_2: list[Step] = [
    Expect(crc("01 03 00be 0001")),
    Reply(crc("01 03 02 0002")),
    Expect(crc("01 03 00be 0002")),
    Reply(crc("01 03 04 0002 0004")),
]


def test_a_tray_over_rtu() -> None:
    """Every byte of a tray's shot until its outcome: 1 is done, at 3 the laser stopped half-way."""

    async def host(cell: ModbusCell) -> None:
        await cell.arm(TRAY_SHOT)
        await cell.fire()
        outcome = await cell.outcome(5)
        assert (outcome.did, outcome.places) == (
            Did.UNKNOWN,
            ((1, Did.DONE), (3, Did.UNKNOWN)),
        )

    failed = {**READY, **TRAY, 1: 0x31, 101: 0x01EC, 102: 9, 104: 7, 105: 3}
    told = report({0: 9, 1: 2, 2: 1, 3: 2, 4: 0x94F6, 8: 3})
    steps: list[Step] = [
        *MAP_2,
        *look(1, READY),
        *load_tray(),
        *look(2, {**READY, **TRAY}),
        *look(3, {**READY, **TRAY}),
        TRIGGER,
        Reply(crc("01 06 0001 0031")),
        *look(4, {**READY, **TRAY, 1: 0x31, 101: 0x01E2, 102: 9}),
        *look(5, failed),
        *told,
        *scan(6, failed),
        *told,
        *STANDING,
    ]
    play("serial", steps, host)


def test_a_restarted_host_asks_what_became_of_each_position() -> None:
    """It armed nothing itself: a number that failed without an echo may be a tray's."""

    async def host(cell: ModbusCell) -> None:
        outcome = await cell.disarm(9)
        assert outcome is not None
        assert [outcome.at(position) for position in (1, 2, 3)] == [
            Did.DONE,
            Did.UNKNOWN,
            Did.NOT_STARTED,
        ]

    lost = {**READY, 3: 1, 101: 0x01E4, 102: 9, 105: 4}
    told = report({0: 9, 1: 3, 2: 1, 3: 2, 4: 0x94F6, 5: 4})
    steps: list[Step] = [
        *look(1, lost),
        *STANDING,
        *CLEAR,
        *look(2, lost),
        *look(3, lost),
        *MAP_2,
        *told,
        *scan(4, lost),
        *told,
        *ACKNOWLEDGE,
        *look(8, {**READY, 1: 0x38, 3: 1, 101: 0x01E0, 102: 9}),
        *STANDING,
    ]
    play("serial", steps, host)


def test_two_reports_that_differ_prove_nothing() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(UnexpectedReply, match="same report"):
            await cell.disarm(9)

    lost = {**READY, 3: 1, 101: 0x01E4, 102: 9, 105: 4}
    steps: list[Step] = [
        *look(1, lost),
        *STANDING,
        *CLEAR,
        *look(2, lost),
        *look(3, lost),
        *MAP_2,
        *report({0: 9, 1: 2, 2: 1, 5: 1})[:2],
        *report({0: 9, 1: 2, 2: 1})[:2],
    ]
    play("serial", steps, host)


def test_a_cell_of_map_1_gets_no_byte_of_a_tray() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(DeviceRefused, match="map is version 1"):
            await cell.arm(TRAY_SHOT)

    play("serial", [MAP_2[0], Reply(crc("01 03 02 0001"))], host)


def test_a_trigger_without_a_reply_is_sent_once() -> None:
    """The reply to TRIGGER is lost; the cell's registers show that it was carried out."""

    async def host(cell: ModbusCell) -> None:
        await cell.arm(SHOT)
        await cell.fire()
        assert await cell.outcome(5) == Outcome(Did.DONE, "", "K1")

    steps: list[Step] = [
        *ARMING,
        *look(3, {**READY, **TEXT}),
        TRIGGER,
        *look(4, {**DONE, **TEXT, 1: 0x31}),
        *look(5, {**DONE, **TEXT, 1: 0x31}),
        *ECHO,
        *STANDING,
    ]
    play("serial", steps, host)


@pytest.mark.parametrize(
    "answer", ["", "01 86 0b", "01 86 04"], ids=["silence", "gateway", "fault"]
)
def test_a_trigger_that_did_not_arrive_is_withdrawn_and_proved(answer: str) -> None:
    """No answer, or one that leaves open what was done: text away, then ACK_SEQ 3 is the proof."""

    async def host(cell: ModbusCell) -> None:
        await cell.arm(SHOT)
        with pytest.raises(DeviceRefused, match="fault 6 text"):
            await cell.fire()
        assert (await cell.outcome(5)).did is Did.NOT_STARTED

    refused = {**READY, 101: 0x01E8, 104: 6}
    steps: list[Step] = [
        *ARMING,
        *look(3, {**READY, **TEXT}),
        TRIGGER,
        *([Reply(crc(answer))] if answer else []),
        *look(4, {**refused, **TEXT}),
        *look(5, {**refused, **TEXT}),
        *STANDING,
        *CLEAR,
        *look(6, {**refused, 3: 1}),
        *look(7, {**refused, 3: 1}),
        *scan(8, {**refused, 3: 1}),
    ]
    play("serial", steps, host)


def test_a_reply_that_is_older_than_the_question_does_not_count() -> None:
    """RTU numbers no transactions: a late reply shows an older heartbeat."""

    async def host(cell: ModbusCell) -> None:
        assert (await cell.status()).sequence == 3

    play("serial", [*look(1, {**READY, 102: 2}, shown=0), *look(2, READY)], host)


def test_an_echo_whose_crc_does_not_hold_is_no_proof() -> None:
    async def host(cell: ModbusCell) -> None:
        last = (await cell.status()).last
        assert last == Outcome(Did.UNKNOWN, "the echo's CRC does not hold")

    wrong: list[Step] = [ECHO[0], Reply(crc(f"01 03 80 {registers(64, {0: 0x4B32})}"))]
    play("serial", [*look(1, DONE), *wrong], host)


def test_what_reads_back_differently_is_not_fired() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(UnexpectedReply, match="read back"):
            await cell.arm(SHOT)

    steps: list[Step] = [*look(1, READY), *LOAD, *look(2, {**READY, **TEXT, 2: 8})]
    play("serial", steps, host)


def test_a_text_that_comes_back_is_no_disarmed_cell() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(Exception, match="text or permission came back"):
            await cell.disarm()

    steps: list[Step] = [*look(1, READY), *STANDING, *CLEAR, *look(2, {**READY, **TEXT})]
    play("serial", steps, host)


def test_another_map_is_refused() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(UnexpectedReply, match="map 3"):
            await cell.connect()

    play("serial", [Expect(crc("01 03 00be 0001")), Reply(crc("01 03 02 0003"))], host)


def test_an_exception_is_a_refusal_and_silence_is_none() -> None:
    async def host(cell: ModbusCell) -> None:
        with pytest.raises(DeviceRefused, match="exception 02"):
            await cell.status()
        with pytest.raises(LinkTimeout):
            await cell.status()

    steps: list[Step] = [Expect(crc("01 06 0000 0001")), Reply(crc("01 86 02"))]
    steps += [Expect(crc(f"01 06 0000 {beat:04x}")) for beat in (2, 3, 4)]
    play("serial", steps, host)
