"""Consignments, and the event that names one."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE consignment (
    number text PRIMARY KEY,
    direction text NOT NULL CHECK (direction IN ('domestic', 'export', 'import', 'transit')),
    licence text NOT NULL REFERENCES licence (number),
    transport_licence text REFERENCES licence (number),
    sender text REFERENCES entity,
    recipient text REFERENCES entity,
    carrier text REFERENCES entity,
    end_user text REFERENCES entity,
    outsiders jsonb NOT NULL,
    certificate jsonb,
    route jsonb NOT NULL,
    planned_dispatch timestamptz NOT NULL,
    planned_arrival timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('reported', 'dispatched', 'received', 'closed',
        'cancelled')),
    fault text NOT NULL,
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX consignment_sender ON consignment (sender);
CREATE INDEX consignment_recipient ON consignment (recipient);
CREATE INDEX consignment_carrier ON consignment (carrier);
CREATE INDEX consignment_on_the_way ON consignment (planned_arrival)
    WHERE state IN ('reported', 'dispatched');

CREATE TABLE consignment_article (
    consignment text NOT NULL REFERENCES consignment,
    code text COLLATE "C" NOT NULL,
    within text COLLATE "C",
    listed boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('awaited', 'dispatched', 'received', 'short')),
    dispatched text,
    received text,
    resolution text,
    remark text NOT NULL,
    PRIMARY KEY (consignment, code)
);
CREATE INDEX consignment_article_code ON consignment_article (code);
CREATE INDEX consignment_article_difference ON consignment_article (consignment)
    WHERE resolution IS NULL AND (state = 'short' OR NOT listed);

ALTER TABLE event ADD COLUMN consignment text REFERENCES consignment;
CREATE INDEX event_consignment ON event (consignment) WHERE consignment IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON consignment, consignment_article TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
