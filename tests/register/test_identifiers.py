"""Identifiers of entities and products: what has the form, what has not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from central.register.identifiers import (
    MILITARY_HEADINGS,
    Country,
    Gs1CompanyPrefix,
    MilitaryCategory,
    Ncage,
    Nipt,
    Nsn,
    is_albanian,
    is_codified_in_albania,
)

TYPES: dict[str, TypeAdapter[str]] = {
    "nipt": TypeAdapter(Nipt),
    "ncage": TypeAdapter(Ncage),
    "nsn": TypeAdapter(Nsn),
    "gs1": TypeAdapter(Gs1CompanyPrefix),
    "country": TypeAdapter(Country),
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nipt", "L12345678A"),
        ("nipt", "J91402501L"),  # python-stdnum, al.nipt
        ("nipt", "K22218003V"),  # the same
        ("ncage", "0CVA5"),  # MIL-STD-130N
        ("ncage", "7A720"),
        ("ncage", "A3309"),  # MIL-STD-130N
        ("ncage", "A012H"),
        ("nsn", "5905-00-734-5199"),  # NATO codification brochure, there 5905 - 00 - 7345199
        ("gs1", "0614"),
        ("gs1", "0614141"),  # MIL-STD-130N
        ("gs1", "061414112345"),
        ("country", "AL"),
    ],
)
def test_has_the_form(kind: str, text: str) -> None:
    assert TYPES[kind].validate_python(text) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nipt", "L1234567A"),
        ("nipt", "L123456789A"),
        ("nipt", "L123456789"),
        ("nipt", "112345678A"),
        ("nipt", "l12345678a"),
        ("nipt", "ALL12345678A"),
        ("nipt", "L12345678A\n"),
        ("nipt", "L١٢٣٤٥٦٧٨A"),
        ("ncage", "0CVA"),
        ("ncage", "0CVA55"),
        ("ncage", "0CVO5"),
        ("ncage", "0CVI5"),
        ("ncage", "0cva5"),
        ("nsn", "1005-59-123-456"),
        ("nsn", "1005-59-123-45678"),
        ("nsn", "1005--59-123-4567"),
        ("nsn", "100-559-123-4567"),
        ("nsn", "1005 59 123 4567"),
        ("nsn", "1005-59-LL1-4567"),
        ("nsn", "-1005-59-123-4567"),
        ("gs1", "061"),
        ("gs1", "0614141123456"),
        ("gs1", "06141A1"),
        ("country", "ALB"),
        ("country", "al"),
        ("country", "A1"),
        ("country", ""),
    ],
)
def test_has_not_the_form(kind: str, text: str) -> None:
    with pytest.raises(ValidationError):
        TYPES[kind].validate_python(text)


@pytest.mark.parametrize(
    "text",
    ["1005591234567", "1005-591234567", "1005-59-1234567", "100559123-4567", "1005-59-123-4567"],
)
def test_an_nsn_has_one_spelling(text: str) -> None:
    assert TYPES["nsn"].validate_python(text) == "1005-59-123-4567"


@pytest.mark.parametrize(
    ("ncage", "albanian"),
    # A, three, H is Albania's; A, three and a digit Italy's; A, three, G Finland's (NATO country
    # codes, NSPA).
    [
        ("A012H", True),
        ("AZZ9H", True),
        ("A3309", False),
        ("A012G", False),
        ("0012H", False),
        ("A01IH", False),
        ("A012HH", False),
        ("A012H\n", False),
    ],
)
def test_albanian_ncage(ncage: str, albanian: bool) -> None:
    assert is_albanian(ncage) is albanian


def test_where_an_nsn_was_codified() -> None:
    assert is_codified_in_albania("1005-59-123-4567")
    assert not is_codified_in_albania("1005-00-123-4567")
    assert not is_codified_in_albania("5905-00-759-5959")


def test_every_military_category_has_a_heading_of_its_own() -> None:
    assert list(MilitaryCategory) == [f"ML{number}" for number in range(1, 23)]
    assert list(MILITARY_HEADINGS) == list(MilitaryCategory)
    assert len(set(MILITARY_HEADINGS.values())) == 22
