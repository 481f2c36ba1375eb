"""Articles through their life: where each is, and the events that led there."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE article (
    code text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('item', 'unit')),
    disposition text NOT NULL CHECK (disposition IN ('commissioned', 'in-store', 'in-transit',
        'received', 'in-use', 'in-repair', 'exported', 'lost', 'stolen', 'found', 'seized',
        'deactivated', 'demilitarised', 'destroyed')),
    holder text NOT NULL REFERENCES entity,
    place text REFERENCES place,
    package text COLLATE "C" REFERENCES article,
    component text,
    producer text REFERENCES entity,
    product text REFERENCES product,
    order_code text,
    lot text,
    serial text COLLATE "C",
    disputed boolean NOT NULL,
    since timestamptz NOT NULL,
    version bigint NOT NULL,
    CHECK (package IS NULL OR package <> code),
    CHECK (component IS NULL OR package IS NOT NULL)
);
CREATE INDEX article_holder ON article (holder, code);
CREATE INDEX article_producer ON article (producer, code);
CREATE INDEX article_place ON article (place) WHERE place IS NOT NULL;
CREATE INDEX article_package ON article (package) WHERE package IS NOT NULL;
CREATE UNIQUE INDEX article_component ON article (package, component) WHERE component IS NOT NULL;
CREATE INDEX article_disputed ON article (code) WHERE disputed;

CREATE TABLE event (
    number text PRIMARY KEY,
    what text NOT NULL,
    happened timestamptz NOT NULL,
    reporter text REFERENCES entity,
    place text REFERENCES place,
    holder text REFERENCES entity,
    package text COLLATE "C",
    component text,
    document text,
    reason text NOT NULL,
    articles integer NOT NULL,
    flagged integer NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX event_version ON event (version);

CREATE TABLE event_article (
    article text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    event text NOT NULL,
    within boolean NOT NULL,
    verdict text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    PRIMARY KEY (article, version)
);
CREATE INDEX event_article_event ON event_article (event, article);

GRANT SELECT, INSERT, UPDATE ON article TO gjurma_app;
GRANT SELECT, INSERT ON event, event_article TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
