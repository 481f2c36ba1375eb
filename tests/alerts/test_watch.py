"""A planted cause on the real programs: one alert, one mail, one signed call; none for a look."""

import json
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulators import broker
from tests.alerts.scene import DUTY, Scene, made, verified
from tests.alerts.servers import Post
from tests.support.central import Centre
from tests.support.peer import Journal, Peer
from tests.support.registry import PACKAGE
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
UII = "DA7G1HM70G0000{:02}"
GRAMSH, TIRANA = (40.87, 20.18), (41.33, 19.82)
CHIEF = "shef@register.example"


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started("plan", "ingest-1", "serve") as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        for code, entity, (up, along) in (("UMG.GR", "UMG", GRAMSH), ("DEP.1", "DEP", TIRANA)):
            body = {"code": code, "name": code, "kind": "site", "entity": entity}
            found.post("/api/v1/places", body | {"latitude": up, "longitude": along})
        yield found


@pytest.fixture(scope="module")
def peer(centre: Centre) -> Iterator[Peer]:
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("G-1")
    for index in range(1, 10):
        peer.good(index)
    peer.deliver()
    yield peer
    peer.disconnect()


@pytest.fixture(scope="module")
def scene(centre: Centre, peer: Peer) -> Iterator[Scene]:
    with made(centre) as scene:
        yield scene


@pytest.fixture(scope="module")
def post(scene: Scene) -> Iterator[Post]:
    with Post.started(scene.post) as post:
        scene.watch()
        yield post


def test_a_double_is_told_once_by_mail_and_by_a_signed_call(
    scene: Scene, post: Post, peer: Peer
) -> None:
    seq = peer.intent(1)
    peer.deliver()
    alert = scene.raised("duplicate", UII.format(1))
    assert (alert["state"], alert["severity"]) == ("raised", "critical")
    assert alert["facts"]["record"] == f"gramsh.line-1/1/{seq}"
    number = alert["number"]
    wait_for("word of it", lambda: post.told(number) and scene.calls(number))
    mail = post.told(number)[0]
    assert (mail["To"], mail["Subject"]) == (
        DUTY,
        f"[gjurma] A number was marked twice: {UII.format(1)}",
    )
    assert f"gramsh.line-1/1/{seq}" in mail.get_content()

    headers, body = scene.calls(number)[0]
    verified(scene, headers, body)
    told = json.loads(body)
    assert (told["type"], told["data"]["number"]) == ("alert.raised", number)
    assert "Një numër" in told["data"]["texts"]["sq"]["title"]
    assert not any(alert["rule"] == "quarantined" for alert in open_alerts(scene))

    # Another mark of the same number, and the watch begun anew: it is open already.
    peer.intent(1)
    peer.deliver()
    scene.watch()
    scene.caught_up()
    assert len(scene.alerts("duplicate")) == 1
    deliveries = scene.raised("duplicate", UII.format(1))["deliveries"]
    assert [(each["channel"], len(each["attempts"])) for each in deliveries] == [
        ("mail", 1),
        ("webhook", 1),
    ]
    assert len(post.told(number)) == len(scene.calls(number)) == 1


def open_alerts(scene: Scene) -> list[dict[str, Any]]:
    return list(scene.centre.get("/api/v1/alerts?open=true")["items"])


def test_it_is_taken_on_and_resolved_by_people(scene: Scene, post: Post, peer: Peer) -> None:
    number = scene.raised("duplicate", UII.format(1))["number"]
    step = f"/api/v1/alerts/{number}"
    with scene.centre.client("auditor") as auditor:
        answer = auditor.post(f"{step}/acknowledge", json={"reason": "I see it"})
        assert answer.status_code == 403
        assert auditor.get(step).status_code == 200
    with scene.centre.client("inspector") as inspector:
        answer = inspector.post(f"{step}/acknowledge", json={"reason": "on my way"})
        assert answer.json()["acknowledged_by"] == "inspector"
    resolved = scene.centre.post(f"{step}/resolve", {"reason": "the second piece is scrapped"})
    assert (resolved["state"], resolved["resolved_by"]) == ("resolved", "registry-officer")
    scene.centre.post(f"{step}/resolve", {"reason": "again"}, expect=409)
    # What comes after that is a case of its own.
    peer.intent(1)
    peer.deliver()
    wait_for("a new one", lambda: len(scene.alerts("duplicate", UII.format(1))) == 2)


