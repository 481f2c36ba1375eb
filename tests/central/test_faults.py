"""Workers killed, database away, broker gone, backup restored: nothing is lost or doubled."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from central import embedded
from central.migrations import versions
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


_NUMBERS = count(1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Centre]:
    """One centre for the faults that end where they began."""
    with Centre.started() as started:
        started.standard("base.line")
        yield started


@pytest.fixture
def centre(shared: Centre) -> Centre:
    """All its programs run."""
    for name in ("plan", "ingest-1", "ingest-2"):
        if name not in shared.programs:
            shared.start(name)
    return shared


@pytest.fixture
def peer(centre: Centre) -> Iterator[Peer]:
    one = Peer(centre, f"fault.line-{next(_NUMBERS)}")
    one.enroll()
    order = one.gateway.replace(".", "-")
    centre.add_order(order, one.gateway, quantity=120)
    one.accept(order)
    yield one
    one.disconnect()


def whole(centre: Centre, peer: Peer, good: int) -> None:
    """Every record stands once, every part is good, and the numbers balance."""
    rows = centre.sql(
        "SELECT b.first, b.last, b.body FROM batch b JOIN stream s ON s.id = b.stream"
        " WHERE s.gateway = %s AND s.epoch = %s ORDER BY b.first",
        peer.gateway,
        peer.journal.epoch,
    )
    seqs = [seq for first, last, _ in rows for seq in range(first, last + 1)]
    assert seqs == list(range(1, peer.journal.seq + 1))
    assert b"\n".join(bytes(body) for _, _, body in rows) == b"\n".join(peer.journal.lines)
    assert centre.sql(
        "SELECT count(*) FROM record r JOIN batch b ON b.id = r.batch"
        " JOIN stream s ON s.id = b.stream WHERE s.gateway = %s",
        peer.gateway,
    ) == [(peer.journal.seq,)]
    assert centre.sql(
        "SELECT state, count(*) FROM item WHERE order_code = %s GROUP BY 1", peer.order
    ) == [("good", good)]
    centre.reconcile()


def test_a_worker_killed_in_the_middle(centre: Centre, peer: Peer) -> None:
    """Two workers share the batches; one is killed again and again while they arrive."""
    for index in range(1, 61):
        peer.good(index)
        if index % 20 == 10:
            peer.publish(peer.journal.batch(peer.committed + 1, peer.journal.seq))
            centre.stop("ingest-1", signal.SIGKILL)
            centre.start("ingest-1")
        peer.deliver()
    whole(centre, peer, 60)
    centre.stop("ingest-2", signal.SIGKILL)
    peer.good(61)
    peer.deliver()
    whole(centre, peer, 61)
    assert centre.sql("SELECT reason FROM evidence WHERE gateway = %s", peer.gateway) == []


def test_the_other_worker_answers_states_when_the_elected_one_is_killed(
    centre: Centre, peer: Peer
) -> None:
    for name in ("ingest-1", "ingest-2"):
        peer.state()
        assert peer.next_receipt().committed == 0
        centre.stop(name, signal.SIGKILL)
        peer.receipts.queue.clear()
        peer.state()
        assert peer.next_receipt().committed == 0
        centre.start(name)


def test_the_database_away_and_back(centre: Centre, peer: Peer) -> None:
    peer.good(1)
    peer.deliver()
    embedded.stop(centre.folder / "pg", immediate=True)
    peer.good(2)
    peer.publish(peer.journal.batch(peer.committed + 1, peer.journal.seq))
    wait_for(
        "a worker that noticed",
        lambda: any("database is away" in centre.log(name) for name in ("ingest-1", "ingest-2")),
    )
    assert peer.receipts.empty(), "nothing is answered that is not committed"
    embedded.start(centre.folder / "pg")
    receipt = peer.deliver(60)
    assert receipt.committed == peer.journal.seq
    centre.post(f"/api/v1/orders/{peer.order}/pause", {"reason": "the plan process is back too"})
    peer.wait_plan(peer.order, "held")
    whole(centre, peer, 2)
    for name in ("ingest-1", "ingest-2"):
        assert centre.log(name).count("the database is away") <= 1, "one line a change of state"


def test_the_broker_gone_and_back_without_its_memory(centre: Centre, peer: Peer) -> None:
    peer.good(1)
    peer.deliver()
    centre.broker.kill()
    peer.good(2)
    centre.broker.run()
    peer.plans.clear()
    peer.connect()
    plan = peer.wait_plan(peer.order)
    assert plan == peer.plan, "retained anew, though the broker had forgotten it"
    assert peer.deliver(60).committed == peer.journal.seq
    whole(centre, peer, 2)


@pytest.mark.long
def test_a_restored_backup() -> None:
    """Yesterday's database: receipts go back under a new incarnation, the gateway sends again,
    and no number is issued before it has reported to its journal's end."""
    with Centre.started() as centre:
        centre.standard()
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        _restore(centre, peer)
        peer.disconnect()


