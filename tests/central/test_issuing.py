"""Numbers go on beyond all that were ever issued, whatever a restored database has forgotten."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central import embedded
from central.register.numbers.guard import Following, Guard, GuardFile
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
PROGRAMS = ("plan", "ingest-1", "serve")
GATEWAY, SPACE = "gramsh.line-1", "UMG.M70"
KNOWN, FORGOTTEN = 100, 7
"""Numbers that the backup knows of, and that were issued after it."""


@pytest.fixture
def centre() -> Iterator[Centre]:
    with Centre.started(*PROGRAMS) as started:
        started.standard(GATEWAY, quantity=KNOWN)
        yield started


@pytest.fixture
def peer(centre: Centre) -> Iterator[Peer]:
    one = Peer(centre, GATEWAY)
    one.enroll()
    one.accept("G-1")
    one.deliver()
    yield one
    one.disconnect()


def guard_of(centre: Centre) -> Path:
    return centre.folder / "guard" / "issued"


def said(centre: Centre) -> Following:
    return Guard(GuardFile(guard_of(centre))).read().next


def stop(centre: Centre) -> None:
    for name in PROGRAMS:
        centre.stop(name)
    embedded.stop(centre.folder / "pg")


def start(centre: Centre) -> None:
    embedded.start(centre.folder / "pg")
    for name in PROGRAMS:
        centre.start(name)


def restored(centre: Centre, forgotten: Callable[[], int]) -> int:
    """A backup comes back that knows nothing of what was done after it.

    Returns what that did. The database is up, the programs are not.
    """
    pg, backup = centre.folder / "pg", centre.folder / "backup"
    stop(centre)
    subprocess.run(["cp", "-a", str(pg), str(backup)], check=True)
    start(centre)
    last = forgotten()
    stop(centre)
    shutil.rmtree(pg)
    backup.rename(pg)
    embedded.start(pg)
    return last


def issued(centre: Centre, peer: Peer) -> int:
    """Numbers are issued for a further order, and one is spent; returns the last of them."""
    centre.add_order("G-2", peer.gateway, quantity=FORGOTTEN)
    peer.accept("G-2")
    peer.good(1)
    last = peer.number(FORGOTTEN)
    peer.plans.clear()
    return last


def enrolled_again(centre: Centre, peer: Peer) -> None:
    """What the ended journal knew is never told."""
    peer.enroll(reason="the disk is lost")
    peer.deliver()
    peer.state()


def new_order(centre: Centre, peer: Peer, code: str = "G-3") -> int:
    """The first number of an order that is entered now."""
    centre.add_order(code, GATEWAY, quantity=5)
    plan = peer.wait_plan(code)
    (block,) = [block for block in plan.blocks if block.order == code]
    return block.start


@pytest.mark.long
def test_a_gateway_is_enrolled_again_before_it_has_reported(centre: Centre, peer: Peer) -> None:
    last = restored(centre, lambda: issued(centre, peer))
    centre.run("declare-restore")
    start(centre)
    enrolled_again(centre, peer)
    assert new_order(centre, peer) > last
    assert said(centre)[SPACE] > last + 5
    guard_of(centre).parent.rename(centre.folder / "lost")  # at once: it may just be written
    centre.post("/api/v1/orders/G-3/pause", {"reason": "compile anew"})
    wait_for("the guard made anew", guard_of(centre).exists)
    assert said(centre)[SPACE] > last + 5, "the database knows now how far they were issued"
    centre.reconcile()


def test_a_backup_that_is_older_than_an_enrolment(centre: Centre, peer: Peer) -> None:
    other = Peer(centre, "gramsh.line-2")

    def forgotten() -> int:
        other.enroll()
        return issued(centre, other)

    last = restored(centre, forgotten)
    centre.run("declare-restore")
    start(centre)
    peer.connect()
    peer.state(peer.plan)
    assert new_order(centre, peer) > last
    other.publish(other.journal.batch(1, other.journal.seq))
    wait_for("the evidence", lambda: centre.sql("SELECT reason FROM evidence"))
    other.disconnect()
    centre.reconcile()


@pytest.mark.long
def test_a_restore_that_nobody_declared(centre: Centre, peer: Peer) -> None:
    last = restored(centre, lambda: issued(centre, peer))
    start(centre)
    wait_for("the proof of the guard", lambda: "register-older" in centre.log("plan"))

    def status() -> int:
        with centre.http() as http:
            return http.get("/api/v1/orders").status_code

    wait_for("the hold", lambda: status() == 503)
    centre.run("declare-restore")
    wait_for("its end", lambda: status() != 503)
    enrolled_again(centre, peer)
    assert new_order(centre, peer) > last
    centre.reconcile()


@pytest.mark.long
def test_a_guard_that_is_lost_with_the_database(centre: Centre, peer: Peer) -> None:
    last = restored(centre, lambda: issued(centre, peer))
    guard_of(centre).write_bytes(guard_of(centre).read_bytes()[:-2])
    centre.run("declare-restore")
    start(centre)
    enrolled_again(centre, peer)
    centre.add_order("G-3", GATEWAY, quantity=5)
    plan = peer.wait_plan("G-3", numbers=False)
    assert plan.blocks == (), "the rest of the plan goes out, and no numbers"
    wait_for("the reason", lambda: "issue-guard-unreadable" in centre.log("plan"))
    centre.run("issue-beyond", "TYPO=5", "--reason", "the paper list", expect=1)
    centre.run("issue-beyond", SPACE, "--reason", "the paper list", expect=2)
    arguments = (f"{SPACE}={last + 50}", "--reason", "the paper list", "--json")
    told = json.loads(centre.run("issue-beyond", *arguments))
    assert told == {"next": {SPACE: last + 51}}
    plan = peer.wait_plan("G-3")
    starts = {block.order: block.start for block in plan.blocks}
    assert min(starts.values()) == last + 51
    assert centre.log("plan").count("issue-guard-unreadable") == 1, "said once"
    acts = "SELECT what, payload, reason FROM act WHERE subject = 'space' AND what <> 'opened'"
    assert centre.sql(acts) == [("goes on", {"next": last + 51}, "the paper list")]
    centre.reconcile()
    first = json.loads(centre.run("issue-beyond", f"{SPACE}=1", "--reason", "less", "--json"))
    assert first == {"next": said(centre)}
    assert first["next"][SPACE] > last + 51, "it never goes back"


def test_a_guard_that_cannot_be_written(centre: Centre, peer: Peer) -> None:
    fresh = guard_of(centre).with_name(".issued.new")
    fresh.mkdir()
    before = said(centre)
    centre.add_order("G-2", GATEWAY, quantity=5)
    plan = peer.wait_plan("G-2", numbers=False)
    assert [block.order for block in plan.blocks] == ["G-1"]
    assert (said(centre), centre.sql("SELECT count(*) FROM block")) == (before, [(1,)])
    fresh.rmdir()
    assert new_order(centre, peer) >= before[SPACE]
    peer.wait_plan("G-2")
    assert centre.log("plan").count("issue-guard-unwritable") == 1, "said once"
    centre.reconcile()
