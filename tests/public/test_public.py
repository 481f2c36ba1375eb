"""What everybody is told: these fields and no others, the same to all, for caches to keep."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import Engine, create_engine

from central.access.browsing import SESSION
from central.access.roles import OF_AN_ENTITY, Role
from central.public.figures import of_inspections, of_sanctions
from tests.public.conftest import PERSON, SECRET, at
from tests.support import clusters
from tests.support.register import Register
from tests.support.registry import Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
API = "/api/v1/public"
ENTITY = {"code", "name", "kinds", "tax_number", "ncage", "standing", "activities", "valid_until"}
LICENCE = {
    *("number", "entity", "entity_name", "activities", "categories", "standing"),
    *("valid_from", "valid_until", "since", "suspended_until"),
}
EXCLUSION = {"number", "name", "tax_number", "ncage", "ground", "valid_from", "valid_until"}
FIELDS = {
    "entities": ENTITY,
    "licences": LICENCE,
    "exclusions": EXCLUSION,
    "statistics": {"table", "row", "column", "count"},
}
NUMBERS = (
    *("A-FORCE", "A-SOON", "A-PAUSED", "A-OVER", "A-REVOKED", "A-OUT", "A-OFF"),
    *("A-ASKED", "A-NONE"),
)
PAGES = [
    f"/public{language}{path}"
    for language in ("", "/en")
    for path in (
        *("", "/check", "/check?number=a-force", "/check?number=", "/entities", "/entities/KMP"),
        *("/entities?q=nobody", "/entities/NONE", "/exclusions", "/statistics"),
        *(f"/licences/{number}" for number in NUMBERS),
    )
]
DATA = [
    *(f"{API}/{name}{form}" for name in FIELDS for form in ("", "?format=csv", "?format=jsonl")),
    *(f"{API}/entities/KMP", f"{API}/licences/A-FORCE", f"{API}/licences/A-NONE"),
]


YEAR = datetime.now(UTC).year
RESULTS = {"in-order": 2, "faults": 1, "all": 3}
"""Of the inspections of this year."""


@pytest.fixture
def engine(centre: Registry) -> Iterator[Engine]:
    made = create_engine(clusters.dialect(centre.database))
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def settled(centre: Registry) -> None:
    """What the last act of the register did has reached the copy."""

    def is_told() -> bool:
        rows = centre.http().get(f"{API}/licences").json()["rows"]
        stands = {row["number"]: row["standing"] for row in rows}
        return stands.get("A-OVER") == "expired" and stands.get("A-OUT") == "holder-excluded"

    wait_for("the copy", is_told, 30)


def get(centre: Registry, path: str, **headers: str) -> httpx.Response:
    return centre.http().get(path, headers=headers)


def rows(centre: Registry, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(centre, path).json()["rows"]
    return found


# --- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_row_has_these_fields_and_no_other(centre: Registry, name: str) -> None:
    found = rows(centre, f"{API}/{name}")
    assert found
    assert all(set(row) == FIELDS[name] for row in found)
    written = get(centre, f"{API}/{name}?format=csv").content.decode("utf-8-sig")
    assert set(next(csv.reader(io.StringIO(written)))) == FIELDS[name]
    whole = get(centre, f"{API}/entities/KMP").json()
    assert set(whole) == ENTITY | {"licences"}
    assert all(set(each) == LICENCE for each in whole["licences"])


def test_nothing_of_what_was_written_for_the_register_alone_leaves_it(centre: Registry) -> None:
    """Reasons, conditions, sites, quantities, inspectors, sums; persons; and what is only asked."""
    for path in (*PAGES, *DATA):
        told = html.unescape(get(centre, path).text)
        for secret in (SECRET, PERSON, "987654", "Ende Asgjë", "A-REFUSED", "K14142135E"):
            assert secret not in told, (secret, path)
        assert "A-ASKED" not in told or path.endswith("A-ASKED"), path


def test_a_licence_says_what_it_is_good_for(centre: Registry) -> None:
    stands = {row["number"]: row["standing"] for row in rows(centre, f"{API}/licences")}
    assert stands == {
        "L-1": "in-force",
        "A-FORCE": "in-force",
        "A-SOON": "not-begun",
        "A-PAUSED": "suspended",
        "A-OVER": "expired",
        "A-REVOKED": "revoked",
        "A-OUT": "holder-excluded",
        "A-OFF": "holder-inactive",
    }
    holders = {row["code"]: row["standing"] for row in rows(centre, f"{API}/entities")}
    assert holders == {
        "UMG": "licensed",
        "KMP": "licensed",
        "BRO": "not-licensed",
        "OUT": "excluded",
        "OFF": "inactive",
    }
    paused = get(centre, f"{API}/licences/a-paused").json()
    acted = centre.get("/api/v1/acts?subject=licence&key=A-PAUSED")["items"]
    assert paused["since"] == next(act["at"] for act in acted if act["what"] == "suspended")
    assert paused["suspended_until"] is not None


def test_an_exclusion_is_told_while_it_stands_and_of_entities_alone(centre: Registry) -> None:
    assert [row["number"] for row in rows(centre, f"{API}/exclusions?sort=number")] == [
        "X-1",
        "X-2",
    ]
    figures = {
        (row["row"], row["column"]): row["count"]
        for row in rows(centre, f"{API}/statistics")
        if row["table"] == "exclusions"
    }
    assert figures == {
        ("violation", "entity"): 2,
        ("violation", "person"): None,
        ("national-security", "entity"): 0,
        ("national-security", "person"): None,
        ("all", "entity"): 2,
        ("all", "person"): 1,
    }
    page = get(centre, "/public/en/statistics").text
    section = page.split('id="exclusions"')[1].split("</section>")[0]
    assert shown(section) == ["violation of the law", "total"]


def test_statistics_are_what_the_registers_say(centre: Registry) -> None:
    figures = {
        (row["table"], row["row"], row["column"]): row["count"]
        for row in rows(centre, f"{API}/statistics")
    }
    licences, entities = rows(centre, f"{API}/licences"), rows(centre, f"{API}/entities")
    assert figures["licences", "all", "all"] == len(licences)
    assert figures["entities", "all", "all"] == len(entities)
    for activity in ("trade", "transport"):
        mine = [each for each in licences if activity in each["activities"]]
        assert figures["licences", activity, "all"] == len(mine)
    assert {table for table, _, _ in figures} == {"licences", "entities", "exclusions"}
    page = get(centre, "/public/en/statistics").text
    assert page.count("No year is over yet of which there is something to tell.") == 3


def seen_in(engine: Engine, year: int) -> dict[tuple[str, str, str], int | None]:
    """What is told of inspections and sanctions in June of that year."""
    now = datetime(year, 6, 1, tzinfo=UTC)
    with engine.connect() as connection:
        found = [*of_inspections(connection, now), *of_sanctions(connection, now)]
    return {(each.table, each.row, each.column): each.count for each in found}


def test_what_is_done_on_a_day_is_told_when_its_year_is_over(
    centre: Registry, engine: Engine
) -> None:
    assert seen_in(engine, YEAR) == {}, "this year runs"
    later = seen_in(engine, YEAR + 1)
    assert {each: later["inspections", str(YEAR), each] for each in RESULTS} == RESULTS
    assert later["sanctions", str(YEAR), "all"] is None, "of one entity alone"


def test_a_measure_that_comes_later_changes_no_year_that_is_over(
    centre: Registry, engine: Engine
) -> None:
    measures = {"measures": [{"text": SECRET, "deadline": at(9)}], "reason": SECRET}
    with centre.client("inspector") as http:
        answer = http.post("/api/v1/inspections/I-1/measures", json=measures)
    assert answer.status_code == 200, answer.text
    assert seen_in(engine, YEAR + 1)["inspections", str(YEAR), "faults"] == 2
    move = "UPDATE act SET at = at {} interval '1 year' WHERE what = 'found'"
    centre.sql(move.format("-"))
    try:
        over = seen_in(engine, YEAR)
        assert {each: over["inspections", str(YEAR - 1), each] for each in RESULTS} == RESULTS
    finally:
        centre.sql(move.format("+"))


# --- the same, however it is asked for ------------------------------------------------------------


def shown(page: str) -> list[str]:
    """The names or numbers in the rows of a page's table."""
    found = re.findall(r'<th scope="row">(?:<a [^>]*>)?(.*?)(?:</a>)?(?:<span|</th>)', page)
    return [html.unescape(each) for each in found]


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("entities", ""),
        ("entities", "sort=-name"),
        ("entities", "q=MEKANIK"),
        ("entities", "kind=trader&standing=excluded"),
        ("entities", "activity=production&sort=valid_until"),
        ("exclusions", ""),
        ("exclusions", "q=jashte&ground=violation"),
        ("exclusions", "sort=-valid_from"),
    ],
)
def test_a_page_shows_what_its_files_hold(
    centre: Registry, language: str, name: str, query: str
) -> None:
    page = get(centre, f"/public{language}/{name}?{query}").text
    files = re.findall(r'href="(/api/v1/public[^"]*)"', page)
    table, whole = (html.unescape(each) for each in files)
    told = rows(centre, whole)
    assert told
    assert shown(page) == [row["name"] for row in told]
    assert f">{len(told)} " in page
    written = get(centre, table)
    assert written.headers["content-type"] == "text/csv; charset=utf-8"
    read = list(csv.DictReader(io.StringIO(written.content.decode("utf-8-sig"))))
    assert [row["name"].removeprefix("'") for row in read] == shown(page)
    assert [json.loads(row.get("kinds", "0")) for row in read] == [
        row.get("kinds", 0) for row in told
    ]


