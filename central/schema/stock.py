"""Counts of what lies at a place: what was expected, the tallies, and what came of each thing."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from central.schema.base import metadata, text, time, version

counts = Table(
    "counts",
    metadata,
    Column("number", Text, primary_key=True),
    Column("place", Text, ForeignKey("place.code"), nullable=False),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    text("kind"),
    Column("products", ARRAY(Text), nullable=False),
    Column("articles", ARRAY(Text), nullable=False),
    time("due"),
    text("state"),
    text("reason"),
    Column("places", ARRAY(Text), nullable=False),
    Column("opened", BigInteger),
    Column("moment", DateTime(timezone=True)),
    Column("first", Text),
    Column("second", Text),
    Column("people", ARRAY(Text), nullable=False),
    Column("first_handed", DateTime(timezone=True)),
    Column("second_handed", DateTime(timezone=True)),
    Column("compared", BigInteger),
    Column("ended", DateTime(timezone=True)),
    time("created"),
    version(),
    Index("counts_entity", "entity"),
    Index(
        "counts_running",
        "due",
        postgresql_where="state = ANY (ARRAY['planned'::text, 'open'::text, 'counted'::text])",
    ),
)
"""`kind`: full, product, spot. `state`: planned, open, counted, closed, cancelled. `places`: all
that was within when it was opened. `first`, `second`: the accounts whose tallies they are."""

count_scan = Table(
    "count_scan",
    metadata,
    Column("count_number", Text, ForeignKey("counts.number"), primary_key=True),
    Column("tally", SmallInteger, primary_key=True),
    Column("code", Text(collation="C"), primary_key=True),
    text("raw"),
    time("at"),
    Column("direct", Boolean, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("package", Text(collation="C")),
    Column("part", Boolean, nullable=False),
    text("marked"),
    version(),
)
"""What a tally saw: `raw` as it was read; without `direct`, what lay in a package that was scanned.
`marked`: of what no event told, good or doubtful; ambiguous. `part`: built into its `package`."""

count_article = Table(
    "count_article",
    metadata,
    Column("count_number", Text, ForeignKey("counts.number"), primary_key=True),
    Column("code", Text(collation="C"), primary_key=True),
    Column("expected", Boolean, nullable=False),
    Column("kind", Text),
    Column("product", Text),
    Column("lot", Text),
    Column("package", Text(collation="C")),
    Column("first", DateTime(timezone=True)),
    Column("second", DateTime(timezone=True)),
    Column("third", Boolean),
    text("result"),
    Column("event", Text),
    Column("oddity", Text),
    Column("disposition", Text),
    Column("holder", Text),
    Column("place", Text),
    Column("resolution", Text),
    Column("reference", Text),
    text("remark"),
    Index("count_article_code", "code"),
    Index(
        "count_article_difference",
        "count_number",
        postgresql_where="(resolution IS NULL) AND (result = ANY"
        " (ARRAY['missing'::text, 'unexpected'::text, 'disagreed'::text]))",
    ),
)
"""`result` is empty until it is compared. `disposition`, `holder`, `place`: as the register had it
then. `event`: what was told meanwhile and explains it. `reference`: the event or the import that
its resolution made or named."""

count_quantity = Table(
    "count_quantity",
    metadata,
    Column("count_number", Text, ForeignKey("counts.number"), primary_key=True),
    Column("key", Text(collation="C"), primary_key=True),
    text("product"),
    text("lot"),
    Column("articles", ARRAY(Text), nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("first", BigInteger),
    Column("second", BigInteger),
    Column("third", BigInteger),
    text("result"),
    Column("resolution", Text),
    text("remark"),
)
"""Loose pieces. `key`: how product and lot look. `articles`: the lots of the register that they
are."""
