"""A weapon's whole life on one page: marked, its barrel exchanged, exported, seen again at home."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.register.telling import Told, accept, flags
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import TEMPLATE, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
ABROAD = {"name": "Ministria e Mbrojtjes, Roma", "country": "IT"}


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def marked(centre: Registry) -> tuple[list[str], str]:
    """Two weapons of receiver and barrel, each marked twice, and a spare barrel: their UIIs."""
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("G-1")
    assert peer.plan is not None
    for index in (1, 2):
        receiver = peer.good(index)
        barrel = peer.intent(index, "barrel", repeat=receiver)
        peer.journal.marked(barrel)
        peer.journal.verified(barrel)
    peer.accept("B-1")
    peer.good(1)
    peer.deliver()
    peer.disconnect()
    uiis = [
        [item["uii"] for item in centre.get(f"/api/v1/items?order={order}")["items"]]
        for order in ("G-1", "B-1")
    ]
    return uiis[0], uiis[1][0]


def spare_barrels(centre: Registry) -> None:
    """A product of its own, and an order of it."""
    template = {
        "content": TEMPLATE.replace("1PM70", "1PM70B"),
        "lines": ["{serial}"],
        "serial_prefix": "B",
        "serial_digits": 6,
    }
    centre.post(
        "/api/v1/products",
        {
            "code": "M70B",
            "entity": "UMG",
            "model": "M70 barrel",
            "components": [{"name": "barrel", "symbol": "BARREL"}],
            "template": template,
        },
    )
    centre.approve("M70B")
    order = {"code": "B-1", "product": "M70B", "quantity": 10, "gateways": ["gramsh.line-1"]}
    centre.release_order(order | {"job": "JOB-2"})


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened("watch") as found:
        found.standard(components=("receiver", "barrel"))
        spare_barrels(found)
        found.post("/api/v1/entities", {"code": "REP", "name": "Riparimi"})
        for code, entity in (("UMG.GR", "UMG"), ("REP.1", "REP")):
            site = {"code": code, "name": code, "kind": "site", "entity": entity}
            found.post("/api/v1/places", site)
        yield found


@pytest.fixture(scope="module")
def weapons(centre: Registry) -> tuple[str, str, str]:
    """What was exported, what stayed, and the barrel that was built into the first."""
    (weapon, other), barrel = marked(centre)
    accept(centre, weapon, barrel)
    told = Told(centre)
    told("stored", weapon, barrel, place="UMG.GR")
    told("sent-for-repair", weapon)
    assert flags(told("assembled", barrel, package=weapon, component="barrel")) == {}
    told("stored", weapon, place="UMG.GR")
    consignment = {
        "number": "C-1",
        "direction": "export",
        "sender": "UMG",
        "planned_dispatch": soon(1),
        "planned_arrival": soon(10),
        "articles": [weapon],
        "outsiders": {"recipient": ABROAD, "end_user": ABROAD},
        "certificate": {"number": "EUC 2026/7", "issuer": "UAMA", "document": "cd" * 32},
        "route": [{"name": "Durrës", "country": "AL"}, {"name": "Bari", "country": "IT"}],
    }
    centre.post("/api/v1/consignments", consignment)
    told("dispatched", weapon, consignment="C-1", by="UMG", role="producer-officer")
    told("exported", weapon, consignment="C-1")
    seen = flags(told("seen", weapon, place="REP.1"))
    assert seen == dict.fromkeys((weapon, barrel), "illegal-step")
    wait_for("the alert", lambda: centre.get(f"/api/v1/alerts?subject={weapon}")["items"])
    return weapon, other, barrel


def trace(centre: Registry, code: str) -> Any:
    return centre.get(f"/api/v1/articles/{code}/trace")


def test_a_weapons_life_is_one_page(centre: Registry, weapons: tuple[str, str, str]) -> None:
    weapon, _, barrel = weapons
    page = trace(centre, weapon)
    told = [(each["kind"], each["what"], each["verdict"]) for each in page["timeline"]]
    marks = [("record", what, "ok") for what in ("intent", "marked", "verified")]
    assert told == [
        *marks,
        *marks,
        ("certificate", "acceptance", "ok"),
        ("event", "stored", "ok"),
        ("event", "sent-for-repair", "ok"),
        ("event", "assembled", "ok"),
        ("event", "stored", "ok"),
        ("consignment", "reported", "ok"),
        ("event", "dispatched", "ok"),
        ("event", "exported", "ok"),
        ("event", "seen", "illegal-step"),
        ("alert", "seen-after-end", "ok"),
    ]
    (fitting,) = page["fittings"]
    exchange = (fitting["part"], fitting["component"], fitting["replaces"], fitting["removed"])
    assert exchange == (barrel, "barrel", weapon, None)
    article, (way,), (alert,) = page["article"]["article"], page["consignments"], page["alerts"]
    assert (article["disposition"], article["holder"], article["disputed"]) == (
        "exported",
        "UMG",
        True,
    )
    assert (way["number"], way["certificate"]["number"]) == ("C-1", "EUC 2026/7")
    assert (alert["rule"], alert["severity"]) == ("seen-after-end", "critical")
    proofs = [entry["evidence"] for entry in page["item"]["life"]]
    assert all(proof["signed"] and proof["chained"] for proof in proofs)


def test_a_part_names_the_weapon_that_it_went_into(
    centre: Registry, weapons: tuple[str, str, str]
) -> None:
    weapon, _, barrel = weapons
    page = trace(centre, barrel)
    (built,) = page["built_into"]
    assert (built["part"], built["component"]) == (weapon, "barrel")
    assert page["article"]["article"]["disposition"] == "exported", "it went with the weapon"


def test_each_sees_what_is_its_own(centre: Registry, weapons: tuple[str, str, str]) -> None:
    weapon, other, _ = weapons
    with centre.client("producer-officer", "UMG") as producer:
        page = producer.get(f"/api/v1/articles/{weapon}/trace").json()
        assert [way["number"] for way in page["consignments"]] == ["C-1"]
        assert page["alerts"] == []
        assert "alert" not in {each["kind"] for each in page["timeline"]}
    with centre.client("warehouse", "REP") as stranger:
        for code in (weapon, other):
            assert stranger.get(f"/api/v1/articles/{code}/trace").status_code == 404
    assert centre.look("/api/v1/articles/DNOTHING/trace").status_code == 404


def test_what_was_only_marked_has_a_life_too(
    centre: Registry, weapons: tuple[str, str, str]
) -> None:
    page = trace(centre, weapons[1])
    assert len(page["timeline"]) == 6
    assert (page["fittings"], page["consignments"], page["alerts"]) == ([], [], [])
