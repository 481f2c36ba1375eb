"""What goes from whom to whom, and each article of it."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from central.schema.base import metadata, text, time, version

consignment = Table(
    "consignment",
    metadata,
    Column("number", Text, primary_key=True),
    text("direction"),
    Column("licence", Text, ForeignKey("licence.number"), nullable=False),
    Column("transport_licence", Text, ForeignKey("licence.number")),
    Column("sender", Text, ForeignKey("entity.code")),
    Column("recipient", Text, ForeignKey("entity.code")),
    Column("carrier", Text, ForeignKey("entity.code")),
    Column("end_user", Text, ForeignKey("entity.code")),
    Column("outsiders", JSONB, nullable=False),
    Column("certificate", JSONB(none_as_null=True)),
    Column("route", JSONB, nullable=False),
    time("planned_dispatch"),
    time("planned_arrival"),
    text("state"),
    text("fault"),
    text("reason"),
    time("created"),
    version(),
    Index("consignment_sender", "sender"),
    Index("consignment_recipient", "recipient"),
    Index("consignment_carrier", "carrier"),
    Index("consignment_state", "state", "number"),
    Index("consignment_direction", "direction", "number"),
    Index("consignment_arrival", "planned_arrival", "number"),
    Index(
        "consignment_on_the_way",
        "planned_arrival",
        postgresql_where="state IN ('reported', 'dispatched')",
    ),
)
"""`direction`: domestic, export, import, transit. `state`: reported, dispatched, received, closed,
cancelled. `outsiders`: by role, who is no entity: {name, country, ncage, tax_number}."""

consignment_article = Table(
    "consignment_article",
    metadata,
    Column("consignment", Text, ForeignKey("consignment.number"), primary_key=True),
    Column("code", Text(collation="C"), primary_key=True),
    Column("within", Text(collation="C")),
    Column("listed", Boolean, nullable=False),
    text("state"),
    Column("dispatched", Text),
    Column("received", Text),
    Column("resolution", Text),
    text("remark"),
    Index("consignment_article_code", "code"),
    Index(
        "consignment_article_difference",
        "consignment",
        postgresql_where="resolution IS NULL AND (state = 'short' OR NOT listed)",
    ),
)
"""`state`: awaited, dispatched, received, short. `dispatched`, `received`: the events that told
it. `resolution` is null while nobody has said what became of what differs."""
