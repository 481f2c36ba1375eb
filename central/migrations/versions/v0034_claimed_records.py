"""Up to which record a gateway claims that the register has confirmed its journal."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE gateway_state ADD COLUMN committed bigint")
