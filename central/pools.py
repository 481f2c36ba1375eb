"""The web server's connections to the database: pools that do not wait for each other.

Requests that wait in one pool keep no request of another pool waiting, and no more of them wait
than the server has threads for. A request that gets no connection in time, and a statement that
takes too long or waits too long for a lock, end as `Busy`: 503 with `Retry-After`.
"""

import threading
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.pool import QueuePool

from central import db
from central.config import Config
from central.errors import Busy

STATEMENT_S = 30.0
"""A statement of a request ends after so many seconds."""
LOCK_S = 10.0
"""A statement waits so long for a lock that another transaction holds."""
CONNECTION_S = 5.0
"""A request waits so long for a connection."""
OF_WORK, OF_ENTRANCE, OF_PUBLIC, OF_DEVICES = 15, 6, 5, 6
"""Connections of each pool."""
WAITING = 2
"""So many requests may wait for each connection of a pool. A request that waits holds a thread."""
THREADS = 120
"""Threads of the web server: more than all requests that hold a connection or wait for one."""
_ALL_IN_USE = "all connections to the database are in use"


class _Bounded(QueuePool):
    """Raises `Busy` where no connection is free in time, or where too many wait already."""

    def __init__(self, creator: Any, pool_size: int = 1, max_overflow: int = 0, **more: Any):
        super().__init__(creator, pool_size, max_overflow, **more)
        self._waiting = threading.BoundedSemaphore(WAITING * (pool_size + max_overflow))

    def _do_get(self) -> Any:
        if not self._waiting.acquire(blocking=False):
            raise Busy(_ALL_IN_USE)
        try:
            return super()._do_get()
        except NoConnection as error:
            raise Busy(_ALL_IN_USE) from error
        finally:
            self._waiting.release()


@dataclass(frozen=True)
class Pools:
    """By who waits for them."""

    work: Engine
    """Who is signed in, and programs with a token."""
    entrance: Engine
    """Who signs in."""
    public: Engine
    """The public pages and the live stream: a few threads of ours for all that look."""
    devices: Engine
    """Gateways and devices: enrolment, batches and questions."""

    @classmethod
    def opened(cls, config: Config) -> Self:
        """They connect when they are first used."""
        return cls(
            work=_engine(config, OF_WORK),
            entrance=_engine(config, OF_ENTRANCE),
            public=_engine(config, OF_PUBLIC),
            devices=_engine(config, OF_DEVICES),
        )

    def dispose(self) -> None:
        """Close the idle connections."""
        for engine in self.all():
            engine.dispose()

    def all(self) -> tuple[Engine, ...]:
        return (self.work, self.entrance, self.public, self.devices)


def _engine(config: Config, connections: int) -> Engine:
    engine = db.make_engine(
        config,
        poolclass=_Bounded,
        pool_size=1,
        max_overflow=connections - 1,
        pool_timeout=CONNECTION_S,
    )

    @event.listens_for(engine, "connect")
    def _limit(connection: psycopg.Connection[Any], _record: Any) -> None:
        for setting, seconds in (("statement_timeout", STATEMENT_S), ("lock_timeout", LOCK_S)):
            connection.execute(f"SET {setting} = {seconds * 1000:.0f}".encode())
        connection.commit()

    return engine
