"""The subjects of the register: who may mark what, and what was done to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from central.schema.base import metadata, text, time, version

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    text("value"),
)
"""`incarnation` (seconds), `restored` (`true` once a restore was declared)."""

act = Table(
    "act",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    time("at"),
    text("subject"),
    text("key"),
    text("what"),
    Column("payload", JSONB, nullable=False),
    text("account"),
    text("role"),
    text("reason"),
    text("basis"),
    text("second", ""),
    Index("act_subject", "subject", "key", "id"),
)
"""What was done to a subject, by which account in which role, why, and on what legal basis or
document; `second`: the account of who confirmed it, where it needs two. The ids are in the order of
their commits. Append-only."""

entity = Table(
    "entity",
    metadata,
    Column("code", Text, primary_key=True),
    text("name"),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("ncage", Text, unique=True),
    Column("tax_number", Text, unique=True),
    Column("gs1_prefix", Text, unique=True),
    text("state"),
    text("reason"),
    time("created"),
    version(),
)
"""`state`: active, inactive."""

licence = Table(
    "licence",
    metadata,
    Column("number", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    text("state"),
    time("valid_from"),
    time("valid_until"),
    text("reason"),
    time("created"),
    version(),
    Column("activities", ARRAY(Text), nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("products", ARRAY(Text), nullable=False),
    Column("quantities", JSONB, nullable=False),
    Column("conditions", ARRAY(Text), nullable=False),
    Column("sites", ARRAY(Text), nullable=False),
    Column("suspensions", JSONB, nullable=False),
    Index("licence_entity", "entity"),
)
"""`state`: applied, refused, active, suspended, revoked. Expired is active past `valid_until`.

`quantities`: [{product or category, most}]. `suspensions` that stand: [{sanction, until}]."""

number_space = Table(
    "number_space",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", BigInteger, nullable=False, server_default="1"),
)

product = Table(
    "product",
    metadata,
    Column("code", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    text("model"),
    text("calibre", ""),
    text("kind"),
    Column("components", JSONB, nullable=False),
    Column("template", JSONB, nullable=False),
    Column("space", Text, ForeignKey("number_space.name"), nullable=False),
    time("created"),
    Column("tray", Integer),
    version(),
    Column("nsn", Text),
    Column("category", Text),
    Column("country", Text),
    text("lot_format"),
    text("state"),
    text("reason"),
    Index("product_entity", "entity"),
)
"""`components`: [{name, symbol, job}]; all of them must be good before a number is. `lot_format`:
free, mil-std-1168c. `state`: active, withdrawn."""

orders = Table(
    "orders",
    metadata,
    Column("code", Text, primary_key=True),
    Column("product", Text, ForeignKey("product.code"), nullable=False),
    Column("licence", Text, ForeignKey("licence.number"), nullable=False),
    text("kind"),
    Column("quantity", BigInteger, nullable=False),
    Column("contents", BigInteger),
    Column("lot", Text),
    text("job"),
    Column("template", JSONB, nullable=False),
    Column("components", JSONB, nullable=False),
    Column("verify", JSONB, nullable=False),
    Column("expect", JSONB, nullable=False),
    text("state"),
    text("reason"),
    time("created"),
    Column("tray", Integer),
    Column("imported", JSONB(none_as_null=True)),
    version(),
    Index("orders_product", "product"),
    Index("orders_licence", "licence"),
)
"""`state`: draft, released, paused, completed, closed, cancelled. A plan calls a paused order held,
a completed one finished. `imported`: {country, year, existing}, which the template's places for
them are filled with in the plan."""

gateway = Table(
    "gateway",
    metadata,
    Column("name", Text, primary_key=True),
    time("created"),
)

order_gateway = Table(
    "order_gateway",
    metadata,
    Column("order_code", Text, ForeignKey("orders.code"), primary_key=True),
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    Column("components", ARRAY(Text)),
    Column("reads", Boolean, nullable=False, server_default="false"),
    Column("block_size", Integer),
    Column("reserve", Integer),
)
"""`components`: those that the gateway marks, all where null. `reads`: it reads back what others
marked, where the order is verified elsewhere. `block_size` and `reserve`: how many numbers it holds
at once, and how few it comes down to before it is given more; the configuration's where null."""

person = Table(
    "person",
    metadata,
    Column("code", Text, primary_key=True),
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    text("badge", ""),
    text("pin", ""),
    text("proof"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("until", DateTime(timezone=True)),
    time("created"),
    version(),
)
"""`badge` and `pin` are hashes that a plan carries, and no act: `proof` is, SHA-256 of both."""


invitation = Table(
    "invitation",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    text("gateway"),
    text("reason"),
    time("expires"),
    Column("used", DateTime(timezone=True)),
    time("created"),
)
