"""What tests need beside Python: the one list of Debian packages, and which of it is missing here.

    python -m tests.needs install   as root: installs what is missing
    python -m tests.needs missing   prints the end of pytest's -m expression that leaves out
                                    what cannot run here, and says on standard error what and why

A test names its need with a marker, as in `@pytest.mark.needs_mosquitto`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
POSTGRES = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Need:
    """A marker, what it stands for, the programs that show it is there, and its packages."""

    marker: str
    what: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]

    def missing(self) -> tuple[str, ...]:
        """The programs that are not on this machine."""
        return tuple(name for name in self.programs if find_program(name) is None)


NEEDS = (
    Need(
        "needs_mosquitto",
        "the Mosquitto broker",
        ("mosquitto",),
        ("mosquitto",),
    ),
    Need(
        "needs_postgres_server",
        "a PostgreSQL server of the system",
        ("initdb", "postgres"),
        ("postgresql",),
    ),
    Need("needs_curl", "curl and jq", ("curl", "jq"), ("curl", "jq")),
    Need("needs_mbpoll", "mbpoll, another Modbus master", ("mbpoll",), ("mbpoll",)),
    Need("needs_ser2net", "ser2net, a serial server", ("ser2net",), ("ser2net",)),
    Need(
        "needs_browser",
        "the Chromium browser, and the same without windows",
        ("chromium", "chromium-headless-shell", "fc-list"),
        ("chromium", "chromium-headless-shell", "fontconfig", "fonts-dejavu-core"),
    ),
)


def find_program(name: str) -> str | None:
    """Where a program lies, or None. PostgreSQL's are not on Debian's PATH: the newest is taken."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        servers = sorted(POSTGRES.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
        found = str(servers[-1]) if servers else None
    return found


def missing_packages(needs: Iterable[Need]) -> list[str]:
    return [package for need in needs if need.missing() for package in need.packages]


def install() -> int:
    """Install what is missing with apt-get; only root can, and only where there is apt-get."""
    packages = missing_packages(NEEDS)
    if not packages or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return 0
    print(f"tests: installing Debian packages: {' '.join(packages)}", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            print(f"tests: {' '.join(command)} failed", file=sys.stderr)
            return 1
    return 0


def missing() -> int:
    """Print ` and not <marker>` for each need that is not met."""
    lacking = [need for need in NEEDS if need.missing()]
    for need in lacking:
        print(
            f"tests: left out: those marked {need.marker} ({need.what}); not found: "
            f"{', '.join(need.missing())}",
            file=sys.stderr,
        )
    if lacking:
        print(
            f"tests: on Debian: sudo apt-get install {' '.join(missing_packages(lacking))}",
            file=sys.stderr,
        )
    print("".join(f" and not {need.marker}" for need in lacking))
    return 0


def main(arguments: list[str]) -> int:
    commands = {"install": install, "missing": missing}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    return commands[arguments[0]]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
