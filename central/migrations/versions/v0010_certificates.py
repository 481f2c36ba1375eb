"""Certificates: type approvals of products, acceptance of lots and items, proof tests."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CERTIFICATES = """
CREATE TABLE certificate (
    number text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('type-approval', 'acceptance', 'proof-test')),
    entity text NOT NULL REFERENCES entity,
    issuer text REFERENCES entity,
    institution text,
    product text REFERENCES product,
    lot text,
    result text NOT NULL CHECK (result IN ('passed', 'failed')),
    sampling text NOT NULL,
    issued timestamptz NOT NULL,
    valid_until timestamptz,
    document text NOT NULL,
    remark text NOT NULL,
    state text NOT NULL CHECK (state IN ('issued', 'withdrawn')),
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL,
    CHECK ((issuer IS NULL) <> (institution IS NULL)),
    CHECK (lot IS NULL OR product IS NOT NULL)
);
CREATE INDEX certificate_product ON certificate (product, lot);
CREATE INDEX certificate_entity ON certificate (entity);

CREATE TABLE certificate_item (
    certificate text NOT NULL REFERENCES certificate,
    uii text COLLATE "C" NOT NULL,
    PRIMARY KEY (certificate, uii)
);
CREATE INDEX certificate_item_uii ON certificate_item (uii);

GRANT SELECT, INSERT, UPDATE, DELETE ON certificate, certificate_item TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(CERTIFICATES)
