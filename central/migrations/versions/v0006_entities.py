"""Entities with kinds, identifiers and a state; their sites, and what is below a site."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ENTITIES = """
ALTER TABLE entity
    ADD COLUMN kinds text[] NOT NULL DEFAULT '{}',
    ADD COLUMN tax_number text UNIQUE,
    ADD COLUMN gs1_prefix text UNIQUE,
    ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'inactive')),
    ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE entity
    ALTER COLUMN kinds DROP DEFAULT,
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN reason DROP DEFAULT;
"""

PLACES = """
CREATE TABLE place (
    code text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('site', 'store', 'line', 'station')),
    entity text NOT NULL REFERENCES entity,
    parent text REFERENCES place,
    name text NOT NULL,
    gateway text UNIQUE REFERENCES gateway,
    state text NOT NULL CHECK (state IN ('active', 'inactive')),
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL,
    CHECK ((parent IS NULL) = (kind = 'site')),
    CHECK (gateway IS NULL OR kind = 'line')
);
CREATE INDEX place_entity ON place (entity);
CREATE INDEX place_parent ON place (parent);

GRANT SELECT, INSERT, UPDATE, DELETE ON place TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(ENTITIES)
    op.execute(PLACES)
