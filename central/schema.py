"""The register's tables as SQLAlchemy Core sees them; `migrations` makes them.

A test compares both, so neither can drift. Heads, hashes and keys are raw bytes. Times carry a
zone. `act`, `batch`, `record`, `claim`, `about`, `evidence` and `plan` are append-only: the
programs' own role has no right to change or delete their rows (decision 0011). All else follows
from them (decision 0021). A `version` is the id of the act that changed the row last.
"""

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
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8RANGE, JSONB, ExcludeConstraint

metadata = MetaData()


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _version() -> Column[int]:
    return Column("version", BigInteger, nullable=False)


def _text(name: str, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    _text("value"),
)
"""`incarnation` (seconds), `restored` (`true` once a restore was declared)."""

# --- subjects: who may mark what ------------------------------------------------------------

entity = Table(
    "entity",
    metadata,
    Column("code", Text, primary_key=True),
    _text("name"),
    Column("ncage", Text, unique=True),
    Column("created", DateTime(timezone=True), nullable=False),
    _version(),
)

licence = Table(
    "licence",
    metadata,
    Column("number", Text, primary_key=True),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    _text("state"),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_until", DateTime(timezone=True), nullable=False),
    _text("reason"),
    Column("created", DateTime(timezone=True), nullable=False),
    _version(),
)
"""`state`: active, suspended, revoked. Expired is active past `valid_until`."""

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
    _text("model"),
    _text("calibre", ""),
    _text("kind"),
    Column("components", JSONB, nullable=False),
    Column("template", JSONB, nullable=False),
    Column("space", Text, ForeignKey("number_space.name"), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("tray", Integer),
    _version(),
)
"""`components`: [{name, symbol, job}]; all of them must be good before a number is."""

orders = Table(
    "orders",
    metadata,
    Column("code", Text, primary_key=True),
    Column("product", Text, ForeignKey("product.code"), nullable=False),
    Column("licence", Text, ForeignKey("licence.number"), nullable=False),
    _text("kind"),
    Column("quantity", BigInteger, nullable=False),
    Column("contents", BigInteger),
    Column("lot", Text),
    _text("job"),
    Column("template", JSONB, nullable=False),
    Column("components", JSONB, nullable=False),
    Column("verify", JSONB, nullable=False),
    Column("expect", JSONB, nullable=False),
    _text("state"),
    _text("reason"),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("tray", Integer),
    _version(),
)
"""`state`: released, held. A plan calls an order finished or suspended; no row does."""

gateway = Table(
    "gateway",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created", DateTime(timezone=True), nullable=False),
)

order_gateway = Table(
    "order_gateway",
    metadata,
    Column("order_code", Text, ForeignKey("orders.code"), primary_key=True),
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    Column("components", ARRAY(Text)),
    Column("reads", Boolean, nullable=False, server_default="false"),
)
"""`components`: those that the gateway marks, all where null. `reads`: it reads back what others
marked, where the order is verified elsewhere."""

person = Table(
    "person",
    metadata,
    Column("code", Text, primary_key=True),
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    _text("badge"),
    _text("pin"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("created", DateTime(timezone=True), nullable=False),
    _version(),
)

act = Table(
    "act",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    _text("subject"),
    _text("key"),
    _text("what"),
    Column("payload", JSONB, nullable=False),
    _text("account"),
    _text("role"),
    _text("reason"),
    _text("basis"),
    Index("act_subject", "subject", "key", "id"),
)
"""What was done to a subject, by which account in which role, why, and on what legal basis or
document. The ids are in the order of their commits. Append-only."""

invitation = Table(
    "invitation",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("gateway", Text, ForeignKey("gateway.name"), nullable=False),
    _text("reason"),
    Column("expires", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True)),
    Column("created", DateTime(timezone=True), nullable=False),
)

