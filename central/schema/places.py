"""Places: an entity's sites, and the stores, bays, lines and stations below them."""

from sqlalchemy import Column, Double, ForeignKey, Index, Table, Text

from central.schema.base import metadata, text, time, version

place = Table(
    "place",
    metadata,
    Column("code", Text, primary_key=True),
    text("kind"),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    Column("parent", Text, ForeignKey("place.code")),
    text("name"),
    Column("gateway", Text, ForeignKey("gateway.name"), unique=True),
    text("state"),
    text("reason"),
    time("created"),
    version(),
    Column("latitude", Double),
    Column("longitude", Double),
    Index("place_entity", "entity"),
    Index("place_parent", "parent"),
)
"""`kind`: site, store, bay, line, station. `state` is the place's own: one that is below an
inactive place, or of an inactive entity, counts as inactive. `gateway`: the one that works on a
line. `latitude`, `longitude` of a site, in degrees (WGS 84)."""
