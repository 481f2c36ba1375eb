"""Ammunition lot numbers: the standard's examples, each way to be wrong, and there and back."""

from contextlib import suppress
from dataclasses import astuple
from string import ascii_uppercase, printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.register.lots.number import LotNumber, LotNumberError, parse

LETTERS = st.sampled_from(ascii_uppercase)
LOTS = st.builds(
    LotNumber,
    manufacturer=st.text(LETTERS, min_size=3, max_size=3),
    year=st.integers(0, 99),
    month=st.integers(1, 12),
    interfix=st.integers(1, 999),
    sequence=st.integers(1, 999),
    suffix=st.text(LETTERS, max_size=2) | st.from_regex(r"[A-Z]{2}[TWY]", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("XYZ07D006-004", ("XYZ", 7, 4, 6, 4, "")),  # MIL-STD-1168C 3.2.13
        ("XYZ08A006-015", ("XYZ", 8, 1, 6, 15, "")),  # the same
        ("KMP26H001-001", ("KMP", 26, 8, 1, 1, "")),
        ("KMP26J001-001", ("KMP", 26, 9, 1, 1, "")),  # no I: J is September
        ("KMP99M999-999", ("KMP", 99, 12, 999, 999, "")),
        ("XYZ07D006-004A", ("XYZ", 7, 4, 6, 4, "A")),
        ("XYZ07D006-004ZZ", ("XYZ", 7, 4, 6, 4, "ZZ")),
        ("XYZ07D006-004ABY", ("XYZ", 7, 4, 6, 4, "ABY")),
    ],
)
def test_vector_both_ways(text: str, parts: tuple[object, ...]) -> None:
    lot = parse(text)
    assert astuple(lot) == parts
    assert str(lot) == text


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("", 1, "ends where a letter of the maker's symbol"),
        ("xyz07D006-004", 1, "'x' where a letter of the maker's symbol"),
        (" XYZ07D006-004", 1, "' ' where a letter of the maker's symbol"),
        ("XY07D006-004", 3, "'0' where a letter of the maker's symbol"),
        ("XYZ7D006-004", 5, "'D' where a digit of the year"),
        ("XYZ٠٧D006-004", 4, "'٠' where a digit of the year"),
        ("XYZ07I006-004", 6, "'I' where the letter of the month"),
        ("XYZ07N006-004", 6, "'N' where the letter of the month"),
        ("XYZ07d006-004", 6, "'d' where the letter of the month"),
        ("XYZ07D06-004", 9, "'-' where a digit of the interfix"),
        ("XYZ07D000-004", 7, "interfix 0 is not 1 to 999"),
        ("XYZ07D006 004", 10, "' ' where the hyphen"),
        ("XYZ07D006H004", 10, "'H' where the hyphen"),
        ("XYZ07D006-04", 13, "ends where a digit of the sequence number"),
        ("XYZ07D006-000", 11, "sequence 0 is not 1 to 999"),
        ("XYZ07D006-0041", 14, "'1' where a letter of the suffix"),
        ("XYZ07D006-004a", 14, "'a' where a letter of the suffix"),
        ("XYZ07D006-004A\n", 15, "'\\n' where a letter of the suffix"),
        ("XYZ07D006-004ABC", 16, "'C' where a theatre"),
        ("XYZ07D006-004ABYA", 17, "'A' after the longest"),
    ],
)
def test_what_is_wrong_and_where(text: str, position: int, what: str) -> None:
    with pytest.raises(LotNumberError, match=f"^character {position}: ") as caught:
        parse(text)
    assert caught.value.position == position
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "position"),
    [
        (("XY", 7, 4, 6, 4), 3),
        (("WXYZ", 7, 4, 6, 4), 4),
        (("XYZ", 2007, 4, 6, 4), 4),
        (("XYZ", 7, 0, 6, 4), 6),
        (("XYZ", 7, 13, 6, 4), 6),
        (("XYZ", 7, 4, 1000, 4), 7),
        (("XYZ", 7, 4, 6, 1000), 11),
        (("XYZ", 7, 4, 6, 4, "-A"), 14),
    ],
)
def test_no_lot_number_is_made_that_cannot_be_read(
    parts: tuple[str, int, int, int, int], position: int
) -> None:
    with pytest.raises(LotNumberError) as caught:
        LotNumber(*parts)
    assert caught.value.position == position


@given(LOTS)
def test_there_and_back(lot: LotNumber) -> None:
    assert parse(str(lot)) == lot
    assert 13 <= len(str(lot)) <= 16


@given(LOTS, st.integers(0, 15), st.sampled_from(printable))
def test_no_two_texts_are_one_lot_number(lot: LotNumber, at: int, put: str) -> None:
    text = str(lot)
    spoiled = text[:at] + put + text[at + 1 :]
    with suppress(LotNumberError):
        assert str(parse(spoiled)) == spoiled


@pytest.mark.parametrize(
    ("text", "made", "following"),
    [
        ("XYZ07D006-004", (None, None), "XYZ07D006-005"),
        ("XYZ07M006-009", (8, 1), "XYZ08A006-010"),  # the series of 3.2.13 over the turn of a year
        ("XYZ07D006-004", (None, 5), "XYZ07E006-005"),
        ("XYZ99M006-004", (0, 1), "XYZ00A006-005"),
        ("XYZ07D006-004B", (None, None), "XYZ07D006-005"),
    ],
)
def test_next_in_sequence(text: str, made: tuple[int | None, int | None], following: str) -> None:
    assert str(parse(text).next_in_sequence(*made)) == following


def test_an_interfix_ends_at_999() -> None:
    assert str(parse("XYZ07D006-998").next_in_sequence()) == "XYZ07D006-999"
    with pytest.raises(LotNumberError, match="last of interfix 006") as caught:
        parse("XYZ07D006-999").next_in_sequence()
    assert caught.value.position == 11
