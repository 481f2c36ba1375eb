"""What became of the planted bugs: a line each, and the table in the documentation."""

from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutants.patches import Mutant
from tests.simulation.story import visible
from tests.support.document import escaped, put

BEGIN, END = "<!-- mutants: written by `make mutants` -->", "<!-- end of mutants -->"
LONGEST = 110


@dataclass(frozen=True)
class Result:
    """`seed` None: it survived, or, with an `error`, could not be planted or run."""

    mutant: Mutant
    seed: int | None = None
    fault: str = ""
    """What the seed broke."""
    seconds: float = 0.0
    error: str = ""
    sick: tuple[int, ...] = ()
    """Seeds that failed with the bug, and without it too."""

    def line(self) -> str:
        if self.error:
            return f"{self.mutant.name}: {self.error}"
        if self.seed is None:
            return f"{self.mutant.name}: SURVIVED, {self.seconds:.0f} s"
        found = f"seed {self.seed}, {self.seconds:.0f} s: {broken(self.fault)}"
        return f"{self.mutant.name}: {found}"


def broken(fault: str) -> str:
    """The promise that was broken, short enough for a line."""
    text = visible(fault.removeprefix("Broken: "))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def table(results: list[Result]) -> str:
    """Markdown: the bug, its first failing seed, what that broke, seconds until then."""
    lines = ["| | Planted bug | First seed | What it broke | Seconds |", "|--|--|--:|--|--:|"]
    for result in results:
        number = result.mutant.name.partition("-")[0]
        seed = "survived" if result.seed is None else str(result.seed)
        cells = [number, result.mutant.what, seed, broken(result.fault), f"{result.seconds:.0f}"]
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    return "\n".join(lines)


def write(document: Path, results: list[Result]) -> None:
    """Replace what stands between the markers. Raises ValueError where there are none."""
    put(document, BEGIN, END, table(results))
