"""Signed plans, the numbers that they issue, and what became of those that nobody claimed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8RANGE, ExcludeConstraint

from central.schema.base import metadata, now, text, time

plan = Table(
    "plan",
    metadata,
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("brought", Boolean, primary_key=True, server_default="false"),
    Column("epoch", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    now("signed"),
)
"""Every plan ever signed, as it was signed. `brought`: this database had forgotten it in a restore,
and its gateway brought it; `signed` is then when it came."""

block = Table(
    "block",
    metadata,
    Column("id", Text, primary_key=True),
    Column("space", Text, nullable=False),
    Column("span", INT8RANGE, nullable=False),
    Column("stream", BigInteger, ForeignKey("stream.id"), nullable=False),
    Column("order_code", Text),
    Column("plan_incarnation", BigInteger, nullable=False),
    Column("plan_version", BigInteger, nullable=False),
    now("issued"),
    Index("block_stream", "stream"),
    Index("block_order", "order_code"),
    ExcludeConstraint(("space", "="), ("span", "&&"), name="block_once", using="gist"),
)
"""Numbers given to one stream for one order, first named by that plan. `order_code` is null where
only a gateway's `accepted` record tells of the block after a restore. Of what a plan names that a
gateway brought, the restored database may have forgotten the order and the number space."""

loss = Table(
    "loss",
    metadata,
    Column("block", Text, ForeignKey("block.id"), primary_key=True),
    Column("span", INT8RANGE, primary_key=True),
    time("at"),
)
"""Numbers of a closed stream that no record had claimed when it was closed; never issued again."""

voided_block = Table(
    "voided_block",
    metadata,
    Column("block", Text, ForeignKey("block.id"), primary_key=True),
    text("cause"),
    time("at"),
)
"""Blocks that no plan names any more: what of them no record had claimed is void. `cause`: expired,
closed. A gateway that stands on an older plan may mark one all the same, and then it is void no
more."""

doubt = Table(
    "doubt",
    metadata,
    Column("order_code", Text, ForeignKey("orders.code"), primary_key=True),
    Column("space", Text, ForeignKey("number_space.name"), nullable=False),
    Column("number", BigInteger, primary_key=True),
    Column("component", Text, primary_key=True),
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    time("at"),
    Column("returned", DateTime(timezone=True)),
    text("reason"),
)
"""Further components of a number that a stream, when it ended, may have marked unreported: nobody
marks them before an officer has said that there is no such piece (`returned`, and why)."""

gateway_state = Table(
    "gateway_state",
    metadata,
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("boot_counter", BigInteger, nullable=False),
    Column("boot_nonce", Text, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("plan_incarnation", BigInteger),
    Column("plan_version", BigInteger),
    Column("seq", BigInteger),
    Column("committed", BigInteger),
    Column("latches", ARRAY(Text), nullable=False),
    time("at"),
)
"""What each gateway last said of itself on its `state` topic. Health, not evidence. `committed`: up
to which record the register confirmed its journal, as it claims."""
