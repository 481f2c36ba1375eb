"""What people copy from metal and paper is found also where they took O for 0, or I for 1."""

from central.migrations.indexes import build

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
concurrent = True


def upgrade() -> None:
    build("item_uii_folded", "ON item (translate(upper(uii), 'OI ', '01'))")
    build("item_serial_folded", "ON item (translate(upper(serial), 'OI ', '01'))")
