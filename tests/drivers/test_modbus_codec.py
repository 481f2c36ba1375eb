"""The register image against literals, an independent CRC, planted mutants and Hypothesis."""

import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus_cell import codec

VECTORS = tomllib.loads(
    (Path(__file__).parents[1] / "vectors/modbus_cell/images.toml").read_text(encoding="utf-8")
)
SOURCE = Path(codec.__file__).read_text(encoding="utf-8")


def registers(hex_words: str) -> list[int]:
    return [int(word, 16) for word in hex_words.split()]


def bits(flag: Any, names: list[str]) -> Any:
    return flag(sum(flag[name] for name in names))


def check_vectors(module: ModuleType) -> None:
    """Every vector in both directions; raises AssertionError or what the module raises."""
    for enum, names in VECTORS["names"].items():
        assert {each.name: each.value for each in getattr(module, enum)} == names
    for vector in VECTORS["fault"]:
        assert module.fault_name(vector["code"]) == vector["said"]
    for vector in VECTORS["crc"]:
        assert module.crc16(vector["text"].encode()) == vector["crc"]
    for vector in VECTORS["command"]:
        text = module.encode_text(vector["content"], vector["lines"])
        command = module.Command(
            heartbeat=vector["heartbeat"],
            control=bits(module.Control, vector["control"]),
            sequence=vector["sequence"],
            job=vector["job"],
            length=vector["length"],
            crc=vector["crc"],
            area=text.ljust(128, b"\0"),
        )
        image = registers(vector["hex"])
        assert module.encode_command(command) == image
        decoded = module.decode_command(image)
        assert decoded == command
        assert module.decode_text(decoded.text) == (vector["content"], tuple(vector["lines"]))
        loaded = module.loaded(vector["sequence"], vector["job"], text)
        assert module.encode_command(loaded)[2:] == image[2:]
        echo = module.CellState(echo_length=vector["length"], echo_crc=vector["crc"])
        assert module.encode_echo(text) == image[10:74]
        assert module.decode_echo(echo, image[10:74]) == text
    for vector in VECTORS["tray"]:
        texts = {int(position): text.encode() for position, text in vector["texts"].items()}
        command = module.loaded_tray(vector["sequence"], vector["job"], texts)
        assert module.encode_command(command)[2:10] == registers(vector["command"])
        assert module.decode_command(module.encode_command(command)) == command
        assert module.encode_table(texts) == registers(vector["table"])
        areas = [0] * 1024
        for position, text in texts.items():
            assert str(module.area_of(position)) in vector["areas"]
            area = registers(vector["areas"][str(module.area_of(position))])
            assert module.encode_area(text) == area
            at = module.area_of(position) - 400
            areas[at : at + len(area)] = area
        assert (command.marks, command.table_crc) == (len(texts), vector["table_crc"])
        assert module.decode_tray(command, registers(vector["table"]), areas) == texts
    for vector in VECTORS["report"]:
        given = {int(position): place for position, place in vector["places"].items()}
        places = tuple(module.Place(*given.get(each, (0, 0, 0))) for each in range(1, 17))
        report = module.Report(vector["sequence"], vector["marks"], places)
        assert module.encode_report(report) == registers(vector["hex"])
        assert module.decode_report(registers(vector["hex"])) == report
    for vector in VECTORS["state"]:
        fields = {name: vector[name] for name in vector if name not in ("what", "hex", "status")}
        state = module.CellState(status=bits(module.Status, vector["status"]), **fields)
        assert module.encode_state(state) == registers(vector["hex"])
        assert module.decode_state(registers(vector["hex"])) == state
        command = module.Command(heartbeat=5)
        image = module.encode_image(command, state, b"MK-0001")
        assert image[100:113] == registers(vector["hex"])
        assert image[120:124] == [0x4D4B, 0x2D30, 0x3030, 0x3100]
        assert (len(image), image[190]) == (191, 2)
        assert module.decode_snapshot(image[:113]) == (command, state)


