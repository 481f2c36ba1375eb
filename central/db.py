"""Connections to PostgreSQL, under the role that cannot rewrite the evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from central.config import Config
from central.errors import Busy, DatabaseUnavailable

APP_ROLE = "gjurma_app"
LIVENESS = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""As libpq names them. A connection whose other end is gone without a word fails after 25 s, and
not after the operating system's two hours. The URL of the configuration goes before them."""
_SERVER_LIVENESS = (
    "SELECT set_config('tcp_keepalives_idle', '10', false),"
    " set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false),"
    " set_config('tcp_user_timeout', '25000', false)"
)
"""The same at the server's end, which holds the locks of a program that is gone."""
_AWAY = ("08", "25006", "25P03", "53", "55", "57", "58")
"""Beginnings of SQLSTATE that may pass by themselves: of the connection, a server that only reads,
a transaction that the server ended, resources, operators and the system."""


class Disposable(Protocol):
    """An engine, or several."""

    def dispose(self) -> None:
        """Close the idle connections."""


E = TypeVar("E", bound=Disposable)


def connect(config: Config, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A psycopg connection for the hot path. Raises `DatabaseUnavailable`."""
    try:
        connection = psycopg.connect(
            config.database.url,
            autocommit=autocommit,
            connect_timeout=5,
            application_name="gjurma",
            **_liveness(config),
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
        connect_args={"connect_timeout": 5, "application_name": "gjurma", **_liveness(config)},
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
    if error is not None and collided(error):
        return Busy("another transaction took the same rows")
    return DatabaseUnavailable((str(error).strip() or "no answer").splitlines()[0])


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached, or cannot work now. Any other one
    comes again with the same statement."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate.startswith(_AWAY)
    return isinstance(
        error, DatabaseUnavailable | psycopg.OperationalError | psycopg.InterfaceError
    )


def may_pass(error: BaseException) -> bool:
    """Whether the same statements may succeed later: the database is away, or another transaction
    came first."""
    return is_away(error) or collided(error)


def collided(error: BaseException) -> bool:
    """Whether another transaction took the same rows, so that this one was broken off."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(original, pg.DeadlockDetected | pg.SerializationFailure)


def described(error: Exception) -> str:
    """Return an error's type and text, in one line that PostgreSQL can store."""
    text = f"{type(error).__name__}: {error}".encode(errors="replace").decode()
    return " ".join(text.replace("\x00", " ").split())[:300]


def _liveness(config: Config) -> dict[str, Any]:
    said = conninfo_to_dict(config.database.url)
    return {name: value for name, value in LIVENESS.items() if name not in said}


def _enter_role(connection: psycopg.Connection[Any]) -> None:
    """SET ROLE and the settings outlive the transaction only when it is committed."""
    with connection.cursor() as cursor:
        cursor.execute(_SERVER_LIVENESS)
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,))
        if cursor.fetchone() is not None:
            cursor.execute(f"SET ROLE {APP_ROLE}")
    if not connection.autocommit:
        connection.commit()
