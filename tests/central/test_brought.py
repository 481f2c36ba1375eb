"""A gateway brings the plan that a restored register has forgotten, and what it marked counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central import keys
from central.ingest.facts import Dropped, Evidence, Writes
from central.queries import balances as page
from central.reconcile.balance import Balance, reconcile
from gateway.contract.batch import NO_HEAD
from gateway.contract.plan import Due, Plan, encode_plan
from gateway.contract.record import RecordRef, Repeat
from gateway.contract.signed import SigningKey
from tests.central.memory import Register
from tests.central.postgres import Store, database
from tests.central.scene import GATEWAY, OTHER, SPACE, plan
from tests.central.tables import differences, of_database, of_register
from tests.support.peer import Journal

PLANS = SigningKey.new()
KEYS = (keys.public(PLANS, "plan"),)
RESTORED = datetime.now(UTC).replace(microsecond=0)
HEARD = int(RESTORED.timestamp())
"""The incarnation after the restore."""


def signed(made: Plan, key: SigningKey = PLANS) -> str:
    return encode_plan(made, key).decode()


@dataclass
class Line:
    """A gateway that accepted a second plan after the backup, and marked numbers 101 and 102."""

    key: SigningKey = field(default_factory=SigningKey.new)
    first: Plan = field(default_factory=plan)
    second: Plan = field(default_factory=lambda: plan(version=2, start=101))

    def __post_init__(self) -> None:
        self.journal = Journal(GATEWAY, 1, NO_HEAD, self.key)
        self.journal.opened()
        self.journal.accept(self.first)
        self.held = self.journal.seq
        """So many records the backup holds."""
        self.journal.accept(self.second)
        for number in (101, 102):
            self.good(number, self.second)

    def good(self, number: int, made: Plan) -> None:
        seq = self.journal.intent(self.journal.mark(made, "G-1", number))
        self.journal.marked(seq)
        self.journal.verified(seq)

    def early(self) -> bytes:
        return self.journal.batch(1, self.held, incarnation=0)

    def batch(self, first: int | None = None, **header: Any) -> bytes:
        """What the restored register does not hold, as a gateway that has heard of it sends it."""
        told: dict[str, Any] = {"incarnation": HEARD, "plans": (signed(self.second),)} | header
        return self.journal.batch(first or self.held + 1, self.journal.seq, **told)


def restored(line: Line) -> Register:
    register = Register(plan_keys=keys.plan_keys(KEYS))
    register.enrol(GATEWAY, line.key.public)
    register.put_plan(encode_plan(line.first, PLANS))
    assert isinstance(register.receive(GATEWAY, line.early()), Writes)
    register.declare_restore(RESTORED)
    return register


def states(register: Register) -> list[tuple[str, bool]]:
    return [(item.state, item.quarantined) for item in register.held.items.values()]


def refusals(register: Register) -> list[str]:
    return [told.code for told in register.held.refused.values()]


def test_marks_under_a_plan_that_the_gateway_brings_count() -> None:
    line = Line()
    register = restored(line)
    assert isinstance(register.receive(GATEWAY, line.batch()), Writes)
    assert states(register) == [("good", False), ("good", False)]
    assert refusals(register) == []
    block = register.blocks["B101"]
    assert (block.start, block.end, block.order) == (101, 200, "G-1")


def test_a_sender_that_has_not_heard_of_the_restore_is_told_of_it_first() -> None:
    line = Line()
    register = restored(line)
    early = line.batch(incarnation=register.incarnation - 1, plans=None)
    assert register.receive(GATEWAY, early) == Dropped("unheard")
    assert register.records(GATEWAY, early, RESTORED) is not None
    assert register.streams[GATEWAY, 1].committed == line.held
    assert isinstance(register.receive(GATEWAY, line.batch()), Writes)
    assert states(register) == [("good", False), ("good", False)]


def test_a_batch_that_accepts_no_plan_is_judged_whatever_its_sender_has_heard() -> None:
    line = Line()
    register = restored(line)
    assert isinstance(register.receive(GATEWAY, line.batch()), Writes)
    line.good(103, line.second)
    seq = register.streams[GATEWAY, 1].committed
    payload = line.batch(seq + 1, incarnation=1, plans=None)
    assert isinstance(register.receive(GATEWAY, payload), Writes)
    assert states(register) == [("good", False)] * 3


def test_an_older_gateway_is_judged_as_before() -> None:
    line = Line()
    register = restored(line)
    payload = line.batch(incarnation=None, plans=None)
    assert isinstance(register.receive(GATEWAY, payload), Writes)
    assert states(register) == [("good", True), ("good", True)]
    assert refusals(register) == ["unknown-plan", "not-licensed", "not-licensed"]
    assert register.blocks["B101"].order is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (signed(plan(version=2, start=101), SigningKey.new()), "did not sign"),
        (signed(plan(version=2, start=101)).replace('"released"', '"held"'), "did not sign"),
        (signed(plan(version=2, start=101, gateway=OTHER)), OTHER),
        ("", "did not sign"),
    ],
)
def test_a_plan_that_is_not_ours_is_evidence_and_holds_up_nothing(text: str, fault: str) -> None:
    line = Line()
    register = restored(line)
    assert isinstance(register.receive(GATEWAY, line.batch(plans=(text,))), Writes)
    (kept,) = register.evidence
    assert isinstance(kept, Evidence)
    assert (kept.reason, kept.payload) == ("bad-plan", text.encode())
    assert fault in kept.detail
    assert states(register) == [("good", True), ("good", True)]
    assert register.streams[GATEWAY, 1].committed == line.journal.seq
    assert not register.brought


def test_a_plan_that_is_known_is_not_stored_twice_and_one_that_nobody_accepts_is_not_at_all() -> (
    None
):
    line = Line()
    register = restored(line)
    plans = tuple(map(signed, (line.first, line.second, plan(version=3, start=201))))
    assert isinstance(register.receive(GATEWAY, line.batch(1, plans=plans)), Writes)
    assert list(register.brought) == [(GATEWAY, line.second.which.key())]
    assert list(register.blocks) == ["B1", "B101"]


def test_what_was_brought_wins_over_what_was_signed_again() -> None:
    """Before anybody declared the restore, the same version was signed for other numbers."""
    line = Line()
    register = restored(line)
    register.put_plan(encode_plan(plan(version=2, start=301), PLANS))
    assert isinstance(register.receive(GATEWAY, line.batch()), Writes)
    assert states(register) == [("good", False), ("good", False)]


def test_a_mark_after_the_lease_of_a_brought_plan_is_refused_as_ever() -> None:
    line = Line(second=plan(version=2, start=101, lease_until=RESTORED - timedelta(hours=1)))
    register = restored(line)
    assert isinstance(register.receive(GATEWAY, line.batch()), Writes)
    assert refusals(register) == ["lease-ended", "lease-ended"]


# --- further components ------------------------------------------------------------------------

PIECES = ("receiver", "barrel", "slide")


@dataclass
class Two:
    """A weapon of three pieces at two gateways. The backup holds their plans, and no mark."""

    space: str | None = SPACE

    def __post_init__(self) -> None:
        self.one = Journal(GATEWAY, 1, NO_HEAD, SigningKey.new())
        self.other = Journal(OTHER, 1, NO_HEAD, SigningKey.new())
        of = RecordRef(gateway=GATEWAY, epoch=1, seq=3)
        due = Due(do="mark", order="G-1", number=1, component="barrel", of=of, space=self.space)
        self.plans = {
            GATEWAY: plan(components=PIECES),
            OTHER: plan(gateway=OTHER, components=PIECES, start=101, due=(due,)),
        }
        for journal in (self.one, self.other):
            journal.opened()
            journal.accept(self.plans[journal.gateway])
        self.mark(self.one, "receiver")
        self.mark(self.other, "barrel", source=Repeat(of=of))
        self.mark(self.other, "slide", source=Repeat(of=of))

    def mark(self, journal: Journal, component: str, **mark: Any) -> None:
        made = self.plans[journal.gateway]
        seq = journal.intent(journal.mark(made, "G-1", 1, component, **mark))
        journal.marked(seq)
        journal.verified(seq)

    def restored(self) -> Register:
        register = Register(plan_keys=keys.plan_keys(KEYS))
        self.begin(register)
        return register

    def begin(self, register: Any) -> None:
        for journal in (self.one, self.other):
            register.enrol(journal.gateway, journal.key.public)
            register.put_plan(encode_plan(self.plans[journal.gateway], PLANS))
            register.records(journal.gateway, journal.batch(1, 2, incarnation=0), RESTORED)
        register.declare_restore(RESTORED)

    def rest(self) -> list[tuple[str, bytes]]:
        """What the backup forgot: the second gateway is heard first, and in two batches."""
        one, other = self.one, self.other
        pieces = [(other, 3, 5), (other, 6, other.seq), (one, 3, one.seq)]
        return [
            (journal.gateway, journal.batch(first, last, incarnation=HEARD))
            for journal, first, last in pieces
        ]


def test_a_further_piece_counts_before_its_number_is_known_again_as_its_plan_named_it() -> None:
    two = Two()
    register = two.restored()
    told = [register.receive(*each) for each in two.rest()]
    assert all(isinstance(each, Writes) for each in told)
    assert refusals(register) == []
    assert states(register) == [("good", False)] * 3
    assert {(item.space, item.number) for item in register.held.items.values()} == {(SPACE, 1)}


def test_a_plan_of_an_earlier_release_does_not_say_enough() -> None:
    two = Two(space=None)
    register = two.restored()
    for each in two.rest():
        register.receive(*each)
    assert refusals(register) == ["out-of-place", "out-of-place"]


def test_a_number_that_only_its_further_piece_tells_of_is_lost_with_its_journal() -> None:
    two = Two()
    register = two.restored()
    for each in two.rest()[:2]:
        register.receive(*each)
    register.enrol(GATEWAY, SigningKey.new().public)
    assert register.losses[0] == ("B1", 1, 100)


# --- the same on PostgreSQL ------------------------------------------------------------------


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        yield made


def both(url: str, line: Line) -> tuple[Register, Store]:
    memory = restored(line)
    real = Store(url, memory.key, keys=KEYS)
    real.enrol(GATEWAY, line.key.public)
    real.put_plan(encode_plan(line.first, PLANS))
    real.records(GATEWAY, line.early(), RESTORED)
    assert real.declare_restore(RESTORED) == HEARD
    return memory, real


def counted(real: Store) -> Balance:
    with real.connection.transaction():
        return reconcile(real.connection, KEYS)


def is_balanced(real: Store) -> bool:
    """By the audit and by the pages."""
    with real.reading() as connection:
        shown = page.counted(connection, "gateway")
    return counted(real).balanced and not any(each.unaccounted for each in shown.values())


@pytest.mark.slow
def test_a_batch_that_is_judged_later_has_brought_its_plan(url: str) -> None:
    line = Line()
    memory, real = both(url, line)
    with real:
        assert isinstance(memory.receive(GATEWAY, line.batch(), "a fault of ours"), Writes)
        assert real.records(GATEWAY, line.batch(), RESTORED, "a fault of ours") is not None
        assert [quarantined for _, quarantined in states(memory)] == [True, True]
        assert memory.blocks["B101"].order == "G-1"
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().identical
        memory.judge_again()
        real.judge_again()
        assert states(memory) == [("good", False), ("good", False)]
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().identical
        assert is_balanced(real)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda line: [line.batch()],
        lambda line: [line.batch(incarnation=1, plans=None), line.batch(), line.batch(1)],
        lambda line: [line.batch(incarnation=None, plans=None)],
        lambda line: [line.batch(plans=(signed(line.second, SigningKey.new()),))],
    ],
)
def test_the_database_holds_the_same_and_is_rebuilt_the_same(url: str, make: Any) -> None:
    line = Line()
    memory, real = both(url, line)
    with real:
        for payload in make(line):
            assert memory.records(GATEWAY, payload, RESTORED) == real.records(
                GATEWAY, payload, RESTORED
            )
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().differences == ()
        assert counted(real).gateway(GATEWAY).unaccounted == {}


@pytest.mark.slow
def test_the_database_concludes_the_same_of_further_pieces(url: str) -> None:
    two = Two()
    memory = two.restored()
    with Store(url, memory.key, keys=KEYS) as real:
        two.begin(real)
        for each in two.rest():
            assert memory.records(*each, RESTORED) == real.records(*each, RESTORED)
            assert differences(of_register(memory), of_database(real.connection)) == []
            assert real.rebuilt().differences == ()
            assert is_balanced(real)
        assert states(memory) == [("good", False)] * 3


@pytest.mark.slow
def test_the_database_loses_a_number_that_only_its_further_piece_tells_of(url: str) -> None:
    two = Two()
    memory = two.restored()
    key = SigningKey.new().public
    with Store(url, memory.key, keys=KEYS) as real:
        two.begin(real)
        for register in (memory, real):
            for each in two.rest()[:2]:
                register.records(*each, RESTORED)
            register.enrol(GATEWAY, key)
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().differences == ()
        assert is_balanced(real)


@pytest.mark.slow
def test_a_later_plan_goes_on_with_the_numbers_that_were_brought(url: str) -> None:
    line = Line()
    memory, real = both(url, line)
    third = plan(version=1, start=101).model_copy(update={"incarnation": HEARD})
    with real:
        for one in (memory, real):
            one.records(GATEWAY, line.batch(), RESTORED)
            one.put_plan(encode_plan(third, PLANS))
        line.journal.accept(third)
        line.good(103, third)
        payload = line.batch(memory.streams[GATEWAY, 1].committed + 1, plans=None)
        for one in (memory, real):
            one.records(GATEWAY, payload, RESTORED)
        assert states(memory) == [("good", False)] * 3
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().differences == ()
        found = counted(real)
        assert found.balanced
        assert (found.order("G-1").issued, found.order("G-1").terms["good"]) == (200, 3)


@pytest.mark.slow
def test_what_the_backup_forgot_besides_holds_nothing_up(url: str) -> None:
    """The order and the number space were entered after the backup, like the plan."""
    forgotten = plan(version=2, id="G-2", product="M71")
    forgotten = forgotten.model_copy(
        update={
            "blocks": tuple(
                block.model_copy(update={"id": "C1", "space": "UMG.M71"})
                for block in forgotten.blocks
            )
        }
    )
    line = Line()
    line.journal = Journal(GATEWAY, 1, NO_HEAD, line.key)
    line.journal.opened()
    line.journal.accept(line.first)
    line.second = forgotten
    line.journal.accept(forgotten)
    seq = line.journal.intent(line.journal.mark(forgotten, "G-2", 1))
    line.journal.marked(seq)
    line.journal.verified(seq)
    memory, real = both(url, line)
    with real:
        for one in (memory, real):
            one.records(GATEWAY, line.batch(), RESTORED)
        assert states(memory) == [("good", False)]
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert real.rebuilt().differences == ()
        assert counted(real).gateway(GATEWAY).unaccounted == {}
        # The order is entered again: what stands there does not change.
        real.put_plan(encode_plan(forgotten.model_copy(update={"incarnation": HEARD}), PLANS))
        assert real.rebuilt().differences == ()
