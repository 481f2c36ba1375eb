"""The same messages to the register in memory and to PostgreSQL leave the same rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from central.ingest.database import Connection
from central.reconcile.balance import reconcile
from gateway.contract.plan import CentralKey
from gateway.contract.receipt import decode_receipt
from gateway.contract.signed import SigningKey
from gateway.contract.topics import PlanVersion, State
from tests.central.memory import Register
from tests.central.postgres import Store, database
from tests.central.stories import MODES, NAMES, SENDS, STEPS, Story
from tests.central.tables import differences, of_database, of_register
from tests.support.examples import examples

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FULL_TRAY: list[Any] = [("intent", 0, 3, "station-1", False), ("marked", 0, "done")]
SAMPLE_FAILS: list[Any] = [
    *FULL_TRAY,
    ("verified", 1, 2, "unreadable", "device", "station-1"),
    ("verified", 0, 0, "good", "device", "station-1"),
]
SINGLY: list[Any] = [(0, 0, 1, False)] * 12
"""Each record of the first gateway in a batch of its own."""
READ: Any = ("verified", 0, 2, "good", "device", "station-1")
ONE_BY_ONE: list[Any] = [
    step
    for number in range(3)
    for step in (("intent", 0, 1, "station-1", False), ("marked", number, "done"))
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        yield made


def both(url: str, story: Story) -> tuple[Register, Store]:
    """Each with both gateways enrolled, and every plan."""
    key = SigningKey.new()
    memory, real = Register(key), Store(url, key)
    for journal in story.lines:
        told = [each.enrol(journal.gateway, journal.key.public) for each in (memory, real)]
        assert told[0] == told[1]
    for payload in story.payloads():
        memory.put_plan(payload)
        real.put_plan(payload)
    return memory, real


def strange(connection: Connection, key: SigningKey) -> dict[str, list[str]]:
    """What the balance names besides numbers, by gateway: rows that do not fit."""
    public = CentralKey(id=key.id, use="plan", public=key.public.hex())
    with connection.transaction():
        found = reconcile(connection, (public,)).gateways
    return {
        name: [what for what in account.unaccounted if not what.startswith("G")]
        for name, account in found.items()
    }


@settings(max_examples=examples(0.6), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mode=MODES, steps=STEPS, sends=SENDS)
@example(mode="sample", steps=SAMPLE_FAILS, sends=[(1, 0, 9, False)])
@example(mode="sample", steps=[*ONE_BY_ONE, READ], sends=SINGLY)
@example(mode="sample", steps=[*FULL_TRAY, READ], sends=SINGLY)
@example(
    mode="sample",
    steps=[*ONE_BY_ONE, ("verified", 1, 2, "unreadable", "device", "station-1")],
    sends=[(1, 0, 9, False), *SINGLY],
)
def test_memory_and_postgres_hold_the_same(
    url: str, mode: str, steps: list[Any], sends: list[Any]
) -> None:
    story = Story(mode)
    story.tell(steps)
    memory, real = both(url, story)
    with real:
        for number, (gateway, payload) in enumerate(story.batches(sends)):
            now = NOW + timedelta(seconds=number)
            assert memory.records(gateway, payload, now) == real.records(gateway, payload, now)
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert strange(real.connection, story.key) == {name: [] for name in NAMES}


def test_what_is_no_batch_and_what_gateways_say_of_themselves(url: str) -> None:
    story = Story("each")
    memory, real = both(url, story)
    journal = story.lines[0]
    state = State(
        epoch=1,
        boot=str(journal.boot),
        online=True,
        plan=PlanVersion(incarnation=1790000000, version=1),
        seq=2,
        latches=("journal-full",),
    )
    older = State(epoch=1, boot="0-0123456789abcdef", online=True, seq=1)
    messages = [
        *(("records", b"nothing"), ("records", b"nothing"), ("records", journal.batch(2, 2))),
        *(("records", journal.batch(1, 2, epoch=7)), ("records", journal.batch(1, 2))),
        *(("state", state.line()), ("state", older.line()), ("state", b"")),
        ("state", State(epoch=1, boot=str(journal.boot), online=False).line()),
        ("state", State(epoch=1, boot="1-0123456789abcdef", online=False).line()),
        ("state", State(epoch=4, boot="1-0123456789abcdef", online=True).line()),
    ]
    with real:
        for leaf, payload in messages:
            told = [getattr(each, leaf)(NAMES[0], payload, NOW) for each in (memory, real)]
            assert told[0] == told[1]
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert memory.states[NAMES[0]].epoch == 4


def test_an_undeclared_restore_is_proved_and_held(url: str) -> None:
    """Records that do not follow are a claim; the receipt that the gateway kept is a proof."""
    story = Story("each")
    story.tell([*FULL_TRAY, ("intent", 1, 2, "station-1", False)])
    memory, real = both(url, story)
    name, boot = NAMES[0], str(story.lines[0].boot)
    first, second, third = [sent for gateway, sent in story.batches(SINGLY) if gateway == name][:3]

    def send(leaf: str, payload: bytes) -> bytes | None:
        told: list[bytes | None] = [
            getattr(each, leaf)(name, payload, NOW) for each in (memory, real)
        ]
        assert told[0] == told[1]
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert not real.rebuilt().differences
        return told[0]

    def state(receipt: bytes, **more: Any) -> bytes:
        told = {"epoch": 1, "boot": boot, "online": True, "receipt": receipt.decode(), **more}
        return State.model_validate(told).line()

    with real:
        early = send("records", first)
        backup = memory.copy()
        real.back_up("backup")
        kept = send("records", second)
        assert early is not None
        assert kept is not None
        memory = backup.copy()
        real.restore("backup")
        send("state", state(early, committed=2))
        send("records", third)
        assert memory.states[name].committed == 2, "a claim"
        send("state", state(early, committed=99))
        assert (memory.older, memory.states[name].committed) == (None, 99), "nothing is proved"
        send("state", state(kept))
        assert memory.older is not None
        send("records", second)
        assert len(memory.batches) == 1, "nothing is taken"
        later = NOW + timedelta(hours=1)
        assert memory.declare_restore(later) == real.declare_restore(later)
        send("state", state(kept))
        assert memory.older is None, "what was confirmed before is sent again"
        send("records", second)
        send("records", third)
        assert len(memory.batches) == 3


def test_backups_restores_and_new_epochs(url: str) -> None:
    story = Story("each")
    story.tell([*FULL_TRAY, ("intent", 1, 2, "station-1", False)])
    memory, real = both(url, story)
    with real:
        (name, first), *rest = story.batches([(0, 0, 2, False)])
        memory.records(name, first, NOW)
        real.records(name, first, NOW)
        backup = memory.copy()
        real.back_up("backup")
        for name, payload in rest:
            memory.records(name, payload, NOW)
            real.records(name, payload, NOW)
        assert differences(of_register(memory), of_database(real.connection)) == []
        assert len(of_register(backup)["batch"]) == 1, "a backup stays as it was"
        memory = backup.copy()
        real.restore("backup")
        assert memory.declare_restore(NOW) == real.declare_restore(NOW)
        name, payload = rest[0]
        receipt = memory.records(name, payload, NOW)
        assert receipt is not None
        assert receipt == real.records(name, payload, NOW)
        told = decode_receipt(receipt, {memory.key.id: memory.key.public}.get)
        assert told.incarnation == int(NOW.timestamp())
        key = SigningKey.new()
        assert memory.enrol(NAMES[0], key.public) == real.enrol(NAMES[0], key.public)
        assert of_register(memory)["loss"] == [("B1", 4, 100)]
        assert differences(of_register(memory), of_database(real.connection)) == []
