"""Batches over HTTP: whatever is brought, and however, moves what is signed and nothing else."""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gateway.contract.batch import MAX_RECORDS
from gateway.contract.receipt import Receipt
from gateway.contract.record import (
    Accepted,
    FromBlock,
    Intent,
    Item,
    Mark,
    RecordRef,
    Settled,
    Trial,
    Verified,
)
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot, topic
from gateway.contract.uii import identify
from simulators.scanner import BATCH, Scanner
from tests.register.telling import UII
from tests.support.peer import Peer
from tests.support.store import MARKED, Store, symbol

pytestmark = pytest.mark.slow
SCANS, LONG_SCANS = 60, 1000


@pytest.fixture
def wire(store: Store) -> Iterator[Peer]:
    """A session with the broker, whoever's."""
    peer = Peer(store.centre, "gramsh.line-9")
    peer.enroll()
    yield peer
    peer.disconnect()


def committed(store: Store, scanner: Scanner) -> tuple[int, str]:
    query = "SELECT committed, state FROM stream WHERE gateway = %s AND epoch = %s"
    ((seq, state),) = store.centre.sql(query, scanner.name, scanner.epoch)
    return seq, state


def evidence(store: Store, scanner: Scanner) -> list[str]:
    query = "SELECT reason FROM evidence WHERE gateway = %s ORDER BY id"
    return [reason for (reason,) in store.centre.sql(query, scanner.name)]


def answer(store: Store, content: bytes, media: str = BATCH) -> tuple[int, str]:
    """Status and code of what is refused."""
    response = store.http.post(
        f"{store.centre.url}/api/v1/batches", content=content, headers={"Content-Type": media}
    )
    return response.status_code, response.json()["code"]


def copied(store: Store, scanner: Scanner, name: str) -> Scanner:
    """The same device on another disk: a copy of its folder, as it is now, in its next boot."""
    folder = store.folder / name
    folder.mkdir()
    for path in scanner.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return Scanner.started(folder)


def test_batches_over_and_under_each_other(store: Store) -> None:
    scanner = store.device()
    for _ in range(9):
        scanner.scan("count", symbol(20))

    def bring(first: int, last: int) -> Receipt:
        return scanner.bring(scanner.batch(first, last), store.http)

    assert bring(5, 7).committed == 0, "a gap"
    assert bring(1, 4).committed == 4
    assert bring(1, 4).committed == 4, "a replay"
    assert bring(3, 6).committed == 6, "an overlap"
    receipt = scanner.send(store.http)
    assert (receipt.committed, receipt.head) == (10, scanner.heads[10].hex())
    assert receipt.boot == str(scanner.boot)
    again = Scanner.started(scanner.folder)
    asked = again.bring(again.batch(again.seq, again.seq), store.http)
    assert (asked.committed, asked.boot) == (10, str(again.boot)), "its newest record asks"
    store.concluded(scanner)
    assert [seq for seq, _, _ in store.events(scanner)] == list(range(2, 11))
    assert evidence(store, scanner) == []


def test_what_is_not_signed_moves_nothing_and_is_not_kept(store: Store) -> None:
    scanner = store.device()
    scanner.scan("count", symbol(21))
    rows = "SELECT count(*) FROM evidence"
    before = store.centre.sql(rows)
    good, own = scanner.batch(1, 2), scanner.key
    scanner.key = SigningKey.new()
    forged = scanner.batch(1, 2)
    scanner.key = own
    assert answer(store, forged) == (403, "bad-signature")
    nobody = scanner.batch(1, 2, gateway="no.body")
    assert answer(store, nobody) == (403, "bad-signature"), "no stream is told of"
    assert answer(store, scanner.batch(1, 2, epoch=7)) == (403, "bad-signature")
    changed = good.replace(b'"purpose":"count"', b'"purpose":"issue"')
    assert answer(store, changed) == (422, "chain-broken")
    assert answer(store, b"no batch") == (422, "unreadable")
    assert answer(store, scanner.batch(1, 2, boot="x")) == (422, "unreadable")
    assert answer(store, good, "application/json") == (415, "http-415")
    assert answer(store, b"x" * (270 * 1024)) == (413, "http-413")
    for _ in range(MAX_RECORDS):
        scanner.scan("count")
    assert answer(store, scanner.batch(1, MAX_RECORDS + 1)) == (422, "unreadable")
    assert store.centre.sql(rows) == before
    assert committed(store, scanner) == (0, "live")
    assert scanner.bring(good, store.http).committed == 2


