"""What the tables have in common."""

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text, func

metadata = MetaData()


def now(name: str) -> Column[object]:
    """A time that the database gives."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def time(name: str) -> Column[object]:
    """A time that an act or a message gives."""
    return Column(name, DateTime(timezone=True), nullable=False)


def version() -> Column[int]:
    """The id of the act that changed the row last."""
    return Column("version", BigInteger, nullable=False)


def text(name: str, default: str | None = None) -> Column[str]:
    """Never null."""
    return Column(name, Text, nullable=False, server_default=default)
