"""`gjurma-sim scanner`, as somebody types it; and a server that takes no batches."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from central import problems
from central.api import batches
from simulators.scanner import BATCH
from tests.support.store import Store, symbol


def sim(*arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "simulators", "scanner", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.long
def test_from_the_command_line(store: Store, tmp_path: Path) -> None:
    name = "gramsh.typed-1"
    store.centre.post("/api/v1/devices", {"name": name, "place": "UMG.D1"})
    code = store.centre.post(f"/api/v1/devices/{name}/invite", {})["code"]
    state = ("--state", str(tmp_path))
    address = ("--url", store.centre.url, "--name", name)
    assert sim("enroll", *state, *address, "--code", code) == f"{name}: epoch 1\n"
    assert "invitation-invalid" in sim("enroll", *state, *address, "--code", code, expect=1)
    assert sim("scan", *state, "--purpose", "put-away", "--place", "UMG.D2", symbol(18)) == "2\n"
    assert sim("pack", *state, "--unit", "CRATE-1", symbol(18)) == "3\n"
    assert sim("unpack", *state, "--unit", "CRATE-1", symbol(18)) == "4\n"
    assert sim("send", *state) == "committed 4 of 4\n"
    assert sim("send", *state) == "committed 4 of 4\n"
    query = "SELECT count(*) FROM batch b JOIN stream s ON s.id = b.stream WHERE s.gateway = %s"
    assert store.centre.sql(query, name) == [(1,)]


async def test_a_server_that_takes_no_batches_says_so() -> None:
    app = FastAPI()
    app.state.receipt_key = None
    problems.install(app)
    app.include_router(batches.open_to_all)

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://register") as http:
            return await http.post("/batches", content=b"x", headers={"Content-Type": BATCH})

    answer = await asked()
    assert (answer.status_code, answer.json()["code"]) == (404, "not-enabled")
