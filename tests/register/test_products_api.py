"""Products on the real programs: previewed, entered, amended, withdrawn while a line marks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import PACKAGE, TEMPLATE, Registry

pytestmark = pytest.mark.slow
PRODUCTS = "/api/v1/products"
WHY = {"reason": "drawing 12", "basis": "letter 7"}
NEW = {
    "code": "P9",
    "entity": "UMG",
    "model": "P9",
    "components": [{"name": "receiver", "symbol": "RC"}],
    "template": {"content": TEMPLATE.replace("M70", "P9"), "lines": ["{serial}"]},
}


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
    yield made
    made.disconnect()


def test_a_preview_enters_nothing(centre: Registry) -> None:
    acts = centre.sql("SELECT count(*) FROM act")
    told = centre.post(f"{PRODUCTS}/preview", {"product": NEW, "serial": 12}, expect=200)
    assert told["faults"] == []
    assert told["uii_construct"] == 2
    assert told["marks"][0]["uii"] == "DA7G1HP9000012"
    assert told["marks"][0]["shown"] == "[)>␞06␝17VA7G1H␝1PP9␝S000012␝20PRC␞␄"
    told = centre.post(f"{PRODUCTS}/preview", {"product": NEW | {"kind": "package"}}, expect=200)
    assert told["faults"] == []
    bad = NEW | {"template": {"content": "{serial}"}}
    told = centre.post(f"{PRODUCTS}/preview", {"product": bad}, expect=200)
    assert any("names no item" in fault for fault in told["faults"])
    assert centre.sql("SELECT count(*) FROM act") == acts
    with centre.client("producer-officer", "KMP") as other:
        assert other.post(f"{PRODUCTS}/preview", json={"product": NEW}).status_code == 403


def test_a_product_in_depth(centre: Registry) -> None:
    more = {"nsn": "1005591234567", "category": "ML1", "country": "AL"}
    told = centre.post(PRODUCTS, NEW | {"code": "DEEP"} | more)
    assert (told["nsn"], told["state"], told["uii_construct"]) == ("1005-59-123-4567", "active", 2)
    assert centre.get(f"{PRODUCTS}/DEEP") == told
    assert [each["code"] for each in centre.get(f"{PRODUCTS}?category=ML1")["items"]] == ["DEEP"]
    assert "M70" in [each["code"] for each in centre.get(f"{PRODUCTS}?state=active")["items"]]


def amend(centre: Registry, code: str, changes: Any, expect: int = 200) -> Any:
    return centre.post(f"{PRODUCTS}/{code}/amend", changes | WHY, expect=expect)


def test_what_is_not_marked_yet_may_change(centre: Registry) -> None:
    centre.post(PRODUCTS, NEW | {"code": "SOFT"})
    told = amend(centre, "SOFT", {"calibre": "9x19", "space": "shared", "tray": 4})
    assert (told["calibre"], told["space"], told["tray"]) == ("9x19", "shared", 4)
    assert centre.sql("SELECT next FROM number_space WHERE name = 'shared'") == [(1,)]
    assert amend(centre, "SOFT", {"tray": None})["tray"] is None
    assert amend(centre, "SOFT", {"tray": None}, 422)["code"] == "refused"
    bad = {"template": {"content": "{serial}"}}
    assert "names no item" in amend(centre, "SOFT", bad, 422)["detail"]
    last = centre.get("/api/v1/acts?subject=product&key=SOFT")["items"][-1]
    assert (last["payload"], last["reason"], last["basis"]) == (
        {"tray": None},
        "drawing 12",
        "letter 7",
    )


def other_enterprise(content: str) -> dict[str, str]:
    return {"content": content.replace("A7G1H", "A7G9H")}


def test_a_template_names_no_enterprise_but_the_entitys_own(centre: Registry) -> None:
    fault = "template.content names enterprise A7G9H in {}: the entity's NCAGE is A7G1H"
    for identifier, content in {
        "17V": "17VA7G9H\x1d1PE\x1dS{serial}",
        "18V": "18VDA7G9H\x1d1PE\x1dS{serial}",
        "18S": "18SA7G9H{serial}",
        "25S": "25SDA7G9H{serial}",
    }.items():
        bad = {"template": {"content": f"[)>\x1e06\x1d{content}\x1d20P{{component}}\x1e\x04"}}
        product = NEW | {"code": "ELSE"} | bad
        told = centre.post(f"{PRODUCTS}/preview", {"product": product}, expect=200)
        assert told["faults"] == [fault.format(identifier)]
        told = centre.post(PRODUCTS, product, expect=422)
        assert (told["code"], told["detail"]) == ("refused", fault.format(identifier))
    assert centre.sql("SELECT * FROM product WHERE code = 'ELSE'") == []
    assert centre.sql("SELECT * FROM number_space WHERE name = 'UMG.ELSE'") == []
    centre.post(PRODUCTS, NEW | {"code": "MINE"})
    assert "A7G9H" in amend(centre, "MINE", bad, 422)["detail"]
    order = {"code": "E", "product": "MINE", "quantity": 1, "gateways": ["gramsh.line-1"]}
    told = centre.post("/api/v1/orders", order | {"job": "J"} | bad, expect=422)
    assert "A7G9H" in told["detail"]
    # KMP has no code, so that nothing is known of it; and what was entered stays as it is.
    centre.post(PRODUCTS, product | {"entity": "KMP", "code": "K-ELSE"})
    given = {"name": "Kombinati Mekanik", "ncage": "A7K1H", **WHY}
    centre.post("/api/v1/entities/KMP/amend", given)
    assert amend(centre, "K-ELSE", {"calibre": "9x19"})["calibre"] == "9x19"


def test_what_orders_mark_by_stays(centre: Registry) -> None:
    assert amend(centre, "M70", {"nsn": "1005-59-123-4567"})["nsn"] == "1005-59-123-4567"
    for change in (
        {"template": {"content": TEMPLATE, "serial_prefix": "H"}},
        {"components": [{"name": "frame", "symbol": "FRAME"}]},
        {"space": "other"},
        {"kind": "package"},
    ):
        told = amend(centre, "M70", change, 409)
        assert told["code"] == "conflict"
        assert next(iter(change)) in told["detail"]


def test_whoever_knows_an_older_version_looks_again(centre: Registry) -> None:
    with centre.client() as officer:
        etag = officer.get(f"{PRODUCTS}/M70").headers["ETag"]
        amend(centre, "M70", {"calibre": "9x21"})
        body = {"calibre": "9x18", **WHY}
        late = officer.post(f"{PRODUCTS}/M70/amend", json=body, headers={"If-Match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "stale")


def test_a_producer_amends_its_own_and_withdraws_nothing(centre: Registry) -> None:
    body = {"calibre": "7.62", **WHY}
    with centre.client("producer-officer", "KMP") as other:
        assert other.post(f"{PRODUCTS}/M70/amend", json=body).status_code == 404
    with centre.client("producer-officer", "UMG") as own:
        assert own.post(f"{PRODUCTS}/M70/amend", json=body).status_code == 200
        assert own.post(f"{PRODUCTS}/M70/withdraw", json=WHY).status_code == 403


def test_a_lot_by_the_standard(centre: Registry) -> None:
    centre.post(
        PRODUCTS,
        {
            "code": "FMJ",
            "entity": "UMG",
            "model": "9x19 FMJ",
            "kind": "package",
            "lot_format": "mil-std-1168c",
            "components": [{"name": "carton"}],
            "template": {"content": PACKAGE},
        },
    )
    centre.approve("FMJ")
    order = {
        "code": "F-1",
        "product": "FMJ",
        "quantity": 5,
        "gateways": ["gramsh.line-1"],
        "job": "J",
        "contents": 50,
    }
    refused = centre.post("/api/v1/orders", order | {"lot": "KMP26I001-012"}, expect=422)
    assert "character 6" in refused["detail"]
    assert "needs a lot" in centre.post("/api/v1/orders", order, expect=422)["detail"]
    assert centre.post("/api/v1/orders", order | {"lot": "KMP26L001-012"})["lot"] == "KMP26L001-012"


def test_a_withdrawn_products_orders_stop(centre: Registry, peer: Peer) -> None:
    centre.post(f"{PRODUCTS}/M70/withdraw", WHY)
    told = peer.wait_plan("G-1", "suspended").order("G-1")
    assert told is not None
    assert told.reason == "product-withdrawn"
    order = centre.get("/api/v1/orders/G-1")
    assert (order["state"], order["reason"], order["said"]) == (
        "suspended",
        "product-withdrawn",
        "drawing 12",
    )
    assert centre.post(f"{PRODUCTS}/M70/withdraw", WHY, expect=409)["code"] == "conflict"
    more = {"code": "G-9", "product": "M70", "quantity": 1, "gateways": ["gramsh.line-1"]}
    centre.post("/api/v1/orders", more | {"job": "J"})
    refused = centre.post("/api/v1/orders/G-9/release", WHY, expect=409)
    assert "M70 is withdrawn" in refused["detail"]
    centre.post(f"{PRODUCTS}/M70/reinstate", WHY)
    peer.wait_plan("G-1", "released")


def test_it_follows_from_its_acts(centre: Registry) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
