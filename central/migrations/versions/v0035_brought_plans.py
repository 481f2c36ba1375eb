"""Plans that gateways bring to a register that has forgotten them."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE plan ADD COLUMN brought boolean NOT NULL DEFAULT false;
ALTER TABLE plan DROP CONSTRAINT plan_pkey;
ALTER TABLE plan ADD PRIMARY KEY (gateway, incarnation, version, brought);
ALTER TABLE block DROP CONSTRAINT block_order_code_fkey;
ALTER TABLE block DROP CONSTRAINT block_space_fkey;
"""


def upgrade() -> None:
    op.execute(CHANGES)
