"""Who is excluded, and what was decided on entities whose names are like theirs."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Table, Text

from central.schema.base import metadata, text, time, version

exclusion = Table(
    "exclusion",
    metadata,
    Column("number", Text, primary_key=True),
    text("kind"),
    text("name"),
    Column("tax_number", Text),
    Column("ncage", Text),
    Column("personal_number", Text),
    Column("passport_number", Text),
    text("ground"),
    text("legal_basis"),
    time("valid_from"),
    Column("valid_until", DateTime(timezone=True)),
    text("state"),
    text("reason"),
    time("created"),
    version(),
    Index("exclusion_tax_number", "tax_number"),
    Index("exclusion_ncage", "ncage"),
)
"""`kind`: entity, person. `ground`: violation, national-security. `state`: active, lifted; one that
is over is active past `valid_until`, which is null where it is open-ended."""

screening = Table(
    "screening",
    metadata,
    Column("entity", Text, ForeignKey("entity.code"), primary_key=True),
    Column("exclusion", Text, ForeignKey("exclusion.number"), primary_key=True),
    text("entity_name"),
    text("exclusion_name"),
    text("state"),
    Column("excludes", Boolean, nullable=False),
    text("decided_by"),
    text("reason"),
    time("created"),
    version(),
    Index("screening_state", "state"),
)
"""`state`: undecided, same, different, unlike. `excludes`: the last decision was that both are the
same; it holds while the pair is asked of again. The names are those that this is about."""
