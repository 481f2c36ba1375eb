"""Golden files: the files that a version's programs left on disks, and how to open them.

`tests/golden/README.md` describes the folders.
"""

import gzip
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from central import embedded
from tests.crash.site import Site
from tests.support.central import Centre

FOLDER = Path(__file__).parent
GATEWAY = "golden.line-1"
PHONE = "depo.telefon-1"
CENTRAL_PROGRAMS = ("plan", "ingest-1", "scans", "serve")
ROLES = "CREATE ROLE gjurma_app NOLOGIN;\nGRANT gjurma_app TO CURRENT_USER;\n"
"""Create the role of the programs: a dump of one database does not contain roles."""


@dataclass(frozen=True)
class Golden:
    """The golden files of one version."""

    folder: Path

    @property
    def version(self) -> str:
        return self.folder.name

    @property
    def gateway(self) -> Path:
        """The stopped gateway's folder."""
        return self.folder / "gateway"

    @property
    def central(self) -> Path:
        """The keys and the issue guard of central."""
        return self.folder / "central"

    @property
    def dump(self) -> Path:
        """The register's database: plain SQL, compressed by gzip."""
        return self.folder / "central" / "register.sql.gz"

    @property
    def phone(self) -> Path:
        """The databases of the warehouse app in a browser, as JSON."""
        return self.folder / "phone.json"

    @property
    def signed(self) -> Path:
        """Signed messages as they travelled, and `keys.json`: by kind, the public key in hex."""
        return self.folder / "signed"

    @property
    def configuration(self) -> Path:
        """A central.toml and a gateway.toml with every section."""
        return self.folder / "configuration"


def released() -> list[Golden]:
    """Return the golden files of every version, oldest first."""
    folders = [path for path in FOLDER.iterdir() if path.name[0].isdigit()]
    folders.sort(key=lambda path: [int(part) for part in path.name.split(".")])
    return [Golden(path) for path in folders]


# --- the database ---------------------------------------------------------------------------


def dump(centre: Centre, path: Path) -> None:
    """Write the register's database."""
    done = subprocess.run(
        [embedded.binaries() / "pg_dump", "--no-owner", centre.database],
        capture_output=True,
        check=True,
    )
    # Without a time in the head, so that the same content gives the same file.
    path.write_bytes(gzip.compress(ROLES.encode() + done.stdout, mtime=0))


def load(centre: Centre, path: Path) -> None:
    """Load the register's database into an empty server."""
    subprocess.run(
        [embedded.binaries() / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-d", centre.database],
        input=gzip.decompress(path.read_bytes()),
        stdout=subprocess.DEVNULL,
        check=True,
    )


# --- whole machines -------------------------------------------------------------------------


@contextmanager
def restored_centre(golden: Golden) -> Iterator[Centre]:
    """Start a centre on the golden database and keys: migrated, with its programs running."""
    with Centre.started(bare=True) as centre:
        load(centre, golden.dump)
        for name in ("keys", "guard"):
            shutil.copytree(golden.central / name, centre.folder / name)
        for key in (centre.folder / "keys").glob("*.key"):
            key.chmod(0o600)  # git keeps no mode
        centre.run("migrate")
        for name in CENTRAL_PROGRAMS:
            centre.start(name)
        yield centre


@contextmanager
def restored_site(golden: Golden, centre: Centre) -> Iterator[Site]:
    """Prepare the golden gateway with new devices; the gateway itself is not started."""
    with closing(Site(centre, GATEWAY)) as site:
        copy_gateway(golden.gateway, site.folder)
        site.start_devices()
        site.configure()
        yield site


def copy_gateway(source: Path, target: Path) -> None:
    """Copy the files of a stopped gateway: its journals, keys, guard and configuration."""
    for name in ("journal", "guard"):
        shutil.copytree(source / name, target / name, ignore=_of_runs)
    shutil.copy(source / "gateway.toml", target)


def _of_runs(folder: str, names: list[str]) -> list[str]:
    """Return the files that only a running gateway needs: sockets, locks, reserved space."""
    return [
        name
        for name in names
        if name.endswith((".lock", ".reserve")) or not (Path(folder) / name).is_file()
    ]


# --- configurations -------------------------------------------------------------------------


def assert_read(written: Path, config: BaseModel) -> None:
    """Assert that the configuration has every value of the file that it was loaded from."""
    for key, value in _leaves(tomllib.loads(written.read_text())):
        found: Any = config
        for part in key:
            found = getattr(found, part) if isinstance(found, BaseModel) else found[part]
        if isinstance(found, Path):
            assert found == (written.parent / str(value)).resolve(), key
        else:
            assert found == value, key


def _leaves(value: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*key, index))
    else:
        yield key, value


def assert_whole(config: BaseModel) -> None:
    """Assert that the file had every key of every section."""
    missing = type(config).model_fields.keys() - config.model_fields_set
    assert not missing, f"{type(config).__name__}: {sorted(missing)} are not in the file"
    for value in vars(config).values():
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                assert_whole(inner)


def total_size(folder: Path) -> int:
    """Return the size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
