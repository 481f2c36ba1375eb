"""An index for the evidence that came of a gateway for one reason lately."""

from central.migrations.indexes import build

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("evidence_received", "ON evidence (gateway, reason, received)")
