"""Numbers for units: their form, and that a series never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from central.errors import Conflict
from central.register.articles.models import UnitNumber
from central.register.units import numbers, service
from tests.register.acting import Acting

PREFIXES = st.from_regex(r"[0-9]{4,12}", fullmatch=True)
A_UNIT = TypeAdapter(UnitNumber)


@pytest.mark.parametrize(
    ("series", "serial", "number"),
    [
        # The register's own example of an SSCC, and one whose check digit is 0.
        ("10614141", 234567890, "106141412345678908"),
        ("00000", 0, "000000000000000000"),
        ("DA7G1H", 12, "DA7G1H0000000012"),
    ],
)
def test_a_number_of_a_series(series: str, serial: int, number: str) -> None:
    assert numbers.number(series, serial) == number


@given(PREFIXES, st.integers(0, 9), st.data())
def test_each_serial_is_another_sscc_that_the_register_takes(
    prefix: str, extension: int, data: st.DataObject
) -> None:
    series = numbers.series_of_sscc(extension, prefix)
    serials = st.integers(0, numbers.capacity(series) - 1)
    one, other = data.draw(serials), data.draw(serials)
    found = numbers.number(series, one)
    assert len(found) == 18
    assert found.startswith(series)
    assert A_UNIT.validate_python(found) == found
    assert (found == numbers.number(series, other)) == (one == other)
    # Any one digit that is misread shows.
    at = data.draw(st.integers(0, 17))
    wrong = str((int(found[at]) + data.draw(st.integers(1, 9))) % 10)
    assert not numbers.is_whole(found[:at] + wrong + found[at + 1 :])


def test_a_series_never_goes_back() -> None:
    series = Acting("unit-series", service.apply, key="DA7G1H")
    assert series.do("allocated", {"entity": "UMG", "numbers": [], "next": 5}).next == 5
    for what, following in (("allocated", 5), ("allocated", 4), ("goes on", 4)):
        with pytest.raises(Conflict):
            series.do(what, {"entity": "UMG", "next": following})
    assert series.do("goes on", {"entity": "UMG", "next": 5}).next == 5
    assert series.do("goes on", {"entity": "UMG", "next": 900}).next == 900
    assert series.do("allocated", {"entity": "KMP", "numbers": [], "next": 901}).entity == "KMP"
