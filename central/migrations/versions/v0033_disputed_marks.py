"""Marks of two branches of one journal, and a flag on the items that carry their numbers."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE item ADD COLUMN disputed boolean NOT NULL DEFAULT false;
CREATE TABLE disputed_mark (
    stream bigint NOT NULL REFERENCES stream,
    seq bigint NOT NULL,
    position smallint NOT NULL,
    held boolean NOT NULL,
    uii text COLLATE "C" NOT NULL,
    component text NOT NULL,
    serial text NOT NULL,
    order_code text NOT NULL,
    station text NOT NULL,
    space text,
    number bigint,
    PRIMARY KEY (stream, seq, position, held, uii, component)
);
CREATE INDEX disputed_mark_uii ON disputed_mark (uii);
CREATE INDEX disputed_mark_number ON disputed_mark (space, number);

GRANT SELECT, INSERT ON disputed_mark TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
