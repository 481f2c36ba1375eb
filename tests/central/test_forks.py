"""A journal that went on in two places: the numbers of both branches are disputed, and said."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.peer import Journal, Peer
from tests.support.register import Register
from tests.support.registry import SECOND

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


def order(centre: Register, *, balanced: bool = False) -> Any:
    told = centre.reconcile(balanced=balanced)
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


def test_a_fork_that_was_kept_before_is_disputed_by_a_command(
    centre: Register, forked: Peer
) -> None:
    marks = "SELECT seq, position, held, uii FROM disputed_mark ORDER BY 1, 2, 3, 4"
    before = centre.sql(marks)
    centre.sql("DELETE FROM disputed_mark")
    centre.sql("UPDATE item SET disputed = false")
    assert json.loads(centre.run("dispute-forks", "--json")) == {"marks": len(before)}
    assert centre.sql(marks) == before
    assert centre.sql("SELECT count(*) FROM item WHERE disputed") == [(2,)]
    assert json.loads(centre.run("dispute-forks", "--json")) == {"marks": 0}


def settlement(peer: Peer, **found: str) -> dict[str, Any]:
    """By `n` and its number, how many pieces were found."""
    disputes = [
        {"uii": f"DA7G1HM70{peer.serial(int(name[1:]))}", "found": pieces}
        for name, pieces in found.items()
    ]
    return {"reason": "inspection I-7: all pieces looked at", "disputes": disputes}


def test_two_people_say_what_was_found(centre: Register, forked: Peer) -> None:
    path = f"/api/v1/gateways/{forked.gateway}"
    before = [each["uii"] for each in centre.get(path)["disputes"]]
    assert before == [f"DA7G1HM70{forked.serial(number)}" for number in (2, 3, 4, 5)]
    proposal = centre.decide(f"{path}/settle-fork", settlement(forked, n2="two", n3="one"))
    assert proposal["effect"] == {"licences": [], "entities": [], "articles": 2, "flagged": 1}
    found = order(centre)
    assert found["disputed"] == [forked.serial(number) for number in (2, 4, 5)]
    assert (found["good"], found["missing"], found["unaccounted"]) == (3, 2, [])
    flags = centre.sql("SELECT serial, disputed FROM item ORDER BY serial")
    assert flags == [
        (forked.serial(1), False),
        (forked.serial(2), True),
        (forked.serial(3), False),
    ]
    stands = {each["uii"]: each["found"] for each in centre.get(path)["disputes"]}
    assert stands == {before[0]: "two", before[2]: None, before[3]: None}


def test_a_piece_whose_mark_no_record_holds_does_not_stand(centre: Register, forked: Peer) -> None:
    path = f"/api/v1/gateways/{forked.gateway}/settle-fork"
    assert centre.post(path, settlement(forked, n4="one"), expect=422)["code"] == "refused"
    assert centre.post(path, settlement(forked, n1="one"), expect=409)["code"] == "conflict"
    nothing = {"reason": "nobody looked", "disputes": [{"uii": "X"}]}
    assert centre.post(path, nothing, expect=422)["code"] == "refused"


def test_a_settlement_that_more_was_told_since_is_stale(centre: Register, forked: Peer) -> None:
    path = f"/api/v1/gateways/{forked.gateway}/settle-fork"
    number = centre.post(path, settlement(forked, n2="one"), expect=202)["number"]
    clone = forked.journal
    first = clone.seq + 1
    forked.good(6)
    forked.publish(clone.batch(first, clone.seq))
    assert forked.serial(6) in order(centre)["disputed"]
    with centre.client(token=centre.session(name=SECOND)) as second:
        answer = second.post(f"/api/v1/proposals/{number}/confirm", json={})
    assert answer.json()["code"] == "proposal-stale"
    centre.post(f"/api/v1/proposals/{number}/withdraw", {"reason": "looked at again"})


def test_the_balance_closes_once_every_number_is_settled(centre: Register, forked: Peer) -> None:
    path = f"/api/v1/gateways/{forked.gateway}/settle-fork"
    centre.decide(path, settlement(forked, n2="one", n4="none", n5="none", n6="none"))
    forked.disconnect()
    again = Peer(centre, forked.gateway)
    again.enroll()  # numbers that no record claims are lost with the former epoch
    found = order(centre, balanced=True)
    assert (found["disputed"], found["missing"], found["unaccounted"]) == ([], 0, [])
    assert centre.get("/api/v1/orders/G-1")["unaccounted"] == 0
    again.disconnect()


def test_it_is_built_anew_the_same(centre: Register, forked: Peer) -> None:
    told = json.loads(centre.run("rebuild", "--json"))
    assert told["identical"], told
