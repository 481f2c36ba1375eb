"""Accounts, tokens, what they prove themselves with, and answers that are given again."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE account (
    name text PRIMARY KEY,
    person text NOT NULL,
    entity text REFERENCES entity,
    roles text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'disabled')),
    created timestamptz NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE token (
    id text PRIMARY KEY,
    account text NOT NULL REFERENCES account,
    role text NOT NULL,
    purpose text NOT NULL,
    until timestamptz NOT NULL,
    revoked timestamptz,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE credential (
    kind text NOT NULL CHECK (kind IN ('password', 'token', 'setup')),
    owner text NOT NULL,
    hash text NOT NULL,
    kept timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, owner)
);
CREATE INDEX credential_hash ON credential (kind, hash);

CREATE TABLE answered (
    account text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status smallint NOT NULL,
    body text NOT NULL,
    etag text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, key)
);
CREATE INDEX answered_at ON answered (at);

GRANT SELECT, INSERT, UPDATE, DELETE ON account, token, credential, answered TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
