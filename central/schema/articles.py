"""Articles through their life: where each is, and the events that led there."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy import text as sql_text

from central.schema.base import metadata, text, time, version

article = Table(
    "article",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    text("kind"),
    text("disposition"),
    Column("holder", Text, ForeignKey("entity.code"), nullable=False),
    Column("place", Text, ForeignKey("place.code")),
    Column("package", Text(collation="C"), ForeignKey("article.code")),
    Column("component", Text),
    Column("producer", Text, ForeignKey("entity.code")),
    Column("product", Text, ForeignKey("product.code")),
    Column("order_code", Text),
    Column("lot", Text),
    Column("serial", Text(collation="C")),
    Column("disputed", Boolean, nullable=False),
    time("since"),
    version(),
    Index("article_holder", "holder", "code"),
    Index("article_producer", "producer", "code"),
    Index("article_at", "place", "code", postgresql_where="place IS NOT NULL"),
    Index("article_in", "package", "code", postgresql_where="package IS NOT NULL"),
    Index("article_order", "order_code", "code", postgresql_where="order_code IS NOT NULL"),
    Index("article_product", "product", "code", postgresql_where="product IS NOT NULL"),
    Index("article_lot", "lot", "code", postgresql_where="lot IS NOT NULL"),
    Index(
        "article_component",
        "package",
        "component",
        unique=True,
        postgresql_where="component IS NOT NULL",
    ),
    Index("article_disposition", "disposition", "code"),
    Index("article_kind", "kind", "code"),
    Index(
        "article_unit_folded",
        sql_text("translate(upper(code), 'OI ', '01')"),
        postgresql_where="kind = 'unit'",
    ),
    Index("article_disputed", "code", postgresql_where="disputed"),
)
"""`kind`: item, unit, legacy, legacy-lot. A marked item of which no event tells has no row: it is
commissioned, at its producer. `disposition`: see `central.register.articles.models`."""

event = Table(
    "event",
    metadata,
    Column("number", Text, primary_key=True),
    text("what"),
    time("happened"),
    Column("reporter", Text, ForeignKey("entity.code")),
    Column("place", Text, ForeignKey("place.code")),
    Column("holder", Text, ForeignKey("entity.code")),
    Column("package", Text(collation="C")),
    Column("component", Text),
    Column("consignment", Text, ForeignKey("consignment.number")),
    Column("document", Text),
    text("reason"),
    Column("articles", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    time("created"),
    version(),
    Index("event_version", "version"),
    Index("event_what", "what", "version"),
    Index("event_reporter", "reporter", "version"),
    Index("event_built_in", "package", postgresql_where="component IS NOT NULL"),
    Index("event_consignment", "consignment", postgresql_where="consignment IS NOT NULL"),
)
"""`articles`: how many it befell, those in packages included; `flagged`: how many of them it cannot
have befallen."""

event_article = Table(
    "event_article",
    metadata,
    Column("article", Text(collation="C"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("event", Text, nullable=False),
    Column("within", Boolean, nullable=False),
    text("verdict"),
    text("before"),
    text("after"),
    Index("event_article_event", "event", "article"),
)
"""What an event made of an article. `before` and `after`: its dispositions; empty where the
register does not know it."""
