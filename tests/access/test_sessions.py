"""Where somebody is signed in: seen, and ended by themselves or by an administrator."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from central.access.browsing import SESSION
from tests.access.test_pages import token_of
from tests.support.central import Centre
from tests.support.registry import PASSWORD, Registry
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"


def open_account(centre: Registry, name: str, *roles: str) -> None:
    body = {"name": name, "person": name.title(), "roles": roles, "password": PASSWORD}
    with centre.client("administrator") as administrator:
        answer = administrator.post("/api/v1/accounts", json=body)
    assert answer.status_code == 201, answer.text


@contextmanager
def signed_in(centre: Registry, name: str, agent: str = FIREFOX) -> Iterator[httpx.Client]:
    """By the form, as a person does."""
    headers = {"User-Agent": agent}
    with centre.http(headers=headers) as browser:
        form = {"account": name, "password": PASSWORD, "csrf": token_of(browser, "/sign-in")}
        assert browser.post("/sign-in", data=form).status_code == 303
        assert browser.get("/account").status_code == 200
        yield browser


def is_in(browser: httpx.Client) -> bool:
    return browser.get("/account").status_code == 200


def send(browser: httpx.Client, path: str, page: str = "/account", **form: str) -> httpx.Response:
    return browser.post(path, data={"csrf": token_of(browser, page)} | form)


def ids(browser: httpx.Client) -> list[str]:
    """Of one's other sessions, as the page names them."""
    return re.findall(r'action="/account/sessions/(\w+)/end"', browser.get("/account").text)


def test_ones_own_sessions_are_listed_and_ended(centre: Registry) -> None:
    open_account(centre, "dafina", "auditor")
    with (
        signed_in(centre, "dafina") as here,
        signed_in(centre, "dafina", "curl/8.9") as second,
        signed_in(centre, "dafina") as third,
    ):
        page = here.get("/account").text
        assert page.count("Firefox, Windows") == 2
        assert page.count("curl/8.9") == 1
        assert page.count("127.0.0.1") == 3
        assert len(ids(here)) == 2
        assert send(here, f"/account/sessions/{ids(here)[1]}/end").status_code == 303
        assert [is_in(here), is_in(second), is_in(third)] == [True, False, True]
        assert send(here, "/account/sessions/end-others").status_code == 303
        assert [is_in(here), is_in(third)] == [True, False]
    told = centre.sql("SELECT what, reason FROM act WHERE account = 'dafina' AND what = 'revoked'")
    assert told == [("revoked", "ended by its owner")] * 2


def test_nobody_ends_anothers_session_or_a_token_of_a_system(centre: Registry) -> None:
    open_account(centre, "erion", "auditor")
    centre.token("auditor")
    rows = centre.sql("SELECT id FROM token WHERE account = 'auditor' AND revoked IS NULL")
    with signed_in(centre, "erion") as browser, centre.browser("auditor") as other:
        for (id_,) in rows:
            assert send(browser, f"/account/sessions/{id_}/end").status_code == 404
        assert is_in(other)
        system = [id_ for (id_,) in rows if id_ not in ids(other)]
        assert send(other, f"/account/sessions/{system[0]}/end").status_code == 404
    with centre.client("auditor") as http:
        assert http.get("/api/v1/acts").status_code == 200


def test_a_token_of_old_that_calls_itself_a_session_is_none(centre: Registry) -> None:
    """Before that was refused, one could be issued for a system, and for a year."""
    open_account(centre, "edon", "auditor")
    until = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    asked = {"account": "edon", "role": "auditor", "purpose": "nightly", "until": until}
    with centre.client("administrator") as administrator:
        issued = administrator.post("/api/v1/tokens", json=asked).json()
    centre.sql("UPDATE token SET purpose = 'session' WHERE id = %s", issued["id"])
    with centre.http(cookies={SESSION: issued["token"]}) as system:
        assert not is_in(system)
        assert system.get("/api/v1/acts").status_code == 401
    with signed_in(centre, "edon") as browser:
        assert ids(browser) == []
        assert send(browser, f"/account/sessions/{issued['id']}/end").status_code == 404
        assert send(browser, "/account/sessions/end-others").status_code == 303
    with centre.client(token=issued["token"]) as http:
        assert http.get("/api/v1/acts").status_code == 200, "it is what it was issued as"


