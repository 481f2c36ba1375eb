"""Desks against the interface's description: columns, words in both languages, forms both ways."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, get_args

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from central.app import interface
from central.register.articles.models import EventKind
from central.register.lots.models import MovementKind
from central.screens.checking import of_licence
from central.screens.desks import paper
from central.screens.desks.asking import Answer
from central.screens.desks.dates import day_read, end_read, moment_read
from central.screens.desks.description import Description, Schema, Step
from central.screens.desks.faults import faults
from central.screens.desks.fields import Drawer, Field
from central.screens.desks.hints import Hints
from central.screens.desks.marking import order_read
from central.screens.desks.showing import Teller
from central.screens.desks.table import ACTS, DESKS, Desk
from central.screens.texts import LANGUAGES, Language, load
from central.screens.viewer import Form
from central.screens.words import typed
from tests.support.examples import examples

CODES_BY_THEMSELVES = "ML"
"""Categories of the military list are read as they are written."""


@cache
def description() -> Description:
    return Description(interface().openapi())


def bodies() -> list[tuple[str, Step]]:
    """Of every form, by desk and step."""
    found = []
    for desk in DESKS:
        new = description().new(desk.new or desk.path)
        steps = list(description().steps(desk.one)) if desk.opens else []
        found += [(f"{desk.name} {each.name}", each) for each in (*([new] if new else []), *steps)]
    return found


class Words:
    """What the desks may have to say, by context, as the description has it."""

    def __init__(self) -> None:
        self.found: defaultdict[str, set[str]] = defaultdict(set)
        self._seen: set[str] = set()
        for desk in DESKS:
            self._desk(desk)
        for _, step in bodies():
            self._walk(step.body)
        self.found["value"] |= {"true", "false"}

    def _desk(self, desk: Desk) -> None:
        self.found["desk"].add(desk.name)
        self._properties(description().filters(desk.path))
        self._properties(description().row(desk.path))
        if description().new(desk.new or desk.path):
            self.found["step"].add(f"new {desk.name}")
            if desk.new or not desk.opens:  # what it answers is shown; else the page of one is
                self._walk(description().answer("post", desk.new or desk.path))
        if desk.entry:
            self._walk(description().answer("get", desk.entry))
        for name in desk.lists:
            self._below(desk, description().answer("get", f"{desk.one}/{name}"))
        if desk.opens:
            self.found["one"].add(desk.name)
            self.found["step"] |= {each.name for each in description().steps(desk.one)}
            self._walk(description().answer("get", desk.one))

    def _below(self, desk: Desk, answer: Schema) -> None:
        """A list of one desk alone: a column, and what stands in it, may have no other words than
        the desk's own."""
        page = description().plain(answer)
        row = page["items"] if "items" in page else page["properties"]["items"]["items"]
        d = load("en", "desks")
        for name, schema in description().plain(row)["properties"].items():
            if not d.has(name, f"{desk.name} field"):
                self.found["field"].add(name)
            if not any(key.startswith(f"{desk.name} {name}\x04") for key in d.by_key):
                self._walk(schema)

    def _properties(self, properties: Mapping[str, Schema]) -> None:
        for name, schema in properties.items():
            self.found["field"].add(name)
            self._walk(schema)

    def _walk(self, schema: Schema) -> None:
        if schema.get("$ref") in self._seen:
            return
        self._seen.add(schema.get("$ref") or "")
        plain = description().plain(schema)
        for kind in plain.get("anyOf", ()):
            self._walk(kind)
        self.found["value"] |= {
            str(each)
            for each in plain.get("enum", ())
            if each != "" and not str(each).startswith(CODES_BY_THEMSELVES)
        }
        self._properties(plain.get("properties", {}))
        if "items" in plain:
            self._walk(plain["items"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_a_desk_is_in_the_catalogue_and_no_other(language: str) -> None:
    d = load("sq" if language == "sq" else "en", "desks")
    for context, wanted in Words().found.items():
        assert [each for each in sorted(wanted) if not d.has(each, context)] == [], context
        known = {key.partition("\x04")[2] for key in d.by_key if key.startswith(f"{context}\x04")}
        assert sorted(known - wanted) == [], f"{context}: nobody says it"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_done_is_said_in_words(language: str) -> None:
    d = load("sq" if language == "sq" else "en", "desks")
    acts = {act for each in ACTS.values() for act in each} | {
        act for each in DESKS for act in each.steps
    }
    acts |= {"taken-in", "second factor enrolled", "recovery codes renewed", "recovery code used"}
    # An event's act is its kind, and a movement's: said as acts are, and not as a state is.
    acts |= {*get_args(EventKind), *get_args(MovementKind)}
    assert [each for each in sorted(acts) if not d.has(each, "act")] == []
    told = Teller(d, desk="acts").value("what", "received").text
    assert told == {"sq": "U mor", "en": "Received"}[language]
    subjects = {each.subject for each in DESKS if each.subject}
    assert [each for each in sorted(subjects) if not d.has(each, "subject")] == []


@pytest.mark.parametrize("desk", DESKS, ids=lambda desk: desk.name)
def test_its_columns_and_its_key_are_in_its_rows(desk: Desk) -> None:
    row = description().row(desk.path)
    assert [each for each in (*desk.columns, *desk.key) if each not in row] == []


def test_a_step_that_the_register_has_a_table_for_is_offered_by_it() -> None:
    """In a state that its table does not lead from it is not."""
    licences = next(desk for desk in DESKS if desk.name == "licences")
    offered = {
        state: {step for step in ACTS if licences.is_open_to(step, {"state": state})}
        for state in ("applied", "active", "revoked")
    }
    steps = {each.name for each in description().steps(licences.one)}
    assert offered["applied"] & steps == {"issue", "refuse"}
    assert offered["active"] & steps == {"renew", "amend", "suspend", "revoke"}
    assert offered["revoked"] & steps == set()


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """What a form can hold of a schema: text without space around it, minutes without seconds."""
    plain = description().plain(schema)
    drawer = Drawer(description())
    word = st.text("abXY09‹›{}ë", min_size=1, max_size=8)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "text": word,
        "long": word,
        "day": st.dates().map(str),
        # At noon: the hour that comes twice in October is one that no such control can tell apart.
        "moment": st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(
            lambda day: f"{day}T12:34:00+00:00"
        ),
        "number": st.integers(0, 10**9),
        "flag": st.booleans(),
        "lines": st.lists(word, max_size=3),
        "password": st.none(),  # what was written is not shown
        "digest": st.text("0123456789abcdef", min_size=64, max_size=64),
    }
    match drawer.kind(plain):
        case "group":
            return st.fixed_dictionaries(
                {name: values(each) for name, each in plain["properties"].items()}
            )
        case "rows":
            return st.lists(values(plain["items"]), max_size=2)
        case "choice":
            return st.sampled_from(plain["enum"]).map(str)
        case "choices":
            enum = description().plain(plain["items"])["enum"]
            return st.lists(st.sampled_from(enum), unique=True).map(
                lambda chosen: [each for each in enum if each in chosen]
            )
        case kind:
            return kinds[kind]


def sent(fields: tuple[Field, ...]) -> Iterator[tuple[str, str]]:
    """What a browser sends of such a form."""
    for each in fields:
        match each.kind:
            case "group" | "rows":
                yield from sent(each.parts)
            case "choices":
                yield from ((each.name, value) for value in each.values)
            case "lines":
                yield each.name, "\r\n".join(each.values)
            case "choice":  # the first, where none is chosen and none is blank
                yield each.name, each.value if each.value in each.options else each.options[0]
            case "flag":
                yield from ((each.name, each.value),) if each.value else ()
            case _:
                yield each.name, each.value


def same(value: Any) -> Any:
    """Moments compared as moments, and nothing said as nothing."""
    if isinstance(value, dict):
        return {key: same(each) for key, each in value.items() if same(each) not in (None, [], {})}
    if isinstance(value, list):
        return [same(each) for each in value]
    if isinstance(value, str) and len(value) == 25 and value[10] == "T":
        return datetime.fromisoformat(value)
    return value


@settings(max_examples=examples(0.2))
@given(data=st.data())
def check_form(name: str, step: Step, data: st.DataObject) -> None:
    """Assert that a form sends the values that it shows."""
    known = data.draw(values(step.body), label=name)
    drawer = Drawer(description())
    form = Form(tuple(sent(drawer.fields(step.body, known))))
    assert same(drawer.read(step.body, form)) == same(known)


def test_what_a_form_shows_is_what_it_sends() -> None:
    forms = bodies()  # not a parameter: the description takes seconds, and collection would pay
    assert forms
    for name, step in forms:
        check_form(name=name, step=step)


def test_what_may_be_absent_is_absent_where_nobody_wrote_into_it() -> None:
    """A default that was drawn in it, an empty list, or the first of a choice in an empty row would
    be sent as if somebody meant it."""
    drawer = Drawer(description())
    for name, step in bodies():
        form = Form(tuple(sent(drawer.fields(step.body, {}))))
        told = drawer.begun(step.body, drawer.read(step.body, form))
        properties = {
            each: description().plain(told) for each, told in step.body["properties"].items()
        }
        optional = {each for each, told in properties.items() if told.get("nullable")}
        kept = {each for each in optional if properties[each].get("default") is None}
        assert {each for each in kept if told.get(each) is not None} == set(), name
        rows = {each for each, told in properties.items() if drawer.kind(told) == "rows"}
        assert {each for each in rows if told.get(each)} == set(), name


SPEAKS_FOR_ITSELF = frozenset(
    {
        *("activities", "direction", "disposition", "ground", "kind", "kinds", "mode", "model"),
        *("name", "reason", "remark", "resolution", "result", "results", "roles", "template"),
        *("verify", "what", "outsiders.sender", "outsiders.recipient", "outsiders.carrier"),
        *("outsiders.end_user", "certificate.number"),
    }
)
"""Beside which nothing more has to be said: by label, or by place in a form."""


def hinted(language: str) -> Iterator[tuple[Hints, Field]]:
    """Every field of every form but those in rows, of which is said above them what they are."""
    d = load("sq" if language == "sq" else "en", "desks")
    drawer = Drawer(description())
    for name, step in bodies():
        desk = next(desk for desk in DESKS if desk.name == name.partition(" ")[0])
        waiting = list(drawer.fields(step.body, {}))
        while waiting:
            field = waiting.pop()
            waiting += field.parts if field.kind == "group" else ()
            yield Hints(d, desk, step.name), field


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_has_never_seen_a_form_is_told_what_to_write(language: str) -> None:
    missing = {
        f"{hints.desk.name} {hints.step} {field.name}"
        for hints, field in hinted(language)
        if not hints.of(field)
        and field.kind != "flag"
        and not {field.name, field.label} & SPEAKS_FOR_ITSELF
    }
    assert sorted(missing) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_hint_is_of_a_field_that_there_is_not(language: str) -> None:
    d = load("sq" if language == "sq" else "en", "desks")
    known = {key.partition("\x04")[2] for key in d.by_key if key.startswith("hint\x04")}
    used = {key for hints, field in hinted(language) for key in hints.keys(field)}
    assert sorted(known - used) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["products new", "products amend", "orders new", "orders amend"])
