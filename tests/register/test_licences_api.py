"""Licences over HTTP on the real programs, and how soon a running gateway obeys each act."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.crash.site import PRODUCT, Site
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
DAY = timedelta(days=1)
SOON_S = 2.0


def asked(number: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {
        "valid_from": (now - DAY).isoformat(),
        "valid_until": (now + 365 * DAY).isoformat(),
    }
    return {"number": number, "entity": "UMX", **times, **more}


def why_not(site: Site) -> str:
    return str(site.page.why_not or "")


def soon(what: str, condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    wait_for(what, condition)
    took = time.monotonic() - began
    assert took < SOON_S, f"{what}: {took:.2f} s"


def test_each_act_reaches_a_running_gateway_within_two_seconds(
    centre: Registry, site: Site
) -> None:
    def act(name: str, said: str, **body: Any) -> None:
        centre.post(f"/api/v1/licences/L-X/{name}", {"reason": "test", **body})
        soon(f"{name}: {said or 'permission'}", lambda: why_not(site) == said)

    act("suspend", "licence-suspended")
    act("reinstate", "")
    act("amend", "licence-not-covering", products=["ANOTHER"])
    act("amend", "", products=[PRODUCT])
    act("amend", "licence-used-up", quantities=[{"product": PRODUCT, "most": 99_999}])
    act("amend", "", quantities=[{"product": PRODUCT, "most": 100_000}])
    act("amend", "licence-not-covering", activities=["storage", "trade"])
    act("amend", "", activities=["production", "storage"])
    site.mark_good()
    # By the clock, without an act: a suspension's end.
    until = datetime.now(UTC) + timedelta(seconds=3)
    act("suspend", "licence-suspended", until=until.isoformat())
    wait_for("that end", lambda: datetime.now(UTC) >= until)
    soon("the suspension's end", lambda: why_not(site) == "")
    assert centre.get("/api/v1/licences/L-X")["obstacle"] == ""


def test_a_licence_that_begins_and_expires_does_so_within_two_seconds(
    centre: Registry, site: Site
) -> None:
    begins = datetime.now(UTC) - timedelta(seconds=1)
    ends = begins + timedelta(seconds=5)
    body = asked("L-short") | {"valid_from": begins.isoformat(), "valid_until": ends.isoformat()}
    centre.post("/api/v1/licences", body)
    code = "X-short"
    centre.release_order(
        {
            "code": code,
            "product": PRODUCT,
            "quantity": 5,
            "gateways": [site.gateway],
            "job": "1",
            "licence": "L-short",
        }
    )

    def newest() -> Any:
        rows = centre.sql(
            "SELECT body FROM plan WHERE gateway = %s ORDER BY incarnation DESC, version DESC"
            " LIMIT 1",
            site.gateway,
        )
        plan = json.loads(bytes(rows[0][0]).split(b"\n")[0])
        return next((order for order in plan["orders"] if order["id"] == code), {})

    wait_for("the order", lambda: newest().get("state") == "released")
    assert datetime.now(UTC) < ends, "too slow a machine for this licence"
    wait_for("the end", lambda: datetime.now(UTC) >= ends, 30)
    soon("the expiry", lambda: newest()["reason"] == "licence-expired")
    soon("the lease of the other orders", lambda: why_not(site) == "")
    renewed = {"reason": "paid", "valid_until": (ends + DAY).isoformat()}
    told = centre.post("/api/v1/licences/L-short/renew", renewed)
    assert told["obstacle"] == ""
    assert datetime.fromisoformat(told["valid_from"]) > ends
    soon("the renewal", lambda: newest()["state"] == "released")
    assert centre.look(f"/api/v1/orders/{code}").json()["state"] == "released"
    centre.decide("/api/v1/licences/L-short/revoke", {"reason": "over"})
    soon("the revocation", lambda: newest()["reason"] == "licence-revoked")
    told = centre.look(f"/api/v1/orders/{code}").json()
    assert (told["state"], told["reason"], told["said"]) == ("suspended", "licence-revoked", "over")


def test_a_producer_applies_and_the_registry_decides(centre: Registry) -> None:
    body = asked("A-1", categories=["ML1"], conditions=["stored at Gramsh only"])
    with centre.client("producer-officer", "UMX") as producer:
        answer = producer.post("/api/v1/licences/applications", json=body)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["state"], answer.json()["obstacle"]) == ("applied", "licence-missing")
        other = body | {"number": "A-2", "entity": "KMX"}
        refused = producer.post("/api/v1/licences/applications", json=other)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        again = producer.post("/api/v1/licences/applications", json=body)
        assert again.status_code == 409
        assert producer.post("/api/v1/licences/A-1/issue", json={}).status_code == 403
    with centre.client("producer-officer", "KMX") as stranger:
        assert stranger.get("/api/v1/licences/A-1").status_code == 404
        assert stranger.get("/api/v1/licences").json()["items"] == []
    centre.post("/api/v1/licences", asked("A-1"), expect=409)
    centre.post("/api/v1/licences/A-1/suspend", {"reason": "x"}, expect=409)
    found = centre.get("/api/v1/licences/applications")
    assert found == centre.get("/api/v1/licences?state=applied")
    assert [licence["number"] for licence in found["items"]] == ["A-1"]
    order = {"code": "A", "product": PRODUCT, "quantity": 1, "gateways": ["a.line"], "job": "1"}
    centre.post("/api/v1/invitations", {"gateway": "a.line"})
    told = centre.post("/api/v1/orders", order | {"licence": "A-1"}, expect=403)
    assert "licence-missing" in told["detail"]
    ends = datetime.now(UTC) - 2 * DAY
    body = {"valid_until": ends.isoformat()}
    centre.post("/api/v1/licences/A-1/issue", body, expect=422)
    issued = centre.post("/api/v1/licences/A-1/issue", {"products": [PRODUCT], "basis": "dec. 7"})
    assert (issued["state"], issued["products"]) == ("active", [PRODUCT])
    assert issued["conditions"] == ["stored at Gramsh only"]
    centre.post("/api/v1/licences/A-1/refuse", {"reason": "too late"}, expect=409)
    centre.post("/api/v1/licences/applications", asked("A-3"))
    centre.post("/api/v1/licences/A-3/refuse", {"reason": "no such premises"})
    centre.post("/api/v1/licences/A-3/issue", {}, expect=409)


def test_an_order_is_covered_or_refused(centre: Registry) -> None:
    centre.post("/api/v1/invitations", {"gateway": "q.line"})
    limit = [{"product": PRODUCT, "most": 10}]
    centre.post("/api/v1/licences", asked("L-ten", quantities=limit))
    centre.post("/api/v1/licences", asked("L-trade", activities=["trade"]))
    order = {"product": PRODUCT, "gateways": ["q.line"], "job": "1", "licence": "L-ten"}
    centre.release_order(order | {"code": "Q-1", "quantity": 6})
    told = centre.post("/api/v1/orders", order | {"code": "Q-2", "quantity": 5}, expect=403)
    assert (told["code"], "licence-used-up" in told["detail"]) == ("not-licensed", True)
    centre.post(
        "/api/v1/orders", order | {"code": "Q-0", "quantity": 4}
    )  # a draft counts for nothing
    centre.release_order(order | {"code": "Q-3", "quantity": 4})
    told = centre.post("/api/v1/orders/Q-0/release", {"reason": "approved"}, expect=403)
    assert "licence-used-up" in told["detail"]
    more = {"code": "Q-4", "quantity": 1}
    told = centre.post("/api/v1/orders", order | more | {"licence": "L-trade"}, expect=403)
    assert "licence-not-covering" in told["detail"]
    # Amended below what is ordered: the first order is within it, the second is not.
    limit = [{"product": PRODUCT, "most": 6}]
    centre.post("/api/v1/licences/L-ten/amend", {"reason": "decision 9", "quantities": limit})
    states = {code: centre.get(f"/api/v1/orders/{code}")["state"] for code in ("Q-1", "Q-3")}
    assert states == {"Q-1": "released", "Q-3": "suspended"}
    centre.post("/api/v1/licences/L-ten/amend", {"reason": "nothing"}, expect=422)


def test_a_category_is_covered_up_to_its_quantity(centre: Registry) -> None:
    centre.post("/api/v1/invitations", {"gateway": "c.line"})
    for code in ("C-1", "C-2"):
        content = f"[)>\x1e06\x1d17VA7G3H\x1d1P{code}\x1dS{{serial}}\x1e\x04"
        product: dict[str, Any] = {"code": code, "entity": "UMX", "model": code, "category": "ML3"}
        product |= {"components": [{"name": "receiver"}], "template": {"content": content}}
        centre.post("/api/v1/products", product)
        centre.approve(code)
    limit = [{"category": "ML3", "most": 10}]
    centre.post("/api/v1/licences", asked("L-ML3", categories=["ML3"], quantities=limit))
    order = {"gateways": ["c.line"], "job": "1", "licence": "L-ML3"}
    centre.release_order(order | {"code": "C-1", "product": "C-1", "quantity": 6})
    more = order | {"code": "C-2", "product": "C-2", "quantity": 5}
    told = centre.post("/api/v1/orders", more, expect=403)
    assert "licence-used-up" in told["detail"]
    centre.release_order(more | {"quantity": 4})
    told = centre.post("/api/v1/orders", more | {"product": PRODUCT}, expect=403)
    assert "licence-not-covering" in told["detail"]
    limit = [{"category": "ML3", "most": 6}]
    centre.post("/api/v1/licences/L-ML3/amend", {"reason": "decision 9", "quantities": limit})
    states = {code: centre.get(f"/api/v1/orders/{code}")["state"] for code in ("C-1", "C-2")}
    assert states == {"C-1": "released", "C-2": "suspended"}


def test_a_version_that_has_changed_is_not_acted_on(centre: Registry) -> None:
    centre.post("/api/v1/licences", asked("L-old"))
    with centre.client() as officer:
        etag = officer.get("/api/v1/licences/L-old").headers["etag"]
        path, renewal = "/api/v1/licences/L-old/renew", {"reason": "x"}
        renewal["valid_until"] = (datetime.now(UTC) + 800 * DAY).isoformat()
        assert officer.post(path, json=renewal, headers={"If-Match": etag}).status_code == 200
        renewal["valid_until"] = (datetime.now(UTC) + 900 * DAY).isoformat()
        stale = officer.post(path, json=renewal, headers={"If-Match": etag})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale")


def test_the_register_follows_from_the_acts(centre: Registry) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
