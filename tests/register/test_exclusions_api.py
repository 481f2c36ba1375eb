"""Nobody who is excluded, or may be, is licensed; and how soon an exclusion stops marking."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
WHY = {"reason": "vendimi 7", "basis": "ligji 1, neni 2"}


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        yield found


@pytest.fixture(scope="module")
def peer(centre: Registry) -> Iterator[Peer]:
    found = Peer(centre, "gramsh.line-1")
    found.enroll()
    found.accept("G-1")
    yield found
    found.disconnect()


def exclude(centre: Registry, number: str, name: str, **more: Any) -> Any:
    body = {"kind": "entity", "ground": "national-security", "legal_basis": "ligji 1", **WHY}
    since = {"valid_from": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    asked = body | since | {"number": number, "name": name} | more
    centre.decide("/api/v1/exclusions", asked)
    return centre.get(f"/api/v1/exclusions/{number}")


def enter(centre: Registry, code: str, name: str, **more: Any) -> None:
    centre.post("/api/v1/entities", {"code": code, "name": name} | more)


def license(centre: Registry, entity: str, *, expect: int | None = None) -> Any:  # noqa: A001
    return centre.add_licence(f"L-{entity}", entity, expect=expect)


def decide(centre: Registry, pair: str, verdict: str, *, expect: int | None = None) -> Any:
    path = f"/api/v1/screenings/{pair}/decide"
    if verdict == "same" and expect is None:
        return centre.decide(path, WHY | {"verdict": verdict})
    return centre.post(path, WHY | {"verdict": verdict}, expect=expect)


def undecided(centre: Registry, **query: str) -> set[str]:
    items = centre.look("/api/v1/screenings", state="undecided", **query).json()["items"]
    return {f"{each['entity']}/{each['exclusion']}" for each in items}


def reaches_the_plan(act: Callable[[], Any], peer: Peer, state: str) -> None:
    act()
    plan = peer.wait_plan("G-1", state)
    order = plan.order("G-1")
    assert order is not None
    assert order.reason == ("entity-excluded" if state == "suspended" else "")


def test_an_excluded_entity_cannot_be_licensed(centre: Registry) -> None:
    exclude(centre, "X-TAX", "Somebody Else", tax_number="k 1111-2222 m")
    exclude(centre, "X-NCAGE", "Another One", ncage="A7X1H")
    enter(centre, "TAX", "Alfa", tax_number="K11112222M")
    enter(centre, "NCAGE", "Beta", ncage="A7X1H")
    for entity in ("TAX", "NCAGE"):
        told = license(centre, entity, expect=403)
        assert told["code"] == "excluded"
        assert entity in told["detail"]
        assert f"X-{entity}" in told["detail"]
    centre.post("/api/v1/exclusions/X-TAX/lift", WHY)
    license(centre, "TAX")
    centre.post("/api/v1/exclusions/X-TAX/lift", WHY, expect=409)


def test_a_name_that_differs_by_e_and_e_needs_a_named_decision(centre: Registry) -> None:
    exclude(centre, "X-MJ", "Uzina e Mjekësit")
    enter(centre, "MJ", "UZINA E MJEKESIT sh.a.")
    told = license(centre, "MJ", expect=409)
    assert told["code"] == "undecided"
    assert "MJ" in told["detail"]
    assert "X-MJ" in told["detail"]
    assert undecided(centre, entity="MJ") == {"MJ/X-MJ"}
    decision = decide(centre, "MJ/X-MJ", "different")
    assert decision["decided_by"] == "registry-officer"
    assert decision["reason"] == WHY["reason"]
    assert undecided(centre, entity="MJ") == set()
    license(centre, "MJ")
    decide(centre, "MJ/X-MJ", "different", expect=409)


def test_who_is_decided_to_be_the_same_is_excluded(centre: Registry) -> None:
    enter(centre, "POL", "Kombinati Mekanik i Poliçanit")
    exclude(centre, "X-POL", "Kombinat Mekanik i Policant")
    assert undecided(centre, exclusion="X-POL") == {"POL/X-POL"}
    assert license(centre, "POL", expect=409)["code"] == "undecided"
    decide(centre, "POL/X-POL", "same")
    assert license(centre, "POL", expect=403)["code"] == "excluded"
    decide(centre, "POL/X-POL", "different")
    license(centre, "POL")


def test_it_is_asked_again_when_a_name_changes_and_only_then(centre: Registry) -> None:
    def rename(name: str, **more: str) -> None:
        body = {"name": name, **WHY} | more
        centre.post("/api/v1/entities/AGAIN/amend", body)

    enter(centre, "AGAIN", "Alba Security")
    exclude(centre, "X-AGAIN", "Alba Securitty")
    decide(centre, "AGAIN/X-AGAIN", "different")
    rename("Alba Security", tax_number="K99998888M")
    assert undecided(centre, entity="AGAIN") == set()
    rename("Alba Securityy")
    assert undecided(centre, entity="AGAIN") == {"AGAIN/X-AGAIN"}
    assert license(centre, "AGAIN", expect=409)["code"] == "undecided"
    decide(centre, "AGAIN/X-AGAIN", "same")
    rename("Entirely Otherwise")
    assert undecided(centre, entity="AGAIN") == {"AGAIN/X-AGAIN"}
    told = license(centre, "AGAIN", expect=403)
    assert told["code"] == "excluded", "a new name alone ends no exclusion"
    decide(centre, "AGAIN/X-AGAIN", "different")
    license(centre, "AGAIN")


def test_a_question_is_dropped_when_the_names_are_no_longer_alike(centre: Registry) -> None:
    enter(centre, "DROP", "Delta Trading")
    exclude(centre, "X-DROP", "Delta Traiding")
    assert undecided(centre, entity="DROP") == {"DROP/X-DROP"}
    for name, left in (("Epsilon", set()), ("Delta Trading", {"DROP/X-DROP"}), ("Epsilon", set())):
        centre.post("/api/v1/entities/DROP/amend", {"name": name, **WHY})
        assert undecided(centre, entity="DROP") == left
    assert centre.get("/api/v1/screenings/DROP/X-DROP")["state"] == "unlike"
    license(centre, "DROP")
    exclude(centre, "X-DROP-2", "Epsilon Ltd")
    assert undecided(centre, entity="DROP") == {"DROP/X-DROP-2"}
    centre.post("/api/v1/exclusions/X-DROP-2/lift", WHY)
    assert undecided(centre, entity="DROP") == set(), "nothing stands any more"
    decide(centre, "DROP/X-DROP-2", "same", expect=409)


def test_an_inactive_entity_cannot_be_licensed(centre: Registry) -> None:
    enter(centre, "SHUT", "Zeta")
    centre.post("/api/v1/entities/SHUT/deactivate", WHY)
    assert license(centre, "SHUT", expect=403)["code"] == "not-licensed"


def test_an_exclusion_that_begins_stops_marking(centre: Registry, peer: Peer) -> None:
    reaches_the_plan(
        lambda: exclude(centre, "X-UMG", "Otherwise Named", ncage="A7G1H"), peer, "suspended"
    )
    told = centre.get("/api/v1/orders/G-1")
    assert (told["state"], told["reason"]) == ("suspended", "entity-excluded")
    order = {"product": "M70", "quantity": 1, "gateways": ["gramsh.line-1"], "job": "J"}
    refused = centre.post("/api/v1/orders", order | {"code": "NO"}, expect=403)
    assert refused["code"] == "excluded"
    with centre.client("producer-officer", "UMG") as producer:
        told = producer.post("/api/v1/orders", json=order | {"code": "NO"}).json()
    assert (told["code"], told["detail"]) == ("excluded", "entity UMG is excluded")
    centre.post("/api/v1/orders/G-1/pause", WHY)
    assert centre.post("/api/v1/orders/G-1/resume", WHY, expect=403)["code"] == "excluded"
    centre.post("/api/v1/exclusions/X-UMG/lift", WHY)
    peer.wait_plan("G-1", "held")
    reaches_the_plan(lambda: centre.post("/api/v1/orders/G-1/resume", WHY), peer, "released")


def test_a_decision_stops_marking(centre: Registry, peer: Peer) -> None:
    exclude(centre, "X-NAME", "Uzina Mekanikë")
    assert undecided(centre, entity="UMG") == {"UMG/X-NAME"}
    order = {"product": "M70", "quantity": 1, "gateways": ["gramsh.line-1"], "job": "J"}
    refused = centre.post("/api/v1/orders", order | {"code": "NO"}, expect=409)
    assert refused["code"] == "undecided"
    assert "X-NAME" in refused["detail"]
    with centre.client("producer-officer", "UMG") as producer:
        told = producer.post("/api/v1/orders", json=order | {"code": "NO"}).json()
    assert (told["code"], "X-NAME" in told["detail"]) == ("undecided", False)
    reaches_the_plan(lambda: decide(centre, "UMG/X-NAME", "same"), peer, "suspended")
    reaches_the_plan(lambda: decide(centre, "UMG/X-NAME", "different"), peer, "released")


def test_amending_either_side_stops_marking(centre: Registry, peer: Peer) -> None:
    told = exclude(centre, "X-AM", "Otherwise", tax_number="K77776666M")
    body = {name: told[name] for name in ("kind", "name", "ground", "legal_basis", "valid_from")}
    uzina = {"name": "Uzina Mekanike", "ncage": "A7G1H", **WHY}

    def amend(entity: str | None, exclusion: str | None) -> None:
        if entity is not None:
            centre.post("/api/v1/entities/UMG/amend", uzina | {"tax_number": entity})
        if exclusion is not None:
            change = {"tax_number": exclusion, **WHY}
            centre.decide("/api/v1/exclusions/X-AM/amend", body | change)

    reaches_the_plan(lambda: amend("K77776666M", None), peer, "suspended")
    reaches_the_plan(lambda: amend(None, "K77776667M"), peer, "released")
    reaches_the_plan(lambda: amend(None, "K77776666M"), peer, "suspended")
    reaches_the_plan(lambda: amend("K77776667M", None), peer, "released")


def test_one_that_is_to_begin_bounds_the_lease_and_stops_marking_by_itself(
    centre: Registry, peer: Peer
) -> None:
    begins = datetime.now(UTC) + timedelta(seconds=4)
    times = {
        "valid_from": begins.isoformat(),
        "valid_until": (begins + timedelta(seconds=3)).isoformat(),
    }
    exclude(centre, "X-LATER", "Otherwise", ncage="A7G1H", **times)
    wait_for("a lease to its begin", lambda: peer.plans[-1].lease_until <= begins)
    assert datetime.now(UTC) < begins
    peer.wait_plan("G-1", "suspended")
    assert timedelta(0) <= datetime.now(UTC) - begins < timedelta(seconds=2)
    peer.wait_plan("G-1", "released")
    assert datetime.now(UTC) - begins < timedelta(seconds=5)


def test_a_producer_sees_nothing_of_it(centre: Registry) -> None:
    with centre.client("producer-officer", "UMG") as producer:
        for path in ("exclusions", "exclusions/X-UMG", "screenings", "screenings/UMG/X-NAME"):
            assert producer.get(f"/api/v1/{path}").status_code == 403, path


def test_it_follows_from_the_acts(centre: Registry) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
