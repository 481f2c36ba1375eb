"""A batch that cannot be judged holds nobody up: it is kept, told of, and judged later."""

import json
from collections.abc import Callable, Iterator
from itertools import count

import psycopg
import pytest
from psycopg import errors as pg

from central import db
from central.errors import Busy, DatabaseUnavailable
from central.ingest import intake, rules, store
from central.ingest.facts import Known, Stream, Writes
from central.ingest.intake import ATTEMPTS, insist
from central.ingest.law import Court
from gateway.contract.record import Observed
from tests.central.scene import OTHER, Scene
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def register() -> Iterator[Registry]:
    with Register.opened("watch", "scans") as register:
        register.standard()
        yield register


@pytest.fixture
def peer(register: Registry) -> Iterator[Peer]:
    """A gateway with an order of its own."""
    number = next(_NUMBERS)
    peer = Peer(register, f"site.line-{number}")
    peer.order = f"U-{number}"
    peer.enroll()
    register.add_order(peer.order, peer.gateway, quantity=20)
    peer.accept()
    yield peer
    peer.disconnect()


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> Callable[[Peer, Exception], None]:
    """Makes the rules stumble over the next batch of a gateway."""
    monkeypatch.setattr(intake, "PAUSE_S", (0.0, 0.0))

    def stumble(peer: Peer, error: Exception) -> None:
        hear, over = rules.hear, peer.committed + 1

        def stumbles(stream: Stream, known: Known, first: int, *new: object) -> Court:
            if (stream.gateway, first) == (peer.gateway, over):
                raise error
            return hear(stream, known, first, *new)  # type: ignore[arg-type]

        monkeypatch.setattr(rules, "hear", stumbles)

    return stumble


def items(register: Registry, peer: Peer) -> list[tuple[object, ...]]:
    return register.sql(
        "SELECT state, quarantined, duplicated FROM item WHERE order_code = %s ORDER BY number",
        peer.order,
    )


