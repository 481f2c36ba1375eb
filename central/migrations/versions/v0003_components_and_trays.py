"""Which gateway marks and reads what of an order, trays, and components that are in doubt."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE order_gateway
    ADD COLUMN components text[],
    ADD COLUMN reads boolean NOT NULL DEFAULT false;
ALTER TABLE product ADD COLUMN tray integer CHECK (tray BETWEEN 1 AND 1000);
ALTER TABLE orders ADD COLUMN tray integer CHECK (tray BETWEEN 1 AND 1000);

CREATE TABLE doubt (
    order_code text NOT NULL REFERENCES orders,
    space text NOT NULL REFERENCES number_space,
    number bigint NOT NULL,
    component text NOT NULL,
    stream bigint NOT NULL REFERENCES stream,
    at timestamptz NOT NULL DEFAULT now(),
    returned timestamptz,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (order_code, number, component, stream)
);

GRANT SELECT, INSERT ON doubt TO gjurma_app;
GRANT UPDATE (returned, reason) ON doubt TO gjurma_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
