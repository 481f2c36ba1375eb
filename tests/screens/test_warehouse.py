"""The warehouse app's texts are those that its source asks for, and every code has a word."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from central.ingest.facts import StreamState
from central.register.alerts.models import RuleCode
from central.register.articles.models import Disposition, Verdict
from central.scans.meaning import PURPOSES
from central.screens import texts
from central.screens.files import APP
from central.screens.texts import LANGUAGES, Language
from central.screens.warehouse import shell

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted((ROOT / "central/screens/warehouse/app").rglob("*.ts*"))
SOURCE = "\n".join(path.read_text("utf-8") for path in SOURCES)
GLUE = "\x04"
OF_ONE = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)+)"')
OF_MANY = re.compile(r'\bmany\(\s*[\w.()]+,\s*"((?:[^"\\]|\\.)+)"')
RECORDS = {"not-for-devices", "unjudged", "unreadable"}
"""Verdicts of records of a device, which the receipt names."""
ALERTS = {"disputed", "seen-after-end", "elsewhere", "too-far", "scan-refused", "duplicate"}
"""What may be raised of a scan."""
ENDS = {"rolled-back", "replaced"}
"""What the app finds itself."""


def of_scans() -> set[str]:
    """The codes by which a scan is no event, wherever they are written."""
    found = set()
    for path in (ROOT / "central/scans").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "NoEvent":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def words(language: Language, context: str) -> set[str]:
    told = texts.load(language, "warehouse").by_key
    return {key.partition(GLUE)[2] for key in told if key.startswith(context + GLUE)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_asked_for_and_there(language: Language) -> None:
    told = texts.load(language, "warehouse")
    plain = {key for key in told.by_key if GLUE not in key}
    assert plain == set(OF_ONE.findall(SOURCE)) | set(OF_MANY.findall(SOURCE))
    assert set(told.several) == set(OF_MANY.findall(SOURCE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_word(language: Language) -> None:
    verdicts = of_scans() | RECORDS | set(get_args(Verdict)) | {"not-found"}
    assert words(language, "verdict") == verdicts - {"ok"}
    assert words(language, "disposition") == set(get_args(Disposition))
    assert words(language, "ended") == {*get_args(StreamState), *ENDS} - {"live"}
    tasks = re.findall(r'^  "?([a-z-]+)"?: \{ needs:', SOURCE, re.MULTILINE)
    assert words(language, "task") == set(tasks)
    assert set(tasks) <= {*PURPOSES, "pack", "unpack"}
    assert set(get_args(RuleCode)) >= words(language, "alert") >= ALERTS


def test_what_is_kept_for_where_there_is_no_network_is_there() -> None:
    assert set(shell.OWN) <= APP.keys()
    version = shell.service().body
    assert b'"/warehouse/manifest.json"' in version
    for name in ("main.js", "decoder.wasm", "words-sq.json", "words-en.json"):
        assert f"/{name}".encode() in bytes(version)
