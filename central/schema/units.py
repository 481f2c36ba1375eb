"""Numbers that were given to units, and prints of their labels."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from central.schema.base import metadata, text, time, version

unit_series = Table(
    "unit_series",
    metadata,
    Column("prefix", Text(collation="C"), primary_key=True),
    text("scheme"),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    Column("next", BigInteger, nullable=False),
    version(),
)
"""`prefix`: what all its numbers begin with. `scheme`: sscc, licence-plate. `next`: a serial."""

unit_number = Table(
    "unit_number",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    Column("series", Text(collation="C"), ForeignKey("unit_series.prefix"), nullable=False),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    time("given"),
    version(),
    Index("unit_number_entity", "entity", "code"),
)
"""Each number once, whatever series it is of. Whether a unit carries it, `article` says."""

label_print = Table(
    "label_print",
    metadata,
    Column("number", Text, primary_key=True),
    Column("unit", Text(collation="C"), nullable=False),
    text("printer"),
    text("site"),
    Column("copies", Integer, nullable=False),
    text("language"),
    Column("dpmm", Integer, nullable=False),
    text("state"),
    text("said"),
    time("created"),
    version(),
    Index("label_print_unit", "unit", "created"),
)
"""`state`: asked, sent, failed, broken-off. `printer` and `site` as they were configured then."""
