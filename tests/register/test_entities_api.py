"""Entities and places over HTTP, and how soon a closed one stops marking."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
WHY = {"reason": "inspection 12", "basis": "ligji 1, neni 2"}


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        yield found


@pytest.fixture(scope="module")
def peer(centre: Registry) -> Iterator[Peer]:
    """The standard order's gateway, on a line of its own."""
    for place in (
        {"code": "UMG.GR", "kind": "site", "name": "Gramsh"},
        {"code": "UMG.GR.L1", "kind": "line", "name": "Linja 1", "parent": "UMG.GR"},
        {"code": "UMG.GR.L1.S1", "kind": "station", "name": "Stacioni 1", "parent": "UMG.GR.L1"},
    ):
        centre.post("/api/v1/places", {"entity": "UMG"} | place)
    gateway = {"gateway": "gramsh.line-1", **WHY}
    assert centre.post("/api/v1/places/UMG.GR.L1/gateway", gateway)["gateway"] == "gramsh.line-1"
    found = Peer(centre, "gramsh.line-1")
    found.enroll()
    found.accept("G-1")
    yield found
    found.disconnect()


def reason(peer: Peer) -> str:
    order = peer.plans[-1].order("G-1")
    assert order is not None
    return order.reason


def reaches_the_plan(act: Callable[[], Any], peer: Peer, state: str) -> None:
    act()
    peer.wait_plan("G-1", state)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("entities/UMG", "entity-inactive"),
        ("places/UMG.GR", "place-inactive"),
        ("places/UMG.GR.L1", "place-inactive"),
    ],
)
def test_closing_it_stops_marking(centre: Registry, peer: Peer, path: str, code: str) -> None:
    reaches_the_plan(lambda: centre.post(f"/api/v1/{path}/deactivate", WHY), peer, "suspended")
    assert reason(peer) == code
    line = centre.get("/api/v1/places/UMG.GR.L1")
    assert not line["active"]
    assert (line["state"] == "inactive") is (path == "places/UMG.GR.L1")
    told = centre.get("/api/v1/orders/G-1")
    if code == "entity-inactive":
        assert (told["state"], told["reason"], told["said"]) == ("suspended", code, WHY["reason"])
    else:
        assert told["state"] == "released"  # other gateways go on
    centre.post(f"/api/v1/{path}/deactivate", WHY, expect=409)
    reaches_the_plan(lambda: centre.post(f"/api/v1/{path}/reactivate", WHY), peer, "released")
    assert centre.get("/api/v1/places/UMG.GR.L1")["active"]


def test_a_closed_station_and_another_line_stop_nothing(centre: Registry, peer: Peer) -> None:
    line = {"code": "UMG.GR.L2", "kind": "line", "name": "Linja 2", "parent": "UMG.GR"}
    centre.post("/api/v1/places", {"entity": "UMG"} | line)
    for code in ("UMG.GR.L1.S1", "UMG.GR.L2"):
        centre.post(f"/api/v1/places/{code}/deactivate", WHY)
    order = centre.post("/api/v1/orders/G-1/pause", WHY)
    assert order["state"] == "paused"
    peer.wait_plan("G-1", "held")
    centre.post("/api/v1/orders/G-1/resume", WHY)
    peer.wait_plan("G-1")
    taken = centre.post(
        "/api/v1/places/UMG.GR.L2/gateway", {"gateway": "gramsh.line-1", **WHY}, expect=409
    )
    assert "UMG.GR.L1" in taken["detail"]


def test_a_gateway_that_is_moved_to_a_closed_line_stops(centre: Registry, peer: Peer) -> None:
    def move(line: str, gateway: str | None) -> None:
        centre.post(f"/api/v1/places/{line}/gateway", {"gateway": gateway, **WHY})

    move("UMG.GR.L1", None)
    reaches_the_plan(lambda: move("UMG.GR.L2", peer.gateway), peer, "suspended")
    assert reason(peer) == "place-inactive"
    reaches_the_plan(lambda: move("UMG.GR.L2", None), peer, "released")
    move("UMG.GR.L1", peer.gateway)


def test_an_entity_is_entered_with_all_that_identifies_it(centre: Registry) -> None:
    body = {
        "code": "KMP",
        "name": "Kombinati Mekanik i Poliçanit",
        "kinds": ["producer", "store"],
        "ncage": "A7K1H",
        "tax_number": "K12345678L",
        "gs1_prefix": "53012",
    }
    told = centre.post("/api/v1/entities", body)
    assert {name: told[name] for name in body} == body
    assert (told["state"], told["reason"]) == ("active", "")
    for name in ("ncage", "tax_number", "gs1_prefix"):
        other = {"code": "X", "name": "Other", name: body[name]}
        assert centre.post("/api/v1/entities", other, expect=409)["code"] == "conflict"
    centre.post("/api/v1/entities", {"code": "T", "name": "Trader", "kinds": ["trader"]})
    stores = centre.get("/api/v1/entities?kind=store")["items"]
    assert [each["code"] for each in stores] == ["KMP"]


