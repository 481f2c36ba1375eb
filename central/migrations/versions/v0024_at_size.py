"""What a register of millions of items needs: indexes, and the station of each claim.

The station stands in the record alone, so that a balance by station opened every batch. It is taken
from there a thousand batches at a time, each portion by itself; ingest goes on meanwhile. Stop the
workers of the version before, though: what they store later names no station.

`item_order_state`, `article_place` and `article_package` go: others that stand now begin with the
same column, and are in the order in which lists are read.
"""

import logging

from alembic import op
from sqlalchemy import Connection, text

from central.migrations.indexes import build, drop

log = logging.getLogger("central.migrations")

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
concurrent = True

PORTION = 1000
# `encode` makes lines of a body in which a record may be no text at all; one that claims is text.
STATIONS = text("""
UPDATE claim SET station = told.station FROM (
    SELECT DISTINCT c.batch, c.pos,
        convert_from(decode(w.line, 'escape'), 'UTF8')::json->>'station' AS station
    FROM batch b
    CROSS JOIN LATERAL string_to_table(encode(b.body, 'escape'), E'\\n')
        WITH ORDINALITY w (line, n)
    JOIN claim c ON c.batch = b.id AND c.pos = w.n - 1
    WHERE b.id > :after AND b.id <= :upto
) told
WHERE claim.batch = told.batch AND claim.pos = told.pos AND told.station IS NOT NULL
    AND claim.station = ''
""")


def fill(connection: Connection) -> None:
    """The station of each claim that names none."""
    last = connection.execute(text("SELECT coalesce(max(id), 0) FROM batch")).scalar_one()
    for after in range(0, last, PORTION):
        connection.execute(STATIONS, {"after": after, "upto": after + PORTION})
        if after:
            log.info("stations of %d of %d batches", after, last)


def upgrade() -> None:
    op.execute("ALTER TABLE claim ADD COLUMN IF NOT EXISTS station text NOT NULL DEFAULT ''")
    fill(op.get_bind())
    build("item_order_uii", "ON item (order_code, uii)")
    build("item_order_id", "ON item (order_code, id)")
    build("item_amiss", "ON item (state, id) WHERE state <> 'good'")
    build("claim_stream_item", "ON claim (stream, item)")
    build("article_at", "ON article (place, code) WHERE place IS NOT NULL")
    build("article_in", "ON article (package, code) WHERE package IS NOT NULL")
    build("article_order", "ON article (order_code, code) WHERE order_code IS NOT NULL")
    build("article_product", "ON article (product, code) WHERE product IS NOT NULL")
    build("article_lot", "ON article (lot, code) WHERE lot IS NOT NULL")
    build("article_disposition", "ON article (disposition, code)")
    build("article_kind", "ON article (kind, code)")
    folded = "(translate(upper(code), 'OI ', '01'))"
    build("article_unit_folded", f"ON article ({folded}) WHERE kind = 'unit'")
    build("event_what", "ON event (what, version)")
    build("event_reporter", "ON event (reporter, version)")
    build("event_built_in", "ON event (package) WHERE component IS NOT NULL")
    build("consignment_state", "ON consignment (state, number)")
    build("consignment_direction", "ON consignment (direction, number)")
    build("alert_rule", "ON alert (rule, opened)")
    build("alert_state", "ON alert (state, opened)")
    build("alert_severity", "ON alert (severity, opened)")
    build("alert_subject", "ON alert (subject)")
    for name in ("item_order_state", "article_place", "article_package"):
        drop(name)
