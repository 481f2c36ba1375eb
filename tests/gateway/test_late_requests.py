"""Requests that arrive late or twice: a request acts on what its person saw, or not at all."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.contract.plan import Plan
from gateway.logbook import NOBODY
from gateway.moves import Phase
from gateway.screen.app import create_screen_app
from gateway.screen.desk import Desk
from tests.gateway.desk import Site, plan
from tests.gateway.records import GATEWAY
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


@contextlib.asynccontextmanager
async def page(made: Bench) -> AsyncIterator[httpx.AsyncClient]:
    site = made.site
    desk = Desk(GATEWAY, 1, "1-1", "sq", site.latches, site.logbook, site.permission)
    desk.stations[made.station.name] = made.station
    transport = httpx.ASGITransport(create_screen_app(desk))
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
                answer = await web.post(action, json={"order": named})
                assert (answer.status_code, answer.json()["code"]) == (409, "other-order")
            assert (await web.post(action, json={})).status_code == 422
            assert (made.station.cycles, made.station.running) == (0, None)
            assert site.journal.end == end
            assert (await web.post(action, json={"order": "o1"})).status_code == 200

    await run(made, story)
