"""The hot path: streams, batches, records, and what follows from them of items."""

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text

from central.schema.base import metadata, text, time

stream = Table(
    "stream",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    text("gateway"),
    Column("epoch", BigInteger, nullable=False),
    Column("committed", BigInteger, nullable=False, server_default="0"),
    Column("head", LargeBinary, nullable=False),
    text("state", "live"),
    Column("previous_head", LargeBinary, nullable=False),
    Column("boot_counter", BigInteger),
    Column("boot_nonce", Text),
    Column("plan_incarnation", BigInteger),
    Column("plan_version", BigInteger),
    text("reason"),
    time("opened"),
    Column("ended", DateTime(timezone=True)),
    UniqueConstraint("gateway", "epoch"),
)
"""`gateway`: a gateway, or a device. `id` is that of the act that enrolled it. `state`: live,
forked, two-of-me, closed. `plan_*` name the last `accepted` up to `committed`."""

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
    time("received"),
    Column("leaf_base", BigInteger),
    UniqueConstraint("stream", "first"),
    Index("batch_unsequenced", "id", postgresql_where="leaf_base IS NULL"),
    Index("batch_received", "received"),
)
"""`first` is the first record stored: the signed header may begin earlier, where it overlapped."""

record = Table(
    "record",
    metadata,
    Column("batch", BigInteger, ForeignKey("batch.id"), primary_key=True),
    Column("pos", Integer, primary_key=True),
    text("type"),
    Column("at", DateTime(timezone=True)),
    text("verdict"),
    Index("record_unlatched", "batch", "pos", postgresql_where="type = 'unlatched'::text"),
)
"""seq = batch.first + pos. `type` and `at` are '' and null where the bytes say neither.
`verdict`: ok, or a code of `central.ingest.rules`."""

item = Table(
    "item",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("uii", Text(collation="C"), nullable=False),
    text("component"),
    Column("elements", Text(collation="C"), nullable=False),
    text("state"),
    Column("read_ok", Boolean, nullable=False),
    Column("remark", Boolean, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("duplicated", Boolean, nullable=False),
    text("basis"),
    text("order_code"),
    Column("space", Text),
    Column("number", BigInteger),
    Column("serial", Text(collation="C"), nullable=False),
    Column("changed", BigInteger, nullable=False),
    text("readback", "each"),
    Column("sample", Text),
    Column("disputed", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("uii", "component"),
    UniqueConstraint("elements", "component"),
    Index("item_order_uii", "order_code", "uii"),
    Index("item_order_id", "order_code", "id"),
    Index("item_amiss", "state", "id", postgresql_where="state <> 'good'"),
    Index("item_serial", "serial"),
    Index("item_uii_folded", sql_text("translate(upper(uii), 'OI ', '01')")),
    Index("item_serial_folded", sql_text("translate(upper(serial), 'OI ', '01')")),
    Index("item_changed", "changed"),
    Index("item_sample", "sample", postgresql_where="sample IS NOT NULL"),
    Index("item_not_good", "order_code", postgresql_where="state <> 'good'"),
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
which its present mark is read back, `sample` the group that this mark has joined.
`disputed`: one of two branches of a journal announced its number, and nobody has found one piece
that bears it."""

claim = Table(
    "claim",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("item", BigInteger, ForeignKey("item.id"), nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("pos", Integer, nullable=False),
    text("order_code"),
    Column("space", Text),
    Column("number", BigInteger),
    Column("fresh", Boolean, nullable=False),
    Column("quantity", BigInteger),
    text("station", ""),
    Index("claim_item", "item"),
    Index("claim_number", "space", "number"),
    Index("claim_batch", "batch", "pos"),
    Index("claim_stream_item", "stream", "item"),
)
"""Every mark of an intent that asserts an item; `fresh` when it spends a number of a block.
`quantity`: of a package, so many pieces are in it as the mark says. `station`: where it was made,
as its record says."""

about = Table(
    "about",
    metadata,
    Column("item", BigInteger, ForeignKey("item.id"), primary_key=True),
    Column("batch", BigInteger, primary_key=True),
    Column("pos", Integer, primary_key=True),
    Index("about_batch", "batch", "pos"),
)
"""Every later record that says something of an item: marked, verified, settled, corrected."""

sample_group = Table(
    "sample_group",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", BigInteger, ForeignKey("stream.id"), nullable=False),
    text("station"),
    text("order_code"),
    Column("size", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    text("state"),
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
    text("of_gateway"),
    Column("of_epoch", BigInteger, nullable=False),
    Column("of_seq", BigInteger, nullable=False),
    Column("of_position", SmallInteger, nullable=False),
    Column("heard", Boolean, nullable=False),
    Index("waiting_of", "of_gateway", "of_epoch", "of_seq"),
)
"""Reads and decisions of another stream's mark that came too early. `heard`: the mark is known by
now, and what became of it is not."""

sighting = Table(
    "sighting",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("batch", BigInteger, ForeignKey("batch.id"), nullable=False),
    Column("block", Text, ForeignKey("block.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Index("sighting_block", "block", "number"),
    Index("sighting_batch", "batch"),
)
"""A number that a gateway's reader read on a part when no record had claimed it. `position`: which
code of the record. Once a record claims the number, this says nothing any more."""

disputed_mark = Table(
    "disputed_mark",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("held", Boolean, primary_key=True),
    Column("uii", Text(collation="C"), primary_key=True),
    Column("component", Text, primary_key=True),
    text("serial"),
    text("order_code"),
    text("station"),
    Column("space", Text),
    Column("number", BigInteger),
    text("found", ""),
    Index("disputed_mark_uii", "uii"),
    Index("disputed_mark_number", "space", "number"),
)
"""A mark that one branch of a journal announced after it had gone on in two places. `held`: by the
branch that the register holds; a mark of the other one has no claim here. `found`: the pieces that
two people found with its number: one, two, none; empty while nobody has said."""

refusal = Table(
    "refusal",
    metadata,
    Column("stream", BigInteger, ForeignKey("stream.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    text("code"),
    text("detail"),
    Column("resolved", DateTime(timezone=True)),
    Index("refusal_open", "stream", "seq", postgresql_where="resolved IS NULL"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    text("gateway"),
    time("received"),
    text("reason"),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    text("detail", ""),
    UniqueConstraint("gateway", "reason", "sha256"),
    Index("evidence_received", "gateway", "reason", "received"),
)
"""What could not be stored as a batch, whole. The same bytes for the same reason stand once."""
