"""Numbers that are spent, and numbers that several pieces carry. Pure, and kept by the ledger."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.contract.record import Mark, Repeat
from gateway.contract.uii import names_component

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
    """A number that several pieces carry, and what became of each that this journal has marked."""

    mark: Mark
    """The first of them that this journal marked; the number's opening, where it is its own."""
    source: Repeat | MarkAt
    """The opening: a mark of this journal, or another's as this journal repeats it."""
    states: dict[str, str] = field(default_factory=dict)
    """By component."""

    @property
    def number(self) -> int | None:
        """The number itself, where the records tell it."""
        return self.mark.source.number

    @property
    def complete(self) -> bool:
        """Every piece from the first of this journal on is good."""
        pieces, first = self.mark.pieces or 1, self.mark.piece or 1
        return list(self.states.values()).count("good") > pieces - first


def tells_pieces_apart(mark: Mark) -> bool:
    """Whether the symbol says on which piece it stands; else no read settles an unknown."""
    return mark.pieces is None or names_component(mark.content)


def elsewhere(source: Repeat, component: str) -> Elsewhere:
    """What a repeat of another journal's mark puts on a piece here."""
    of = source.of
    return (of.gateway, of.epoch, of.seq, source.position, component)


def unfinished(
    works: Iterable[Piecework], wanted: Iterable[str], *, reads: bool
) -> Iterable[tuple[Piecework, str]]:
    """The numbers whose next piece can be marked, with its component; oldest first.

    `wanted` are the order's components in their order. A piece follows when those before it are
    good; where parts are not each read back (`reads` False), when they are marked. Pieces before
    the first of this journal are another's, who said that they are.
    """
    settled = ("good",) if reads else ("good", "marked")
    names = tuple(wanted)
    for work in works:
        for name in names[(work.mark.piece or 1) - 1 :]:
            state = work.states.get(name)
            if state is None:
                yield work, name
            if state not in settled:
                break
