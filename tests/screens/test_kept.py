"""Why a record was refused is kept in English, and told to people in their own language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.ingest.facts import Evidence
from central.ingest.refusal import CODES
from central.ingest.rules import examine
from central.screens import texts
from central.screens.kept import FORMS, OF_CONTRACT, in_words
from central.screens.texts import LANGUAGES, Language
from gateway.contract.encoding import parse_line
from gateway.contract.errors import ContractError

CENTRAL = Path(__file__).parent.parent.parent / "central"
QUOTED = "me fjalët e programit: «"


def calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((CENTRAL / folder).rglob("*.py")):
        if path.name == "salvage.py":  # what it refuses is answered at once, and kept nowhere
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, node


def messages(folder: str) -> set[str]:
    return {
        node.args[0].value
        for name, node in calls(folder)
        if name == "said"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_all_that_ingest_and_the_scans_say_is_read_back() -> None:
    said = (messages("ingest") | messages("scans")) - {"{code}: {fault}"}
    assert len(said) > 45
    assert sorted(said - set(FORMS.messages)) == []


@pytest.mark.parametrize("folder", ["ingest", "scans"])
def test_no_refusal_is_said_without_a_message(folder: str) -> None:
    bare = [
        ast.unparse(node)
        for name, node in calls(folder)
        if name in ("Refusal", "NoEvent", "keep")
        if any(isinstance(each, ast.JoinedStr) for each in node.args)
        or (len(node.args) > 1 and isinstance(node.args[1], ast.Constant))
    ]
    assert bare == []


@pytest.mark.parametrize("message", FORMS.messages)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_has_a_text(message: str, language: Language) -> None:
    assert texts.load(language, "refusals").has(message)


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (
            "the guard of nothing",
            "me fjalët e programit: «the guard of nothing»",
        ),
        ("plan 7 has no order O-1", "plani 7 nuk e ka porosinë O-1"),
        ("plan (1, 2) after plan (1, 3)", "plani (1, 2) vjen pas planit (1, 3)"),
        (
            "the lease ended at 2026-11-24T12:00:00+00:00",
            "leja për të punuar pa rrjet mbaroi më 24.11.2026 13:00:00",
        ),
        (
            "O-1 is suspended: licence-suspended",
            "porosia O-1 është e pezulluar: Licenca është pezulluar",
        ),
        (
            "the receiver of 12 is rejected",
            "pjesa «trupi» e numrit 12 është në gjendjen «E refuzuar»",
        ),
        ("the lot of O-1 is A 12", "loti i porosisë O-1 është A 12"),
        ("'XYZ'; 'ABC'", "kode që nuk emërtojnë asgjë: 'XYZ'; 'ABC'"),
        ("no place S-9", "Vendi S-9 nuk gjendet në regjistër."),
        (
            "duplicate: another item has the same UII; lease-ended: the repeated mark is not known",
            (
                "numër i dyfishuar: një artikull tjetër e ka të njëjtin UII; "
                "afati i planit kishte mbaruar: shënjimi që përsëritet nuk njihet"
            ),
        ),
    ],
)
def test_it_is_told_in_albanian(detail: str, told: str) -> None:
    assert in_words(detail, "sq") == told


def test_in_english_it_stays_what_it_was() -> None:
    assert in_words("plan 7 has no order O-1", "en") == "plan 7 has no order O-1"
    quoted = in_words("seq: Field required", "en")
    assert quoted == "in the program's words: «seq: Field required»"


@pytest.mark.parametrize(
    "line",
    [
        *(b"{", b"[1]", b"\xff{}", b'{"a":1}\r', b'{"a":1,"a":2}', b'{"a":NaN}'),
        *(b'{"a":"\\u0000"}', b'{"a":' + b"[" * 70 + b"]" * 70 + b"}"),
    ],
)
def test_what_the_contract_says_of_a_line_is_told(line: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        parse_line(line)
    assert QUOTED not in in_words(str(caught.value), "sq")


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"{}\nkey", b"{}\nkey !", b"{}\nkey YQ==\n", b"{}\nkey YR=="]
)
def test_what_it_says_of_a_message_is_told(payload: bytes) -> None:
    evidence = examine("gramsh.line-1", payload)
    assert isinstance(evidence, Evidence)
    assert QUOTED not in in_words(evidence.detail, "sq")


def test_each_code_before_a_fault_has_a_word() -> None:
    catalogue = texts.load("sq")
    assert [code for code in CODES if not catalogue.has(code, "verdict")] == []
    assert set(OF_CONTRACT) < set(FORMS.messages)