def test_what_is_told_of_articles(scene: Scene, post: Post) -> None:
    one, two, three, four = (UII.format(index) for index in (2, 3, 4, 5))
    scene.told("seen", one, place="UMG.GR", ago=200)
    event = scene.told("seen", one, place="DEP.1")
    assert scene.raised("elsewhere", event)["facts"] == {
        "what": "seen",
        "place": "DEP.1",
        "owner": "DEP",
        "holders": ["UMG"],
        "count": 1,
        "articles": [one],
    }
    scene.told("seen", two, place="UMG.GR", ago=10)
    scene.told("stored", two, place="DEP.1")
    assert scene.raised("too-far", two)["facts"]["km"] == 59
    assert scene.alerts("too-far", one) == [], "three hours are enough"
    scene.told("destroyed", three, reason="scrap")
    scene.told("seen", three, place="UMG.GR")
    assert scene.raised("seen-after-end", three)["facts"]["before"] == "destroyed"
    event = scene.told("received", four, holder="DEP")
    assert scene.raised("disputed", event)["facts"]["articles"] == [four]
    assert scene.alerts("disputed", one) == []


def test_what_lies_in_a_crate_is_disputed_with_it(scene: Scene, post: Post) -> None:
    crate, weapons = "JA7G1HC1", [UII.format(7), UII.format(8)]
    for weapon in weapons:
        scene.told("packed", weapon, package=crate)
    event = scene.told("dispatched", crate)
    facts = scene.raised("disputed", event)["facts"]
    assert (facts["articles"], facts["verdicts"]) == (weapons, ["not-accepted"])


def test_a_consignment_that_does_not_arrive(scene: Scene, post: Post) -> None:
    accept(scene.centre, UII.format(9))
    goes = datetime.now(UTC) + timedelta(seconds=6)
    body = {
        "number": "C-1",
        "direction": "domestic",
        "sender": "UMG",
        "recipient": "DEP",
        "planned_dispatch": goes.isoformat(),
        "planned_arrival": (goes + timedelta(seconds=1)).isoformat(),
        "articles": [UII.format(9)],
    }
    scene.centre.post("/api/v1/consignments", body)
    assert scene.raised("overdue", "C-1")["facts"]["state"] == "reported"


def test_whose_it_was_when_it_was_seen(scene: Scene, post: Post) -> None:
    """Looked at late, an event is judged by who had the thing then."""
    scene.caught_up()
    assert scene.centre.stop("watch") == 0
    uii = UII.format(6)
    accept(scene.centre, uii)
    stored = scene.told("stored", uii, place="UMG.GR")
    scene.told("dispatched", uii)
    received = scene.told("received", uii, holder="DEP", place="DEP.1")
    seen = scene.told("seen", uii, place="DEP.1")
    back = scene.told("seen", uii, place="UMG.GR")
    scene.watch()
    scene.caught_up()
    told = [stored, received, seen, back]
    assert not any(scene.alerts("disputed", event) for event in told)
    assert [event for event in told if scene.alerts("elsewhere", event)] == [back]


def accept(centre: Centre, uii: str) -> None:
    centre.post(
        "/api/v1/certificates",
        {
            "number": f"AC-{uii}",
            "kind": "acceptance",
            "institution": "Proof house",
            "items": [uii],
            "result": "passed",
            "issued": datetime.now(UTC).isoformat(),
            "document": "ab" * 32,
        },
    )


def test_what_gateways_send_that_is_not_accepted(scene: Scene, post: Post, peer: Peer) -> None:
    peer.intent(11, lot="ANOTHER")
    peer.deliver()
    alert = scene.raised("quarantined", peer.gateway)
    assert alert["facts"]["uiis"] == [UII.format(11)]
    scene.centre.post("/api/v1/licences/L-1/suspend", {"reason": "inspection"})
    number = peer.number(12)
    plan = wait_for("the suspension", lambda: suspended(peer))
    peer.journal.accept(plan)
    peer.plan = plan
    peer.journal.intent(peer.journal.mark(plan, "G-1", number))
    peer.deliver()
    scene.centre.post("/api/v1/licences/L-1/reinstate", {"reason": "mended"})
    assert scene.raised("unlicensed", peer.gateway)["facts"]["code"] == "not-licensed"


def suspended(peer: Peer) -> Any:
    plan = peer.plans[-1]
    order = plan.order("G-1")
    return plan if order is not None and order.state == "suspended" else None