# --- access: who may do what ------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    _text("person"),
    Column("entity", Text, ForeignKey("entity.code")),
    Column("roles", ARRAY(Text), nullable=False),
    _text("state"),
    Column("created", DateTime(timezone=True), nullable=False),
    _version(),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    _text("role"),
    _text("purpose"),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("revoked", DateTime(timezone=True)),
    Column("created", DateTime(timezone=True), nullable=False),
    _version(),
)

credential = Table(
    "credential",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    _text("hash"),
    _now("kept"),
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
    _text("body"),
    _text("etag"),
    _now("at"),
    Index("answered_at", "at"),
)
"""What was answered to a request with an idempotency key; `request` is its SHA-256."""

# --- the hot path ---------------------------------------------------------------------------

stream = Table(
    "stream",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("gateway", Text, ForeignKey("gateway.name"), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("committed", BigInteger, nullable=False, server_default="0"),
    Column("head", LargeBinary, nullable=False),
    _text("state", "live"),
    Column("previous_head", LargeBinary, nullable=False),
    Column("boot_counter", BigInteger),
    Column("boot_nonce", Text),
    Column("plan_incarnation", BigInteger),
    Column("plan_version", BigInteger),
    _text("reason"),
    Column("opened", DateTime(timezone=True), nullable=False),
    Column("ended", DateTime(timezone=True)),
    UniqueConstraint("gateway", "epoch"),
)
"""`id` is that of the act that enrolled it. `state`: live, forked, two-of-me, closed. `plan_*` name
the last `accepted` up to `committed`."""

stream_key = Table(
    "stream_key",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger),
)
"""A key signs the records `from_seq` to `to_seq`, both included; open when null."""

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("stream", BigInteger, ForeignKey("stream.id"), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("sig", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("leaf_base", BigInteger),
    UniqueConstraint("stream", "first"),
    Index("batch_unsequenced", "id", postgresql_where="leaf_base IS NULL"),
)
"""`first` is the first record stored: the signed header may begin earlier, where it overlapped."""

record = Table(
    "record",
    metadata,
    Column("batch", BigInteger, ForeignKey("batch.id"), primary_key=True),
    Column("pos", Integer, primary_key=True),
    _text("type"),
    Column("at", DateTime(timezone=True)),
    _text("verdict"),
)
"""seq = batch.first + pos. `type` and `at` are '' and null where the bytes say neither.
`verdict`: ok, or a code of `central.ingest.rules`."""

item = Table(
    "item",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("uii", Text(collation="C"), nullable=False),
    _text("component"),
    Column("elements", Text(collation="C"), nullable=False),
    _text("state"),
    Column("read_ok", Boolean, nullable=False),
    Column("remark", Boolean, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("duplicated", Boolean, nullable=False),
    _text("basis"),
    _text("order_code"),
    Column("space", Text),
    Column("number", BigInteger),
    Column("serial", Text(collation="C"), nullable=False),
    Column("changed", BigInteger, nullable=False),
    _text("readback", "each"),
    Column("sample", Text),
    UniqueConstraint("uii", "component"),
    UniqueConstraint("elements", "component"),
    Index("item_order_state", "order_code", "state"),
    Index("item_serial", "serial"),
    Index("item_changed", "changed"),
    Index("item_sample", "sample", postgresql_where="sample IS NOT NULL"),
    Index(
        "item_unread",
        "order_code",
        "changed",
        postgresql_where="readback = 'elsewhere' AND state = 'marked' AND NOT read_ok",
    ),
)
"""One component that carries a number. `changed` is the batch that changed it last.
`state`: open, marked, good, rejected, unknown, voided, scrapped. `basis` of good: read, sample,
keyed, eye, accepted. `read_ok`: this component is good by itself; `good` needs its siblings too.
`remark` of a voided one: nothing was engraved, and another repeat may. `readback` is the mode by
which its present mark is read back, `sample` the group that this mark has joined."""

claim = Table(
    "claim",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("item", BigInteger, ForeignKey("item.id"), nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("pos", Integer, nullable=False),
    _text("order_code"),
    Column("space", Text),
    Column("number", BigInteger),
    Column("fresh", Boolean, nullable=False),
    Index("claim_item", "item"),
    Index("claim_number", "space", "number"),
    Index("claim_batch", "batch", "pos"),
)
"""Every mark of an intent that asserts an item; `fresh` when it spends a number of a block."""

about = Table(
    "about",
    metadata,
    Column("item", BigInteger, ForeignKey("item.id"), primary_key=True),
    Column("batch", BigInteger, primary_key=True),
    Column("pos", Integer, primary_key=True),
)
"""Every later record that says something of an item: marked, verified, settled, corrected."""

sample_group = Table(
    "sample_group",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", BigInteger, ForeignKey("stream.id"), nullable=False),
    _text("station"),
    _text("order_code"),
    Column("size", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    _text("state"),
    Index("sample_group_open", "stream", postgresql_where="state = 'open'"),
)
"""Parts of one station and order of which one is read for all. `id` is the first member's mark,
gateway/epoch/seq/position; `seq` and `position` name the newest one, the sample once it is closed.
`state`: open, closed, good, failed."""

waiting = Table(
    "waiting",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("batch", BigInteger, ForeignKey("batch.id"), nullable=False),
    _text("of_gateway"),
    Column("of_epoch", BigInteger, nullable=False),
    Column("of_seq", BigInteger, nullable=False),
    Column("of_position", SmallInteger, nullable=False),
    Column("heard", Boolean, nullable=False),
    Index("waiting_of", "of_gateway", "of_epoch", "of_seq"),
)
"""Reads and decisions of another stream's mark that came too early. `heard`: the mark is known by
now, and what became of it is not."""

refusal = Table(
    "refusal",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    _text("code"),
    _text("detail"),
    Column("resolved", DateTime(timezone=True)),
    Index("refusal_open", "stream", "seq", postgresql_where="resolved IS NULL"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _text("gateway"),
    Column("received", DateTime(timezone=True), nullable=False),
    _text("reason"),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    _text("detail", ""),
    UniqueConstraint("gateway", "reason", "sha256"),
)
"""What could not be stored as a batch, whole. The same bytes for the same reason stand once."""

# --- plans and numbers ----------------------------------------------------------------------

plan = Table(
    "plan",
    metadata,
    Column("gateway", Text, ForeignKey("gateway.name"), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _now("signed"),
)
"""Every plan ever signed, as it was signed."""

block = Table(
    "block",
    metadata,
    Column("id", Text, primary_key=True),
    Column("space", Text, ForeignKey("number_space.name"), nullable=False),
    Column("span", INT8RANGE, nullable=False),
    Column("stream", BigInteger, ForeignKey("stream.id"), nullable=False),
    Column("order_code", Text, ForeignKey("orders.code")),
    Column("plan_incarnation", BigInteger, nullable=False),
    Column("plan_version", BigInteger, nullable=False),
    _now("issued"),
    Index("block_stream", "stream"),
    Index("block_order", "order_code"),
    ExcludeConstraint(("space", "="), ("span", "&&"), name="block_once", using="gist"),
)
"""Numbers given to one stream for one order, first named by that plan. `order_code` is null where
only a gateway's `accepted` record tells of the block after a restore."""

loss = Table(
    "loss",
    metadata,
    Column("block", Text, ForeignKey("block.id"), primary_key=True),
    Column("span", INT8RANGE, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""Numbers of a closed stream that no record had claimed when it was closed; never issued again."""

doubt = Table(
    "doubt",
    metadata,
    Column("order_code", Text, ForeignKey("orders.code"), primary_key=True),
    Column("space", Text, ForeignKey("number_space.name"), nullable=False),
    Column("number", BigInteger, primary_key=True),
    Column("component", Text, primary_key=True),
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("returned", DateTime(timezone=True)),
    _text("reason"),
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
    Column("latches", ARRAY(Text), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""What each gateway last said of itself on its `state` topic. Health, not evidence."""
