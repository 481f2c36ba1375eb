"""Connections to PostgreSQL, under the role that cannot rewrite the evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import errors as pg
from sqlalchemy import Engine, create_engine, event

from central.config import Config
from central.errors import Busy, DatabaseUnavailable

APP_ROLE = "gjurma_app"


class Disposable(Protocol):
    """An engine, or several."""

    def dispose(self) -> None:
        """Close the idle connections."""


E = TypeVar("E", bound=Disposable)


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


def make_engine(config: Config, **pool: Any) -> Engine:
    """An engine whose every connection works under the programs' role. `pool`: as SQLAlchemy's
    `create_engine` takes it."""
    engine = owner_engine(config, **pool)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        _enter_role(connection)

    return engine


def owner_engine(config: Config, **pool: Any) -> Engine:
    """An engine under the configured user itself: migrations only."""
    url = config.database.url.replace("postgres://", "postgresql://", 1)
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        hide_parameters=True,  # an error that is logged tells the statement, and no hash or name
        connect_args={"connect_timeout": 5, "application_name": "gjurma"},
        **pool,
    )


@contextmanager
def disposing(engine: E) -> Iterator[E]:
    """Yield the engine, and close its idle connections at the end of the block."""
    try:
        yield engine
    finally:
        engine.dispose()


def unavailable(error: BaseException | None) -> DatabaseUnavailable:
    """What an operational error of PostgreSQL or of the driver means for the caller."""
    if isinstance(error, pg.QueryCanceled | pg.LockNotAvailable):
        return Busy("a statement took too long, or waited too long for another transaction")
    return DatabaseUnavailable((str(error).strip() or "no answer").splitlines()[0])


def _enter_role(connection: psycopg.Connection[Any]) -> None:
    """SET ROLE outlives the transaction only when it is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,))
        if cursor.fetchone() is not None:
            cursor.execute(f"SET ROLE {APP_ROLE}")
    if not connection.autocommit:
        connection.commit()
