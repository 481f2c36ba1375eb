"""Every code that can reach the operator's page has a text, and every text is used.

The codes are taken from the program itself, so that a new one without a text fails here.
"""

import ast
import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest

import drivers.errors
from central.register.certificates.models import Approval, Permit
from central.register.licences.models import LicenceState, obstacle
from drivers.protocols import Activity
from gateway.contract import errors, plan
from gateway.contract.record import Verified
from gateway.latches import Latch
from gateway.moves import (
    Phase,
)
from gateway.screen.desk import Settlement
from gateway.screen.page import HERE
from gateway.screen.texts import LANGUAGES, LOCALE, read_texts

GATEWAY = HERE.parent
STATIC = "\n".join(path.read_text("utf-8") for path in sorted((HERE / "static").glob("*.js")))
PAGE = "\n".join((HERE / n).read_text("utf-8") for n in ("page.html", "report.py"))
TEXTS = read_texts("en")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OBSTACLES = {
    obstacle(state, begins, ends, NOW)
    for state in get_args(LicenceState)
    for begins, ends in (
        (NOW - DAY, NOW + DAY),
        (NOW - 2 * DAY, NOW - DAY),
        (NOW + DAY, NOW + 2 * DAY),
    )
} - {""}
"""What the register itself says stands against marking under a licence."""
ORDER_REASONS = OBSTACLES | {
    *("licence-not-covering", "licence-used-up"),
    *("entity-excluded", "entity-inactive", "place-inactive"),
    *("order-held", "order-finished"),
    *(
        Permit(withdrawn=True).obstacle(NOW),
        Permit(approvals=(Approval("A", NOW, NOW),)).obstacle(NOW),
    ),
}
"""Why the register does not release an order."""


def codes_under(base: type[Exception]) -> set[str]:
    """The `code` of an error and of all that derive from it."""
    found = {str(base.code)} if hasattr(base, "code") else set()
    return found.union(*(codes_under(each) for each in base.__subclasses__()))


DEVICE = codes_under(drivers.errors.DeviceError)
JOURNAL = codes_under(errors.JournalError)
LATCHES = set(get_args(Latch))
STATES = {f"order-{state}" for state in get_args(plan.PlanOrder.model_fields["state"].annotation)}

COMPUTED = {
    "latch": LATCHES,
    "error.code": DEVICE | JOURNAL,
    "order.reason or f'order-{order.state}'": {*ORDER_REASONS, *STATES} - {"order-released"},
    "first.verdict": {"unreadable", "mismatch"},
    "code": {"switch-off", "marker-silent"},
    # Passing: it stands only while the device is asked what happened, when the phase is shown.
    "outcome.cause or outcome.did.value": set(),
}
"""What a note's code may be where it is not written out; a new expression has to be listed."""


def notes() -> list[ast.Call]:
    """Every `Note(...)` in the gateway's source."""
    return [
        node
        for path in sorted(GATEWAY.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Note"
    ]


def note_codes() -> set[str]:
    found: set[str] = set()
    for call in notes():
        first = call.args[0]
        if isinstance(first, ast.Constant):
            found.add(str(first.value))
        else:
            found |= COMPUTED[ast.unparse(first)]
    return found


def fact_names() -> set[str]:
    """The names in `(("name", value), …)`, the second argument of a note."""
    found = set()
    for call in notes():
        for argument in call.args[1:]:
            if not isinstance(argument, ast.Tuple):
                # The one note whose facts have a name of their own: a refusal's.
                assert ast.unparse(argument) == "facts", ast.unparse(call)
                continue
            for pair in argument.elts:
                assert isinstance(pair, ast.Tuple), ast.unparse(call)
                name = pair.elts[0]
                assert isinstance(name, ast.Constant), ast.unparse(call)
                found.add(str(name.value))
    return found | {"vendor", "detail"}


def missing(codes: set[str], group: str) -> set[str]:
    return {code for code in codes if f"{group}.{code}" not in TEXTS}


def values(enum: type[Enum]) -> set[str]:
    return {str(each.value) for each in enum}


def test_the_codes_are_found() -> None:
    assert {"good", "lease-ended", "already-marked", "too-many-tries"} <= note_codes()
    assert {"link-timeout", "device-refused", "device-fault"} <= DEVICE
    assert {"cause", "order", "content", "until"} <= fact_names()


def test_every_note_has_a_sentence() -> None:
    assert missing(note_codes() | LATCHES | DEVICE | JOURNAL, "note") == set()
    answers = {"foreign-origin", "foreign-host", "not-valid"}
    assert missing(answers, "note") == set()


def test_every_fact_has_a_label() -> None:
    assert missing(fact_names(), "fact") == set()


def test_every_value_that_is_shown_has_a_word() -> None:
    person: Any = plan.Person.model_fields["roles"].annotation
    roles = set(get_args(get_args(person)[0]))
    modes = set(get_args(plan.Verify.model_fields["mode"].annotation))
    assert missing(values(Phase), "phase") == set()
    assert missing(values(Activity), "activity") == set()
    assert missing(roles, "role") == set()
    assert missing(modes, "verify") == set()
    assert missing(set(get_args(Settlement)), "how-says") == set()
    assert missing({"scrapped", "voided"}, "over") == set()
    assert missing({*get_args(Settlement), "read", "left-open"}, "how") == set()
    assert missing(DEVICE | {"guard-not-written", "restarted"}, "cause") == set()


def test_every_state_of_a_part_has_a_word() -> None:
    source = ast.parse((GATEWAY / "ledger.py").read_text("utf-8"))
    shown = {
        str(part.value)
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "_show"
        for argument in node.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant)
    }
    assert {"good", "rejected", "voided"} <= shown
    assert missing(shown | {"open", "marked", "scrapped"}, "part") == set()


