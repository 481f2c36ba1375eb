"""A stream's key may be P-256 too: 33 bytes, the compressed point."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE stream_key DROP CONSTRAINT stream_key_public_check,"
        " ADD CONSTRAINT stream_key_public_check CHECK (octet_length(public) IN (32, 33))"
    )
