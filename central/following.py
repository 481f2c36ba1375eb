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
    database was lost. `only_one` is the advisory lock that a second program waits for;
    `meanwhile`: what is so while the database is away."""
    down = False
    while not stopping.is_set():
        try:
            with db.connect(config, autocommit=True) as listener:
                if down:
                    log.info("the database is back")
                down = False
                while not stopping.is_set() and not _is_alone(listener, only_one):
                    stopping.wait(RETRY_S)
                for channel in channels:
                    listener.execute(f"LISTEN {channel}")
                work(listener)
        except (psycopg.OperationalError, DBAPIError, DatabaseUnavailable) as error:
            if not down:
                log.warning("the database is away; %s: %s", meanwhile, error)
            down = True
            stopping.wait(RETRY_S)


def _is_alone(listener: psycopg.Connection[Any], lock: int) -> bool:
    row = listener.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone()
    return row is not None and bool(row[0])