def test_a_template_s_hint_shows_what_is_typed(form: str, language: str) -> None:
    """A brace is a brace; and what stands in it can be copied into the form as it is."""
    named, _, step = form.partition(" ")
    (told,) = (
        hints.of(field)
        for hints, field in hinted(language)
        if (hints.desk.name, hints.step, field.name) == (named, step, "template.content")
    )
    for part in ("[)>‹RS›06‹GS›17V", "S{serial}‹RS›‹EOT›", " {component} ", " {lot} "):
        assert part in told
    assert "{{" not in told
    (example,) = (word.rstrip(".:,") for word in told.split() if word.startswith("[)>"))
    assert typed(example).startswith("[)>\x1e06\x1d17VA001H\x1d")


@pytest.mark.parametrize("name", ["exclusions new", "exclusions amend"])
def test_what_an_exclusion_stands_on_is_asked_once_and_said_in_both_places(name: str) -> None:
    """Two fields for a reason and two for a legal basis, of which nobody could know which is for
    what: now each has a name of its own."""
    step = next(step for each, step in bodies() if each == name)
    desk = next(desk for desk in DESKS if desk.name == "exclusions")
    asked = desk.asked(step)
    drawer = Drawer(description())
    drawn = drawer.fields(asked.body, {})
    assert {"legal_basis", "basis"} & {each.name for each in drawn} == {"legal_basis"}
    for language in LANGUAGES:
        teller = Teller(load(language, "desks"), desk="exclusions")
        labels = [teller.label(each.label) for each in drawn]
        assert len(set(labels)) == len(labels)
        assert teller.label("reason") not in teller.label("ground")
    form = Form((("legal_basis", "ligji 36/2020, neni 12"), ("reason", "vendimi 7")))
    told = desk.answered(drawer.read(asked.body, form))
    assert (told["legal_basis"], told["basis"]) == ("ligji 36/2020, neni 12",) * 2
    lift = next(step for each, step in bodies() if each == "exclusions lift")
    assert desk.asked(lift) == lift
    assert "basis" not in desk.answered({"reason": "vendimi 8"})