def test_forgeries_are_limited_and_lock_nobody_else_out(store: Store) -> None:
    scanner, other = store.device(), store.device()
    own, scanner.key = scanner.key, SigningKey.new()
    answers = [answer(store, scanner.batch(1, 1)) for _ in range(6)]
    assert answers == [(403, "bad-signature")] * 5 + [(429, "too-many")]
    scanner.key = own
    assert answer(store, scanner.batch(1, 1)) == (429, "too-many")
    assert other.send(store.http).committed == 1


def test_a_fork_is_latched_and_its_evidence_kept(store: Store) -> None:
    scanner = store.device()
    scanner.send(store.http)
    fork = copied(store, scanner, "forked")
    scanner.scan("count", symbol(22))
    scanner.send(store.http)
    fork.scan("count", symbol(23))
    payload = fork.batch(2, 2)
    assert fork.bring(payload, store.http).latch == "forked"
    scanner.scan("count", symbol(24))
    assert scanner.send(store.http).latch == "forked"
    assert committed(store, scanner) == (2, "forked")
    assert evidence(store, scanner)[0] == "forked"
    kept = store.centre.sql(
        "SELECT bytes FROM evidence WHERE gateway = %s ORDER BY id LIMIT 1", scanner.name
    )
    assert bytes(kept[0][0]) == payload
    anew = store.enrol(scanner.name, store.folder / "anew", "wiped")
    assert anew.epoch == 2
    anew.scan("count", symbol(25))
    assert store.deliver(anew)["items"] == []
    assert store.events(anew) == [(2, "seen", [UII.format(25)])]
    assert [seq for seq, _, _ in store.events(scanner)] == [2]


def test_two_of_one_device_are_latched(store: Store) -> None:
    scanner = store.device()
    old = copied(store, scanner, "older")
    newer = Scanner.started(scanner.folder)
    newer.boot = Boot(9, newer.boot.nonce)
    newer.send(store.http)
    old.scan("count", symbol(26))
    assert old.bring(old.batch(2, 2), store.http).latch == "two-of-me"


def test_a_device_marks_nothing(store: Store) -> None:
    """Its claims would cast doubt on items that are good: none is entered, and all are kept."""
    scanner = store.device()
    content = symbol(27)
    named = identify(content)
    mark = Mark(
        position=1,
        component="receiver",
        order="G-1",
        job="J",
        kind="serial",
        item=Item(uii=named.uii, elements=named.elements),
        content=content,
        source=FromBlock(block="B", space="UMG.M70", number=27),
    )
    of = RecordRef(gateway="gramsh.line-1", epoch=1, seq=3)
    common = scanner.common
    at = common()["at"]
    scanner.write(Accepted(**common(incarnation=1, version=1, lease_until=at)))
    scanner.write(Trial(**common(device="d", job="J", text="T", did="done")))
    scanner.write(Intent(**common(cycle="c", start="operator", marks=(mark,))))
    read: dict[str, Any] = {"of": of, "position": 1}
    scanner.write(
        Verified(**common(**read, device="d", entry="device", verdict="mismatch", content="x"))
    )
    scanner.write(Settled(**common(**read, how="scrapped", reason="r", witnesses=("a", "b"))))
    scanner.scan("count", content)
    items = "SELECT * FROM item ORDER BY id"
    before = store.centre.sql(items)
    told = store.deliver(scanner)
    refused = [(seq, "not-for-devices") for seq in range(2, 7)]
    assert [(each["seq"], each["verdict"]) for each in told["items"]] == refused
    receipt = scanner.send(store.http)
    assert [(each.seq, each.code) for each in receipt.refused] == refused
    assert store.centre.sql(items) == before
    assert store.centre.sql("SELECT 1 FROM claim c JOIN stream s ON s.id = c.stream"
                            " WHERE s.gateway = %s", scanner.name) == []  # fmt: skip
    store.centre.reconcile()


