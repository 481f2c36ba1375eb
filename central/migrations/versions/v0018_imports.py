"""Imports, and the stock that was marked before there was a register."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE article
    DROP CONSTRAINT article_kind_check,
    ADD CONSTRAINT article_kind_check CHECK (kind IN ('item', 'unit', 'legacy', 'legacy-lot'));

CREATE TABLE imports (
    number text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('articles', 'entities', 'lots')),
    file text NOT NULL,
    digest text NOT NULL,
    size bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'complete')),
    line integer NOT NULL,
    imported integer NOT NULL,
    known integer NOT NULL,
    refused integer NOT NULL,
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE import_refusal (
    import_number text NOT NULL REFERENCES imports,
    line integer NOT NULL,
    position integer NOT NULL,
    "column" text NOT NULL,
    code text NOT NULL,
    what text NOT NULL,
    PRIMARY KEY (import_number, line, position)
);

CREATE TABLE legacy (
    code text COLLATE "C" PRIMARY KEY REFERENCES article,
    inventory text NOT NULL,
    keeper text NOT NULL REFERENCES entity,
    maker text NOT NULL,
    model text NOT NULL,
    calibre text NOT NULL,
    marks text NOT NULL,
    quantity bigint,
    year integer,
    country text,
    number text COLLATE "C",
    folded text COLLATE "C",
    doubled boolean NOT NULL,
    import_number text NOT NULL REFERENCES imports,
    line integer NOT NULL,
    brought bigint NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX legacy_inventory ON legacy (inventory);
CREATE INDEX legacy_number ON legacy (number) WHERE number IS NOT NULL;
CREATE INDEX legacy_folded ON legacy (folded) WHERE folded IS NOT NULL;
CREATE INDEX legacy_doubled ON legacy (code) WHERE doubled;
CREATE INDEX legacy_import ON legacy (import_number, line);

GRANT SELECT, INSERT, UPDATE ON imports, legacy TO gjurma_app;
GRANT SELECT, INSERT ON import_refusal TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
