"""ZPL by the guide: field data and host status, by vectors; Code 128 by a literal computation."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from central.labels import status, zpl
from simulators.code128 import widths
from simulators.zpl import Format, Reader

FOLDER = Path(__file__).parent.parent / "vectors" / "zpl"


def vectors(name: str, kind: str) -> list[Any]:
    with (FOLDER / name).open("rb") as file:
        return [pytest.param(each, id=each["name"]) for each in tomllib.load(file)[kind]]


def answer(*strings: str) -> bytes:
    return b"".join(b"\x02" + string.encode() + b"\x03\r\n" for string in strings)


@pytest.mark.parametrize("vector", vectors("fields.toml", "text"))
def test_field_data(vector: dict[str, str]) -> None:
    assert zpl.data(vector["text"]) == vector["data"]
    (found,) = Reader().feed(f"^XA^CI28^FO0,0^A0N,20{vector['data']}^XZ".encode())
    assert isinstance(found, Format)
    assert [field.text for field in found.fields] == [vector["text"]]


@pytest.mark.parametrize("vector", vectors("status.toml", "answer"))
def test_host_status(vector: dict[str, Any]) -> None:
    told = answer(*vector["strings"])
    assert status.is_whole(told)
    assert not status.is_whole(told[:-1])
    assert status.faults(told) == tuple(vector["faults"])


@pytest.mark.parametrize(
    "told", [b"", b"?\r\n", answer("030,0,0", "0", "1234,0"), answer("1234,0", "1234,0", "1234,0")]
)
def test_what_is_no_status_says_nothing(told: bytes) -> None:
    assert status.faults(told) is None


def test_code_128_is_what_the_standard_computes() -> None:
    """Start C is 105, FNC1 102; the check character weighs each value by its place; 13 at the
    end."""
    drawn = widths(">;>800106141412345678908")
    assert sum(drawn) == 156
    values = [105, 102, 0, 10, 61, 41, 41, 23, 45, 67, 89, 8]
    check = (105 + sum(place * value for place, value in enumerate(values))) % 103
    assert drawn[-13:] == [*widths_of(check), 2, 3, 3, 1, 1, 1, 2]


def widths_of(value: int) -> list[int]:
    """A pair of digits, in subset C, is its own value: what stands behind the start."""
    assert value < 100
    return widths(f">;{value:02}")[6:12]


def test_a_stream_that_comes_byte_by_byte() -> None:
    reader = Reader()
    stream = b"~HS^XA^PW8^LL8^FO0,0^GB4,4,1^FS~HS^PQ3^XZ"
    found = [each for at in range(len(stream)) for each in reader.feed(stream[at : at + 1])]
    assert [each if isinstance(each, str) else each.copies for each in found] == ["~HS", "~HS", 3]
