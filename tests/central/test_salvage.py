"""What an officer brings of a damaged journal counts as the epoch's own, once, with its gap."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from central import config as configuration
from central import db
from central.alerts import look
from gateway.contract.record import Intent, Observed
from gateway.contract.signed import SigningKey
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

pytestmark = pytest.mark.slow
Line = Callable[..., Peer]
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def centre() -> Iterator[Registry]:
    """One of its own: it is built anew, whole."""
    with Register.opened() as started:
        started.standard("base.line")
        yield started


def offline(line: Line) -> Peer:
    """One part delivered, three more marked offline; then the journal is lost to a new epoch."""
    peer = line(quantity=20)
    peer.good(1)
    peer.deliver()
    for number in (2, 3, 4):
        peer.good(number)
    return peer


def bring(centre: Registry, content: bytes, status: int = 201) -> Any:
    with centre.client() as client:
        url = "/api/v1/salvages?reason=disk"
        response = client.post(url, content=content, headers=OCTETS)
    assert response.status_code == status, response.text
    return response.json()


def terms(centre: Registry, order: str, *, balanced: bool = True) -> Any:
    told = centre.reconcile(balanced=balanced)
    return next(each for each in told["orders"] if each["order"] == order)


def watched(centre: Registry, peer: Peer) -> set[str]:
    """The orders whose balance the watch looks at after what the peer's newest epoch sent."""
    batches = centre.sql(
        "SELECT b.id FROM batch b JOIN stream s ON s.id = b.stream"
        " WHERE s.gateway = %s AND s.epoch = %s",
        peer.gateway,
        peer.journal.epoch,
    )
    config = configuration.load(centre.folder / "central.toml")
    with db.disposing(db.make_engine(config)) as engine, engine.connect() as connection:
        return look.marked(connection, [batch for (batch,) in batches])


def rebuilt(centre: Registry) -> Any:
    return json.loads(centre.run("rebuild", "--json"))


def test_all_that_was_offline_reaches_the_register_as_that_epochs(
    centre: Registry, line: Line
) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    assert terms(centre, peer.order)["good"] == 1
    content = old.salvage((delivered + 1, old.seq))
    told = bring(centre, content)
    assert (told["epoch"], told["records"], told["known"], told["missing"]) == (
        1,
        old.seq - delivered,
        0,
        [],
    )
    found = terms(centre, peer.order)
    assert (found["good"], found["lost"], found["unaccounted"]) == (4, 16, [])
    again = bring(centre, content)
    assert (again["records"], again["known"]) == (0, old.seq - delivered)
    assert centre.sql(
        "SELECT count(*) FROM act WHERE key = %s AND what = 'salvaged'", peer.gateway
    ) == [(1,)]
    assert terms(centre, peer.order) == found
    assert rebuilt(centre)["identical"]


def test_what_overlaps_with_the_register_is_taken_from_where_it_ends(
    centre: Registry, line: Line
) -> None:
    peer = offline(line)
    old = peer.journal
    peer.enroll(reason="a byte was flipped")
    told = bring(centre, old.salvage((2, old.seq)))
    assert told["known"] + told["records"] == old.seq - 1
    assert terms(centre, peer.order)["good"] == 4


def test_a_gap_is_named_and_its_number_stays_lost(centre: Registry, line: Line) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    # Of the second part that was offline all three records are gone.
    content = old.salvage((delivered + 1, delivered + 3), (delivered + 7, old.seq))
    told = bring(centre, content)
    assert told["missing"] == [{"first": delivered + 4, "last": delivered + 6}]
    found = terms(centre, peer.order)
    assert (found["good"], found["lost"]) == (3, 17)
    assert bring(centre, content)["records"] == 0
    ((payload,),) = centre.sql(
        "SELECT payload FROM act WHERE key = %s AND what = 'salvaged'", peer.gateway
    )
    (gap,) = payload["gaps"]
    assert (gap["first"], gap["last"], gap["head"]) == (
        delivered + 4,
        delivered + 6,
        old.heads[delivered + 6].hex(),
    )
    told = bring(centre, old.salvage((delivered + 4, delivered + 6)), 409)
    assert "entered as missing" in told["detail"]
    assert rebuilt(centre)["identical"]
    assert json.loads(centre.run("reconcile", "--json"))["orders"]


