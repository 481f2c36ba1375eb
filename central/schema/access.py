"""Accounts, tokens, what they prove themselves with, and answers that are given again."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text
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
"""`kind`: password (argon2), token and setup (SHA-256). No act says what they are, and none is
needed to rebuild the state: they are given anew."""

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
