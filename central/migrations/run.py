"""Brings a database to the newest schema; safe when two start at once, and when nothing is new."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Engine, text

LOCK = 0x676A7572  # any constant: whoever migrates this database takes the same one


def upgrade(engine: Engine) -> None:
    """Run what is missing in one transaction, under an advisory lock."""
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    alembic.attributes["configure_logger"] = False
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