def test_each_line_of_a_checklist_has_a_row_of_its_own() -> None:
    step = next(step for name, step in bodies() if name == "inspections find")
    desk = next(desk for desk in DESKS if desk.name == "inspections")
    one = {"checklist": [{"text": text, "result": None} for text in ("doors", "books", "keys")]}
    drawer = Drawer(description(), desk.lines("find", one))
    drawn = next(each for each in drawer.fields(step.body, {}) if each.name == "results")
    assert [each.line for each in drawn.parts] == ["doors", "books", "keys"]
    form = Form((("results.0.result", "ok"), ("results.1.result", ""), ("results.2.result", "")))
    again = next(each for each in drawer.again(step.body, form) if each.name == "results")
    assert [each.parts[0].value for each in again.parts] == ["ok", "", ""]


def test_a_fault_stands_beside_its_field() -> None:
    step = next(step for name, step in bodies() if name == "licences new")
    drawn = Drawer(description()).fields(step.body, {})
    told = Answer(
        status=422,
        body={
            "title": "Refused",
            "faults": [
                {"where": ["body", "number"], "code": "missing", "detail": "Field required"},
                {"where": ["body", "products", 1], "code": "string_pattern_mismatch", "detail": ""},
            ],
        },
    )
    assert set(faults(told, drawn).beside) == {"number", "products"}
    rule = Answer(status=422, body={"detail": "valid_until: it has passed"})
    assert faults(rule, drawn).beside == {"valid_until": ("", "it has passed")}
    other = Answer(status=409, body={"detail": "licence L-1: exists"})
    assert (faults(other, drawn).beside, faults(other, drawn).detail) == ({}, "licence L-1: exists")


