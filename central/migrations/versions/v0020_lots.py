"""Lots of ammunition; how many pieces each package holds, as its mark says."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE lot (
    code text COLLATE "C" PRIMARY KEY,
    product text NOT NULL REFERENCES product,
    number text NOT NULL,
    entity text NOT NULL REFERENCES entity,
    remark text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'withdrawn')),
    flagged integer NOT NULL CHECK (flagged >= 0),
    reason text NOT NULL,
    created timestamptz NOT NULL,
    version bigint NOT NULL,
    UNIQUE (product, number)
);
CREATE INDEX lot_number ON lot (number);
CREATE INDEX lot_entity ON lot (entity);
CREATE INDEX lot_not_active ON lot (code) WHERE state <> 'active';

CREATE TABLE lot_component (
    lot text COLLATE "C" NOT NULL REFERENCES lot,
    position integer NOT NULL,
    role text NOT NULL,
    component text COLLATE "C" REFERENCES lot,
    maker text,
    number text,
    country text,
    quantity bigint CHECK (quantity > 0),
    PRIMARY KEY (lot, position),
    CHECK (component <> lot),
    CHECK ((component IS NULL) = (maker IS NOT NULL AND number IS NOT NULL))
);
CREATE INDEX lot_component_component ON lot_component (component) WHERE component IS NOT NULL;
CREATE INDEX lot_component_number ON lot_component (number) WHERE number IS NOT NULL;

CREATE TABLE lot_movement (
    number text PRIMARY KEY,
    lot text COLLATE "C" NOT NULL REFERENCES lot,
    what text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),
    happened timestamptz NOT NULL,
    "into" text COLLATE "C" REFERENCES lot,
    document text,
    verdict text NOT NULL,
    stands boolean NOT NULL,
    settled bigint,
    version bigint NOT NULL
);
CREATE INDEX lot_movement_lot ON lot_movement (lot, version);
CREATE INDEX lot_movement_into ON lot_movement ("into") WHERE "into" IS NOT NULL;

CREATE TABLE lot_unpacked (
    movement text NOT NULL REFERENCES lot_movement,
    uii text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    fault text NOT NULL,
    PRIMARY KEY (movement, uii)
);
CREATE INDEX lot_unpacked_uii ON lot_unpacked (uii);

ALTER TABLE claim ADD COLUMN quantity bigint;

GRANT SELECT, INSERT, UPDATE ON lot, lot_movement TO gjurma_app;
GRANT SELECT, INSERT, DELETE ON lot_component TO gjurma_app;
GRANT SELECT, INSERT ON lot_unpacked TO gjurma_app;
"""
IN_PACKAGES = """
UPDATE claim SET quantity = told.quantity
FROM (
    SELECT c.stream, c.seq, c.position, (m.mark->>'quantity')::bigint AS quantity
    FROM (SELECT batch FROM claim JOIN orders ON code = order_code WHERE kind = 'package'
        UNION SELECT batch FROM record WHERE type = 'intent' AND verdict <> 'ok') p
    JOIN batch b ON b.id = p.batch
    CROSS JOIN LATERAL string_to_table(encode(b.body, 'escape'), E'\\n')
        WITH ORDINALITY w (line, n)
    JOIN claim c ON c.batch = b.id AND c.pos = w.n - 1
    CROSS JOIN LATERAL json_array_elements(
        convert_from(decode(w.line, 'escape'), 'UTF8')::json->'marks') m (mark)
    WHERE (m.mark->>'position')::int = c.position AND m.mark->>'kind' = 'package'
) told
WHERE claim.stream = told.stream AND claim.seq = told.seq AND claim.position = told.position
    AND told.quantity IS NOT NULL;
"""
"""What the records of packages said: those of orders of packages, and those that were refused, for
there a mark may say of itself whatever it likes. What claims an item is text, whatever else lies in
its batch."""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(IN_PACKAGES)
