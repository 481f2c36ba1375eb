"""What setup does where a third party's file is another than the lock says, or cannot be had."""

import gzip
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LOCKED = json.loads((ROOT / "package-lock.json").read_text())["packages"]
APP = "central/screens/warehouse/app"
VENDOR = ("central/screens/static/vendor", "tests/browser/vendor")

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the program needs of a checkout, and nothing fetched yet."""
    for name in ("package.json", "package-lock.json", ".ci/third_party.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, checkout / ".ci" / "third_party.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def bring(checkout: Path, registry: str) -> subprocess.CompletedProcess[str]:
    wishes = {
        "NPM_CONFIG_REGISTRY": registry,
        "NPM_CONFIG_FETCH_RETRIES": "0",
        "NPM_CONFIG_CACHE": str(checkout / "cache"),
    }
    return subprocess.run(
        [sys.executable, checkout / ".ci" / "third_party.py"],
        env=os.environ | wishes,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def forger() -> Iterator[str]:
    """A registry that serves, under every name, a package with another content."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name in ("package/package.json", "package/LICENSE", "package/axe.min.js"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"{}"))
    package = gzip.compress(written.getvalue())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, _, file = self.path.strip("/").partition("/-/")
            told = package if file else json.dumps(self.described(name)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def described(self, name: str) -> dict[str, Any]:
            version = LOCKED[f"node_modules/{name}"]["version"]
            tarball = f"http://{self.headers['Host']}/{name}/-/{name}-{version}.tgz"
            one = {"name": name, "version": version, "dist": {"tarball": tarball}}
            return {"name": name, "dist-tags": {"latest": version}, "versions": {version: one}}

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_fault_in_the_apps_source_is_told(checkout: Path) -> None:
    shutil.copytree(ROOT / APP, checkout / APP)
    (checkout / "node_modules").symlink_to(ROOT / "node_modules")
    with (checkout / APP / "judge.ts").open("a") as source:
        source.write("export const wrong: number = 'a text';\n")
    done = run(checkout, "check")
    assert done.returncode == 1
    assert "judge.ts" in done.stdout
    assert "typescript found what is wrong" in done.stderr


def test_another_content_is_refused(checkout: Path, forger: str) -> None:
    done = bring(checkout, forger)
    assert done.returncode == 1
    assert "EINTEGRITY" in done.stderr
    assert not any((checkout / folder).exists() for folder in VENDOR)


def test_a_registry_that_is_away_is_told_with_what_to_do(checkout: Path) -> None:
    done = bring(checkout, "http://127.0.0.1:9/")
    assert done.returncode == 1
    assert "npm ci failed" in done.stderr
    assert "NPM_CONFIG_REGISTRY" in done.stderr


def test_what_is_there_and_whole_is_not_fetched_again(checkout: Path) -> None:
    for folder in (*VENDOR, APP):
        shutil.copytree(ROOT / folder, checkout / folder)
    (checkout / "node_modules").symlink_to(ROOT / "node_modules")
    assert bring(checkout, "http://127.0.0.1:9/").returncode == 0
    built = {path.name for path in (checkout / "central/screens/static/app").iterdir()}
    assert built >= {"main.js", "decoder.js", "decoder.wasm", "service.js", "LICENSES.txt"}
    changed = next(checkout.glob(f"{VENDOR[0]}/htmx-*/htmx.min.js"))
    changed.write_text("other")
    (checkout / "node_modules").unlink()
    assert bring(checkout, "http://127.0.0.1:9/").returncode == 1
