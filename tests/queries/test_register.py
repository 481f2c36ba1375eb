"""The read-only endpoints on a register that real ingest has filled, over real HTTP."""

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central import config as configuration
from central import db, embedded
from central.queries.pace import Hour
from central.queries.reading import snapshot
from central.screens.headers import CONTENT_SECURITY_POLICY
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
GATEWAY, ORDER = "gramsh.line-1", "G-1"
CONTENT = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dSG000001\x1d20PRECEIVER\x1e\x04"


@dataclass
class Filled:
    """A centre with five numbers of one order spent, each with another end."""

    centre: Centre
    peer: Peer
    plan: Any
    intents: dict[str, int]

    def mark(self, number: int) -> int:
        return self.peer.journal.intent(
            self.peer.journal.mark(self.plan, ORDER, number), operator="op-4", operator_auth="badge"
        )


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with Centre.started() as centre:
        centre.standard(GATEWAY, order=ORDER)
        peer = Peer(centre, GATEWAY)
        peer.enroll()
        plan = peer.wait_plan(ORDER)
        journal = peer.journal
        journal.accept(plan)
        made = Filled(centre, peer, plan, {})
        for number, end in enumerate(("good", "rejected", "unknown", "voided", "open"), start=1):
            seq = made.intents[end] = made.mark(number)
            if end in ("good", "rejected"):
                journal.marked(seq)
                journal.verified(seq, "good" if end == "good" else "unreadable")
            elif end in ("unknown", "voided"):
                journal.marked(seq, "unknown" if end == "unknown" else "not_started")
        peer.deliver()
        peer.state(plan)
        yield made
        peer.disconnect()