def test_vectors() -> None:
    check_vectors(codec)


MUTANTS = {
    "byte order": [
        ("high << 8 | low for", "low << 8 | high for"),
        ('to_bytes(2, "big")', 'to_bytes(2, "little")'),
    ],
    "polynomial": [("0xA001", "0x8408")],
    "start value": [("crc = 0xFFFF", "crc = 0x0000")],
    "TRIGGER for ARM": [("TRIGGER = 1 << 0", "TRIGGER = 1 << 6"), ("ARM = 1 << 6", "ARM = 1 << 0")],
    "READY for BUSY": [("READY = 1 << 0", "READY = 1 << 1"), ("BUSY = 1 << 1", "BUSY = 1 << 0")],
    "word order": [
        ("*divmod(state.good, 0x10000)", "*reversed(divmod(state.good, 0x10000))"),
        ("registers[6] << 16 | registers[7]", "registers[7] << 16 | registers[6]"),
    ],
    "base of TEXT": [
        ("TEXT = 10", "TEXT = 6"),
        ("TEXT - 8", "TEXT - 4"),
        ("HOST_REGISTERS = 74", "HOST_REGISTERS = 70"),
    ],
    "base of the areas": [("AREAS = 400", "AREAS = 464")],
    "first position": [("return position - 1", "return position % 16")],
    "CRC for length in the table": [
        ("len(text), crc16(text)\n    return table", "crc16(text), len(text)\n    return table"),
        ("length, crc = table", "crc, length = table"),
    ],
    "count for CRC of the table": [
        (
            "command.marks,\n        command.table_crc,",
            "command.table_crc,\n        command.marks,",
        ),
        ("marks=registers[6]", "marks=registers[7]"),
        ("table_crc=registers[7]", "table_crc=registers[6]"),
    ],
    "order of the report": [
        (
            "image += [place.result, place.echo_length",
            "image += [place.echo_length, place.result",
        ),
        (
            "Place(*registers[at : at + 3])",
            "Place(registers[at + 1], registers[at], registers[at + 2])",
        ),
    ],
    "separator": [('"\\n".join', '"\\r".join'), ('split("\\n")', 'split("\\r")')],
    "length for CRC": [
        ("command.length,\n        command.crc,", "command.crc,\n        command.length,"),
        ("length=registers[4]", "length=registers[5]"),
        ("crc=registers[5]", "crc=registers[4]"),
    ],
    "sequence for job": [
        ("state.sequence,\n        state.job,", "state.job,\n        state.sequence,"),
        ("job=registers[3],\n        fault", "job=registers[2],\n        fault"),
        (
            "sequence=registers[2],\n        job=registers[2]",
            "sequence=registers[3],\n        job=registers[2]",
        ),
    ],
}


@pytest.mark.parametrize("changes", MUTANTS.values(), ids=MUTANTS)
def test_the_same_bug_on_both_sides_fails_the_vectors(changes: list[tuple[str, str]]) -> None:
    source = SOURCE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    mutant = ModuleType("modbus_cell_mutant")
    sys.modules[mutant.__name__] = mutant  # dataclasses look their module up
    try:
        exec(compile(source, mutant.__name__, "exec"), mutant.__dict__)
        with pytest.raises((AssertionError, ValueError, AttributeError, TypeError)):
            check_vectors(mutant)
    finally:
        del sys.modules[mutant.__name__]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["why"])
def test_what_the_map_cannot_carry_is_refused(vector: dict[str, Any]) -> None:
    lines = vector.get("lines", [])
    assert vector["why"] in (codec.refuses(vector["content"], lines) or "")
    with pytest.raises(ValueError, match=vector["why"]):
        codec.encode_text(vector["content"], lines)


def literal_crc(data: bytes) -> int:
    """CRC-16/MODBUS as polynomial division, most significant bit first over reflected bytes."""
    remainder = 0xFFFF
    for byte in data:
        remainder ^= int(f"{byte:08b}"[::-1], 2) << 8
        for _ in range(8):
            remainder <<= 1
            if remainder & 0x10000:
                remainder ^= 0x18005
    return int(f"{remainder:016b}"[::-1], 2)


