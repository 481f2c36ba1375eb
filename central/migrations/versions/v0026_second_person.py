"""What needs a second person: proposals, and who confirmed an act."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE act ADD COLUMN second text NOT NULL DEFAULT '';

CREATE TABLE proposal (
    number text PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL,
    effect jsonb NOT NULL,
    account text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    entity text,
    state text NOT NULL CHECK (state IN ('open', 'confirmed', 'declined', 'withdrawn')),
    until timestamptz NOT NULL,
    created timestamptz NOT NULL,
    decided timestamptz,
    decided_by text NOT NULL CHECK (decided_by <> account OR state = 'withdrawn'),
    remark text NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX proposal_open ON proposal (until) WHERE state = 'open';

GRANT SELECT, INSERT, UPDATE ON proposal TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
