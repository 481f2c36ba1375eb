"""PostgreSQL for tests: a server of its own for each, without making one anew each time.

Making one and bringing it to the newest schema takes seconds of a core, copying it a tenth of one.
So a process makes it once, stops it, and copies its folder for whoever asks. tests/e2e and
tests/central/test_upgrade.py go the whole way.
"""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

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
