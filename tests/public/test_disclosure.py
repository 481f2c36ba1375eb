"""No sum that is told lets anybody work out what one entity did."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from central.public.disclosure import LEAST, REST, is_safe, of_enough, told
from central.public.models import ALL

ENTITIES = st.sampled_from(["a", "b", "c", "d", "e"])
COUNTS = st.dictionaries(ENTITIES, st.integers(0, 1000))
ROWS = st.fixed_dictionaries({"serial": COUNTS, "package": COUNTS, "other": COUNTS})


def test_two_entities_are_too_few() -> None:
    assert not is_safe([])
    assert not is_safe([500])
    assert not is_safe([500, 500])
    assert not is_safe([500, 500, 0]), "who did nothing hides nobody"
    assert is_safe([500, 500, 500])


def test_the_second_largest_cannot_guess_the_largest() -> None:
    assert not is_safe([1000, 900, 99])
    assert is_safe([1000, 900, 100])


def test_what_only_one_makes_is_not_told_and_not_left_over() -> None:
    """Weapons of three, ammunition of one: the total less the weapons would be the ammunition."""
    found = told({"serial": {"a": 10, "b": 10, "c": 10}, "package": {"d": 999}})
    assert found == {"serial": 30, "package": None, ALL: None}


def test_nothing_is_a_number_too() -> None:
    """Where one entity alone makes packages, that there were none is what it did."""
    found = told({"serial": {"a": 10, "b": 10, "c": 10}, "package": {}})
    assert found == {"serial": 30, "package": None, ALL: None}


def test_what_is_withheld_may_be_told_together() -> None:
    few = {"a": 10, "b": 10}
    found = told({"serial": few, "package": {"c": 10, "d": 10}, "other": {"a": 9, "b": 9, "c": 9}})
    assert found == {"serial": None, "package": None, "other": 27, ALL: 67}


@given(ROWS)
def test_what_is_told_and_what_is_left_over_are_both_safe(row: dict[str, dict[str, int]]) -> None:
    found = told(row)
    hidden: Counter[str] = Counter()
    for column, by_entity in row.items():
        if found[column] is None:
            hidden.update(by_entity)
        else:
            assert found[column] == sum(by_entity.values())
            assert _is_safe(list(by_entity.values()))
    whole = found[ALL]
    if whole is None:
        return
    left = whole - sum(count for name, count in found.items() if name != ALL and count)
    assert left == hidden.total()
    assert None not in found.values() or _is_safe(list(hidden.values()))


def _is_safe(counts: list[int]) -> bool:
    """Literally: each of the others, who knows its own, is off by a tenth at least."""
    counts = [each for each in counts if each]
    if len(counts) < LEAST:
        return False
    for place, guessed in enumerate(counts):
        for other, own in enumerate(counts):
            if other != place and sum(counts) - own - guessed < REST * guessed:
                return False
    return True


def test_a_year_of_few_is_not_told() -> None:
    assert of_enough(2, 50) is None
    assert of_enough(3, 0) == 0
