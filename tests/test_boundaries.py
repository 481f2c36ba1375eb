"""Who may import whom: import-linter's contracts hold, and each of them can break."""

import ast
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("bench", "conformance", "drivers", "gateway", "central", "simulators")

VIOLATIONS = {
    "drivers/planted.py": "import gateway.contract.errors",
    "drivers/planted_family/__init__.py": "",
    "drivers/planted_family/codec.py": "import time",
    "drivers/planted_family/driver.py": "",
    "gateway/planted.py": "import central",
    "gateway/journal.py": "import gateway.agent",
    "gateway/agent.py": "",
    "gateway/contract/planted.py": "import serial",
    "gateway/design/__init__.py": "import fastapi",
    "central/planted.py": "import gateway.journal",
    "central/ingest/__init__.py": "",
    "central/register/__init__.py": "import central.ingest",
    "simulators/planted.py": "import drivers.planted_family.driver",
    "simulators/planted_program.py": "import gateway.agent",
    "simulators/planted_kit.py": "import conformance",
    "conformance/planted.py": "import gateway.journal",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [linter, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_each_contract_can_break(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "gateway/contract").mkdir()
    for name in ("__init__.py", "errors.py"):
        (tmp_path / "gateway/contract" / name).touch()
    for name, source in VIOLATIONS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source + "\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout
    assert "KEPT" not in done.stdout
    assert done.stdout.count(" BROKEN\n") >= 12


def test_the_contract_imports_the_standard_library_pydantic_and_cryptography_only() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "cryptography"}
    strangers = []
    for path in sorted((ROOT / "gateway/contract").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "." * node.level]
            strangers += [
                f"{path.name}: {name}"
                for name in names
                if name.split(".")[0] not in allowed and not name.startswith("gateway.contract")
            ]
    assert strangers == []
    assert (ROOT / "gateway/__init__.py").read_text() == ""


def test_the_contract_needs_no_serial_mqtt_web_or_database_library() -> None:
    program = textwrap.dedent(
        """
        import importlib, pkgutil, sys
        FORBIDDEN = {
            "serial", "pymodbus", "paho", "aiomqtt", "fastapi", "starlette",
            "sqlalchemy", "psycopg", "alembic", "httpx", "uvicorn",
        }
        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in FORBIDDEN:
                    raise ImportError(f"{name} must not be needed")
        sys.meta_path.insert(0, Refuse())
        try:
            import serial
        except ImportError:
            pass
        else:
            sys.exit("nothing is refused")
        import gateway.contract
        for module in pkgutil.walk_packages(gateway.contract.__path__, "gateway.contract."):
            importlib.import_module(module.name)
            print(module.name)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gateway.contract.record" in done.stdout.split()
