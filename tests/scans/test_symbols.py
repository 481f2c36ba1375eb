"""What a code says, and what a record that scans tells: pure."""

from typing import Any, get_args

import pytest

from central.register.articles.models import EventKind
from central.register.articles.symbols import Symbol, read
from central.scans.meaning import PURPOSES, SCANS, NoEvent, Scanned, Told, codes_of, meaning
from gateway.contract.record import decode_record
from tests.contract.wire import SCANS as GOLDEN

ITEM = "[)>\x1e06\x1d17V0CVA5\x1d1P1234-56\x1dS786950\x1d20PBARREL\x1e\x04"
UII, ELEMENTS = "D0CVA51234-56786950", "06:17V=0CVA5,1P=1234-56,S=786950"
SSCC, PLATE = "106141412345678908", "DA7G1H0000000001"
UNIT = f"[)>\x1e06\x1dJ{PLATE}\x1d1TL-1\x1e\x04"


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        (ITEM, Symbol(ITEM, UII, ELEMENTS, "BARREL")),
        (f"]d1{ITEM}", Symbol(ITEM, UII, ELEMENTS, "BARREL")),
        (f"  {ITEM}\r\n", Symbol(ITEM, UII, ELEMENTS, "BARREL")),
        ("]C18004A-1", Symbol("8004A-1", "A-1", "05:8004=A-1")),
        ("]d2\x1d8004A-1", Symbol("\x1d8004A-1", "A-1", "05:8004=A-1")),
        ("8004A-1", Symbol("8004A-1", "8004A-1")),
        (f"]C100{SSCC}", Symbol(f"00{SSCC}", SSCC)),
        (f"00{SSCC}", Symbol(f"00{SSCC}", SSCC)),
        (f"(00){SSCC}", Symbol(f"(00){SSCC}", SSCC)),
        (SSCC, Symbol(SSCC, SSCC)),
        (UNIT, Symbol(UNIT, PLATE)),
        (f"1J{PLATE}", Symbol(f"1J{PLATE}", PLATE)),
        ("]E04006381333931", Symbol("4006381333931", "4006381333931")),
        ("AK001200", Symbol("AK001200", "AK001200")),
        ("[)>\x1e06\x1dS1\x1e\x04", Symbol(*["[)>\x1e06\x1dS1\x1e\x04"] * 2)),
        ("", Symbol("", "")),
        ("]", Symbol("]", "]")),
        ("]C1", Symbol("]C1", "]C1")),
    ],
)
def test_a_code_says(text: str, symbol: Symbol) -> None:
    assert read(text) == symbol


@pytest.mark.parametrize(
    ("text", "number"), [(f"1J{PLATE}", PLATE), ("J1234", "J1234"), (ITEM, UII), (UNIT, PLATE)]
)
def test_what_is_a_number_where_nobody_knows_it(text: str, number: str) -> None:
    assert read(text).number == number


def test_the_kinds_of_records_that_scan() -> None:
    assert {kind.model_fields["type"].default for kind in get_args(Scanned)} == set(SCANS)
    assert set(PURPOSES.values()) <= set(get_args(EventKind))


def scanned(index: int, **change: Any) -> Scanned:
    record = decode_record(GOLDEN[index])
    assert isinstance(record, Scanned)
    return record.model_copy(update=change)


def test_each_golden_scan_tells_something() -> None:
    told = [meaning(scanned(index)) for index in range(len(GOLDEN))]
    kinds = ["received", "seen", "packed", "unpacked", "assembled", "disassembled"]
    assert [each.what for each in told] == kinds
    assert told[0].consignment == "C-2026-0012"
    assert (told[0].place, told[0].counted) == ("UMG.D1.B07", True)
    assert told[4] == Told(
        *("assembled", "assembled", ("DA0G1HBR000007",)),
        into="DA0G1HAK001200",
        component="barrel",
        place="UMG.D1",
    )
    assert codes_of(scanned(2)) == ("00534001200000000015", "DA0G1HAK001200")


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (scanned(0, purpose="polish"), "unknown-purpose"),
        (scanned(4, parts=("a", "b")), "one-at-a-time"),
        (scanned(5, parts=()), "one-at-a-time"),
    ],
)
def test_what_no_event_tells(record: Scanned, code: str) -> None:
    with pytest.raises(NoEvent) as raised:
        meaning(record)
    assert raised.value.code == code
