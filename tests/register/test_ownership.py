"""Every write of one entity against the things of another: nothing of them changes.

`WRITES` has a row for each write that an entity's role may send. A write that is added to the
interface without a row fails the first test.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast, get_args

import pytest

from central import schema
from central.access.roles import RIGHTS, Right, Role, Scope
from central.api.description import operations
from central.app import interface
from central.register.articles.models import (
    WITH_A_COMPONENT,
    WITH_A_HOLDER,
    WITH_A_PACKAGE,
    WITH_A_PLACE,
    WITH_A_REASON,
    EventKind,
)
from tests.register.telling import UII, Told, accept, flags
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import PACKAGE, TEMPLATE

OWNER, OTHER = "UMG", "KMP"
CRATE, GIVEN, BY_HAND = "JA7G1HOWNED", "DA7G1H0000000000", "DA7G1H0000000099"
STORED, SENT, REPORTED, SEIZED, EXPORTED, LOST, PACKED, MARKED = (
    UII.format(index) for index in range(1, 9)
)
UNNAMED, LISTED = UII.format(9), UII.format(10)
OTHERS = UII.format(13)
"""What OTHER holds itself."""
LOT, OTHER_LOT = "FMJ/U-1", "KMX/K-1"
WHY = {"reason": "as it is said"}
Write = tuple[str, dict[str, Any]]


_TOLD = frozenset({"act", "answered", "event", "event_article", "account", "credential", "token"})
_UNTOLD = {"article": " - 'disputed' - 'version'"}


def at(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


@dataclass
class Scene:
    """A register where OWNER has one of everything, and OTHER what it takes to send requests."""

    register: Register
    proposal: str
    numbers: Iterator[int]

    def number(self) -> str:
        return f"X-{next(self.numbers)}"

    def send(self, role: str, path: str, body: dict[str, Any], entity: str = OTHER) -> Any:
        token = self.register.session(role, entity)
        with self.register.client(token=token) as http:
            return http.post("/api/v1" + path, json=body)

    def things(self) -> set[str]:
        """Every row of the register but what is told, as text. That an article is disputed is what
        a flagged event is for."""
        rows = " UNION ALL ".join(
            f"SELECT '{name} ' || (to_jsonb(t){_UNTOLD.get(name, '')})::text FROM \"{name}\" t"
            for name in schema.metadata.tables
            if name not in _TOLD
        )
        return {row for (row,) in self.register.sql(rows)}


def event(scene: Scene, what: EventKind, *articles: str, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "number": scene.number(),
        "what": what,
        "happened": at(seconds=100),
        "articles": list(articles),
        "place": "KMP.1" if what in WITH_A_PLACE else None,
        "holder": OTHER if what in WITH_A_HOLDER else None,
        "package": CRATE if what in WITH_A_PACKAGE else None,
        "component": "receiver" if what in WITH_A_COMPONENT else None,
        "reason": "said so" if what in WITH_A_REASON else "",
    }
    return body | more


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Register.opened() as register:
        register.standard()
        register.post("/api/v1/entities", {"code": OTHER, "name": "Kombinati", "ncage": "A0D1H"})
        register.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        for number, entity, activities in (
            ("L-KMP", OTHER, ["trade", "production", "transport"]),
            ("L-DEP", "DEP", ["trade"]),
        ):
            times = {"valid_from": at(days=-1), "valid_until": at(days=9)}
            licence = {"number": number, "entity": entity, "activities": activities}
            register.post("/api/v1/licences", licence | times)
        for code, entity in (("UMG.1", OWNER), ("KMP.1", OTHER), ("DEP.1", "DEP")):
            place = {"code": code, "name": code, "kind": "site", "entity": entity}
            register.post("/api/v1/places", place)
        for code, entity, cage in (("FMJ", OWNER, "A7G1H"), ("KMX", OTHER, "A0D1H")):
            content = PACKAGE.replace("A7G1H", cage)
            packed = {"kind": "package", "components": [{"name": "package"}]}
            named = {"code": code, "entity": entity, "model": code}
            register.post("/api/v1/products", named | packed | {"template": {"content": content}})
        peer = Peer(register, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        for index in range(1, 14):
            peer.good(index)
        peer.deliver()
        peer.disconnect()
        accept(register, *(UII.format(index) for index in range(1, 14)))
        yield _owned(register)


def _owned(register: Register) -> Scene:
    """OWNER's things, each in the state in which a stranger could want it."""
    told = Told(register)
    scene = Scene(register, "", count(1))
    for product, number in (("FMJ", "U-1"), ("KMX", "K-1")):
        register.post("/api/v1/lots", {"product": product, "number": number})
        filled = {"number": f"M-{product}", "what": "filled", "happened": at(), "quantity": 100}
        register.post(f"/api/v1/lots/{product}/{number}/movements", filled)
    assert register.post("/api/v1/units", {"entity": OWNER, "quantity": 1})["numbers"] == [GIVEN]
    told("packed", PACKED, package=CRATE)
    for code in (STORED, SEIZED, EXPORTED, LOST):
        told("stored", code, place="UMG.1")
    told("seized", SEIZED, reason="evidence")
    told("lost", LOST, reason="missing")
    for number, code in (("C-1", SENT), ("C-2", REPORTED), ("C-3", LISTED)):
        register.post("/api/v1/consignments", consignment(number, code))
    told("dispatched", SENT, consignment="C-1")
    told("dispatched", OTHERS)
    told("received", OTHERS, holder=OTHER)
    told("dispatched", LISTED)
    told("dispatched", UNNAMED)
    told("dispatched", EXPORTED)
    told("exported", EXPORTED)
    order = {"code": "D-1", "product": "M70", "quantity": 1, "gateways": ["gramsh.line-1"]}
    register.post("/api/v1/orders", order | {"job": "J"})
    register.post("/api/v1/devices", {"name": "umg.phone", "place": "UMG.1"})
    counted = {"number": "N-1", "place": "UMG.1", "kind": "full", "due": at(days=1)}
    register.post("/api/v1/counts", counted | WHY)
    ending = event(scene, "destroyed", PACKED, happened=at())
    answer = scene.send("warehouse", "/events", ending, OWNER)
    assert answer.status_code == 202, answer.text
    scene.proposal = answer.json()["number"]
    return scene


