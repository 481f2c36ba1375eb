"""The screen over HTTP: who is served, what a browser may do with the page, who may sign in."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from gateway.contract.encoding import parse_time
from gateway.contract.errors import JournalError
from gateway.contract.record import ClockState, Intent
from gateway.latches import Latches
from gateway.screen import desk as desk_module
from gateway.screen.app import HEARTBEAT_S, create_screen_app
from gateway.screen.desk import SCANS, TRIES, Desk
from gateway.screen.protection import HEADERS
from tests.support.line import LEAD, OPERATOR, ORDER, PEOPLE, Line, line, until

BEGIN = "/api/stations/line-1/begin"
NAMED = {"order": ORDER, "cycles": 0}


@contextlib.asynccontextmanager
async def client(
    made: Line, base: str = "http://127.0.0.1:8091", hosts: tuple[str, ...] = ()
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_screen_app(made.desk, hosts))
    async with httpx.AsyncClient(transport=transport, base_url=base) as found:
        yield found


@contextlib.asynccontextmanager
async def run(
    folder: Path, stations: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Line, httpx.AsyncClient]]:
    """A gateway of these stations and its screen; without stations it has no devices."""

    async with line(folder, stations) as made, client(made) as web:
        yield made, web


def code(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


async def test_every_answer_is_protected(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        page = await web.get("/")
        styles = re.findall(r'href="(static/[^"]+\.css)"', page.text)
        assert {"tokens.css", "screen.css"} <= {each.rpartition("/")[2] for each in styles}
        answers = [
            (page, 200),
            *[(await web.get(f"/{style}"), 200) for style in styles],
            (await web.get("/api/state"), 200),
            (await web.get("/nothing"), 404),
            (await web.post("/api/stations/none/begin", json=NAMED), 409),
            (await web.post("/api/sign-in", json={}), 422),
            (await web.get("/", headers={"host": "evil.example"}), 421),
            (await web.post("/api/sign-out", headers={"origin": "http://evil.example"}), 403),
        ]
        for answer, status in answers:
            assert answer.status_code == status, answer.url
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
            assert answer.headers["cache-control"]


def test_the_policy_allows_this_origin_and_nothing_else() -> None:
    policy = dict(
        each.strip().partition(" ")[::2] for each in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    sources = {name: value for name, value in policy.items() if name.endswith("-src")}
    assert set(sources.values()) == {"'none'", "'self'"}


async def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        page = (await web.get("/")).text
        loaded = re.findall(r'(?:src|href)="([^"#]+)"', page)
        assert loaded
        for address in loaded:
            assert address.startswith("static/")
            answer = await web.get(f"/{address}")
            assert answer.status_code == 200
            assert not re.search(r"(https?:)?//(?!www\.w3\.org/)\w+\.\w", answer.text)
        assert not re.search(r"\sstyle=|\son\w+=|<style", page)
        scripts = re.findall(r"<script([^>]*)>", page)
        assert len(scripts) == 2
        assert all("src=" in each or 'type="application/json"' in each for each in scripts)


async def test_a_drawing_is_of_what_was_asked_and_of_nothing_else(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        asked = {"content": "[)>\x1e06\x1d18S5X\x1e\x04", "line": ["5X", "ALB"]}
        drawn = await web.get("/api/drawing.svg", params=asked)
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
        assert re.findall(r">(\w+)</text>", drawn.text) == ["5X", "ALB"]
        for content, status in (("ë", 404), ("9" * 401, 422)):
            answer = await web.get("/api/drawing.svg", params={"content": content})
            assert answer.status_code == status


async def test_files_stay_in_the_browser_until_they_change(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        page = await web.get("/")
        assert page.headers["cache-control"] == "no-cache"
        (script,) = re.findall(r'src="static/([^"]+)"', page.text)
        version, name = script.split("/")
        kept = await web.get(f"/static/{version}/{name}")
        assert "immutable" in kept.headers["cache-control"]
        assert kept.headers["content-type"].startswith("text/javascript")
        for module in re.findall(r'from "\./([^"]+)"', kept.text):
            assert (await web.get(f"/static/{version}/{module}")).status_code == 200
        for address in ("0" * 16 + f"/{name}", f"{version}/page.html", f"{version}/..%2Fdesk.py"):
            assert (await web.get(f"/static/{address}")).status_code == 404
        state = await web.get("/api/state")
        assert state.headers["cache-control"] == "no-store"
        assert state.json()["page"] == version


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1.evil.example:8091"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:8091", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
async def test_a_foreign_page_presses_no_button(tmp_path: Path, headers: dict[str, str]) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):
        await web.post("/api/sign-in", json=OPERATOR.credentials())
        answer = await web.post(BEGIN, json=NAMED, headers=headers)
        assert (answer.status_code, code(answer)) == (403, "foreign-origin")
        assert made.stations["line-1"].cycles == 0
        assert not any(isinstance(each, Intent) for each in made.records())


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://127.0.0.1:8091", "sec-fetch-site": "same-origin"}],
    ids=["a program", "its own page"],
)
async def test_its_own_page_and_programs_press_it(tmp_path: Path, headers: dict[str, str]) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):
        made.parts.load("line-1")
        await web.post("/api/sign-in", json=OPERATOR.credentials(), headers=headers)
        answer = await web.post(BEGIN, json=NAMED, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"cycle": 1})
        await until(lambda: not made.stations["line-1"].busy)
        assert [len(each) for each in made.engraved().values()] == [1]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/api/stream"), ("POST", BEGIN)]
)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1"])
async def test_a_rebound_name_is_refused(tmp_path: Path, method: str, path: str, host: str) -> None:
    async with run(tmp_path) as (_, web):
        headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        answer = await web.request(method, path, headers=headers)
        assert (answer.status_code, code(answer)) == (421, "foreign-host")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8091",
        "10.4.2.17",
        "[::1]:8091",
        "localhost:8091",
        "LINE2.gramsh.local",
        socket.gethostname(),
    ],
)
async def test_the_names_it_is_known_by_are_served(tmp_path: Path, host: str) -> None:
    names = ("line2.gramsh.local",)
    async with line(tmp_path, ()) as made, client(made, hosts=names) as web:
        assert (await web.get("/", headers={"host": host})).status_code == 200


async def test_what_the_journal_does_not_take_is_declined_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):

        def refuse(*_: object) -> None:
            raise JournalError("the disk does not answer")

        monkeypatch.setattr(made.logbook.journal.store, "add", refuse)
        body = {"first": 1, "orders": [], "operator": OPERATOR.credentials()}
        answer = await web.post("/api/stations/line-1/shift-end", json=body)
        assert answer.status_code == 409
        assert answer.json() == {
            "code": "journal",
            "facts": {"detail": "the disk does not answer"},
        }
        assert made.logbook.ledger.station("line-1").shift.first == 1


async def test_a_gateway_whose_journal_cannot_be_opened_still_says_why(tmp_path: Path) -> None:
    latches = Latches.beside(tmp_path / "epoch-0001.db")
    latches.set("journal-corrupt", "record 7 does not hash to its head")
    desk = Desk("gramsh.line-2", 0, "", "sq", latches)
    transport = httpx.ASGITransport(create_screen_app(desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
        assert (await web.get("/")).status_code == 200
        state = (await web.get("/api/state")).json()
        assert [each["latch"] for each in state["latches"]] == ["journal-corrupt"]
        assert state["stations"] == []


@pytest.mark.parametrize(
    ("cookie", "language"), [("", "sq"), ("en", "en"), ("sq", "sq"), ("de", "sq"), ('"><b', "sq")]
)
async def test_the_page_speaks_the_language_of_the_cookie(
    tmp_path: Path, cookie: str, language: str
) -> None:
    async with run(tmp_path) as (_, web):
        headers = {"cookie": f"gjurma_language={cookie}"} if cookie else {}
        page = (await web.get("/", headers=headers)).text
        assert f'<html lang="{language}">' in page
        (texts,) = re.findall(r'id="texts">(.*?)</script>', page, re.DOTALL)
        assert set(json.loads(texts)) == {"sq", "en"}


# -- who may sign in


async def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        answer = await web.post("/api/sign-in", json=OPERATOR.credentials())
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await web.get("/api/state")).json()["signed_in"] == {
            "id": OPERATOR.id,
            "roles": ["operator"],
        }
        await web.post("/api/sign-out")
        assert (await web.get("/api/state")).json()["signed_in"] is None


async def test_signing_out_ends_the_session_for_whoever_copied_its_cookie(tmp_path: Path) -> None:
    async with run(tmp_path, ("line-1",)) as (_, web):
        await web.post("/api/sign-in", json=OPERATOR.credentials())
        copied = {"cookie": f"gjurma_session={web.cookies['gjurma_session']}"}
        await web.post("/api/sign-out")
        assert code(await web.post(BEGIN, json=NAMED, headers=copied)) == "sign-in-first"


async def test_who_signs_a_shift_is_signed_out_wherever_they_were(tmp_path: Path) -> None:
    """Whatever browser the signature came from; whoever else is signed in stays so."""

    async with (
        run(tmp_path, ("line-1",)) as (made, web),
        client(made) as other,
        client(made) as third,
    ):
        for who, where in ((OPERATOR, web), (OPERATOR, other), (LEAD, third)):
            await where.post("/api/sign-in", json=who.credentials())
        body = {"first": 1, "orders": [], "operator": OPERATOR.credentials()}
        async with client(made) as kiosk:
            answer = await kiosk.post("/api/stations/line-1/shift-end", json=body)
            assert answer.status_code == 200
        assert await signed_in(web) is None
        assert await signed_in(other) is None
        assert await signed_in(third) == LEAD.id


async def test_sessions_that_have_ended_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run(tmp_path) as (made, web):
        monkeypatch.setattr(desk_module, "SESSION_S", -1)
        for _ in range(3):
            await web.post("/api/sign-in", json=LEAD.credentials())
        assert len(made.desk._sessions) == 1, "each sign-in sweeps"


async def signed_in(web: httpx.AsyncClient) -> str | None:
    person = (await web.get("/api/state")).json()["signed_in"]
    return None if person is None else str(person["id"])


async def test_what_was_typed_does_not_come_back(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        answer = await web.post("/api/sign-in", json={"badge": 5, "pin": ["4821"]})
        assert (answer.status_code, code(answer)) == (422, "not-valid")
        assert "4821" not in answer.text


async def sign_in(web: httpx.AsyncClient, badge: str, pin: str) -> str:
    answer = await web.post("/api/sign-in", json={"badge": badge, "pin": pin})
    return "in" if answer.status_code == 200 else code(answer)


async def test_a_badge_waits_after_wrong_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run(tmp_path) as (_, web):
        for _ in range(TRIES):
            assert await sign_in(web, OPERATOR.badge, "0000") == "not-known"
        assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "too-many-tries"
        assert await sign_in(web, LEAD.badge, LEAD.pin) == "in"
        monkeypatch.setattr(desk_module, "TRIES_S", 0)
        assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "in"


async def test_a_right_pin_clears_the_wrong_ones(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        for _ in range(3):
            for _ in range(TRIES - 1):
                assert await sign_in(web, OPERATOR.badge, "0000") == "not-known"
            assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "in"


async def test_tries_side_by_side_are_counted_too(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        tries = [sign_in(web, OPERATOR.badge, f"{pin:04}") for pin in range(40)]
        answers = await asyncio.gather(*tries)
        assert sorted(answers) == ["not-known"] * TRIES + ["too-many-tries"] * (40 - TRIES)


async def test_a_session_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):
        monkeypatch.setattr(desk_module, "SESSION_S", 0.3)
        await web.post("/api/sign-in", json=OPERATOR.credentials())
        token = web.cookies["gjurma_session"]
        assert made.desk.session(token) is not None
        await until(lambda: made.desk.session(token) is None)
        assert (await web.get("/api/state")).json()["signed_in"] is None
        assert code(await web.post(BEGIN, json=NAMED)) == "sign-in-first"
        assert made.stations["line-1"].cycles == 0


async def test_an_unsynchronised_clock_ends_no_persons_time(tmp_path: Path) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):
        clock, now = made.logbook.clock, datetime.now(UTC)
        ends = {"until": now + timedelta(hours=1)}
        made.change_plan(people=tuple(each.person().model_copy(update=ends) for each in PEOPLE))
        clock.journalled(now + timedelta(days=730), ClockState(synced=False))
        assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "in"
        clock.sync(now)
        assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "in"
        clock.sync(now + timedelta(hours=1))
        assert await sign_in(web, OPERATOR.badge, OPERATOR.pin) == "not-known"


async def test_the_page_is_told_which_time_counts_for_the_lease(tmp_path: Path) -> None:
    async with run(tmp_path) as (made, web):
        now = datetime.now(UTC)
        made.logbook.clock.sync(now + timedelta(hours=61))
        told = (await web.get("/api/state")).json()
        assert parse_time(told["lease_now"]) >= now + timedelta(hours=61)
        assert told["time_trusted"]


async def test_a_person_whom_the_plan_no_longer_has_is_signed_out(tmp_path: Path) -> None:
    async with run(tmp_path, ("line-1",)) as (made, web):
        await web.post("/api/sign-in", json=OPERATOR.credentials())
        others = tuple(each.person() for each in PEOPLE if each is not OPERATOR)
        made.change_plan(people=others)
        assert (await web.get("/api/state")).json()["signed_in"] is None
        assert code(await web.post(BEGIN, json=NAMED)) == "sign-in-first"


# -- news


async def test_a_change_that_comes_while_another_is_sent_is_told_at_once(tmp_path: Path) -> None:
    async with line(tmp_path, ()) as made:
        told: list[int] = []

        async def send(message: Message) -> None:
            for each in bytes(message.get("body", b"")).decode().splitlines():
                if each.startswith("data:"):
                    told.append(json.loads(each.removeprefix("data:"))["change"])
                    if len(told) < 5:
                        made.desk.changed()

        async def receive() -> Message:
            never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
            return await never

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/stream",
            "raw_path": b"/api/stream",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
        }
        stream = asyncio.create_task(create_screen_app(made.desk)(scope, receive, send))
        try:
            await until(lambda: len(told) == 5, seconds=HEARTBEAT_S / 2)
        finally:
            stream.cancel()
            await asyncio.wait([stream])
        assert told == list(range(told[0], told[0] + 5))


async def test_a_badge_alone_signs_in_and_guesses_lock_nobody_out(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        signed = await web.post("/api/sign-in", json={"badge": OPERATOR.badge})
        assert signed.status_code == 200
        for guess in range(SCANS):
            answer = await web.post("/api/sign-in", json={"badge": f"B-{guess}"})
            assert code(answer) == "badge-not-known"
        # From now on a badge alone is not enough, not even a true one; with its PIN it is.
        for badge in ("B-0", OPERATOR.badge):
            answer = await web.post("/api/sign-in", json={"badge": badge})
            assert code(answer) == "pin-too"
        assert (await web.post("/api/sign-in", json=LEAD.credentials())).status_code == 200


async def test_a_badge_alone_signs_nobody_in_where_the_pin_is_wanted(tmp_path: Path) -> None:
    async with run(tmp_path) as (made, web):
        made.desk.needs_pin = True
        answer = await web.post("/api/sign-in", json={"badge": OPERATOR.badge})
        assert (answer.status_code, code(answer)) == (409, "pin-too")
        assert not answer.cookies
        assert (await web.post("/api/sign-in", json=OPERATOR.credentials())).status_code == 200


async def test_a_badge_alone_settles_nothing(tmp_path: Path) -> None:
    async with run(tmp_path) as (_, web):
        body = {"how": "scrapped", "reason": "x", "witnesses": [{"badge": LEAD.badge}] * 2}
        answer = await web.post("/api/stations/none/settle", json=body)
        assert answer.status_code == 422
