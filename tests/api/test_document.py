"""docs/api.md tells what the code does: its tables are the code's, and its commands run."""

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central.app import interface
from tests.api.document import DOCUMENT, written
from tests.support.central import Centre

_COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def test_its_tables_are_those_of_the_code() -> None:
    document = DOCUMENT.read_text()
    assert written(document) == document, "python -m tests.api.document --write"


def test_each_shape_has_a_name_of_its_own() -> None:
    names = interface().openapi()["components"]["schemas"]
    assert [name for name in names if "__" in name or "-" in name] == []


@pytest.mark.slow
@pytest.mark.needs_curl
def test_its_commands_run_in_their_order(tmp_path: Path) -> None:
    blocks = _COMMANDS.findall(DOCUMENT.read_text())
    with Centre.started("serve") as centre:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
            cwd=tmp_path,
            env=os.environ
            | {
                "REGISTER": centre.url,
                "SETUP_FILE": str(centre.setup_file()),
                "UNTIL": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Nuk u gjet" in done.stdout
        acts = centre.sql("SELECT what FROM act WHERE key = 'PRO-2026-014' ORDER BY id")
    assert acts == [("issued",), ("suspended",)], "the second one was the first one's answer"
