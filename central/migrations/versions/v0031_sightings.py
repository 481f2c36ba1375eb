"""Numbers that were read on a part and that no record has claimed."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sighting (
    stream bigint NOT NULL REFERENCES stream,
    seq bigint NOT NULL,
    position smallint NOT NULL,
    batch bigint NOT NULL REFERENCES batch,
    block text NOT NULL REFERENCES block,
    number bigint NOT NULL,
    PRIMARY KEY (stream, seq, position)
);
CREATE INDEX sighting_block ON sighting (block, number);
CREATE INDEX sighting_batch ON sighting (batch);

GRANT SELECT, INSERT ON sighting TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
