"""What officers found of each number that two branches of a journal announced."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE disputed_mark ADD COLUMN found text NOT NULL DEFAULT ''
    CHECK (found IN ('', 'one', 'two', 'none'));
GRANT UPDATE (found) ON disputed_mark TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(CHANGES)
