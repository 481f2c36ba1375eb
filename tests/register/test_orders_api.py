"""Orders and the mass balance over HTTP, on the real programs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import TEMPLATE, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
WHY = {"reason": "decided", "basis": "nr. 12"}
LINE = "gramsh.line-1"


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened(block_size=10) as found:
        found.standard(LINE)
        found.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
        yield found


@pytest.fixture(scope="module")
def peer(centre: Registry) -> Iterator[Peer]:
    found = Peer(centre, LINE)
    found.enroll()
    found.accept("G-1")
    yield found
    found.disconnect()


def order(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "product": "M70", "quantity": 20, "gateways": [LINE], "job": "J"} | more


def step(centre: Registry, code: str, what: str, *, expect: int = 200, **more: Any) -> Any:
    return centre.post(f"/api/v1/orders/{code}/{what}", WHY | more, expect=expect)


def in_plan(peer: Peer, code: str) -> Any:
    return peer.plans[-1].order(code) if peer.plans else None


def test_a_draft_is_amended_and_no_gateway_hears_of_it(centre: Registry, peer: Peer) -> None:
    entered = centre.post("/api/v1/orders", order("D-1"))
    assert (entered["state"], entered["licence"]) == ("draft", "L-1")
    assert centre.get("/api/v1/orders/D-1")["state"] == "draft"
    amended = step(centre, "D-1", "amend", quantity=7, lot="XYZ07D006-004")
    assert (amended["quantity"], amended["lot"], amended["job"]) == (7, "XYZ07D006-004", "J")
    assert step(centre, "D-1", "amend", lot=None)["lot"] is None
    step(centre, "D-1", "amend", contents=5, expect=422)
    step(centre, "D-1", "amend", quantity=None, expect=422)
    step(centre, "D-1", "amend", product="NONE", expect=404)
    step(centre, "D-1", "pause", expect=409)
    centre.add_order("D-2", LINE)
    peer.wait_plan("D-2")
    assert in_plan(peer, "D-1") is None
    assert step(centre, "D-1", "cancel")["state"] == "cancelled"
    step(centre, "D-1", "release", expect=409)


def test_an_etag_guards_against_an_amendment_in_between(centre: Registry) -> None:
    centre.post("/api/v1/orders", order("D-3"))
    with centre.client() as officer:
        seen = officer.get("/api/v1/orders/D-3/entry")
        assert seen.json()["members"][0]["name"] == LINE
        step(centre, "D-3", "amend", quantity=8)
        known = {"If-Match": seen.headers["ETag"]}
        response = officer.post("/api/v1/orders/D-3/release", json=WHY, headers=known)
        assert (response.status_code, response.json()["code"]) == (412, "stale")
        known = {"If-Match": officer.get("/api/v1/orders/D-3/entry").headers["ETag"]}
        assert officer.post("/api/v1/orders/D-3/cancel", json=WHY, headers=known).is_success


def test_what_is_asked_before_a_release(centre: Registry) -> None:
    centre.post("/api/v1/orders", order("D-4"))
    centre.post("/api/v1/licences/L-1/suspend", WHY)
    assert step(centre, "D-4", "release", expect=403)["code"] == "not-licensed"
    centre.post("/api/v1/licences/L-1/reinstate", WHY)
    centre.post("/api/v1/entities/UMG/deactivate", WHY)
    assert step(centre, "D-4", "release", expect=403)["code"] == "not-licensed"
    centre.post("/api/v1/entities/UMG/reactivate", WHY)
    assert step(centre, "D-4", "release")["state"] == "released"
    step(centre, "D-4", "release", expect=409)
    assert step(centre, "D-4", "pause")["reason"] == "decided"
    step(centre, "D-4", "release", expect=409)
    assert step(centre, "D-4", "resume")["state"] == "released"


def test_a_producer_drafts_its_own_orders_and_releases_none(centre: Registry) -> None:
    with centre.client("producer-officer", "UMG") as own:
        assert own.post("/api/v1/orders", json=order("P-1")).status_code == 201
        amended = own.post("/api/v1/orders/P-1/amend", json=WHY | {"quantity": 3})
        assert amended.json()["quantity"] == 3
        assert own.post("/api/v1/orders/P-1/release", json=WHY).status_code == 403
    with centre.client("producer-officer", "KMP") as other:
        response = other.post("/api/v1/orders", json=order("P-2"))
        assert (response.status_code, response.json()["code"]) == (404, "not-found")
        for what in ("amend", "cancel"):
            assert other.post(f"/api/v1/orders/P-1/{what}", json=WHY).status_code == 404
        assert other.get("/api/v1/orders/P-1/entry").status_code == 404
        assert other.get("/api/v1/balances").json()["rows"] == []
    assert centre.sql("SELECT 1 FROM orders WHERE code = 'P-2'") == []


def test_limits_bound_what_an_offline_station_may_mark(centre: Registry, peer: Peer) -> None:
    centre.post("/api/v1/orders", order("L-3"))
    limited = step(centre, "L-3", "limits", gateway=LINE, block_size=3, reserve=1)
    assert limited["members"][0]["block_size"] == 3
    step(centre, "L-3", "limits", gateway="no.gateway", block_size=3, expect=409)
    step(centre, "L-3", "release")
    plan = peer.wait_plan("L-3")
    (block,) = [block for block in plan.blocks if block.order == "L-3"]
    assert block.end - block.start + 1 == 3
    assert step(centre, "L-3", "limits", gateway=LINE)["members"][0]["block_size"] is None


def test_imported_goods_carry_country_and_year_in_the_plan(centre: Registry, peer: Peer) -> None:
    lines = ["{serial}", "IMP {import_country} {import_year}"]
    asked = order("I-1", template={"content": TEMPLATE, "lines": lines}, expect=["8001234567890"])
    assert "imported" in centre.post("/api/v1/orders", asked, expect=422)["detail"]
    centre.post("/api/v1/orders", asked | {"imported": {"country": "IT", "year": 2026}})
    step(centre, "I-1", "amend", imported={"country": "BE", "year": 2025})
    step(centre, "I-1", "release")
    peer.wait_plan("I-1")
    assert in_plan(peer, "I-1").template.lines == ("{serial}", "IMP BE 2025")


def test_numbers_void_after_six_months_and_those_of_a_closed_order(
    centre: Registry, peer: Peer
) -> None:
    peer.accept("G-1")
    before = centre.get("/api/v1/orders/G-1")["balance"]
    assert (before["issued"], before["unused"]) == (10, 10)
    # The programs give a block its plan's time; here both are made old together.
    centre.sql("UPDATE plan SET signed = signed - interval '184 days'")
    centre.sql("UPDATE block SET issued = issued - interval '184 days' WHERE order_code = 'G-1'")
    step(centre, "G-1", "pause")
    step(centre, "G-1", "resume")
    wait_for("its end", lambda: centre.sql("SELECT 1 FROM voided_block WHERE cause = 'expired'"))
    old = peer.plan
    assert old is not None
    first = next(block for block in old.blocks if block.order == "G-1")
    fresh = wait_for(
        "new numbers",
        lambda: [b for p in peer.plans[-1:] for b in p.blocks if b.order == "G-1" and b != first],
    )
    assert first not in fresh
    peer.good(1)  # under the older plan, which it still stands on
    peer.deliver()
    assert centre.sql("SELECT count(*) FROM refusal") == [(0,)]
    balance = centre.get("/api/v1/orders/G-1")["balance"]
    assert (balance["good"], balance["voided"], balance["unused"]) == (1, 9, 10)
    act = centre.sql("SELECT key, what, account FROM act WHERE subject = 'block'")
    assert act == [(first.id, "expired", "plan")]
    peer.accept("G-1")
    peer.journal.marked(peer.intent(1), "unknown")
    peer.deliver()
    step(centre, "G-1", "complete")
    step(centre, "G-1", "limits", gateway=LINE, block_size=5, expect=409)
    step(centre, "G-1", "close")
    wait_for("its close", lambda: centre.sql("SELECT 1 FROM voided_block WHERE cause = 'closed'"))
    told = centre.get("/api/v1/orders/G-1")
    terms = {name: told["balance"][name] for name in ("good", "unknown", "voided", "unused")}
    assert terms == {"good": 1, "unknown": 1, "voided": 18, "unused": 0}
    assert (told["state"], told["unaccounted"]) == ("closed", 0)
    step(centre, "G-1", "resume", expect=409)


def test_the_balance_is_that_of_reconcile(centre: Registry) -> None:
    told = centre.reconcile()
    for by in ("order", "gateway"):
        answer = centre.get(f"/api/v1/balances?by={by}")
        rows = {row.pop("key"): row for row in answer["rows"]}
        theirs = {each.pop(by): each for each in told[f"{by}s"]}
        assert rows
        for key, row in rows.items():
            assert row["unaccounted"] == len(theirs[key].pop("unaccounted")) == 0
            assert theirs[key].pop("disputed") == []
            assert (theirs[key].pop("missing"), theirs[key].pop("engraved")) == (0, [])
            assert {name: row[name] for name in theirs[key]} == theirs[key], key
        assert all(not each["issued"] for key, each in theirs.items() if key not in rows)
    (producer,) = centre.get("/api/v1/balances?by=producer")["rows"]
    gateways = centre.get("/api/v1/balances?by=gateway")["rows"]
    assert producer["key"] == "UMG"
    assert producer["issued"] == sum(row["issued"] for row in gateways)


def test_a_period_is_of_what_was_issued_or_marked_in_it(centre: Registry) -> None:
    def rows(by: str, **period: datetime) -> Any:
        query = {name: at.isoformat() for name, at in period.items()}
        response = centre.look("/api/v1/balances", by=by, **query)
        assert response.status_code == 200, response.text
        return response.json()["rows"]

    now = datetime.now(UTC)
    old = rows("order", until=now - timedelta(days=1))
    assert [(row["key"], row["issued"], row["good"]) for row in old] == [("G-1", 10, 1)]
    since = {row["key"]: row["issued"] for row in rows("order", **{"from": now - timedelta(1)})}
    assert since["G-1"] == 10
    (station,) = rows("station")
    assert station["key"] == f"{LINE}/station-1"
    assert (station["spent"], station["good"], station["unknown"]) == (2, 1, 1)
    assert rows("station", until=now - timedelta(hours=1)) == []
    assert centre.look("/api/v1/balances", by="shift").status_code == 422
    assert centre.look("/api/v1/balances", **{"from": "2026-01-01T00:00:00"}).status_code == 422
    assert centre.look("/api/v1/balances", until="0.5").status_code == 422
    with centre.client("producer-officer", "UMG") as own:
        assert own.get("/api/v1/balances?by=station").json()["rows"] == [station]


def test_it_is_rebuilt(centre: Registry, peer: Peer) -> None:
    peer.disconnect()
    centre.stop("plan")
    # Those that were made old: the plans gave them a time that is not theirs any more.
    centre.sql(
        "UPDATE plan SET signed = signed + interval '184 days' WHERE signed < now() - "
        "interval '100 days'"
    )
    centre.sql(
        "UPDATE block SET issued = issued + interval '184 days' WHERE order_code = 'G-1' "
        "AND issued < now() - interval '100 days'"
    )
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
