"""Which sums may be told of what several entities did, so that none tells of one alone. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from central.public.models import ALL

LEAST = 3
"""So many entities stand behind a number, or it is not told."""
REST = 0.1
"""The part of the largest one's that all but the two largest make together at least: else the
second takes its own from the sum, and knows the first's to within this part."""


def is_safe(contributions: Sequence[int]) -> bool:
    """Whether the sum of these, one an entity, may be told."""
    by_size = sorted((each for each in contributions if each > 0), reverse=True)
    return len(by_size) >= LEAST and sum(by_size[2:]) >= REST * by_size[0]


def told(cells: Mapping[str, Mapping[str, int]]) -> dict[str, int | None]:
    """By column, and of all together: what may be told of a row; `cells`: by column and entity.

    A column without anything is not told either: where one entity alone does that, nothing is a
    number of its own. Of the total nobody can take what is told and have left what is not: that is
    either nothing at all, or a sum which may be told by itself.
    """
    found: dict[str, int | None] = {}
    together: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    for column, by_entity in cells.items():
        together.update(by_entity)
        if is_safe(list(by_entity.values())):
            found[column] = sum(by_entity.values())
        else:
            found[column] = None
            withheld.update(by_entity)
    whole = None not in found.values()
    tellable = is_safe(list(together.values())) and (whole or is_safe(list(withheld.values())))
    return found | {ALL: together.total() if tellable else None}


def of_enough(entities: int, count: int) -> int | None:
    """A number that says nothing of how much anybody made: it is told where so many stand behind
    its row."""
    return count if entities >= LEAST else None
