"""The marking cell's register image: registers to values and back, map versions 1 and 2.

The map is our own design, patterned on the handshake bits of Cognex In-Sight's Modbus interface
(trigger, acknowledge, ready, results acknowledge) and on Mech-Mind's register map (trigger,
confirm, heartbeat). Holding registers, numbered from 0; the high byte of a register comes first,
the high word of a 32-bit value comes first. The host writes 0-99, in map 2 also 200-231 and
400-1423; the cell answers a write to any other register with exception 02.

Map 2 adds trays: up to 16 positions, each a piece of metal of its own, any of them marked in one
shot. MARKS (register 6) says how many; 0 is a shot as map 1 knows it, with its one text in 10-73.
A tray's texts stand in areas of their own, and a table tells length and CRC of each; length 0
leaves a position alone. TABLE_CRC16 in the command block binds the table, and by it every text, to
the command number, so that no half-written tray can fire. A cell of map 1 sees a tray's command as
an empty text, which it refuses.

What the map leaves open is settled here, as our own design:

- TEXT_CRC16 is the CRC-16 of Modbus itself (polynomial 0x8005 reflected to 0xA001, start 0xFFFF,
  no final XOR) over the TEXT_LEN bytes of text, without the padding, kept as a plain number:
  `123456789` gives 0x4B37. A cell's controller has that routine already.
- TEXT, like each area of a tray, holds one position: the symbol's whole content, then each legible
  line after one LF. So neither may hold an LF. Content is ASCII (what a Data Matrix carries without
  an ECI, with the separators of ISO/IEC 15434); lines are UTF-8. A text of odd length is padded
  with one zero byte. The rest of TEXT is zero; what follows a text in a tray's area counts nothing.
- ACK_SEQ outlives RESULT_ACK, which clears result and echo only: a cell that forgot it could
  mark a repeated number again, and a host could not prove that nothing was started.
- The cell itself drops ARM in register 1 when it fires or when its watchdog trips. What a host
  reads in one request is of no one moment: the program writes its registers one by one.
- The program that does the handshake counts register 100, so that two changes of it show that a
  whole scan has gone by.
- A tray's report (240-289) begins with ACK_SEQ and the number of positions asked for, so that one
  request shows what belongs together. The cell sets a position to 4, unknown, before the laser
  moves to it, so that a loss of power can never leave a marked position at 0. RESULT_ACK clears
  the report with the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

MAP_VERSION = 2
MAP_WITHOUT_TRAYS = 1

HEARTBEAT = 0
CONTROL = 1
CMD_SEQ = 2
JOB_NO = 3
TEXT_LEN = 4
MARKS = 6
TEXT = 10
HOST_REGISTERS = 74
"""Registers 0-73 carry the host's command; up to 99 they are reserved and may be written."""
CELL = 100
SNAPSHOT_REGISTERS = 113
"""Registers 0-112: the whole command and the cell's state without its echo, in one read."""
ECHO = 120
VERSION = 190
POSITIONS = 191
"""How many positions the cell's tray has, 1 to 16; map 2."""
TEXT_BYTES = 128
TEXT_REGISTERS = TEXT_BYTES // 2
HIGHEST_POSITION = 16
TABLE = 200
TABLE_REGISTERS = 2 * HIGHEST_POSITION
REPORT = 240
REPORT_REGISTERS = 2 + 3 * HIGHEST_POSITION
AREAS = 400
TOTAL_REGISTERS = AREAS + HIGHEST_POSITION * TEXT_REGISTERS
WRITABLE = {
    1: (range(CELL),),
    2: (range(CELL), range(TABLE, TABLE + TABLE_REGISTERS), range(AREAS, TOTAL_REGISTERS)),
}
"""By map version, the registers that the host may write."""
HIGHEST_SEQUENCE = 65535


