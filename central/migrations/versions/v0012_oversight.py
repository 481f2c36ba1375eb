"""Inspections with the measures that they ordered, and sanctions."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE inspection (
    number text PRIMARY KEY,
    entity text NOT NULL REFERENCES entity,
    site text,
    kind text NOT NULL CHECK (kind IN ('planned', 'unannounced')),
    planned_for timestamptz NOT NULL,
    inspectors text[] NOT NULL,
    checklist jsonb NOT NULL,
    follows text REFERENCES inspection,
    state text NOT NULL CHECK (state IN ('planned', 'begun', 'found', 'closed', 'cancelled')),
    reason text NOT NULL,
    begun timestamptz,
    ended timestamptz,
    findings text[] NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX inspection_entity ON inspection (entity);

CREATE TABLE measure (
    inspection text NOT NULL REFERENCES inspection,
    number integer NOT NULL,
    text text NOT NULL,
    deadline timestamptz NOT NULL,
    done timestamptz,
    remark text NOT NULL,
    PRIMARY KEY (inspection, number)
);

CREATE TABLE sanction (
    number text PRIMARY KEY,
    entity text NOT NULL REFERENCES entity,
    kind text NOT NULL CHECK (kind IN ('warning', 'fine', 'suspension', 'revocation', 'exclusion')),
    inspection text REFERENCES inspection,
    amount bigint,
    currency text,
    licences text[] NOT NULL,
    until timestamptz,
    basis text NOT NULL,
    state text NOT NULL CHECK (state IN ('imposed', 'lifted')),
    reason text NOT NULL,
    imposed timestamptz NOT NULL,
    lifted timestamptz,
    version bigint NOT NULL
);
CREATE INDEX sanction_entity ON sanction (entity);

GRANT SELECT, INSERT, UPDATE, DELETE ON inspection, measure, sanction TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
