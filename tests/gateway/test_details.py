"""Why a line is held is told in both languages: by a code of ours, or by what a driver said."""

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.honeywell.codec import Verdict
from drivers.keyence_sr.codec import CAUSES as KEYENCE_SR
from drivers.keyence_sr.codec import OTHER_ITEMS
from drivers.panasonic_lp.codec import CAUSES as PANASONIC_LP
from gateway import details
from gateway.contract.errors import JournalCorrupt
from gateway.contract.uii import UiiError
from gateway.details import ENGLISH, Detail, as_json, detail, from_json, of_error, of_system
from gateway.latches import Latches
from gateway.screen.desk import Desk
from gateway.screen.texts import LANGUAGES, read_texts
from tests.gateway.desk import Site

ROOT = Path(__file__).parent.parent.parent
PLACE = re.compile(r"\{(\w+)\}")
OF_COMMANDS = {"inspection.py", "salvage.py", "__main__.py"}
"""What they raise, a shell shows."""
PASSED_ON = {
    ("core.py", "JournalCorrupt(latches.causes['journal-corrupt'])"),
    ("uplink.py", "self.latches.set(latch, cause)"),
}
"""What was said elsewhere: by a latch, and by what was made of a receipt."""
SAYING = {"detail", "Detail", "of_error", "of_system"}
ERRORS = {"JournalError", "JournalFull", "JournalCorrupt", "RolledBack"}
LAST = {"Outcome": 1, "FrameError": 0, "_stop": 0} | dict.fromkeys(
    (
        *("LinkError", "LinkTimeout", "LinkClosed", "PortBusy", "ProtocolError", "BadChecksum"),
        *("BadFrame", "UnexpectedReply", "DeviceRefused", "DeviceFault", "OutcomeUnknown"),
    ),
    2,
)
"""By what a driver makes, which argument people are shown."""
OF_HOSTS = {"decode_command", "decode_menu"}
"""What a codec finds wrong with a host's words: only a simulator does."""


def of_uii(error: type[UiiError]) -> Iterator[str]:
    yield f"uii-{error.code}"
    for each in error.__subclasses__():
        yield from of_uii(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_detail_is_in_the_catalogue_and_no_other(language: str) -> None:
    texts = read_texts(language)
    there = {code.partition(".")[2]: text for code, text in texts.items() if code[:7] == "detail."}
    assert set(there) == {*ENGLISH, *of_uii(UiiError), "too-large"}
    for code, english in ENGLISH.items():
        assert set(PLACE.findall(there[code])) == set(PLACE.findall(english)), code


def words(text: str) -> str:
    """As the page looks them up."""
    return re.sub("[^a-z0-9]+", "-", text.lower())


def heard() -> set[str]:
    """What the drivers say in words that are always the same."""
    found = {*PANASONIC_LP.values(), "a cause that the manual does not list"}
    found |= {*KEYENCE_SR.values(), OTHER_ITEMS}
    found |= {each.cause for each in (Verdict.ENQ, Verdict.NAK)}
    for path in sorted((ROOT / "drivers").rglob("*.py")):
        for node in _walk(ast.parse(path.read_text("utf-8"))):
            told: list[ast.expr | None] = []
            if isinstance(node, ast.Call):
                at = LAST.get(_name(node))
                told = [] if at is None else [*node.args[at : at + 1]]
            elif isinstance(node, ast.FunctionDef) and node.name == "refuses":
                told = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
            found |= {
                each.value
                for each in told
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value
            }
    return found


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All of a module but what a host's words go through."""
    for each in ast.iter_child_nodes(node):
        if not (isinstance(each, ast.FunctionDef) and each.name in OF_HOSTS):
            yield each
            yield from _walk(each)


def test_what_drivers_say_is_in_the_catalogues() -> None:
    assert {"no end report in time", "not connected", "the connection was lost"} <= heard()
    for language in LANGUAGES:
        there = {code[6:] for code in read_texts(language) if code.startswith("heard.")}
        assert {words(each) for each in heard()} - there == set()
        # Of the marker's own driver, which raises it as a ValueError first.
        assert there - {words(each) for each in heard()} == {
            words("the code's data is empty or begins with GS, which means FNC1 there")
        }


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _says(told: ast.expr, tree: ast.AST) -> bool:
    if isinstance(told, ast.IfExp):
        return _says(told.body, tree) and _says(told.orelse, tree)
    if isinstance(told, ast.Name):
        made = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == told.id
        ]
        return bool(made) and all(_says(each, tree) for each in made)
    return isinstance(told, ast.Call) and _name(told) in SAYING


def test_no_latch_and_no_error_of_the_journal_is_said_in_english_alone() -> None:
    said, unsaid = 0, set()
    for path in sorted((ROOT / "gateway").glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if path.name in OF_COMMANDS or not isinstance(node, ast.Call):
                continue
            latches = ast.unparse(node.func).endswith("latches.set")
            if latches or _name(node) == "Latch" or _name(node) in ERRORS:
                if _says(node.args[1 if latches else -1], tree):
                    said += 1
                else:
                    unsaid.add((path.name, ast.unparse(node)))
    assert unsaid == PASSED_ON
    assert said > 25


def test_a_restart_tells_why_by_the_same_code(site: Site) -> None:
    fault = of_system(OSError(errno.EIO, os.strerror(errno.EIO)))
    why = detail("record-unreadable", journal="epoch-0001.db", seq=7, fault=fault)
    site.latches.set("journal-corrupt", why)
    again = Latches.beside(site.path)
    (shown,) = Desk("gramsh.line-1", 1, "", "sq", again).snapshot()["latches"]
    assert shown["cause"] == str(why)
    assert shown["detail"] == as_json(why)
    assert shown["detail"]["facts"]["fault"]["code"] == "os-medium"
    assert again.causes["journal-corrupt"] == why


def test_what_an_earlier_release_kept_is_shown_as_it_stands(site: Site) -> None:
    site.path.with_suffix(".latches").write_text('{"forked": "the register says so"}')
    (shown,) = Desk("gramsh.line-1", 1, "", "sq", Latches.beside(site.path)).snapshot()["latches"]
    assert shown == {
        "latch": "forked",
        "cause": "the register says so",
        "detail": "the register says so",
    }


@pytest.mark.parametrize("raw", ['{"forked": {"code": "x"}}', '{"forked": {"facts": 1}}'])
def test_what_is_no_detail_is_a_damaged_file(site: Site, raw: str) -> None:
    site.path.with_suffix(".latches").write_text(raw)
    (told,) = Latches.beside(site.path).causes.values()
    assert isinstance(told, Detail)
    assert told.code == "latches-damaged"


def test_an_error_keeps_its_detail_and_what_has_none_its_words() -> None:
    told = detail("guard-ahead", seq=2, end=1)
    assert of_error(JournalCorrupt(told)) is told
    assert of_error(JournalCorrupt("of its own")) == "of its own"
    assert from_json(as_json(told)) == told
    assert str(of_system(OSError("no such thing"))) == "no such thing"
    assert set(details._SYSTEM.values()) < set(ENGLISH)
