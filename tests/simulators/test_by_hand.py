"""The sessions by hand in the docs are run as they stand there, and say what they say there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_DOCS = Path(__file__).parent.parent.parent / "docs"
_SAID = re.compile(r"^say \S+ +# (\S+)", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "replies"), [("drivers.md", 11), ("panasonic-lp.md", 12)])
def test_the_session_by_hand(tmp_path: Path, page: str, replies: int) -> None:
    text = (_DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    session = next(block for block in blocks if "\nsay " in block).replace("/tmp/", f"{tmp_path}/")
    expected = _SAID.findall(session)
    assert len(expected) == replies
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