def test_numbers_used_too_fast_and_a_balance_that_is_open(scene: Scene, post: Post) -> None:
    scene.watch("least_seconds_a_number = 60.0\nbalance_every_minutes = 0.02")
    for order, numbers in (("G-2", (1, 2, 3)), ("G-3", (1, 3))):
        line = Peer(scene.centre, f"gramsh.{order.lower()}")
        line.order = order
        line.enroll()
        scene.centre.add_order(order, line.gateway, quantity=3)
        line.accept()
        for index in numbers:
            line.good(index)
        line.deliver()
        line.disconnect()
    block = scene.centre.sql("SELECT id FROM block WHERE order_code = 'G-2'")[0][0]
    assert scene.raised("block-too-fast", block)["facts"]["size"] == 3
    assert scene.raised("balance-open", "G-3")["facts"] == {"issued": 3, "unaccounted": 1}
    assert scene.alerts("balance-open", "G-2") == []


def test_a_lot_whose_balance_does_not_close(scene: Scene, post: Post) -> None:
    centre = scene.centre
    product = {"code": "FMJ", "entity": "UMG", "model": "FMJ", "kind": "package"}
    more = {"components": [{"name": "package"}], "template": {"content": PACKAGE}}
    centre.post("/api/v1/products", product | more)
    for number in ("1", "2"):
        centre.post("/api/v1/lots", {"product": "FMJ", "number": number})
    for code, what, quantity in (("1", "filled", 100), ("1", "lost", 130), ("2", "filled", 9)):
        body = {"number": f"{code}.{what}", "what": what, "quantity": quantity, "reason": "fire"}
        body["happened"] = datetime.now(UTC).isoformat()
        centre.post(f"/api/v1/lots/FMJ/{code}/movements", body)
    scene.watch("balance_every_minutes = 0.02")
    facts = {"filled": 100, "short": 30, "disputed": 1}
    assert scene.raised("lot-balance-open", "FMJ/1")["facts"] == facts
    body = {"number": "2.lost", "what": "lost", "quantity": 10, "reason": "fire"}
    assert scene.alerts("lot-balance-open", "FMJ/2") == []
    centre.post("/api/v1/lots/FMJ/2/movements", body | {"happened": datetime.now(UTC).isoformat()})
    assert scene.raised("lot-balance-open", "FMJ/2")["facts"]["short"] == 1


def test_a_gateway_that_falls_silent(scene: Scene, post: Post) -> None:
    line = Peer(scene.centre, "gramsh.quiet")
    line.enroll()
    line.state()
    line.disconnect()
    wait_for("its state", lambda: scene.centre.sql("SELECT 1 FROM gateway_state"))
    scene.watch("gateway_silent_minutes = 0.05")
    alert = scene.raised("gateway-silent", line.gateway)
    seen = scene.centre.sql("SELECT at FROM gateway_state WHERE gateway = %s", line.gateway)[0][0]
    assert datetime.fromisoformat(alert["facts"]["since"]) == seen
    # Its last word was that a record waits there, and none has come.
    assert scene.raised("gateway-behind", line.gateway)["facts"]["waiting"] == 1
    # It says no more, and nothing more is said of it, also after somebody has resolved it.
    scene.centre.post(f"/api/v1/alerts/{alert['number']}/resolve", {"reason": "for repair"})
    scene.watch("gateway_silent_minutes = 0.05")
    others = wait_for("the others", lambda: scene.alerts("gateway-silent", "gramsh.g-2"))
    assert len(others) == 1
    assert len(scene.alerts("gateway-silent", line.gateway)) == 1


def test_a_gateway_that_reports_a_latch(scene: Scene) -> None:
    line = Peer(scene.centre, "gramsh.latched")
    line.enroll()
    line.state(latches=("rolled-back", "journal-full", "unknown-outcome:laser"))
    scene.watch()
    facts = {"epoch": 1, "latches": ["rolled-back"]}
    assert scene.raised("gateway-latched", line.gateway)["facts"] == facts
    assert scene.raised("journal-full", line.gateway)["facts"] == {"epoch": 1}


def test_a_gateway_that_the_register_latched(scene: Scene) -> None:
    """No word of the gateway is needed: its other copy may have taken the session."""
    line = Peer(scene.centre, "gramsh.forked")
    line.enroll()
    copy = Journal(line.gateway, 1, bytes(32), line.journal.key)
    copy.boot = line.journal.boot
    copy.opened()
    line.deliver()
    line.publish(copy.batch(1, 1))
    assert line.next_receipt().latch == "forked"
    scene.watch()
    facts = {"epoch": 1, "latches": ["forked"]}
    assert scene.raised("gateway-latched", line.gateway)["facts"] == facts


