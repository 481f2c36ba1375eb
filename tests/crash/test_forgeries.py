"""What others put on the wire: kept as evidence, and nothing happens to the honest."""

import base64
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from central import keys
from gateway.contract.batch import BatchHeader, decode_batch, encode_batch, next_head
from gateway.contract.plan import decode_plan, encode_plan
from gateway.contract.receipt import Receipt, encode_receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import topic
from tests.crash.agreement import assert_agree, assert_balanced, reconcile
from tests.crash.site import Site
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
MakeSite = Callable[[str], Site]


@contextmanager
def stranger(centre: Centre, *topics: str) -> Iterator[tuple[Client, list[bytes]]]:
    """Somebody else at the broker: a client, and what it overhears on `topics`."""
    heard: list[bytes] = []
    ready: list[bool] = []
    client = Client(CallbackAPIVersion.VERSION2, "stranger", protocol=MQTTProtocolVersion.MQTTv5)

    def message(_client: Client, _data: Any, found: MQTTMessage) -> None:
        heard.append(bytes(found.payload))

    client.on_message = message
    client.on_connect = lambda *_: ready.append(True)
    client.on_subscribe = lambda *_: ready.append(True)
    client.connect("127.0.0.1", centre.broker.port)
    client.loop_start()
    wait_for("the connection", lambda: ready)
    if topics:
        client.subscribe([(name, 1) for name in topics])
        wait_for("the subscription", lambda: len(ready) == 2)
    try:
        yield client, heard
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: Client, name: str, payload: bytes) -> None:
    client.publish(name, payload, qos=1).wait_for_publish(10)


def evidence(centre: Centre, gateway: str) -> list[str]:
    rows = centre.sql("SELECT reason FROM evidence WHERE gateway = %s ORDER BY id", gateway)
    return [str(reason) for (reason,) in rows]


def assert_unharmed(site: Site) -> None:
    """No latch on either side, and the line goes on to a balanced end."""
    site.mark_good()
    site.wait_delivered()
    assert site.page.latches == []
    (state,) = site.centre.sql("SELECT state FROM stream WHERE gateway = %s", site.gateway)
    assert state == ("live",)
    assert_balanced(site, assert_agree(site), reconcile(site.centre))


def test_a_batch_that_is_forged_replayed_or_misplaced(sites: MakeSite, centre: Centre) -> None:
    site, other = sites("forged.batch"), sites("forged.other")
    other.run()
    other.mark_good()
    other.wait_delivered()
    own = topic(site.gateway, "records")
    with stranger(centre, own) as (client, heard):
        site.run()
        site.mark_good()
        site.wait_delivered()
        genuine = list(heard)
        assert genuine

        # A foreign key under the next records of the gateway.
        header = decode_batch(genuine[-1]).header
        line = decode_batch(genuine[-1]).records[-1]
        forged = BatchHeader.model_validate(
            {
                **header.model_dump(),
                "first": header.last + 1,
                "last": header.last + 1,
                "prev": header.head,
                "head": "00" * 32,
            }
        )
        publish(
            client,
            own,
            encode_batch(_chained(forged, line), [line], SigningKey.new()),
        )
        wait_for("the forgery as evidence", lambda: evidence(centre, site.gateway))
        assert evidence(centre, site.gateway) == ["bad-signature"]

        # The gateway's own batches, all of them, again: dropped, for the register holds them.
        batches = centre.sql("SELECT count(*) FROM batch")
        for batch in genuine:
            publish(client, own, batch)
        # A batch of this gateway on another's topic.
        publish(client, topic(other.gateway, "records"), genuine[-1])
        wait_for("the misplaced batch as evidence", lambda: evidence(centre, other.gateway))
        assert evidence(centre, other.gateway) == ["wrong-topic"]
    assert evidence(centre, site.gateway) == ["bad-signature"]
    assert centre.sql("SELECT count(*) FROM batch") == batches
    assert_unharmed(site)
    assert_unharmed(other)


def _chained(header: BatchHeader, line: bytes) -> BatchHeader:
    """The header with the head that its one record gives: only the key is wrong."""
    head = next_head(bytes.fromhex(header.prev), line)
    return header.model_copy(update={"head": head.hex()})


def cursor(site: Site) -> list[tuple[str, str]]:
    """How far the register has confirmed, as the journal keeps it."""
    with closing(sqlite3.connect(f"{site.journal.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(
            "SELECT key, value FROM meta WHERE key IN ('incarnation', 'committed',"
            " 'committed_head') ORDER BY key"
        ).fetchall()


def test_a_receipt_or_plan_with_a_bad_signature_moves_nothing(
    sites: MakeSite, centre: Centre
) -> None:
    site = sites("forged.receipt")
    site.run()
    site.mark_good()
    site.wait_delivered()
    before = cursor(site)
    values = dict(before)
    snapshot = site.page.snapshot()
    foreign = SigningKey.new()
    honest = Receipt(
        gateway=site.gateway,
        epoch=1,
        boot=snapshot["boot"],
        at=datetime.now(UTC),
        incarnation=int(values["incarnation"]),
        committed=int(values["committed"]),
        head=values["committed_head"],
    )
    lies = (
        {"latch": "two-of-me"},
        {"committed": honest.committed + 100, "head": "ab" * 32},
        {"incarnation": honest.incarnation + 1, "committed": 0, "head": "cd" * 32},
    )
    receipts = topic(site.gateway, "receipts")
    with stranger(centre, topic(site.gateway, "plan")) as (client, heard):
        wait_for("the retained plan", lambda: heard)
        for lie in lies:
            publish(client, receipts, encode_receipt(honest.model_copy(update=lie), foreign))
        # A signature of central's own, over something else.
        lying = encode_receipt(honest.model_copy(update=lies[0]), foreign)
        (genuine_key,) = centre.sql("SELECT key_id FROM stream_key LIMIT 1")
        line, _, _ = lying.partition(b"\n")
        nonsense = base64.b64encode(bytes(64))
        publish(client, receipts, line + b"\n" + genuine_key[0].encode() + b" " + nonsense)
        plan = decode_plan(heard[0], _any_key(centre))
        longer = plan.model_copy(
            update={
                "version": plan.version + 1,
                "lease_until": plan.lease_until + timedelta(days=9),
            }
        )
        publish(client, topic(site.gateway, "plan"), encode_plan(longer, foreign))
        wait_for("five refusals in the log", lambda: site.log.count(": refused: ") == 5)
    assert cursor(site) == before
    assert site.page.latches == []
    assert site.page.snapshot()["lease_until"] == snapshot["lease_until"]
    assert_unharmed(site)


def _any_key(centre: Centre) -> Callable[[str], bytes | None]:
    known = {key.id: bytes.fromhex(key.public) for key in keys.load_public(centre.folder / "keys")}
    return known.get