def test_the_page_of_one_shows_what_its_files_hold(centre: Registry) -> None:
    page = get(centre, "/public/entities/KMP").text
    _, whole = re.findall(r'href="(/api/v1/public[^"]*)"', page)
    assert shown(page) == [row["number"] for row in rows(centre, html.unescape(whole))]


def test_a_spreadsheet_computes_no_name(centre: Registry) -> None:
    written = get(centre, f"{API}/entities?q=OUT&format=csv").text
    assert "OUT,'=Përjashtuar sh.a.," in written


def test_a_list_of_many_comes_in_pages_and_its_files_whole(centre: Registry) -> None:
    for number in range(120):
        code = f"Z{number:03}"
        centre.post("/api/v1/entities", {"code": code, "name": f"Zyra {number:03}"})
        term = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2040-01-01T00:00:00Z"}
        centre.post("/api/v1/licences", {"number": f"Z-{number}", "entity": code} | term)
    wait_for("the copy", lambda: len(rows(centre, f"{API}/entities?q=zyra")) == 120, 30)
    found: list[str] = []
    address = "/public/entities?q=zyra"
    while address:
        page = get(centre, address).text
        found += shown(page)
        after = re.search(r'href="([^"]*)" rel="next"', page)
        address = html.unescape(after[1]) if after else ""
    assert found == [f"Zyra {number:03}" for number in range(120)]
    assert len(get(centre, f"{API}/entities?q=zyra&format=jsonl").text.splitlines()) == 120
    last = get(centre, "/public/entities?q=zyra&page=999").text
    assert shown(last) == found[100:]
    for odd in ("page=0", "page=-1", "page=x", "page=", "sort=tax_number", "kind=x"):
        assert shown(get(centre, f"/public/entities?q=zyra&{odd}").text) == found[:50]