def test_an_entity_is_amended_by_who_knows_its_version(centre: Registry) -> None:
    centre.post("/api/v1/entities", {"code": "AM", "name": "Before", "ncage": "A7A1H"})
    with centre.client() as officer:
        seen = {"If-Match": officer.get("/api/v1/entities/AM").headers["etag"]}
        body = {"name": "After", "kinds": ["research"], **WHY}
        first = officer.post("/api/v1/entities/AM/amend", json=body, headers=seen)
        late = officer.post("/api/v1/entities/AM/amend", json=body, headers=seen)
    assert (first.status_code, late.status_code) == (200, 412)
    told = first.json()
    assert (told["name"], told["kinds"], told["ncage"]) == ("After", ["research"], None)
    acts = centre.sql("SELECT what, reason, basis FROM act WHERE key = 'AM' ORDER BY id")
    assert acts == [("entered", "", ""), ("amended", WHY["reason"], WHY["basis"])]
    assert centre.post("/api/v1/entities/NONE/amend", body, expect=404)["code"] == "not-found"


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ({"kind": "site", "parent": "UMG.GR"}, 422),
        ({"kind": "line"}, 422),
        ({"kind": "line", "parent": "UMG.GR.L1"}, 422),
        ({"kind": "store", "parent": "UMG.GR.L1.S1"}, 422),
        ({"kind": "store", "parent": "NONE"}, 404),
        ({"kind": "store", "parent": "UMG.GR", "entity": "KMP"}, 422),
        ({"kind": "site", "entity": "NONE"}, 404),
        ({"kind": "site", "code": "UMG.GR"}, 409),
        ({"kind": "hall", "parent": "UMG.GR"}, 422),
        ({"kind": "site", "code": "A/B"}, 422),
        ({"kind": "site", "latitude": 40.8}, 422),
        ({"kind": "site", "latitude": 90.1, "longitude": 20.1}, 422),
        ({"kind": "store", "parent": "UMG.GR", "latitude": 40.8, "longitude": 20.1}, 422),
    ],
)
@pytest.mark.usefixtures("peer")
def test_a_place_that_cannot_stand_there(
    centre: Registry, place: dict[str, str | float], status: int
) -> None:
    body = {"code": "UMG.X", "entity": "UMG", "name": "X"} | place
    centre.post("/api/v1/places", body, expect=status)


@pytest.mark.usefixtures("peer")
def test_places_are_listed_by_where_they_are(centre: Registry) -> None:
    below = centre.get("/api/v1/places?parent=UMG.GR&kind=line")["items"]
    assert [each["code"] for each in below] == ["UMG.GR.L1", "UMG.GR.L2"]
    with centre.client("producer-officer", "KMP") as other:
        assert other.get("/api/v1/places").json()["items"] == []
        assert other.get("/api/v1/places/UMG.GR").status_code == 404


@pytest.mark.usefixtures("peer")
def test_where_a_site_lies(centre: Registry) -> None:
    where = {"latitude": 40.8712345678, "longitude": -0.0}
    named = {"name": "Gramsh", "reason": "surveyed"}
    told = centre.post("/api/v1/places/UMG.GR/amend", named | where)
    assert (told["latitude"], str(told["longitude"])) == (40.871235, "0.0")
    told = centre.post("/api/v1/places/UMG.GR/amend", named | {"name": "Gramshi"})
    assert (told["name"], told["latitude"]) == ("Gramshi", 40.871235), "what is left out stays"
    centre.post("/api/v1/places/UMG.GR.L1/amend", named | where, expect=422)


def test_an_inactive_entity_gets_no_new_place(centre: Registry) -> None:
    centre.post("/api/v1/entities", {"code": "SHUT", "name": "Shut"})
    centre.post("/api/v1/entities/SHUT/deactivate", WHY)
    body = {"code": "SHUT.1", "entity": "SHUT", "kind": "site", "name": "X"}
    assert centre.post("/api/v1/places", body, expect=409)["code"] == "conflict"


def test_it_follows_from_the_acts(centre: Registry, peer: Peer) -> None:
    centre.post("/api/v1/places/UMG.GR/amend", {"name": "Uzina Gramsh", **WHY})
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
