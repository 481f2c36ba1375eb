"""Brings a database to the newest schema; safe when two start at once, and when nothing is new.

Migrations that follow on each other run in one transaction. One that says `concurrent = True`
builds indexes (`central.migrations.indexes`), which no transaction allows: it runs by itself, a
statement at a time, between what comes before it and what comes after it.
"""

import logging
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

log = logging.getLogger("central.migrations")
LOCK = 0x676A7572  # any constant: whoever migrates this database takes the same one
LOCK_TIMEOUT = "2s"
"""How long others wait behind us for a table that somebody else is using: ingest goes on."""
ATTEMPTS = 30
PAUSE_S = 1.0
POLL_S = 0.2


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run what is missing, under an advisory lock.

    A table that is in use is waited for a moment only; then the same step is tried again. What
    was done before it stands. Raises OperationalError when that was in vain.
    """
    with engine.connect() as connection:
        try:
            _wait_for_our_turn(connection)
            for concurrent, last in _steps(connection, revision):
                _insist(connection, last, _concurrently if concurrent else _at_once)
        finally:
            connection.invalidate()  # the lock and the settings end with the session


def _wait_for_our_turn(connection: Connection) -> None:
    """Two that migrate wait for each other, however long.

    By asking again and again: a statement that waits has a snapshot, for whose end the one that
    builds an index would wait, who has the lock.
    """
    connection.execution_options(isolation_level="AUTOCOMMIT")
    told = False
    while not connection.execute(
        text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}
    ).scalar_one():
        if not told:
            log.info("somebody else upgrades this database; waiting")
            told = True
        time.sleep(POLL_S)
    connection.commit()


def _steps(connection: Connection, revision: str) -> list[tuple[bool, str]]:
    """(whether concurrent, the last revision of it), from where the database stands."""
    with connection.begin():
        present = MigrationContext.configure(connection).get_current_revision()
    missing = ScriptDirectory.from_config(_alembic()).iterate_revisions(revision, present or "base")
    grouped = groupby(reversed(list(missing)), _is_concurrent)
    return [(concurrent, list(group)[-1].revision) for concurrent, group in grouped]


def _is_concurrent(script: Script) -> bool:
    return bool(getattr(script.module, "concurrent", False))


def _insist(connection: Connection, last: str, run: Callable[[Connection, str], None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            run(connection, last)
        except OperationalError as error:
            if not isinstance(error.orig, pg.LockNotAvailable | pg.DeadlockDetected):
                raise
            if attempt == ATTEMPTS:
                raise
            log.warning("a table is in use; trying again: %s", str(error.orig).splitlines()[0])
            time.sleep(PAUSE_S)
        else:
            return


def _at_once(connection: Connection, last: str) -> None:
    """All or nothing, and nobody waits behind us for long."""
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        _run(connection, last)


def _concurrently(connection: Connection, last: str) -> None:
    """Each statement commits by itself, and may work for as long as it takes. Only one that builds
    or drops an index `CONCURRENTLY` may also wait for as long: nobody waits behind it
    (`central.migrations.indexes`)."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    with connection.begin():  # in name only
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text("SET statement_timeout = 0"))
        _run(connection, last)


def _run(connection: Connection, last: str) -> None:
    alembic = _alembic()
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, last)


def _alembic() -> AlembicConfig:
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    alembic.attributes["configure_logger"] = False
    return alembic
