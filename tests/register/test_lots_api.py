"""Lots on the real programs: filled, marked in packages, told of, recalled; and what is in what."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central.migrations.versions.v0020_lots import IN_PACKAGES
from tests.register.telling import Told, accept, flags
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import PACKAGE, Registry

pytestmark = pytest.mark.slow
PATH = "/api/v1/lots"
WHY = {"reason": "primers misfire", "basis": "protocol 12"}
NUMBER = "KMP26L001-012"
ROUNDS = f"FMJ/{NUMBER}"


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        for code, activities in (("DEP", ["trade"]), ("DEM", ["demilitarisation"])):
            found.post("/api/v1/entities", {"code": code, "name": f"Njësia {code}"})
            found.add_licence(f"L-{code}", code, activities=activities)
        for code, entity in (("FMJ", "UMG"), ("BLT", "UMG"), ("PRM", "DEP")):
            found.post(
                "/api/v1/products",
                {
                    "code": code,
                    "entity": entity,
                    "model": code,
                    "kind": "package",
                    "lot_format": "mil-std-1168c" if code == "FMJ" else "free",
                    "components": [{"name": "package"}],
                    "template": {"content": PACKAGE.replace("\x1d1T", f"\x1d1T{code}")}
                    if entity == "UMG"
                    else {"content": PACKAGE.replace("\x1d17VA7G1H", "\x1d17VA0D1H")},
                },
            )
        yield found


@pytest.fixture(scope="module")
def packages(centre: Registry) -> list[str]:
    """Six of the lot: five of 50 pieces, and one of 30."""
    centre.approve("FMJ")
    centre.release_order(
        {
            "code": "F-1",
            "product": "FMJ",
            "quantity": 20,
            "gateways": ["gramsh.line-1"],
            "job": "J",
            "contents": 50,
            "lot": NUMBER,
        }
    )
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("F-1")
    for index in range(1, 6):
        peer.good(index)
    last = peer.intent(6, quantity=30)
    peer.journal.marked(last)
    peer.journal.verified(last)
    peer.deliver()
    peer.disconnect()
    rows = centre.sql("SELECT uii FROM item WHERE order_code = 'F-1' ORDER BY number")
    return [uii for (uii,) in rows]


def moved(centre: Registry, code: str, what: str, quantity: int | None = None, **more: Any) -> Any:
    number = f"M-{centre.sql('SELECT count(*) FROM lot_movement')[0][0] + 1}"
    body = {"number": number, "what": what, "happened": datetime.now(UTC).isoformat(), **more}
    if quantity is not None:
        body["quantity"] = quantity
    if what not in ("filled", "sampled", "consumed", "returned"):
        body.setdefault("reason", "as the protocol says")
    told = centre.post(f"{PATH}/{code}/movements", body)
    lot = centre.get(f"{PATH}/{code}")
    assert lot == {name: told[name] for name in told if name != "movement"} | {
        "balance": lot["balance"]
    }
    return lot


def terms(lot: Any) -> dict[str, int]:
    """Those that are not nought."""
    told = lot["balance"].items()
    return {name: value for name, value in told if value and name != "closes"}


def test_a_lot_from_its_opening_to_its_recall(centre: Registry, packages: list[str]) -> None:
    centre.post(PATH, {"product": "FMJ", "number": NUMBER})
    lot = centre.get(f"{PATH}/{ROUNDS}")
    assert (lot["code"], lot["entity"], lot["state"]) == (ROUNDS, "UMG", "active")
    assert terms(lot) == {"packed": 280, "packed_in_stock": 280, "loose": -280, "short": 280}
    assert lot["balance"]["closes"] is False

    moved(centre, ROUNDS, "filled", 200)
    lot = moved(centre, ROUNDS, "filled", 200, document="ab" * 32)
    assert (lot["balance"]["loose"], lot["balance"]["closes"]) == (120, True)
    moved(centre, ROUNDS, "sampled", 20)
    moved(centre, ROUNDS, "consumed", 12)
    moved(centre, ROUNDS, "returned", 3)
    moved(centre, ROUNDS, "destroyed", 10)
    lot = moved(centre, ROUNDS, "unpacked", packages=[packages[5]])
    assert terms(lot) == {
        "filled": 400,
        "packed": 250,
        "packed_in_stock": 250,
        "sampled": 5,
        "consumed": 12,
        "destroyed": 10,
        "loose": 123,
    }

    told = Told(centre)
    accept(centre, *packages)
    assert flags(told("dispatched", packages[0], by="UMG", role="warehouse")) == {}
    assert flags(told("destroyed", packages[1], reason="wet")) == {}
    lot = centre.get(f"{PATH}/{ROUNDS}")
    assert (lot["balance"]["packed_in_transit"], lot["balance"]["packed_destroyed"]) == (50, 50)
    assert (lot["balance"]["packed"], lot["balance"]["loose"]) == (250, 123)

    with centre.client("producer-officer", "UMG") as producer:
        assert producer.post(f"{PATH}/{ROUNDS}/suspend", json=WHY).status_code == 200
        assert producer.post(f"{PATH}/{ROUNDS}/release", json=WHY).status_code == 403
    assert flags(told("dispatched", packages[2])) == {packages[2]: "lot-suspended"}
    assert flags(told("received", packages[0], holder="DEP")) == {}
    back = {"sender": "DEP", "recipient": "UMG"}
    centre.post("/api/v1/consignments", consignment("C-0", packages[0]) | back)
    assert flags(told("dispatched", packages[0], consignment="C-0")) == {}
    step = "/api/v1/orders/F-1/{}"
    centre.post(step.format("pause"), WHY)
    refused = centre.post(step.format("resume"), WHY, expect=409)
    assert (refused["code"], NUMBER in refused["detail"]) == ("lot-suspended", True)
    refused = centre.post("/api/v1/consignments", consignment("C-1", packages[3]), expect=409)
    assert (refused["code"], packages[3] in refused["detail"]) == ("lot-suspended", True)
    # To who may destroy it, it goes.
    centre.post("/api/v1/consignments", consignment("C-2", packages[3], recipient="DEM"))
    assert flags(told("dispatched", packages[3], consignment="C-2")) == {}

    affected = centre.get(f"{PATH}/{ROUNDS}/affected?left=true")
    counted = (affected["packages"], affected["pieces"], affected["left"], affected["left_pieces"])
    assert counted == (6, 280, 2, 100)
    assert [each["uii"] for each in affected["items"]] == [packages[0], packages[3]]
    page = centre.get(f"{PATH}/{ROUNDS}/affected?limit=4")
    rest = centre.get(f"{PATH}/{ROUNDS}/affected?limit=4&after={page['next']}")
    found = [each["uii"] for each in (*page["items"], *rest["items"])]
    assert (found, rest["next"]) == (packages, None)

    centre.post(f"{PATH}/{ROUNDS}/release", WHY)
    assert centre.post(f"{PATH}/{ROUNDS}/release", WHY, expect=409)["code"] == "conflict"
    centre.post("/api/v1/consignments", consignment("C-3", packages[4]))


def consignment(number: str, *articles: str, recipient: str = "DEP") -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "number": number,
        "direction": "domestic",
        "sender": "UMG",
        "recipient": recipient,
        "planned_dispatch": (now + timedelta(hours=1)).isoformat(),
        "planned_arrival": (now + timedelta(hours=9)).isoformat(),
        "articles": list(articles),
    }


def test_what_cannot_be_is_kept_until_a_person_settles_it(
    centre: Registry, packages: list[str]
) -> None:
    code = "BLT/2026/1"
    centre.post(PATH, {"product": "BLT", "number": "2026/1"})
    moved(centre, code, "filled", 100)
    lot = moved(centre, code, "lost", 130)
    assert (lot["disputed"], lot["balance"]["loose"], lot["balance"]["short"]) == (True, -30, 30)
    lot = moved(centre, code, "unpacked", packages=[packages[0], "DNOTHING"])
    assert (lot["flagged"], lot["balance"]["filled"]) == (2, 100)
    assert centre.get(f"{PATH}?disputed=true")["items"][0]["code"] == code
    steps = centre.get(f"{PATH}/{code}/history")["items"]
    lost, unpacked = (step["movement"] for step in steps[-2:])
    assert (lost["verdict"], lost["loose"]) == ("more-than-loose", 100)
    assert {each["fault"] for each in unpacked["faults"]} == {"not-of-lot", "unknown"}

    settled = {"movement": lost["number"], "stands": False, "reason": "a slip of the pen"}
    centre.post(f"{PATH}/{code}/settle", settled)
    lot = centre.get(f"{PATH}/{code}")
    assert (lot["balance"]["loose"], lot["balance"]["closes"]) == (100, False)
    assert centre.post(f"{PATH}/{code}/settle", settled, expect=409)["code"] == "conflict"
    settled |= {"movement": unpacked["number"]}
    centre.post(f"{PATH}/{code}/settle", settled)
    lot = centre.get(f"{PATH}/{code}")
    assert (lot["disputed"], lot["balance"]["closes"]) == (False, True)
    assert centre.post(f"{PATH}/{code}/settle", settled | {"movement": "M-0"}, expect=404)


def test_what_is_made_of_what_over_levels(centre: Registry) -> None:
    for number in ("P 1", "P 2"):
        centre.post(PATH, {"product": "PRM", "number": number})
    moved(centre, "PRM/P 1", "filled", 1000)
    propellant = {"role": "propellant", "maker": "Nitro", "number": "N-77", "country": "CZ"}
    components = [{"role": "primer", "lot": "PRM/P 1", "quantity": 400}, propellant]
    lot = centre.post(PATH, {"product": "BLT", "number": "A", "components": components})
    assert [each["position"] for each in lot["components"]] == [1, 2]
    linked = {"product": "BLT", "number": "B", "components": [{"role": "round", "lot": "BLT/A"}]}
    centre.post(PATH, linked)
    centre.post(PATH, {"product": "BLT", "number": "C"})
    moved(centre, "BLT/B", "filled", 50)
    moved(centre, "BLT/B", "reworked", 50, into="BLT/C")
    uses = centre.get(f"{PATH}/PRM/P 1/uses")["items"]
    assert [(use["code"], use["depth"], use["part"], use["role"]) for use in uses] == [
        ("BLT/A", 1, "PRM/P 1", "primer"),
        ("BLT/B", 2, "BLT/A", "round"),
        ("BLT/C", 3, "BLT/B", "rework"),
    ]
    first = centre.get(f"{PATH}/uses?number=N-77&maker=nitro&limit=2")
    rest = centre.get(f"{PATH}/uses?number=N-77&maker=nitro&limit=2&cursor={first['next']}")
    supplied = [(use["code"], use["depth"]) for use in (*first["items"], *rest["items"])]
    assert supplied == [("BLT/A", 1), ("BLT/B", 2), ("BLT/C", 3)]
    assert centre.get(f"{PATH}/uses?number=N-77&maker=Other")["items"] == []
    assert terms(centre.get(f"{PATH}/PRM/P 1")) == {"filled": 1000, "loose": 600, "used": 400}
    affected = centre.get(f"{PATH}/PRM/P 1/affected")["lots"]
    assert [(each["code"], each["depth"]) for each in affected] == [
        *(("PRM/P 1", 0), ("BLT/A", 1), ("BLT/B", 2), ("BLT/C", 3))
    ]
    ring = {"components": [{"role": "other", "lot": "BLT/B"}], "reason": "a mistake"}
    assert centre.post(f"{PATH}/BLT/A/components", ring, expect=422)["code"] == "refused"
    anew = {"components": [{"role": "primer", "lot": "PRM/P 2"}], "reason": "the wrong lot"}
    centre.post(f"{PATH}/BLT/A/components", anew)
    assert centre.get(f"{PATH}/PRM/P 1/uses")["items"] == []


def test_each_sees_and_tells_of_its_own(centre: Registry) -> None:
    centre.post(PATH, {"product": "BLT", "number": "own"})
    body = {"number": "M-own", "what": "filled", "quantity": 5}
    body["happened"] = datetime.now(UTC).isoformat()
    with (
        centre.client("producer-officer", "UMG") as mine,
        centre.client("producer-officer", "DEP") as theirs,
        centre.client("inspector") as inspector,
        centre.client() as officer,
    ):
        for path in ("", "/uses", "/history", "/affected"):
            assert mine.get(f"{PATH}/BLT/own{path}").status_code == 200, path
            assert theirs.get(f"{PATH}/BLT/own{path}").status_code == 404, path
        assert {each["entity"] for each in theirs.get(PATH).json()["items"]} <= {"DEP"}
        refused = theirs.post(PATH, json={"product": "BLT", "number": "theirs"})
        assert refused.json()["code"] == "forbidden"
        assert theirs.post(f"{PATH}/BLT/own/movements", json=body).status_code == 404
        assert theirs.post(f"{PATH}/BLT/own/suspend", json=WHY).status_code == 404
        told = mine.post(f"{PATH}/BLT/own/movements", json=body)
        assert (told.status_code, told.json()["movement"]["verdict"]) == (201, "ok")
        again = mine.post(f"{PATH}/BLT/own/movements", json=body)
        assert again.json()["code"] == "conflict"
        etag = told.headers["ETag"]
        suspended = inspector.post(f"{PATH}/BLT/own/suspend", json=WHY, headers={"If-Match": etag})
        assert suspended.status_code == 200
        withdrawn = f"{PATH}/BLT/own/withdraw"
        stale = officer.post(withdrawn, json=WHY, headers={"If-Match": etag})
        assert stale.json()["code"] == "stale"
        rows = theirs.get("/api/v1/balances?by=lot").json()["rows"]
        assert {row["key"].partition("/")[0] for row in rows} <= {"PRM"}
    rows = {row["key"]: row for row in centre.get("/api/v1/balances?by=lot")["rows"]}
    assert rows["BLT/own"]["filled"] == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"product": "M70", "number": "1"}, "refused"),
        ({"product": "none", "number": "1"}, "not-found"),
        ({"product": "FMJ", "number": "26-1"}, "refused"),
        ({"product": "BLT", "number": "26/uses"}, "refused"),
        ({"product": "BLT", "number": "a/../b"}, "refused"),
        ({"product": "BLT", "number": " 1"}, "refused"),
    ],
)
def test_what_is_no_lot(centre: Registry, body: dict[str, str], code: str) -> None:
    with centre.client() as officer:
        assert officer.post(PATH, json=body).json()["code"] == code


def test_what_packages_held_before_it_was_kept_is_read_from_their_records(
    centre: Registry, packages: list[str]
) -> None:
    kept = "SELECT seq, position, quantity FROM claim ORDER BY seq, position"
    before = centre.sql(kept)
    assert sorted(row[2] for row in before) == [30, 50, 50, 50, 50, 50]
    centre.sql("UPDATE claim SET quantity = NULL")
    centre.sql(IN_PACKAGES)
    assert centre.sql(kept) == before


def test_lots_are_found_by_their_number(centre: Registry) -> None:
    centre.post(PATH, {"product": "PRM", "number": "LOT 0-17"})
    head = "inventory,maker,model,lot,quantity,holder,disposition"
    row = f"{head}\nI-1,Polican,7.62,LOT 0-17,500,DEP,in-store\n"
    with centre.client() as officer:
        asked = "/api/v1/imports?number=I-1&kind=lots&file=depo.csv"
        answer = officer.post(asked, content=row.encode())
        assert answer.status_code in (200, 201), answer.text
        assert answer.json()["imported"] == 1, answer.text
    for query in ("LOT 0-17", "lot o-i7"):
        found = centre.look("/api/v1/search", q=query).json()
        assert (found["lots"], len(found["legacy"])) == (["PRM/LOT 0-17"], 1), query


def test_at_last_it_all_follows_from_acts_and_marks(centre: Registry) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
    assert centre.sql("SELECT count(*) FROM lot_movement")[0][0] > 10
    centre.reconcile()
