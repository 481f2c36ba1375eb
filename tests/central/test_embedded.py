"""The embedded PostgreSQL: started once by whoever comes first, again after a kill, anywhere."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from central import embedded
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is too long for a Unix socket."""
    state = Path(tempfile.mkdtemp(prefix="gjurma-test-"))
    state.chmod(0o711)
    deep = state / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    yield deep / "pg"
    embedded.stop(deep / "pg", immediate=True)
    shutil.rmtree(state)


def test_three_start_it_at_once_and_it_survives_a_kill(folder: Path) -> None:
    program = (
        "from pathlib import Path; from central import embedded;"
        f" embedded.start(Path({str(folder)!r}))"
    )
    started = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    with psycopg.connect(embedded.url(folder), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        ((listen, permissions),) = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_permissions')"
        ).fetchall()
    assert (listen, permissions) == ("", "0700")
    os.kill(int((folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    wait_for("its end", lambda: not embedded.is_up(folder))
    embedded.start(folder)
    with psycopg.connect(embedded.url(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(0,)]
    embedded.stop(folder)
    embedded.stop(folder)
    assert not embedded.is_up(folder)
