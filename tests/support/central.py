"""The whole centre for a test: embedded PostgreSQL, a broker, and central's real programs.

    with Centre.started() as centre:
        centre.standard()                       # entity, licence, product, an order at a gateway
        peer = Peer(centre, "gramsh.line-1")    # tests.support.peer

The state folder is not pytest's: run as root, PostgreSQL's own user has to reach it.
"""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from central import embedded, keys
from simulators.broker import Broker, answers, free_port
from simulators.demo.processes import Child, Spawn, spawn
from tests.support import clusters, prefork
from tests.support.command import completed
from tests.support.link import Link, MqttLink, Receive
from tests.support.registry import Registry
from tests.support.wait import wait_for


@dataclass
class Centre(Registry):
    """Addresses and processes. `programs` are the running ones by name."""

    folder: Path
    broker: Broker
    http_port: int
    starter: Spawn = prefork.spawn
    programs: dict[str, Child] = field(default_factory=dict)

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
        starter = spawn if anew else prefork.spawn
        centre = cls(folder, Broker(folder / "broker"), free_port(), starter)
        try:
            centre.broker.run()
            centre.configure(lease_hours=lease_hours, block_size=block_size)
            if not bare:
                keys.ensure(folder / "keys")
                keys.publish(folder / "keys")
                for name in programs or ("plan", "ingest-1", "ingest-2", "serve"):
                    centre.start(name)
            yield centre
        finally:
            centre.end()

    def configure(self, *, lease_hours: int = 72, block_size: int = 200) -> None:
        """Write the configuration: for its owner alone, since a URL may hold a password."""
        file = self.folder / "central.toml"
        file.touch(mode=0o600)
        broker = "".join(f'{key} = "{value}"\n' for key, value in self.broker_settings.items())
        file.write_text(
            f'[database]\nurl = "{self.database}"\n'
            f"[broker]\n{broker}"
            '[keys]\ndir = "keys"\n'
            f'[http]\nlisten = "127.0.0.1:{self.http_port}"\n'
            "[devices]\nenabled = true\n"
            f"[plan]\nlease_hours = {lease_hours}\nblock_size = {block_size}\n"
        )

    @property
    def broker_settings(self) -> dict[str, str]:
        """What the configuration of the register's programs says of the broker."""
        return {"url": self.broker.url}

    @property
    def database(self) -> str:
        return embedded.url(self.folder / "pg")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def admit(self, gateway: str) -> dict[str, str]:
        """What a gateway's configuration says of the broker, beside its address."""
        return {}

    def link(self, gateway: str, receive: Receive) -> Link:
        return MqttLink(self.broker.port, gateway, receive)

    # --- programs ---------------------------------------------------------------------------

    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        """Run a command to its end; returns its standard output."""
        own = [sys.executable, "-m", "central", command, "--state", str(self.folder)]
        done = completed(*own, *arguments)
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def child(self, name: str, module: str, *arguments: str, log: Path, **more: Any) -> Child:
        """Return a program of ours, not yet started."""
        command = [sys.executable, "-m", module, *arguments]
        return Child(name, command, log, spawn=self.starter, **more)

    def spawn(self, command: str) -> Child:
        """Start a command and do not wait; its output goes to a log."""
        child = self._program(command, command, "--state", str(self.folder))
        child.start()
        return child

    def start(self, name: str) -> Child:
        """Start a program: serve, plan, watch, scans, or ingest with any suffix (`ingest-2`)."""
        command = name.partition("-")[0]
        extra = ["--setup-file", str(self.folder / "setup")] if command == "serve" else []
        config = str(self.folder / "central.toml")
        child = self._program(name, command, "--config", config, *extra)
        child = self.programs.setdefault(name, child)
        child.start()
        if command == "serve":
            child.wait_until(lambda: answers(self.http_port))
        return child

    def _program(self, name: str, *arguments: str) -> Child:
        return self.child(name, "central", *arguments, log=self.folder / f"{name}.log")

    def setup_code(self) -> str:
        return self.setup_file().read_text().strip()

    def setup_file(self) -> Path:
        """Of a first start. Where the database was slow it comes after the server answers."""
        file = self.folder / "setup"
        wait_for("the first administrator's code", file.exists, 60)
        return file

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """End a program and return its exit code."""
        return self.programs.pop(name).end(number)

    def log(self, name: str = "") -> str:
        names = [name] if name else self.programs
        return "".join((self.folder / f"{each}.log").read_text() for each in names)

    def end(self) -> None:
        """End everything, and remove the folder."""
        self.halt()
        shutil.rmtree(self.folder)

    def halt(self) -> None:
        """End everything; the folder stays."""
        for program in self.programs.values():
            program.kill()
        self.broker.kill()
        embedded.stop(self.folder / "pg", immediate=True)