def test_it_is_escalated_where_nobody_acknowledges(scene: Scene, post: Post) -> None:
    quiet, heeded = (scene.told("found", UII.format(index)) for index in (7, 8))
    number = scene.raised("disputed", heeded)["number"]
    scene.centre.post(f"/api/v1/alerts/{number}/acknowledge", {"reason": "I look"})
    circle = f'[[alerts.escalation]]\nafter_minutes = 0.02\nto = ["{CHIEF}"]\n'
    scene.watch(more=circle)
    late = scene.raised("disputed", quiet)["number"]
    wait_for("the chief's mail", lambda: [m for m in post.told(late) if m["To"] == CHIEF])
    wait_for("the second call", lambda: len(scene.calls(late)) == 2)
    scene.watch(more=circle)
    scene.told("seen", UII.format(7))
    scene.caught_up()
    alert = scene.centre.get(f"/api/v1/alerts/{late}")
    assert (alert["state"], alert["escalations"]) == ("escalated", 1)
    assert scene.centre.get(f"/api/v1/alerts/{number}")["state"] == "acknowledged"
    assert [m["To"] for m in post.told(late)] == [DUTY, CHIEF]
    calls = [json.loads(body)["type"] for _, body in scene.calls(late)]
    assert calls == ["alert.raised", "alert.escalated-1"]


def test_a_look_raises_nothing(scene: Scene, post: Post) -> None:
    scene.watch()
    scene.caught_up()
    before = scene.centre.sql("SELECT count(*), max(id) FROM act")
    uii = UII.format(4)  # which is destroyed
    for role in ("registry-officer", "inspector", "auditor"):
        with scene.centre.client(role) as http:
            for path in (
                *(f"/articles/{uii}", f"/items/{uii}", f"/search?q={uii}", "/balances?by=order"),
                *("/gateways", "/refusals", "/evidence", "/alerts", "/events", "/marks"),
            ):
                assert http.get(f"/api/v1{path}").status_code == 200, path
    scene.caught_up()
    assert scene.centre.sql("SELECT count(*), max(id) FROM act") == before


def test_killed_between_raising_and_sending_it_sends_once_it_is_back(
    scene: Scene, post: Post
) -> None:
    """The mail server takes the call and says nothing; then the watch is killed."""
    before = scene.post
    scene.post = broker.free_port()
    with socket.create_server(("127.0.0.1", scene.post)):
        scene.watch()
        number = scene.raised("disputed", scene.told("found", UII.format(8)))["number"]
        wait_for("its turn", lambda: "raised: " + number in scene.centre.log("watch"))
        assert scene.centre.stop("watch", signal.SIGKILL) == -signal.SIGKILL
    mails = "SELECT attempts, sent FROM delivery WHERE alert = %s AND channel = 'mail'"
    assert scene.centre.sql(mails, number) == [(0, None)]
    with Post.started(scene.post) as later:
        scene.watch()
        wait_for("its mail", lambda: later.told(number))
        wait_for("its call", lambda: scene.calls(number))
        scene.told("seen", UII.format(8))
        scene.caught_up()
        assert len(later.told(number)) == len(scene.calls(number)) == 1
    scene.post = before


def test_what_fails_is_tried_again_and_each_time_kept(scene: Scene, post: Post) -> None:
    scene.hooks.status = 503
    scene.watch()
    number = scene.raised("disputed", scene.told("found", UII.format(7)))["number"]

    def hook() -> Any:
        found = scene.centre.get(f"/api/v1/alerts/{number}")["deliveries"]
        return next(each for each in found if each["channel"] == "webhook")

    wait_for("a failure", lambda: hook()["attempts"])
    assert hook()["attempts"][0]["answer"] == "NotTaken: 503 Service Unavailable"
    scene.hooks.status = 204
    wait_for("success", lambda: hook()["sent"])
    assert [each["delivered"] for each in hook()["attempts"]] == [False, True]
    ids = {headers["webhook-id"] for headers, _ in scene.calls(number)}
    assert len(ids) == 1, "who receives it knows it for the same"


def test_it_is_built_anew_the_same(scene: Scene, post: Post) -> None:
    told = json.loads(scene.centre.run("rebuild", "--json"))
    assert told["identical"], told
    assert scene.centre.sql("SELECT count(DISTINCT rule) FROM alert") == [(15,)]
