"""A shift's report is given to who is signed in, and where the shift was signed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.screen import desk as desks
from gateway.screen.app import create_screen_app
from tests.gateway.desk import new_site, plan
from tests.gateway.test_late_requests import desk_of, put_in_force
from tests.gateway.test_station import Bench, bench, run
from tests.support.line import OPERATOR


@dataclass(frozen=True)
class Later:
    """The `time` module, at another time."""

    at: float

    def monotonic(self) -> float:
        return self.at


HOST = "http://127.0.0.1"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    site = new_site(tmp_path)
    put_in_force(site, plan())
    yield bench(site)
    site.journal.close()


async def test_a_report_is_refused_to_a_stranger(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = httpx.ASGITransport(create_screen_app(desk_of(made)))
    name = made.station.name

    async def asked(web: httpx.AsyncClient, shift: int) -> tuple[int, str]:
        query: dict[str, str | int] = {"shift": shift, "order": "o1"}
        answer = await web.get(f"/api/stations/{name}/report.csv", params=query)
        code = answer.json().get("code", "") if answer.status_code == 409 else ""
        return answer.status_code, code

    async def story() -> None:
        def browser() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=transport, base_url=HOST)

        async with browser() as signer, browser() as stranger:
            await made.marks()
            counted = [{"order": "o1", "good": 1, "aside": 0, "scrapped": 0}]
            body = {"first": 1, "orders": counted, "operator": OPERATOR.credentials()}
            ended = await signer.post(f"/api/stations/{name}/shift-end", json=body)
            assert ended.status_code == 200, ended.text
            shift = ended.json()["record"]

            assert await asked(stranger, shift) == (409, "sign-in-first")
            assert (await asked(signer, shift))[0] == 200
            assert await asked(signer, shift - 1) == (409, "sign-in-first"), "of no other shift"
            begun = await signer.post(
                f"/api/stations/{name}/begin", json={"order": "o1", "cycles": 0}
            )
            assert begun.json()["code"] == "sign-in-first", "it is no session"

            await stranger.post("/api/sign-in", json=OPERATOR.credentials())
            assert (await asked(stranger, shift))[0] == 200
            await stranger.post("/api/sign-out")
            assert await asked(stranger, shift) == (409, "sign-in-first")

            now = time.monotonic()
            monkeypatch.setattr(desks, "time", Later(now + desks.REPORTS_S + 1))
            assert await asked(signer, shift) == (409, "sign-in-first"), "its time is over"

    await run(made, story)
