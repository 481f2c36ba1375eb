"""The life of things on the real programs: marked, packed, dispatched, received; and disputes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.register.telling import UII, Told, accept, flags
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import SECOND, Registry

pytestmark = pytest.mark.slow
CRATE, PALLET = "106141412345678908", "JA7G1HPALLET1"


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        for code, entity in (("UMG.GR", "UMG"), ("DEP.1", "DEP")):
            found.post(
                "/api/v1/places", {"code": code, "name": code, "kind": "site", "entity": entity}
            )
        peer = Peer(found, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        for index in range(1, 14):
            peer.good(index)
        peer.deliver()
        peer.disconnect()
        yield found


@pytest.fixture
def told(centre: Registry) -> Told:
    return Told(centre)


def life(centre: Registry, code: str) -> Any:
    return centre.get(f"/api/v1/articles/{code}")


def test_a_marked_item_is_commissioned_at_its_producer(centre: Registry) -> None:
    found = life(centre, UII.format(12))
    assert found["history"] == []
    article = found["article"]
    assert (article["disposition"], article["holder"], article["kind"]) == (
        "commissioned",
        "UMG",
        "item",
    )
    assert centre.look("/api/v1/articles/DNOTHING").status_code == 404


def test_a_crates_way_and_what_lies_in_it(centre: Registry, told: Told) -> None:
    weapons = [UII.format(index) for index in (1, 2, 3)]
    assert flags(told("packed", *weapons, package=CRATE)) == {}
    assert flags(told("packed", CRATE, package=PALLET)) == {}
    within = centre.get(f"/api/v1/articles/{PALLET}/contents")
    assert [(each["code"], each["depth"]) for each in within["articles"]] == [
        (CRATE, 1),
        *((weapon, 2) for weapon in weapons),
    ]
    assert life(centre, weapons[0])["packages"] == [CRATE, PALLET]

    refused = told("dispatched", PALLET)
    assert flags(refused) == dict.fromkeys(weapons, "not-accepted")
    for weapon in weapons:
        settle(centre, weapon, "commissioned", package=CRATE)
    for unit in (CRATE, PALLET):
        assert life(centre, unit)["article"]["disposition"] == "in-transit"
    # The units are on their way; what was not accepted is told of anew once it is.
    accept(centre, *weapons)
    assert flags(told("dispatched", *weapons)) == dict.fromkeys(weapons, "still-packed")


def settle(centre: Registry, code: str, disposition: str, **more: Any) -> Any:
    body = {"disposition": disposition, "holder": "UMG", "reason": "looked at", **more}
    return centre.post(f"/api/v1/articles/{code}/settle", body)


def test_what_was_accepted_goes_from_hand_to_hand(centre: Registry, told: Told) -> None:
    weapon = UII.format(4)
    accept(centre, weapon)
    crate = "JA7G1HCRATE4"
    assert flags(told("packed", weapon, package=crate, by="UMG", role="warehouse")) == {}
    event = told("dispatched", crate, by="UMG", role="warehouse")
    assert (event["articles"], event["flagged"]) == (2, 0)
    # No consignment sends it to anybody: the registry says who has it.
    assert flags(told("received", crate, holder="DEP")) == {}
    assert flags(told("stored", crate, place="DEP.1", by="DEP", role="warehouse")) == {}
    article = life(centre, weapon)["article"]
    assert (article["disposition"], article["holder"], article["place"], article["package"]) == (
        "in-store",
        "DEP",
        "DEP.1",
        crate,
    )
    assert flags(told("unpacked", weapon, package=crate, by="DEP", role="warehouse")) == {}
    assert flags(told("issued", weapon, by="DEP", role="warehouse")) == {}
    assert flags(told("destroyed", weapon, reason="worn")) == {weapon: "illegal-step"}
    steps = [
        (step["what"], step["within"], step["verdict"]) for step in life(centre, weapon)["history"]
    ]
    assert steps == [
        ("packed", False, "ok"),
        ("dispatched", True, "ok"),
        ("received", True, "ok"),
        ("stored", True, "ok"),
        ("unpacked", False, "ok"),
        ("issued", False, "ok"),
        ("destroyed", False, "illegal-step"),
    ]
    in_store = centre.get("/api/v1/articles?holder=DEP&disposition=in-store")["items"]
    assert [each["code"] for each in in_store] == [crate]


def test_nothing_that_is_told_is_dropped(centre: Registry, told: Told) -> None:
    weapon = UII.format(5)
    event = told("issued", weapon, "DNOBODYKNOWSIT")
    assert flags(event) == {weapon: "illegal-step", "DNOBODYKNOWSIT": "unknown-article"}
    disputed = centre.get("/api/v1/articles?disputed=true")["items"]
    assert weapon in [each["code"] for each in disputed]
    assert settle(centre, weapon, "in-use")["disputed"] is False
    body = {"disposition": "in-use", "holder": "UMG", "reason": "again"}
    assert centre.post(f"/api/v1/articles/{weapon}/settle", body, expect=409)["code"] == "conflict"
    assert [step["what"] for step in life(centre, weapon)["history"]] == ["issued", "settled"]


def test_a_package_lies_not_in_itself(centre: Registry, told: Told) -> None:
    weapon = UII.format(6)
    told("packed", weapon, package="INNER")
    told("packed", "INNER", package="OUTER")
    found = told("packed", "OUTER", package="INNER")
    assert flags(found)["OUTER"] == "package-in-itself"
    assert life(centre, "OUTER")["article"]["package"] is None
    assert centre.get("/api/v1/articles/INNER/contents")["articles"][0]["code"] == weapon


def test_a_part_that_is_exchanged_follows_the_weapon(centre: Registry, told: Told) -> None:
    weapon, part, other = UII.format(10), UII.format(11), UII.format(13)
    told("stored", weapon, part, other, place="UMG.GR")
    told("sent-for-repair", weapon)
    built_in = {"package": weapon, "component": "receiver"}
    assert flags(told("assembled", part, **built_in)) == {}
    assert flags(told("assembled", other, **built_in)) == {other: "component-taken"}
    wrong = {"package": weapon, "component": "turret"}
    assert flags(told("assembled", other, **wrong)) == {other: "not-a-component"}
    told("stored", weapon, place="UMG.GR")
    (within,) = centre.get(f"/api/v1/articles/{weapon}/contents")["articles"]
    assert (within["code"], within["component"]) == (part, "receiver")
    assert life(centre, part)["article"]["disposition"] == "in-store"
    told("sent-for-repair", weapon)
    assert flags(told("disassembled", part, **built_in)) == {}
    steps = [(each["what"], each["component"]) for each in life(centre, part)["history"]]
    assert steps == [
        ("stored", None),
        ("assembled", "receiver"),
        ("stored", None),
        ("sent-for-repair", None),
        ("disassembled", "receiver"),
    ]


def test_who_has_it_not_is_heard_and_not_believed(centre: Registry, told: Told) -> None:
    weapon = UII.format(7)
    event = told("stored", weapon, place="DEP.1", by="DEP", role="warehouse")
    assert flags(event) == {weapon: "not-held"}
    assert life(centre, weapon)["article"]["place"] is None
    with centre.client("warehouse", "DEP") as other:
        assert other.get(f"/api/v1/articles/{weapon}").status_code == 404
        listed = str(other.get("/api/v1/articles").json())
        assert weapon not in listed


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"happened": "2050-01-01T00:00:00Z"}, 422, "refused"),
        ({"place": "NOWHERE"}, 404, "not-found"),
        ({"number": "E-1"}, 409, "conflict"),
        ({"articles": []}, 422, "refused"),
    ],
)
def test_a_report_that_is_none_is_refused(
    centre: Registry, told: Told, more: dict[str, Any], status: int, code: str
) -> None:
    told("seen", UII.format(8))
    body = {
        "number": "REFUSED",
        "what": "stored",
        "place": "UMG.GR",
        "happened": datetime.now(UTC).isoformat(),
        "articles": [UII.format(8)],
        **more,
    }
    assert centre.post("/api/v1/events", body, expect=status)["code"] == code


def test_nobody_destroys_alone_whatever_they_call_it(centre: Registry, told: Told) -> None:
    weapon, other = UII.format(2), UII.format(12)
    before = life(centre, weapon)
    event = {
        "number": "SCRAP-1",
        "what": "destroyed",
        "happened": datetime.now(UTC).isoformat(),
        "articles": [other],
        "reason": "worn",
    }
    with centre.client("warehouse", "UMG") as mine, centre.client("warehouse", "DEP") as others:
        answer = mine.post("/api/v1/events", json=event)
        assert answer.status_code == 202, answer.text
        proposal = answer.json()["number"]
        assert mine.get("/api/v1/proposals").json()["items"][0]["number"] == proposal
        assert others.get(f"/api/v1/proposals/{proposal}").status_code == 404
        assert others.get("/api/v1/proposals").json()["items"] == []
    assert centre.look("/api/v1/events/SCRAP-1").status_code == 404
    assert life(centre, other)["history"] == []

    # Seen meanwhile, so that it is not what was looked at.
    told("seen", other)
    with centre.client(token=centre.session(name=SECOND)) as second:
        answer = second.post(f"/api/v1/proposals/{proposal}/confirm", json={})
        assert (answer.status_code, answer.json()["code"]) == (412, "proposal-stale")
        why = {"reason": "it was seen"}
        assert second.post(f"/api/v1/proposals/{proposal}/decline", json=why).status_code == 200
    now = {"number": "SCRAP-2", "happened": datetime.now(UTC).isoformat()}
    confirmed = centre.decide("/api/v1/events", event | now)
    assert (confirmed["effect"]["articles"], confirmed["effect"]["flagged"]) == (1, 0)
    assert life(centre, other)["article"]["disposition"] == "destroyed"

    # What is in dispute is not settled to be destroyed by one person either.
    assert flags(told("issued", weapon)) == {weapon: "illegal-step"}
    gone = {"disposition": "destroyed", "holder": "UMG", "reason": "looked at"}
    path = f"/api/v1/articles/{weapon}/settle"
    number = centre.post(path, gone, expect=202)["number"]
    assert life(centre, weapon)["article"]["disposition"] == before["article"]["disposition"]
    centre.confirm(number)
    assert life(centre, weapon)["article"]["disposition"] == "destroyed"
    alone = "SELECT count(*) FROM act WHERE (what = 'destroyed' OR payload->>'disposition' = %s)"
    assert centre.sql(alone + " AND second = ''", "destroyed") == [(0,)]


def test_events_come_the_newest_first_and_page_by_page(centre: Registry, told: Told) -> None:
    weapon = UII.format(9)
    for _ in range(3):
        told("seen", weapon)
    whole = centre.get(f"/api/v1/events?article={weapon}")["items"]
    first = centre.get(f"/api/v1/events?article={weapon}&limit=2")
    rest = centre.get(f"/api/v1/events?article={weapon}&limit=2&cursor={first['next']}")
    assert first["items"] + rest["items"] == whole
    assert [each["version"] for each in whole] == sorted(
        (each["version"] for each in whole), reverse=True
    )
    assert centre.get(f"/api/v1/events/{whole[0]['number']}")["flags"] == []


def test_the_register_is_rebuilt_with_all_of_it(centre: Registry) -> None:
    assert "identical" in centre.run("rebuild")
    centre.sql("UPDATE article SET disposition = 'in-use' WHERE code = %s", UII.format(7))
    assert f"article {UII.format(7)}" in centre.run("rebuild", expect=1)
    centre.sql("UPDATE article SET disposition = 'commissioned' WHERE code = %s", UII.format(7))
