"""The tree holds no address of a package registry, and each test that a document names."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Written in two parts, so that this file holds none of them itself.
HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "yarnpkg" + ".com",
    "deb.debian" + ".org",
    "security.debian" + ".org",
)
REGISTRY = re.compile(
    "|".join(
        [
            *(re.escape(host) for host in HOSTS),
            r"--(extra-)?index-url[= ]",
            r"--find-links[= ]",
            r"--trusted-host[= ]",
            r"\b(PIP|UV)(_EXTRA)?_(DEFAULT_)?INDEX(_URL)?\b",
            r'"resolved"\s*:\s*"https?:',
            r"^\s*registry\s*=\s*\S*://",
            r"^\s*(extra-)?index-url\s*=",
        ]
    ),
    re.MULTILINE,
)


def tracked() -> list[Path]:
    """Files of the checkout: what git would commit; without git, all but the environment."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        # The checkout may be another user's, as under sudo.
        names = subprocess.run(
            [
                git,
                "-c",
                "safe.directory=*",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout.split(b"\0")
        paths = [ROOT / name.decode() for name in names if name]
    else:
        paths = [
            path for path in ROOT.rglob("*") if path.relative_to(ROOT).parts[0] not in (".venv",)
        ]
    return [path for path in paths if path.is_file()]


def registry_addresses(path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8", errors="replace")
    return [match.group() for match in REGISTRY.finditer(text)]


def test_no_registry_address() -> None:
    this = Path(__file__)
    found = {
        str(path.relative_to(ROOT)): addresses
        for path in tracked()
        if path != this and (addresses := registry_addresses(path))
    }
    assert found == {}


def test_requirements_are_pins_alone() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert lines
    pin = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z_]+ [!=]= '[A-Za-z0-9]+')?")
    assert [line for line in lines if not pin.fullmatch(line)] == []


@pytest.mark.parametrize(
    "text",
    [
        f"https://{HOSTS[0]}/simple",
        "pip install --index-url https://packages.example/simple x",
        '"resolved": "https://packages.example/lit.tgz"',
        "registry=https://packages.example/",
        "PIP_INDEX_URL=https://packages.example",
    ],
)
def test_the_check_finds_an_address(text: str, tmp_path: Path) -> None:
    planted = tmp_path / "file"
    planted.write_text(text)
    assert registry_addresses(planted) != []


def test_the_documents_name_tests_that_exist() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {
        name
        for document in documents
        for name in re.findall(r"`(?:tests/)?([a-z_/*]*test_[a-z_*]+\.py)`", document.read_text())
    }
    assert len(named) > 50
    assert [name for name in sorted(named) if not any((ROOT / "tests").rglob(name))] == []