class Control(IntFlag):
    """Register 1, written by the host."""

    TRIGGER = 1 << 0
    ABORT = 1 << 1
    FAULT_RESET = 1 << 2
    RESULT_ACK = 1 << 3
    SHUTTER_REQ = 1 << 4
    REMOTE_REQ = 1 << 5
    ARM = 1 << 6


NO_CONTROL = Control(0)


class Status(IntFlag):
    """Register 101, written by the cell."""

    READY = 1 << 0
    BUSY = 1 << 1
    DONE = 1 << 2
    FAULT = 1 << 3
    WARN = 1 << 4
    REMOTE = 1 << 5
    INTERLOCK_OK = 1 << 6
    SHUTTER_OPEN = 1 << 7
    PART = 1 << 8
    WDT_TRIP = 1 << 9


NO_STATUS = Status(0)


class Fault(IntEnum):
    """Register 104."""

    NONE = 0
    INTERLOCK = 1
    SHUTTER = 2
    E_STOP = 3
    JOB = 4
    CRC = 5
    TEXT = 6
    TIMEOUT = 7
    COMMS = 8
    WATCHDOG = 9
    NO_READ = 10
    MISMATCH = 11
    GRADE = 12


class Result(IntEnum):
    """Register 105, and each position of a tray: there FAILED is half-way, ABORTED is not used."""

    NONE = 0
    OK = 1
    ABORTED = 2
    FAILED = 3
    UNKNOWN = 4


def fault_name(code: int) -> str:
    """`9 watchdog`; a code that the map does not know keeps its number."""
    try:
        return f"{code} {Fault(code).name.lower().replace('_', '-')}"
    except ValueError:
        return f"{code} not in the map"


def crc16(data: bytes) -> int:
    """CRC-16 of Modbus over `data`, as a number from 0 to 65535."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


@dataclass(frozen=True)
class Command:
    """Registers 0-73. `area` is TEXT's 128 bytes; the other values are 0 to 65535.

    `marks` is how many positions of a tray the table names; 0 is a shot without a tray.
    """

    heartbeat: int = 0
    control: Control = NO_CONTROL
    sequence: int = 0
    job: int = 0
    length: int = 0
    crc: int = 0
    marks: int = 0
    table_crc: int = 0
    area: bytes = bytes(TEXT_BYTES)

    @property
    def text(self) -> bytes | None:
        """The text if length and CRC agree with it, else None; empty when none is loaded."""
        if self.length > TEXT_BYTES:
            return None
        text = self.area[: self.length]
        return text if not text or crc16(text) == self.crc else None

    @property
    def empty(self) -> bool:
        """No text of any position is loaded: the cell refuses to fire this."""
        return not self.length and not self.marks


@dataclass(frozen=True)
class Place:
    """What a cell reports of one position of a tray; the echo is of the text that was marked."""

    result: int = Result.NONE
    echo_length: int = 0
    echo_crc: int = 0

    def shows(self, text: bytes) -> bool:
        """Whether the echo is that of `text`."""
        return (self.echo_length, self.echo_crc) == (len(text), crc16(text))


@dataclass(frozen=True)
class Report:
    """Registers 240-289. `marks` positions were asked for by number `sequence`; 0: no tray was."""

    sequence: int = 0
    marks: int = 0
    places: tuple[Place, ...] = (Place(),) * HIGHEST_POSITION
    """Positions 1 to 16, in that order."""


@dataclass(frozen=True)
class CellState:
    """Registers 100-112. `good` and `failed` are 32-bit counters, `cycle_ms` is milliseconds."""

    heartbeat: int = 0
    status: Status = NO_STATUS
    sequence: int = 0
    job: int = 0
    fault: int = 0
    result: int = 0
    good: int = 0
    failed: int = 0
    cycle_ms: int = 0
    echo_length: int = 0
    echo_crc: int = 0


def loaded(sequence: int, job: int, text: bytes) -> Command:
    """The command that loads `text` for one shot, with its length and CRC."""
    area = _padded(text)
    crc = crc16(text) if text else 0
    return Command(sequence=sequence, job=job, length=len(text), crc=crc, area=area)


def loaded_tray(sequence: int, job: int, texts: Mapping[int, bytes]) -> Command:
    """The command that goes with a tray's table and areas; `texts` by position, none empty."""
    table = crc16(_to_bytes(encode_table(texts)))
    return Command(sequence=sequence, job=job, marks=len(texts), table_crc=table)


