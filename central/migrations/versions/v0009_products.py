"""Products in depth: stock number, category, country, the form of lots, and whether withdrawn."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PRODUCTS = """
ALTER TABLE product
    ADD COLUMN nsn text,
    ADD COLUMN category text,
    ADD COLUMN country text,
    ADD COLUMN lot_format text NOT NULL DEFAULT 'free'
        CHECK (lot_format IN ('free', 'mil-std-1168c')),
    ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'withdrawn')),
    ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE product
    ALTER COLUMN lot_format DROP DEFAULT,
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN reason DROP DEFAULT;
CREATE INDEX product_entity ON product (entity);
CREATE INDEX orders_product ON orders (product);
"""


def upgrade() -> None:
    op.execute(PRODUCTS)
