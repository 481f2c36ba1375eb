"""The planted bugs: a patch each, and the copies of the tree that they are planted into."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).parent
CODE = ("central", "drivers", "gateway", "tests")
"""The folders that the simulation runs from."""


class DoesNotApply(Exception):
    """The code has changed under a patch; `str()` says where."""


@dataclass(frozen=True)
class Mutant:
    """`NN-name.patch`; its first line says what the bug is, its second which seed finds it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def what(self) -> str:
        return self._comments[0]

    @property
    def seed(self) -> int:
        return int(self._comments[1].removeprefix("Found by seed ").removesuffix("."))

    @property
    def _comments(self) -> list[str]:
        return [line.removeprefix("#").strip() for line in self.path.read_text().splitlines()[:2]]

    def plant(self, tree: Path) -> None:
        """Change a copy of the tree. Raises `DoesNotApply`."""
        self._apply(tree)

    def check(self, tree: Path) -> None:
        """Change nothing. Raises `DoesNotApply`."""
        self._apply(tree, "--check")

    def _apply(self, tree: Path, *options: str) -> None:
        # A ceiling, so that git does not take the copy for a part of some checkout around it.
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "apply", *options, str(self.path)],
            cwd=tree,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DoesNotApply(f"{self.name}: {done.stderr.strip()}")


def mutants() -> list[Mutant]:
    return [Mutant(path) for path in sorted(FOLDER.glob("*.patch"))]


@contextmanager
def copied(tree: Path = ROOT) -> Iterator[Path]:
    """A copy of the code in `tree`, gone afterwards."""
    with TemporaryDirectory(prefix="gjurma-mutant-") as folder:
        copy = Path(folder).resolve()
        for name in CODE:
            ignored = shutil.ignore_patterns("__pycache__", "*.patch")
            shutil.copytree(tree / name, copy / name, ignore=ignored)
        yield copy
