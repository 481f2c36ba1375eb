"""The real server against its own description: requests that fit it, and requests that do not.

`make api EXAMPLES=200` asks longer than `make test` does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.central import Centre

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("EXAMPLES", "5"))
"""Requests of each kind for each endpoint."""


def ask(centre: Centre, folder: Path, callers: dict[str, str]) -> None:
    """As each of these by name, with their tokens; none of them may see what is another's."""
    users = folder / "users.json"
    headers = {
        name: [{"name": "Authorization", "value": f"Bearer {token}"}]
        for name, token in callers.items()
    }
    users.write_text(
        json.dumps(
            {"auth": [{"name": name, "fixedHeaders": each} for name, each in headers.items()]}
        )
    )
    settings = folder / "schemathesis.toml"
    peers = f"peers = {json.dumps(list(callers))}\n" if len(callers) > 1 else ""
    settings.write_text(
        (HERE / "schemathesis.toml").read_text() + f'\n[auth.wfc]\npath = "{users}"\n{peers}'
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
            *("--no-color", "run", centre.url + "/openapi.json"),
            *("--max-examples", str(EXAMPLES), "--warnings", "off"),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(HERE.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in centre.log("serve")


def test_for_a_registry_officer(centre: Centre, tmp_path: Path) -> None:
    ask(centre, tmp_path, {"officer": centre.token("registry-officer")})


def test_for_two_producers_who_see_nothing_of_each_other(centre: Centre, tmp_path: Path) -> None:
    ask(
        centre,
        tmp_path,
        {entity: centre.token("producer-officer", entity) for entity in ("UMG", "KMP")},
    )


def test_after_all_of_it_the_register_still_follows_from_its_acts(centre: Centre) -> None:
    assert "identical" in centre.run("rebuild")
