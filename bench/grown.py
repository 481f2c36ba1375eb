"""Generated registers on disk, each with a database of its own, kept for the next time."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from central import config as configuration
from central import db, embedded, keys
from central.config import Config

MADE = "generated.json"
"""Written last: a folder without it was broken off."""


@dataclass(frozen=True)
class Register:
    """One with about so many marks, running; `told`: what `generate` said of it."""

    folder: Path
    config: Config
    engine: Engine
    told: dict[str, Any]

    @property
    def url(self) -> str:
        return self.config.database.url

    @classmethod
    @contextmanager
    def of(cls, marks: int, state: Path | None = None) -> Iterator["Register"]:
        """Generated unless it stands in the folder (default: one of the temporary folder) already.

        Its database is brought to the newest schema, and stopped afterwards.
        """
        folder = (state or Path(tempfile.gettempdir()) / f"gjurma-register-{marks}").resolve()
        if state is None and not (folder / MADE).exists():
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        if not (folder / "central.toml").exists():
            _configure(folder)
        try:
            run(folder, "migrate")
            if not (folder / MADE).exists():
                told = run(folder, "generate", "--items", str(marks), "--json")
                (folder / MADE).write_text(told)
            config = configuration.load(folder / "central.toml")
            engine = db.make_engine(config)
            yield cls(folder, config, engine, json.loads((folder / MADE).read_text()))
            engine.dispose()
        finally:
            embedded.stop(folder / "pg")

    def client_url(self) -> str:
        return f"http://{self.config.http.listen}"


def run(folder: Path, command: str, *arguments: str) -> str:
    """A command of the register's, to its end; its standard output. Raises CalledProcessError."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "central", command, "--state", str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def _configure(folder: Path) -> None:
    """Ports of its own, so that two of them may run at once."""
    port = 20_000 + int(hashlib.sha256(str(folder).encode()).hexdigest(), 16) % 10_000
    (folder / "central.toml").write_text(
        f'[database]\nurl = "{embedded.url(folder / "pg")}"\n'
        '[broker]\nurl = "mqtt://127.0.0.1:1"\n'
        '[keys]\ndir = "keys"\n'
        f'[http]\nlisten = "127.0.0.1:{port}"\n'
    )
    keys.ensure(folder / "keys")
    keys.publish(folder / "keys")
