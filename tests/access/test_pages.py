"""Every page with every role, and what a browser has to bring to change something."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from central.access.browsing import SESSION, VISIT
from central.access.roles import OF_AN_ENTITY, RIGHTS, Right, Role
from central.screens.install import ROUTERS
from central.screens.navigation import ENTRIES
from central.screens.public import ForEverybody
from central.screens.viewer import ANYBODY, Open, Shown, local
from central.screens.warehouse.shell import SameForAll
from tests.access.test_roles import BODIES
from tests.support.registry import PASSWORD, Registry

pytestmark = pytest.mark.slow
OPEN = {
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/role"),
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    ("GET", "/sign-in/enrol"),
    ("POST", "/sign-in/enrol"),
    ("POST", "/sign-in/role"),
    ("GET", "/sign-in/agency"),
    ("GET", "/sign-in/agency/return"),
}
"""Pages that nobody needs to be signed in for."""
PUBLIC = {
    ("GET", f"/public{language}{path}")
    for language in ("", "/en")
    for path in (
        *("", "/check", "/licences/{number}", "/entities", "/entities/{code}"),
        *("/exclusions", "/statistics"),
    )
} | {("GET", "/public/{rest:path}")}
"""Pages that do not even look who asks."""


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, Open | Shown | ForEverybody | SameForAll), (
                "a page that asks nobody who they are"
            )
            for method in route.methods or ():
                yield method, route.path, route


CLOSED = [
    (method, path, str((route.openapi_extra or {})["x-right"]))
    for method, path, route in routes()
    if isinstance(route, Shown)
]


def filled(path: str) -> str:
    path = re.sub(r"\{(epoch|seq)\}", "999", path)
    return re.sub(r"\{\w+(:path)?\}", "none", path)


def may(role: Role, needed: str) -> bool:
    return needed == ANYBODY or role in RIGHTS[Right(needed)]


def entity_of(role: Role) -> str | None:
    return "UMG" if role in OF_AN_ENTITY else None


def test_every_page_asks_who_looks_or_is_named_here() -> None:
    found = {(method, path) for method, path, route in routes() if isinstance(route, Open)}
    assert found == OPEN
    found = {(method, path) for method, path, route in routes() if isinstance(route, ForEverybody)}
    assert found == PUBLIC
    found = {(method, path) for method, path, route in routes() if isinstance(route, SameForAll)}
    assert found == {("GET", "/warehouse/")}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_the_pages_that_the_table_gives_it_and_no_other(
    centre: Registry, role: Role
) -> None:
    """Forms are tried without their token: who may is told that, and nobody else."""
    with centre.browser(role, entity_of(role)) as browser:
        for method, path, needed in CLOSED:
            answer = browser.request(method, filled(path))
            told = (answer.status_code, re.findall(r"<h1>(.*?)</h1>", answer.text))
            assert "text/html" in answer.headers["content-type"], path
            if not may(role, needed):
                assert told == (403, ["Jo për këtë rol"]), (method, path)
            elif method == "POST":
                assert told == (403, ["Asgjë nuk u ndryshua"]), (method, path)
            else:
                # There is none of the name that was asked for, and nothing waits for a code.
                assert answer.status_code in (200, 404, 409), (method, path, told)


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_leads_where_the_role_may_go(centre: Registry, role: Role) -> None:
    paths = {path for method, path, _ in CLOSED if method == "GET"}
    with centre.browser(role, entity_of(role)) as browser:
        page = browser.get("/").text
        nav = page[page.index('class="g-nav"') :] if 'class="g-nav"' in page else ""
        shown = re.findall(r'href="(/[^"]*)"', nav[: nav.index("</nav>")] if nav else "")
        assert shown == [
            entry.path + entry.query
            for entry in ENTRIES
            if entry.path in paths and role in RIGHTS[entry.right]
        ]
        for path in shown:
            assert browser.get(path).status_code == 200, path
    assert ('id="marks"' in page) is (role in RIGHTS[Right.READ_EVIDENCE])


@pytest.mark.parametrize("cookie", ["", "wrong"])
def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(centre: Registry, cookie: str) -> None:
    headers = {"Cookie": f"{SESSION}={cookie}"} if cookie else {}
    with centre.http(headers=headers) as nobody:
        for method, path, _ in CLOSED:
            answer = nobody.request(method, filled(path))
            back = filled(path) if method == "GET" and path != "/" else ""
            query = f"?next={quote(back, safe='')}" if back else ""
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"] == f"/sign-in{query}"
            assert not answer.content


def test_the_token_of_a_system_opens_no_page(centre: Registry) -> None:
    with centre.http(cookies={SESSION: centre.token("auditor")}) as system:
        assert system.get("/").status_code == 303


def test_that_no_agency_is_configured_is_said_as_it_is(centre: Registry) -> None:
    none = "nuk ka hyrje të ndonjë institucioni"
    with centre.http() as nobody:
        for path in ("/sign-in/agency", "/sign-in/agency/return?code=x&state=x"):
            page = nobody.get(path)
            assert page.status_code == 404
            assert none in page.text
            assert 'name="password"' in page.text
    with centre.browser("administrator") as browser:
        bound = {"csrf": token_of(browser), "subject": "x", "reason-bind": "seen"}
        page = browser.post("/accounts/administrator/identities/bind", data=bound)
        assert page.status_code == 422
        assert none in page.text


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_no_form_is_read_before_it_is_known_who_sends_it(centre: Registry, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = centre.http().post("/sign-out", content=content, headers=headers)
    assert answer.status_code == 303


# --- what a browser brings ------------------------------------------------------------------


def token_of(browser: httpx.Client, path: str = "/") -> str:
    found = re.search(r'name="csrf" (?:content|value)="(\w+)"', browser.get(path).text)
    assert found is not None
    return found[1]


def test_a_form_needs_the_token_of_its_session_and_a_page_of_ours(centre: Registry) -> None:
    with centre.browser("inspector") as browser, centre.browser("auditor") as other:
        token = token_of(browser)
        ours = {"Origin": centre.url, "Sec-Fetch-Site": "same-origin"}
        forged = [
            ({}, ours),
            ({"csrf": "0" * 64}, ours),
            ({"csrf": token_of(other)}, ours),
            ({"csrf": token}, ours | {"Origin": "http://foreign.example"}),
            ({"csrf": token}, ours | {"Origin": "null"}),
            ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
            ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
        ]
        for form, headers in forged:
            answer = browser.post("/sign-out", data=form, headers=headers)
            assert answer.status_code == 403, (form, headers)
            assert browser.get("/").status_code == 200, "still signed in"
        assert browser.post("/sign-out", data={"csrf": token}, headers=ours).status_code == 303
        assert browser.get("/").status_code == 303
    (centre.folder / "session-inspector-registry").unlink()


def test_the_interface_takes_a_sessions_cookie_and_then_the_token_too(centre: Registry) -> None:
    body = {"code": "CK-1", "name": "By cookie"}
    with centre.browser() as browser:
        token = token_of(browser)
        assert browser.get("/api/v1/entities").status_code == 200
        for headers in (
            {},
            {"X-CSRF-Token": "0" * 64},
            {"X-CSRF-Token": token, "Origin": "http://foreign.example"},
            {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        ):
            answer = browser.post("/api/v1/entities", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forged"), headers
        good = {"X-CSRF-Token": token, "Origin": centre.url, "Sec-Fetch-Site": "same-origin"}
        assert browser.post("/api/v1/entities", json=body, headers=good).status_code == 201
        wrong = browser.get("/api/v1/entities", headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401, "a cookie does not make up for a wrong token"
    system = {SESSION: centre.token("auditor")}
    with centre.http(cookies=system) as http:
        assert http.get("/api/v1/entities").status_code == 401


def test_the_cookie_of_a_session_is_for_this_site_alone(centre: Registry) -> None:
    centre.session("auditor")
    with centre.http() as browser:
        token = token_of(browser, "/sign-in")
        visit = browser.cookies[VISIT]
        form = {"account": "auditor", "password": PASSWORD, "csrf": token, "next": "/search?q=x"}
        answer = browser.post("/sign-in", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=x")
        (given,) = [
            each
            for each in answer.headers.get_list("set-cookie")
            if each.startswith(SESSION) and "Max-Age=0" not in each
        ]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(given.split("; "))
        assert VISIT not in browser.cookies
        assert visit not in given
        # Its token is another session's from now on: the one of the sign-in is worth nothing.
        assert browser.post("/sign-out", data={"csrf": token}).status_code == 403
        assert browser.post("/sign-out", data={"csrf": token_of(browser)}).status_code == 303


def test_a_sign_in_that_another_site_prepared_is_refused(centre: Registry) -> None:
    """Else somebody could be signed in as another without knowing it."""
    with centre.http() as browser:
        form = {"account": "auditor", "password": PASSWORD}
        assert browser.post("/sign-in", data=form).status_code == 403
        form["csrf"] = token_of(browser, "/sign-in")
        foreign = {"Origin": "http://foreign.example"}
        assert browser.post("/sign-in", data=form, headers=foreign).status_code == 403
        browser.cookies.clear()
        assert browser.post("/sign-in", data=form).status_code == 403


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/items/A%2FB?lang=en", "/items/A%2FB?lang=en"),
        ("/search?q=a+b", "/search?q=a+b"),
        ("//foreign.example/", "/"),
        ("/\\foreign.example", "/"),
        ("\\\\foreign.example", "/"),
        ("https://foreign.example/", "/"),
        ("https:foreign.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/foreign.example", "/"),
        ("/\n/foreign.example", "/"),
        (" /x", "/"),
        ("//[", "/"),
        ("x", "/"),
        ("", "/"),
        ("/" + "x" * 2000, "/"),
    ],
)
def test_after_the_sign_in_only_a_page_of_ours_follows(asked: str, leads_to: str) -> None:
    assert local(asked) == leads_to
