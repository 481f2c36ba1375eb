"""Signing in on the pages: a second factor, what is proved half, and where a session was seen."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE credential DROP CONSTRAINT credential_kind_check;
ALTER TABLE credential ADD CONSTRAINT credential_kind_check
    CHECK (kind IN ('password', 'token', 'setup', 'half', 'recovery', 'known'));

CREATE TABLE seen (
    token text PRIMARY KEY,
    at timestamptz NOT NULL,
    address text NOT NULL,
    agent text NOT NULL
);

CREATE TABLE second_factor (
    account text PRIMARY KEY REFERENCES account,
    secret bytea NOT NULL,
    confirmed timestamptz,
    step bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON seen, second_factor TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
