"""A register that has something to show on each desk: for what looks at all of its pages.

with register() as centre: ...          # programs: plan, ingest-1, watch, serve
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.register.imported import csv, weapon
from tests.register.telling import UII, Told, accept
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

GATEWAY, ORDER = "gramsh.line-1", "G-1"
CRATE = "JA7G1HC1"
REVOKED = "AIM-2025-0031"
KEYS = {
    "orders": ORDER,
    "licences": "L-1",
    "entities": "UMG",
    "places": "DEP.1",
    "products": "M70",
    "certificates": "TA-M70",
    "exclusions": "P-7",
    "inspections": "I-2026-4",
    "sanctions": "S-2026-1",
    "proposals": f"PR-{datetime.now(UTC).year}-0002",
    "consignments": "C-1",
    "counts": "INV-1",
    "gateways": GATEWAY,
    "devices": "depo.skaner-1",
}
"""One of each that has a page."""


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@contextmanager
def register(*, anew: bool = False) -> Iterator[Centre]:
    """A factory's marks, its crate that arrives short at a depot, and the oversight of both.
    `anew`: as `Centre.started` has it."""
    with Centre.started("plan", "ingest-1", "watch", "serve", anew=anew) as centre:
        centre.standard(GATEWAY, order=ORDER)
        _depot(centre)
        line = _line(centre)
        _oversight(centre)
        _public(centre)
        _crate(centre)
        wait_for("the alert", lambda: centre.get("/api/v1/alerts?rule=received-short")["items"])
        yield centre
        line.disconnect()


def _line(centre: Centre) -> Peer:
    """Marks of a line that goes on: good ones, one that cannot be read, and one still open."""
    peer = Peer(centre, GATEWAY)
    peer.enroll()
    plan = peer.wait_plan(ORDER)
    journal = peer.journal
    journal.accept(plan)
    for number in range(1, 15):
        intent = journal.intent(
            journal.mark(plan, ORDER, number), operator="a.hoxha", operator_auth="badge"
        )
        if number < 14:
            journal.marked(intent)
        if number < 13:
            journal.verified(intent, "unreadable" if number == 9 else "good")
    peer.deliver()
    peer.state(plan)
    return peer


def _depot(centre: Centre) -> None:
    """Who receives and who carries; a store, its device, weapons of before, and a count."""
    for code, name, activity in (
        ("DEP", "Depoja Qendrore", "trade"),
        ("CAR", "Transporti Detar", "transport"),
    ):
        centre.post("/api/v1/entities", {"code": code, "name": name})
        term = {"valid_from": soon(-24), "valid_until": soon(240)}
        licence = {"number": f"L-{code}", "entity": code, "activities": [activity]}
        centre.post("/api/v1/licences", licence | term)
    store = {"code": "DEP.1", "name": "Depoja 1", "kind": "site", "entity": "DEP", "parent": None}
    centre.post("/api/v1/places", store)
    centre.post("/api/v1/devices", {"name": KEYS["devices"], "place": "DEP.1"})
    with centre.client() as officer:
        answer = officer.post(
            "/api/v1/imports",
            params={"number": "IMP-1", "kind": "articles", "file": "depo.csv"},
            content=csv(weapon(index) for index in range(1, 6)),
        )
    assert (answer.status_code, answer.json()["refused"]) == (201, 0), answer.text
    count = {"number": KEYS["counts"], "place": "DEP.1", "kind": "full", "due": soon(48)}
    _do(centre, "counts", count | {"reason": "inventari i vitit"}, role="warehouse", entity="DEP")


def _oversight(centre: Centre) -> None:
    """An inspection that found a fault, what followed from it, an exclusion, and a proposal that
    waits for another officer."""
    inspection = {
        "number": KEYS["inspections"],
        "entity": "UMG",
        "kind": "planned",
        "planned_for": soon(-2),
        "inspectors": ["Teuta Marku"],
        "checklist": ["shenjat lexohen", "regjistri i ditës është i plotë"],
    }
    results = [{"result": "fault", "remark": "e zbehtë"}, {"result": "ok", "remark": ""}]
    found = {"results": results, "findings": ["lente e konsumuar në linjën 1"]}
    _do(centre, "inspections", inspection, role="inspector")
    began = {"reason": "në vend"}
    _do(centre, f"inspections/{KEYS['inspections']}/begin", began, role="inspector")
    _do(centre, f"inspections/{KEYS['inspections']}/find", found, role="inspector")
    warning = {"number": KEYS["sanctions"], "entity": "UMG", "kind": "warning", "basis": "neni 12"}
    more = {"reason": "lente e konsumuar", "inspection": KEYS["inspections"]}
    centre.post("/api/v1/sanctions", warning | more)
    exclusion = {"number": KEYS["exclusions"], "kind": "person", "name": "Gëzim Çela"}
    ground = {"ground": "national-security", "legal_basis": "ligji 36/2020", "reason": "vendimi 7"}
    centre.decide("/api/v1/exclusions", exclusion | ground | {"valid_from": soon(-1)})
    revoked = {"reason": "nuk ushtron më veprimtari", "basis": "vendimi 9"}
    centre.post("/api/v1/licences/L-CAR/revoke", revoked, expect=202)


def _public(centre: Centre) -> None:
    """For whoever looks from outside: licences in each state, an excluded trader, and as many
    inspected entities as it takes to tell of them."""
    for code, name, kinds, tax in (
        ("BRO", "Ndërmjetësi Ilir sh.p.k.", ["broker", "trader"], "L31415926A"),
        ("KMP", "Kombinati Mekanik i Poliçanit", ["producer", "store"], "K27182818B"),
    ):
        asked = {"code": code, "name": name, "kinds": kinds, "tax_number": tax}
        centre.post("/api/v1/entities", asked)
    for number, entity, activities, categories, until in (
        ("AIM-2026-0007", "KMP", ["production", "storage"], ["ML3", "ML8"], 24 * 900),
        ("AIM-2026-0008", "KMP", ["transport"], ["ML3"], 24 * 400),
        (REVOKED, "BRO", ["brokering"], ["ML1", "ML3"], 24 * 300),
    ):
        term = {"valid_from": soon(-48), "valid_until": soon(until)}
        terms = {"activities": activities, "categories": categories}
        centre.post("/api/v1/licences", {"number": number, "entity": entity} | terms | term)
    paused = {"reason": "inspektimi I-2026-6", "until": soon(24 * 30)}
    centre.post("/api/v1/licences/AIM-2026-0008/suspend", paused)
    ended = {"reason": "ndërmjetësim pa leje", "basis": "neni 31"}
    centre.decide(f"/api/v1/licences/{REVOKED}/revoke", ended)
    exclusion = {"number": "P-8", "kind": "entity", "name": "Tregtia e Jugut sh.p.k."}
    more = {"tax_number": "M16180339C", "ground": "violation", "valid_from": soon(-240)}
    why = {"legal_basis": "neni 31", "reason": "vendimi 8", "valid_until": soon(24 * 700)}
    centre.decide("/api/v1/exclusions", exclusion | more | why)
    for number, entity in (("I-2026-5", "DEP"), ("I-2026-6", "KMP")):
        made = {"number": number, "entity": entity, "kind": "unannounced"}
        when = {"planned_for": soon(-1), "inspectors": ["Teuta Marku"], "checklist": ["dyert"]}
        _do(centre, "inspections", made | when, role="inspector")
        _do(centre, f"inspections/{number}/begin", {"reason": "në vend"}, role="inspector")
        found = {"results": [{"result": "ok"}], "findings": []}
        _do(centre, f"inspections/{number}/find", found, role="inspector")


def _crate(centre: Centre) -> None:
    """Three weapons leave, two arrive, and the receipt is ended all the same."""
    weapons = [UII.format(index) for index in (1, 2, 3)]
    accept(centre, *weapons)
    told = Told(centre)
    told("packed", *weapons, package=CRATE)
    centre.post(
        "/api/v1/consignments",
        {
            "number": KEYS["consignments"],
            "direction": "domestic",
            "articles": [CRATE],
            "sender": "UMG",
            "recipient": "DEP",
            "carrier": "CAR",
            "planned_dispatch": soon(1),
            "planned_arrival": soon(10),
        },
    )
    told("dispatched", CRATE, consignment="C-1", by="UMG", role="warehouse")
    come = {"consignment": "C-1", "holder": "DEP", "place": "DEP.1", "counted": True}
    told("received", CRATE, *weapons[:2], **come, by="DEP", role="warehouse")
    ended = {"reason": "u kërkua, nuk u gjet"}
    _do(centre, "consignments/C-1/end-receipt", ended, role="warehouse", entity="DEP")


def _do(centre: Centre, path: str, body: Any, *, role: str, entity: str | None = None) -> None:
    with centre.client(role, entity) as http:
        answer = http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
