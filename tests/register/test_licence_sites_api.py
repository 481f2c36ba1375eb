"""A licence that names sites binds the gateways to them: at entry, at release, and in the plans."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
WHY = {"reason": "moved", "basis": "decision 12"}
LINES = {"UMG.GR.L1": "gramsh.line-1", "UMG.GR.L2": "gramsh.line-2", "UMG.PO.L1": None}


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    """Two sites of UMG, one of KMP; two gateways at Gramsh, and one on no line."""
    with Register.opened() as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
        for invited in ("gramsh.line-2", "no.line"):
            found.post("/api/v1/invitations", {"gateway": invited})
        for code in ("UMG.GR", "UMG.PO", "KMP.PO"):
            add_place(found, code, "site")
        for line, gateway in LINES.items():
            add_place(found, line, "line", line.rpartition(".")[0])
            if gateway is not None:
                move(found, line, gateway)
        yield found


@pytest.fixture
def unbound(centre: Registry) -> Iterator[None]:
    yield
    amend(centre, sites=[])


def add_place(centre: Registry, code: str, kind: str, parent: str | None = None) -> None:
    body = {"code": code, "kind": kind, "entity": code[:3], "name": code, "parent": parent}
    centre.post("/api/v1/places", body)


def move(centre: Registry, line: str, gateway: str | None) -> None:
    centre.post(f"/api/v1/places/{line}/gateway", {"gateway": gateway, **WHY})


def amend(centre: Registry, expect: int | None = None, **terms: Any) -> Any:
    return centre.post("/api/v1/licences/L-1/amend", WHY | terms, expect=expect)


def licence(number: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {
        "valid_from": (now - timedelta(days=1)).isoformat(),
        "valid_until": (now + timedelta(days=30)).isoformat(),
    }
    return {"number": number, "entity": "UMG", **times, **more}


def order(code: str, *gateways: str, **more: Any) -> dict[str, Any]:
    body = {"code": code, "product": "M70", "quantity": 1, "gateways": gateways, "job": "J"}
    return body | {"licence": "L-1"} | more


# --- what may be named ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "status", "code"),
    [
        ("NONE", 404, "not-found"),
        ("KMP.PO", 422, "refused"),
        ("UMG.GR.L1", 422, "refused"),
    ],
)
def test_a_site_is_a_place_of_that_kind_of_the_entitys(
    centre: Registry, site: str, status: int, code: str
) -> None:
    def refused(path: str, body: dict[str, Any]) -> None:
        told = centre.post(f"/api/v1/licences{path}", body, expect=status)
        assert told["code"] == code
        assert site in told["detail"]

    named = {"sites": ["UMG.GR", site]}
    number = f"A-{site}"
    refused("", licence("L-9", **named))
    refused("/applications", licence("L-9", **named))
    centre.post("/api/v1/licences/applications", licence(number, sites=["UMG.GR"]))
    refused(f"/{number}/issue", named)
    centre.post(f"/api/v1/licences/{number}/issue", {})
    refused(f"/{number}/amend", WHY | named)
    assert centre.get(f"/api/v1/licences/{number}")["sites"] == ["UMG.GR"]
    # Named before sites were looked up: it is amended first, and renewed then.
    centre.sql("UPDATE licence SET sites = %s WHERE number = %s", named["sites"], number)
    renewal = WHY | {"valid_until": (datetime.now(UTC) + timedelta(days=90)).isoformat()}
    refused(f"/{number}/renew", renewal)
    centre.post(f"/api/v1/licences/{number}/amend", WHY | {"sites": ["UMG.GR", "UMG.PO"]})
    centre.post(f"/api/v1/licences/{number}/renew", renewal)
    centre.decide(f"/api/v1/licences/{number}/revoke", WHY)
    assert centre.look("/api/v1/licences/L-9").status_code == 404


def test_a_producer_does_not_learn_which_places_others_have(centre: Registry) -> None:
    with centre.client("producer-officer", "UMG") as producer:
        answers = [
            producer.post("/api/v1/licences/applications", json=licence("L-9", sites=[site]))
            for site in ("KMP.PO", "NONE")
        ]
    assert [each.status_code for each in answers] == [404, 404]
    details = [each.json()["detail"] for each in answers]
    assert details[0].replace("KMP.PO", "NONE") == details[1]


@pytest.mark.parametrize(
    ("site", "status"),
    [("NONE", 404), ("KMP.PO", 422), ("UMG.GR", 201), ("UMG.GR.L1", 201), (None, 201)],
)
def test_an_inspection_is_of_a_place_of_the_entitys(
    centre: Registry, site: str | None, status: int
) -> None:
    body = {
        "number": f"I-{site}",
        "entity": "UMG",
        "site": site,
        "kind": "planned",
        "planned_for": datetime.now(UTC).isoformat(),
        "inspectors": ["Arben Hoxha"],
    }
    with centre.client("inspector") as inspector:
        answer = inspector.post("/api/v1/inspections", json=body)
    assert answer.status_code == status, answer.text


# --- what it covers -------------------------------------------------------------------------


@pytest.mark.usefixtures("unbound")
def test_an_order_is_covered_at_gateways_on_these_sites_only(centre: Registry) -> None:
    centre.post("/api/v1/orders", order("S-1", "gramsh.line-1", "no.line"))
    amend(centre, sites=["UMG.GR"])
    told = centre.post("/api/v1/orders/S-1/release", WHY, expect=403)
    assert told["code"] == "not-licensed"
    assert "licence-not-covering at no.line" in told["detail"]
    assert "gramsh.line-1" not in told["detail"]
    told = centre.post("/api/v1/orders", order("S-2", "no.line"), expect=403)
    assert "licence-not-covering at no.line" in told["detail"]
    centre.release_order(order("S-2", "gramsh.line-1", "gramsh.line-2"))
    amend(centre, sites=["UMG.PO"])
    told = centre.post("/api/v1/orders", order("S-3", "gramsh.line-2"), expect=403)
    assert "licence-not-covering at gramsh.line-2" in told["detail"]
    # Another licence covers it, where none is asked for by name.
    centre.post("/api/v1/licences", licence("L-GR", sites=["UMG.GR"]))
    entered = centre.post("/api/v1/orders", order("S-3", "gramsh.line-2", licence=None))
    assert entered["licence"] == "L-GR"
    centre.decide("/api/v1/licences/L-GR/revoke", WHY)


@pytest.mark.usefixtures("unbound")
def test_a_gateway_that_is_moved_stops_or_goes_on(centre: Registry) -> None:
    centre.release_order(order("S-9", "gramsh.line-1", "gramsh.line-2", quantity=50))
    peers = [Peer(centre, name) for name in ("gramsh.line-1", "gramsh.line-2")]
    for peer in peers:
        peer.enroll()
        peer.accept("S-9")
    moved, stays = peers

    def told(peer: Peer) -> tuple[str, str]:
        found = peer.plans[-1].order("S-9")
        assert found is not None
        return found.state, found.reason

    def soon(act: Callable[[], Any], state: str, reason: str) -> None:
        act()
        centre.settle()
        assert told(moved) == (state, reason)
        assert told(stays) == ("released", "")
        seen = centre.get("/api/v1/orders/S-9")
        assert (seen["state"], seen["reason"]) == ("released", "")
        assert [(each["gateway"], each["obstacle"]) for each in seen["at"]] == [
            (moved.gateway, reason),
            (stays.gateway, ""),
        ]

    def moving(here: str, there: str) -> None:
        move(centre, here, None)
        move(centre, there, moved.gateway)

    amend(centre, sites=["UMG.GR"])
    covered, not_covered = ("released", ""), ("suspended", "licence-not-covering")
    soon(lambda: moving("UMG.GR.L1", "UMG.PO.L1"), *not_covered)
    soon(lambda: amend(centre, sites=["UMG.GR", "UMG.PO"]), *covered)
    soon(lambda: amend(centre, sites=["UMG.GR"]), *not_covered)
    soon(lambda: moving("UMG.PO.L1", "UMG.GR.L1"), *covered)
    soon(lambda: move(centre, "UMG.GR.L1", None), *not_covered)
    soon(lambda: move(centre, "UMG.GR.L1", moved.gateway), *covered)
    soon(
        lambda: centre.post("/api/v1/places/UMG.GR.L1/deactivate", WHY),
        *("suspended", "place-inactive"),
    )
    soon(lambda: centre.post("/api/v1/places/UMG.GR.L1/reactivate", WHY), *covered)
    for peer in peers:
        peer.disconnect()


def test_what_stands_against_an_order_everywhere_stands_at_each_of_its_gateways(
    centre: Registry,
) -> None:
    centre.post("/api/v1/orders", order("S-D", "gramsh.line-1", "gramsh.line-2"))
    centre.post("/api/v1/licences/L-1/suspend", {"reason": "inspection 12"})
    draft, released = (
        next(each for each in centre.get("/api/v1/orders")["items"] if each["code"] == code)
        for code in ("S-D", "G-1")
    )
    found = {"obstacle": "licence-suspended", "said": "inspection 12"}
    assert (draft["state"], draft["reason"]) == ("draft", "")
    assert draft["at"] == [{"gateway": name} | found for name in ("gramsh.line-1", "gramsh.line-2")]
    assert (released["state"], released["at"]) == (
        "suspended",
        [{"gateway": "gramsh.line-1"} | found],
    )
    centre.post("/api/v1/licences/L-1/reinstate", {"reason": "mended"})
    centre.post("/api/v1/places/UMG.GR/deactivate", {"reason": "flooded"})
    seen = centre.get("/api/v1/orders/S-D")["at"]
    assert [each["obstacle"] for each in seen] == ["place-inactive"] * 2
    assert centre.get("/api/v1/orders/G-1")["state"] == "released"
    centre.post("/api/v1/places/UMG.GR/reactivate", {"reason": "dry"})
    assert {each["obstacle"] for each in centre.get("/api/v1/orders/S-D")["at"]} == {""}


def test_it_follows_from_the_acts(centre: Registry) -> None:
    assert json.loads(centre.run("rebuild", "--json"))["identical"]
