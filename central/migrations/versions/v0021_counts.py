"""Bays, and counts of what lies at a place."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE place DROP CONSTRAINT place_kind_check,
    ADD CONSTRAINT place_kind_check
        CHECK (kind IN ('site', 'store', 'bay', 'line', 'station'));

CREATE TABLE counts (
    number text PRIMARY KEY,
    place text NOT NULL REFERENCES place,
    entity text NOT NULL REFERENCES entity,
    kind text NOT NULL CHECK (kind IN ('full', 'product', 'spot')),
    products text[] NOT NULL,
    articles text[] NOT NULL,
    due timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'open', 'counted', 'closed', 'cancelled')),
    reason text NOT NULL,
    places text[] NOT NULL,
    opened bigint,
    moment timestamptz,
    first text,
    second text,
    people text[] NOT NULL,
    first_handed timestamptz,
    second_handed timestamptz,
    compared bigint,
    ended timestamptz,
    created timestamptz NOT NULL,
    version bigint NOT NULL,
    CHECK (first <> second)
);
CREATE INDEX counts_entity ON counts (entity);
CREATE INDEX counts_running ON counts (due) WHERE state IN ('planned', 'open', 'counted');

CREATE TABLE count_scan (
    count_number text NOT NULL REFERENCES counts,
    tally smallint NOT NULL CHECK (tally IN (1, 2)),
    code text COLLATE "C" NOT NULL,
    raw text NOT NULL,
    at timestamptz NOT NULL,
    direct boolean NOT NULL,
    opened boolean NOT NULL,
    package text COLLATE "C",
    part boolean NOT NULL,
    marked text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (count_number, tally, code)
);

CREATE TABLE count_article (
    count_number text NOT NULL REFERENCES counts,
    code text COLLATE "C" NOT NULL,
    expected boolean NOT NULL,
    kind text,
    product text,
    lot text,
    package text COLLATE "C",
    first timestamptz,
    second timestamptz,
    third boolean,
    result text NOT NULL,
    event text,
    oddity text,
    disposition text,
    holder text,
    place text,
    resolution text,
    reference text,
    remark text NOT NULL,
    PRIMARY KEY (count_number, code)
);
CREATE INDEX count_article_code ON count_article (code);
CREATE INDEX count_article_difference ON count_article (count_number)
    WHERE resolution IS NULL AND result IN ('missing', 'unexpected', 'disagreed');

CREATE TABLE count_quantity (
    count_number text NOT NULL REFERENCES counts,
    key text COLLATE "C" NOT NULL,
    product text NOT NULL,
    lot text NOT NULL,
    articles text[] NOT NULL,
    expected bigint NOT NULL,
    first bigint,
    second bigint,
    third bigint,
    result text NOT NULL,
    resolution text,
    remark text NOT NULL,
    PRIMARY KEY (count_number, key)
);

GRANT SELECT, INSERT, UPDATE ON counts, count_scan, count_article, count_quantity TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