def test_the_key_of_the_next_epoch_signs_where_the_epochs_own_is_lost(
    centre: Registry, line: Line
) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="the key was damaged")
    assert peer.journal.key.id != old.key.id
    bring(centre, old.salvage((delivered + 1, old.seq), key=peer.journal.key))
    found = terms(centre, peer.order)
    assert (found["good"], found["unaccounted"]) == (4, [])
    assert rebuilt(centre)["identical"]


def test_what_nobody_of_the_gateway_signed_is_refused(centre: Registry, line: Line) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    told = bring(centre, old.salvage((delivered + 1, old.seq), key=SigningKey.new()), 422)
    assert told["code"] == "refused"
    bring(centre, b"nothing of ours", 422)
    assert terms(centre, peer.order)["good"] == 1


def test_an_epoch_that_goes_on_is_not_salvaged(centre: Registry, line: Line) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    told = bring(centre, old.salvage((delivered + 1, old.seq)), 409)
    assert "has not ended" in told["detail"]
    assert peer.deliver().committed == old.seq


def test_other_records_under_the_same_numbers_are_refused(centre: Registry, line: Line) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    forged = type(old)(old.gateway, 1, bytes(32), old.key)
    for record in old.lines[: delivered - 1]:
        forged.write_bytes(record)
    for record in old.lines[delivered : delivered + 3]:
        forged.write_bytes(record)
    told = bring(centre, forged.salvage((1, forged.seq)), 409)
    assert "holds another record" in told["detail"]


def test_the_balance_of_the_interface_counts_salvaged_numbers_once(
    centre: Registry, line: Line
) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    bring(centre, old.salvage((delivered + 1, old.seq)))
    found, told = terms(centre, peer.order), centre.get(f"/api/v1/orders/{peer.order}")
    assert told["unaccounted"] == 0
    assert (told["balance"]["good"], told["balance"]["lost"]) == (4, 16)
    assert told["balance"]["issued"] == found["issued"]


def test_a_part_that_is_read_and_not_held_opens_the_balance_until_it_is_salvaged(
    centre: Registry, line: Line
) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    record = next(each for each in old.records if each.seq == delivered + 1)
    assert isinstance(record, Intent)
    (mark,) = record.marks
    serial = peer.serial(2)
    peer.enroll(reason="a byte was flipped")
    content = "[)>\x1e06\x1d17VX9Z99\x1d1PX1\x1dSA17\x1e\x04"  # of another maker
    codes = (mark.content, content)
    read = peer.journal.write(
        Observed(**peer.journal.common(purpose="readback", codes=codes, device="reader"))
    )
    peer.deliver()
    assert not json.loads(centre.run("reconcile", "--json", expect=1))["balanced"]
    assert f"missing: {serial} is on a part" in centre.run("reconcile", expect=1)
    found = terms(centre, peer.order, balanced=False)
    assert (found["missing"], found["lost"]) == (1, 18)
    assert found["engraved"] == [
        {"serial": serial, "gateway": peer.gateway, "epoch": 2, "seq": read}
    ]
    told = centre.get(f"/api/v1/orders/{peer.order}")
    assert (told["balance"]["lost"], told["unaccounted"]) == (18, 1)
    assert peer.order in watched(centre, peer)
    bring(centre, old.salvage((delivered + 1, old.seq)))
    found = terms(centre, peer.order)
    assert (found["good"], found["missing"], found["engraved"]) == (4, 0, [])
    assert centre.get(f"/api/v1/orders/{peer.order}")["unaccounted"] == 0
    assert rebuilt(centre)["identical"]


def test_the_command_does_the_same(centre: Registry, line: Line) -> None:
    peer = offline(line)
    old, delivered = peer.journal, peer.committed
    peer.enroll(reason="a byte was flipped")
    file = centre.folder / "salvage"
    file.write_bytes(old.salvage((delivered + 1, old.seq)))
    told = json.loads(centre.run("salvage", str(file), "--reason", "disk", "--json"))
    assert told["records"] == old.seq - delivered
    assert terms(centre, peer.order)["good"] == 4
