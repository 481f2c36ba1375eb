"""Brings a database to the newest schema; safe when two start at once, and when nothing is new."""

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from psycopg import errors as pg
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

log = logging.getLogger("central.migrations")
LOCK = 0x676A7572  # any constant: whoever migrates this database takes the same one
LOCK_TIMEOUT = "2s"
"""How long others wait behind us for a table that somebody else is using: ingest goes on."""
ATTEMPTS = 30
PAUSE_S = 1.0


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run what is missing in one transaction, under an advisory lock.

    A table that is in use is waited for a moment only; then all is tried again. Raises
    OperationalError when that was in vain.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _upgrade(engine, revision)
        except OperationalError as error:
            if not isinstance(error.orig, pg.LockNotAvailable | pg.DeadlockDetected):
                raise
            if attempt == ATTEMPTS:
                raise
            log.warning("a table is in use; trying again: %s", str(error.orig).splitlines()[0])
            time.sleep(PAUSE_S)
        else:
            return


def _upgrade(engine: Engine, revision: str) -> None:
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    alembic.attributes["configure_logger"] = False
    with engine.begin() as connection:
        # Two that migrate wait for each other, however long; only then does the timeout begin.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, revision)
