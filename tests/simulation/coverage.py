"""How often each fault met each state of the cycle: what happened, and not which lines ran."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.moves import Phase

Cell = tuple[str, Phase]
SEEDS_THAT_MEET_EVERY_CELL = 10_000
"""Fewest seeds of a run in which an empty cell is a fault.

A seed aims at one cell by its number, and the world that it draws may miss that cell. The table in
docs/reliability.md has cells that 10,000 seeds meet once. With fewer seeds an empty cell is chance.
"""


@dataclass
class Coverage:
    """Counts by (fault, phase). Adds up over seeds and processes."""

    counts: Counter[Cell] = field(default_factory=Counter)

    def met(self, fault: str, phases: Iterable[Phase]) -> None:
        for phase in phases:
            self.counts[fault, phase] += 1

    def add(self, other: "Coverage") -> None:
        self.counts.update(other.counts)

    def plain(self) -> dict[str, int]:
        """As another process can be told."""
        return {f"{fault}|{phase.name}": n for (fault, phase), n in sorted_cells(self.counts)}

    @classmethod
    def of_plain(cls, counts: dict[str, int]) -> "Coverage":
        made = cls()
        for key, number in counts.items():
            fault, _, phase = key.partition("|")
            made.counts[fault, Phase[phase]] += number
        return made

    def empty(self, faults: Iterable[str], unreachable: dict[str, dict[Phase, str]]) -> list[Cell]:
        """Cells that could have been met and were not."""
        return [
            (fault, phase)
            for fault in faults
            for phase in Phase
            if not self.counts[fault, phase] and phase not in unreachable.get(fault, {})
        ]

    def table(
        self, faults: Iterable[str], unreachable: dict[str, dict[Phase, str]]
    ) -> Iterator[str]:
        """Lines for people: faults down, phases across, `-` where a cell cannot be reached."""
        phases = list(Phase)
        names = list(faults)
        first = max(len(name) for name in names)
        for depth in range(max(len(phase.value) for phase in phases)):
            yield (
                " " * first
                + " "
                + " ".join(
                    f"{phase.value[depth] if depth < len(phase.value) else ' ':>5}"
                    for phase in phases
                )
            )
        for name in names:
            cells = []
            for phase in phases:
                number = self.counts[name, phase]
                out = phase in unreachable.get(name, {})
                cells.append(f"{'-' if out and not number else number:>5}")
            yield f"{name:<{first}} " + " ".join(cells)


def sorted_cells(counts: Counter[Cell]) -> list[tuple[Cell, int]]:
    return sorted(counts.items(), key=lambda pair: (pair[0][0], pair[0][1].name))