CODE = re.compile(r"[a-z][a-z-]*\.[a-z][a-z-]*")
QUOTED = re.compile(r'"([^"\\\n]+)"')


def written() -> set[str]:
    """Codes that the page's own files name in full."""
    groups = {code.partition(".")[0] for code in TEXTS}
    words = {each for each in QUOTED.findall(STATIC + PAGE) if CODE.fullmatch(each)}
    return {each for each in words if each.partition(".")[0] in groups}


def test_what_the_page_names_is_in_the_catalogue() -> None:
    assert "do.begin" in written()
    assert (written() | BY_START | TRAYS) - set(TEXTS) == set()


BY_VALUE = ("note", "fact", "cause", "how", "how-says", "part", "role", "phase", "activity",
            "verify", "reason", "dialog", "component", "entry", "bin", "shift", "auth", "report",
            "hold-means", "hold-who", "hold-how", "detail", "heard", "picture", "over")  # fmt: skip
STARTS = {"pedal", "plc"}
BY_START = {f"{group}.{each}" for group in ("state", "say") for each in STARTS} | {
    f"say.ready-{each}" for each in STARTS
}
TRAYS = {
    *("state.take-away", "state.take-away-tray", "say.take-away", "say.take-away-tray"),
    *("number.next", "number.next-tray", "number.current", "number.current-tray"),
}


def test_no_text_is_left_over() -> None:
    named = written() | BY_START | TRAYS
    assert {code for code in TEXTS if code.partition(".")[0] not in BY_VALUE} - named == set()
    known = note_codes() | LATCHES | DEVICE | JOURNAL
    known |= {"foreign-origin", "foreign-host", "not-valid", "unreachable", "other"}
    known |= {"scanned-nothing", "scanned-part"}
    sentences = {code.partition(".")[2] for code in TEXTS if code.startswith("note.")}
    # A cause that may pass as a note while the device is asked.
    assert sentences - known - {"restarted"} == set()


def test_every_verdict_on_a_picture_has_its_words() -> None:
    words = {code.partition(".")[2] for code in TEXTS if code.startswith("picture.")} - {"says"}
    assert words == set(get_args(Verified.model_fields["verdict"].annotation))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_read_whole(language: str) -> None:
    texts = read_texts(language)
    assert (
        len(texts)
        == (LOCALE / language / "LC_MESSAGES" / "screen.po").read_text("utf-8").count('\nmsgid "')
        - 1
    )
    assert texts["order.left"].count("{n}") == 1


def test_albanian_is_written_with_its_letters() -> None:
    texts = read_texts("sq")
    assert texts["state.good"] == "MIRË"
    assert texts["do.begin"] == "Shënjo pjesën"
    same = {code for code, text in texts.items() if text == TEXTS[code]}
    assert same <= {"role.operator", "report.uii"}


def test_the_catalogues_lie_where_they_are_looked_for() -> None:
    assert sorted(path.name for path in Path(LOCALE).iterdir()) == sorted(LANGUAGES)


def test_the_documented_keys_are_those_of_the_page() -> None:
    page = (HERE / "static" / "keys.js").read_text("utf-8")
    keys = set(re.findall(r'\["(F\d+)", "keys\.', page))
    documented = (GATEWAY.parent / "docs" / "operator.md").read_text("utf-8")
    assert len(keys) == 9
    assert set(re.findall(r"^\| (F\d+) \|", documented, re.MULTILINE)) == keys
