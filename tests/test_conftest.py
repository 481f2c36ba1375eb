"""Tests of skips, which fail as root, of deselection by need, and of the run's budget."""

import json
import os
import re
from pathlib import Path

import pytest

from tests import needs, spread

pytest_plugins = ["pytester"]

SKIPPING = """
import pytest

@pytest.mark.skip(reason="not today")
def test_marked(): pass

def test_called():
    pytest.skip("not today either")

@pytest.fixture
def gone():
    pytest.skip("nothing to stand on")

def test_fixture(gone): pass

def test_stands(): pass
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(test_inner=SKIPPING)
    pytester.makepyfile(
        test_module='import pytest\npytest.skip("none of it", allow_module_level=True)'
    )
    return pytester


def test_as_root_a_skip_fails(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tests = inner.runpytest_inprocess("test_inner.py")
    tests.assert_outcomes(passed=1, failed=1, errors=2)
    assert tests.ret == pytest.ExitCode.TESTS_FAILED
    module = inner.runpytest_inprocess("test_module.py")
    module.assert_outcomes(errors=1)
    assert module.ret == pytest.ExitCode.INTERRUPTED


def test_others_may_skip(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    inner.runpytest_inprocess().assert_outcomes(passed=1, skipped=4)


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ((), []),
        (("--budget=3600",), [r"The run took \d+ s of 3600 s\."]),
        (("--budget=0", "-n1"), [r"The run took \d+ s of 0 s: over budget by \d+ s\."]),
    ],
)
def test_the_controller_reports_the_budget_once(
    inner: pytest.Pytester, options: tuple[str, ...], lines: list[str]
) -> None:
    run = inner.runpytest_inprocess("test_inner.py::test_stands", *options)
    assert run.ret == pytest.ExitCode.OK
    reported = [line for line in run.outlines if line.startswith("The run took")]
    assert len(reported) == len(lines)
    for line, pattern in zip(reported, lines, strict=True):
        assert re.fullmatch(pattern, line)


def test_durations_are_kept_by_file(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spread, "DURATIONS", tmp_path / "durations.json")
    inner.runpytest_inprocess("test_inner.py::test_stands", "--keep-durations")
    assert list(json.loads(spread.DURATIONS.read_text())) == ["test_inner.py"]


def test_what_is_missing_is_named_and_deselected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = needs.Need("needs_anvil", "an anvil", ("no-such-anvil",), ("anvil",))
    present = needs.Need("needs_shell", "a shell", ("sh",), ("dash",))
    monkeypatch.setattr(needs, "NEEDS", (absent, present))
    assert needs.main(["missing"]) == 0
    out, err = capsys.readouterr()
    assert out == " and not needs_anvil\n"
    assert "an anvil" in err
    assert "no-such-anvil" in err
    assert "apt-get install anvil" in err
    assert "shell" not in err


def test_nothing_is_installed_without_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = needs.Need("needs_anvil", "an anvil", ("no-such-anvil",), ("no-such-package",))
    monkeypatch.setattr(needs, "NEEDS", (absent,))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert needs.main(["install"]) == 0
    assert capsys.readouterr().err == ""