# --- the same to all ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_who_asks_changes_no_byte(centre: Registry, role: Role) -> None:
    entity = "UMG" if role in OF_AN_ENTITY else None
    cookies = f"{SESSION}={centre.session(role, entity)}; gjurma_language=en; gjurma_theme=dark"
    bearer = f"Bearer {centre.token(role, entity)}"
    for path in ("/public", "/public/en/entities", "/public/licences/A-FORCE", f"{API}/entities"):
        nobody = get(centre, path)
        for headers in ({"Cookie": cookies}, {"Authorization": bearer}, {"Accept-Language": "en"}):
            somebody = get(centre, path, **headers)
            assert somebody.content == nobody.content
            assert somebody.headers["etag"] == nobody.headers["etag"]
            assert "set-cookie" not in somebody.headers


@pytest.mark.parametrize("path", [*PAGES, *DATA])
def test_no_cookie_no_script_and_a_tag_that_caches_understand(centre: Registry, path: str) -> None:
    answer = get(centre, path)
    assert "set-cookie" not in answer.headers
    if path.startswith("/public"):
        policy = answer.headers["content-security-policy"]
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "<script" not in answer.text
        assert 'style="' not in answer.text
    if answer.status_code == 404 and "etag" not in answer.headers:
        assert answer.headers["cache-control"] == "no-store"
        return
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = get(centre, path, **{"Accept-Encoding": "identity"})
    assert plain.content == answer.content, "httpx unpacked the other one"
    if answer.status_code != 200:
        return
    for told in (answer, plain):
        packed = told.headers.get("content-encoding", "identity")
        tags = f'"other", W/{told.headers["etag"]}'
        again = get(centre, path, **{"If-None-Match": tags, "Accept-Encoding": packed})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == told.headers["etag"]
        assert again.headers["cache-control"] == "public, max-age=60"
    assert get(centre, path, **{"If-None-Match": '"other"'}).status_code == 200


def test_a_private_answer_is_kept_by_nobody(centre: Registry) -> None:
    with centre.browser() as officer, centre.client() as system:
        for answer in (officer.get("/licences/A-FORCE"), system.get("/api/v1/licences/A-FORCE")):
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
    for path in ("/api/v1/licences", "/sign-in", "/public/nothing", f"{API}/licences/A-NONE"):
        assert get(centre, path).headers["cache-control"] == "no-store"


def test_a_tag_changes_with_what_it_names(centre: Registry) -> None:
    path = f"{API}/licences/L-1"
    before = get(centre, path)
    assert before.json()["standing"] == "in-force"
    centre.post("/api/v1/licences/L-1/suspend", {"reason": "prova"})
    wait_for("the copy", lambda: get(centre, path).json()["standing"] == "suspended", 30)
    again = get(centre, path, **{"If-None-Match": before.headers["etag"]})
    assert again.status_code == 200
    centre.post("/api/v1/licences/L-1/reinstate", {"reason": "prova"})
    wait_for("the copy", lambda: get(centre, path).headers["etag"] == before.headers["etag"], 30)


