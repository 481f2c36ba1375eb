"""What the register says in refusing is in both languages, and what is not yet is named here."""

import ast
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from central import errors, problems
from central.access.accounts import NewRoles
from central.access.roles import Right, Role, without
from central.errors import Conflict, Forbidden, GjurmaError, NotApproved
from central.ingest.facts import StreamState
from central.labels import status
from central.labels.printing import FAULTS, NO_WAY
from central.problems import kinds, on_a_page
from central.queries.models import Readback
from central.register.asked import faults_of
from central.register.imports.columns import RIGHT
from central.register.imports.tabular import CSV_FAULTS, NO_CSV
from central.register.lots import number
from central.register.stock.models import NewCount
from central.register.subject import impossible
from central.said import Word, counting, joined, raised_in, said
from central.screens import texts
from central.screens.desks.asking import ask
from central.screens.kept import FORMS
from central.screens.refusals import each_in_words, in_words
from central.screens.texts import LANGUAGES, Language
from gateway.contract.uii import UiiError

ROOT = Path(__file__).parent.parent.parent
GLUE = "\x04"
FOLDERS = (
    *("access", "api", "ingest", "labels", "plan", "queries", "register", "scans", "screens"),
)
"""Whatever a page asks of."""
MADE = {"said", "counting", "joined", "impossible", "no_such", "without", "_broken", "faults_of"}
"""What makes a sentence that can be told in a language."""
LIVES = (
    *("alerts.rules", "consignments.rules", "devices.service"),
    *("entities.service", "inspections.rules", "licences.rules", "lots.rules", "orders.rules"),
    *("places.service", "prints.service", "products.service", "proposals.rules"),
    *("sanctions.rules", "stock.rules"),
)
LEFT: dict[str, int] = {
    "access/accounts.py": 2,
    "access/attempts.py": 1,
    "access/entrance.py": 4,
    "access/half.py": 2,
    "access/identities.py": 1,
    "access/oidc.py": 17,
    "access/places.py": 1,
    "access/second_factor.py": 3,
    "access/sessions.py": 1,
    "access/tokens.py": 4,
    "api/batches.py": 1,
    "api/certificates.py": 1,
    "api/desk.py": 3,
    "api/export.py": 1,
    "api/questions.py": 1,
    "api/reading.py": 2,
    "ingest/intake.py": 2,
    "queries/live.py": 1,
    "register/gateways/restore.py": 1,
    "register/gateways/service.py": 1,
    "register/imports/command.py": 1,
    "register/imports/tabular.py": 2,
    "register/numbers/guard.py": 4,
    "register/numbers/issued.py": 1,
    "register/numbers/service.py": 2,
    "register/scans/projection.py": 1,
    "screens/viewer.py": 2,
}
"""By file under `central`, how many refusals are told in English alone. Fewer, and never more.

No page shows them. What fails on the way in, or of one's own password and code, a form says by a
text of its own; of an address or a session that there is not, the page says that it is not found;
and what an agency's sign-on answered is for the log and the acts. No page issues tokens or signs in
by one request. The others no page leads to: a batch, an enrolment or a scan is a program's;
`format`, `If-Match` and what names a record are written by who calls the interface; the guard and
the numbers are for the console; and what a database says of itself is for the log."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(
        found for each in FOLDERS for found in (ROOT / "central" / each).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield path.relative_to(ROOT / "central").as_posix(), node


def name(call: ast.expr) -> str:
    return call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def asked() -> set[str]:
    """Messages, what stands between them, and the words that a message may be given."""
    found = {" or ", " or a "}
    found |= {f"lot number{GLUE}{each}" for each in (*number.WORDS, *number.RANGES)}
    found |= {f"cell{GLUE}{each}" for each in RIGHT}
    found |= {f"uii{GLUE}{each}" for each in _codes(UiiError)}
    found |= {f"right{GLUE}{each}" for each in Right} | set(FORMS.messages)
    found |= {f"stream{GLUE}{each}" for each in get_args(StreamState)}
    found |= {f"readback{GLUE}{each}" for each in get_args(Readback)}
    found |= {f"csv{GLUE}{each}" for each in (NO_CSV, *dict(CSV_FAULTS).values())}
    found |= {f"socket{GLUE}{each}" for each in (NO_WAY, *dict(FAULTS).values())}
    for _, call in calls():
        if name(call) == "said" and (message := literal(call.args[0])):
            found.add(message)
        if name(call) == "counting" and (message := literal(call.args[1])):
            found.add(message)
        if name(call) == "Subject" and (subject := literal(call.args[0])):
            found.add(f"subject{GLUE}{subject}")
        if name(call) == "Word" and literal(call.args[1]) == "subject":
            found.add(f"subject{GLUE}{literal(call.args[0]) or 'entity'}")
        if name(call) == "own" and (subject := literal(call.args[3])):
            found.add(f"subject{GLUE}{subject}")
        if name(call) in ("new", "held", "impossible", "no_such") and (
            subject := literal(call.args[0])
        ):
            found.add(f"subject{GLUE}{subject}")
            if name(call) == "impossible" and (act := literal(call.args[3])):
                found.add(f"act{GLUE}{act}")
    for module in LIVES:
        life = importlib.import_module(f"central.register.{module}")
        steps = getattr(life, "STEPS", None) or life._STEPS
        found |= {f"act{GLUE}{act}" for act in steps}
    found |= {f"printer{GLUE}{fault}" for fault in get_args(status.Fault)}
    return found | {f"act{GLUE}given limits", f"act{GLUE}amended", f"act{GLUE}dropped"}


def _codes(error: type[UiiError]) -> Iterator[str]:
    yield error.code
    for each in error.__subclasses__():
        yield from _codes(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_in_the_catalogue_and_no_other(language: Language) -> None:
    there = set(texts.load(language, "refusals").by_key)
    assert sorted(asked() - there) == []
    assert sorted(there - asked()) == [], "nobody says it"


def test_what_is_told_in_english_alone_is_named() -> None:
    kinds = {kind for kind, value in vars(errors).items() if _is_refusal(value)}
    english: Counter[str] = Counter()
    for path, call in calls():
        if name(call) in kinds and call.args and not _in_words(call.args[0]):
            english[path] += 1
    assert dict(english) == LEFT


def test_a_rule_of_a_body_says_what_can_be_told_in_a_language() -> None:
    """What pydantic hands on; a cell of a file is told by its column instead, and of one's own
    password a form says it."""
    unsaid = [
        (path, ast.unparse(call))
        for path, call in calls()
        if path.startswith(("access/", "register/")) and name(call) == "ValueError"
        if not (call.args and _in_words(call.args[0]))
    ]
    assert unsaid == [
        ("access/accounts.py", "ValueError('new is another than old')"),
        ("register/imports/models.py", "ValueError('digits alone')"),
    ]


def _is_refusal(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, GjurmaError)


def _in_words(argument: ast.expr) -> bool:
    if isinstance(argument, ast.BoolOp):
        return all(_in_words(each) for each in argument.values)
    if isinstance(argument, ast.IfExp):
        return _in_words(argument.body) and _in_words(argument.orelse)
    return isinstance(argument, ast.Name) or name(argument) in MADE


def test_it_is_told_in_the_reader_s_language_with_its_words() -> None:
    error = Conflict(impossible("licence", "L-1", "suspended", "renewed"))
    assert str(error) == "licence L-1 is suspended; it cannot be renewed"
    told = in_words(error, "sq")
    assert told == "Licenca L-1 është në gjendjen «e pezulluar»; rinovimi nuk lejohet."
    assert in_words(error, "en") == str(error)
    faults = [
        said("licence {number}: {fault}", number=n, fault=Word("licence-expired", "reason"))
        for n in ("L-1", "L-2")
    ]
    several = in_words(Conflict(joined("; ", faults)), "sq")
    assert several is not None
    assert several.startswith("licenca L-1: Licenca")
    assert several.count("; licenca L-2: ") == 1
    assert in_words(Conflict("of its own"), "sq") is None
    # What was typed holds braces: they are no places of a message.
    assert in_words(Conflict(said("product {code} is withdrawn", code="{x}")), "sq") == (
        "Produkti {x} është tërhequr."
    )


def test_who_may_not_is_told_so_by_the_name_of_their_role() -> None:
    error = Forbidden(without(Role.WAREHOUSE, Right.APPROVE_TYPES))
    assert str(error) == "warehouse has not the right approvals.decide"
    assert in_words(error, "sq") == (
        "Roli «Magazinier» nuk ka të drejtë të vendosë për miratimet e tipit."
    )
    with pytest.raises(ValidationError) as caught:
        NewRoles(roles=(Role.OPERATOR, Role.AUDITOR))
    (fault,) = caught.value.errors()
    assert each_in_words(raised_in(fault), "sq") == (
        "roles: «Operator» është rol i një subjekti, kurse të tjerët janë të regjistrit",
    )


def test_what_a_body_is_refused_for_is_told_one_by_one() -> None:
    asked = {"number": "C-1", "place": "S", "kind": "spot", "reason": "r", "until": 1}
    with pytest.raises(ValidationError) as caught:
        NewCount.model_validate(asked | {"due": "2026-11-26"})
    due, until = caught.value.errors()
    told = each_in_words(raised_in(due), "sq")
    assert told == ("Jepni datën dhe orën, si 26.11.2026 14:30.",)
    assert raised_in(until) is None, "pydantic's own"
    assert each_in_words(raised_in(until), "sq") == ()
    del asked["until"]
    with pytest.raises(ValidationError) as caught:
        NewCount.model_validate(asked | {"due": "2026-11-26T09:30:00Z"})
    whole = faults_of(caught.value, "message")
    assert whole == (
        "message: Value error, articles stands with a count of kind spot, and there it has to"
    )
    assert each_in_words(whole, "sq") == (
        "articles: jepet vetëm për numërim të llojit «kontroll në vend», dhe atje duhet",
    )


def test_what_counts_has_two_forms_in_each_catalogue() -> None:
    for _, call in calls():
        if name(call) != "counting":
            continue
        one, several = literal(call.args[1]), literal(call.args[2])
        assert one is not None
        for language in LANGUAGES:
            catalogue = texts.load(language, "refusals")
            assert one in catalogue.several, "it has the form of one alone"
        assert texts.load("en", "refusals").several[one] == several


@pytest.mark.parametrize(
    ("n", "sq", "en"),
    [
        (1, "1 ndryshim është ende i hapur", "1 difference stands"),
        (2, "2 ndryshime janë ende të hapura", "2 differences stand"),
        (5, "5 ndryshime janë ende të hapura", "5 differences stand"),
    ],
)
def test_a_refusal_that_counts_has_the_form_of_its_number(n: int, sq: str, en: str) -> None:
    told = Conflict(
        counting(
            n,
            "count {number}: {n} difference stands, as of {few}",
            "count {number}: {n} differences stand, as of {few}",
            number="C-1",
            few=counting(n, "{articles} and {n} more", "{articles} and {n} more", articles="A"),
        )
    )
    assert str(told) == f"count C-1: {en}, as of A and {n} more"
    assert in_words(told, "en") == str(told)
    more = "1 tjetër" if n == 1 else f"{n} të tjerë"
    assert in_words(told, "sq") == f"Numërimi C-1: {sq}, p.sh. A dhe {more}"


@pytest.mark.parametrize(
    ("n", "sq", "en"),
    [(1, "1 copë", "1 piece"), (2, "2 copë", "2 pieces"), (5, "5 copë", "5 pieces")],
)
def test_a_label_counts_in_the_form_of_its_number(n: int, sq: str, en: str) -> None:
    assert texts.load("sq", "labels").counting(n, "{n} piece", n=n) == sq
    assert texts.load("en", "labels").counting(n, "{n} piece", n=n) == en
    packages = "package" if n == 1 else "packages"
    assert texts.load("en", "labels").counting(n, "{n} package", n=n) == f"{n} {packages}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_names_an_address_of_the_interface(language: Language) -> None:
    named = [
        (path.stem, text)
        for path in sorted((ROOT / "central/screens/locale" / language).rglob("*.po"))
        for texts_ in (texts.load(language, path.stem),)
        for key, text in (*texts_.by_key.items(), *texts_.several.items())
        if "/api/" in text and (path.stem != "problems" or not texts_.has(key, "page"))
    ]
    assert named == []
    for kind in kinds():
        assert "/api/" not in on_a_page(kind.what_to_do, language)


@pytest.mark.parametrize(("language", "where"), [("sq", "te certifikatat"), ("en", "certificates")])
async def test_a_desk_is_told_where_on_the_pages_and_a_program_at_which_address(
    language: Language, where: str
) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/api/v1/orders")
    def refused() -> None:
        raise NotApproved("M70")

    viewer: Any = SimpleNamespace(
        request=SimpleNamespace(app=app),
        secret="s",
        language=language,
    )

    person = (await ask(viewer, "GET", "/orders")).body["what_to_do"]
    assert where in person
    assert "/api/" not in person
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://register") as web:
        program = await web.get("/api/v1/orders", headers={"Accept-Language": language})
    assert "/api/v1/certificates" in program.json()["what_to_do"]
