"""Scans of devices on real programs: each an event once, and what is no event is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.contract.record import Assembled, Observed, Unpacked
from simulators.scanner import Scanner
from tests.register.telling import UII, Told, accept
from tests.support.store import Store, symbol
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


def verdicts(told: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["seq"], each["verdict"]) for each in told["items"]]


def article(store: Store, index: int) -> dict[str, Any]:
    return dict(store.centre.get(f"/api/v1/articles/{UII.format(index)}")["article"])


def test_a_scan_becomes_an_event(store: Store) -> None:
    scanner = store.device()
    scanner.scan("put-away", symbol(1), UII.format(2), operator="b7", operator_auth="badge")
    told = store.deliver(scanner)
    assert told["items"] == []
    assert (told["committed"], told["concluded"]) == (2, 2)
    assert store.events(scanner) == [(2, "stored", [UII.format(1), UII.format(2)])]
    event = store.centre.get(f"/api/v1/events/{scanner.name}/1/2")
    assert (event["reporter"], event["place"], event["flags"]) == ("UMG", "UMG.D1", [])
    assert (article(store, 1)["place"], article(store, 1)["disposition"]) == ("UMG.D1", "in-store")
    ((account, role, payload),) = store.centre.sql(
        "SELECT account, role, payload->'scan' FROM act WHERE key = %s", f"{scanner.name}/1/2"
    )
    assert (account, role) == ("scans", "program")
    assert (payload["operator"], payload["operator_auth"]) == ("b7", "badge")


def test_the_record_says_where_and_when(store: Store) -> None:
    scanner = store.device()
    at = datetime.now(UTC)
    scanner.write(
        Observed(**scanner.common(at=at, purpose="move", codes=(symbol(3),), place="UMG.D2"))
    )
    assert store.deliver(scanner)["items"] == []
    assert article(store, 3)["place"] == "UMG.D2"
    assert datetime.fromisoformat(article(store, 3)["since"]) == at


def test_what_is_looked_for_is_found_only_where_it_was_lost(store: Store) -> None:
    Told(store.centre)("lost", UII.format(4), reason="not in its rack")
    scanner = store.device()
    scanner.scan("find", symbol(5))
    scanner.scan("find", symbol(4))
    assert store.deliver(scanner)["items"] == []
    assert [what for _, what, _ in store.events(scanner)] == ["seen", "found"]
    assert article(store, 4)["disposition"] == "found"


def test_a_crate_is_packed_by_its_symbol(store: Store) -> None:
    crate = "003456789012345670"
    scanner = store.device()
    scanner.scan("put-away", *map(symbol, (6, 7)))
    scanner.pack(f"]C100{crate}", symbol(6), symbol(7))
    scanner.scan("move", crate, place="UMG.D2")
    scanner.scan("move", symbol(6), place="UMG.D1")
    scanner.unpack(f"(00){crate}", symbol(7))
    scanner.write(
        Unpacked(**scanner.common(parent=f"[)>\x1e06\x1dJ{crate}\x1e\x04", children=(symbol(6),)))
    )
    told = store.deliver(scanner)
    assert verdicts(told) == [(5, "flagged")]
    found = told["items"][0]["articles"]
    assert found == [
        {
            "article": UII.format(6),
            "verdict": "still-packed",
            "holder": "UMG",
            "place": "UMG.D2",
        }
    ]
    assert article(store, 7)["place"] == "UMG.D2"
    assert article(store, 7)["package"] is None


def test_where_the_register_disagrees(store: Store) -> None:
    scanner = store.device()
    scanner.scan("put-away", symbol(8), "4006381333931", "http://example.com/ä", entry="keyed")
    scanner.scan("put-away", "no number")
    scanner.scan("polish", symbol(8))
    scanner.scan("put-away", symbol(8), place="NO.PLACE")
    scanner.scan("receive", symbol(8), consignment="C-NONE")
    scanner.scan("put-away", symbol(8), at=datetime.now(UTC) + timedelta(hours=1))
    scanner.scan("put-away")
    scanner.write(Assembled(**scanner.common(whole=symbol(8), parts=(symbol(9), symbol(10)))))
    scanner.scan("put-away", symbol(9))
    told = store.deliver(scanner)
    assert verdicts(told) == [
        (2, "flagged"),
        (3, "unknown-code"),
        (4, "unknown-purpose"),
        (5, "not-found"),
        (6, "not-found"),
        (7, "refused"),
        (8, "unknown-code"),
        (9, "one-at-a-time"),
    ]
    first = told["items"][0]
    assert [(each["article"], each["verdict"]) for each in first["articles"]] == [
        ("4006381333931", "unknown-article")
    ]
    assert first["strange"] == ["http://example.com/ä"]
    assert first["event"] == f"{scanner.name}/1/2"
    path = f"/api/v1/devices/{scanner.name}/disagreements"
    page = store.centre.get(f"{path}?limit=3&epoch=1&first=4")
    assert verdicts(page) == [(4, "unknown-purpose"), (5, "not-found"), (6, "not-found")]
    assert verdicts(store.centre.get(f"{path}?limit=3&cursor={page['next']}"))[0] == (7, "refused")
    assert [seq for seq, _, _ in store.events(scanner)] == [2, 10]


def test_alerts_stand_with_the_scan(store: Store) -> None:
    store.centre.start("watch")
    try:
        scanner = store.device()
        scanner.scan("put-away", symbol(11))
        scanner.scan("dispatch", symbol(11))  # it was never accepted
        scanner.scan("put-away", "no number")
        store.deliver(scanner)

        def raised() -> list[dict[str, Any]]:
            path = f"/api/v1/devices/{scanner.name}/disagreements"
            found = store.centre.get(path)["items"]
            return found if all(each["alerts"] for each in found) else []

        told = wait_for("the alerts", raised, 30)
        assert [each["alerts"][0]["rule"] for each in told] == ["disputed", "scan-refused"]
        assert [each["verdict"] for each in told] == ["flagged", "unknown-code"]
    finally:
        store.centre.stop("watch")


def test_a_consignment_goes_and_comes_by_scan(store: Store) -> None:
    centre = store.centre
    centre.post("/api/v1/entities", {"code": "DEP", "name": "Depo qendrore"})
    site = {"code": "DEP.1", "kind": "site", "entity": "DEP", "name": "Depo"}
    centre.post("/api/v1/places", site)
    accept(centre, UII.format(12), UII.format(13))
    now = datetime.now(UTC)
    centre.post(
        "/api/v1/consignments",
        {
            "number": "C-1",
            "direction": "domestic",
            "sender": "UMG",
            "recipient": "DEP",
            "planned_dispatch": (now + timedelta(minutes=5)).isoformat(),
            "planned_arrival": (now + timedelta(days=1)).isoformat(),
            "articles": [UII.format(12), UII.format(13)],
        },
    )
    sender, recipient = store.device(), store.device("DEP.1")
    sender.scan("dispatch", symbol(12), symbol(13), consignment="C-1")
    assert store.deliver(sender)["items"] == []
    assert centre.get("/api/v1/consignments/C-1")["state"] == "dispatched"
    assert article(store, 12)["place"] is None
    recipient.scan("receive", symbol(12), symbol(13), symbol(14), consignment="C-1")
    told = store.deliver(recipient)
    assert [each["article"] for each in told["items"][0]["articles"]] == [UII.format(14)]
    assert (article(store, 12)["holder"], article(store, 12)["place"]) == ("DEP", "DEP.1")
    lines = centre.get("/api/v1/consignments/C-1/articles")["items"]
    assert {line["code"]: line["state"] for line in lines}[UII.format(13)] == "received"
    with centre.client("warehouse", "DEP") as theirs:
        path = f"/api/v1/devices/{recipient.name}/disagreements"
        assert theirs.get(path).status_code == 200
        assert theirs.get(f"/api/v1/devices/{sender.name}/disagreements").status_code == 404
        listed = theirs.get("/api/v1/devices").json()["items"]
        assert [each["name"] for each in listed] == [recipient.name]


@pytest.mark.parametrize("what", ["device", "place", "entity"])
def test_what_is_deactivated_scans_no_more(store: Store, what: str) -> None:
    centre = store.centre
    entity, place = f"E-{what}", f"E-{what}.1"
    centre.post("/api/v1/entities", {"code": entity, "name": f"Firma {what}"})
    where = {"code": place, "kind": "site", "entity": entity, "name": place}
    centre.post("/api/v1/places", where)
    scanner = store.device(place)
    path = {
        "device": f"/api/v1/devices/{scanner.name}",
        "place": f"/api/v1/places/{place}",
        "entity": f"/api/v1/entities/{entity}",
    }[what]
    scanner.scan("count", symbol(15))
    assert store.deliver(scanner)["items"] == []
    centre.post(f"{path}/deactivate", {"reason": "closed"})
    scanner.scan("count", symbol(15))
    assert verdicts(store.deliver(scanner)) == [(3, "device-inactive")]
    assert not centre.get(f"/api/v1/devices/{scanner.name}")["working"]
    centre.post(f"{path}/reactivate", {"reason": "open again"})
    scanner.scan("count", symbol(15))
    assert verdicts(store.deliver(scanner)) == [(3, "device-inactive")]
    assert [seq for seq, _, _ in store.events(scanner)] == [2, 4]


def test_a_store_enters_its_own_devices_and_brings_back_none(store: Store) -> None:
    centre = store.centre
    centre.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati"})
    with centre.client("warehouse", "UMG") as mine, centre.client("warehouse", "KMP") as other:
        new = {"name": "gramsh.own-1", "place": "UMG.D1"}
        assert other.post("/api/v1/devices", json=new).status_code == 404
        assert mine.post("/api/v1/devices", json=new).status_code == 201
        assert mine.post("/api/v1/devices", json=new).status_code == 409
        path = "/api/v1/devices/gramsh.own-1"
        why = {"reason": "lost"}
        for step, body in (
            ("invite", {}),
            ("move", why | {"place": "UMG.D2"}),
            ("deactivate", why),
        ):
            assert other.post(f"{path}/{step}", json=body).status_code == 404
            assert mine.post(f"{path}/{step}", json=body).status_code in (200, 201)
        assert mine.post(f"{path}/reactivate", json=why).status_code == 403
        assert mine.post(f"{path}/invite", json={}).status_code == 409


def test_a_device_is_no_gateway(store: Store) -> None:
    """Neither an order, a line nor a person can name it, and it gets no plan."""
    centre, scanner = store.centre, store.device()
    taken = {"name": "gramsh.line-1", "place": "UMG.D1"}
    centre.post("/api/v1/devices", taken, expect=409)
    centre.post("/api/v1/invitations", {"gateway": scanner.name}, expect=409)
    order = {"code": "G-9", "product": "M70", "quantity": 1, "gateways": [scanner.name], "job": "J"}
    centre.post("/api/v1/orders", order, expect=404)
    line = {"code": "UMG.L9", "kind": "line", "parent": "UMG.GR", "entity": "UMG", "name": "L9"}
    centre.post("/api/v1/places", line)
    named = {"gateway": scanner.name, "reason": "x"}
    centre.post("/api/v1/places/UMG.L9/gateway", named, expect=404)
    assert centre.look(f"/api/v1/gateways/{scanner.name}").status_code == 404
    assert centre.sql("SELECT 1 FROM plan WHERE gateway = %s", scanner.name) == []


def test_a_gateway_scans_at_its_line(store: Store) -> None:
    """What came before its reader by itself is no scan."""
    centre = store.centre
    line = {"code": "UMG.L1", "kind": "line", "parent": "UMG.GR", "entity": "UMG", "name": "L1"}
    centre.post("/api/v1/places", line)
    gateway = Scanner.enrolled(
        store.folder / "line-8", centre.url, "gramsh.line-8", centre.invite("gramsh.line-8")
    )
    gateway.scan("put-away", symbol(16))
    gateway.scan("readback", symbol(16))
    gateway.send(store.http)
    store.concluded(gateway)
    refused = "SELECT seq, verdict FROM scan WHERE gateway = %s ORDER BY seq"
    assert centre.sql(refused, gateway.name) == [(2, "no-place")]
    assigned = {"gateway": gateway.name, "reason": "its line"}
    centre.post("/api/v1/places/UMG.L1/gateway", assigned)
    gateway.scan("put-away", symbol(16))
    gateway.scan("readback", symbol(16))
    gateway.send(store.http)
    store.concluded(gateway)
    assert store.events(gateway) == [(4, "stored", [UII.format(16)])]
    assert article(store, 16)["place"] == "UMG.L1"


def test_the_search_reads_a_symbol_as_a_scan_does(store: Store) -> None:
    found = store.centre.look("/api/v1/search", q=f"]d1{symbol(17)}").json()
    assert [each["uii"] for each in found["items"]] == [UII.format(17)]
