"""Which term of the mass balance a number stands in, given the states of its components."""

from collections.abc import Iterable
from typing import Literal, get_args

ItemState = Literal["open", "marked", "good", "rejected", "unknown", "voided", "scrapped"]
Term = Literal["open", "good", "rejected", "scrapped", "voided", "unknown"]
TERMS: tuple[Term, ...] = get_args(Term)


def term_of(states: Iterable[str]) -> Term:
    """The worst component decides; good and voided need all of them.

    `states` are those of the components that have been claimed; goodness already waits for the
    siblings that a product requires, so one good component means that none is missing.
    """
    found = set(states)
    for worst in ("unknown", "rejected", "scrapped"):
        if worst in found:
            return worst
    if found == {"good"}:
        return "good"
    if found == {"voided"}:
        return "voided"
    return "open"