def consignment(number: str, *articles: str, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "direction": "domestic",
        "sender": OWNER,
        "recipient": "DEP",
        "planned_dispatch": at(minutes=1),
        "planned_arrival": at(days=1),
        "articles": list(articles),
    } | more


EVERY = (STORED, SENT, SEIZED, EXPORTED, LOST, PACKED, MARKED, UNNAMED, LISTED, CRATE)
RECEIVER = [{"name": "receiver", "symbol": "RECEIVER"}]
ABROAD = {"sender": {"name": "Ministria, Roma", "country": "IT"}}


def _events(scene: Scene) -> Iterator[Write]:
    for what in get_args(EventKind):
        if what in WITH_A_COMPONENT:
            for code in EVERY:
                yield "/events", event(scene, what, code)
        else:
            yield "/events", event(scene, what, *EVERY)
    for package in (GIVEN, BY_HAND, "JFREE"):
        yield "/events", event(scene, "packed", STORED, package=package)
    for package in (GIVEN, BY_HAND, CRATE):
        yield "/events", event(scene, "packed", OTHERS, package=package)
    yield "/events", event(scene, "stored", STORED, place="UMG.1")
    yield "/events", event(scene, "received", SENT, consignment="C-1")
    yield "/events", event(scene, "received", SENT, holder=OWNER)


def _consignments(_: Scene) -> Iterator[Write]:
    for number, code in (("K-1", STORED), ("K-2", MARKED), ("K-3", UNNAMED), ("K-4", CRATE)):
        for name, parties in (
            ("i", {"direction": "import", "sender": None, "recipient": OTHER}),
            ("t", {"direction": "transit", "sender": None, "recipient": None, "carrier": OTHER}),
            ("d", {"sender": OTHER}),
            ("o", {}),
        ):
            outside = {} if name in "do" else ABROAD
            if name == "t":
                outside = outside | {"recipient": ABROAD["sender"]}
            yield "/consignments", consignment(number + name, code, **parties, outsiders=outside)


def _counts(scene: Scene) -> Iterator[Write]:
    body = {"number": scene.number(), "place": "UMG.1", "kind": "full", "due": at(days=1)}
    yield "/counts", body | WHY


def _lots(scene: Scene) -> Iterator[Write]:
    yield "/lots", {"product": "FMJ", "number": scene.number()}
    used = {"role": "primer", "lot": LOT, "quantity": 5}
    yield "/lots", {"product": "KMX", "number": scene.number(), "components": [used]}


def _components(_: Scene) -> Iterator[Write]:
    used = {"role": "primer", "lot": LOT, "quantity": 5}
    for lot in (LOT, OTHER_LOT):
        yield f"/lots/{lot}/components", {"components": [used], **WHY}


def _movements(scene: Scene) -> Iterator[Write]:
    body = {"number": scene.number(), "what": "lost", "happened": at(), "quantity": 5, **WHY}
    yield f"/lots/{LOT}/movements", body
    yield f"/lots/{OTHER_LOT}/movements", body | {"what": "reworked", "into": LOT}


