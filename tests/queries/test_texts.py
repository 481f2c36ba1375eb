"""Every text that the pages ask for is in the catalogues, and no catalogue holds one too many."""

import re
from pathlib import Path
from typing import get_args

import pytest

from central.access.roles import Role
from central.queries.models import Gateway, OrderProgress
from central.queries.terms import ItemState, Term
from central.screens import texts
from central.screens.navigation import BAR, ENTRIES, Group
from central.screens.texts import LANGUAGES, Language, chosen
from gateway.contract.record import (
    Observed,
    PositionOutcome,
    Record,
    Settled,
    Verified,
)
from gateway.latches import Latch
from gateway.shift import BINS

ROOT = Path(__file__).parent.parent.parent
SCREENS = ROOT / "central" / "screens"
GLUE = "\x04"
OF_DESKS = {"file-missing"}
"""Said by a page of the desks, from their own catalogue."""
CALL = re.compile(r"""\bt\(\s*(["'])((?:(?!\1).)+)\1(?:,\s*["']([a-z-]*)["'])?""")


def values(model: type, field: str) -> set[str]:
    """The members of a field that is a Literal, or one or None."""
    annotation = model.model_fields[field].annotation  # type: ignore[attr-defined]
    found: set[str] = set()
    for each in (annotation, *get_args(annotation)):
        found |= {one for one in get_args(each) if isinstance(one, str)}
        if isinstance(each, str):
            found.add(each)
    return found


def in_source(folder: str, pattern: str) -> set[str]:
    return {
        found
        for path in (ROOT / folder).glob("*.py")
        for found in re.findall(pattern, path.read_text())
    }


# What the register and the gateways can say, taken from where it is said.
CODES: dict[str, set[str]] = {
    "state": set(get_args(ItemState)),
    "term": {*get_args(Term), "unused", "lost", "unaccounted"},
    "flag": {"quarantined", "duplicated"},
    "type": {each.model_fields["type"].default for each in get_args(Record)}
    | {"unreadable", "first piece approved", "shift ended"},
    "lies": set(BINS),
    "read": values(Verified, "verdict"),
    "entry": values(Verified, "entry") | values(Observed, "entry"),
    "how": values(Settled, "how"),
    "did": values(PositionOutcome, "did"),
    "auth": values(Settled, "operator_auth"),
    "link": values(Gateway, "link"),
    "order": values(OrderProgress, "state"),
    "latch": {*get_args(Latch), "journal-full", "guard-silent", "unknown-outcome"},
    "verdict": in_source("central/ingest", r'Refusal\(\s*"([a-z-]+)"')
    | in_source("central/ingest", r'Refused\(\w+, "([a-z-]+)"')
    | {"ok", "missing"},
    "evidence": in_source("central/ingest", r'keep\(\s*"([a-z-]+)"')
    | in_source("central/ingest", r'Evidence\([\w.]+, "([a-z-]+)"')
    | in_source("central/ingest", r'replace\(evidence, reason="([a-z-]+)"'),
    "reason": in_source("central/register/licences", r'return "(licence-[a-z-]+)"')
    | in_source("central/register/entities", r'"(entity-[a-z-]+)"')
    | in_source("central/register/certificates", r'return "((?:product|approval)-[a-z-]+)"')
    | in_source("central/register/orders", r'"(place-[a-z-]+)"')
    | {"order-held"},
    "stream": {"live", "lost"},
    "nav": {entry.title for entry in ENTRIES},
    "nav-group": {part.title for part in BAR if isinstance(part, Group)},
    "role": set(Role),
    "fault": in_source("central/screens", r'Fault\("\w*", "([a-z-]+)"[,)]') - OF_DESKS
    | {f"agency-{why}" for why in in_source("central/access", r'SignOnRefused\(\s*"([a-z]+)"')}
    | {"agency-disabled"},
}


def asked() -> set[str]:
    """Literal messages of the templates and scripts, and the labels of `said`."""
    found: set[str] = set()
    for path in (*(SCREENS / "templates").glob("*.html"), *(SCREENS / "static").glob("*.js")):
        for _, message, context in CALL.findall(path.read_text()):
            found.add(f"{context}{GLUE}{message}" if context else message)
    source = (SCREENS / "words.py").read_text()
    found |= {message for _, message, _ in CALL.findall(source)}
    return found | {f"fact{GLUE}{label}" for label in re.findall(r'add\("([^"]+)"', source)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_is_asked_for_is_there(language: Language) -> None:
    there = set(texts.load(language).by_key)
    wanted = asked() | {f"{kind}{GLUE}{code}" for kind, codes in CODES.items() for code in codes}
    assert len(asked()) > 80
    assert sorted(wanted - there) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_over(language: Language) -> None:
    there = set(texts.load(language).by_key)
    free = ("component", "basis", "did-short", "latch-advice")  # looked up where there is one
    known = asked() | {f"{kind}{GLUE}{code}" for kind, codes in CODES.items() for code in codes}
    left = {key for key in there - known if key.partition(GLUE)[0] not in free}
    assert sorted(left) == []


def test_each_latch_says_what_to_do() -> None:
    albanian = texts.load("sq")
    assert all(albanian.has(latch, "latch-advice") for latch in CODES["latch"])


def test_a_code_without_a_text_stays_as_it_is() -> None:
    albanian = texts.load("sq")
    assert albanian("good", "state") == "E mirë"
    assert albanian("sear-pin", "component") == "sear-pin"
    assert albanian("epoch {n}", n=3) == "epoka 3"


@pytest.mark.parametrize(
    ("asked_for", "kept", "language"),
    [
        (None, None, "sq"),
        ("en", None, "en"),
        (None, "en", "en"),
        ("sq", "en", "sq"),
        ("de", "x", "sq"),
    ],
)
def test_albanian_unless_english_is_wished(
    asked_for: str | None, kept: str | None, language: Language
) -> None:
    assert chosen(asked_for, kept) == language
