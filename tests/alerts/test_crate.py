"""A crate's whole way, to the word of the weapon that did not arrive with it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.scene import DUTY, made, verified
from tests.alerts.servers import Post
from tests.register.telling import UII, Told, accept, flags
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
CRATE = "JA7G1HC1"


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started("plan", "ingest-1", "serve") as found:
        found.standard()
        for code, name in (("DEP", "Depoja Qendrore"), ("CAR", "Transporti Detar")):
            found.post("/api/v1/entities", {"code": code, "name": name})
        for number, entity, activity in (("L-DEP", "DEP", "trade"), ("L-CAR", "CAR", "transport")):
            licence = {"number": number, "entity": entity, "activities": [activity]}
            term = {"valid_from": soon(-24), "valid_until": soon(240)}
            found.post("/api/v1/licences", licence | term)
        yield found


def test_a_crate_is_received_short_by_one_and_who_had_it_last_is_told(centre: Centre) -> None:
    weapons = [UII.format(index) for index in (1, 2, 3)]
    missing = weapons[2]
    line = Peer(centre, "gramsh.line-1")
    line.enroll()
    line.accept("G-1")
    for index in (1, 2, 3):
        line.good(index)
    line.deliver()
    line.disconnect()
    accept(centre, *weapons)
    told = Told(centre)
    assert flags(told("packed", *weapons, package=CRATE)) == {}
    consignment = {
        "number": "C-1",
        "direction": "domestic",
        "articles": [CRATE],
        "sender": "UMG",
        "recipient": "DEP",
        "carrier": "CAR",
        "planned_dispatch": soon(1),
        "planned_arrival": soon(10),
    }
    reported = centre.post("/api/v1/consignments", consignment)
    assert (reported["licence"], reported["transport_licence"]) == ("L-1", "L-CAR")

    with made(centre) as scene, Post.started(scene.post) as post:
        scene.watch()
        sent = told("dispatched", CRATE, consignment="C-1", by="UMG", role="warehouse")
        come = {"consignment": "C-1", "holder": "DEP", "counted": True}
        received = told("received", CRATE, *weapons[:2], **come, by="DEP", role="warehouse")
        assert flags(received) == {missing: "missing"}
        scene.caught_up()
        assert scene.alerts("received-short") == [], "it may come yet"
        with centre.client("warehouse", "DEP") as http:
            ended = http.post("/api/v1/consignments/C-1/end-receipt", json={"reason": "searched"})
        assert ended.status_code == 200, ended.text

        alert = scene.raised("received-short", "C-1")
        assert (alert["severity"], alert["facts"]) == (
            "critical",
            {
                "sender": "UMG",
                "recipient": "DEP",
                "carrier": "CAR",
                "count": 1,
                "articles": [missing],
                "holders": ["UMG"],
                "last": [f"{missing}: UMG (dispatched, {sent['number']})"],
            },
        )
        number = alert["number"]
        wait_for("word of it", lambda: post.told(number) and scene.calls(number))
        (mail,), ((headers, body),) = post.told(number), scene.calls(number)
        assert (mail["To"], mail["Subject"]) == (DUTY, "[gjurma] A consignment came short: C-1")
        assert f"{missing}: UMG (dispatched, {sent['number']})" in mail.get_content()
        verified(scene, headers, body)
        assert json.loads(body)["data"]["facts"] == alert["facts"]
        assert json.loads(centre.run("rebuild", "--json"))["identical"]
