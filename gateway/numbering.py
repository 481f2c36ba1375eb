"""Numbers that are spent, and numbers that several pieces carry. Pure, and kept by the ledger."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.contract.record import Mark, Repeat

MarkAt: TypeAlias = tuple[int, int]
"""A mark of this journal: the intent's seq, and the position."""
Elsewhere: TypeAlias = tuple[str, int, int, int, str]
"""A piece of a number that another journal opened: gateway, epoch, seq, position, component."""


@dataclass
class Spent:
    """Numbers of one space that intents have spent: ranges in order, none touching the next."""

    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        at = bisect_right(self.firsts, number)
        if at and number <= self.lasts[at - 1]:
            return
        self.firsts.insert(at, number)
        self.lasts.insert(at, number)
        for left in (at, at - 1):
            if 0 <= left < len(self.firsts) - 1 and self.lasts[left] + 1 == self.firsts[left + 1]:
                self.lasts[left] = self.lasts.pop(left + 1)
                del self.firsts[left + 1]

    def next_free(self, number: int) -> int:
        """The first number from `number` on that is not spent."""
        at = bisect_right(self.firsts, number)
        return max(number, self.lasts[at - 1] + 1) if at else number


@dataclass
class Piecework:
    """A number of this journal that several pieces carry, and what has become of each of them."""

    opened: MarkAt
    mark: Mark
    """The mark that opened it."""
    states: dict[str, str] = field(default_factory=dict)
    """By component."""


def elsewhere(source: Repeat, component: str) -> Elsewhere:
    """What a repeat of another journal's mark puts on a piece here."""
    of = source.of
    return (of.gateway, of.epoch, of.seq, source.position, component)


def unfinished(
    works: Iterable[Piecework], wanted: Iterable[str], *, reads: bool
) -> Iterable[tuple[Piecework, str]]:
    """The numbers whose next piece can be marked, with its component; oldest first.

    `wanted` are the order's components in their order. A piece follows when those before it are
    good; where parts are not each read back (`reads` False), when they are marked.
    """
    settled = ("good",) if reads else ("good", "marked")
    names = tuple(wanted)
    for work in works:
        for name in names:
            state = work.states.get(name)
            if state is None:
                yield work, name
            if state not in settled:
                break
