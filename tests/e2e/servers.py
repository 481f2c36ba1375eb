"""Debian's Mosquitto with the files of deploy/mosquitto, and a PostgreSQL cluster of its own."""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from simulators.broker import Broker, answers, free_port
from tests.e2e.certificates import Authority, Certificate
from tests.needs import find_program

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
INSTALLED = "/etc/mosquitto/gjurma"
"""Where docs/deployment.md puts the certificates and the access list."""


def _program(name: str) -> str:
    found = find_program(name)
    assert found is not None, f"{name} is not installed"
    return found


def _own(folder: Path, user: str) -> None:
    """A server that root starts works under a user of its own, which reads its folder."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid)


class Mosquitto(Broker):
    """The shipped configuration as it is, but for its folder and the two ports.

    `url` is the gateways' listener, `central_url` the register's. `kill` is a power cut, `run`
    begins again with what the disk holds.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.command = [_program("mosquitto"), "-c", str(folder / "mosquitto.conf")]
        self.central_port = free_port()
        folder.mkdir()
        self.gateways = Authority.new(folder, "gateways-ca")
        self.central = Authority.new(folder, "central-ca")
        self.central.server("broker", "127.0.0.1")
        shutil.copy(DEPLOY / "gjurma.acl", folder / "gjurma.acl")
        text = (DEPLOY / "gjurma.conf").read_text()
        for shipped, ours in (
            (f"{INSTALLED}/", f"{folder}/"),
            ("listener 8883\n", f"listener {self.port} 127.0.0.1\n"),
            ("listener 8884 127.0.0.1\n", f"listener {self.central_port} 127.0.0.1\n"),
        ):
            assert shipped in text
            text = text.replace(shipped, ours)
        (folder / "conf.d").mkdir()
        (folder / "conf.d" / "gjurma.conf").write_text(text)
        # What Debian's own mosquitto.conf says, in our folder.
        (folder / "mosquitto.conf").write_text(
            f"pid_file {folder}/mosquitto.pid\n"
            "persistence true\n"
            f"persistence_location {folder}/\n"
            "log_dest stderr\n"
            f"include_dir {folder}/conf.d\n"
        )
        _own(folder, "mosquitto")

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"

    @property
    def central_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.central_port}"

    def trust(self, own: Certificate) -> dict[str, str]:
        """The settings of a client: whom it trusts, and its own certificate."""
        return {"ca": str(self.central.ca), "cert": str(own.cert), "key": str(own.key)}

    def forget(self) -> None:
        """Lose what the disk holds of sessions and retained messages; it must not run."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)

    def run(self) -> None:
        super().run()
        self.wait_until(lambda: answers(self.central_port))


@dataclass
class PostgreSQL:
    """A cluster in `folder` on a free loopback port; never the machine's own."""

    folder: Path
    port: int
    url: str = field(default="", repr=False)

    @classmethod
    def started(cls, folder: Path) -> "PostgreSQL":
        """Passwords alone let in; the database's owner is no superuser, as deployment.md says."""
        server = cls(folder, free_port())
        folder.mkdir(mode=0o700)
        administrator, owner = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        file = folder.with_suffix(".password")
        file.touch(mode=0o600)
        file.write_text(administrator + "\n")
        _own(folder, "postgres")
        _own(file, "postgres")
        server._run(
            *("initdb", "-D", str(folder), "-U", "postgres", f"--pwfile={file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
        )
        file.unlink()
        server.start()
        made = f"postgresql://postgres:{administrator}@127.0.0.1:{server.port}/postgres"
        with psycopg.connect(made, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE gjurma LOGIN CREATEROLE PASSWORD {}").format(owner)
            )
            connection.execute("CREATE DATABASE gjurma OWNER gjurma")
        server.url = f"postgresql://gjurma:{owner}@127.0.0.1:{server.port}/gjurma"
        return server

    def start(self) -> None:
        """Start it, also after a crash: what a killed server leaves behind ends by itself."""
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} "
            f"-c unix_socket_directories={self.folder}"
        )
        self._run(
            *("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "server.log")),
            *("-o", options, "start"),
        )

    @property
    def pid(self) -> int:
        """The postmaster's process. Raises OSError while there is none."""
        return int((self.folder / "postmaster.pid").read_text().split(maxsplit=1)[0])

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder), "-w", "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(
            [_program(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe: the server would keep it
            stderr=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, f"{name} {arguments[-1]} ended with {done.returncode}"
