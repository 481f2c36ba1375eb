"""Stock and its counts on the real server: blind, by two people, compared, settled by name."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.register.counting import Depot, soon
from tests.register.imported import csv
from tests.register.telling import UII
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import TEMPLATE, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    with Register.opened() as found:
        yield found


@pytest.fixture(scope="module")
def depot(centre: Registry) -> Depot:
    return Depot(centre)


def disposition(centre: Registry, code: str) -> tuple[str, str | None]:
    found = centre.get(f"/api/v1/articles/{code}")["article"]
    return found["disposition"], found["place"]


def pages_of(centre: Registry, path: str) -> list[dict[str, Any]]:
    """Each row of a list, page by page."""
    answer = centre.get(path)
    found: list[dict[str, Any]] = answer["items"]
    while answer["next"]:
        answer = centre.get(f"{path}&cursor={answer['next']}")
        found += answer["items"]
    return found


# --- stock ----------------------------------------------------------------------------------


def test_stock_is_told_by_product_and_lot_with_all_within(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.1", "store")
    bay = depot.place("S.1.A", "bay", parent=store)
    weapons = depot.stock(bay, 4, "STOCK-1")
    depot.stock(store, 1, "STOCK-2", disposition="in-use")
    crate = "JA7G1HS1"
    depot.told("packed", *weapons[:3], package=crate)
    headings = "inventory,maker,model,lot,quantity,holder,place,disposition"
    lot = "L-1,Poliçan,M67,KMP26L001-001,500,DEP,S.1,in-store"
    depot.imported("STOCK-3", "lots", csv([lot], headings))

    rows = centre.get(f"/api/v1/stock?place={store}")["items"]
    assert [(row["kind"], row["model"], row["articles"], row["packed"]) for row in rows] == [
        ("legacy", "M70", 4, 3),
        ("legacy-lot", "M67", 1, 0),
        ("unit", None, 1, 0),
    ], "what is in use is with its user"
    assert (rows[1]["lot"], rows[1]["quantity"], rows[2]["within"]) == ("KMP26L001-001", 500, 3)
    first = centre.get(f"/api/v1/stock?place={store}&limit=1")
    second = centre.get(f"/api/v1/stock?place={store}&limit=5&cursor={first['next']}")
    assert first["items"] + second["items"] == rows
    for by, expected in (
        ("articles", [(1, "legacy-lot"), (1, "unit"), (4, "legacy")]),
        ("-articles", [(4, "legacy"), (1, "unit"), (1, "legacy-lot")]),
        ("lot", [(1, "legacy-lot"), (4, "legacy"), (1, "unit")]),
        ("-lot", [(1, "legacy-lot"), (1, "unit"), (4, "legacy")]),
    ):
        pages = pages_of(centre, f"/api/v1/stock?place={store}&sort={by}&limit=1")
        assert [(row["articles"], row["kind"]) for row in pages] == expected, by
        assert sorted(map(str, pages)) == sorted(map(str, rows))

    articles = centre.get(f"/api/v1/stock/articles?place={bay}")["items"]
    assert {each["code"]: each["within"] for each in articles} == {
        crate: 3,
        **dict.fromkeys(weapons),
    }
    told = centre.look(f"/api/v1/stock/articles?place={store}&format=csv").text.splitlines()
    assert len(told) == 1 + 6
    with depot.client("umg.chief", entity="UMG") as other:
        assert other.get(f"/api/v1/stock?place={store}").json()["items"] == []


def test_a_bay_lies_in_a_store(centre: Registry) -> None:
    body = {"code": "B-1", "name": "B", "kind": "bay", "entity": "DEP", "parent": "DEP.1"}
    assert centre.post("/api/v1/places", body, expect=422)["code"] == "refused"


# --- counting -------------------------------------------------------------------------------


def test_nobody_sees_what_is_expected_or_counted_before_both_are_handed_in(
    centre: Registry, depot: Depot
) -> None:
    store = depot.place("S.2", "store")
    weapons = depot.stock(store, 5, "BLIND-1")
    crate = "JA7G1HB1"
    depot.told("packed", *weapons[:2], package=crate)
    depot.open("INV-B", store)
    for _ in range(2):  # again is nothing new
        assert depot.do("ana", "INV-B", "scan", codes=[weapons[2], crate])["scanned"] == 2

    def secrets(name: str, **who: Any) -> str:
        with depot.client(name, **who) as http:
            return "".join(
                http.get(f"/api/v1/{path}").text
                for path in (
                    "counts/INV-B",
                    "counts?place=S.2",
                    "counts/INV-B/articles",
                    "counts/INV-B/quantities",
                    "counts/INV-B/tallies/1",
                    "counts/INV-B/tallies/2",
                    "acts?subject=count&key=INV-B",
                    f"articles/{weapons[2]}",
                )
            )

    for name, who in (("ben", {}), ("inspector.1", {"role": "inspector", "entity": None})):
        told = secrets(name, **who).replace(f'"code":"{weapons[2]}"', "", 1)
        assert [code for code in (*weapons[3:], *weapons[:2], crate) if code in told] == []
        assert '"counted"' not in told
    own = secrets("ana")
    assert crate in own
    assert weapons[0] not in own, "nor what lies in what they have scanned"
    with depot.client("ana") as ana:
        assert ana.get(f"/api/v1/stock?place={store}").status_code == 403
        assert ana.get("/api/v1/stock").status_code == 403
    assert depot.do("chief", "INV-B", "close", 409)["code"] == "conflict"

    depot.do("ana", "INV-B", "hand-in")
    assert depot.do("ana", "INV-B", "scan", 409, codes=["X"])["code"] == "conflict"
    with depot.client("ana.2", person=" person  ANA") as again:
        answer = again.post("/api/v1/counts/INV-B/scan", json={"codes": ["X"]})
    assert answer.status_code == 403, "the same person under another account"
    depot.do("ben", "INV-B", "scan", codes=[*weapons[2:], crate])
    told = depot.do("ben", "INV-B", "hand-in")
    assert (told["state"], depot.outcomes(told)) == ("counted", {"present": 4, "disagreed": 2})
    life = centre.get(f"/api/v1/articles/{weapons[0]}")["history"]
    assert [(s["what"], s["event"], s["reason"]) for s in life][-1] == (
        "counted",
        "INV-B",
        "present",
    )
    kept = centre.get("/api/v1/acts?subject=count&key=INV-B")["items"][1]
    assert {each["code"] for each in kept["payload"]["expected"]} == {crate, *weapons}


def test_differences_are_settled_by_named_acts_and_none_is_left(
    centre: Registry, depot: Depot
) -> None:
    store, other = depot.place("S.3", "store"), depot.place("S.3.O", "store")
    weapons = depot.stock(store, 6, "SETTLE-1")
    (elsewhere,) = depot.stock(other, 1, "SETTLE-2")
    (theirs,) = depot.stock("UMG.GR", 1, "SETTLE-3", holder="UMG")
    in_use, crated = depot.stock(store, 2, "SETTLE-4", disposition="in-use")
    depot.told("stored", crated, place=other)
    depot.told("packed", crated, package="JA7G1HD1")
    gone, stolen, unseen = weapons[0], weapons[1], weapons[2]
    depot.open("INV-D", store)
    both = [*weapons[3:], elsewhere, theirs, crated, in_use, "NOBODY 7"]
    told = depot.counted("INV-D", [*both, unseen], both)
    assert depot.outcomes(told) == {
        "present": 3,
        "missing": 2,
        "unexpected": 5,
        "disagreed": 1,
    }
    odd = {code: line["oddity"] for code, line in depot.lines("INV-D", result="unexpected").items()}
    assert odd == {
        elsewhere: "elsewhere",
        crated: "elsewhere",
        theirs: "other-holder",
        in_use: "in-use",
        "NOBODY 7": "unknown",
    }
    with depot.client("chief") as http:
        shown = http.get("/api/v1/counts/INV-D/articles?result=unexpected").json()["items"]
    hidden = next(each for each in shown if each["code"] == theirs)
    assert (hidden["holder"], hidden["place"], hidden["oddity"]) == (None, None, "other-holder")
    # Where it was seen is told, for whoever looks for it.
    seen = centre.get(f"/api/v1/articles/{theirs}")["history"][-1]
    assert (seen["what"], seen["place"]) == ("seen", store)

    def step(name: str, step: str, expect: int = 200, **body: Any) -> Any:
        return depot.do(name, "INV-D", step, expect, **body)

    step("chief", "close", 409)
    step("ana", "look-again", 403, seen=[unseen])
    step("chief", "look-again", 409, seen=[weapons[3]])
    assert depot.outcomes(step("chief", "look-again", seen=[unseen]))["present"] == 4
    loss: dict[str, Any] = {"articles": [gone], "resolution": "lost", "basis": "Report 7"}
    assert step("ana", "resolve", 403, **loss)["code"] == "forbidden"
    step("chief", "resolve", **loss)
    assert disposition(centre, gone) == ("lost", None)
    life = centre.get(f"/api/v1/articles/{gone}/trace")["timeline"]
    assert [(m["kind"], m["what"], m["reference"]) for m in life][-2:] == [
        ("count", "not-found", "INV-D"),
        ("event", "lost", depot.lines("INV-D")[gone]["reference"]),
    ]
    step("chief", "resolve", 409, **loss)
    step("chief", "resolve", articles=[stolen], resolution="stolen", basis="Police 9")
    assert disposition(centre, stolen) == ("stolen", None)
    step("chief", "resolve", articles=[elsewhere, crated], resolution="moved-here")
    assert disposition(centre, elsewhere) == ("in-store", store)
    assert disposition(centre, crated) == ("in-store", store)
    assert centre.get(f"/api/v1/articles/{crated}")["packages"] == []
    step("chief", "resolve", 409, articles=[theirs], resolution="moved-here")
    assert centre.get(f"/api/v1/articles/{theirs}")["article"]["disputed"] is False
    step("chief", "resolve", articles=[theirs], resolution="sent-back")
    step("chief", "resolve", articles=[in_use], resolution="moved-here")
    assert disposition(centre, in_use) == ("in-store", store)
    assert step("chief", "close", 409)["detail"].endswith("as of NOBODY 7")
    new: dict[str, Any] = {"articles": ["NOBODY 7"], "resolution": "registered-anew"}
    step("chief", "resolve", 404, **new, reference="IMP-NONE")
    step("chief", "resolve", **new, reference="SETTLE-1")
    assert step("chief", "close")["state"] == "closed"
    step("chief", "cancel", 409)
    assert depot.lines("INV-D")[gone]["reference"].startswith("INV-D.")


def test_what_moves_while_it_is_counted_is_no_difference(centre: Registry, depot: Depot) -> None:
    store, other = depot.place("S.4", "store"), depot.place("S.4.O", "store")
    bay = depot.place("S.4.A", "bay", parent=store)
    stays, left, shifted, late = depot.stock(store, 4, "MOVE-1")
    (came,) = depot.stock(other, 1, "MOVE-2")
    depot.open("INV-M", store)
    depot.do("ana", "INV-M", "scan", codes=[stays, left, shifted])
    event = depot.told("moved", left, place=other)
    depot.told("moved", shifted, place=bay)
    arrival = depot.told("moved", came, place=store)
    depot.do("ana", "INV-M", "hand-in")
    depot.do("ben", "INV-M", "scan", codes=[stays, came, shifted])
    told = depot.do("ben", "INV-M", "hand-in")
    assert depot.outcomes(told) == {"present": 2, "moved": 2, "missing": 1}
    lines = depot.lines("INV-M", result="moved")
    assert {code: line["event"] for code, line in lines.items()} == {left: event, came: arrival}
    # What is told too late for that explains it by name.
    after = depot.told("moved", late, place=other)
    resolution: dict[str, Any] = {"articles": [late], "resolution": "told"}
    depot.do("chief", "INV-M", "resolve", 404, **resolution, reference=event)
    depot.do("chief", "INV-M", "resolve", **resolution, reference=after)
    depot.do("chief", "INV-M", "close")


def test_a_crate_that_is_opened_counts_piece_by_piece(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.5", "store")
    weapons = depot.stock(store, 6, "CRATE-1")
    closed, opened = "JA7G1HK1", "JA7G1HK2"
    depot.told("packed", *weapons[:3], package=closed)
    depot.told("packed", *weapons[3:], package=opened)
    depot.open("INV-C", store)
    depot.counted("INV-C", [closed, weapons[3]], [closed, *weapons[3:5]], opened=[opened])
    assert depot.results("INV-C") == {
        "present": sorted([closed, opened, *weapons[:4]]),
        "disagreed": [weapons[4]],
        "missing": [weapons[5]],
    }
    # Recounted, and found in the crate.
    depot.do("chief", "INV-C", "look-again", seen=weapons[4:])
    assert len(depot.results("INV-C")["present"]) == 8
    depot.do("chief", "INV-C", "close")


def test_a_code_may_be_whatever_a_reader_gives(centre: Registry, depot: Depot) -> None:
    """Marked items, of which some were never stored: a count by product, at their producer."""
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("G-1")
    for index in range(1, 7):
        peer.good(index)
    peer.deliver()
    peer.disconnect()
    items = [UII.format(index) for index in range(1, 7)]
    depot.told("stored", *items[:5], place="UMG.GR")
    sscc, box = "306141411234567891", "JA7G1HR1"
    depot.told("packed", items[3], package=sscc)
    depot.told("packed", items[4], package=box)
    (before,) = depot.stock("UMG.GR", 1, "CODES-1", holder="UMG", serial="ZS 114")
    for name in ("umg.chief", "umg.1", "umg.2"):
        depot.client(name, entity="UMG").close()
    depot.open("INV-R", "UMG.GR", by="umg.chief", kind="product", products=["M70"])
    symbol = TEMPLATE.format(serial="G000002", component="RECEIVER")
    labelled = f"[)>\x1e06\x1dJ{box}\x1e\x04"
    read = ["da7g1hm70g000001", f"]d2{symbol}", "G000003", f"]C100{sscc}", f"1J{box}", "zs-114"]
    depot.counted(
        "INV-R",
        [*read, items[5], "G9"],
        [*items[:4], labelled, before, items[5], "G9"],
        by=("umg.1", "umg.2"),
    )
    assert depot.results("INV-R") == {
        "present": items[:5],
        "out-of-scope": sorted([sscc, box, before]),
        "unexpected": [items[5], "G9"],
    }
    assert depot.lines("INV-R")[items[5]]["oddity"] == "never-stored"
    moved: dict[str, Any] = {"articles": [items[5]], "resolution": "moved-here"}
    depot.do("umg.chief", "INV-R", "resolve", **moved)
    assert disposition(centre, items[5]) == ("commissioned", "UMG.GR")


def test_loose_pieces_are_counted_by_lot(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.6", "store")
    headings = "inventory,maker,model,lot,quantity,holder,place,disposition"
    rows = [f"Q-{lot},Poliçan,M67,LOT {lot},500,DEP,{store},in-store" for lot in (1, 2, 3)]
    depot.imported("LOTS-1", "lots", csv(rows, headings))
    depot.open("INV-L", store)

    def pieces(*found: int) -> list[dict[str, Any]]:
        return [
            {"product": "m67", "lot": f"lot-{lot}", "pieces": count}
            for lot, count in enumerate(found, 1)
        ]

    depot.do("ana", "INV-L", "scan", pieces=pieces(400, 480, 500))
    depot.do("ana", "INV-L", "scan", pieces=pieces(500))
    depot.do("ana", "INV-L", "hand-in")
    depot.do("ben", "INV-L", "scan", pieces=pieces(500, 480, 490))
    told = depot.do("ben", "INV-L", "hand-in")
    assert {name: n for name, n in told["quantities"].items() if n} == {
        "present": 1,
        "missing": 1,
        "disagreed": 1,
    }
    depot.do("chief", "INV-L", "look-again", pieces=pieces(0, 0, 500)[2:])
    lost: dict[str, Any] = {"lots": [{"product": "M67", "lot": "LOT 2"}], "basis": "Report 8"}
    depot.do("ben", "INV-L", "resolve", 403, **lost, resolution="lost")
    depot.do("chief", "INV-L", "close", 409)
    depot.do("chief", "INV-L", "resolve", **lost, resolution="reported")
    assert depot.do("chief", "INV-L", "close")["standing"] == 0


def test_a_count_of_some_and_one_that_is_cancelled(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.7", "store")
    weapons = depot.stock(store, 4, "SPOT-1")
    depot.open("INV-S", store, kind="spot", articles=weapons[:2])
    with depot.client("chief") as http:
        body = {"number": "INV-S2", "place": "DEP.1", "kind": "full", "due": soon()}
        http.post("/api/v1/counts", json=body | {"reason": "again"})
    depot.do("chief", "INV-S2", "open", 409)
    loose = [{"product": "M67", "lot": "L", "pieces": 1}]
    depot.do("ana", "INV-S", "scan", 422, pieces=loose)
    depot.do("ana", "INV-S", "scan", 422, codes=weapons, at=soon(-1))
    depot.counted("INV-S", [weapons[0], weapons[3]], [weapons[0], weapons[3]])
    assert depot.results("INV-S") == {
        "present": [weapons[0]],
        "missing": [weapons[1]],
        "out-of-scope": [weapons[3]],
    }
    depot.do("chief", "INV-S2", "open")
    depot.do("ana", "INV-S2", "scan", codes=weapons)
    assert depot.do("chief", "INV-S2", "cancel")["state"] == "cancelled"
    kept = centre.get("/api/v1/counts/INV-S2/tallies/1")["items"]
    assert [each["code"] for each in kept] == sorted(weapons)
    assert centre.get("/api/v1/counts/INV-S2/articles")["items"] == []
    with depot.client("umg.chief", entity="UMG") as other:
        assert other.get("/api/v1/counts/INV-S").status_code == 404
        theirs = other.get("/api/v1/counts").json()["items"]
    assert {each["entity"] for each in theirs} <= {"UMG"}


def test_the_watch_tells_of_missing_weapons_and_of_a_late_count(
    centre: Registry, depot: Depot
) -> None:
    store = depot.place("S.8", "store")
    weapons = depot.stock(store, 2, "WATCH-1")
    (theirs,) = depot.stock("UMG.GR", 1, "WATCH-2", holder="UMG")
    depot.open("INV-W", store, due=soon(0.001))
    centre.start("watch")
    try:
        depot.counted("INV-W", [weapons[0], theirs], [weapons[0], theirs])

        def alert(rule: str, subject: str) -> Any:
            path = f"/api/v1/alerts?rule={rule}&subject={subject}"

            def raised() -> Any:
                centre.settle()
                return centre.get(path)["items"]

            return wait_for(rule, raised)[0]

        missing = alert("count-missing", "INV-W")
        assert (missing["severity"], missing["facts"]["articles"]) == ("critical", [weapons[1]])
        assert alert("count-overdue", "INV-W")["facts"]["state"] in ("open", "counted")
        (event,) = centre.sql("SELECT number FROM event WHERE number LIKE 'INV-W.%%.seen'")
        assert alert("elsewhere", event[0])["facts"]["articles"] == [theirs]
    finally:
        centre.stop("watch")


def test_a_thousand_articles_are_counted_within_seconds(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.9", "store")
    weapons = depot.stock(store, 1000, "LARGE-1")
    began = time.monotonic()
    depot.open("INV-X", store)
    told = depot.counted("INV-X", weapons, [*reversed(weapons[5:])])
    took = time.monotonic() - began
    assert depot.outcomes(told) == {"present": 995, "disagreed": 5}
    print(f"a count of 1,000 articles, opened, told twice and compared: {took:.2f} s")
    assert took < 10


def test_of_three_who_begin_at_once_two_count(centre: Registry, depot: Depot) -> None:
    store = depot.place("S.10", "store")
    weapons = depot.stock(store, 40, "RACE-1")
    depot.open("INV-T", store)
    names = ("ana", "ben", "dea")
    clients = [depot.client(name) for name in names]

    def scan(at: int) -> list[int]:
        return [
            clients[at]
            .post("/api/v1/counts/INV-T/scan", json={"codes": weapons[first : first + 10]})
            .status_code
            for first in (0, 10, 20, 30)
        ]

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(scan, range(3)))
    for client in clients:
        client.close()
    assert sorted(answers) == [[200] * 4, [200] * 4, [409] * 4]
    for name, codes in zip(names, answers, strict=True):
        if codes == [200] * 4:
            told = depot.do(name, "INV-T", "hand-in")
    assert depot.outcomes(told) == {"present": 40}


def test_after_all_of_it_the_register_still_follows_from_its_acts(centre: Registry) -> None:
    assert "identical" in centre.run("rebuild")
