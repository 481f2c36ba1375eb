"""The register follows from its acts, plans and batches: each row changed by hand is named."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from central import config as configuration
from central import db, keys
from central.reconcile.rebuild import SourceUnusable, rebuild
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scene() -> Iterator[Registry]:
    """Marks, a second epoch with numbers lost and a latch, people, a licence's steps."""
    with Register.opened() as centre:
        centre.standard(quantity=10)
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        peer.good(1)
        peer.journal.marked(peer.intent(2), "unknown")
        peer.deliver()
        peer.enroll(reason="a new disk")
        wait_for("its numbers", lambda: centre.sql("SELECT 1 FROM block WHERE lower(span) > 1"))
        peer.accept("G-1")
        peer.good(1)
        peer.deliver()
        peer.journal.marked(peer.intent(2))
        late = peer.journal.batch(peer.journal.seq - 1, peer.journal.seq, boot="1-0123456789abcdef")
        peer.publish(late)  # the same start of another process
        wait_for("the latch", lambda: centre.sql("SELECT 1 FROM stream WHERE state = 'two-of-me'"))
        person = {"code": "p-1", "gateway": peer.gateway, "badge": "B", "pin": "4821"}
        centre.post("/api/v1/people", person | {"roles": ["operator"]})
        for step in ("suspend", "reinstate"):
            centre.post(f"/api/v1/licences/L-1/{step}", {"reason": "inspection"})
        centre.post("/api/v1/orders/G-1/pause", {"reason": "drawing changed"})
        with centre.client("administrator") as administrator:
            why = {"reason": "left"}
            administrator.post("/api/v1/accounts/registry-officer/disable", json=why)
            administrator.post("/api/v1/accounts/registry-officer/enable", json=why)
        peer.disconnect()
        yield centre


def rebuilt(centre: Registry, *, identical: bool) -> Any:
    return json.loads(centre.run("rebuild", "--json", expect=0 if identical else 1))


def compared(centre: Registry) -> list[str]:
    """What differs, as the command says it, without a process for each time."""
    config = configuration.load(centre.folder / "central.toml")
    engine = db.owner_engine(config)
    try:
        with (
            engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
            connection.begin() as transaction,
        ):
            found = rebuild(connection, keys.load_public(config.keys.dir)).differences
            transaction.rollback()
    finally:
        engine.dispose()
    return list(map(str, found))


def test_it_is_identical(scene: Registry) -> None:
    told = rebuilt(scene, identical=True)
    assert told["identical"]
    assert told["acts"] == scene.sql("SELECT count(*) FROM act")[0][0]
    assert told["batches"] == scene.sql("SELECT count(*) FROM batch")[0][0] > 0
    assert told["rows"] > 40


def test_it_leaves_nothing_behind(scene: Registry) -> None:
    tables = "SELECT count(*) FROM pg_class"
    before = scene.sql(tables)
    rebuilt(scene, identical=True)
    assert scene.sql(tables) == before


@pytest.mark.parametrize(
    ("change", "back", "named"),
    [
        (
            "UPDATE licence SET state = 'revoked'",
            "UPDATE licence SET state = 'active'",
            "licence L-1: state is 'revoked', ought to be 'active'",
        ),
        (
            "UPDATE orders SET quantity = 11",
            "UPDATE orders SET quantity = 10",
            "orders G-1: quantity is 11, ought to be 10",
        ),
        (
            "UPDATE item SET state = 'good' WHERE state = 'unknown'",
            "UPDATE item SET state = 'unknown' WHERE serial = 'G000002'",
            "item DA7G1HM70G000002/receiver: state is 'good', ought to be 'unknown'",
        ),
        (
            "UPDATE account SET roles = '{administrator}' WHERE name = 'registry-officer'",
            "UPDATE account SET roles = '{registry-officer}' WHERE name = 'registry-officer'",
            "account registry-officer: roles is ['administrator']",
        ),
        (
            "UPDATE entity SET ncage = 'A7G9H'",
            "UPDATE entity SET ncage = 'A7G1H'",
            "entity UMG: ncage is 'A7G9H', ought to be 'A7G1H'",
        ),
        (
            """INSERT INTO person (code, gateway, proof, roles, created, version)
            SELECT 'p-2', gateway, '', roles, now(), 1 FROM person""",
            "DELETE FROM person WHERE code = 'p-2'",
            "person p-2/gramsh.line-1: no act and no batch gives it",
        ),
        (
            "CREATE TABLE kept AS SELECT * FROM person; UPDATE person SET pin = 'another'",
            "UPDATE person p SET pin = kept.pin FROM kept; DROP TABLE kept",
            "person p-1/gramsh.line-1: proof is",
        ),
        (
            "CREATE TABLE kept AS SELECT * FROM loss; DELETE FROM loss",
            "INSERT INTO loss SELECT * FROM kept; DROP TABLE kept",
            "it is missing",
        ),
        (
            "UPDATE stream SET committed = committed + 1 WHERE epoch = 2",
            "UPDATE stream SET committed = committed - 1 WHERE epoch = 2",
            "committed is",
        ),
    ],
)
def test_a_row_changed_by_hand_is_named(
    scene: Registry, change: str, back: str, named: str
) -> None:
    scene.sql(change)
    try:
        found = compared(scene)
    finally:
        scene.sql(back)
    assert any(named in difference for difference in found), found


def test_the_command_names_it_too(scene: Registry) -> None:
    scene.sql("UPDATE orders SET quantity = 11")
    try:
        told = rebuilt(scene, identical=False)
        found = compared(scene)
    finally:
        scene.sql("UPDATE orders SET quantity = 10")
    assert not told["identical"]
    assert told["differences"] == found


def test_an_act_that_was_taken_out_is_noticed(scene: Registry) -> None:
    """What followed it is not possible without it: that act is named."""
    what = "subject = 'licence' AND what = 'suspended'"
    scene.sql(f"CREATE TABLE kept AS SELECT * FROM act WHERE {what}")
    scene.sql(f"DELETE FROM act WHERE {what}")
    engine = db.owner_engine(configuration.load(scene.folder / "central.toml"))
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            with pytest.raises(SourceUnusable, match=r"act \d+ \(licence L-1\): .* reinstated"):
                rebuild(connection, ())
            transaction.rollback()
        scene.run("rebuild", expect=1)
    finally:
        engine.dispose()
        scene.sql("INSERT INTO act SELECT * FROM kept")
        scene.sql("DROP TABLE kept")
    assert rebuilt(scene, identical=True)


@pytest.mark.parametrize("table", ["act", "batch", "record", "plan", "evidence", "claim", "about"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "UPDATE {} SET {} = {}", "TRUNCATE {}"])
def test_the_programs_may_not_rewrite_what_it_follows_from(
    scene: Registry, table: str, verb: str
) -> None:
    column = scene.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s LIMIT 1", table
    )[0][0]
    statement = verb.format(table, column, column)
    with pytest.raises(Exception, match="permission denied"):
        scene.sql(f"SET ROLE gjurma_app; {statement}")
