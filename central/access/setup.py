"""The code that opens the first account, offered while there is none."""

import logging
import secrets
import threading
import time
from collections.abc import Callable

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from central.access import accounts, passwords

log = logging.getLogger(__name__)

RETRY_S = 1.0


def offer(engine: Engine, tell: Callable[[str], None]) -> None:
    """Tell a fresh code if nobody has an account. It is kept nowhere else.

    Each server that starts has a code of its own; all are good until there is an account.

    While the database is away nobody can know that: the server starts all the same, since its pages
    say what is wrong, and the code is told once the database is back.
    """
    if not _offered(engine, tell):
        log.warning("the database is away; whether there is an account is asked when it is back")
        threading.Thread(target=_offer_later, args=(engine, tell), daemon=True).start()


def _offer_later(engine: Engine, tell: Callable[[str], None]) -> None:
    while not _offered(engine, tell):
        time.sleep(RETRY_S)


def _offered(engine: Engine, tell: Callable[[str], None]) -> bool:
    """False while the database is away."""
    try:
        with engine.begin() as connection:
            if not accounts.nobody(connection):
                return True
            code = passwords.fresh_secret()
            passwords.keep_secret(connection, passwords.SETUP, secrets.token_hex(8), code)
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.OperationalError):
            raise
        return False
    tell(code)
    return True
