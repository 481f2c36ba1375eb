"""PostgreSQL for tests: a server of its own for each, without making one anew each time.

Making one and bringing it to the newest schema takes seconds of a core, copying it a tenth of one.
So a process makes it once, stops it, and copies its folder for whoever asks. tests/e2e and
tests/central/test_upgrade.py go the whole way.
"""

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

from central import embedded
from central.migrations.run import upgrade


def state_folder() -> Path:
    """A temporary folder; not pytest's, since as root PostgreSQL's own user has to reach it."""
    folder = Path(tempfile.mkdtemp(prefix="gjurma-test-"))
    folder.chmod(0o711)
    return folder


def start(folder: Path) -> str:
    """A running server whose data lie in `folder`, with the newest schema; returns its URL."""
    subprocess.run(["cp", "-a", _model(), folder], check=True)
    return embedded.start(folder)


@contextmanager
def fresh_database() -> Iterator[str]:
    """A database with the newest schema on the server that this process shares; yields its URL."""
    server = _shared()
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, dbname="postgres", autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name} TEMPLATE {embedded.DATABASE}".encode())
        yield server.replace(f"/{embedded.DATABASE}?", f"/{name}?")
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def closed(url: str) -> Iterator[None]:
    """End the sessions of a database of the shared server, and let nobody in."""
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(_shared(), dbname="postgres", autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield
        owner.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


_numbers = count(1)


@cache
def _shared() -> str:
    """The URL of the one server, for as long as this process lasts. It does not flush to its disk:
    no power is cut under it."""
    folder = state_folder()
    url = start(folder / "pg")
    with psycopg.connect(url, dbname="postgres", autocommit=True) as owner:
        owner.execute("ALTER SYSTEM SET fsync = off")
        owner.execute("SELECT pg_reload_conf()")

    def end() -> None:
        embedded.stop(folder / "pg", immediate=True)
        shutil.rmtree(folder)

    atexit.register(end)
    return url


def dialect(url: str) -> str:
    """The URL as SQLAlchemy wants it."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@cache
def _model() -> Path:
    """A stopped one, for as long as this process lasts."""
    folder = state_folder()
    atexit.register(shutil.rmtree, folder)
    engine = create_engine(dialect(embedded.start(folder / "pg")))
    upgrade(engine)
    engine.dispose()
    embedded.stop(folder / "pg")
    return folder / "pg"