def test_an_item_is_found_by_uii_by_serial_and_by_record(filled: Filled) -> None:
    centre = filled.centre
    seq = filled.intents["good"]
    by_uii = centre.get("/api/v1/items?uii=DA7G1HM70G000001")
    assert by_uii == centre.get("/api/v1/items?serial=G000001")
    assert by_uii == centre.get(f"/api/v1/items?gateway={GATEWAY}&epoch=1&seq={seq}")
    (item,) = by_uii["items"]
    assert (item["uii"], item["serial"], item["number"]) == ("DA7G1HM70G000001", "G000001", 1)
    assert (item["term"], item["required"]) == ("good", ["receiver"])
    assert item["components"][0]["state"] == "good"
    for nobody in ("G999999", "g000001"):
        assert centre.get(f"/api/v1/items?serial={nobody}") == {"items": [], "next": None}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/items/NOTHING",
        f"/api/v1/records/{GATEWAY}/1/9999",
        f"/api/v1/records/{GATEWAY}/2/1",
        "/api/v1/orders/NOTHING",
        "/api/v1/gateways/no.such",
        "/api/v1/batches/999999",
        "/api/v1/evidence/999999/bytes",
    ],
)
def test_what_is_not_there_is_a_problem_in_words(filled: Filled, path: str) -> None:
    response = filled.centre.look(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "not-found"


@pytest.mark.parametrize(
    "path", ["/api/v1/items", "/api/v1/items?gateway=gramsh.line-1", "/api/v1/search"]
)
def test_a_question_that_asks_nothing_is_refused(filled: Filled, path: str) -> None:
    response = filled.centre.look(path)
    assert (response.status_code, response.json()["code"]) == (422, "refused")


def test_the_life_of_an_item_is_its_records_as_they_were_journalled(filled: Filled) -> None:
    life = filled.centre.get("/api/v1/items/DA7G1HM70G000001")["life"]
    first = filled.intents["good"]
    assert [each["record"]["seq"] for each in life] == [first, first + 1, first + 2]
    assert [each["type"] for each in life] == ["intent", "marked", "verified"]
    assert [each["verdict"] for each in life] == ["ok"] * 3
    assert life[0]["operator"] == "op-4"
    assert life[0]["says"]["marks"][0]["content"] == CONTENT
    for each in life:
        line = filled.peer.journal.lines[each["record"]["seq"] - 1]
        assert each["text"] == line.decode()
        assert each["evidence"]["sha256"] == hashlib.sha256(line).hexdigest()


def test_the_evidence_is_what_the_gateway_signed(filled: Filled) -> None:
    entry = filled.centre.get("/api/v1/items/DA7G1HM70G000001")["life"][0]
    proof = entry["evidence"]
    journal = filled.peer.journal
    assert proof["signed"]
    assert proof["chained"]
    assert proof["head"] == journal.heads[proof["last"]].hex()
    assert (proof["key"], proof["public"]) == (journal.key.id, journal.key.public.hex())
    # An inspector's own check, from the bytes that the register serves.
    served = filled.centre.look(f"/api/v1/batches/{proof['batch']}/bytes").content
    header, signature, *lines = served.split(b"\n")
    Ed25519PublicKey.from_public_bytes(journal.key.public).verify(
        base64.b64decode(signature.split(b" ")[1]), b"gjurma/v1/batch\n" + header
    )
    assert lines == journal.lines[proof["first"] - 1 : proof["last"]]


def test_search_finds_what_is_exactly_so_and_else_what_looks_the_same(filled: Filled) -> None:
    centre = filled.centre

    def search(query: str) -> dict[str, Any]:
        response = centre.look("/api/v1/search", q=query)
        assert response.status_code == 200
        found: dict[str, Any] = response.json()
        return found

    for query in ("G000001", " DA7G1HM70G000001 ", "06:17V=A7G1H,1P=M70,S=G000001", CONTENT):
        found = search(query)
        assert [item["serial"] for item in found["items"]] == ["G000001"], query
        assert not found["folded"], query
    for query in ("g000001", "G 000 001", "GOOOOO1", "G00000I", "DA7GIHM70GO0000I"):
        found = search(query)
        assert [item["serial"] for item in found["items"]] == ["G000001"], query
        assert (found["folded"], found["query"]) == (True, query)
    for query in ("G00000", "G00000%", "G000001%", "DA7G1HM70", "G0000011"):
        found = search(query)
        assert not any(found[kind] for kind in ("items", "records", "orders", "products")), query
    assert (search(ORDER)["orders"], search("m7o")["products"]) == ([ORDER], ["M70"])
    assert search(f"{GATEWAY}/1/2")["records"] == [{"gateway": GATEWAY, "epoch": 1, "seq": 2}]
    assert search(f"{GATEWAY}/1/9999")["records"] == []


def test_the_newest_marks_come_first(filled: Filled) -> None:
    def marks(query: str = "") -> list[Any]:
        return list(filled.centre.get(f"/api/v1/marks?{query}")["items"])

    everything = marks()
    serials = [mark["serial"] for mark in everything]
    assert serials == sorted(serials, reverse=True)
    assert [mark["serial"] for mark in marks("state=rejected")] == ["G000002"]
    assert marks("gateway=gramsh.line-9") == []
    good = next(mark for mark in everything if mark["serial"] == "G000001")
    assert (good["type"], good["station"]) == ("verified", "station-1")
    assert good["record"]["seq"] == filled.intents["good"] + 2


@pytest.mark.parametrize(
    "path",
    [
        "marks?",
        f"items?order={ORDER}",
        "orders?state=released",
        "gateways?",
        "refusals?show=all",
        "waiting?",
        "evidence?",
        "entities?",
        "certificates?kind=type-approval",
    ],
)
def test_a_list_page_by_page_is_the_list(filled: Filled, path: str) -> None:
    whole = filled.centre.get(f"/api/v1/{path}&limit=500")
    found, cursor = [], ""
    while cursor is not None:
        page = filled.centre.get(f"/api/v1/{path}&limit=1{cursor and '&cursor=' + cursor}")
        found += page["items"]
        cursor = page["next"]
    assert (found, whole["next"]) == (whole["items"], None)
    for nonsense in ("x", "WyJcdTAwMDAiXQ", "W10"):
        refused = filled.centre.look(f"/api/v1/{path}&cursor={nonsense}")
        assert (refused.status_code, refused.json()["code"]) == (422, "refused"), nonsense


def test_progress_agrees_with_the_reconciliation(filled: Filled) -> None:
    told = json.loads(filled.centre.run("reconcile", "--json"))["orders"]
    (account,) = [each for each in told if each["order"] == ORDER]
    order = filled.centre.get(f"/api/v1/orders/{ORDER}")
    assert order["unaccounted"] == 0
    assert order["balance"] == {term: account[term] for term in order["balance"]}
    assert {"issued", "unused", "lost", "good"} <= order["balance"].keys()


def test_a_gateway_is_shown_as_it_last_said(filled: Filled) -> None:
    def online() -> Any:
        told = filled.centre.get(f"/api/v1/gateways/{GATEWAY}")
        return told if told["link"] == "online" else None

    gateway = wait_for("the state", online)
    assert gateway is not None
    assert gateway["boot"] == str(filled.peer.journal.boot)
    assert gateway["plan"] == {
        "incarnation": filled.plan.incarnation,
        "version": filled.plan.version,
    }
    assert (gateway["stream"], gateway["latches"]) == ("live", [])
    assert gateway["waiting"] == 0


def test_the_openapi_document_names_every_endpoint_with_examples(filled: Filled) -> None:
    document = filled.centre.get("/openapi.json")
    for path in (
        "/api/v1/items",
        "/api/v1/items/{uii}",
        "/api/v1/records/{gateway}/{epoch}/{seq}",
        "/api/v1/search",
        "/api/v1/marks",
        "/api/v1/orders",
        "/api/v1/orders/{code}",
        "/api/v1/gateways",
        "/api/v1/refusals",
        "/api/v1/evidence",
        "/api/v1/batches/{number}",
        "/api/v1/overview",
        "/api/v1/live",
    ):
        assert "get" in document["paths"][path], path
    assert document["components"]["schemas"]["Item"]["properties"]["uii"]["examples"]
    assert "/items/{uii}" not in document["paths"]


def test_pages_are_strict_and_need_nothing_from_elsewhere(filled: Filled) -> None:
    with filled.centre.browser() as browser:
        for path in ("/", "/items/DA7G1HM70G000001", f"/records/{GATEWAY}/1/2", "/search?q=none"):
            response = browser.get(path)
            assert response.status_code == 200, path
            assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert response.headers["x-content-type-options"] == "nosniff"
            page = response.text
            assert '<html lang="sq">' in page
            assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", page)
            assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
        assert "unsafe" not in CONTENT_SECURITY_POLICY
        missing = browser.get("/items/NOTHING")
        assert (missing.status_code, "text/html" in missing.headers["content-type"]) == (404, True)


def test_english_by_a_switch_that_is_kept(filled: Filled) -> None:
    with filled.centre.browser() as client:
        assert "Jeta" in client.get("/items/DA7G1HM70G000001").text
        assert "Life" in client.get("/items/DA7G1HM70G000001?lang=en").text
        assert '<html lang="en">' in client.get("/").text
        assert '<html lang="sq">' in client.get("/?lang=sq").text


def test_what_a_search_holds_is_never_markup(filled: Filled) -> None:
    with filled.centre.browser() as browser:
        response = browser.get("/search", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text


# --- the live stream ---------------------------------------------------------------------------


@dataclass
class Listener:
    """Events of one connection, read in a thread."""

    events: list[tuple[str, str, Any]] = field(default_factory=list)
    """(name, id, data)."""

    def marks(self) -> dict[str, str]:
        """The last state told of each serial number."""
        return {
            mark["serial"]: mark["state"]
            for name, _, data in list(self.events)
            if name == "marks"
            for mark in data
        }

    @property
    def cursor(self) -> str:
        return str(next(id_ for _, id_, _ in reversed(self.events) if id_))


@contextlib.contextmanager
def listening(centre: Centre, last_event_id: str | None = None) -> Iterator[Listener]:
    listener = Listener()
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    client = centre.browser()
    opened = threading.Event()

    def read() -> None:
        fields: dict[str, str] = {}
        with (
            contextlib.suppress(httpx.HTTPError, httpx.StreamError, OSError),
            client.stream("GET", "/feed/live", headers=headers) as response,
        ):
            opened.set()
            for line in response.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "data" in fields:
                    listener.events.append(
                        (fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                    )
                fields = {}

    thread = threading.Thread(target=read)
    thread.start()
    try:
        assert opened.wait(20)
        yield listener
    finally:
        client.close()
        thread.join(20)


def test_the_stream_tells_of_a_mark_and_of_each_change(filled: Filled) -> None:
    journal = filled.peer.journal
    with listening(filled.centre) as listener:
        wait_for("hello", lambda: listener.events)
        seq = filled.mark(20)
        filled.peer.deliver()
        wait_for("the mark", lambda: listener.marks().get("G000020") == "open")
        journal.marked(seq)
        journal.verified(seq)
        filled.peer.deliver()
        wait_for("the change", lambda: listener.marks().get("G000020") == "good")
        wait_for(
            "the order's progress",
            lambda: [
                data
                for name, _, data in listener.events
                if name == "order" and data["code"] == ORDER and data["balance"]["good"] >= 2
            ],
        )


def test_the_pace_is_counted_as_the_register_has_it(filled: Filled) -> None:
    """Whoever asks, and however much of it was counted before: by the minute of its arrival."""
    engine = db.make_engine(configuration.load(filled.centre.folder / "central.toml"))
    kept = Hour()
    for number in (21, 22):
        seq = filled.mark(number)
        filled.peer.deliver()
        with snapshot(engine) as connection:
            kept.look(connection)  # open as yet
        filled.peer.journal.marked(seq)
        filled.peer.journal.verified(seq, "good" if number == 21 else "mismatch")
        filled.peer.deliver()
    ((marks, good, aside),) = filled.centre.sql(
        "SELECT count(*), count(*) FILTER (WHERE state = 'good' AND NOT duplicated),"
        " count(*) FILTER (WHERE duplicated OR state IN ('rejected', 'unknown')) FROM claim"
        " JOIN item ON item.id = claim.item"
    )
    soon = datetime.now(UTC) + timedelta(minutes=1)
    with snapshot(engine) as connection:
        paces = [kept.look(connection, soon), Hour().look(connection, soon)]
        gone = Hour().look(connection, soon + timedelta(minutes=61))
    engine.dispose()
    for pace in paces:
        assert (pace.total, pace.total_good, pace.total_aside) == (marks, good, aside)
        assert (sum(pace.good), sum(pace.aside)) == (good, aside)
        assert [(each.gateway, sum(each.marks)) for each in pace.lines] == [(GATEWAY, marks)]
    assert (gone.total, gone.lines, gone.last_minute) == (0, [], 0)
    assert filled.centre.get("/api/v1/overview")["pace"]["last_minute"] >= 2


def test_it_goes_on_without_a_gap_after_the_server_was_killed(filled: Filled) -> None:
    centre = filled.centre
    with listening(centre) as listener:
        wait_for("hello", lambda: listener.events)
        filled.mark(30)
        filled.peer.deliver()
        wait_for("the mark", lambda: "G000030" in listener.marks())
        cursor = listener.cursor
        centre.stop("serve", 9)
    for number in (31, 32):
        filled.mark(number)
        filled.peer.deliver()
    centre.start("serve")
    with listening(centre, cursor) as listener:
        wait_for("what was missed", lambda: {"G000031", "G000032"} <= listener.marks().keys())
        assert "G000001" not in listener.marks()
        filled.mark(33)
        filled.peer.deliver()
        wait_for("what comes", lambda: "G000033" in listener.marks())


def test_a_batch_that_commits_late_is_told_too(filled: Filled) -> None:
    """Two workers: the one that took the smaller id commits last."""
    centre = filled.centre
    with listening(centre) as listener:
        wait_for("hello", lambda: listener.events)
        centre.stop("ingest-1")
        centre.stop("ingest-2")
        (stream,) = centre.sql("SELECT id FROM stream WHERE gateway = %s", GATEWAY)[0]
        with psycopg.connect(centre.database) as late:
            late.execute("SELECT pg_current_xact_id()")
            late.execute("SELECT nextval(pg_get_serial_sequence('batch', 'id'))")
            taken = late.execute("SELECT currval(pg_get_serial_sequence('batch', 'id'))").fetchone()
            assert taken is not None
            centre.start("ingest-1")
            filled.mark(40)
            filled.peer.deliver()
            wait_for("the later id", lambda: "G000040" in listener.marks())
            assert int(listener.cursor) < taken[0]
            (item,) = centre.sql("SELECT id FROM item WHERE serial = 'G000001'")[0]
            late.execute(
                "INSERT INTO batch (id, stream, first, last, head, header, key_id, sig, body,"
                " received) SELECT %s, stream, 1000001, 1000001, head, header, key_id, sig, body,"
                " now() FROM batch WHERE stream = %s LIMIT 1",
                (taken[0], stream),
            )
            late.execute(
                "INSERT INTO about (item, batch, pos) VALUES (%s, %s, 0)", (item, taken[0])
            )
            late.commit()
        wait_for("the smaller id", lambda: "G000001" in listener.marks())
        filled.mark(41)
        filled.peer.deliver()
        wait_for("the cursor beyond both", lambda: int(listener.cursor) > taken[0])
    centre.sql("DELETE FROM about WHERE batch = %s", taken[0])
    centre.sql("DELETE FROM batch WHERE id = %s", taken[0])


def test_a_refused_record_and_a_forged_batch_are_listed(filled: Filled) -> None:
    centre, journal = filled.centre, filled.peer.journal
    seq = filled.mark(1)  # a number that is spent already
    filled.peer.deliver()
    (refusal,) = centre.get("/api/v1/refusals")["items"]
    assert (refusal["record"]["seq"], refusal["code"]) == (seq, "duplicate")
    entry = centre.get(f"/api/v1/records/{GATEWAY}/1/{seq}")["entry"]
    assert (entry["verdict"], entry["resolved"]) == ("duplicate", None)
    assert centre.get("/api/v1/items?serial=G000001")["items"][0]["components"][0]["duplicated"]
    forged = journal.batch(seq, seq).replace(b'"boot":"1-', b'"boot":"2-')
    filled.peer.publish(forged)
    evidence = wait_for("the evidence", lambda: centre.get("/api/v1/evidence")["items"])
    assert (evidence[0]["reason"], evidence[0]["size"]) == ("bad-signature", len(forged))
    served = centre.look(f"/api/v1/evidence/{evidence[0]['id']}/bytes").content
    assert served == forged


def test_the_loss_of_the_database_is_told_and_heals(filled: Filled) -> None:
    centre = filled.centre
    with listening(centre) as listener:
        wait_for("hello", lambda: listener.events)
        embedded.stop(centre.folder / "pg", immediate=True)
        wait_for("the news", lambda: ("database", "", {"here": False}) in listener.events)
        response = centre.look("/api/v1/orders")
        assert (response.status_code, response.json()["code"]) == (503, "database-unavailable")
        with centre.browser() as browser:
            for path in ("/items/DA7G1HM70G000001", "/", "/sign-in"):
                page = browser.get(path)
                assert (page.status_code, "text/html" in page.headers["content-type"]) == (
                    503,
                    True,
                )
        embedded.start(centre.folder / "pg")
        wait_for("its return", lambda: ("database", "", {"here": True}) in listener.events)
        filled.mark(50)
        filled.peer.deliver()
        wait_for("the mark", lambda: "G000050" in listener.marks())
