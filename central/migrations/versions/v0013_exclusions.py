"""The register of the excluded, and what was decided on entities whose names are like theirs."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE exclusion (
    number text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('entity', 'person')),
    name text NOT NULL,
    tax_number text,
    ncage text,
    personal_number text,
    passport_number text,
    ground text NOT NULL CHECK (ground IN ('violation', 'national-security')),
    legal_basis text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    state text NOT NULL CHECK (state IN ('active', 'lifted')),
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX exclusion_tax_number ON exclusion (tax_number);
CREATE INDEX exclusion_ncage ON exclusion (ncage);

CREATE TABLE screening (
    entity text NOT NULL REFERENCES entity,
    exclusion text NOT NULL REFERENCES exclusion,
    entity_name text NOT NULL,
    exclusion_name text NOT NULL,
    state text NOT NULL CHECK (state IN ('undecided', 'same', 'different', 'unlike')),
    excludes boolean NOT NULL,
    decided_by text NOT NULL,
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (entity, exclusion)
);
CREATE INDEX screening_state ON screening (state);

GRANT SELECT, INSERT, UPDATE, DELETE ON exclusion, screening TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
