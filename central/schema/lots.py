"""Lots of ammunition, what they consist of, and what was told of so many pieces of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from central.schema.base import metadata, text, time, version

lot = Table(
    "lot",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    Column("product", Text, ForeignKey("product.code"), nullable=False),
    text("number"),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    text("remark"),
    text("state"),
    Column("flagged", Integer, nullable=False),
    text("reason"),
    time("created"),
    version(),
    UniqueConstraint("product", "number"),
    Index("lot_number", "number"),
    Index("lot_entity", "entity"),
    Index("lot_not_active", "code", postgresql_where="state <> 'active'::text"),
)
"""`code`: product and number. `state`: active, suspended, withdrawn. `flagged`: so many movements
that cannot be, and that nobody has settled."""

lot_component = Table(
    "lot_component",
    metadata,
    Column("lot", Text(collation="C"), ForeignKey("lot.code"), primary_key=True),
    Column("position", Integer, primary_key=True),
    text("role"),
    Column("component", Text(collation="C"), ForeignKey("lot.code")),
    Column("maker", Text),
    Column("number", Text),
    Column("country", Text),
    Column("quantity", BigInteger),
    Index("lot_component_component", "component", postgresql_where="component IS NOT NULL"),
    Index("lot_component_number", "number", postgresql_where="number IS NOT NULL"),
)
"""What went into a lot: a lot of this register, `component`, or a supplier's."""

lot_movement = Table(
    "lot_movement",
    metadata,
    Column("number", Text, primary_key=True),
    Column("lot", Text(collation="C"), ForeignKey("lot.code"), nullable=False),
    text("what"),
    Column("quantity", BigInteger, nullable=False),
    time("happened"),
    Column("into", Text(collation="C"), ForeignKey("lot.code")),
    Column("document", Text),
    text("verdict"),
    Column("stands", Boolean, nullable=False),
    Column("settled", BigInteger),
    version(),
    Index("lot_movement_lot", "lot", "version"),
    Index("lot_movement_into", "into", postgresql_where='"into" IS NOT NULL'),
)
"""`stands`: it counts. `settled`: the act by which a person said so, or that it does not."""

lot_unpacked = Table(
    "lot_unpacked",
    metadata,
    Column("movement", Text, ForeignKey("lot_movement.number"), primary_key=True),
    Column("uii", Text(collation="C"), primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    text("fault"),
    Index("lot_unpacked_uii", "uii"),
)
"""Packages that were opened. `fault`: why one cannot have been; empty where it can."""
