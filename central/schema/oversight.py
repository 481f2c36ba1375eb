"""What the registry looks at and what it imposes: inspections, their measures, sanctions."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from central.schema.base import metadata, text, time, version

inspection = Table(
    "inspection",
    metadata,
    Column("number", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    Column("site", Text),
    text("kind"),
    time("planned_for"),
    Column("inspectors", ARRAY(Text), nullable=False),
    Column("checklist", JSONB, nullable=False),
    Column("follows", Text, ForeignKey("inspection.number")),
    text("state"),
    text("reason"),
    Column("begun", DateTime(timezone=True)),
    Column("ended", DateTime(timezone=True)),
    Column("findings", ARRAY(Text), nullable=False),
    time("created"),
    version(),
    Index("inspection_entity", "entity"),
)
"""`state`: planned, begun, found, closed, cancelled. `checklist`: [{text, result, remark}]."""

measure = Table(
    "measure",
    metadata,
    Column("inspection", Text, ForeignKey("inspection.number"), primary_key=True),
    Column("number", Integer, primary_key=True),
    text("text"),
    time("deadline"),
    Column("done", DateTime(timezone=True)),
    text("remark"),
)
"""What an inspection ordered. Overdue is one that is not done past its `deadline`."""

sanction = Table(
    "sanction",
    metadata,
    Column("number", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    text("kind"),
    Column("inspection", Text, ForeignKey("inspection.number")),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("licences", ARRAY(Text), nullable=False),
    Column("until", DateTime(timezone=True)),
    text("basis"),
    text("state"),
    text("reason"),
    time("imposed"),
    Column("lifted", DateTime(timezone=True)),
    version(),
    Index("sanction_entity", "entity"),
)
"""`state`: imposed, lifted. `licences`: those that it suspended or revoked."""
