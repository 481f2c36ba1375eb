"""An index is built while others write; the next upgrade makes good one that was broken off."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from central import config as configuration
from central import db
from central.migrations import run
from central.migrations.indexes import build
from central.migrations.run import LOCK_TIMEOUT, upgrade
from tests.support.central import Centre
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
BEFORE, REVISION = "0013", "0014"
LOCK_TIMEOUT_S = float(LOCK_TIMEOUT.removesuffix("s"))

ITEMS = """
INSERT INTO item (uii, component, elements, state, read_ok, remark, quarantined, duplicated, basis,
    order_code, serial, changed)
SELECT 'D' || n, 'receiver', 'E' || n, 'good', true, false, false, false, 'read', 'G-1', n, n
FROM generate_series({first}, {last}) n;
INSERT INTO about SELECT id, changed, 0 FROM item WHERE changed BETWEEN {first} AND {last};
"""


class _Writer:
    """Marks are made: a row into `item` and one into `about`, again and again."""

    def __init__(self, centre: Centre) -> None:
        self.took: list[float] = []
        self._centre = centre
        self._stopping = threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> int:
        """How many rows of `item` were written."""
        self._stopping.set()
        self._thread.join(60)
        assert self._failed is None
        return len(self.took)

    def _run(self) -> None:
        number = 100_000
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                self._centre.sql(ITEMS.format(first=number, last=number))
                self.took.append(time.monotonic() - began)
                number += 1
        except psycopg.Error as error:
            self._failed = error


@dataclass
class Former:
    """A register one revision older, and the indexes that the upgrade adds to it."""

    centre: Centre
    before: set[str] = field(default_factory=set)

    def indexes(self) -> dict[str, bool]:
        """Those that were added: by name, whether valid."""
        found = self.centre.sql(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relnamespace = 'public'::regnamespace"
        )
        return {name: valid for name, valid in found if name not in self.before}

    def revision(self) -> str:
        return str(self.centre.sql("SELECT version_num FROM alembic_version")[0][0])

    def builder(self) -> int | None:
        """The server process that builds an index, if one does."""
        found = self.centre.sql("SELECT pid FROM pg_stat_progress_create_index")
        return int(found[0][0]) if found else None

    @contextmanager
    def held_up(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Somebody has written into the tables, and does not end: no build comes to its end."""
        with psycopg.connect(self.centre.database) as busy:
            busy.execute("UPDATE item SET state = state WHERE id = 1")
            busy.execute("INSERT INTO about VALUES (1, 0, 0)")
            yield busy


@pytest.fixture
def former() -> Iterator[Former]:
    with Centre.started(bare=True) as centre:
        engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
        upgrade(engine, BEFORE)
        engine.dispose()
        found = Former(centre)
        centre.sql(ITEMS.format(first=1, last=20_000))
        found.before = set(found.indexes())
        yield found


@pytest.mark.long
def test_others_write_on_while_it_is_built(former: Former) -> None:
    writer = _Writer(former.centre)
    with former.held_up() as busy:
        migrating = former.centre.spawn("migrate")
        wait_for("the build", former.builder)
        until = sum(writer.took) + 1.0
        wait_for("a second's writes", lambda: sum(writer.took) > until)
        assert migrating.pid, "it waits for who wrote before it began"
        assert former.revision() == BEFORE
        busy.commit()
    assert migrating.wait(60) == 0, former.centre.log("migrate")
    written = writer.end()
    assert max(writer.took) < LOCK_TIMEOUT_S
    added = former.indexes()
    assert added
    assert all(added.values())
    assert former.revision() >= REVISION
    assert former.centre.sql("SELECT count(*) FROM item") == [(20_000 + written,)]


@pytest.mark.long
def test_a_build_that_is_broken_off_is_made_good_by_the_next_upgrade(former: Former) -> None:
    with former.held_up() as busy:
        migrating = former.centre.spawn("migrate")
        pid = wait_for("the build", former.builder)
        former.centre.sql("SELECT pg_terminate_backend(%s)", pid)
        assert migrating.wait(60) == 1
        assert False in former.indexes().values(), "what it had begun lies there, invalid"
        assert former.revision() == BEFORE
        busy.rollback()
    former.centre.run("migrate")
    added = former.indexes()
    assert added
    assert all(added.values())
    assert former.revision() >= REVISION
    former.centre.run("migrate")
    assert former.indexes() == added


def test_a_build_that_fails_leaves_the_limit_of_waiting_as_it_was(former: Former) -> None:
    engine = db.owner_engine(configuration.load(former.centre.folder / "central.toml"))
    with db.disposing(engine), engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("SET lock_timeout = '3s'"))
        context = Operations.context(MigrationContext.configure(connection))
        with context, pytest.raises(ProgrammingError):
            build("item_broken", "ON item (no_such_column)")
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "3s"


@pytest.mark.long
def test_a_build_whose_program_was_killed_is_waited_for(former: Former) -> None:
    """The server builds on, and nobody else begins the same."""
    with former.held_up():
        killed = former.centre.spawn("migrate")
        wait_for("the build", former.builder)
        killed.kill()
        migrating = former.centre.spawn("migrate")
        wait_for("the second", lambda: "waiting" in former.centre.log("migrate"))
    assert migrating.wait(60) == 0, former.centre.log("migrate")
    assert all(former.indexes().values())
    assert "broken off" not in former.centre.log("migrate")


@pytest.mark.long
def test_two_that_upgrade_at_once_wait_for_each_other(former: Former) -> None:
    """Who waits for its turn must not be waited for by the build."""
    with former.held_up():
        first = former.centre.spawn("migrate")
        wait_for("the build", former.builder)
        second = former.centre.spawn("migrate")
        wait_for("the second", lambda: "waiting" in former.centre.log("migrate"))
    assert first.wait(60) == 0, former.centre.log("migrate")
    assert second.wait(60) == 0, former.centre.log("migrate")
    assert all(former.indexes().values())
    assert "in use" not in former.centre.log("migrate"), "none was chosen as a deadlock's victim"


def test_a_column_is_added_behind_a_long_reader_and_ingest_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Everybody waits behind who waits for a whole table: so that waits for a moment only."""
    monkeypatch.setattr(run, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(run, "PAUSE_S", 0.05)
    monkeypatch.setattr(run, "ATTEMPTS", 1000)
    claim = "INSERT INTO claim SELECT id, 1, 1, 1, 1, 0, '', NULL, NULL, true, NULL FROM stream"
    with Centre.started(bare=True) as centre:
        engine = db.owner_engine(configuration.load(centre.folder / "central.toml"))
        upgrade(engine, "0023")
        with (
            psycopg.connect(centre.database) as reader,
            psycopg.connect(centre.database, autocommit=True) as ingest,
        ):
            reader.execute("SELECT count(*) FROM claim")
            upgrading = threading.Thread(target=upgrade, args=(engine, "0024"))
            upgrading.start()
            wait_for("a table in use", lambda: "a table is in use" in caplog.text, 20)
            ingest.execute("SET lock_timeout = '10s'")
            ingest.execute(claim)
            assert upgrading.is_alive(), "it goes on trying"
            reader.rollback()
            upgrading.join(60)
            assert ingest.execute("SELECT count(station) FROM claim").fetchall() == [(0,)]
        engine.dispose()
