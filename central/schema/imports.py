"""Imports of files, what was refused of them, and the stock that was marked before the register."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from central.schema.base import metadata, text, time, version

imports = Table(
    "imports",
    metadata,
    Column("number", Text, primary_key=True),
    text("kind"),
    text("file"),
    text("digest"),
    Column("size", BigInteger, nullable=False),
    text("state"),
    Column("line", Integer, nullable=False),
    Column("imported", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    text("reason"),
    time("created"),
    version(),
)
"""`kind`: articles, entities, lots. `state`: open, complete. `line`: the last dealt with."""

import_refusal = Table(
    "import_refusal",
    metadata,
    Column("import_number", Text, ForeignKey("imports.number"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    text("column"),
    text("code"),
    text("what"),
)
"""A cell that a row was refused for; `position` 0: the row as a whole."""

legacy = Table(
    "legacy",
    metadata,
    Column("code", Text(collation="C"), ForeignKey("article.code"), primary_key=True),
    text("inventory"),
    Column("keeper", Text, ForeignKey("entity.code"), nullable=False),
    text("maker"),
    text("model"),
    text("calibre"),
    text("marks"),
    Column("quantity", BigInteger),
    Column("year", Integer),
    Column("country", Text),
    Column("number", Text(collation="C")),
    Column("folded", Text(collation="C")),
    Column("doubled", Boolean, nullable=False),
    Column("import_number", Text, ForeignKey("imports.number"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("brought", BigInteger, nullable=False),
    version(),
    Index("legacy_inventory", "inventory"),
    Index("legacy_number", "number", postgresql_where="number IS NOT NULL"),
    Index("legacy_folded", "folded", postgresql_where="folded IS NOT NULL"),
    Index("legacy_doubled", "code", postgresql_where="doubled"),
    Index("legacy_import", "import_number", "line"),
)
"""What is on an article that the register never marked. `keeper` had it under `inventory` when it
was imported. `number`: how its serial or its lot looks. `folded`: equal for marks that could be
taken for the same; `doubled`: they are. `brought`: the act."""
