"""Each driver has its row, and what is planted into its codec can still be planted."""

import ast
from pathlib import Path

import pytest

from drivers import catalog
from tests.families import ROOT, Device, Family, devices, families
from tests.families.mutants import BEGIN, END, Result, planted, table
from tests.support.document import put, renewed

FEWEST = 4
every = pytest.mark.parametrize("family", families().values(), ids=families())


def test_every_driver_has_a_row() -> None:
    assert {row.kind for row in devices().values()} == set(catalog.names())
    assert {name: row.name for name, row in devices().items()} == {name: name for name in devices()}


@pytest.mark.parametrize("family", devices().values(), ids=devices())
def test_a_row_says_what_its_driver_is(family: Device) -> None:
    kind = catalog.find(family.kind)
    assert kind.role == family.role
    kind.options.model_validate(family.options)


@every
def test_every_planted_bug_still_applies(family: Family) -> None:
    found = planted(family)
    assert len(found) >= FEWEST
    assert len({mutant.what for mutant in found}) == len(found)
    for mutant in found:
        ast.parse(mutant.source())


@every
def test_the_tests_that_are_named_exist(family: Family) -> None:
    source = (ROOT / "tests" / "drivers" / family.codec.tests).read_text("utf-8")
    there = {each.name for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef)}
    assert family.codec.vectors
    assert family.codec.round_trips
    assert {*family.codec.vectors, *family.codec.round_trips} <= there


def test_a_table_keeps_what_was_not_run(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"a\n\n{BEGIN}\n{END}\nb\n")
    head = "| Codec | x |\n|--|--|"
    renewed(document, BEGIN, END, f"{head}\n| b | 1 |\n| b | 2 |\n| c | 1 |")
    renewed(document, BEGIN, END, f"{head}\n| a | 3 |\n| b | 3 |")
    assert "| a | 3 |\n| b | 3 |\n| c | 1 |\n\n<!--" in document.read_text()


def test_the_table_says_which_survived() -> None:
    first, second = planted(families()["telesis"])[:2]
    lines = table([Result(first, 3), Result(second, round_trips=("x",))]).splitlines()
    assert lines[2].endswith("| 3 | pass |")
    assert lines[3].endswith("| survived | fail too |")
    with pytest.raises(ValueError, match="no place"):
        put(ROOT / "Makefile", BEGIN, END, "")
