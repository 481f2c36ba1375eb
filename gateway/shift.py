"""One station's shift: what became of the marks made in it, beside what lies on the bench. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.contract.record import Counted, Tally

BINS: Mapping[str, tuple[str, ...]] = {
    "good": ("good", "marked"),
    "aside": ("rejected", "unknown"),
    "scrapped": ("scrapped",),
}
"""Where pieces lie, and which states lie there. A number that is void left no piece."""


@dataclass
class Shift:
    """The shift that has not been ended yet; `first` is its first record."""

    first: int = 1
    trials: int = 0
    orders: dict[str, dict[str, int]] = field(default_factory=dict)
    """By order and state, how many marks."""

    def show(self, seq: int, order: str, before: str, state: str) -> None:
        """A mark is in another state now; those of earlier shifts were counted there."""
        if seq < self.first:
            return
        counts = self.orders.setdefault(order, {})
        if before:
            counts[before] -= 1
        counts[state] = counts.get(state, 0) + 1


@dataclass(frozen=True)
class Ended:
    """A shift that was ended: the record that says so, and the orders that have a report."""

    seq: int
    at: datetime
    operator: str | None
    orders: tuple[str, ...]


def in_bin(states: Mapping[str, int], name: str) -> int:
    """How many pieces lie there, by the journal."""
    return sum(states.get(state, 0) for state in BINS[name])


def by_hand(counted: Counted, name: str) -> int:
    """How many lie there, by hand."""
    return int(getattr(counted, name))


def differing(tally: Tally) -> tuple[str, ...]:
    """Where the bench and the journal do not agree."""
    return tuple(
        name for name in BINS if in_bin(tally.states, name) != by_hand(tally.counted, name)
    )
