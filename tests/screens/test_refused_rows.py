"""What is said of a refused row is kept as English text, and read back for who reads the page."""

import pytest

from central.register.imports import faults
from central.register.imports.columns import RIGHT
from central.said import Said
from central.screens.refusals import sentence_in_words

_SAID = [
    faults.under_no_heading(7, faults.shown("x under no heading")),
    *(
        faults.not_right(faults.shown(cell), right)
        for right in sorted(RIGHT)
        for cell in ("{x}", "it's")
    ),
    faults.not_right(faults.shown("'a' is not the code of a place"), "the code of an entity"),
    *(faults.empty(right) for right in sorted(RIGHT)),
    faults.repeated(12),
    faults.no_entity("UMG"),
    faults.no_place("S-1"),
    faults.not_of_holder("S-1", "UMG", "KMP"),
    faults.imported_otherwise("12 of 30", "UMG", repr("is that of UMG")),
    faults.imported_otherwise("12", "UMG", repr(1974)),
    faults.entered_otherwise("UMG", repr(["producer"])),
    faults.taken("A7G1H", "UMG"),
]


@pytest.mark.parametrize("told", _SAID, ids=str)
def test_it_is_read_back_as_it_was_said(told: Said) -> None:
    again = faults.read_back(str(told))
    assert again is not None
    assert (again, again.message) == (str(told), told.message)
    assert sentence_in_words(again, "en") == told, "programs are told the same as before"
    assert sentence_in_words(again, "sq") == sentence_in_words(told, "sq") != told


def test_what_was_never_said_so_stays_as_it_stands() -> None:
    for what in ("", "of another time", "'a' is not what anybody asked for"):
        assert faults.read_back(what) is None
