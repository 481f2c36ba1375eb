"""Plant each bug into both halves of a codec and let its vectors find it.

python -m tests.families.mutants [NAME ...] [--processes 2] [--write]

`<family>.toml` says what is planted. A bug is found if a test against literals fails; the same
bugs pass the round trips, which is why vectors are needed. Exits 1 where one survives.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.families import FOLDER, ROOT, Family, chosen, families
from tests.support.document import escaped, renewed

DOCUMENT = ROOT / "docs" / "conformance.md"
BEGIN = "<!-- mutants of codecs: written by `make mutants SET=codecs TABLE=1` -->"
END = "<!-- end of mutants of codecs -->"
_NEEDED = (
    "pyproject.toml",
    *(f"tests/{name}.py" for name in ("__init__", "conftest", "needs", "spread")),
    *(f"tests/support/{name}.py" for name in ("__init__", "patient")),
    "tests/drivers/__init__.py",
)
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(\w+)", re.MULTILINE)


class DoesNotApply(Exception):
    """The code has changed under a bug; `str()` says where."""


@dataclass(frozen=True)
class Mutant:
    """One bug: in the source each `old` becomes `new`."""

    family: Family
    what: str
    changes: tuple[tuple[str, str], ...]

    @property
    def codec(self) -> Path:
        return Path("drivers") / self.family.codec.folder / "codec.py"

    def source(self, tree: Path = ROOT) -> str:
        """The codec with the bug in it. Raises DoesNotApply unless each `old` is there once."""
        text = (tree / self.codec).read_text("utf-8")
        for old, new in self.changes:
            if text.count(old) != 1:
                raise DoesNotApply(f"{self.what}: {old!r} is there {text.count(old)} times")
            text = text.replace(old, new)
        return text


@dataclass(frozen=True)
class Result:
    """`vectors`: how many tests against literals fail; `round_trips`: which others fail too."""

    mutant: Mutant
    vectors: int = 0
    round_trips: tuple[str, ...] = ()
    error: str = ""

    @property
    def found(self) -> bool:
        return self.vectors > 0 and not self.error

    def line(self) -> str:
        said = self.error or (f"{self.vectors} vectors fail" if self.found else "SURVIVED")
        seen = f"; seen by {', '.join(self.round_trips)} too" if self.round_trips else ""
        return f"{self.mutant.family.name}: {self.mutant.what}: {said}{seen}"


def planted(family: Family) -> list[Mutant]:
    """The bugs of one family's codec."""
    told = tomllib.loads((FOLDER / f"{family.name}.toml").read_text("utf-8"))
    return [
        Mutant(family, each["what"], tuple((old, new) for old, new in each["changes"]))
        for each in told["mutant"]
    ]


def tried(mutant: Mutant) -> Result:
    """Run the codec's tests against it."""
    codec = mutant.family.codec
    try:
        source = mutant.source()
    except DoesNotApply as error:
        return Result(mutant, error=str(error))
    with _copied(mutant.family) as tree:
        (tree / mutant.codec).write_text(source, "utf-8")
        done = _pytest(tree, codec.tests, (*codec.vectors, *codec.round_trips))
    if done.returncode not in (0, 1):
        return Result(mutant, error=f"cannot run: {done.stdout[-300:]}")
    failed = _FAILED.findall(done.stdout)
    return Result(
        mutant,
        sum(name in codec.vectors for name in failed),
        tuple(sorted({name for name in failed if name in codec.round_trips})),
    )


def _pytest(tree: Path, tests: str, names: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    nodes = [f"tests/drivers/{tests}::{name}" for name in names]
    command = ["-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *nodes]
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _copied(family: Family) -> Iterator[Path]:
    """What the codec's tests need, gone afterwards."""
    with TemporaryDirectory(prefix="gjurma-mutant-") as folder:
        tree = Path(folder).resolve()
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("drivers", f"tests/vectors/{family.codec.folder}"):
            shutil.copytree(ROOT / name, tree / name, ignore=ignored)
        tests = f"tests/drivers/{family.codec.tests}"
        for name in (*_NEEDED, tests):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
        yield tree


def table(results: list[Result]) -> str:
    """Markdown: the codec, the bug, how many vectors fail, and whether round trips pass."""
    lines = [
        "| Codec | Planted in both halves | Vectors that fail | Round trips |",
        "|--|--|--:|--|",
    ]
    for result in results:
        trips = "fail too" if result.round_trips else "pass"
        vectors = str(result.vectors) if result.found else "survived"
        cells = [result.mutant.family.name, result.mutant.what, vectors, trips]
        lines.append(f"| {' | '.join(escaped(cell) for cell in cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.families.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of families' names; all where none")
    parser.add_argument("--processes", type=int, default=2, help="how many bugs side by side")
    parser.add_argument("--write", action="store_true", help="the table goes into the docs")
    options = parser.parse_args()
    mutants = [
        each for family in chosen(options.names, families()).values() for each in planted(family)
    ]
    results = []
    with ThreadPoolExecutor(options.processes) as pool:
        for result in pool.map(tried, mutants):
            print(result.line(), flush=True)
            results.append(result)
    found = sum(result.found for result in results)
    print(f"{found} of {len(results)} found")
    if options.write:
        renewed(DOCUMENT, BEGIN, END, table(results))
    return 0 if found == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