def _restore(centre: Centre, peer: Peer) -> None:
    pg, backup = centre.folder / "pg", centre.folder / "backup"
    programs = list(centre.programs)

    def stop() -> None:
        for name in programs:
            centre.stop(name)
        embedded.stop(pg)

    def start() -> None:
        for name in programs:
            centre.start(name)

    peer.good(1)
    peer.deliver()
    stop()
    subprocess.run(["cp", "-a", str(pg), str(backup)], check=True)
    embedded.start(pg)
    start()
    centre.add_order("G-2", peer.gateway, quantity=7)  # the backup knows nothing of it
    peer.accept("G-2")
    forgotten, spent = peer.plan, peer.number(1)
    peer.good(1)
    before = peer.deliver()
    stop()
    shutil.rmtree(pg)
    backup.rename(pg)
    embedded.start(pg)
    peer.plans.clear()
    told = centre.run("declare-restore")
    start()
    centre.add_order("G-3", peer.gateway, quantity=5)
    plan = peer.wait_plan("G-3", "released", numbers=False)
    assert not [b for b in plan.blocks if b.order == "G-3"], "nobody knows which numbers are free"
    peer.state(forgotten)
    receipt = peer.next_receipt()
    assert receipt.incarnation > before.incarnation
    assert str(receipt.incarnation) in told
    assert receipt.committed == 5 < before.committed
    peer.committed = receipt.committed
    receipt = peer.deliver()
    assert receipt.committed == peer.journal.seq
    assert [r.code for r in receipt.refused] == ["unknown-plan", "not-licensed"]
    assert centre.sql("SELECT quarantined FROM item ORDER BY number") == [(False,), (True,)]
    peer.state(forgotten)
    peer.next_receipt()
    centre.post("/api/v1/orders/G-3/pause", {"reason": "compile anew"})
    centre.post("/api/v1/orders/G-3/resume", {"reason": "compile anew"})
    plan = peer.wait_plan("G-3")
    assert plan.incarnation == receipt.incarnation
    (block,) = [b for b in plan.blocks if b.order == "G-3"]
    assert block.start == spent + 7, "behind the numbers that the restored database forgot"
    (gateway,) = [g for g in centre.reconcile()["gateways"] if g["gateway"] == peer.gateway]
    assert (gateway["issued"], gateway["good"], gateway["unused"]) == (100 + 7 + 5, 2, 110)


def test_an_empty_database_and_a_stopped_one() -> None:
    with Centre.started(bare=True) as centre:
        started = [centre.spawn("migrate") for _ in range(3)]
        assert [process.wait(120) for process in started] == [0, 0, 0], centre.log("migrate")
        newest = max(path.name for path in Path(versions.__file__).parent.glob("v*.py"))[1:5]
        assert centre.sql("SELECT version_num FROM alembic_version") == [(newest,)]
        embedded.stop(centre.folder / "pg")
        assert not embedded.is_up(centre.folder / "pg")
        centre.reconcile()
        assert embedded.is_up(centre.folder / "pg"), "--state starts its database"


def test_programs_end_on_a_signal(shared: Centre) -> None:
    names = list(shared.programs)
    for name in names:
        if name != "serve":
            wait_for(f"{name} at work", lambda name=name: "connected" in shared.log(name))  # type: ignore[misc]
    before = time.monotonic()
    assert [shared.stop(name) for name in names] == [0] * len(names)
    assert time.monotonic() - before < 20
