"""Orders begin as drafts and end closed; limits by gateway; marks at import."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What was called held is paused; acts keep the old word, and are read with it.
ORDERS = """
ALTER TABLE orders
    DROP CONSTRAINT orders_state_check,
    ADD COLUMN imported jsonb;
UPDATE orders SET state = 'paused' WHERE state = 'held';
ALTER TABLE orders ADD CONSTRAINT orders_state_check CHECK
    (state IN ('draft', 'released', 'paused', 'completed', 'closed', 'cancelled'));

ALTER TABLE order_gateway
    ADD COLUMN block_size integer CHECK (block_size >= 1),
    ADD COLUMN reserve integer CHECK (reserve >= 0);
"""


def upgrade() -> None:
    op.execute(ORDERS)
