"""Signing in by an agency's sign-on: a real provider, in a process of its own, on another site.

`localhost` and `127.0.0.1` are two sites to a browser: what comes back comes from elsewhere.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from central import config
from central.access.browsing import AGENCY, SESSION
from central.errors import ConfigError
from simulators import broker
from simulators.demo.processes import Child
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS
from tests.needs import find_program
from tests.support.central import Centre

pytestmark = pytest.mark.slow
PASSWORD = "a password at the agency"
PEOPLE = ("arben", "auditor", "besa", "leaves")
WHY = {"reason": "seen in person"}
CLIENT = {"client_id": "gjurma", "client_secret": "a secret: of +both"}


@dataclass
class Agency:
    """The provider, and the register that asks it."""

    folder: Path
    port: int
    centre: Centre

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "tests.access.agency", str(self.folder), str(self.port)]
        self.child = Child("agency", command, self.folder / "agency.log")

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}/o"

    def start(self) -> None:
        known = {
            **CLIENT,
            "people": dict.fromkeys(PEOPLE, PASSWORD),
            "redirect_uri": f"{self.centre.url}/sign-in/agency/return",
        }
        (self.folder / "client.json").write_text(json.dumps(known))
        self.child.start()
        self.child.wait_until(lambda: broker.answers(self.port))

    def wrong(self, what: str) -> None:
        """What goes wrong there from now on."""
        (self.folder / "mischief").write_text(what)

    def subject(self, person: str) -> str:
        """What it calls somebody: a number, and neither name nor mail."""
        return str(1 + PEOPLE.index(person))


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with Centre.started("serve") as centre:
        centre.token("administrator")
        centre.token("auditor")
        with centre.client("administrator") as administrator:
            for name, roles in (
                ("arben.hoxha", ["registry-officer", "inspector"]),
                ("besa.dema", ["auditor"]),
                ("leaves", ["auditor"]),
            ):
                account = {"name": name, "person": name, "roles": roles}
                assert administrator.post("/api/v1/accounts", json=account).status_code == 201
        centre.stop("serve")
        made = Agency(tmp_path_factory.mktemp("agency"), broker.free_port(), centre)
        secret = centre.folder / "agency.secret"
        secret.write_text(CLIENT["client_secret"] + "\n")
        secret.chmod(0o600)
        with (centre.folder / "central.toml").open("a") as file:
            file.write(
                f'[oidc]\nissuer = "{made.issuer}"\nclient_id = "{CLIENT["client_id"]}"\n'
                'client_secret_file = "agency.secret"\n'
                'label = { sq = "Hyr me AKSHI", en = "Sign in with AKSHI" }\n'
                # No factor of ours is asked of whom the agency lets in.
                '[sign_in]\nsecond_factor = ["auditor", "registry-officer", "inspector"]\n'
            )
        centre.start("serve")
        made.start()
        try:
            yield made
        finally:
            made.child.kill()


def browser() -> httpx.Client:
    return httpx.Client(timeout=60)


def answer_of(agency: Agency, http: httpx.Client, person: str, after: str = "/account") -> str:
    """Somebody goes there and signs in; returns the address that they are sent back to."""
    asked = http.get(f"{agency.centre.url}/sign-in/agency", params={"next": after})
    assert asked.status_code == 303, asked.text
    query = parse_qs(urlsplit(asked.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid"]
    login = http.get(asked.headers["location"], follow_redirects=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', login.text)
    to = re.search(r'name="next" value="([^"]+)"', login.text)
    assert token is not None, login.text
    assert to is not None
    form = {
        "csrfmiddlewaretoken": token[1],
        "next": to[1].replace("&amp;", "&"),
        "username": person,
        "password": PASSWORD,
    }
    there = http.post(str(login.url), data=form, headers={"Referer": str(login.url)})
    assert there.status_code == 302, there.text
    back = http.get(str(login.url.join(there.headers["location"])))
    return str(back.headers["location"])


def bind(agency: Agency, account: str, person: str, *, word: str = "bind") -> httpx.Response:
    named = {"issuer": agency.issuer, "subject": agency.subject(person), **WHY}
    with agency.centre.client("administrator") as administrator:
        return administrator.post(f"/api/v1/accounts/{account}/{word}", json=named)


def told(agency: Agency) -> list[tuple[Any, ...]]:
    """What the acts say of sign-ons: whose, what, and why not."""
    return agency.centre.sql(
        "SELECT key, what, payload->>'why' FROM act WHERE subject = 'sign-in' ORDER BY id"
    )


def no_session(http: httpx.Client, agency: Agency) -> None:
    assert SESSION not in http.cookies
    assert http.get(f"{agency.centre.url}/account").status_code == 303


@pytest.mark.needs_browser
@pytest.mark.long
def test_who_is_bound_comes_in_from_the_agencys_page(agency: Agency) -> None:
    """In a browser, which sends no cookie of ours along from another site; then chooses a role."""
    assert bind(agency, "arben.hoxha", "arben").status_code == 200
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_program("chromium-headless-shell"), args=ARGUMENTS
        )
        page = chromium.new_context().new_page()
        page.set_default_timeout(PATIENCE_MS)
        faults: list[str] = []
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security" in said.text else None,
        )
        page.goto(f"{agency.centre.url}/entities?state=active")
        page.get_by_role("link", name="Hyr me AKSHI").click()
        page.locator("[name=username]").fill("arben")
        page.locator("[name=password]").fill(PASSWORD)
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Në cilin rol?")
        page.get_by_role("radio").nth(1).check()
        page.get_by_role("button", name="Vazhdo").click()
        expect(page).to_have_url(f"{agency.centre.url}/entities?state=active")
        expect(page.locator(".me .person")).to_have_text("arben.hoxha")
        assert faults == []
        chromium.close()
    assert told(agency)[-1] == ("arben.hoxha", "signed on", "")
    session = "SELECT purpose, role FROM token WHERE account = 'arben.hoxha'"
    assert agency.centre.sql(session) == [("session", "inspector")]


def test_who_is_not_bound_is_told_what_to_tell_and_opens_nothing(agency: Agency) -> None:
    """Not even where the agency calls them as an account is called."""
    before = agency.centre.sql("SELECT count(*) FROM account")
    with browser() as http:
        page = http.get(answer_of(agency, http, "auditor"))
        assert page.status_code == 403
        assert f'id="subject">{agency.subject("auditor")}<' in page.text
        assert "Pa llogari në këtë regjistër" in page.text
        no_session(http, agency)
    assert agency.centre.sql("SELECT count(*) FROM account") == before
    assert told(agency)[-1] == ("@agency", "sign-on refused", "unbound")


def test_an_identity_is_one_accounts_and_one_that_is_unbound_lets_nobody_in(
    agency: Agency,
) -> None:
    assert bind(agency, "besa.dema", "besa").status_code == 200
    assert bind(agency, "auditor", "besa").json()["code"] == "conflict"
    with browser() as http:
        assert http.get(answer_of(agency, http, "besa")).status_code == 200
        assert http.get(f"{agency.centre.url}/account").status_code == 200
        assert bind(agency, "besa.dema", "besa", word="unbind").status_code == 200
        assert http.get(f"{agency.centre.url}/account").status_code == 303, "the session ended"
    with browser() as http:
        assert http.get(answer_of(agency, http, "besa")).status_code == 403
        no_session(http, agency)
    assert bind(agency, "besa.dema", "besa", word="unbind").status_code == 404


def test_who_is_half_in_by_an_identity_that_is_unbound_goes_no_further(agency: Agency) -> None:
    bind(agency, "arben.hoxha", "arben")
    with browser() as http:
        assert http.get(answer_of(agency, http, "arben")).status_code == 200
        page = http.get(f"{agency.centre.url}/sign-in/role")
        csrf = re.search(r'name="csrf" (?:content|value)="(\w+)"', page.text)
        assert csrf is not None
        assert bind(agency, "arben.hoxha", "arben", word="unbind").status_code == 200
        chosen = {"csrf": csrf[1], "role": "inspector"}
        page = http.post(f"{agency.centre.url}/sign-in/role", data=chosen)
        assert page.status_code == 403
        no_session(http, agency)


def test_who_is_disabled_here_is_not_let_in(agency: Agency) -> None:
    assert bind(agency, "leaves", "leaves").status_code == 200
    with agency.centre.client("administrator") as administrator:
        administrator.post("/api/v1/accounts/leaves/disable", json=WHY)
    with browser() as http:
        assert http.get(answer_of(agency, http, "leaves")).status_code == 403
        no_session(http, agency)
    assert told(agency)[-1] == ("leaves", "sign-on refused", "disabled")


def test_an_answer_is_good_in_the_browser_that_asked_and_once(agency: Agency) -> None:
    bind(agency, "besa.dema", "besa")
    with browser() as mine, browser() as others:
        good = answer_of(agency, mine, "besa")
        # Somebody is made to follow another's answer: they have asked nothing, or something else.
        for asked in (False, True):
            if asked:
                others.get(f"{agency.centre.url}/sign-in/agency")
            assert others.get(good).status_code == 403
            assert told(agency)[-1][2] == ("state" if asked else "begun")
            no_session(others, agency)
        forged = re.sub(r"state=\w+", "state=" + "0" * 64, good)
        kept = mine.cookies[AGENCY]
        assert mine.get(forged).status_code == 403
        no_session(mine, agency)
        assert AGENCY not in mine.cookies, "what was asked is over"
        mine.cookies.set(AGENCY, kept)
        assert mine.get(good).status_code == 200
        mine.cookies.delete(SESSION)
        mine.cookies.set(AGENCY, kept)
        assert mine.get(good).status_code == 403, "the code was used"
        assert told(agency)[-1][2] == "code"
        mine.cookies.set(AGENCY, kept)
        state = parse_qs(urlsplit(good).query)["state"][0]
        declined = f"{agency.centre.url}/sign-in/agency/return?error=access_denied&state={state}"
        assert mine.get(declined).status_code == 403
        assert told(agency)[-1] == ("@agency", "sign-on refused", "declined")


@pytest.mark.parametrize(
    ("wrong", "told_as"),
    [
        ("nonce", "InvalidClaimError: invalid_claim: Invalid claim: 'nonce'"),
        ("aud", "'aud'"),
        ("iss", "'iss'"),
        ("exp", "ExpiredTokenError"),
        ("key", "BadSignatureError"),
        ("shared", "Algorithm"),
        ("none", "Algorithm"),
    ],
)
def test_a_token_that_answers_another_question_or_is_anothers_lets_nobody_in(
    agency: Agency, wrong: str, told_as: str
) -> None:
    bind(agency, "besa.dema", "besa")
    agency.wrong(wrong)
    try:
        with browser() as http:
            assert http.get(answer_of(agency, http, "besa")).status_code == 403
            no_session(http, agency)
    finally:
        agency.wrong("")
    assert told(agency)[-1] == ("@agency", "sign-on refused", "token")
    detail = "SELECT payload->>'detail' FROM act WHERE subject = 'sign-in' ORDER BY id DESC LIMIT 1"
    ((why,),) = agency.centre.sql(detail)
    assert told_as in why


def test_while_the_agency_is_away_it_is_said_and_a_new_key_is_taken(agency: Agency) -> None:
    bind(agency, "besa.dema", "besa")
    with browser() as http:
        good = answer_of(agency, http, "besa")
        agency.child.kill()
        page = http.get(good)
        assert page.status_code == 503
        assert "nuk përgjigjet" in page.text
        assert 'name="password"' in page.text, "by password one may still come in"
        no_session(http, agency)
    (agency.folder / "key.pem").unlink()
    agency.start()
    with browser() as http:
        assert http.get(answer_of(agency, http, "besa")).status_code == 200
        assert http.get(f"{agency.centre.url}/account").status_code == 200


def test_after_many_answers_that_prove_nothing_no_further_one_is_looked_at(agency: Agency) -> None:
    """From one address. Those before it here count too, as far as they are of this minute."""
    before = len(told(agency))
    with browser() as http:
        pages = [http.get(f"{agency.centre.url}/sign-in/agency/return") for _ in range(21)]
        assert {page.status_code for page in pages} == {403, 429}
        assert pages[-1].status_code == 429
        assert "Prisni një minutë" in pages[-1].text
        kept = len(told(agency)) - before
        assert kept == sum(page.status_code == 403 for page in pages)
        good = http.get(answer_of(agency, http, "besa"))
        assert good.status_code == 429, "nor is one that somebody brings from there"


def test_it_follows_from_the_acts_and_no_secret_is_in_them(agency: Agency) -> None:
    told = json.loads(agency.centre.run("rebuild", "--json"))
    assert told["identical"], told
    secret = "SELECT count(*) FROM act WHERE payload::text LIKE %s"
    assert agency.centre.sql(secret, f"%{CLIENT['client_secret']}%") == [(0,)]
    assert CLIENT["client_secret"] not in agency.centre.log("serve")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://id.example"}, "https"),
        ({"issuer": "https://id.example/?tenant=1"}, "query"),
        ({"label": {"sq": "Hyr"}}, "en"),
        ({"client_secret_file": "open.secret"}, "chmod 600"),
        ({"client_secret_file": "none.secret"}, "No such file"),
    ],
)
def test_what_is_not_well_configured_is_said(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    for name, mode in (("good.secret", 0o600), ("open.secret", 0o644)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    asked = {
        "issuer": "https://id.example",
        "client_id": "gjurma",
        "client_secret_file": "good.secret",
        "label": {"sq": "Hyr", "en": "Sign in"},
        **change,
    }
    label = ", ".join(f'{name} = "{text}"' for name, text in asked.pop("label").items())
    lines = [f'{name} = "{value}"' for name, value in asked.items()]
    (tmp_path / "central.toml").write_text(
        '[database]\nurl = "postgresql://x"\n[broker]\nurl = "mqtt://x"\n[keys]\ndir = "k"\n'
        "[oidc]\n" + "\n".join([*lines, f"label = {{ {label} }}"])
    )

    def read() -> None:
        found = config.load(tmp_path / "central.toml").oidc
        assert found is not None
        found.client_secret()

    with pytest.raises(ConfigError, match=said):
        read()
