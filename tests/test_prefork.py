"""tests.support.prefork: a fork is what `python -m` would be, to who starts it and to itself."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import prefork
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


def test_it_ends_as_the_program_itself_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = ("reconcile", "--config", "no.toml")
    for width, *arguments in (("80", *missing), ("80", "none"), ("60", "--help"), ("99", "--help")):
        monkeypatch.setenv("COLUMNS", width)
        command = [sys.executable, "-m", "central", *arguments]
        real = subprocess.run(command, capture_output=True, check=False)
        with (tmp_path / "errors").open("wb") as errors:
            forked = prefork.spawn(command, None, errors)
        assert forked.stdout is not None
        with forked.stdout as output:
            assert output.read() == real.stdout
        assert forked.wait(60) == real.returncode
        assert (tmp_path / "errors").read_bytes() == real.stderr


def test_it_lives_where_it_was_asked_for_holds_nothing_of_others_and_ends_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        device = ("device", "zebra-ssi", "--listen", "tcp://127.0.0.1:0", "--state", str(tmp_path))
        own = [sys.executable, "-m", "simulators", *device, "--station", "s"]
        forked = prefork.spawn(own, None, log)
    assert forked.stdout is not None
    with forked.stdout as output:
        assert output.readline().startswith(b"tcp://127.0.0.1:")
    assert forked.poll() is None
    proc = Path(f"/proc/{forked.pid}")
    assert (proc / "cwd").readlink() == tmp_path
    held = [str(each.readlink()) for each in (proc / "fd").iterdir()]
    assert not [each for each in held if each.startswith("anon_inode:[pidfd]")]
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.01)
    forked.send_signal(signal.SIGKILL)
    assert forked.wait(60) == forked.poll() == -signal.SIGKILL
    wait_for("its end", lambda: not proc.exists())
