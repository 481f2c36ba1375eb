"""Consignments on the real programs: reported, scanned out and in, short, over, overdue, closed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.register.telling import UII, Told, accept, flags
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
ABROAD = {"name": "Ministria e Mbrojtjes, Roma", "country": "IT"}
CERTIFICATE = {"number": "EUC 2026/7", "issuer": "UAMA", "document": "cd" * 32}


def soon(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        found.standard()
        for code, name in (
            ("DEP", "Depoja Qendrore"),
            ("CAR", "Transporti Detar"),
            ("KMP", "Kombinati Mekanik"),
            ("BAD", "Veprimtari e Dyshimte"),
        ):
            found.post("/api/v1/entities", {"code": code, "name": name})
        for number, entity, activity in (("L-DEP", "DEP", "trade"), ("L-CAR", "CAR", "transport")):
            found.post(
                "/api/v1/licences",
                {
                    "number": number,
                    "entity": entity,
                    "activities": [activity],
                    "valid_from": soon(-24),
                    "valid_until": soon(240),
                },
            )
        peer = Peer(found, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        for index in range(1, 41):
            peer.good(index)
        peer.deliver()
        peer.disconnect()
        accept(found, *(UII.format(index) for index in range(1, 40)))
        yield found


@pytest.fixture
def told(centre: Registry) -> Told:
    return Told(centre)


def asked(number: str, *articles: str, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "direction": "domestic",
        "sender": "UMG",
        "recipient": "DEP",
        "planned_dispatch": soon(1),
        "planned_arrival": soon(10),
        "articles": list(articles),
        **more,
    }


def report(centre: Registry, number: str, *articles: str, **more: Any) -> Any:
    return centre.post("/api/v1/consignments", asked(number, *articles, **more))


def one(centre: Registry, number: str) -> Any:
    return centre.get(f"/api/v1/consignments/{number}")


def step(centre: Registry, number: str, name: str, expect: int | None = None, **more: Any) -> Any:
    body = {"reason": "as it was found", **more}
    return centre.post(f"/api/v1/consignments/{number}/{name}", body, expect=expect)


def counts(consignment: Any) -> dict[str, int]:
    """Those that are not nought."""
    return {name: count for name, count in consignment["counts"].items() if count}


def test_a_crate_is_received_short_by_one_and_the_missing_number_is_named(
    centre: Registry, told: Told
) -> None:
    crate, weapons = "JA7G1HC1", [UII.format(index) for index in (1, 2, 3)]
    missing = weapons[2]
    assert flags(told("packed", *weapons, package=crate)) == {}
    reported = report(centre, "C-1", crate, carrier="CAR")
    assert (reported["state"], reported["licence"], reported["transport_licence"]) == (
        "reported",
        "L-1",
        "L-CAR",
    )
    assert counts(reported) == {"listed": 4, "awaited": 4}
    event = told("dispatched", crate, consignment="C-1", by="UMG", role="warehouse")
    assert (event["flagged"], event["consignment"]) == (0, "C-1")
    sent = one(centre, "C-1")
    assert (sent["state"], counts(sent)) == ("dispatched", {"listed": 4, "dispatched": 4})

    received = told(
        "received",
        *(crate, *weapons[:2]),
        holder="DEP",
        consignment="C-1",
        counted=True,
        by="DEP",
        role="warehouse",
    )
    assert flags(received) == {missing: "missing"}
    assert counts(one(centre, "C-1")) == {"listed": 4, "dispatched": 1, "received": 3}
    with centre.client("warehouse", "DEP") as warehouse:
        answer = warehouse.post(
            "/api/v1/consignments/C-1/end-receipt", json={"reason": "counted twice"}
        )
    assert answer.status_code == 200, answer.text
    ended = answer.json()
    assert (ended["state"], counts(ended)) == ("received", {"listed": 4, "received": 3, "short": 1})
    (short,) = ended["differences"]
    assert (short["code"], short["difference"], short["within"]) == (missing, "short", crate)
    assert (short["holder"], short["received"], short["dispatched"]) == (
        "UMG",
        None,
        event["number"],
    )
    assert short["last"]["event"] == event["number"]
    assert (short["last"]["what"], short["last"]["reporter"]) == ("dispatched", "UMG")

    life = centre.get(f"/api/v1/articles/{missing}")["article"]
    assert (life["disposition"], life["package"], life["disputed"]) == ("in-transit", None, True)
    contents = centre.get(f"/api/v1/articles/{crate}/contents")["articles"]
    assert [each["code"] for each in contents] == weapons[:2]

    refused = step(centre, "C-1", "close", expect=409)
    assert missing in refused["detail"]
    differing = centre.get("/api/v1/consignments?differing=true")["items"]
    assert [each["number"] for each in differing] == ["C-1"]
    resolved = step(centre, "C-1", "resolve", articles=[missing], resolution="lost")
    assert resolved["differences"][0]["resolution"] == "lost"
    assert step(centre, "C-1", "close")["state"] == "closed"
    assert centre.get("/api/v1/consignments?differing=true")["items"] == []


def test_a_whole_crate_may_be_missing_from_a_pallet(centre: Registry, told: Told) -> None:
    """What lies in the crate that is missing stays in it."""
    crates, weapons = ("JA7G1HC2", "JA7G1HC3"), [UII.format(index) for index in (29, 30, 31)]
    pallet = "JA7G1HP2"
    told("packed", *weapons[:2], package=crates[0])
    told("packed", weapons[2], package=crates[1])
    told("packed", *crates, package=pallet)
    assert counts(report(centre, "C-9", pallet)) == {"listed": 6, "awaited": 6}
    sent = told("dispatched", pallet, crates[0], consignment="C-9", counted=True)
    assert flags(sent) == dict.fromkeys((*weapons, crates[1]), "missing")
    assert counts(one(centre, "C-9")) == {"listed": 6, "awaited": 4, "dispatched": 2}

    def package(code: str) -> str | None:
        article = centre.get(f"/api/v1/articles/{code}")["article"]
        return None if article["package"] is None else str(article["package"])

    assert [package(code) for code in (crates[0], crates[1], *weapons)] == [
        pallet,
        None,
        None,
        None,
        crates[1],
    ]
    found = flags(told("received", pallet, crates[1], holder="DEP", consignment="C-9"))
    assert found == {crates[1]: "illegal-step", weapons[2]: "illegal-step"}
    ended = step(centre, "C-9", "end-receipt")
    assert [each["code"] for each in ended["differences"]] == weapons[:2]


def test_a_part_that_is_built_in_is_counted_with_its_weapon(centre: Registry, told: Told) -> None:
    weapon, part, other, crate = (*(UII.format(index) for index in (32, 33, 34)), "JA7G1HC4")
    assert flags(told("assembled", part, package=weapon, component="receiver")) == {}
    told("packed", weapon, other, package=crate)
    assert counts(report(centre, "C-18", crate)) == {"listed": 4, "awaited": 4}
    sent = told("dispatched", crate, weapon, consignment="C-18", counted=True)
    assert flags(sent) == {other: "missing"}
    assert centre.get(f"/api/v1/articles/{part}")["packages"] == [weapon, crate]
    assert counts(one(centre, "C-18")) == {"listed": 4, "awaited": 1, "dispatched": 3}


def test_what_comes_late_is_no_longer_short(centre: Registry, told: Told) -> None:
    first, second = UII.format(4), UII.format(5)
    report(centre, "C-2", first, second)
    told("dispatched", first, second, consignment="C-2")
    assert flags(told("received", first, holder="DEP", consignment="C-2")) == {}
    ended = step(centre, "C-2", "end-receipt")
    assert [each["code"] for each in ended["differences"]] == [second]
    assert flags(told("received", second, holder="DEP", consignment="C-2")) == {}
    found = one(centre, "C-2")
    assert (found["differences"], counts(found)) == ([], {"listed": 2, "received": 2})
    step(centre, "C-2", "close")
    late = told("received", second, holder="DEP", consignment="C-2")
    assert late["flagged"] == 1


def test_what_is_not_listed_is_kept_and_flagged(centre: Registry, told: Told) -> None:
    listed, foreign, over = UII.format(6), UII.format(7), UII.format(8)
    report(centre, "C-3", listed)
    assert flags(told("dispatched", listed, foreign, consignment="C-3")) == {foreign: "not-listed"}
    received = told("received", listed, over, holder="DEP", consignment="C-3")
    assert flags(received) == {over: "illegal-step"}
    article = centre.get(f"/api/v1/articles/{foreign}")["article"]
    assert (article["disposition"], article["disputed"]) == ("commissioned", True)
    found = step(centre, "C-3", "end-receipt")
    differs = {each["code"]: each["difference"] for each in found["differences"]}
    assert differs == {foreign: "foreign", over: "over"}
    assert counts(found) == {"listed": 1, "received": 1}
    step(centre, "C-3", "resolve", articles=[foreign], resolution="wrongly-listed")
    step(centre, "C-3", "resolve", articles=[over], resolution="returned")
    assert step(centre, "C-3", "resolve", 409, articles=[over], resolution="lost")
    assert step(centre, "C-3", "resolve", 404, articles=["NOTHING"], resolution="lost")
    assert step(centre, "C-3", "close")["state"] == "closed"


def test_it_is_overdue_by_the_clock(centre: Registry) -> None:
    weapon = UII.format(9)
    report(centre, "C-4", weapon)
    assert not one(centre, "C-4")["overdue"]
    past = datetime.now(UTC) - timedelta(minutes=1)
    planned = centre.sql("SELECT planned_arrival FROM consignment WHERE number = 'C-4'")[0][0]
    centre.sql("UPDATE consignment SET planned_arrival = %s WHERE number = 'C-4'", past)
    try:
        assert one(centre, "C-4")["overdue"]
        late = centre.get("/api/v1/consignments?overdue=true")["items"]
        assert [each["number"] for each in late] == ["C-4"]
    finally:
        centre.sql("UPDATE consignment SET planned_arrival = %s WHERE number = 'C-4'", planned)


def test_an_article_that_went_its_own_way_is_elsewhere(centre: Registry, told: Told) -> None:
    weapons = [UII.format(index) for index in (10, 11, 12)]
    report(centre, "C-5", *weapons)
    told("lost", weapons[0], reason="not in its rack")
    told("dispatched", *weapons[1:], consignment="C-5")
    told("stolen", weapons[1], reason="from the lorry")
    assert counts(one(centre, "C-5")) == {"listed": 3, "dispatched": 1, "elsewhere": 2}
    with centre.client() as officer:
        path = "/api/v1/consignments/C-5/articles"
        first = officer.get(path, params={"limit": 2}).json()
        rest = officer.get(path, params={"limit": 2, "cursor": first["next"]}).json()
    standing = {each["code"]: each["standing"] for each in first["items"] + rest["items"]}
    assert standing == dict(zip(weapons, ("elsewhere", "elsewhere", "dispatched"), strict=True))


def test_an_export_ends_at_the_border(centre: Registry, told: Told) -> None:
    weapon = UII.format(13)
    report(
        centre,
        "C-6",
        weapon,
        direction="export",
        recipient=None,
        outsiders={"recipient": ABROAD, "end_user": ABROAD},
        certificate=CERTIFICATE,
        route=[{"name": "Durrës", "country": "AL"}, {"name": "Bari", "country": "IT"}],
    )
    told("dispatched", weapon, consignment="C-6", by="UMG", role="producer-officer")
    assert flags(told("exported", weapon, consignment="C-6")) == {}
    assert counts(one(centre, "C-6")) == {"listed": 1, "received": 1}
    assert centre.get(f"/api/v1/articles/{weapon}")["article"]["disposition"] == "exported"
    body = {
        "number": "E-WRONG",
        "what": "received",
        "happened": soon(0),
        "articles": [weapon],
        "holder": "DEP",
        "consignment": "C-6",
    }
    assert centre.post("/api/v1/events", body, expect=422)["code"] == "refused"


def test_what_was_exported_may_come_back(centre: Registry, told: Told) -> None:
    weapon = UII.format(13)
    back = {"direction": "import", "sender": None, "outsiders": {"sender": ABROAD}}
    assert counts(report(centre, "C-60", weapon, **back)) == {"listed": 1, "awaited": 1}
    body = {
        "number": "E-WRONG",
        "what": "dispatched",
        "happened": soon(0),
        "articles": [weapon],
        "consignment": "C-60",
    }
    assert centre.post("/api/v1/events", body, expect=422)["code"] == "refused"
    event = told("imported", weapon, holder="DEP", consignment="C-60", by="DEP", role="warehouse")
    assert flags(event) == {}
    assert counts(one(centre, "C-60")) == {"listed": 1, "received": 1}
    article = centre.get(f"/api/v1/articles/{weapon}")["article"]
    assert (article["disposition"], article["holder"]) == ("received", "DEP")


def test_what_comes_from_abroad_is_followed_by_its_code(centre: Registry, told: Told) -> None:
    report(
        centre,
        "C-7",
        "DIT00X1",
        direction="import",
        sender=None,
        outsiders={"sender": ABROAD},
    )
    event = told("imported", "DIT00X1", holder="DEP", consignment="C-7")
    assert flags(event) == {"DIT00X1": "unknown-article"}
    found = step(centre, "C-7", "end-receipt")
    assert (found["differences"], counts(found)) == ([], {"listed": 1, "received": 1})
    through = {
        "direction": "transit",
        "sender": None,
        "recipient": None,
        "carrier": "CAR",
        "outsiders": {"sender": ABROAD, "recipient": ABROAD},
    }
    assert report(centre, "C-8", "DIT00X2", **through)["licence"] == "L-CAR"
    told("dispatched", "DIT00X2", consignment="C-8")
    told("exported", "DIT00X2", consignment="C-8")
    assert counts(one(centre, "C-8")) == {"listed": 1, "received": 1}


@pytest.mark.parametrize(
    ("more", "status", "code", "detail"),
    [
        ({"planned_dispatch": "2026-01-01T00:00:00Z"}, 422, "refused", "before it goes"),
        ({"recipient": "NOBODY"}, 404, "not-found", "NOBODY"),
        (
            {"articles": ["G000001", "DNOTHING"]},
            422,
            "refused",
            f"write the number in brackets: G000001 ({UII.format(1)})",
        ),
        ({"articles": ["DNOTHING"]}, 404, "not-found", "UMG has no DNOTHING"),
        ({"sender": "DEP", "recipient": "UMG"}, 404, "not-found", "DEP has no"),
        ({"sender": "KMP"}, 404, "not-found", "KMP has no"),
        ({"carrier": "KMP"}, 403, "not-licensed", "no licence in force covers KMP for transport"),
        ({"licence": "L-CAR"}, 403, "not-licensed", "no licence in force covers UMG"),
        ({"number": "C-1"}, 409, "conflict", "C-1"),
        ({"direction": "export"}, 422, "refused", "certificate"),
    ],
)
def test_what_may_not_go_is_refused(
    centre: Registry, more: dict[str, Any], status: int, code: str, detail: str
) -> None:
    body = asked("REFUSED", UII.format(20)) | more
    answer = centre.post("/api/v1/consignments", body, expect=status)
    assert answer["code"] == code
    assert detail in answer["detail"], answer["detail"]
    assert centre.look("/api/v1/consignments/REFUSED").status_code == 404


def test_nothing_is_listed_twice_while_it_is_on_its_way(centre: Registry) -> None:
    weapon = UII.format(21)
    report(centre, "C-10", weapon)
    answer = centre.post("/api/v1/consignments", asked("C-11", weapon), expect=409)
    assert "C-10" in answer["detail"]
    assert step(centre, "C-10", "cancel")["state"] == "cancelled"
    report(centre, "C-11", weapon)


def test_two_who_list_the_same_at_the_same_time_are_not_both_heard(centre: Registry) -> None:
    weapon = UII.format(28)
    centre.token("registry-officer")

    def ask(number: str) -> int:
        with centre.client() as officer:
            body = asked(number, weapon)
            return int(officer.post("/api/v1/consignments", json=body).status_code)

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(ask, [f"C-RACE-{number}" for number in range(4)]))
    assert sorted(answers) == [201, 409, 409, 409]


def exclude(centre: Registry, number: str, **more: Any) -> None:
    centre.decide(
        "/api/v1/exclusions",
        {
            "number": number,
            "kind": "entity",
            "ground": "violation",
            "legal_basis": "Law 1, article 1",
            "valid_from": soon(-1),
            "reason": "a decision",
            **more,
        },
    )


def test_nobody_who_is_excluded_takes_part(centre: Registry) -> None:
    exclude(centre, "X-1", name="Smugglers United", tax_number="IT 999")
    exclude(centre, "X-2", name="Veprimtari e Dyshimte sh.p.k.")
    weapon = UII.format(22)
    abroad = {
        "direction": "export",
        "recipient": None,
        "outsiders": {
            "recipient": {"name": "Somebody", "country": "IT", "tax_number": "it-999"},
            "end_user": ABROAD,
        },
        "certificate": CERTIFICATE,
    }
    answer = centre.post("/api/v1/consignments", asked("C-12", weapon, **abroad), expect=403)
    assert (answer["code"], "X-1" in answer["detail"]) == ("excluded", True)
    with centre.client("producer-officer", "UMG") as producer:
        told = producer.post("/api/v1/consignments", json=asked("C-12", weapon, **abroad)).json()
    assert (told["code"], "X-1" in told["detail"]) == ("excluded", False)
    alike = abroad | {
        "outsiders": {"recipient": ABROAD, "end_user": ABROAD | {"name": "SMUGLERS UNITED"}}
    }
    answer = centre.post("/api/v1/consignments", asked("C-12", weapon, **alike), expect=409)
    assert (answer["code"], "X-1" in answer["detail"]) == ("undecided", True)
    answer = centre.post("/api/v1/consignments", asked("C-12", weapon, recipient="BAD"), expect=409)
    assert answer["code"] == "undecided"


def test_what_went_all_the_same_is_kept_with_its_fault(centre: Registry, told: Told) -> None:
    weapon, other = UII.format(23), UII.format(24)
    report(centre, "C-13", weapon, other)
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    early = told("dispatched", other, consignment="C-13", happened=earlier)
    assert one(centre, "C-13")["fault"] == "reported-late"
    assert early["flagged"] == 1
    centre.post("/api/v1/licences/L-1/suspend", {"reason": "looked into"})
    event = told("dispatched", weapon, consignment="C-13")
    centre.post("/api/v1/licences/L-1/reinstate", {"reason": "all is well"})
    assert flags(event) == {weapon: "not-cleared"}
    found = one(centre, "C-13")
    assert (found["state"], found["fault"]) == ("dispatched", "not-licensed")
    assert counts(found) == {"listed": 2, "dispatched": 2}
    article = centre.get(f"/api/v1/articles/{weapon}")["article"]
    assert (article["disposition"], article["disputed"]) == ("commissioned", True)


def test_who_is_excluded_since_it_was_reported_is_a_fault(centre: Registry, told: Told) -> None:
    weapon = UII.format(35)
    centre.post("/api/v1/entities", {"code": "END", "name": "Garda", "ncage": "A9X1H"})
    report(centre, "C-19", weapon, end_user="END")
    exclude(centre, "X-3", name="Garnizoni", ncage="A9X1H")
    event = told("dispatched", weapon, consignment="C-19")
    assert flags(event) == {weapon: "not-cleared"}
    assert one(centre, "C-19")["fault"] == "excluded"
    events = centre.get("/api/v1/events?consignment=C-19")["items"]
    assert [each["number"] for each in events] == [event["number"]]


def test_nothing_leaves_its_producer_before_it_is_accepted(centre: Registry, told: Told) -> None:
    gone, weapon = UII.format(39), UII.format(40)
    refused = centre.post("/api/v1/consignments", asked("C-14", weapon), expect=409)
    assert (refused["code"], weapon in refused["detail"]) == ("not-accepted", True)
    accept(centre, weapon, gone)
    report(centre, "C-14", weapon, gone)
    assert flags(told("dispatched", gone, consignment="C-14")) == {}
    # It is withdrawn: what is still there stays, and what has left is told.
    why = {"reason": "the sampling was wrong"}
    centre.post(f"/api/v1/certificates/AC-{weapon}/withdraw", why)
    affected = centre.get(f"/api/v1/certificates/AC-{weapon}/affected?left=true")
    assert (affected["left"], affected["counts"]) == (1, {"good": 2})
    assert [(each["uii"], each["holder"]) for each in affected["items"]] == [(gone, "UMG")]
    assert flags(told("dispatched", weapon, consignment="C-14")) == {weapon: "not-accepted"}
    assert counts(one(centre, "C-14")) == {"listed": 2, "dispatched": 2}


def test_each_side_sees_its_own_and_does_its_own(centre: Registry) -> None:
    weapon = UII.format(25)
    report(centre, "C-15", weapon)
    path = "/api/v1/consignments/C-15"
    why = {"reason": "by mistake"}
    with (
        centre.client("warehouse", "UMG") as sender,
        centre.client("warehouse", "DEP") as recipient,
        centre.client("warehouse", "KMP") as stranger,
    ):
        assert sender.get(path).status_code == recipient.get(path).status_code == 200
        assert stranger.get(path).status_code == 404
        assert stranger.get("/api/v1/consignments").json()["items"] == []
        assert stranger.post(path + "/cancel", json=why).status_code == 404
        assert recipient.post(path + "/cancel", json=why).status_code == 403
        assert sender.post(path + "/end-receipt", json=why).status_code == 403
        assert recipient.post("/api/v1/consignments", json=asked("C-17", weapon)).status_code == 403
        body = {
            "number": "E-STRANGE",
            "what": "dispatched",
            "happened": soon(0),
            "articles": [weapon],
            "consignment": "C-15",
        }
        assert stranger.post("/api/v1/events", json=body).status_code == 404
        assert recipient.post("/api/v1/events", json=body).status_code == 404
        resolve = {**why, "articles": [weapon], "resolution": "lost"}
        assert sender.post(path + "/resolve", json=resolve).status_code == 403
        tag = sender.get(path).headers["ETag"]
        assert (
            sender.post(path + "/cancel", json=why, headers={"If-Match": '"1"'}).status_code == 412
        )
        assert sender.post(path + "/cancel", json=why, headers={"If-Match": tag}).status_code == 200
        assert sender.post(path + "/cancel", json=why).status_code == 409


def test_nobody_learns_of_others_by_it(centre: Registry, told: Told) -> None:
    """What stands against the carrier's licence, and who had what came over."""
    weapon, other = UII.format(26), UII.format(27)
    centre.post("/api/v1/licences/L-CAR/suspend", {"reason": "looked into"})
    body = asked("C-16", weapon, carrier="CAR")
    try:
        with centre.client("producer-officer", "UMG") as producer:
            refused = producer.post("/api/v1/consignments", json=body).json()
        assert refused["detail"] == "no licence in force covers CAR for transport"
        seen = centre.post("/api/v1/consignments", body, expect=403)
        assert seen["detail"] == "licence L-CAR: licence-suspended"
    finally:
        centre.post("/api/v1/licences/L-CAR/reinstate", {"reason": "all is well"})
    told("dispatched", other)
    told("received", other, holder="KMP")
    report(centre, "C-16", weapon)
    told("dispatched", weapon, consignment="C-16")
    told("received", weapon, other, holder="DEP", consignment="C-16")
    (over,) = one(centre, "C-16")["differences"]
    assert (over["code"], over["difference"], over["holder"]) == (other, "over", "KMP")
    with centre.client("warehouse", "DEP") as recipient:
        (over,) = recipient.get("/api/v1/consignments/C-16").json()["differences"]
        articles = recipient.get("/api/v1/consignments/C-16/articles").json()["items"]
    assert (over["code"], over["holder"]) == (other, None)
    assert [each["holder"] for each in articles] == ["DEP", None]


def test_lists_are_filtered(centre: Registry) -> None:
    def numbers(**wanted: str) -> list[str]:
        answer = centre.look("/api/v1/consignments", **wanted)
        assert answer.status_code == 200, answer.text
        return [each["number"] for each in answer.json()["items"]]

    assert numbers(direction="export") == ["C-6"]
    assert numbers(carrier="CAR") == ["C-1", "C-8"]
    assert numbers(recipient="DEP", state="closed") == ["C-1", "C-2", "C-3"]
    assert numbers(article=UII.format(13)) == ["C-6", "C-60"]
    assert numbers(sender="KMP") == []


def test_the_register_is_rebuilt_with_all_of_it(centre: Registry) -> None:
    assert "identical" in centre.run("rebuild")
    centre.sql("UPDATE consignment_article SET state = 'received' WHERE consignment = 'C-15'")
    assert "consignment_article C-15/" in centre.run("rebuild", expect=1)
    centre.sql("UPDATE consignment_article SET state = 'awaited' WHERE consignment = 'C-15'")
