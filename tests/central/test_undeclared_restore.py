"""A backup is put in the register's place, and nobody declares it: proofs, claims and the hold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central import keys
from central.errors import RegisterOlder
from central.ingest.facts import Stream
from central.ingest.proof import contradiction, own_receipt
from central.plan.issuing import Issuing
from central.register.numbers.guard import Following, Guard, GuardFile, Kept
from gateway.contract.receipt import Receipt, encode_receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import State
from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.wait import wait_for

GATEWAY, SPACE = "gramsh.line-1", "UMG.M70"
KEY = SigningKey.from_bytes(bytes(range(32)))
OURS = 1790000000
HEADS = {0: bytes(32), 1: bytes([1]) * 32, 2: bytes([2]) * 32}
STREAM = Stream(
    id=1,
    gateway=GATEWAY,
    epoch=1,
    committed=2,
    head=HEADS[2],
    state="live",
    boot=None,
    plan=None,
    keys=(),
)


def receipt(**fields: Any) -> Receipt:
    told = {"gateway": GATEWAY, "epoch": 1, "boot": "1-00000000", "at": datetime.now(UTC)}
    told |= {"incarnation": OURS, "committed": 2, "head": HEADS[2].hex()}
    return Receipt.model_validate(told | fields)


@pytest.mark.parametrize(
    ("fields", "proof"),
    [
        pytest.param({}, False, id="what it holds"),
        pytest.param({"committed": 1, "head": HEADS[1].hex()}, False, id="an earlier receipt"),
        pytest.param({"committed": 3}, True, id="a record that it does not hold"),
        pytest.param({"committed": 1, "head": HEADS[2].hex()}, True, id="another record there"),
        pytest.param({"incarnation": OURS + 1, "committed": 0}, True, id="a later incarnation"),
        pytest.param({"incarnation": OURS - 1, "committed": 9}, False, id="before a restore"),
    ],
)
def test_what_a_receipt_proves(fields: dict[str, Any], *, proof: bool) -> None:
    found = contradiction(receipt(**fields), OURS, STREAM, HEADS.get)
    assert (found is not None) == proof


def test_a_stream_that_is_missing_and_a_gap() -> None:
    assert contradiction(receipt(epoch=2), OURS, None, HEADS.get) is not None
    assert contradiction(receipt(), OURS, STREAM, lambda _seq: None) is None, "no bytes are stored"


def test_only_a_receipt_of_its_own_key_for_that_gateway_counts() -> None:
    def told(payload: str | None, gateway: str = GATEWAY) -> Receipt | None:
        state = State(epoch=1, boot="1-00000000", online=True, receipt=payload)
        return own_receipt(state, gateway, KEY)

    signed = encode_receipt(receipt(), KEY).decode()
    assert told(signed) is not None
    assert told(signed, "gramsh.line-2") is None
    assert told(encode_receipt(receipt(), SigningKey.new()).decode()) is None
    assert told(signed.replace('"committed":2', '"committed":9')) is None
    assert told("nothing that could be one") is None
    assert told(None) is None


class Numbers:
    """A register's numbers, in memory; see `central.plan.issuing.Register`."""

    def __init__(self, following: int) -> None:
        self.now, self.number, self.waits = OURS, following, False

    def lock(self) -> None: ...

    def incarnation(self) -> int:
        return self.now

    def awaits_reports(self) -> bool:
        return self.waits

    def may_issue(self) -> bool:
        self.waits = False
        return True

    def following(self, _spaces: object) -> dict[str, int]:
        return {SPACE: self.number}

    def go_on_from(self, said: Following) -> None:
        self.number = max(self.number, said[SPACE])


def test_the_guard_knows_what_was_committed(tmp_path: Path) -> None:
    guard = Guard(GuardFile(tmp_path / "issued"))
    register, issuing = Numbers(101), Issuing(guard)
    assert issuing.begin(register, {SPACE}) == {SPACE: 101}
    assert issuing.secure({SPACE: 201}), "and then the process ends, before it commits"
    assert issuing.begin(register, {SPACE}) == {SPACE: 201}
    assert guard.read() == Kept({SPACE: 201}, OURS, {SPACE: 101})
    assert issuing.secure({SPACE: 301})
    register.number = 301  # committed
    issuing.confirm(register)
    assert guard.read() == Kept({SPACE: 301}, OURS, {SPACE: 301})
    register.number = 300
    with pytest.raises(RegisterOlder):
        issuing.begin(register, {SPACE})
    register.now, register.waits = OURS + 5, True  # declared
    assert issuing.begin(register, {SPACE}) == {SPACE: 301}
    assert guard.read() == Kept({SPACE: 301}, OURS + 5, {SPACE: 300})
    register.now, register.number = OURS, 400  # and put back once more
    with pytest.raises(RegisterOlder):
        issuing.begin(register, {SPACE})