def test_a_gateway_may_come_by_http_too(store: Store) -> None:
    """Who signed counts, and not by which way it came."""
    peer = Peer(store.centre, "gramsh.line-7")
    peer.enroll()
    answered = store.http.post(
        f"{store.centre.url}/api/v1/batches",
        content=peer.journal.batch(1, peer.journal.seq),
        headers={"Content-Type": BATCH},
    )
    assert answered.status_code == 200
    peer.disconnect()
    query = "SELECT committed FROM stream WHERE gateway = 'gramsh.line-7'"
    assert store.centre.sql(query) == [(peer.journal.seq,)]


@pytest.mark.parametrize("scans", [SCANS, pytest.param(LONG_SCANS, marks=pytest.mark.long)])
def test_many_scans_are_an_event_each_and_in_order(store: Store, wire: Peer, scans: int) -> None:
    """Batches twice, cut, out of order, by both wires and at once, while what makes events of them
    is killed."""
    chance = random.Random(26)
    centre, scanner = store.centre, store.device()
    expected = []
    for _ in range(scans):
        index = chance.randint(50, MARKED)  # which no other test asks for
        purpose, what = chance.choice([("put-away", "stored"), ("count", "seen")])
        expected.append((scanner.scan(purpose, symbol(index)), what, [UII.format(index)]))
    centre.start("scans-2")  # waits for the first
    spans = [(first, min(first + 99, scanner.seq)) for first in range(1, scanner.seq + 1, 100)]
    for first, last in list(spans):
        cut = chance.randint(first, last)
        spans += [(first, cut), (max(1, first - chance.randint(1, 200)), last), (first, last)]
    chance.shuffle(spans)

    def bring(span: tuple[int, int]) -> None:
        if span[0] % 3 == 0:
            wire.publish_on(topic(scanner.name, "records"), scanner.batch(*span))
            return
        with httpx.Client(timeout=60) as http:
            scanner.bring(scanner.batch(*span), http)

    with ThreadPoolExecutor(4) as pool:
        for at in range(0, len(spans), 8):
            list(pool.map(bring, spans[at : at + 8]))
            centre.stop("scans" if at % 16 else "scans-2", 9)
            centre.start("scans" if at % 16 else "scans-2")
    scanner.send(store.http)
    store.concluded(scanner)
    assert store.events(scanner) == expected
    events = "SELECT count(*), count(DISTINCT event) FROM scan WHERE gateway = %s"
    assert centre.sql(events, scanner.name) == [(scans, scans)]
    assert evidence(store, scanner) == []
    centre.stop("scans-2")


def test_a_lost_cursor_tells_nothing_twice(store: Store) -> None:
    scanner = store.device()
    for code in (symbol(28), "no number", symbol(29)):
        scanner.scan("count", code)
    told = store.deliver(scanner)
    before = store.centre.sql("SELECT count(*) FROM act")
    store.centre.sql(
        "DELETE FROM concluded USING stream s WHERE s.id = stream AND s.gateway = %s", scanner.name
    )
    assert store.judged(scanner) == told
    assert store.centre.sql("SELECT count(*) FROM act") == before


def test_all_of_it_follows_from_acts_and_batches(store: Store) -> None:
    """Over whatever the tests above did."""
    told = json.loads(store.centre.run("rebuild", "--json"))
    assert told["identical"], told
    assert told["acts"] > SCANS
    for table in ("scan", "device"):
        with pytest.raises(Exception, match="permission denied"):
            store.centre.sql(f"SET ROLE gjurma_app; DELETE FROM {table}")
