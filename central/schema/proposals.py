"""What somebody has proposed that needs a second person, and what became of that."""

from sqlalchemy import Column, DateTime, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from central.schema.base import metadata, text, time, version

proposal = Table(
    "proposal",
    metadata,
    Column("number", Text, primary_key=True),
    text("kind"),
    text("key"),
    Column("payload", JSONB, nullable=False),
    Column("effect", JSONB, nullable=False),
    text("account"),
    text("person"),
    text("role"),
    Column("entity", Text),
    text("state"),
    time("until"),
    time("created"),
    Column("decided", DateTime(timezone=True)),
    text("decided_by"),
    text("remark"),
    version(),
    Index("proposal_open", "until", postgresql_where="state = 'open'::text"),
)
"""`payload` is what was asked for, whole, and `effect` what it would have done when it was.
`account` and `person` propose it, in that role and for that entity. `state`: open, confirmed,
declined, withdrawn; one whose time has run out is open past `until`."""