def encode_table(texts: Mapping[int, bytes]) -> list[int]:
    """Registers 200-231: length and CRC of each position's text, 0 and 0 where it is left alone."""
    table = [0] * TABLE_REGISTERS
    for position, text in texts.items():
        at = _index(position)
        table[2 * at : 2 * at + 2] = len(text), crc16(text)
    return table


def encode_area(text: bytes) -> list[int]:
    """The registers that a text takes in its area, and no more."""
    return _to_registers(text + bytes(len(text) % 2))


def area_of(position: int) -> int:
    """The first register of a position's area. Raises ValueError for one that the map has not."""
    return AREAS + _index(position) * TEXT_REGISTERS


def decode_tray(
    command: Command, table: Sequence[int], areas: Sequence[int]
) -> dict[int, bytes] | None:
    """The texts by position, from registers 200-231 and 400-1423; None unless every CRC holds."""
    _expect(table, TABLE_REGISTERS)
    _expect(areas, TOTAL_REGISTERS - AREAS)
    if crc16(_to_bytes(table)) != command.table_crc:
        return None
    texts = {}
    for position in range(1, HIGHEST_POSITION + 1):
        at = _index(position)
        length, crc = table[2 * at : 2 * at + 2]
        if not length:
            continue
        text = _to_bytes(areas[at * TEXT_REGISTERS : (at + 1) * TEXT_REGISTERS])[:length]
        if length > TEXT_BYTES or crc16(text) != crc:
            return None
        texts[position] = text
    return texts if len(texts) == command.marks else None


def encode_report(report: Report) -> list[int]:
    """Registers 240-289 of `report`."""
    image = [report.sequence, report.marks]
    for place in report.places:
        image += [place.result, place.echo_length, place.echo_crc]
    _expect(image, REPORT_REGISTERS)
    return image


def decode_report(registers: Sequence[int]) -> Report:
    """The report in registers 240-289; raises ValueError for another number of registers."""
    _expect(registers, REPORT_REGISTERS)
    return Report(
        sequence=registers[0],
        marks=registers[1],
        places=tuple(Place(*registers[at : at + 3]) for at in range(2, REPORT_REGISTERS, 3)),
    )


def encode_command(command: Command) -> list[int]:
    """Registers 0-73 of `command`."""
    return [
        command.heartbeat,
        int(command.control),
        command.sequence,
        command.job,
        command.length,
        command.crc,
        command.marks,
        command.table_crc,
        *[0] * (TEXT - 8),
        *_to_registers(command.area),
    ]


def decode_command(registers: Sequence[int]) -> Command:
    """The command in registers 0-73; raises ValueError for another number of registers."""
    _expect(registers, HOST_REGISTERS)
    return Command(
        heartbeat=registers[0],
        control=Control(registers[1]),
        sequence=registers[2],
        job=registers[3],
        length=registers[4],
        crc=registers[5],
        marks=registers[6],
        table_crc=registers[7],
        area=_to_bytes(registers[TEXT:HOST_REGISTERS]),
    )


def encode_state(state: CellState) -> list[int]:
    """Registers 100-112 of `state`."""
    return [
        state.heartbeat,
        int(state.status),
        state.sequence,
        state.job,
        state.fault,
        state.result,
        *divmod(state.good, 0x10000),
        *divmod(state.failed, 0x10000),
        state.cycle_ms,
        state.echo_length,
        state.echo_crc,
    ]