def rebuilt(register: Registry) -> None:
    told = json.loads(register.run("rebuild", "--json"))
    assert told["identical"], told["differences"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(store.JudgedTooEarly(), id="too-early"),
        pytest.param(ValueError("a fault of ours"), id="fault", marks=pytest.mark.long),
        pytest.param(pg.ProgramLimitExceeded("too long"), id="too-long", marks=pytest.mark.long),
    ],
)
def test_a_batch_that_cannot_be_judged_is_kept_and_judged_later(
    register: Registry,
    peer: Peer,
    stumbling: Callable[[Peer, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    stumbling(peer, error)
    peer.journal.marked(peer.intent(1))
    receipt = peer.deliver()
    assert receipt.committed == peer.journal.seq, "nobody sends it again for ever"
    assert {refused.code for refused in receipt.refused} == {"unjudged"}
    assert items(register, peer) == [("open", True, False)]
    found = register.get(f"/api/v1/alerts?rule=unjudged&subject={peer.gateway}")["items"]
    assert [alert["severity"] for alert in found] == ["critical"]
    assert register.sql("SELECT 1 FROM evidence WHERE gateway = %s", peer.gateway) == []

    # What follows is judged, by the plan that the unjudged batch accepted.
    peer.journal.verified(3)
    peer.good(2)
    assert {refused.code for refused in peer.deliver().refused} == {"unjudged"}
    assert items(register, peer)[1] == ("good", False, False)
    rebuilt(register)
    register.reconcile()

    told = register.run("judge", "--reason", "too early", expect=1)
    assert told == "", "it still cannot be judged"
    monkeypatch.undo()
    monkeypatch.setattr(intake, "PAUSE_S", (0.0, 0.0))
    told = json.loads(register.run("judge", "--json", "--reason", "mended"))
    assert told == {"judged": [{"gateway": peer.gateway, "epoch": 1, "first": 1}]}
    assert items(register, peer) == [("good", False, False)] * 2
    rebuilt(register)
    register.reconcile()
    peer.good(3)
    assert peer.deliver().refused == ()
    assert json.loads(register.run("judge", "--json", "--reason", "again")) == {"judged": []}


def write_no_claims(_connection: object, _stream: object, writes: Writes, *_: object) -> None:
    if writes.claims:
        raise ValueError("no claim can be written")


@pytest.mark.slow
def test_where_its_claims_cannot_be_written_the_bytes_are_kept(
    register: Registry,
    peer: Peer,
    stumbling: Callable[[Peer, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stumbling(peer, ValueError("a fault of ours"))
    monkeypatch.setattr(store, "_write_claims", write_no_claims)
    peer.intent(1)
    assert peer.deliver().committed == peer.journal.seq
    monkeypatch.undo()
    assert items(register, peer) == []
    rebuilt(register)
    register.run("judge", "--reason", "mended")
    assert items(register, peer) == [("open", False, False)]
    rebuilt(register)


@pytest.mark.slow
def test_what_is_found_when_a_batch_is_judged_raises_its_alert_and_its_scans_become_events(
    register: Registry,
    peer: Peer,
    stumbling: Callable[[Peer, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stumbling(peer, ValueError("a fault of ours"))
    peer.intent(1, content="damaged")
    peer.journal.write(Observed(**peer.journal.common(purpose="put-away", codes=("x",))))
    peer.deliver()
    scans = ("SELECT verdict FROM scan WHERE gateway = %s", peer.gateway)
    assert (alerts(register, "quarantined", peer.gateway), register.sql(*scans)) == ([], [])
    monkeypatch.undo()
    register.run("judge", "--reason", "mended")
    assert len(alerts(register, "quarantined", peer.gateway)) == 1
    assert register.sql(*scans) == [("no-place",)]
    register.settle()
    assert register.sql(*scans) == [("no-place",)]


@pytest.mark.slow
def test_a_message_that_cannot_be_stored_is_told(
    register: Registry, peer: Peer, stumbling: Callable[[Peer, Exception], None]
) -> None:
    stumbling(peer, pg.UndefinedColumn("column claim.station does not exist"))
    peer.intent(1)
    peer.publish(peer.journal.batch(peer.committed + 1, peer.journal.seq))
    register.stop("watch")
    register.start("watch")  # which looks at once
    (alert,) = alerts(register, "not-stored", peer.gateway)
    told = "UndefinedColumn: column claim.station does not exist"
    assert alert["facts"] == {"count": 1, "detail": told}


@pytest.mark.slow
def test_a_number_that_an_unjudged_batch_claims_twice_is_told_of_at_once(
    register: Registry, peer: Peer, stumbling: Callable[[Peer, Exception], None]
) -> None:
    stumbling(peer, ValueError("a fault of ours"))
    peer.intent(1)
    peer.intent(1)
    peer.deliver()
    assert items(register, peer) == [("open", True, True)]
    ((uii,),) = register.sql("SELECT uii FROM item WHERE order_code = %s", peer.order)
    assert alerts(register, "duplicate", uii)


def alerts(register: Registry, rule: str, subject: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = register.get(f"/api/v1/alerts?rule={rule}")["items"]
    return [alert for alert in found if alert["subject"] == subject]


@pytest.mark.slow
def test_salvaged_records_that_cannot_be_judged_are_kept_and_judged_later(
    register: Registry,
    peer: Peer,
    stumbling: Callable[[Peer, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer.good(1)
    peer.deliver()
    stumbling(peer, store.JudgedTooEarly())
    old, first = peer.journal, peer.committed + 1
    peer.good(2)
    peer.enroll(reason="a byte was flipped")
    assert register.salvage(old.salvage((first, old.seq)))["records"] == old.seq - first + 1
    assert items(register, peer) == [("good", False, False), ("open", True, False)]
    rebuilt(register)
    monkeypatch.undo()
    register.run("judge", "--reason", "mended")
    assert items(register, peer) == [("good", False, False)] * 2
    rebuilt(register)


@pytest.mark.slow
def test_what_an_epoch_left_in_doubt_is_told_once_its_records_are_judged(
    register: Registry,
    peer: Peer,
    stumbling: Callable[[Peer, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register.add_order_of_pairs(f"{peer.order}-pairs", peer.gateway)
    peer.order = f"{peer.order}-pairs"
    peer.accept()
    peer.deliver()
    stumbling(peer, ValueError("a fault of ours"))
    monkeypatch.setattr(store, "_write_claims", write_no_claims)
    number = peer.number(1)
    peer.journal.marked(peer.intent(1))
    peer.deliver()
    peer.enroll(reason="the disk is gone")
    monkeypatch.undo()
    assert register.doubts(peer.order) == [], "nothing is known of what it marked"
    register.run("judge", "--reason", "mended")
    assert register.doubts(peer.order) == [(number, "barrel", 1)]


@pytest.mark.slow
def test_rows_of_before_that_cross_hold_nobody_up(
    register: Registry, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registers may hold pairs of UII and elements that no content gives, one over the other.

    Last of those that need the register: its rows are no longer what its sources give.
    """
    monkeypatch.setattr(intake, "PAUSE_S", (0.0, 0.0))
    peer.intent(1)
    assert peer.plan is not None
    mark = peer.journal.mark(peer.plan, peer.order, peer.number(1))
    insert = (
        "INSERT INTO item (uii, component, elements, state, read_ok, remark, quarantined,"
        " duplicated, basis, order_code, serial, changed) VALUES (%s, %s, %s, 'open', false,"
        " false, true, false, '', '', %s, 0)"
    )
    for uii, component in ((mark.item.uii, "barrel"), (f"X{mark.item.uii}", "receiver")):
        register.sql(insert, uii, component, mark.item.elements, uii)
    try:
        receipt = peer.deliver()
        assert receipt.committed == peer.journal.seq
        assert {refused.code for refused in receipt.refused} == {"unjudged"}
        claimed = register.sql(
            "SELECT i.uii, i.quarantined, i.duplicated FROM claim c JOIN item i ON i.id = c.item"
            " JOIN stream s ON s.id = c.stream WHERE s.gateway = %s",
            peer.gateway,
        )
        assert claimed == [(f"X{mark.item.uii}", True, True)]
    finally:
        register.sql("DELETE FROM claim WHERE item IN (SELECT id FROM item WHERE order_code = '')")
        register.sql("DELETE FROM item WHERE order_code = ''")


def test_a_content_that_names_no_item_claims_no_elements() -> None:
    """Two gateways at once could else claim one pair over the other, for ever."""
    scene = Scene()
    theirs, plan = scene.other(OTHER)
    mine = scene.journal.mark(scene.plan, "G-1", 1)
    theirs.intent(theirs.mark(plan, "G-1", 101, content="damaged", item=mine.item))
    scene.send(theirs)
    assert scene.verdicts(theirs)[-1] == "wrong-content"
    (item,) = scene.register.held.items.values()
    assert (item.uii, item.elements) == (mine.item.uii, f"?:{mine.item.uii}")
    assert item.quarantined


def test_a_collision_is_no_failure_of_the_batch() -> None:
    told: list[str] = []

    def work(fault: str) -> str:
        told.append(fault)
        if len(told) < 3 * ATTEMPTS:
            raise pg.DeadlockDetected
        return "stored"

    assert insist(work, lambda _s: None) == "stored"
    assert set(told) == {""}
    told.clear()
    with pytest.raises(pg.DeadlockDetected):
        insist(work, nested=True)
    assert told == [""], "the outer transaction keeps its locks"
    assert isinstance(db.unavailable(pg.DeadlockDetected()), Busy)


@pytest.mark.parametrize(
    "error",
    [
        *(psycopg.OperationalError("gone"), DatabaseUnavailable("gone"), pg.AdminShutdown()),
        pg.ReadOnlySqlTransaction("a standby after a failover"),
    ],
)
def test_a_database_that_is_away_is_no_failure_of_the_batch(error: Exception) -> None:
    told: list[str] = []

    def work(fault: str) -> None:
        told.append(fault)
        raise error

    with pytest.raises(type(error)):
        insist(work, lambda _s: None)
    assert told == [""]


def test_tables_of_another_version_are_no_fault_of_the_batch() -> None:
    told: list[str] = []

    def work(fault: str) -> None:
        told.append(fault)
        raise pg.UndefinedColumn("column claim.station does not exist")

    with pytest.raises(pg.UndefinedColumn):
        insist(work, lambda _s: None)
    assert told == [""]


def test_a_batch_fails_so_often_and_no_more() -> None:
    told: list[str] = []
    pauses: list[float] = []

    def work(fault: str) -> str:
        told.append(fault)
        if not fault:
            raise ValueError("a fault of ours")
        return "kept"

    assert insist(work, pauses.append) == "kept"
    assert told == [""] * ATTEMPTS + ["ValueError: a fault of ours"]
    assert 0 < sum(pauses) < 1


def test_a_fault_is_told_as_postgresql_can_store_it() -> None:
    assert db.described(ValueError("not\x00 storable\n\ud800")) == "ValueError: not storable ?"
