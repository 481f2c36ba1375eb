"""Requests that arrive late or twice: a request acts on what its person saw, or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import gateway.__main__ as command
from gateway.agent import _serve_locally
from gateway.contract.plan import Plan
from gateway.local_api import create_local_app
from gateway.logbook import NOBODY
from gateway.moves import Phase
from gateway.screen.app import create_screen_app
from gateway.screen.desk import Desk
from tests.gateway.desk import Site, plan
from tests.gateway.records import GATEWAY
from tests.gateway.test_inspection import wait_for_answers
from tests.gateway.test_station import Bench, bench, run
from tests.support.line import LEAD, OPERATOR, PEOPLE

PEOPLE_OF_PLAN = tuple(each.person() for each in PEOPLE)
SIGNED = {
    "reason": "seen by both",
    "witnesses": [OPERATOR.credentials(), LEAD.credentials()],
}
DECISIONS: list[tuple[Phase, str, dict[str, Any]]] = [
    (Phase.JUDGING, "judge", {"legible": True}),
    (Phase.SET_ASIDE, "acknowledge", {}),
    (Phase.SET_ASIDE, "read-again", {}),
    (Phase.SET_ASIDE, "type", {"content": "what somebody read"}),
    (Phase.SET_ASIDE, "settle", {"how": "accepted", **SIGNED}),
    (Phase.UNKNOWN, "settle", {"how": "accepted", **SIGNED}),
    (Phase.UNKNOWN, "read-again", {}),
    (Phase.UNKNOWN, "unlatch", SIGNED),
]
EACH_DECISION = pytest.mark.parametrize(
    ("phase", "action", "body"), DECISIONS, ids=[f"{p.value} {a}" for p, a, _ in DECISIONS]
)


def put_in_force(site: Site, found: Plan) -> None:
    site.permission.plan = found.model_copy(update={"people": PEOPLE_OF_PLAN})
    site.permission.answered = True


def at(site: Site, phase: Phase) -> Bench:
    """A station whose parts end in that phase."""
    eye = {"mode": "eye", "reason": "a curved surface"}
    put_in_force(site, plan(verify=eye) if phase is Phase.JUDGING else plan())
    made = bench(site)
    made.reader.says = ()
    made.marker.cause = "no end report" if phase is Phase.UNKNOWN else ""
    return made


def desk_of(made: Bench) -> Desk:
    site = made.site
    desk = Desk(GATEWAY, 1, "1-1", "sq", site.latches, site.logbook, site.permission)
    desk.stations[made.station.name] = made.station
    return desk


@contextlib.asynccontextmanager
async def page(made: Bench) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_screen_app(desk_of(made)))
    base = f"http://127.0.0.1/api/stations/{made.station.name}/"
    async with httpx.AsyncClient(transport=transport, base_url=base) as web:
        answer = await web.post("http://127.0.0.1/api/sign-in", json=OPERATOR.credentials())
        assert answer.status_code == 200
        yield web


def test_every_phase_is_asked_everything_that_decides() -> None:
    assert {action for _, action, _ in DECISIONS} == {
        "judge",
        "acknowledge",
        "read-again",
        "type",
        "settle",
        "unlatch",
    }


@EACH_DECISION
async def test_a_decision_that_comes_late_is_not_taken_for_the_next_part(
    site: Site, phase: Phase, action: str, body: dict[str, Any]
) -> None:
    made = at(site, phase)

    async def story() -> None:
        async with page(made) as web:
            await made.marks(phase)
            former = made.open
            if phase is Phase.JUDGING:
                made.station.judge(NOBODY, former, legible=True)
            else:
                made.station.settle(former, "scrapped", "seen by both", ("a", "b"))
            await made.comes_to(Phase.IDLE)
            made.part.contents.clear()

            late = await web.post(action, json={"intent": former, **body})
            assert late.status_code == 409
            assert late.json()["code"] in ("not-in-this-state", "nothing-to-settle")

            await made.marks(phase)
            assert made.open != former
            cycle, end = made.station.cycle, site.journal.end
            late = await web.post(action, json={"intent": former, **body})
            assert (late.status_code, late.json()["code"]) == (409, "other-part")
            assert (await web.post(action, json=body)).status_code == 422
            assert (made.station.cycle, made.station.busy) == (cycle, False)
            assert site.journal.end == end

            answer = await web.post(action, json={"intent": made.open, **body})
            assert answer.status_code == 200, answer.json()

    await run(made, story)


@pytest.mark.parametrize("action", ["begin", "run", "trial"])
async def test_a_request_to_begin_is_of_the_order_that_was_shown(site: Site, action: str) -> None:
    put_in_force(site, plan())
    made = bench(site, start="pedal")

    async def story() -> None:
        async with page(made) as web:
            await made.comes_to(Phase.IDLE)
            end = site.journal.end
            for named in ("o2", None):
                answer = await web.post(action, json={"order": named, "cycles": 0})
                assert (answer.status_code, answer.json()["code"]) == (409, "other-order")
            unnamed: list[dict[str, Any]] = [{}, {"order": "o1"}, {"cycles": 0}]
            for body in unnamed:
                assert (await web.post(action, json=body)).status_code == 422
            assert (made.station.cycles, made.station.running) == (0, None)
            assert site.journal.end == end
            shown = {"order": "o1", "cycles": 0}
            assert (await web.post(action, json=shown)).status_code == 200

    await run(made, story)


@pytest.mark.parametrize("action", ["begin", "run", "trial"])
async def test_a_repeated_request_to_begin_begins_no_other_part(site: Site, action: str) -> None:
    put_in_force(site, plan())
    made = bench(site)

    async def story() -> None:
        async with page(made) as web:
            await made.comes_to(Phase.IDLE)
            named = {"order": "o1", "cycles": 0}
            assert (await web.post("begin", json=named)).status_code == 200
            await made.comes_to(Phase.IDLE)
            made.part.contents.clear()
            end = site.journal.end
            answer = await web.post(action, json=named)
            assert (answer.status_code, answer.json()["code"]) == (409, "other-part")
            assert (made.station.cycles, site.journal.end) == (1, end)
            answer = await web.post(action, json=named | {"cycles": 1})
            assert answer.json().get("code") == ("no-run-here" if action == "run" else None)

    await run(made, story)


@pytest.mark.parametrize("action", ["settle", "unlatch"])
async def test_a_command_shows_the_open_part_and_decides_on_no_other(
    site: Site,
    action: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = at(site, Phase.UNKNOWN)
    monkeypatch.setattr(command, "load", lambda _path: SimpleNamespace(journal=site.folder))
    monkeypatch.setattr(command, "newest_journal", lambda _folder: site.path)
    arguments = [action, "laser", "--reason", "seen", "--pins-from-stdin"]
    arguments += ["--witness", OPERATOR.badge, "--witness", LEAD.badge]
    arguments += ["--how", "scrapped"] if action == "settle" else []

    def decide() -> int:
        pins = StringIO(f"{OPERATOR.pin}\n{LEAD.pin}\n")
        monkeypatch.setattr("sys.stdin", pins)
        return command.main(arguments)

    async def story() -> None:
        await made.comes_to(Phase.IDLE)
        app = create_local_app(desk_of(made), site.journal)
        serving = asyncio.ensure_future(_serve_locally(app, site.path))
        try:
            await asyncio.to_thread(wait_for_answers, site.path)
            assert await asyncio.to_thread(decide) == command.FINDING
            assert "nothing-to-settle" in capsys.readouterr().err

            await made.marks(Phase.UNKNOWN)
            shown = f"record {made.open} is open: 7A720000001"
            assert await asyncio.to_thread(decide) == command.GOOD
            assert shown in capsys.readouterr().err
            await made.comes_to(Phase.IDLE)

            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as web:
                made.part.contents.clear()
                await made.marks(Phase.UNKNOWN)
                body = {"station": "laser", "intent": made.open - 1, "how": "accepted", **SIGNED}
                late = await web.post(f"/{action}", json=body)
                assert (late.status_code, late.json()["code"]) == (409, "other-part")
                del body["intent"]
                assert (await web.post(f"/{action}", json=body)).status_code == 422
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    await run(made, story)
