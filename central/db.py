"""Connections to PostgreSQL, under the role that cannot rewrite the evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event

from central.config import Config
from central.errors import DatabaseUnavailable

APP_ROLE = "gjurma_app"


def connect(config: Config, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A psycopg connection for the hot path. Raises `DatabaseUnavailable`."""
    try:
        connection = psycopg.connect(
            config.database.url, autocommit=autocommit, connect_timeout=5, application_name="gjurma"
        )
        _enter_role(connection)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip().splitlines()[0]) from error
    return connection


def make_engine(config: Config) -> Engine:
    """An engine whose every connection works under the programs' role."""
    engine = owner_engine(config)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        _enter_role(connection)

    return engine


def owner_engine(config: Config) -> Engine:
    """An engine under the configured user itself: migrations only."""
    url = config.database.url.replace("postgres://", "postgresql://", 1)
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        hide_parameters=True,  # an error that is logged tells the statement, and no hash or name
        connect_args={"connect_timeout": 5, "application_name": "gjurma"},
    )


@contextmanager
def disposing(engine: Engine) -> Iterator[Engine]:
    """Yield the engine, and close its idle connections at the end of the block."""
    try:
        yield engine
    finally:
        engine.dispose()


def _enter_role(connection: psycopg.Connection[Any]) -> None:
    """SET ROLE outlives the transaction only when it is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,))
        if cursor.fetchone() is not None:
            cursor.execute(f"SET ROLE {APP_ROLE}")
    if not connection.autocommit:
        connection.commit()