def _products(_: Scene) -> Iterator[Write]:
    template = {"content": TEMPLATE}
    body = {"code": "P-1", "entity": OWNER, "model": "P", "components": RECEIVER}
    yield "/products", body | {"template": template}


def _preview(scene: Scene) -> Iterator[Write]:
    for _, body in _products(scene):
        yield "/products/preview", {"product": body}


def _licences(scene: Scene) -> Iterator[Write]:
    times = {"valid_from": at(), "valid_until": at(days=9)}
    yield "/licences/applications", {"number": scene.number(), "entity": OWNER} | times


def _devices(_: Scene) -> Iterator[Write]:
    yield "/devices", {"name": "umg.other", "place": "UMG.1"}


def _orders(scene: Scene) -> Iterator[Write]:
    body = {"code": scene.number(), "product": "M70", "quantity": 1, "job": "J"}
    yield "/orders", body | {"gateways": ["gramsh.line-1"]}


def _prints(scene: Scene) -> Iterator[Write]:
    for code in (CRATE, GIVEN):
        yield f"/articles/{code}/label/prints", {"number": scene.number(), "printer": "p-1"}


def step(path: str, **body: Any) -> Callable[[Scene], Iterator[Write]]:
    """A step on one thing of OWNER."""

    def writes(scene: Scene) -> Iterator[Write]:
        yield path.format(proposal=scene.proposal), body

    return writes


WRITES: Mapping[str, Callable[[Scene], Iterator[Write]] | None] = {
    "/password": None,  # of the account that asks, and of no other
    "/licences/applications": _licences,
    "/products": _products,
    "/products/preview": _preview,
    "/products/{code}/amend": step("/products/M70/amend", model="M71", **WHY),
    "/units": step("/units", entity=OWNER, quantity=1),
    "/articles/{code}/label/prints": _prints,
    "/events": _events,
    "/lots": _lots,
    "/lots/{code}/components": _components,
    "/lots/{code}/movements": _movements,
    "/lots/{code}/suspend": step(f"/lots/{LOT}/suspend", **WHY),
    "/consignments": _consignments,
    "/consignments/{number}/cancel": step("/consignments/C-2/cancel", **WHY),
    "/consignments/{number}/end-receipt": step("/consignments/C-1/end-receipt", **WHY),
    "/consignments/{number}/close": step("/consignments/C-1/close", **WHY),
    "/counts": _counts,
    "/counts/{number}/open": step("/counts/N-1/open", **WHY),
    "/counts/{number}/scan": step("/counts/N-1/scan", codes=[STORED]),
    "/counts/{number}/hand-in": step("/counts/N-1/hand-in", **WHY),
    "/counts/{number}/look-again": step("/counts/N-1/look-again", seen=[STORED], **WHY),
    "/counts/{number}/resolve": step(
        "/counts/N-1/resolve", articles=[STORED], resolution="counting-error", **WHY
    ),
    "/counts/{number}/close": step("/counts/N-1/close", **WHY),
    "/counts/{number}/cancel": step("/counts/N-1/cancel", **WHY),
    "/devices": _devices,
    "/devices/{name}/invite": step("/devices/umg.phone/invite"),
    "/devices/{name}/move": step("/devices/umg.phone/move", place="KMP.1", **WHY),
    "/devices/{name}/deactivate": step("/devices/umg.phone/deactivate", **WHY),
    "/orders": _orders,
    "/orders/{code}/amend": step("/orders/D-1/amend", quantity=2, **WHY),
    "/orders/{code}/cancel": step("/orders/D-1/cancel", **WHY),
    "/proposals/{number}/confirm": step("/proposals/{proposal}/confirm"),
    "/proposals/{number}/decline": step("/proposals/{proposal}/decline", **WHY),
    "/proposals/{number}/withdraw": step("/proposals/{proposal}/withdraw", **WHY),
}
"""By address, what OTHER sends there about what is OWNER's."""


def described() -> Iterator[tuple[str, Role]]:
    """Every write of the interface, with each role of an entity that may send it."""
    for path, method, operation in operations(cast("Any", interface()).openapi()):
        if method == "get" or "x-right" not in operation:
            continue
        for role, scope in RIGHTS[Right(operation["x-right"])].items():
            if scope is Scope.OWN:
                yield path.removeprefix("/api/v1"), role


def test_every_write_of_an_entitys_role_has_its_row() -> None:
    assert {path for path, _ in described()} == set(WRITES)


