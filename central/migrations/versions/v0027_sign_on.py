"""Signing in by an agency's own sign-on: which identity is which account."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE identity (
    issuer text NOT NULL,
    subject text NOT NULL,
    account text NOT NULL REFERENCES account,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identity_account ON identity (account);

GRANT SELECT, INSERT, UPDATE, DELETE ON identity TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
