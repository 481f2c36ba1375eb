"""Ingest on real programs: what is stored, answered, kept as evidence and latched."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from paho.mqtt.client import MQTTMessage

from central import config as configuration
from central import keys
from central.ingest import store
from central.ingest.consumer import Arrived, Worker
from central.register.acts import LAST
from gateway.contract.receipt import Receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import topic
from tests.support.peer import Journal, Peer
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
Line = Callable[..., Peer]


def items(centre: Registry, peer: Peer) -> list[tuple[Any, ...]]:
    return centre.sql(
        "SELECT serial, state, basis, quarantined, duplicated FROM item"
        " WHERE order_code = %s ORDER BY number",
        peer.order,
    )


def reasons(centre: Registry, peer: Peer) -> list[str]:
    return [
        row[0]
        for row in centre.sql(
            "SELECT reason FROM evidence WHERE gateway = %s ORDER BY id", peer.gateway
        )
    ]


def state(centre: Registry, peer: Peer) -> str:
    rows = centre.sql(
        "SELECT state FROM stream WHERE gateway = %s AND epoch = %s",
        peer.gateway,
        peer.journal.epoch,
    )
    return str(rows[0][0])


def committed(centre: Registry, peer: Peer) -> tuple[int, bytes]:
    ((seq, head),) = centre.sql(
        "SELECT committed, head FROM stream WHERE gateway = %s AND epoch = %s",
        peer.gateway,
        peer.journal.epoch,
    )
    return seq, bytes(head)


def test_parts_are_registered_and_answered(centre: Registry, line: Line) -> None:
    peer = line()
    for index in (1, 2, 3):
        peer.good(index)
    receipt = peer.deliver()
    assert receipt.committed == peer.journal.seq
    assert receipt.head == peer.journal.heads[-1].hex()
    assert receipt.boot == str(peer.journal.boot)
    assert (receipt.refused, receipt.latch) == ((), None)
    assert items(centre, peer) == [
        (peer.serial(index), "good", "read", False, False) for index in (1, 2, 3)
    ]
    bodies = centre.sql(
        "SELECT b.body FROM batch b JOIN stream s ON s.id = b.stream WHERE s.gateway = %s"
        " ORDER BY b.first",
        peer.gateway,
    )
    assert b"\n".join(bytes(row[0]) for row in bodies) == b"\n".join(peer.journal.lines)


def test_live_records_one_at_a_time(centre: Registry, line: Line) -> None:
    """Later records find the mark that an earlier batch announced."""
    peer = line()
    peer.deliver()
    seq = peer.intent(1)
    peer.deliver()
    peer.journal.marked(seq)
    peer.deliver()
    peer.journal.verified(seq)
    assert peer.deliver().refused == ()
    assert items(centre, peer) == [(peer.serial(1), "good", "read", False, False)]


def test_refusals_stand_in_every_receipt_until_corrected(centre: Registry, line: Line) -> None:
    peer = line()
    peer.intent(500)
    receipt = peer.deliver()
    assert [(r.seq, r.code) for r in receipt.refused] == [(3, "outside-block")]
    peer.good(1)
    assert [r.seq for r in peer.deliver().refused] == [3]
    assert items(centre, peer)[-1][3] is True, "quarantined"


def test_more_than_a_hundred_refusals_are_counted(line: Line) -> None:
    peer = line()
    for _ in range(105):
        peer.journal.write_bytes(b"{}")
    receipt = peer.deliver()
    assert (len(receipt.refused), receipt.refused_more) == (100, 5)


def test_a_large_batch_is_whole(centre: Registry, line: Line) -> None:
    peer = line(quantity=150)
    for index in range(1, 151):
        peer.good(index)
    receipt = peer.deliver()
    assert receipt.committed == 452
    assert len(items(centre, peer)) == 150
    assert {row[1] for row in items(centre, peer)} == {"good"}


def test_a_gap_a_replay_and_an_overlap(centre: Registry, line: Line) -> None:
    peer = line()
    peer.good(1)
    peer.publish(peer.journal.batch(3, 5))
    assert peer.next_receipt().committed == 0
    peer.publish(peer.journal.batch(1, 3))
    assert peer.next_receipt().committed == 3
    peer.publish(peer.journal.batch(1, 3))
    assert peer.next_receipt().committed == 3
    peer.publish(peer.journal.batch(2, 5))
    assert peer.next_receipt().committed == 5
    assert committed(centre, peer) == (5, peer.journal.heads[5])
    assert reasons(centre, peer) == []
    peer.publish(peer.journal.batch(4, 4))
    assert peer.next_receipt().committed == 5


def test_forged_batches_are_kept_and_move_nothing(centre: Registry, line: Line) -> None:
    peer = line()
    own = peer.journal.key
    peer.journal.key = SigningKey.new()
    peer.publish(peer.journal.batch(1, 2))
    peer.journal.key = own
    good = peer.journal.batch(1, 2)
    peer.publish(b"no batch")
    peer.publish(good.replace(b'"reason":"new"', b'"reason":"old"'))
    peer.publish(peer.journal.batch(1, 2, epoch=7))
    wait_for("the evidence", lambda: len(reasons(centre, peer)) == 4)
    assert sorted(reasons(centre, peer)) == [
        "bad-signature",
        "chain-broken",
        "unknown-epoch",
        "unreadable",
    ]
    assert committed(centre, peer)[0] == 0
    assert peer.deliver().committed == 2, "the true one still gets through"


def test_the_same_evidence_stands_once(centre: Registry, line: Line) -> None:
    peer = line()
    for _ in range(3):
        peer.publish(b"no batch")
    peer.deliver()
    assert reasons(centre, peer) == ["unreadable"]
    ((kept,),) = centre.sql("SELECT bytes FROM evidence WHERE gateway = %s", peer.gateway)
    assert bytes(kept) == b"no batch"


def test_a_batch_on_another_gateways_topic(centre: Registry, line: Line) -> None:
    peer, other = line(), line()
    peer.publish_on(topic(other.gateway, "records"), peer.journal.batch(1, 2))
    wait_for("the evidence", lambda: reasons(centre, other))
    assert reasons(centre, other) == ["wrong-topic"]
    assert committed(centre, peer)[0] == 0
    assert committed(centre, other)[0] == 0


def clone_of(peer: Peer) -> Journal:
    """The same identity and records, as a copied disk has them."""
    journal = Journal(peer.gateway, peer.journal.epoch, bytes(32), peer.journal.key)
    for line in peer.journal.lines:
        journal.write_bytes(line)
    journal.boot = peer.journal.boot
    return journal


def latched(centre: Registry, peer: Peer, receipt: Receipt, latch: str) -> None:
    assert receipt.latch == latch
    assert state(centre, peer) == latch
    assert peer.deliver().latch == latch, "every later batch is answered so"
    assert "latched" in reasons(centre, peer)


def test_a_fork_latches(centre: Registry, line: Line) -> None:
    peer = line()
    peer.deliver()
    fork = clone_of(peer)
    peer.intent(1)
    peer.deliver()
    assert peer.plan is not None
    fork.intent(fork.mark(peer.plan, peer.order, peer.number(2)))
    peer.publish(fork.batch(3, 3))
    receipt = peer.next_receipt()
    peer.intent(3)
    latched(centre, peer, receipt, "forked")
    assert items(centre, peer) == [(peer.serial(1), "open", "", False, False)]


def test_two_of_me_latches(centre: Registry, line: Line) -> None:
    peer = line()
    clone = clone_of(peer)
    peer.journal.restart()
    peer.deliver()
    assert peer.plan is not None
    clone.intent(clone.mark(peer.plan, peer.order, peer.number(1)))
    peer.publish(clone.batch(3, 3))
    receipt = peer.next_receipt()
    peer.intent(2)
    latched(centre, peer, receipt, "two-of-me")


def test_a_new_epoch_ends_a_latch(centre: Registry, line: Line) -> None:
    peer = line()
    peer.deliver()
    peer.publish(clone_of(peer).batch(1, 1, head="0" * 64))
    peer.journal.boot = type(peer.journal.boot)(peer.journal.boot.counter, "f" * 16)
    peer.intent(1)
    peer.publish(peer.journal.batch(3, 3))
    wait_for("the latch", lambda: state(centre, peer) == "two-of-me")
    told = peer.enroll(reason="two of me")
    assert told["epoch"] == 2
    peer.accept()
    peer.good(1)
    assert peer.deliver().latch is None
    assert state(centre, peer) == "live"


def test_a_state_is_answered_for_its_boot_and_kept(centre: Registry, line: Line) -> None:
    peer = line()
    peer.deliver()
    peer.journal.restart()
    peer.state(peer.plan)
    receipt = peer.next_receipt()
    assert (receipt.boot, receipt.committed) == (str(peer.journal.boot), 2)
    assert peer.plan is not None

    def stored() -> list[tuple[Any, ...]]:
        return centre.sql(
            "SELECT boot_counter, online, plan_version, seq FROM gateway_state WHERE gateway = %s",
            peer.gateway,
        )

    assert stored() == [(2, True, peer.plan.version, 2)]
    newer = peer.journal.boot
    peer.journal.boot = type(newer)(1, "0" * 16)
    peer.state(online=False)  # the last will of an older boot
    peer.journal.boot = newer
    peer.state(online=False)
    wait_for("offline", lambda: stored() == [(2, False, peer.plan and peer.plan.version, 2)])


def test_nothing_answers_what_is_no_state(line: Line) -> None:
    peer = line()
    peer.publish(b"{}", "state")
    peer.publish(b"", "state")
    peer.state()
    assert peer.next_receipt().boot == str(peer.journal.boot)


def test_evidence_has_a_quota_by_gateway_and_reason(
    centre: Registry, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "QUOTA", 3)
    noisy, other = line(), line()
    for number in range(6):
        noisy.publish(b"no batch at all %d" % number)
    other.publish(b"no batch at all")
    wait_for("all evidence", lambda: reasons(centre, other) == ["unreadable"])
    assert reasons(centre, noisy) == ["unreadable"] * 3 + ["over-quota"]
    ((detail,),) = centre.sql(
        "SELECT detail FROM evidence WHERE gateway = %s AND reason = 'over-quota'", noisy.gateway
    )
    assert detail == "more came for the reason unreadable within a day than is kept"

    centre.sql(
        "UPDATE evidence SET received = received - interval '1 day' WHERE gateway = %s",
        noisy.gateway,
    )
    noisy.publish(b"on the next day")
    assert reasons(centre, noisy).count("unreadable") == 4

    monkeypatch.setattr(store, "QUOTA_BYTES", 10)
    noisy.publish(b"and more than ten bytes")
    assert reasons(centre, noisy).count("unreadable") == 4


def message(peer: Peer, payload: bytes) -> Arrived:
    found = MQTTMessage(topic=topic(peer.gateway, "records").encode())
    found.payload = payload
    return Arrived(found, 0)


def test_a_latch_waits_for_the_acts_when_all_its_streams_are_locked(
    centre: Registry, line: Line
) -> None:
    """An enrolment locks its stream, then the acts. Who holds the lock of the acts and waits for
    that stream is in its way."""
    peer, other = sorted((line(), line()), key=lambda each: each.gateway)
    assert peer.plan is not None
    peer.deliver()
    fork = clone_of(peer)
    peer.intent(1)
    peer.deliver()
    fork.intent(fork.mark(peer.plan, peer.order, peer.number(2)))
    other.intent(1)
    config = configuration.load(centre.folder / "central.toml")
    folder = config.keys.dir
    plan_keys = keys.plan_keys(keys.load_public(folder))
    worker = Worker(config, keys.load(folder, "receipt"), plan_keys)
    last = other.journal.seq
    taken = [message(peer, fork.batch(3, 3)), message(other, other.journal.batch(1, last))]
    with psycopg.connect(centre.database) as enrolment, ThreadPoolExecutor(1) as thread:
        enrolment.execute("SELECT FROM stream WHERE gateway = %s FOR UPDATE", (other.gateway,))
        working = thread.submit(worker._together, taken)
        wait_for("the worker to wait", lambda: centre.sql(_WAITS) != [(0,)])
        row = enrolment.execute("SELECT pg_try_advisory_xact_lock(%s)", (LAST,)).fetchone()
        enrolment.rollback()
        assert row == (True,)
        assert len(working.result(30)) == 2
    worker._drop_database()
    assert (state(centre, peer), state(centre, other)) == ("forked", "live")


_WAITS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
