"""Follows the database's notifications as the one program of its kind, through losses of it."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from central import db
from central.config import Config
from central.errors import DatabaseUnavailable

RETRY_S = 1.0


def follow(
    config: Config,
    work: Callable[[psycopg.Connection[Any]], None],
    *,
    only_one: int,
    channels: Iterable[str],
    stopping: threading.Event,
    log: logging.Logger,
    meanwhile: str,
) -> None:
    """Call `work` with a connection that hears the channels, until `stopping`; again where the
    database was lost. `only_one` is the advisory lock that a second program waits for: it ends with
    the connection, and `work` calls `ensure_alone` before what must be done once. `meanwhile`: what
    is so while the database is away."""
    down = waiting = False
    while not stopping.is_set():
        try:
            with db.connect(config, autocommit=True) as listener:
                if down:
                    log.info("the database is back")
                down = False
                while not stopping.is_set() and not _is_alone(listener, only_one):
                    if not waiting:
                        log.info("another program of this kind is at work; waiting")
                    waiting = True
                    stopping.wait(RETRY_S)
                waiting = False
                if stopping.is_set():
                    return
                for channel in channels:
                    listener.execute(f"LISTEN {channel}")
                work(listener)
        except (psycopg.OperationalError, DBAPIError, DatabaseUnavailable) as error:
            if not down:
                away = db.is_away(error)
                what = "the database is away" if away else "the database refuses a statement"
                log.warning("%s; %s: %s", what, meanwhile, error)
            down = True
            stopping.wait(RETRY_S)


def ensure_alone(listener: psycopg.Connection[Any]) -> None:
    """Ask over the connection that holds the lock. Raises `psycopg.OperationalError` where that is
    gone: another program may hold the lock by now."""
    listener.execute("SELECT 1")


def _is_alone(listener: psycopg.Connection[Any], lock: int) -> bool:
    row = listener.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone()
    return row is not None and bool(row[0])
