"""Indexes for consignments by their planned arrival, and for alerts that nobody has resolved."""

from central.migrations.indexes import build

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("consignment_arrival", "ON consignment (planned_arrival, number)")
    build("alert_unresolved", "ON alert (opened) WHERE state <> 'resolved'")
