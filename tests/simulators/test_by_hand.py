"""The session by hand in docs/drivers.md is run as it stands there, and says what it says there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "drivers.md"
_SAID = re.compile(r"^say \S+ +# (\S+)", re.MULTILINE)


@pytest.mark.slow
def test_the_session_by_hand(tmp_path: Path) -> None:
    block = re.search(r"```sh\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    session = block[1].replace("/tmp/", f"{tmp_path}/")
    expected = _SAID.findall(session)
    assert len(expected) == 11
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-m", "-c", session],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PATH": programs},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("^")] == expected
    assert any("18S7A72000000001" in line and "quality 1.00" in line for line in lines)
