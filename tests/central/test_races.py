"""Two workers at once: neither misses what the other one adds."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors as pg

from central.ingest import rules, store
from central.ingest.facts import Received
from gateway.contract.signed import SigningKey
from tests.central.postgres import Store, database
from tests.central.scene import GATEWAY, OTHER
from tests.central.stories import Story

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database() as made:
        yield made


def ingest(url: str, gateway: str, payload: bytes, start: threading.Barrier) -> None:
    """A worker with one batch, as the consumer does it: again after a deadlock."""
    received = rules.examine(gateway, payload)
    assert isinstance(received, Received)
    with psycopg.connect(url, autocommit=True) as connection:
        start.wait(20)
        stored = False
        while not stored:
            with (
                contextlib.suppress(pg.DeadlockDetected, store.JudgedTooEarly),
                connection.transaction(),
            ):
                store.receive(connection, received, NOW, {})
                stored = True


@pytest.mark.parametrize("verdict", ["good", "unreadable"])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("races", [4, pytest.param(12, marks=pytest.mark.long)])
def test_a_read_and_its_mark_at_the_same_moment(
    url: str, verdict: str, known: bool, races: int
) -> None:
    """`known`: the intent is stored, and the outcome races with the read."""
    for _ in range(races):
        story = Story("each")
        story.tell([("intent", 0, 1, "station-1", False), ("marked", 0, "done")])
        # Each names a mark of the other one: both workers may wait for each other.
        story.tell([("intent", 1, 1, "station-1", False), ("marked", 1, "done")])
        story.tell([("verified", by, 1 - by, verdict, "device", "station-1") for by in (0, 1)])
        with Store(url, SigningKey.new()) as made:
            for journal in story.lines:
                made.enrol(journal.gateway, journal.key.public)
            for payload in story.payloads():
                made.put_plan(payload)
            if known:
                for journal in story.lines:
                    made.records(journal.gateway, journal.batch(1, 3), NOW)
            start = threading.Barrier(2)
            workers = [
                threading.Thread(
                    target=ingest,
                    args=(url, name, line.batch(4 if known else 1, line.seq), start),
                )
                for name, line in zip((GATEWAY, OTHER), story.lines, strict=True)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(30)
            rows = made.connection.execute("SELECT state, read_ok FROM item").fetchall()
            assert rows == [("marked" if verdict == "good" else "rejected", verdict == "good")] * 2
            for left in ("SELECT 1 FROM waiting", "SELECT 1 FROM refusal WHERE resolved IS NULL"):
                assert made.connection.execute(left).fetchall() == []


def test_a_read_that_waits_for_a_new_piece_of_its_number_sees_it(url: str) -> None:
    """Else both are good by themselves, and the number is never."""
    story = Story("each")
    mine, theirs = story.lines
    story.tell([("intent", 0, 1, "station-1", False), ("marked", 0, "done"), ("due", 1)])
    known = (mine.seq, theirs.seq)
    story.tell([("verified", 0, 0, "good", "device", "station-1")])
    story.tell([("repeat", 1, 0, "barrel"), ("marked", 1, "done")])
    story.tell([("verified", 1, 1, "good", "device", "station-1")])
    with Store(url, SigningKey.new()) as made, psycopg.connect(url, autocommit=True) as watch:
        for journal in story.lines:
            made.enrol(journal.gateway, journal.key.public)
        for payload in story.payloads():
            made.put_plan(payload)
        for journal, last in zip(story.lines, known, strict=True):
            made.records(journal.gateway, journal.batch(1, last), NOW)
        start = threading.Barrier(2)
        read = mine.batch(known[0] + 1, mine.seq)
        reader = threading.Thread(target=ingest, args=(url, GATEWAY, read, start))
        reader.start()
        added = rules.examine(OTHER, theirs.batch(known[1] + 1, theirs.seq))
        assert isinstance(added, Received)
        with made.connection.transaction():
            store.receive(made.connection, added, NOW, {})
            start.wait(20)
            until(lambda: watch.execute(WAITS).fetchone() == (1,))
        reader.join(30)
        rows = made.connection.execute("SELECT state FROM item WHERE number = 1").fetchall()
        assert rows == [("good",), ("good",)]


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)
