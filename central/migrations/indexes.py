"""Builds an index while others write, in a migration that says `concurrent = True`.

    concurrent = True

    def upgrade() -> None:
        build("item_made", "ON item (made)")

Not for a unique index: while that is built, and where it was broken off, it refuses rows of others.
"""

import logging
import time

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
        op.execute(f"DROP INDEX CONCURRENTLY {name}")
    table = definition.split()[1]
    is_filled = text(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - a migration's own
    level = logging.INFO if connection.execute(is_filled).scalar_one() else logging.DEBUG
    log.log(level, "building index %s; others write on", name)
    began = time.monotonic()
    op.execute(f"CREATE INDEX CONCURRENTLY {name} {definition}")
    log.log(level, "index %s stands after %.1f s", name, time.monotonic() - began)