def test_what_a_rule_of_the_form_says_stands_beside_the_field_that_it_names() -> None:
    step = next(step for name, step in bodies() if name == "orders new")
    drawn = Drawer(description()).fields(step.body, {})
    refused = Answer(
        status=422,
        body={"detail": "in English"},
        told="tray: më pak; Diçka përsëritet.",
        sentences=("tray: më pak", "Diçka përsëritet."),
    )
    found = faults(refused, drawn)
    assert found.beside == {"tray": ("", "më pak")}
    assert (found.detail, found.english) == ("Diçka përsëritet.", False)
    whole = {"where": ["body"], "code": "value_error", "detail": "Value error, in English"}
    inside = whole | {"where": ["body", "verify"]}
    malformed = Answer(
        status=422,
        body={"detail": "in English", "faults": [whole, inside, whole]},
        beside=(("tray: më pak", "Diçka përsëritet."), ("every: 2 ose më shumë",), ()),
    )
    found = faults(malformed, drawn)
    assert found.beside == {"tray": ("", "më pak"), "verify.every": ("", "2 ose më shumë")}
    assert (found.detail, found.english) == ("Diçka përsëritet.", False)


def test_what_somebody_wrote_is_told_as_it_stands() -> None:
    """Though it were a code of the register; an order's own reason is one, and is told in words."""
    d = load("sq", "desks")
    assert Teller(d, desk="acts").value("reason", "approved").text == "approved"
    assert Teller(d, desk="evidence").value("reason", "forked").text != "forked"
    at = [{"gateway": "a.1", "obstacle": "place-inactive", "said": ""}]
    order: dict[str, Any] = {"reason": "order-held", "said": "order-held", "at": at}
    order |= dict.fromkeys(("quarantined", "duplicated", "unaccounted"), 0)
    told = order_read(order, "sq")
    assert (told["reason"], told["said"]) == ("Porosia është ndaluar", "order-held")
    assert told["obstacles"][0]["obstacle"] == "Linja është mbyllur"


