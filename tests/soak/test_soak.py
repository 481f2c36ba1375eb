"""A soak that is ended before its time leaves nothing on the machine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.e2e.demo import running_in
from tests.support.wait import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.own,
    pytest.mark.needs_mosquitto,
    pytest.mark.needs_postgres_server,
]


def begin(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak", "--gateways", "2", "--seed", "1", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
    )


@pytest.fixture
def folder() -> Path:
    # Not pytest's: the servers' own users have to reach it.
    made = Path(tempfile.mkdtemp(prefix="gjurma-t-"))
    made.chmod(0o711)
    return made


def test_a_short_soak_counts_and_leaves_nothing(folder: Path) -> None:
    output, errors = begin(folder, "--minutes", "0.2").communicate(timeout=400)
    first, *summary = output.splitlines()
    told = json.loads(first)
    assert any("played" in line for line in summary)
    assert (told["lost"], told["doubled"], told["unaccounted"]) == (0, 0, 0), errors
    assert told["engraved"] >= 2, errors
    assert told["seed"] == 1
    assert running_in(folder) == {}
    if not list(folder.iterdir()):
        folder.rmdir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_before_its_time_it_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    soak = begin(folder, "--minutes", "10")
    try:
        wait_for("the lines to mark", lambda: list(folder.glob("*/lines/*/marker.ctl")), 120)
        soak.send_signal(number)
        output, errors = soak.communicate(timeout=120)
    finally:
        soak.kill()
    assert (soak.returncode, output) == (1, ""), errors
    assert running_in(folder) == {}
    assert "gjurma-t-" not in Path("/proc/mounts").read_text()
    assert list(folder.iterdir()) == [], errors
    folder.rmdir()
