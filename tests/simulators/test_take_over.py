"""The demo's operator takes a line back from somebody who tried it by hand, as it was left."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from gateway.contract.plan import Verify
from gateway.contract.record import Settled, Unlatched
from gateway.moves import Phase
from simulators.demo import people, shift
from simulators.demo.processes import Child
from tests.support.line import LEAD, OPERATOR, ORDER, Badge, Line, line, order, served

STATION = "laser"
TRIED = "UP-2026-015"
ASKS = Verify(mode="each", first_piece="approved-by-second")
Back = Callable[[shift.Line], Awaitable[object]]
pytestmark = pytest.mark.slow  # real wires and simulated devices, some seconds of each


def demo_line(made: Line, url: str) -> shift.Line:
    """As the demo has it, but that nothing has to be killed."""
    known = [people.Person(p.id, p.badge, p.pin, p.roles) for p in (OPERATOR, LEAD)]
    return shift.Line(
        gateway=made.desk.gateway,
        station=STATION,
        operator=people.Operator(url, STATION, known),
        agent=Child("gateway", [], Path("/dev/null")),
        marker=Path("/dev/null"),
        readers=(Path("/dev/null"),),
        parts=made.parts,
        order=ORDER,
    )


async def taken_over(back: shift.Line) -> None:
    await back.take_over()
    await back.choose_own_order()


@pytest.mark.parametrize("takes_back", [taken_over, shift.Line.begun], ids=["handed", "met"])
@pytest.mark.parametrize("marked_by", [OPERATOR, LEAD], ids=["operator", "lead"])
async def test_a_first_piece_that_waits_is_seen_to(
    tmp_path: Path, marked_by: Badge, takes_back: Back
) -> None:
    """The lead approves it; where they had it marked themselves nobody may, and it is scrap."""
    orders = (order(), order(TRIED, verify=ASKS))
    async with line(tmp_path, (STATION,), orders=orders) as made, served(made) as url:
        async with httpx.AsyncClient(base_url=url) as web:
            await web.post("/api/sign-in", json=marked_by.credentials())
            for act, body in (
                ("order", {"order": TRIED}),
                ("begin", {"order": TRIED, "cycles": 0}),
            ):
                made.parts.load(STATION)
                answer = await web.post(f"/api/stations/{STATION}/{act}", json=body)
                assert answer.status_code == 200
        await made.reach(Phase.IDLE, STATION)
        held = made.logbook.ledger.station(STATION)
        assert held.held is not None

        back = demo_line(made, url)
        await back.operator.start()
        try:
            await takes_back(back)
            assert held.held is None
            assert not await back.begun(), "the next weapon may be marked"
        finally:
            await back.operator.stop()
        said = [each for each in made.records() if isinstance(each, Unlatched | Settled)]
        names = (LEAD.id,) if marked_by is OPERATOR else (OPERATOR.id, LEAD.id)
        kind = Unlatched if marked_by is OPERATOR else Settled
        assert [(type(each), each.witnesses) for each in said] == [(kind, names)]
