"""Samples, reads elsewhere, and statements that wait for the mark that they name."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE item
    ADD COLUMN readback text NOT NULL DEFAULT 'each'
        CHECK (readback IN ('each', 'sample', 'elsewhere', 'eye')),
    ADD COLUMN sample text;
CREATE INDEX item_sample ON item (sample) WHERE sample IS NOT NULL;
CREATE INDEX item_unread ON item (order_code, changed)
    WHERE readback = 'elsewhere' AND state = 'marked' AND NOT read_ok;

CREATE TABLE sample_group (
    id text PRIMARY KEY,
    stream bigint NOT NULL REFERENCES stream,
    station text NOT NULL,
    order_code text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    seq bigint NOT NULL,
    position smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed', 'good', 'failed'))
);
CREATE INDEX sample_group_open ON sample_group (stream) WHERE state = 'open';

CREATE TABLE waiting (
    stream bigint NOT NULL REFERENCES stream,
    seq bigint NOT NULL,
    batch bigint NOT NULL REFERENCES batch,
    of_gateway text NOT NULL,
    of_epoch bigint NOT NULL,
    of_seq bigint NOT NULL,
    of_position smallint NOT NULL,
    heard boolean NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX waiting_of ON waiting (of_gateway, of_epoch, of_seq);

GRANT SELECT, INSERT, UPDATE, DELETE ON sample_group, waiting TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
