"""A register with something of each kind in it, of which some is for nobody's eyes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.register import Register
from tests.support.registry import Registry

SECRET = "SEKRET"
"""Stands in every text that an officer or an inspector wrote for the register alone."""
PERSON = "Gëzim Çela"


def at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        _entities(found)
        _licences(found)
        _oversight(found)
        yield found


def _entities(centre: Registry) -> None:
    for code, name, kinds, tax in (
        ("KMP", "Kombinati Mekanik i Poliçanit", ["producer", "store"], "K27182818B"),
        ("BRO", "Ndërmjetësi Ilir sh.p.k.", ["broker", "trader"], "L31415926A"),
        ("OUT", "=Përjashtuar sh.a.", ["trader"], "M16180339C"),
        ("OFF", "Mbyllur sh.a.", ["carrier"], "K16180330D"),
        ("NEW", "Ende Asgjë sh.p.k.", ["trader"], "K14142135E"),
    ):
        asked: Any = {"code": code, "name": name, "kinds": kinds, "tax_number": tax}
        centre.post("/api/v1/entities", asked)


def _licences(centre: Registry) -> None:
    site = {"code": f"{SECRET}.1", "name": f"{SECRET} vendi", "kind": "site", "entity": "KMP"}
    centre.post("/api/v1/places", site)
    secrets: dict[str, Any] = {
        "conditions": [f"{SECRET} kusht"],
        "quantities": [{"category": "ML3", "most": 987654}],
        "sites": [f"{SECRET}.1"],
    }
    for number, entity, activities, categories, begins, ends, more in (
        ("A-FORCE", "KMP", ["production", "storage"], ["ML3", "ML8"], -2, 900, secrets),
        ("A-SOON", "KMP", ["research"], [], 5, 900, {}),
        ("A-PAUSED", "KMP", ["transport"], ["ML3"], -2, 400, {}),
        ("A-OVER", "BRO", ["trade"], ["ML1"], -20, 0.0001, {}),
        ("A-REVOKED", "BRO", ["brokering"], ["ML1"], -2, 300, {}),
        ("A-OUT", "OUT", ["trade"], ["ML1"], -2, 300, {}),
        ("A-OFF", "OFF", ["transport"], [], -2, 300, {}),
    ):
        term = {"valid_from": at(begins), "valid_until": at(ends)}
        terms: Any = {"activities": activities, "categories": categories}
        centre.post("/api/v1/licences", {"number": number, "entity": entity} | terms | term | more)
    asked: Any = {"valid_from": at(0), "valid_until": at(99), "activities": ["trade"]}
    centre.post("/api/v1/licences/applications", {"number": "A-ASKED", "entity": "NEW"} | asked)
    centre.post("/api/v1/licences/applications", {"number": "A-REFUSED", "entity": "NEW"} | asked)
    why = {"reason": f"{SECRET} arsye", "basis": f"{SECRET} neni"}
    centre.post("/api/v1/licences/A-REFUSED/refuse", why)
    centre.post("/api/v1/licences/A-PAUSED/suspend", why | {"until": at(30)})
    centre.decide("/api/v1/licences/A-REVOKED/revoke", why)
    centre.post("/api/v1/entities/OFF/deactivate", why)


def _oversight(centre: Registry) -> None:
    why = {"legal_basis": f"{SECRET} ligji", "reason": f"{SECRET} vendimi", "valid_from": at(-9)}
    for number, more in (
        ("X-1", {"kind": "entity", "name": "=Përjashtuar sh.a.", "tax_number": "M16180339C"}),
        ("X-2", {"kind": "entity", "name": "Jashtë sh.a.", "ncage": "A7X1H"}),
        ("X-3", {"kind": "entity", "name": "Dikur sh.a."}),
        ("X-4", {"kind": "person", "name": PERSON, "personal_number": f"{SECRET}J1"}),
    ):
        centre.decide("/api/v1/exclusions", {"number": number, "ground": "violation"} | more | why)
    later = {"number": "X-5", "kind": "entity", "name": "Nesër sh.a.", "ground": "violation"}
    centre.decide("/api/v1/exclusions", later | why | {"valid_from": at(9)})
    centre.post("/api/v1/exclusions/X-3/lift", {"reason": f"{SECRET} u hoq"})
    for number, entity in (("I-1", "KMP"), ("I-2", "BRO"), ("I-3", "UMG")):
        inspection = {
            "number": number,
            "entity": entity,
            "kind": "unannounced",
            "planned_for": at(0),
            "inspectors": [f"{SECRET} Marku"],
            "checklist": [f"{SECRET} dyert"],
        }
        result = "fault" if entity == "BRO" else "ok"
        found = {"results": [{"result": result, "remark": f"{SECRET} vrejtje"}], "findings": []}
        _do(centre, "inspections", inspection)
        _do(centre, f"inspections/{number}/begin", {"reason": "në vend"})
        _do(centre, f"inspections/{number}/find", found)
    sanction: dict[str, Any] = {"number": "S-1", "entity": "KMP", "kind": "fine", "amount": 987654}
    centre.post("/api/v1/sanctions", sanction | {"currency": "ALL", "basis": SECRET, "reason": "g"})


def _do(centre: Registry, path: str, body: Any) -> None:
    with centre.client("inspector") as http:
        answer = http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
