"""Accounts, tokens, what they prove themselves with, and answers that are given again."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from central.schema.base import metadata, now, text, time, version

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    text("person"),
    Column("entity", Text, ForeignKey("entity.code")),
    Column("roles", ARRAY(Text), nullable=False),
    text("state"),
    time("created"),
    version(),
)

identity = Table(
    "identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Index("identity_account", "account"),
)
"""By whom an agency's sign-on lets somebody in as which account."""

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    text("role"),
    text("purpose"),
    time("until"),
    Column("revoked", DateTime(timezone=True)),
    time("created"),
    version(),
)

credential = Table(
    "credential",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    text("hash"),
    now("kept"),
    Index("credential_hash", "kind", "hash"),
)
"""`kind`: password (argon2); token, setup, half, known and recovery (SHA-256). No act says what
they are, and none is needed to rebuild the state: they are given anew."""

second_factor = Table(
    "second_factor",
    metadata,
    Column("account", Text, ForeignKey("account.name"), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("confirmed", DateTime(timezone=True)),
    Column("step", BigInteger, nullable=False),
)
"""An authenticator's secret, encrypted, and the last step of thirty seconds whose code was used. It
counts once it is confirmed by a code."""

seen = Table(
    "seen",
    metadata,
    Column("token", Text, primary_key=True),
    time("at"),
    text("address"),
    text("agent"),
)
"""When a session last asked for anything, from where and with which browser; no act says it."""

answered = Table(
    "answered",
    metadata,
    Column("account", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    text("body"),
    text("etag"),
    now("at"),
    Index("answered_at", "at"),
)
"""What was answered to a request with an idempotency key; `request` is its SHA-256."""