def test_the_head_of_a_column_of_numbers_stands_where_they_do() -> None:
    shown = Teller(load("en", "desks")).value(
        "lots",
        [
            {"lot": "A", "pieces": 12, "quantity": 3, "model": 70},
            {"lot": "B", "pieces": None, "quantity": 4, "model": "M-70"},
        ],
    )
    assert shown.numbers == (False, True, True, False)
    assert description().numbers("/stock", ("kind", "articles", "quantity")) == (False, True, True)


def test_a_table_in_which_nothing_stands_is_not_shown() -> None:
    """An officer's suspension without an end says nothing that its licence does not."""
    teller = Teller(load("sq", "desks"))
    assert teller.facts({"suspensions": [{"sanction": "", "until": None}]}) == []


def test_a_table_leaves_out_what_nobody_has() -> None:
    shown = Teller(load("en", "desks")).value(
        "differences", [{"code": "A", "holder": "UMG", "received": None}]
    )
    assert shown.heads == ("Code", "Holder")
    ((code, holder),) = shown.rows
    assert (code.text, holder.text, holder.path) == ("A", "UMG", "/entities/UMG")


def test_a_paper_holds_its_key_as_a_symbol_and_what_the_page_says() -> None:
    teller = Teller(load("sq", "desks"), feminine=True)
    told = teller.facts({"entity": "UMG", "conditions": ["Vetëm në Gramsh"], "quantities": []})
    drawn = paper.draw(
        paper.Paper("Licenca", "PRO-2026-014", "e pezulluar", told, "Shtypur", "sq"), teller.d
    )
    (page,) = pypdfium2.PdfDocument(drawn)
    text = page.get_textpage().get_text_bounded()
    for part in ("Licenca PRO-2026-014", "e pezulluar", "UMG", "Vetëm në Gramsh", "Faqja 1"):
        assert part in text
    (read,) = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
    assert (read.text, read.format) == ("PRO-2026-014", zxingcpp.BarcodeFormat.DataMatrix)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_printed_licence_says_how_it_is_checked(language: Language) -> None:
    """Without an address nobody can scan, it says where to type the number."""
    licence = {"number": "PRO-2026-014", "state": "revoked"}
    assert of_licence(licence | {"state": "applied"}, language, "https://register.example") is None
    teller = Teller(load(language, "desks"))
    for origin, codes in (("", 1), ("https://register.example", 2)):
        check = of_licence(licence, language, origin)
        assert check is not None
        drawn = paper.draw(
            paper.Paper("Licenca", "PRO-2026-014", "", [], "Shtypur", language, check), teller.d
        )
        (page,) = pypdfium2.PdfDocument(drawn)
        text = page.get_textpage().get_text_bounded().replace("\r\n", " ")
        assert check.title in text
        assert check.says in text
        assert check.address in text
        read = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
        assert len(read) == codes
        assert {"PRO-2026-014", check.address} - {""} == {each.text for each in read}


