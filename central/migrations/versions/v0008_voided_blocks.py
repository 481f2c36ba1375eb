"""Blocks of which the unused numbers are void."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BLOCKS = """
CREATE TABLE voided_block (
    block text PRIMARY KEY REFERENCES block,
    cause text NOT NULL CHECK (cause IN ('expired', 'closed')),
    at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON voided_block TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(BLOCKS)