@pytest.mark.parametrize("path", [path for path, writes in WRITES.items() if writes is not None])
def test_no_write_changes_what_is_anothers(scene: Scene, path: str) -> None:
    writes = WRITES[path]
    assert writes is not None
    before = scene.things()
    for role in [role for each, role in described() if each == path]:
        for address, body in writes(scene):
            answer = scene.send(role, address, body)
            told = answer.json()
            what = (role, address, body, told)
            if path == "/events" and body["what"] == "seen":
                continue
            if path == "/events" and answer.status_code == 201:
                assert flags(told).keys() >= set(body["articles"]), what
            elif path == "/events" and answer.status_code == 202:
                assert told["effect"]["flagged"] == told["effect"]["articles"], what
            elif answer.status_code == 422:
                assert told["code"] == "refused", what
                refused = str(told["detail"])
                assert "another entity's" in refused or refused.startswith("holder:"), what
            else:
                assert told.get("code") in ("not-found", "forbidden"), what
    after = scene.things()
    assert before - after == set()
    # A proposal is a word; an item that was only marked has a row once anything is told of it.
    marked = f'"code": "{MARKED}"'
    new = {row for row in after - before if not row.startswith("proposal ")}
    assert {row for row in new if not (marked in row and f'"holder": "{OWNER}"' in row)} == set()


# --- what is in transit goes to whom it was sent --------------------------------------------


@pytest.mark.parametrize("code", [SENT, LISTED, UNNAMED, SEIZED])
def test_who_receives_what_was_not_sent_to_them_has_it_not(scene: Scene, code: str) -> None:
    told = scene.send("warehouse", "/events", event(scene, "received", code)).json()
    assert flags(told) == {code: "not-held"}
    article = scene.register.get(f"/api/v1/articles/{code}")["article"]
    assert (article["holder"], article["disputed"]) == (OWNER, True)
    token = scene.register.session("warehouse", OTHER)
    with scene.register.client(token=token) as stranger:
        assert stranger.get(f"/api/v1/articles/{code}/trace").status_code == 404


def test_a_receipt_by_a_stranger_raises_an_alert(scene: Scene) -> None:
    told = scene.send("warehouse", "/events", event(scene, "received", SENT)).json()
    scene.register.start("watch")
    scene.register.settle()
    alerts = scene.register.get("/api/v1/alerts?limit=500")["items"]
    (alert,) = (each for each in alerts if each["subject"] == told["number"])
    assert (alert["rule"], alert["severity"]) == ("received-by-other", "critical")
    assert (alert["facts"]["reporter"], alert["facts"]["articles"]) == (OTHER, [SENT])


def test_the_recipient_of_its_consignment_receives_it_and_its_owner_has_it_back(
    scene: Scene,
) -> None:
    """Whether the dispatch or the receipt named the consignment or not."""
    for code, by in ((SENT, "DEP"), (LISTED, "DEP"), (UNNAMED, OWNER)):
        body = event(scene, "received", code, holder=by, happened=at())
        assert flags(scene.send("warehouse", "/events", body, by).json()) == {}, code
        article = scene.register.get(f"/api/v1/articles/{code}")["article"]
        assert (article["holder"], article["disposition"]) == (by, "received")


def test_a_receipt_that_was_reported_before_its_dispatch_is_reported_again(scene: Scene) -> None:
    """The sender's scanner was offline: what the recipient reported first is flagged."""

    def received() -> dict[str, str]:
        body = event(scene, "received", REPORTED, holder="DEP", consignment="C-2", happened=at())
        return flags(scene.send("warehouse", "/events", body, "DEP").json())

    assert received() == {REPORTED: "illegal-step"}
    sent = event(scene, "dispatched", REPORTED, consignment="C-2", happened=at())
    assert scene.send("warehouse", "/events", sent, OWNER).status_code == 201
    article = scene.register.get(f"/api/v1/articles/{REPORTED}")["article"]
    assert article["disposition"] == "in-transit"
    assert received() == {}


def test_a_sighting_puts_nothing_in_dispute_that_its_holder_tells(scene: Scene) -> None:
    code = UII.format(11)
    assert flags(scene.send("warehouse", "/events", event(scene, "seen", code)).json()) == {}
    body = event(scene, "stored", code, place="UMG.1", happened=at())
    assert flags(scene.send("warehouse", "/events", body, OWNER).json()) == {}
    earlier = event(scene, "seen", code, happened=at(seconds=-30))
    assert flags(scene.send("warehouse", "/events", earlier).json()) == {}
    assert scene.register.get(f"/api/v1/articles/{code}")["article"]["disputed"] is False


def test_an_owner_packs_into_the_number_that_was_given_to_it(scene: Scene) -> None:
    body = event(scene, "packed", UII.format(12), package=GIVEN, happened=at())
    assert flags(scene.send("warehouse", "/events", body, OWNER).json()) == {}
