"""Alerts, what is sent of them, and how far the register was looked at."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSONB

from central.schema.base import metadata, text, time, version

alert = Table(
    "alert",
    metadata,
    Column("number", Text, primary_key=True),
    text("rule"),
    text("severity"),
    text("about"),
    Column("subject", Text(collation="C"), nullable=False),
    text("cause"),
    Column("facts", JSONB, nullable=False),
    text("state"),
    text("reason"),
    Column("opened", BigInteger, nullable=False),
    time("raised"),
    Column("escalations", Integer, nullable=False),
    Column("acknowledged", DateTime(timezone=True)),
    Column("acknowledged_by", Text),
    Column("resolved", DateTime(timezone=True)),
    Column("resolved_by", Text),
    version(),
    Index(
        "alert_once", "rule", "subject", unique=True, postgresql_where="state <> 'resolved'::text"
    ),
    Index("alert_opened", "opened"),
    Index("alert_unresolved", "opened", postgresql_where="state <> 'resolved'::text"),
    Index("alert_event", sql_text("split_part(cause, ' ', 1)")),
    Index("alert_rule", "rule", "opened"),
    Index("alert_state", "state", "opened"),
    Index("alert_severity", "severity", "opened"),
    Index("alert_subject", "subject"),
    Index(
        "alert_unheeded",
        "raised",
        postgresql_where="state = ANY (ARRAY['raised'::text, 'escalated'::text])",
    ),
)
"""`number`: the rule, and a digest of the rule, the subject and the cause. `about`: what kind of
subject it is. `state`: raised, escalated, acknowledged, resolved. `opened`: the act that raised
it."""

delivery = Table(
    "delivery",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("alert", Text, ForeignKey("alert.number"), nullable=False),
    text("occasion"),
    text("channel"),
    text("target"),
    time("created"),
    time("due"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent", DateTime(timezone=True)),
    Column("given_up", DateTime(timezone=True)),
    UniqueConstraint("alert", "occasion", "channel", "target"),
    Index("delivery_due", "due", postgresql_where="(sent IS NULL) AND (given_up IS NULL)"),
)
"""One message to one address. `occasion`: raised, escalated-1, … `channel`: mail, webhook."""

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("delivery", BigInteger, ForeignKey("delivery.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    time("at"),
    Column("delivered", Boolean, nullable=False),
    text("answer"),
)

watched = Table(
    "watched",
    metadata,
    Column("source", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""Up to which act and which batch the rules have looked."""
