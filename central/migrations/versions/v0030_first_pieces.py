"""An index for the records by which people approved first pieces and freed stations."""

from central.migrations.indexes import build

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("record_unlatched", "ON record (batch, pos) WHERE type = 'unlatched'")
