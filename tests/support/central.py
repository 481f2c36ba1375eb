"""The whole centre for a test: embedded PostgreSQL, a broker, and central's real programs.

    with Centre.started() as centre:
        centre.standard()                       # entity, licence, product, an order at a gateway
        peer = Peer(centre, "gramsh.line-1")    # tests.support.peer

The state folder is not pytest's: run as root, PostgreSQL's own user has to reach it.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from central import embedded, keys
from simulators import broker
from tests.support import clusters, prefork
from tests.support.link import Link, MqttLink, Receive
from tests.support.registry import Registry
from tests.support.wait import wait_for


@dataclass
class Centre(Registry):
    """Addresses and processes. `programs` are the running ones by name."""

    folder: Path
    broker: broker.Broker
    http_port: int
    anew: bool = False
    programs: dict[str, prefork.Running] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def started(
        cls,
        *programs: str,
        lease_hours: int = 72,
        block_size: int = 200,
        bare: bool = False,
        anew: bool = False,
    ) -> Iterator["Centre"]:
        """Start database, broker, and `programs` (default: serve, plan, ingest-1, ingest-2).

        `bare`: no program, and a database that is empty. `anew`: programs import what they are made
        of, as on a machine, in the place of `tests.support.prefork`.
        """
        folder = clusters.state_folder()
        (embedded if bare else clusters).start(folder / "pg")
        centre = cls(folder, broker.start(folder / "broker"), broker.free_port(), anew)
        try:
            centre.configure(lease_hours=lease_hours, block_size=block_size)
            if not bare:
                keys.ensure(folder / "keys")
                keys.publish(folder / "keys")
                for name in programs or ("plan", "ingest-1", "ingest-2", "serve"):
                    centre.start(name)
            yield centre
        finally:
            centre.end()

    def configure(self, *, lease_hours: int, block_size: int) -> None:
        (self.folder / "central.toml").write_text(
            f'[database]\nurl = "{self.database}"\n'
            f'[broker]\nurl = "{self.broker.url}"\n'
            '[keys]\ndir = "keys"\n'
            f'[http]\nlisten = "127.0.0.1:{self.http_port}"\n'
            "[devices]\nenabled = true\n"
            f"[plan]\nlease_hours = {lease_hours}\nblock_size = {block_size}\n"
        )

    @property
    def database(self) -> str:
        return embedded.url(self.folder / "pg")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def link(self, gateway: str, receive: Receive) -> Link:
        return MqttLink(self.broker.port, gateway, receive)

    # --- programs ---------------------------------------------------------------------------

    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        """Run a command to its end; returns its standard output."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "central", command, "--state", str(self.folder)),
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def spawn(self, command: str) -> prefork.Running:
        """Start a command and do not wait; its output goes to a log."""
        return self._begin(command, command, "--state", str(self.folder))

    def start(self, name: str) -> prefork.Running:
        """Start a program: serve, plan, watch, scans, or ingest with any suffix (`ingest-2`)."""
        command = name.partition("-")[0]
        extra = ["--setup-file", str(self.folder / "setup")] if command == "serve" else []
        config = str(self.folder / "central.toml")
        self.programs[name] = self._begin(name, command, "--config", config, *extra)
        if command == "serve":
            wait_for("the web server", self._serves, 60)
        return self.programs[name]

    def _begin(self, name: str, *arguments: str) -> prefork.Running:
        with (self.folder / f"{name}.log").open("ab") as log:
            return prefork.start("central", *arguments, anew=self.anew, stdout=log, stderr=log)

    def _serves(self) -> bool:
        """Our own server, and not somebody else's on the same port."""
        assert self.programs["serve"].poll() is None, self.log("serve")
        return broker.answers(self.http_port)

    def setup_code(self) -> str:
        return self.setup_file().read_text().strip()

    def setup_file(self) -> Path:
        """Of a first start. Where the database was slow it comes after the server answers."""
        file = self.folder / "setup"
        wait_for("the first administrator's code", file.exists, 60)
        return file

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """End a program and return its exit code."""
        process = self.programs.pop(name)
        process.send_signal(number)
        return process.wait(30)

    def log(self, name: str = "") -> str:
        names = [name] if name else self.programs
        return "".join((self.folder / f"{each}.log").read_text() for each in names)

    def end(self) -> None:
        """End everything, and remove the folder."""
        self.halt()
        shutil.rmtree(self.folder)

    def halt(self) -> None:
        """End everything; the folder stays."""
        for process in self.programs.values():
            process.kill()
        for process in self.programs.values():
            process.wait(30)
        self.broker.kill()
        embedded.stop(self.folder / "pg", immediate=True)
