"""As root a skipped test fails; and what this machine lacks is deselected by name."""

import os
from pathlib import Path

import pytest

from tests import needs

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
