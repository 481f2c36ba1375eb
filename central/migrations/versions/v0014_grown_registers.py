"""Indexes that a grown register needs: without them what is asked for reads a whole table.

`about_batch`: what a batch said, which the live pages ask after every commit. `batch_received`: the
first batch since a certificate was issued. `item_not_good`: of an order with further components,
those whose next one may be due, which each of its plans asks.
"""

from central.migrations.indexes import build

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("about_batch", "ON about (batch, pos)")
    build("batch_received", "ON batch (received)")
    build("item_not_good", "ON item (order_code) WHERE state <> 'good'")