# --- the pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("/public/en")])
def test_each_page_stands_in_both_languages_and_says_where_the_other_is(
    centre: Registry, path: str
) -> None:
    other = path.replace("/public", "/public/en", 1)
    for address, language in ((path, "sq"), (other, "en")):
        page = get(centre, address).text
        assert f'<html lang="{language}">' in page
        for hreflang, there in (("sq", path), ("en", other)):
            link = f'<link rel="alternate" hreflang="{hreflang}" href="{html.escape(there)}">'
            assert link in page
    assert get(centre, path).content != get(centre, other).content


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        ("A-FORCE", 200, "Kjo licencë është në fuqi"),
        ("A-SOON", 200, "Kjo licencë nuk ka hyrë ende në fuqi"),
        ("A-PAUSED", 200, "Kjo licencë është e pezulluar"),
        ("A-OVER", 200, "Kjo licencë ka skaduar"),
        ("A-REVOKED", 200, "Kjo licencë është revokuar"),
        ("A-OUT", 200, "regjistrin e të përjashtuarve"),
        ("A-OFF", 200, "nuk është aktiv në regjistër"),
        ("A-ASKED", 404, "Në regjistër nuk ka licencë të tillë"),
        ("A-NONE", 404, "Në regjistër nuk ka licencë të tillë"),
        ("<b>", 404, "&lt;b&gt;"),
    ],
)
def test_a_check_says_in_words_what_the_licence_is_good_for(
    centre: Registry, number: str, status: int, words: str
) -> None:
    for path in (f"licences/{quote(number, safe='')}", f"check?number=+{quote(number.lower())}+"):
        answer = get(centre, f"/public/{path}")
        assert answer.status_code == status
        assert words in answer.text
        assert re.search(r'<svg class="shape" aria-hidden="true"><use href="#s-\w+"/>', answer.text)


def test_whatever_is_typed_stays_a_text(centre: Registry) -> None:
    for typed in ("%3Cscript%3E", "%22%3E%3Cb%3E", "a%3Fb%23c", "%25", "%ff", "x" * 3000):
        page = get(centre, f"/public/check?number={typed}")
        assert page.status_code == 404
        assert "<script" not in page.text
        assert "<b>" not in page.text.split("<h1>")[1].split("</section>")[0]
        found = get(centre, f"/public/licences/{typed}")
        assert found.status_code == 404
        assert "licences/a%3Fb%23c" in found.text or typed != "a%3Fb%23c"


def test_a_number_that_looks_like_another_is_not_taken_for_it(centre: Registry) -> None:
    page = get(centre, "/public/check?number=A-F0RCE")
    assert page.status_code == 404
    assert "Në regjistër nuk ka licencë të tillë" in page.text
    assert 'href="/public/licences/A-FORCE"' in page.text


def test_who_mistypes_an_address_is_told_so_in_a_page(centre: Registry) -> None:
    for path, words in (
        ("/public/x/y", "Në këtë adresë nuk ka asgjë"),
        ("/public/en/x", "nothing"),
    ):
        answer = get(centre, path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert words in answer.text
    for path in ("/public", "/public/en", "/public/entities"):
        assert get(centre, path + "/").headers["location"] == path


def test_the_sign_in_leads_there(centre: Registry) -> None:
    assert 'href="/public"' in get(centre, "/sign-in").text
    assert 'href="/public/en"' in get(centre, "/sign-in?lang=en").text


def test_who_asks_without_end_waits(centre: Registry) -> None:
    """As a server before this one tells for whom it asks."""
    with centre.http(headers={"X-Forwarded-For": "203.0.113.7"}) as http:
        for _ in range(240):
            assert http.get(f"{API}/licences/A-FORCE").status_code == 200
        refused = http.get("/public/en/check")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["cache-control"] == "no-store"
        assert "That was too often" in refused.text
        problem = http.get(f"{API}/entities")
        assert (problem.status_code, problem.json()["code"]) == (429, "too-many")
    assert get(centre, f"{API}/entities").status_code == 200


def test_while_the_register_is_away_a_page_says_so(centre: Registry) -> None:
    """Nothing old is told for new; it is there again by itself."""
    assert isinstance(centre, Register)
    with centre.away():
        path = "/public/en/licences/A-FORCE"
        wait_for("the end of the copy", lambda: get(centre, path).status_code == 503, 60)
        away = get(centre, path)
        assert "The register cannot be reached" in away.text
        assert away.headers["cache-control"] == "no-store"
        assert get(centre, f"{API}/entities").json()["code"] == "database-unavailable"
    wait_for("the register", lambda: get(centre, path).status_code == 200, 60)
