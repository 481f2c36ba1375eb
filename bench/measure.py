"""What a measurement is: values by name and round, and the ratios to the limits of that round."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def to_json(self) -> dict[str, float]:
        return {
            "median": round(self.median, 4),
            "min": round(self.least, 4),
            "max": round(self.most, 4),
        }


@dataclass
class Measurement:
    """One table. A ratio is ours divided by the limit, both of the same round."""

    name: str
    title: str
    unit: str
    better: str
    """`higher` or `lower`."""
    values: dict[str, list[float]] = field(default_factory=dict)
    limits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By what was measured, the names of what bounds it."""
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, value: float, *, against: Iterable[str] = ()) -> None:
        """Enter one round's value."""
        self.values.setdefault(what, []).append(value)
        self.limits.setdefault(what, tuple(against))

    def ratio(self, what: str, limit: str) -> Spread:
        pairs = zip(self.values[what], self.values[limit], strict=True)
        return Spread.of([ours / bare for ours, bare in pairs])

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "unit": self.unit,
            "better": self.better,
            "rows": {
                what: {
                    **Spread.of(values).to_json(),
                    "rounds": [round(value, 3) for value in values],
                    "ratios": {
                        limit: self.ratio(what, limit).to_json() for limit in self.limits[what]
                    },
                }
                for what, values in self.values.items()
            },
            "notes": self.notes,
        }

    def to_text(self) -> str:
        """A table for people: a line for each thing, and one below it for each of its ratios."""
        width = max(len(what) for what in self.values) + 2
        width = max(width, *(len(name) + 6 for names in self.limits.values() for name in names), 24)
        lines = [f"{self.title} ({self.unit}, {self.better} is better)"]
        lines.append(f"  {'':{width}}{'median':>12}{'min':>12}{'max':>12}")
        for what, values in self.values.items():
            lines.append(f"  {what:{width}}{_cells(Spread.of(values))}")
            lines += [
                f"    {'÷ ' + limit:{width - 2}}{_cells(self.ratio(what, limit))}"
                for limit in self.limits[what]
            ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _cells(spread: Spread) -> str:
    return "".join(f"{_number(v):>12}" for v in (spread.median, spread.least, spread.most))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def percentile(values: Sequence[float], part: float) -> float:
    """The nearest-rank percentile; `part` is 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered)) - 1))]