def decode_state(registers: Sequence[int]) -> CellState:
    """The state in registers 100-112; raises ValueError for another number of registers."""
    _expect(registers, SNAPSHOT_REGISTERS - CELL)
    return CellState(
        heartbeat=registers[0],
        status=Status(registers[1]),
        sequence=registers[2],
        job=registers[3],
        fault=registers[4],
        result=registers[5],
        good=registers[6] << 16 | registers[7],
        failed=registers[8] << 16 | registers[9],
        cycle_ms=registers[10],
        echo_length=registers[11],
        echo_crc=registers[12],
    )


def decode_snapshot(registers: Sequence[int]) -> tuple[Command, CellState]:
    """Command and state from registers 0-112."""
    _expect(registers, SNAPSHOT_REGISTERS)
    return decode_command(registers[:HOST_REGISTERS]), decode_state(registers[CELL:])


def encode_echo(text: bytes) -> list[int]:
    """Registers 120-183 for the text that was marked."""
    return _to_registers(_padded(text))


def decode_echo(state: CellState, registers: Sequence[int]) -> bytes | None:
    """The text marked, from registers 120-183; None if its length or CRC does not hold."""
    _expect(registers, TEXT_REGISTERS)
    if not 0 < state.echo_length <= TEXT_BYTES:
        return None
    text = _to_bytes(registers)[: state.echo_length]
    return text if crc16(text) == state.echo_crc else None


def encode_image(
    command: Command, state: CellState, echo: bytes, version: int = MAP_VERSION
) -> list[int]:
    """Registers 0-190, as a cell holds them: all of map 1, and of map 2 what is of no tray."""
    image = [0] * (VERSION + 1)
    image[:HOST_REGISTERS] = encode_command(command)
    image[CELL:SNAPSHOT_REGISTERS] = encode_state(state)
    image[ECHO : ECHO + TEXT_REGISTERS] = encode_echo(echo)
    image[VERSION] = version
    return image


def refuses(content: str, lines: Sequence[str]) -> str | None:
    """Why TEXT cannot carry this symbol and these lines exactly, or None."""
    if not content:
        return "the symbol's content is empty"
    if not content.isascii():
        return "the symbol's content holds a character outside ASCII"
    if "\n" in content or any("\n" in line for line in lines):
        return "an LF separates content and lines, so neither may hold one"
    if "\0" in content or any("\0" in line for line in lines):
        return "a zero byte is padding, so the text may not hold one"
    try:
        size = len("\n".join((content, *lines)).encode())
    except UnicodeEncodeError:
        return "a legible line holds half a surrogate pair"
    if size > TEXT_BYTES:
        return f"content and lines take {size} bytes, TEXT has {TEXT_BYTES}"
    return None


def encode_text(content: str, lines: Sequence[str]) -> bytes:
    """The bytes of TEXT, unpadded; raises ValueError with what `refuses` says."""
    if why := refuses(content, lines):
        raise ValueError(why)
    return "\n".join((content, *lines)).encode()


def decode_text(text: bytes) -> tuple[str, tuple[str, ...]]:
    """Content and legible lines; raises ValueError for bytes that no host of this map loads."""
    content, *lines = text.decode().split("\n")
    if why := refuses(content, lines):
        raise ValueError(why)
    return content, tuple(lines)


def _index(position: int) -> int:
    if not 1 <= position <= HIGHEST_POSITION:
        raise ValueError(f"position {position}, the map has 1 to {HIGHEST_POSITION}")
    return position - 1


def _padded(text: bytes) -> bytes:
    if len(text) > TEXT_BYTES:
        raise ValueError(f"{len(text)} bytes of text, TEXT has {TEXT_BYTES}")
    return text.ljust(TEXT_BYTES, b"\0")


def _to_registers(area: bytes) -> list[int]:
    return [high << 8 | low for high, low in zip(area[::2], area[1::2], strict=True)]


def _to_bytes(registers: Sequence[int]) -> bytes:
    return b"".join(register.to_bytes(2, "big") for register in registers)


def _expect(registers: Sequence[int], count: int) -> None:
    if len(registers) != count:
        raise ValueError(f"{len(registers)} registers where the map has {count}")
