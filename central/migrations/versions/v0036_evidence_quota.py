"""An index for the evidence that came of a gateway for one reason lately."""

from central.migrations.indexes import build

revision = "0036"
down_revision = "0030"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("evidence_received", "ON evidence (gateway, reason, received)")
