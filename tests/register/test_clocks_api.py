"""A gateway's clock against the register's: at enrolment, and by the offset that records carry."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateway.contract.encoding import format_time
from gateway.contract.record import ClockState, Trial
from gateway.contract.signed import SigningKey
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened("watch") as found:
        found.standard()
        yield found


def enroll(centre: Registry, gateway: str, code: str, at: datetime) -> httpx.Response:
    fields = {"public": SigningKey.new().public.hex(), "reason": "new", "at": format_time(at)}
    return centre.http().post("/enroll", json=fields | {"gateway": gateway, "code": code})


@pytest.mark.parametrize("days", [-1, 730])
def test_no_epoch_is_opened_for_a_gateway_whose_clock_is_off(centre: Registry, days: int) -> None:
    code = centre.invite("astray.line")
    now = datetime.now(UTC)
    refused = enroll(centre, "astray.line", code, now + timedelta(days=days))
    assert (refused.status_code, refused.json()["code"]) == (409, "clock-off")
    assert format_time(now + timedelta(days=days)) in refused.json()["detail"]
    assert "Set the gateway's clock" in refused.json()["what_to_do"]
    # The code is not used up by that.
    answer = enroll(centre, "astray.line", code, datetime.now(UTC) + timedelta(seconds=30))
    assert answer.status_code == 200
    assert answer.json()["epoch"] == (1 if days < 0 else 2)


def test_a_stranger_is_told_nothing_of_the_time(centre: Registry) -> None:
    answer = enroll(centre, "astray.line", "AAAAA-BBBBB", datetime.now(UTC) + timedelta(days=9))
    assert (answer.status_code, answer.json()["code"]) == (403, "invitation-invalid")


def test_a_clock_that_is_off_raises_an_alert(centre: Registry) -> None:
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("G-1")
    for minutes, offset_ms in ((0, None), (30, -1_800_000.0)):
        clock = ClockState(synced=True, offset_ms=offset_ms)
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        trial = {"device": "laser", "job": "1", "text": "TEST", "did": "done"}
        seq = peer.journal.write(Trial(**peer.journal.common(at=at, clock=clock, **trial)))
        peer.deliver()
        alerts = centre.get("/api/v1/alerts?rule=clock-off")["items"]
        assert [each["subject"] for each in alerts] == ([] if minutes == 0 else ["gramsh.line-1"])
    facts = centre.get(f"/api/v1/alerts/{alerts[0]['number']}")["facts"]
    record = f"gramsh.line-1/1/{seq}"
    assert facts == {"record": record, "seconds": 1800, "clock_off_seconds": 60.0}
    peer.disconnect()


def test_a_record_of_the_future_without_an_offset_raises_one_too(centre: Registry) -> None:
    peer = Peer(centre, "gramsh.line-2")
    peer.enroll()
    clock, at = ClockState(synced=False), datetime.now(UTC) + timedelta(days=730)
    trial = {"device": "laser", "job": "1", "text": "TEST", "did": "done"}
    peer.journal.write(Trial(**peer.journal.common(at=at, clock=clock, **trial)))
    peer.deliver()
    alerts = centre.get("/api/v1/alerts?rule=clock-off&subject=gramsh.line-2")["items"]
    assert len(alerts) == 1
    peer.disconnect()
