"""Certificates on the real programs: what may be released, what stops, what is accepted."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import PACKAGE, TEMPLATE, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
PATH = "/api/v1/certificates"
WHY = {"reason": "report 12 was wrong", "basis": "letter 7"}
UII = "DA7G1HM70G00000{}"


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "KMP", "name": "Kombinati Mekanik"})
        yield found


@pytest.fixture(scope="module")
def peer(centre: Registry) -> Iterator[Peer]:
    made = Peer(centre, "gramsh.line-1")
    made.enroll()
    made.accept("G-1")
    for index in (1, 2, 3):
        made.good(index)
    made.deliver()
    yield made
    made.disconnect()


def body(number: str, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "type-approval",
        "institution": "Proof house",
        "result": "passed",
        "issued": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
        "document": "ab" * 32,
        **more,
    }


def add_product(centre: Registry, code: str, **more: Any) -> None:
    fields = {
        "code": code,
        "entity": "UMG",
        "model": code,
        "components": [{"name": "receiver"}],
        "template": {"content": TEMPLATE.replace("M70", code).replace("\x1d20P{component}", "")},
    }
    centre.post("/api/v1/products", fields | more)


def order(centre: Registry, code: str, product: str, expect: int = 200, **more: Any) -> Any:
    fields = {
        "code": code,
        "product": product,
        "quantity": 5,
        "gateways": ["gramsh.line-1"],
        "job": "J",
    }
    if not centre.sql("SELECT 1 FROM orders WHERE code = %s", code):
        centre.post("/api/v1/orders", fields | more)
    return centre.post(f"/api/v1/orders/{code}/release", {"reason": "checked"}, expect=expect)


def test_nothing_is_released_without_a_type_approval(centre: Registry) -> None:
    add_product(centre, "NEW")
    refused = order(centre, "N-1", "NEW", expect=409)
    assert refused["code"] == "not-approved"
    assert "type approval" in refused["what_to_do"]
    ended = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    long_ago = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    centre.post(PATH, body("N-A", product="NEW", issued=long_ago, valid_until=ended))
    centre.post(PATH, body("N-B", product="NEW", result="failed"))
    centre.post(PATH, body("N-C", product="NEW", kind="proof-test"))
    assert order(centre, "N-1", "NEW", expect=409)["code"] == "not-approved"
    told = centre.post(PATH, body("N-D", product="NEW", sampling="lot 12, sample 3, accepted on 0"))
    assert (told["state"], told["entity"], told["items"]) == ("issued", "UMG", [])
    order(centre, "N-1", "NEW")


def test_a_withdrawn_approval_stops_its_orders(centre: Registry, peer: Peer) -> None:
    centre.post(f"{PATH}/TA-M70/withdraw", WHY)
    told = peer.wait_plan("G-1", "suspended").order("G-1")
    assert told is not None
    assert told.reason == "approval-ended"
    seen = centre.get("/api/v1/orders/G-1")
    assert (seen["state"], seen["reason"]) == ("suspended", "approval-ended")
    assert order(centre, "G-2", "M70", expect=409)["code"] == "not-approved"
    centre.approve("M70", number="TA-M70-2", issued=datetime.now(UTC).isoformat())
    order(centre, "G-2", "M70")
    peer.wait_plan("G-1", "released")
    assert centre.post(f"{PATH}/TA-M70/withdraw", WHY, expect=409)["code"] == "conflict"


def test_marking_stops_when_the_approval_ends_and_goes_on_with_the_next(
    centre: Registry, peer: Peer
) -> None:
    add_product(centre, "SHORT")
    ends = datetime.now(UTC) + timedelta(seconds=7)
    centre.post(PATH, body("S-1", product="SHORT", valid_until=ends.isoformat()))
    order(centre, "S-1", "SHORT")
    plan = peer.wait_plan("S-1", "released")
    assert plan.lease_until <= ends, "an outage does not outlive it"
    ends += timedelta(seconds=3)
    extension = {"valid_until": ends.isoformat(), **WHY}
    centre.post(f"{PATH}/S-1/extend", extension)
    wait_for("the longer lease", lambda: peer.plans[-1].lease_until > plan.lease_until)
    told = peer.wait_plan("S-1", "suspended").order("S-1")
    late = datetime.now(UTC) - ends
    assert timedelta() <= late < timedelta(seconds=2), late
    assert told is not None
    assert told.reason == "approval-ended"
    assert centre.post(f"{PATH}/S-1/extend", extension, expect=409)["code"] == "conflict"
    centre.approve("SHORT", number="S-2")
    peer.wait_plan("S-1", "released")


def test_what_rests_on_an_approval(centre: Registry, peer: Peer) -> None:
    told = centre.get(f"{PATH}/TA-M70/affected?limit=2")
    assert {each["code"]: each["items"] for each in told["orders"]} == {
        "G-1": {"good": 3},
        "G-2": {},
    }
    assert told["counts"] == {"good": 3}
    assert [each["uii"] for each in told["items"]] == [UII.format(1), UII.format(2)]
    told = centre.get(f"{PATH}/TA-M70/affected?limit=2&after={told['next']}")
    assert [each["uii"] for each in told["items"]] == [UII.format(3)]
    assert told["next"] is None
    later = centre.get(f"{PATH}/TA-M70-2/affected")
    assert later["items"] == []  # all were marked before
    assert centre.look(f"{PATH}/none/affected").status_code == 404


def test_an_item_is_accepted_by_itself(centre: Registry, peer: Peer) -> None:
    path = f"/api/v1/acceptances?uii={UII.format(1)}"
    assert centre.get(path)["accepted"] is False
    asked = body("A-1", kind="acceptance", items=[UII.format(2), UII.format(1)])
    with centre.client("inspector") as inspector:
        told = inspector.post(PATH, json=asked).json()
    assert (told["entity"], told["items"]) == ("UMG", [{"uii": UII.format(n)} for n in (1, 2)])
    seen = centre.get(path)
    assert (seen["accepted"], seen["certificate"]) == (True, "A-1")
    assert centre.get(f"/api/v1/acceptances?uii={UII.format(3)}")["accepted"] is False
    assert centre.get(f"{PATH}/A-1/affected")["counts"] == {"good": 2}
    centre.post(PATH, body("A-2", kind="acceptance", items=[UII.format(1)], result="failed"))
    seen = centre.get(path)
    assert (seen["accepted"], seen["certificate"]) == (False, "A-2")
    centre.post(f"{PATH}/A-2/withdraw", WHY)
    assert centre.get(path)["accepted"] is True
    unknown = body("A-3", kind="acceptance", items=["DNOTHING1"])
    assert centre.post(PATH, unknown, expect=404)["code"] == "not-found"
    assert centre.look("/api/v1/acceptances?uii=DNOTHING1").status_code == 404
    assert centre.look("/api/v1/acceptances").status_code == 422


def test_a_lot_is_accepted_whole(centre: Registry, peer: Peer) -> None:
    add_product(centre, "FMJ", kind="package", template={"content": PACKAGE})
    centre.approve("FMJ")
    order(centre, "F-1", "FMJ", contents=50, lot="KMP26L001-012")
    order(centre, "F-2", "FMJ", contents=50, lot="KMP26L001-013")
    peer.accept("F-1")
    peer.good(1)
    peer.deliver()
    uii = centre.sql("SELECT uii FROM item WHERE order_code = 'F-1'")[0][0]
    centre.post(PATH, body("L-A", kind="acceptance", product="FMJ", lot="KMP26L001-012"))
    for query, accepted in ((f"uii={uii}", True), ("order=F-1", True), ("order=F-2", False)):
        seen = centre.get(f"/api/v1/acceptances?{query}")
        assert (seen["accepted"], seen["certificate"]) == (accepted, "L-A" if accepted else None)
    told = centre.get(f"{PATH}/L-A/affected")
    assert [each["code"] for each in told["orders"]] == ["F-1"]
    assert centre.get("/api/v1/acceptances?order=G-1")["accepted"] is False


def test_who_may_certify(centre: Registry) -> None:
    with centre.client("inspector") as inspector:
        told = inspector.post(PATH, json=body("X-1", product="M70")).json()
        assert told["code"] == "forbidden"
        told = inspector.post(f"{PATH}/TA-M70-2/withdraw", json=WHY).json()
        assert told["code"] == "forbidden"
        proof = body("X-2", kind="proof-test", product="M70")
        assert inspector.post(PATH, json=proof).status_code == 201
        assert inspector.post(f"{PATH}/X-2/withdraw", json=WHY).status_code == 200
    with centre.client("producer-officer", "UMG") as producer:
        assert producer.post(PATH, json=body("X-3", product="M70")).status_code == 403
        numbers = [each["number"] for each in producer.get(PATH).json()["items"]]
        assert "TA-M70" in numbers
    with centre.client("producer-officer", "KMP") as other:
        assert other.get(PATH).json()["items"] == []
        for path in (f"{PATH}/TA-M70", f"{PATH}/TA-M70/affected", "/api/v1/acceptances?order=G-1"):
            where = path if path.startswith("/") else f"{PATH}/{path}"
            assert other.get(where).status_code == 404, path


def test_a_certificate_says_who_and_when(centre: Registry) -> None:
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (
        "future" in centre.post(PATH, body("Y", product="M70", issued=future), expect=422)["detail"]
    )
    assert centre.post(PATH, body("Y", product="none"), expect=404)["code"] == "not-found"
    told = centre.post(
        PATH, body("Y", product="M70", kind="proof-test") | {"institution": None, "issuer": "KMP"}
    )
    assert (told["issuer"], told["institution"]) == ("KMP", None)
    assert centre.post(PATH, body("Y", product="M70"), expect=409)["code"] == "conflict"
    found = centre.get(f"{PATH}?product=M70&kind=proof-test")["items"]
    assert {each["number"] for each in found} >= {"Y"}


def test_it_follows_from_its_acts(centre: Registry, peer: Peer) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
