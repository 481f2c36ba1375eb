"""The table of `make coverage`: statements of each package, and how many of them the tests ran.

    python -m tests.coverage_table

Reads the combined data that `[tool.coverage.run]` in pyproject.toml names. A top-level package
contains its second-level packages.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parent.parent


def packages_of(file: Path) -> list[str]:
    """Return the packages that a file counts for, such as `drivers` and `drivers.telesis`."""
    folders = file.parent.parts[:2]
    return [".".join(folders[: depth + 1]) for depth in range(len(folders))]


def summarise(files: Mapping[Path, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Add up statements and covered statements of each file, package by package, and of all."""
    packages: dict[str, tuple[int, int]] = {}
    for file, (statements, covered) in files.items():
        for package in [*packages_of(file), "total"]:
            before = packages.get(package, (0, 0))
            packages[package] = before[0] + statements, before[1] + covered
    total = packages.pop("total", (0, 0))
    return dict(sorted(packages.items())) | {"total": total}


def measured() -> dict[Path, tuple[int, int]]:
    """Return statements and covered statements of each file, by its path inside the checkout."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    files = {}
    for name in coverage.get_data().measured_files():
        _, statements, _, missing, _ = coverage.analysis2(name)
        covered = len(statements) - len(missing)
        files[Path(name).relative_to(ROOT)] = len(statements), covered
    return files


def table(packages: Mapping[str, tuple[int, int]]) -> Iterable[str]:
    yield f"{'package':<32} {'statements':>10} {'covered':>8} {'percent':>7}"
    for package, (statements, covered) in packages.items():
        percent = 100 * covered / statements if statements else 100.0
        yield f"{package:<32} {statements:>10} {covered:>8} {percent:>7.1f}"


if __name__ == "__main__":
    print("\n".join(table(summarise(measured()))))
