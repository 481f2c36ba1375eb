"""Every planted bug can still be planted, and says what it is."""

from pathlib import Path

from tests.simulation.mutants.patches import ROOT, mutants
from tests.simulation.mutants.report import BEGIN, END, Result, write

FEWEST = 24


def test_every_planted_bug_still_applies() -> None:
    found = mutants()
    assert len(found) >= FEWEST
    for mutant in found:
        mutant.check(ROOT)


def test_every_planted_bug_says_what_it_is() -> None:
    found = mutants()
    assert [mutant.name.partition("-")[0] for mutant in found] == [
        f"{number:02}" for number in range(1, len(found) + 1)
    ]
    assert all(mutant.what.endswith(".") and mutant.seed >= 0 for mutant in found)
    assert len({mutant.what for mutant in found}) == len(found)


def test_the_table_takes_the_place_of_the_former_one(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n\n{BEGIN}\nan old table\n{END}\n\nafter\n")
    first = mutants()[0]
    write(document, [Result(first, 7, "Broken: [)>\x1e06 is on two", 1.4), Result(first)])
    text = document.read_text()
    assert text.startswith(f"before\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nafter\n")
    assert f"| 01 | {first.what} | 7 | \\[)\\>\\<RS\\>06 is on two | 1 |" in text
    assert f"| 01 | {first.what} | survived |  | 0 |" in text
    assert "old table" not in text
