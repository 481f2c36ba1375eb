"""The real server against its own description: requests that fit it, and requests that do not.

`make long` sends a valid request to each endpoint, and follows the links from response to request.
`make api` sends more, and invalid requests too: some minutes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.access.roles import RIGHTS, Right, Role
from central.api.description import operations
from tests.api.conftest import two_entities
from tests.support.central import Centre

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
"""Requests of each kind for each endpoint; `make api` says how many."""
WELL_FORMED = "examples,fuzzing,stateful"
ALL = f"{WELL_FORMED},coverage" if EXAMPLES else WELL_FORMED
"""One role sends malformed requests: they are refused before their caller is known."""


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    """A real server: the requests come from a process of their own."""
    with Centre.started("serve") as found:
        two_entities(found)
        yield found


def ask(centre: Centre, folder: Path, role: Role, *entities: str | None, phases: str) -> None:
    """All that a role has a right to, for each entity; none may see what is another's.

    What it has no right to is asked in tests/access/test_roles.py.
    """
    callers = {str(entity): centre.token(role, entity) for entity in entities}
    described = folder / "openapi.json"
    described.write_text(
        json.dumps(_within(httpx.get(centre.url + "/openapi.json", timeout=60).json(), role))
    )
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
            *("--no-color", "run", str(described), "--url", centre.url),
            *("--max-examples", str(EXAMPLES or 1), "--warnings", "off", "--phases", phases),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(HERE.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in centre.log("serve")


def _within(description: dict[str, Any], role: Role) -> dict[str, Any]:
    """What it says of addresses where the role can do anything, or everybody can."""
    reached = {
        path
        for path, _, operation in operations(description)
        if "x-right" not in operation or role in RIGHTS[Right(operation["x-right"])]
    }
    paths = {path: told for path, told in description["paths"].items() if path in reached}
    return description | {"paths": paths}


def test_for_a_registry_officer(centre: Centre, tmp_path: Path) -> None:
    ask(centre, tmp_path, Role.REGISTRY_OFFICER, None, phases=ALL)


def test_for_two_producers_who_see_nothing_of_each_other(centre: Centre, tmp_path: Path) -> None:
    ask(centre, tmp_path, Role.PRODUCER_OFFICER, "UMG", "KMP", phases=WELL_FORMED)


def test_after_all_of_it_the_register_still_follows_from_its_acts(centre: Centre) -> None:
    assert "identical" in centre.run("rebuild")