def test_a_moment_that_nobody_touched_keeps_its_seconds() -> None:
    """The control shows minutes; whoever amends something else does not cut the beginning short."""
    step = next(step for name, step in bodies() if name == "exclusions amend")
    drawer = Drawer(description())
    known = {"name": "A", "kind": "person", "valid_from": "2026-10-25T00:30:59.123456Z"}
    form = dict(sent(drawer.fields(step.body, known))) | {"name": "B"}
    read = drawer.read(step.body, Form(tuple(form.items())))
    assert read["valid_from"] != known["valid_from"]
    told = drawer.changed(step.body, known, read)
    assert (told["name"], told["valid_from"]) == ("B", known["valid_from"])
    form["valid_from"] = "1.11.2026 08:00"
    told = drawer.changed(step.body, known, drawer.read(step.body, Form(tuple(form.items()))))
    assert told["valid_from"] == "2026-11-01T08:00:00+01:00"


def test_what_counts_nothing_is_no_amount() -> None:
    for language, point in (("sq", "40,87"), ("en", "40.87")):
        teller = Teller(load("sq" if language == "sq" else "en", "desks"))
        assert teller.value("latitude", 40.87).text == point
        assert teller.value("year", 2026).text == "2026"
        assert teller.value("quantity", 300000).text == "300\u202f000"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("26.11.2026 14:30", "2026-11-26T14:30:00+01:00"),
        ("3.4.2027, 9:05", "2027-04-03T09:05:00+02:00"),
        ("3/4/2027 9.05", "2027-04-03T09:05:00+02:00"),
        ("2027-04-03 09:05", "2027-04-03T09:05:00+02:00"),
        ("2027-04-03T09:05:00Z", "2027-04-03T09:05:00+00:00"),
        ("2027-04-03T09:05:00+05:00", "2027-04-03T09:05:00+05:00"),
        ("26.11.2026", "26.11.2026"),
        ("31.2.2027 10:00", "31.2.2027 10:00"),
        ("26.11.26 14:30", "26.11.26 14:30"),
        ("nesër", "nesër"),
    ],
)
def test_a_moment_is_written_with_the_day_before_the_month(written: str, told: str) -> None:
    """What is none stays as it was written, and is refused as that."""
    assert moment_read(written) == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2027-12-31", "2027-12-31T23:59:59+01:00"),
        (" 31.7.2027 ", "2027-07-31T23:59:59+02:00"),
        ("31.12.2027 08:00", "2027-12-31T08:00:00+01:00"),
        ("nesër", "nesër"),
    ],
)
def test_an_end_without_a_time_keeps_its_day(written: str, told: str) -> None:
    assert end_read(written) == told


def test_the_form_of_a_licence_tells_an_end_from_a_beginning() -> None:
    new = dict(bodies())["licences new"]
    form = Form((("valid_from", "2027-01-01"), ("valid_until", "2027-12-31")))
    told = Drawer(description()).read(new.body, form)
    assert told["valid_from"] == "2027-01-01T00:00:00+01:00"
    assert told["valid_until"] == "2027-12-31T23:59:59+01:00"


@pytest.mark.parametrize(
    ("written", "told"),
    [("3.4.2027", "2027-04-03"), ("2027-04-03", "2027-04-03"), ("4/2027", "4/2027")],
)
def test_a_day_is_written_before_its_month(written: str, told: str) -> None:
    assert day_read(written) == told
