"""Devices, which hold a key and scan; what became of each scan, and how far scans were judged."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE stream DROP CONSTRAINT stream_gateway_fkey;
ALTER TABLE invitation DROP CONSTRAINT invitation_gateway_fkey;

CREATE TABLE device (
    name text PRIMARY KEY,
    entity text NOT NULL REFERENCES entity,
    place text NOT NULL REFERENCES place,
    state text NOT NULL CHECK (state IN ('active', 'inactive')),
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX device_entity ON device (entity);
CREATE INDEX device_place ON device (place);

CREATE TABLE scan (
    gateway text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    what text NOT NULL,
    at timestamptz,
    event text,
    verdict text NOT NULL,
    detail text NOT NULL,
    strange text[] NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (gateway, epoch, seq)
);
CREATE INDEX scan_version ON scan (version);

CREATE TABLE concluded (
    stream bigint PRIMARY KEY REFERENCES stream,
    seq bigint NOT NULL
);

CREATE INDEX alert_event ON alert (split_part(cause, ' ', 1));

GRANT SELECT, INSERT, UPDATE ON device, concluded TO gjurma_app;
GRANT SELECT, INSERT ON scan TO gjurma_app;
"""
FROM_NOW_ON = "INSERT INTO concluded SELECT id, committed FROM stream"
"""What gateways saw before is not told of as if it had been scanned today."""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FROM_NOW_ON)
