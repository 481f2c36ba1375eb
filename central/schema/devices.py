"""Devices that scan, what the register made of each scan, and how far it has come."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from central.schema.base import metadata, text, time, version

device = Table(
    "device",
    metadata,
    Column("name", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    Column("place", Text, ForeignKey("place.code"), nullable=False),
    text("state"),
    text("reason"),
    time("created"),
    version(),
    Index("device_entity", "entity"),
    Index("device_place", "place"),
)
"""`name`: also that of its streams, and no gateway's. `state`: active, inactive."""

scan = Table(
    "scan",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    text("what"),
    Column("at", DateTime(timezone=True)),
    Column("event", Text),
    text("verdict"),
    text("detail"),
    Column("strange", ARRAY(Text), nullable=False),
    version(),
    Index("scan_version", "version"),
)
"""What became of a record that scans: the event that it is, or why it is none. `verdict`: ok,
flagged, or a code of `central.scans`. `strange`: codes that name nothing the register could know.
"""

concluded = Table(
    "concluded",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which of a stream's records the scans were judged."""