@given(st.binary(max_size=128))
def test_crc_is_that_of_an_independent_routine(data: bytes) -> None:
    assert codec.crc16(data) == literal_crc(data)


content = st.text(
    st.characters(min_codepoint=1, max_codepoint=127, exclude_characters="\n"), min_size=1
)
line = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))


@given(content, st.lists(line, max_size=4))
def test_text_is_refused_or_comes_back(content: str, lines: list[str]) -> None:
    if codec.refuses(content, lines) is not None:
        assert len("\n".join([content, *lines]).encode()) > 128
        return
    text = codec.encode_text(content, lines)
    assert codec.decode_text(text) == (content, tuple(lines))
    assert codec.loaded(1, 1, text).text == text


@given(st.lists(st.integers(0, 0xFFFF), min_size=113, max_size=113))
def test_any_image_decodes_and_encodes_to_itself(image: list[int]) -> None:
    command, state = codec.decode_snapshot(image)
    again = codec.encode_command(command)
    assert again[:8] + again[10:] == image[:8] + image[10:74]
    assert codec.encode_state(state) == image[100:113]


@given(st.binary(min_size=1, max_size=128), st.integers(0, 1023))
def test_no_turned_bit_of_the_text_passes(text: bytes, bit: int) -> None:
    bit %= len(text) * 8
    command = codec.loaded(1, 1, text)
    area = bytearray(command.area)
    area[bit // 8] ^= 1 << bit % 8
    damaged = codec.Command(length=command.length, crc=command.crc, area=bytes(area))
    assert command.text == text
    assert damaged.text is None
    state = codec.CellState(echo_length=command.length, echo_crc=command.crc)
    words = [int.from_bytes(area[i : i + 2], "big") for i in range(0, 128, 2)]
    assert codec.decode_echo(state, words) is None


@given(st.binary(max_size=128))
def test_text_of_strangers_ends_in_a_value_or_in_value_error(text: bytes) -> None:
    try:
        content, lines = codec.decode_text(text)
    except ValueError:
        return
    assert codec.encode_text(content, lines) == text


texts_of_a_tray = st.dictionaries(
    st.integers(1, 16), st.binary(min_size=1, max_size=128), min_size=1
)


@given(texts_of_a_tray)
def test_a_trays_table_and_its_request_fit_the_protocol(texts: dict[int, bytes]) -> None:
    """Function 16 carries 123 registers, function 3 reads 125."""
    assert len(codec.encode_table(texts)) <= 123
    assert max(len(codec.encode_area(text)) for text in texts.values()) <= 64
    assert codec.REPORT_REGISTERS <= 125
    spans = [range(200, 232), range(240, 290), range(400, 1424)]
    ends = [codec.TABLE + codec.TABLE_REGISTERS, codec.REPORT + codec.REPORT_REGISTERS]
    assert [span.stop for span in spans] == [*ends, codec.TOTAL_REGISTERS]


@given(texts_of_a_tray, st.integers(0, 2**16))
def test_no_turned_bit_of_a_tray_passes(texts: dict[int, bytes], where: int) -> None:
    """In the command's block, in the table or in an area: the cell takes all of it or nothing."""
    command = codec.loaded_tray(1, 1, texts)
    table, areas = codec.encode_table(texts), [0] * 1024
    loaded: list[tuple[list[int], int]] = [(table, at) for at in range(32)]
    for position, text in texts.items():
        area = codec.encode_area(text)
        at = codec.area_of(position) - 400
        areas[at : at + len(area)] = area
        loaded += [(areas, at + byte // 2) for byte in range(len(text) - len(text) % 2)]
    assert codec.decode_tray(command, table, areas) == texts
    registers, at = loaded[where // 16 % len(loaded)]
    registers[at] ^= 1 << where % 16
    assert codec.decode_tray(command, table, areas) is None
