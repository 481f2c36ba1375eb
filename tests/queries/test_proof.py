"""What proves a record: each step fails on what it is there to find, and on nothing else.

Somebody who may write anything into the database changes one thing; then it is undone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, text

from central import config as configuration
from central import db
from central.queries.models import RecordKey
from central.queries.proof import Proof, prove
from tests.support.peer import Peer
from tests.support.register import Register

pytestmark = pytest.mark.slow
GATEWAY = "gramsh.line-1"


@dataclass
class Kept:
    """An epoch of four batches and one that follows it: `batch` is proved, in the middle."""

    engine: Engine
    record: RecordKey
    batch: int
    before: int
    after: int
    epoch: RecordKey
    """The first record of the epoch that follows."""

    def proved(self, key: RecordKey, change: str = "") -> Proof:
        """As it is after a change that is undone."""
        with self.engine.connect() as connection:
            names = {name: getattr(self, name) for name in ("batch", "before", "after")}
            if change:
                done = connection.execute(text(change.format(**names)))
                assert done.rowcount > 0, "nothing was changed"
            return prove(connection, key)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    with Register.opened() as centre:
        centre.standard(GATEWAY, order="G-1")
        peer = Peer(centre, GATEWAY)
        peer.enroll()
        peer.accept("G-1")
        peer.deliver()
        made = []
        for number in (1, 2, 3):
            made.append(peer.good(number))
            peer.deliver()
        query = "SELECT id FROM batch ORDER BY id"
        _, before, batch, after = (number for (number,) in centre.sql(query))
        peer.enroll(reason="a new disk")
        peer.deliver()
        engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
        key = RecordKey(gateway=GATEWAY, epoch=1, seq=made[1])
        first = RecordKey(gateway=GATEWAY, epoch=2, seq=1)
        yield Kept(engine, key, batch, before, after, first)
        engine.dispose()
        peer.disconnect()


def failed(proof: Proof) -> set[str]:
    return {step.code for step in proof.steps if step.outcome == "fails"}


def test_what_nobody_touched_holds_in_every_step(kept: Kept) -> None:
    proof = kept.proved(kept.record)
    assert proof.holds
    assert [(step.code, step.outcome) for step in proof.steps] == [
        (code, "holds")
        for code in ("stored", "decodes", "chained", "header", "key", "signed", "before", "after")
    ]
    beginning = kept.proved(kept.epoch)
    assert beginning.holds
    assert [step.code for step in beginning.steps][-2:] == ["began", "after"]
    assert beginning.steps[-1].outcome == "open"


FLIP = "set_byte({0}, 40, get_byte({0}, 40) # 1)"


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        pytest.param(
            f"UPDATE batch SET body = {FLIP.format('body')} WHERE id = {{batch}}",
            {"chained"},
            id="a byte of a record",
        ),
        pytest.param(
            "UPDATE batch b SET body = o.body FROM batch o WHERE b.id = {batch} AND o.id = {after}",
            {"decodes", "chained"},
            id="other records in their place",
        ),
        pytest.param(
            "UPDATE batch SET body = '' WHERE id = {batch}",
            {"stored", "decodes", "chained"},
            id="no record left",
        ),
        pytest.param(
            "UPDATE batch SET head = sha256(head) WHERE id = {batch}",
            {"chained", "header", "signed", "after"},
            id="the head that it leads to",
        ),
        pytest.param(
            "UPDATE batch b SET header = o.header FROM batch o"
            " WHERE b.id = {batch} AND o.id = {after}",
            {"header", "signed"},
            id="a header of another batch",
        ),
        pytest.param(
            f"UPDATE batch SET sig = {FLIP.format('sig')} WHERE id = {{batch}}",
            {"signed"},
            id="its signature",
        ),
        pytest.param(
            "UPDATE stream_key SET to_seq = (SELECT first - 1 FROM batch WHERE id = {batch})"
            " WHERE stream = (SELECT stream FROM batch WHERE id = {batch})",
            {"key", "after"},
            id="a key that was good for the records before alone",
        ),
        pytest.param(
            "UPDATE stream_key SET public = sha256(public)"
            " WHERE stream = (SELECT stream FROM batch WHERE id = {batch})",
            {"key", "signed", "before", "after"},
            id="another key under its name",
        ),
        pytest.param(
            f"UPDATE batch SET sig = {FLIP.format('sig')} WHERE id = {{before}}",
            {"before"},
            id="the signature of the batch before",
        ),
        pytest.param(
            f"UPDATE batch SET body = {FLIP.format('body')} WHERE id = {{after}}",
            {"after"},
            id="a byte of the batch after",
        ),
    ],
)
def test_a_step_fails_on_what_was_changed(kept: Kept, change: str, fails: set[str]) -> None:
    proof = kept.proved(kept.record, change)
    assert failed(proof) == fails
    assert not proof.holds


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        pytest.param(
            "UPDATE stream SET previous_head = sha256(previous_head) WHERE epoch = 2",
            {"chained", "began"},
            id="where it says that it began",
        ),
        pytest.param(
            f"UPDATE batch SET sig = {FLIP.format('sig')} WHERE id = {{after}}",
            {"began"},
            id="the signature of the former epoch's last batch",
        ),
    ],
)
def test_an_epoch_hangs_on_the_one_before(kept: Kept, change: str, fails: set[str]) -> None:
    assert failed(kept.proved(kept.epoch, change)) == fails
