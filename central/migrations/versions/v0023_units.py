"""Numbers for units, and prints of their labels."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE unit_series (
    prefix text COLLATE "C" PRIMARY KEY,
    scheme text NOT NULL CHECK (scheme IN ('sscc', 'licence-plate')),
    entity text NOT NULL REFERENCES entity,
    next bigint NOT NULL CHECK (next >= 0),
    version bigint NOT NULL
);

CREATE TABLE unit_number (
    code text COLLATE "C" PRIMARY KEY,
    series text COLLATE "C" NOT NULL REFERENCES unit_series,
    entity text NOT NULL REFERENCES entity,
    given timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX unit_number_entity ON unit_number (entity, code);

CREATE TABLE label_print (
    number text PRIMARY KEY,
    unit text COLLATE "C" NOT NULL,
    printer text NOT NULL,
    site text NOT NULL,
    copies integer NOT NULL CHECK (copies > 0),
    language text NOT NULL,
    dpmm integer NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'sent', 'failed', 'broken-off')),
    said text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX label_print_unit ON label_print (unit, created);

GRANT SELECT, INSERT, UPDATE ON unit_series, label_print TO gjurma_app;
GRANT SELECT, INSERT ON unit_number TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
