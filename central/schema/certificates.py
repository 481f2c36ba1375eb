"""Certificates, and the items that each names."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, Table, Text

from central.schema.base import metadata, text, time, version

certificate = Table(
    "certificate",
    metadata,
    Column("number", Text, primary_key=True),
    text("kind"),
    Column("entity", Text, ForeignKey("entity.code"), nullable=False),
    Column("issuer", Text, ForeignKey("entity.code")),
    Column("institution", Text),
    Column("product", Text, ForeignKey("product.code")),
    Column("lot", Text),
    text("result"),
    text("sampling"),
    time("issued"),
    Column("valid_until", DateTime(timezone=True)),
    text("document"),
    text("remark"),
    text("state"),
    text("reason"),
    time("created"),
    version(),
    Index("certificate_product", "product", "lot"),
    Index("certificate_entity", "entity"),
)
"""`kind`: type-approval, acceptance, proof-test. `entity`: whose product it is about. Either
`issuer`, an entity of the register, or `institution`, a name, says who issued it. `document`: its
SHA-256 in hex. `state`: issued, withdrawn."""

certificate_item = Table(
    "certificate_item",
    metadata,
    Column("certificate", Text, ForeignKey("certificate.number"), primary_key=True),
    Column("uii", Text(collation="C"), primary_key=True),
    Index("certificate_item_uii", "uii"),
)
