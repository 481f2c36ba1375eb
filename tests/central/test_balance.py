"""The mass balance: it holds, and each row changed by hand is found and named."""

from collections.abc import Iterator
from typing import Any

import pytest

from central import config as configuration
from central import db, keys
from central.reconcile.balance import Balance, reconcile
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[Registry, Peer]]:
    """Ten numbers: 1 and 2 good, 3 rejected, 4 unknown, 5 voided, 6 scrapped, 7 open, 8 marked."""
    with Register.opened() as centre:
        centre.standard(quantity=10)
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        journal = peer.journal
        peer.good(1)
        peer.good(2)
        third = peer.intent(3)
        journal.marked(third)
        journal.verified(third, "unreadable")
        journal.marked(peer.intent(4), "unknown")
        journal.marked(peer.intent(5), "not_started")
        sixth = peer.intent(6)
        journal.marked(sixth)
        journal.settled(sixth, "scrapped", "p-1", "p-2")
        peer.intent(7)
        peer.deliver()
        journal.marked(peer.intent(8))
        peer.deliver()
        centre.stop("plan")  # it would issue numbers for those that ended
        yield centre, peer
        peer.disconnect()


def account(told: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next(entry for entry in told[f"{kind}s"] if entry[kind] == name)


def test_the_command_finds_a_deleted_record(scene: tuple[Registry, Peer]) -> None:
    centre, peer = scene
    row = "batch = (SELECT min(id) FROM batch) AND pos = 2"
    centre.sql(f"CREATE TABLE kept AS SELECT * FROM record WHERE {row}")
    centre.sql(f"DELETE FROM record WHERE {row}")
    told = centre.reconcile(balanced=False)
    for kind, name in (("order", "G-1"), ("gateway", "gramsh.line-1")):
        assert account(told, kind, name)["unaccounted"] == [peer.serial(1)]
    assert f"unaccounted: {peer.serial(1)}" in centre.run("reconcile", expect=1)
    centre.sql("INSERT INTO record SELECT * FROM kept")
    centre.sql("DROP TABLE kept")


def test_every_number_has_a_term(scene: tuple[Registry, Peer]) -> None:
    centre, _ = scene
    told = centre.reconcile()
    for kind, name in (("order", "G-1"), ("gateway", "gramsh.line-1")):
        entry = account(told, kind, name)
        issued = entry["issued"]
        assert entry == {
            kind: name,
            "issued": issued,
            "unused": issued - 8,
            "open": 2,
            "good": 2,
            "rejected": 1,
            "scrapped": 1,
            "voided": 1,
            "unknown": 1,
            "lost": 0,
            "missing": 0,
            "disputed": [],
            "unaccounted": [],
            "engraved": [],
        }
    assert "balanced" in centre.run("reconcile")


def balance(centre: Registry) -> Balance:
    """What the command counts, without starting a program each time."""
    config = configuration.load(centre.folder / "central.toml")
    with db.connect(config) as connection:
        return reconcile(connection, keys.load_public(config.keys.dir))


def unaccounted(centre: Registry) -> list[str]:
    found = balance(centre)
    assert not found.balanced
    told = found.told()
    by_order = [n for entry in told["orders"] for n in entry["unaccounted"]]
    by_gateway = [n for entry in told["gateways"] for n in entry["unaccounted"]]
    assert set(by_order) <= set(by_gateway) or by_gateway == []
    return by_order or by_gateway


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ("record", "pos = 2 AND batch = (SELECT min(id) FROM batch)"),
        ("record", "pos = 4 AND batch = (SELECT min(id) FROM batch)"),
        ("claim", "seq = 3"),
    ],
)
def test_a_deleted_row_names_its_number(
    scene: tuple[Registry, Peer], table: str, where: str
) -> None:
    centre, peer = scene
    centre.sql(f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {where}")
    centre.sql(f"DELETE FROM {table} WHERE {where}")
    try:
        assert unaccounted(centre) == [peer.serial(1)]
    finally:
        centre.sql(f"INSERT INTO {table} SELECT * FROM kept")
        centre.sql("DROP TABLE kept")
    assert balance(centre).balanced


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("UPDATE item SET state = 'good' WHERE number = 4", "UPDATE item SET state = 'unknown'"),
        ("UPDATE item SET quarantined = true", "UPDATE item SET quarantined = false"),
        ("UPDATE item SET serial = 'X'", "UPDATE item SET serial = 'G000004'"),
        ("UPDATE claim SET number = 99", "UPDATE claim SET number = 4"),
        ("UPDATE claim SET order_code = 'X'", "UPDATE claim SET order_code = 'G-1'"),
    ],
)
def test_a_row_changed_by_hand_names_its_number(
    scene: tuple[Registry, Peer], change: str, back: str
) -> None:
    centre, peer = scene
    item = "(SELECT id FROM item WHERE uii LIKE '%G000004')"
    where = f" WHERE item = {item}" if "claim" in change else f" WHERE id = {item}"
    centre.sql(change.partition(" WHERE")[0] + where)
    try:
        assert unaccounted(centre) == [peer.serial(4)]
    finally:
        centre.sql(back + where)
    assert balance(centre).balanced


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("UPDATE batch SET sig = set_byte(sig, 0, get_byte(sig, 0) # 1) WHERE first > 1", None),
        (
            "UPDATE stream SET committed = committed + 1",
            "UPDATE stream SET committed = committed - 1",
        ),
        ("UPDATE plan SET body = set_byte(body, 90, get_byte(body, 90) # 1)", None),
        ("UPDATE block SET span = int8range(1, 6)", "UPDATE block SET span = int8range(1, 11)"),
    ],
)
def test_bytes_and_numbers_changed_by_hand_are_found(
    scene: tuple[Registry, Peer], change: str, back: str | None
) -> None:
    centre, _ = scene
    if "block" in change:
        ids = "WHERE lower(span) = 1"
        change, back = f"{change} {ids}", f"{back} {ids}"
    centre.sql(change)
    try:
        assert unaccounted(centre)
    finally:
        centre.sql(back or change)
    assert balance(centre).balanced


def test_a_number_that_was_skipped_is_named() -> None:
    with Register.opened() as centre:
        centre.standard(quantity=10)
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        peer.good(1)
        peer.good(3)
        peer.deliver()
        assert unaccounted(centre) == [peer.serial(2)]
        peer.enroll(reason="new disk")
        entry = account(balance(centre).told(), "order", "G-1")
        assert (entry["good"], entry["lost"]) == (2, 8)
        assert entry["issued"] == sum(
            entry[term]
            for term in ("unused", "open", "good", "rejected", "scrapped", "voided", "lost")
        )
        peer.disconnect()


def test_the_programs_cannot_rewrite_the_evidence(scene: tuple[Registry, Peer]) -> None:
    centre, _ = scene
    for table in ("batch", "record", "claim", "about", "evidence", "act", "plan"):
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            ((may,),) = centre.sql("SELECT has_table_privilege('gjurma_app', %s, %s)", table, right)
            assert not may, (table, right)
    roles = centre.sql(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'gjurma'"
    )
    assert roles, "the programs are connected"
