"""Which term of the mass balance a number stands in, given the states of its components."""

from collections.abc import Iterable
from typing import Literal, get_args

ItemState = Literal["open", "marked", "good", "rejected", "unknown", "voided", "scrapped"]
Term = Literal["open", "good", "rejected", "scrapped", "voided", "unknown"]
_WORST_FIRST: tuple[Term, ...] = ("scrapped", "rejected", "unknown")
TERMS: tuple[Term, ...] = get_args(Term)


def term_of(states: Iterable[str]) -> Term:
    """The worst component decides.

    `states` are those of the components that were claimed. Goodness already waits for every
    sibling that the product requires, so one good component means that none is missing.
    """
    found = set(states)
    for worst in _WORST_FIRST:
        if worst in found:
            return worst
    if "open" in found or "marked" in found:
        return "open"
    return "good" if "good" in found else "voided"
