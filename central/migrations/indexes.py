"""Builds an index while others write, in a migration that says `concurrent = True`.

    concurrent = True

    def upgrade() -> None:
        build("item_made", "ON item (made)")

Not for a unique index: while that is built, and where it was broken off, it refuses rows of others.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

log = logging.getLogger("central.migrations")


def build(name: str, definition: str) -> None:
    """Build it unless it stands already; one that was broken off is dropped and built anew.

    `definition` is what follows on its name in `CREATE INDEX`.
    """
    connection = op.get_bind()
    valid = connection.execute(
        text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"),
        {"name": name},
    ).scalar_one_or_none()
    if valid:
        return
    if valid is not None:
        log.warning("index %s was broken off; building it anew", name)
        drop(name)
    table = definition.split()[1]
    is_filled = text(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - a migration's own
    level = logging.INFO if connection.execute(is_filled).scalar_one() else logging.DEBUG
    log.log(level, "building index %s; others write on", name)
    began = time.monotonic()
    with _waiting():
        op.execute(f"CREATE INDEX CONCURRENTLY {name} {definition}")
    log.log(level, "index %s stands after %.1f s", name, time.monotonic() - began)


def drop(name: str) -> None:
    """Drop an index, if it exists, while others use its table."""
    with _waiting():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def _waiting() -> Iterator[None]:
    """Wait for older transactions as long as they take. Nobody waits behind such a statement;
    behind any other, such as ALTER TABLE, everybody does."""
    connection = op.get_bind()
    former = connection.execute(text("SELECT current_setting('lock_timeout')")).scalar_one()
    op.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        if not connection.invalidated:  # else the setting has ended with the session
            op.execute(f"SET lock_timeout = '{former}'")
