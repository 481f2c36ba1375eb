"""A journal that went on in two places: the numbers of both branches are disputed, and said."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.peer import Journal, Peer
from tests.support.register import Register

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def centre() -> Iterator[Register]:
    with Register.opened() as started:
        started.standard(quantity=20)
        yield started


@pytest.fixture(scope="module")
def forked(centre: Register) -> Iterator[Peer]:
    """Number 1 before the clone; 2 by both branches, 3 by the register's, 4 by the other one."""
    peer = Peer(centre, "gramsh.line-1")
    peer.enroll()
    peer.accept("G-1")
    peer.good(1)
    peer.deliver()
    ours, clone = peer.journal, copy.deepcopy(peer.journal)
    peer.good(2)
    peer.good(3)
    peer.deliver()
    peer._journal = clone
    peer.good(2)
    peer.good(4)
    peer.publish(clone.batch(_parting(ours, clone), clone.seq))
    assert peer.next_receipt().latch == "forked"
    yield peer
    peer.disconnect()


def _parting(one: Journal, other: Journal) -> int:
    return next(seq for seq, head in enumerate(one.heads) if head != other.heads[seq])


def order(centre: Register) -> Any:
    told = centre.reconcile(balanced=False)
    return next(each for each in told["orders"] if each["order"] == "G-1")


def test_the_balance_names_the_numbers_of_both_branches(centre: Register, forked: Peer) -> None:
    found = order(centre)
    assert found["disputed"] == [forked.serial(number) for number in (2, 3, 4)]
    assert [each["serial"] for each in found["engraved"]] == [forked.serial(4)]
    assert (found["good"], found["missing"], found["unaccounted"]) == (3, 1, [])
    assert f"disputed: {forked.serial(3)}" in centre.run("reconcile", expect=1)
    assert centre.get("/api/v1/orders/G-1")["unaccounted"] == 1


def test_the_items_of_both_branches_are_doubled(centre: Register, forked: Peer) -> None:
    flags = {
        item["serial"]: item["components"][0]["duplicated"]
        for item in centre.get("/api/v1/items?order=G-1")["items"]
    }
    assert flags == {
        forked.serial(1): False,
        forked.serial(2): True,
        forked.serial(3): True,
    }


def test_an_alert_names_numbers_and_places(centre: Register, forked: Peer) -> None:
    centre.start("watch")  # which looks at once
    (alert,) = centre.get("/api/v1/alerts?rule=journal-forked")["items"]
    assert (alert["severity"], alert["subject"]) == ("critical", forked.gateway)
    assert alert["facts"] == {
        "epoch": 1,
        "stations": ["station-1"],
        "count": 3,
        "uiis": [f"DA7G1HM70{forked.serial(number)}" for number in (2, 3, 4)],
    }


def test_what_the_other_branch_announces_later_is_told_too(centre: Register, forked: Peer) -> None:
    clone = forked.journal
    first = clone.seq + 1
    forked.good(5)
    forked.publish(clone.batch(first, clone.seq))
    assert forked.serial(5) in order(centre)["disputed"]
    acts = "SELECT count(*) FROM act WHERE what = 'disputed'"
    before = centre.sql(acts)
    forked.publish(clone.batch(first, clone.seq))
    assert centre.sql(acts) == before, "the same marks once"


def test_it_is_built_anew_the_same(centre: Register, forked: Peer) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