def test_a_new_password_asks_for_the_present_one_and_ends_the_others(centre: Registry) -> None:
    open_account(centre, "fatmir", "auditor")
    new = PASSWORD + "!"
    with signed_in(centre, "fatmir") as here, signed_in(centre, "fatmir") as other:
        for form, said in (
            ({"old": "", "new": new, "again": new}, "Shkruani fjalëkalimin."),
            ({"old": PASSWORD, "new": "qqzzq", "again": "qqzzq"}, "Fjalëkalimi i ri ka të paktën"),
            ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "është tjetër nga i tanishmi"),
            ({"old": PASSWORD, "new": new, "again": new + "?"}, "nuk është si i pari"),
            ({"old": "not this one", "new": new, "again": new}, "nuk është fjalëkalimi i tanishëm"),
        ):
            answer = send(here, "/account/password", **form)
            assert answer.status_code == 422, form
            assert said in answer.text
            assert not any(form[name] and form[name] in answer.text for name in ("old", "new"))
        assert is_in(other)
        done = send(here, "/account/password", old=PASSWORD, new=new, again=new)
        assert (done.status_code, is_in(here), is_in(other)) == (303, True, False)


def test_an_administrator_ends_anybodys_and_says_why(centre: Registry) -> None:
    open_account(centre, "gjergj", "auditor")
    page, path = "/accounts/gjergj", "/accounts/gjergj/sessions/end"
    with (
        signed_in(centre, "gjergj") as first,
        signed_in(centre, "gjergj") as second,
        centre.browser("administrator") as administrator,
        centre.browser("auditor") as auditor,
    ):
        assert "Firefox, Windows" in auditor.get(page).text
        assert "<button" not in auditor.get(page).text.partition("<main")[2]
        found = re.findall(r'name="session" value="(\w+)"', administrator.get(page).text)
        assert send(administrator, path, session=found[0]).status_code == 422
        assert is_in(second)
        ended = send(administrator, path, session=found[0], reason="a phone was lost")
        assert (ended.status_code, is_in(first), is_in(second)) == (303, True, False)
        assert send(administrator, path, reason="he has left").status_code == 303
        assert not is_in(first)
        assert is_in(administrator)
    told = centre.sql(
        "SELECT a.account, a.reason FROM act a JOIN token t ON t.id = a.key"
        " WHERE t.account = 'gjergj' AND a.what = 'revoked' ORDER BY a.id"
    )
    assert told == [("administrator", "a phone was lost"), ("administrator", "he has left")]


def test_a_stream_ends_soon_after_its_session() -> None:
    """On a real server: a stream in this process has no end."""
    told: list[str] = []
    with Centre.started("serve") as centre, contextlib.ExitStack() as clients:
        open_account(centre, "hana", "auditor")
        here, other = (clients.enter_context(signed_in(centre, "hana")) for _ in range(2))
        with here.stream("GET", "/feed/live") as stream:
            lines = stream.iter_lines()
            wait_for("hello", lambda: next(lines) == "event: hello")
            assert send(other, "/account/sessions/end-others").status_code == 303
            told += [line for line in lines if line.startswith("event: ")]
        # The ping has a clock of its own: one may still come after the last word.
        assert [event for event in told if event != "event: ping"][-1] == "event: signed-out"
        assert here.get("/feed/session").status_code == 401
        assert here.get("/feed/overview").status_code == 401
        assert other.get("/feed/session").status_code == 200


def test_who_is_signed_in_is_led_on(centre: Registry) -> None:
    open_account(centre, "ina", "auditor")
    with signed_in(centre, "ina") as browser:
        assert browser.get("/sign-in?next=/account").headers["location"] == "/account"
        assert browser.get("/sign-in?next=//foreign.example").headers["location"] == "/"
        # From a link elsewhere no cookie comes along: a page of ours asks once more.
        browser.cookies.clear()
        headers = {"Sec-Fetch-Site": "cross-site"}
        page = browser.get("/sign-in?next=%2Faccount%3Flang%3Den", headers=headers).text
        assert 'content="0; url=/sign-in?next=%2Faccount%3Flang%3Den"' in page


def test_one_of_several_roles_is_chosen_and_no_other(centre: Registry) -> None:
    open_account(centre, "jeta", "auditor", "inspector")
    with centre.http() as browser:
        assert browser.get("/sign-in/role").headers["location"] == "/sign-in"
        form = {"account": "jeta", "password": PASSWORD, "next": "/account"}
        form["csrf"] = token_of(browser, "/sign-in")
        answer = browser.post("/sign-in", data=form)
        assert answer.headers["location"] == "/sign-in/role?next=%2Faccount"
        assert browser.get("/account").status_code == 303, "nobody is signed in yet"
        page = browser.get(answer.headers["location"]).text
        assert re.findall(r'name="role" value="([a-z-]+)"', page) == ["auditor", "inspector"]
        token = token_of(browser, "/sign-in/role")

        def choose(role: str) -> httpx.Response:
            chosen = {"csrf": token, "role": role, "next": "/account"}
            return browser.post("/sign-in/role", data=chosen)

        half = browser.cookies["gjurma_half"]
        for role in ("administrator", ""):
            assert choose(role).status_code == 422
        assert choose("inspector").headers["location"] == "/account"
        assert "Inspektor" in browser.get("/account").text
    with centre.http(cookies={"gjurma_half": half}) as browser:
        assert browser.get("/sign-in/role").status_code == 303, "it is good once"
