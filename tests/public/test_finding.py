"""A licence by what stands on a paper, and rows by what somebody types."""

import time
from datetime import UTC, datetime

import pytest

from central.public.finding import Found, Numbers, filtered, matching, normal, ordered
from central.public.models import PublicExclusion, PublicLicence

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def licence(number: str) -> PublicLicence:
    return PublicLicence(
        number=number,
        entity="KMP",
        entity_name="Kombinati",
        activities=("production",),
        categories=(),
        standing="in-force",
        valid_from=NOW,
        valid_until=NOW,
        since=None,
        suspended_until=None,
    )


LICENCES = {
    each: licence(each) for each in ("AIM-2026-0001", "AIM-2026-00OI", "L-1", "kmp.a", "KMP.A")
}
NUMBERS = Numbers(LICENCES)


@pytest.mark.parametrize(
    "typed",
    [
        "AIM-2026-0001",
        "  aim-2026-0001 ",
        "AIM - 2026 - 0001",
        "AIM\u20132026\u22120001",
        "AIM-2026\u200b-0001\u00a0",
        "\uff21IM-2026-0001",
    ],
)
def test_capitals_spaces_and_dashes_do_not_matter(typed: str) -> None:
    found = NUMBERS.find(typed).licence
    assert found is not None
    assert found.number == "AIM-2026-0001"


@pytest.mark.parametrize("typed", ["A1M-2026-0001", "AIM20260001", "\u0410IM-2026-000l"])
def test_what_only_looks_like_it_is_never_taken_for_it(typed: str) -> None:
    found = NUMBERS.find(typed)
    assert found.licence is None
    assert {each.number for each in found.alike} == {"AIM-2026-0001", "AIM-2026-00OI"}


def test_each_of_two_that_look_alike_is_found_by_its_own_number() -> None:
    for number in LICENCES:
        found = NUMBERS.find(number).licence
        assert found is not None
        assert found.number == number


def test_what_two_have_but_for_capitals_is_neither() -> None:
    found = NUMBERS.find("Kmp.a")
    assert found.licence is None
    assert {each.number for each in found.alike} == {"kmp.a", "KMP.A"}


@pytest.mark.parametrize("typed", ["", " ", "---", "AIM-2026-9999", "\x00", "' OR 1=1 --"])
def test_nothing_is_found_by_nothing(typed: str) -> None:
    found = NUMBERS.find(typed)
    assert (found.licence, found.alike) == (None, ())


def test_a_number_that_there_is_not_costs_no_look_at_all_licences() -> None:
    numbers = Numbers({each: licence(each) for each in map("AIM-2026-{:05}".format, range(5000))})
    began = time.process_time()
    for number in range(1000):
        assert numbers.find(f"AIM-2027-{number:05}") == Found(None)
    assert time.process_time() < began + 2.0, "to look at all of them takes minutes"


def test_a_number_keeps_what_it_is_made_of() -> None:
    assert normal(" pro\u20112026/14 ") == "PRO-2026/14"


def exclusion(number: str, name: str, until: datetime | None = None) -> PublicExclusion:
    return PublicExclusion(
        number=number,
        name=name,
        tax_number=None,
        ncage=None,
        ground="violation",
        valid_from=NOW,
        valid_until=until,
    )


ROWS = [
    exclusion("X-2", "Çelik sh.a.", NOW),
    exclusion("X-1", "Armë e Shënjim"),
    exclusion("X-3", "celik"),
]


def test_words_are_found_whatever_their_marks_and_order() -> None:
    found = [each.number for each in matching(ROWS, "shenjim ARME", ("name",))]
    assert found == ["X-1"]
    assert matching(ROWS, "", ("name",)) == ROWS
    assert filtered(ROWS, ground="national-security") == []


def test_what_has_no_value_comes_last_either_way() -> None:
    up, down = (ordered(ROWS, sort, "number") for sort in ("valid_until", "-valid_until"))
    assert [each.number for each in up] == ["X-2", "X-1", "X-3"]
    assert [each.number for each in down] == ["X-2", "X-3", "X-1"]
    by_name = [each.number for each in ordered(ROWS, "name", "number")]
    assert by_name == ["X-1", "X-3", "X-2"], "ç is c"