@pytest.fixture
def centre() -> Iterator[Register]:
    with Register.opened() as opened:
        opened.standard(GATEWAY)
        yield opened


@pytest.fixture
def peer(centre: Register) -> Peer:
    line = Peer(centre, GATEWAY)
    line.enroll()
    line.accept("G-1")
    line.good(1)
    line.deliver()
    return line


def kept(centre: Register, peer: Peer, committed: int) -> str:
    """A receipt that the register signed, before the backup, for records that it has forgotten."""
    signed = receipt(
        committed=committed,
        incarnation=centre.sql("SELECT value::bigint FROM setting WHERE name = 'incarnation'")[0][
            0
        ],
        boot=str(peer.journal.boot),
    )
    return encode_receipt(signed, keys.load(centre.folder / "keys", "receipt")).decode()


def older(centre: Register) -> bool:
    return centre.sql("SELECT 1 FROM setting WHERE name = 'older'") != []


def alerts(centre: Register) -> list[tuple[str, str]]:
    centre.stop("watch")
    centre.start("watch")
    rules = "('register-older', 'claims-more')"
    return [
        (rule, severity)
        for rule, severity in centre.sql(f"SELECT rule, severity FROM alert WHERE rule IN {rules}")
    ]


@pytest.mark.slow
def test_a_proof_holds_everything_until_the_restore_is_declared(
    centre: Register, peer: Peer
) -> None:
    seq = peer.journal.seq
    proof = kept(centre, peer, seq + 3)
    peer.state(committed=seq + 3, receipt=proof)
    peer.state(committed=seq + 3, receipt=proof)
    assert older(centre)
    acts = "SELECT account FROM act WHERE subject = 'register' AND what = 'proved older'"
    assert centre.sql(acts) == [("ingest",)], "once"
    assert alerts(centre) == [("register-older", "critical")]
    peer.good(2)
    peer.publish(peer.journal.batch(seq + 1, peer.journal.seq))
    assert peer.next_receipt().committed == seq, "ingest takes nothing"
    plans = centre.sql("SELECT count(*) FROM plan")
    centre.sql("UPDATE orders SET state = 'paused'")
    program = centre._plans
    assert program is not None
    program.compile_all([GATEWAY])
    assert centre.sql("SELECT count(*) FROM plan") == plans, "plan issues nothing"

    def asked(accept: str = "application/json") -> Any:
        with centre.http() as http:
            return http.get("/api/v1/orders", headers={"Accept": accept})

    wait_for("the refusal", lambda: asked().status_code == 503)
    answer = asked()
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("register-older", "5")
    assert "gjurma-central declare-restore" in answer.json()["what_to_do"]
    page = asked("text/html").text
    assert "gjurma-central declare-restore" in page
    assert "ka një vërtetim për rekordin" in page, "the proof, in Albanian"
    centre.run("reconcile", expect=1)
    assert json.loads(centre.run("declare-restore", "--json"))["incarnation"] > OURS
    assert not older(centre)
    wait_for("the interface", lambda: asked().status_code != 503)
    peer.state(committed=seq + 3, receipt=proof)
    assert not older(centre), "what was confirmed before the declaration is sent again"
    peer.deliver()
    peer.state(committed=peer.journal.seq)
    assert centre.sql("SELECT count(*) FROM plan") > plans
    centre.reconcile()


@pytest.mark.slow
def test_a_claim_raises_an_alert_and_stops_nothing(centre: Register, peer: Peer) -> None:
    peer.state(committed=peer.journal.seq)
    assert alerts(centre) == []
    seq = peer.journal.seq
    for index in range(2, 5):
        peer.good(index)
    peer.publish(peer.journal.batch(seq + 2, seq + 3))
    assert alerts(centre) == [("claims-more", "warning")]
    forged = encode_receipt(receipt(committed=10**9), SigningKey.new()).decode()
    peer.state(committed=10**9, receipt=forged)
    assert alerts(centre) == [("claims-more", "warning")], "once"
    assert not older(centre)
    peer.deliver()


@pytest.mark.slow
@pytest.mark.usefixtures("peer")
def test_the_guard_of_the_numbers_proves_it_too(centre: Register) -> None:
    guard = Guard(GuardFile(centre.folder / "guard" / "issued"))
    said = guard.read()
    assert said.seen == said.next, "what was committed was seen"
    guard.write(Kept(said.next, said.incarnation, {SPACE: said.next[SPACE] + 1}))
    program = centre._plans
    assert program is not None
    program.compile_all([GATEWAY])
    program.compile_all([GATEWAY])
    assert older(centre)
    assert centre.log().count("register-older") == 1, "said once"
