"""Signing in on the registry's pages in a real browser: accounts, codes, sessions."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import fresh
from tests.support import authenticator
from tests.support.central import Centre
from tests.support.registry import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]
Open: TypeAlias = Callable[..., Page]


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    """A register in which nobody has an account yet."""
    with Centre.started("serve") as found:
        yield found


@pytest.fixture
def open_page(centre: Centre, chromium: Browser) -> Iterator[Open]:
    """Pages, each of a fresh profile."""
    with ExitStack() as stack:

        def new(*, script: bool = True) -> Page:
            wishes = {"base_url": centre.url, "java_script_enabled": script}
            return stack.enter_context(fresh(chromium, **wishes))

        yield new


def send(page: Page) -> None:
    """The one thing to do on a page of one form."""
    page.locator("main form button").click()


def sign_in(page: Page, account: str, password: str = PASSWORD) -> None:
    page.locator("#f-account").fill(account)
    page.locator("#f-password").fill(password)
    send(page)


@pytest.fixture(scope="module")
def auditor(centre: Centre) -> None:
    open_account(centre, "arben", "auditor")


def open_account(centre: Centre, name: str, *roles: str) -> None:
    body = {"name": name, "person": f"Person {name}", "roles": roles, "password": PASSWORD}
    with centre.client("administrator") as administrator:
        assert administrator.post("/api/v1/accounts", json=body).status_code == 201


def test_the_first_administrator_comes_by_the_code_of_the_first_start(
    centre: Centre, open_page: Open
) -> None:
    page = open_page(script=False)
    page.goto("/")
    expect(page).to_have_url(f"{centre.url}/setup")
    send(page)
    expect(page.locator("#faults li")).to_have_count(4)
    expect(page.locator("#f-code")).to_have_attribute("aria-invalid", "true")
    page.locator("#faults a").first.click()
    expect(page).to_have_url(re.compile("#f-code$"))
    filled = {"person": "Drita Kola", "name": "administrator", "password": PASSWORD}
    for name, value in (filled | {"again": PASSWORD, "code": "x" * 43}).items():
        page.locator(f"#f-{name}").fill(value)
    send(page)
    expect(page.locator("#w-code")).to_have_text(re.compile("Kodi nuk është"))
    expect(page.locator("#f-person")).to_have_value("Drita Kola")
    expect(page.locator("#f-password")).to_have_value("")
    page.locator("#f-code").fill(centre.setup_file().read_text().strip())
    page.locator("#f-password").fill(PASSWORD)
    page.locator("#f-again").fill(PASSWORD)
    send(page)
    expect(page).to_have_url(f"{centre.url}/")
    expect(page.locator(".me .person")).to_have_text("Drita Kola")
    page.goto("/setup")
    expect(page).to_have_url(f"{centre.url}/")
    # The file's code was used: what the other tests ask as an administrator is a session of theirs.
    (centre.folder / "token-administrator-registry").write_text(
        next(c["value"] for c in page.context.cookies() if c["name"] == "gjurma_session")
    )


@pytest.mark.usefixtures("auditor")
def test_a_wrong_password_is_told_and_a_right_one_leads_on(centre: Centre, open_page: Open) -> None:
    page = open_page()
    page.goto("/search?q=G000001")
    expect(page).to_have_url(f"{centre.url}/sign-in?next=%2Fsearch%3Fq%3DG000001")
    expect(page.locator("#f-account")).to_have_attribute("autocomplete", "username")
    expect(page.locator("#f-password")).to_have_attribute("autocomplete", "current-password")
    sign_in(page, "arben", "not this one")
    expect(page.locator("#faults")).to_be_focused()
    expect(page.locator("#faults")).to_contain_text("Asnjë llogari nuk e ka")
    expect(page.locator("#f-account")).to_have_value("arben")
    page.get_by_role("link", name="EN", exact=True).click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/search?q=G000001")
    sign_in(page, "arben")
    expect(page).to_have_url(f"{centre.url}/search?q=G000001")
    expect(page.locator(".me .person")).to_have_text("Person arben")
    cookie = next(c for c in page.context.cookies() if c["name"] == "gjurma_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    assert page.evaluate("document.cookie") == ""


@pytest.mark.usefixtures("auditor")
@pytest.mark.parametrize("foreign", ["//foreign.example/", "https://foreign.example/", "/\\x.y"])
def test_no_foreign_page_follows_the_sign_in(centre: Centre, open_page: Open, foreign: str) -> None:
    page = open_page(script=False)
    page.goto("/sign-in")
    page.goto(f"/sign-in?next={foreign}")
    sign_in(page, "arben")
    expect(page).to_have_url(f"{centre.url}/")


@pytest.mark.usefixtures("auditor")
def test_one_signs_out_by_the_menu_and_no_page_is_left(centre: Centre, open_page: Open) -> None:
    page = open_page()
    page.goto("/sign-in")
    sign_in(page, "arben")
    page.wait_for_url("/")  # whole: what closes the menu is a script
    page.locator(".me summary").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Dil")).to_be_hidden()
    page.locator(".me summary").click()
    page.get_by_role("button", name="Dil").click()
    expect(page).to_have_url(f"{centre.url}/sign-in")
    page.go_back()
    expect(page).to_have_url(f"{centre.url}/sign-in")


def test_a_code_of_the_phone_and_a_recovery_code(centre: Centre, open_page: Open) -> None:
    open_account(centre, "teuta", "inspector")
    page = open_page()
    page.goto("/sign-in?next=/account")
    sign_in(page, "teuta")
    page.locator("#f-password").fill(PASSWORD)
    page.get_by_role("button", name="Vendose").click()
    secret = page.locator(".typed").inner_text()
    expect(page.get_by_role("img", name="Kodi QR")).to_be_visible()
    page.locator("#f-code").fill(authenticator.code(secret))
    send(page)
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I ruajta").click()
    expect(page.locator("main")).to_contain_text("Kode rikthimi të mbetura: 10")
    centre.sql("UPDATE second_factor SET step = step - 2880")  # as if it had been yesterday

    for code in (authenticator.code(secret), codes[3]):
        other = open_page(script=False)
        other.goto("/account")
        sign_in(other, "teuta")
        expect(other).to_have_url(f"{centre.url}/sign-in/code?next=%2Faccount")
        expect(other.locator("#f-code")).to_have_attribute("autocomplete", "one-time-code")
        other.locator("#f-code").fill("12345")
        send(other)
        expect(other.locator("#w-code")).to_contain_text("Kodi nuk është i saktë")
        other.locator("#f-code").fill(code)
        send(other)
        expect(other).to_have_url(f"{centre.url}/account")
    page.reload()
    expect(page.locator("main")).to_contain_text("Kode rikthimi të mbetura: 9")


@pytest.mark.long
def test_a_live_page_whose_session_is_ended_elsewhere_asks_for_the_sign_in(
    centre: Centre, open_page: Open
) -> None:
    open_account(centre, "ilir", "auditor")
    live, other = open_page(), open_page()
    for page in (live, other):
        page.goto("/sign-in")
        sign_in(page, "ilir")
        expect(page.locator("#link")).to_have_attribute("data-state", "live")
    other.goto("/account")
    expect(other.locator(".sessions li")).to_have_count(2)
    expect(other.locator(".sessions li").first).to_contain_text("Chrome, Linux")
    other.get_by_role("button", name="Mbylle").click()
    expect(other.get_by_text("Sesioni u mbyll.")).to_be_visible()
    expect(other.locator(".sessions li")).to_have_count(1)
    live.wait_for_url(re.compile("/sign-in"), timeout=30_000)
    sign_in(live, "ilir")
    expect(live.locator("#link")).to_have_attribute("data-state", "live")


@pytest.mark.usefixtures("auditor")
@pytest.mark.long
def test_a_form_without_its_token_changes_nothing(centre: Centre, open_page: Open) -> None:
    page = open_page()
    page.goto("/sign-in")
    sign_in(page, "arben")
    page.locator(".me summary").click()
    page.evaluate("document.querySelectorAll('[name=csrf]').forEach(field => field.value = 'x')")
    page.get_by_role("button", name="Dil").click()
    expect(page.locator("h1")).to_have_text("Asgjë nuk u ndryshua")
    page.goto("/account")
    expect(page.locator("h1")).to_have_text("Llogaria ime")


@pytest.mark.usefixtures("auditor")
@pytest.mark.long
def test_a_foreign_page_can_neither_sign_out_nor_see(centre: Centre, open_page: Open) -> None:
    """Its form comes without the cookie; a link of it leads in, by a page of ours."""
    page = open_page()
    page.goto("/sign-in")
    sign_in(page, "arben")
    expect(page.locator("#link")).to_have_attribute("data-state", "live")
    foreign = (
        f'<form method="post" action="{centre.url}/sign-out"><button>x</button></form>'
        f'<a href="{centre.url}/account">account</a>'
    )
    page.route(
        "http://foreign.example/",
        lambda route: route.fulfill(body=foreign, content_type="text/html"),
    )
    page.goto("http://foreign.example/")
    page.get_by_role("button").click()
    page.wait_for_url(f"{centre.url}/**")
    page.goto("http://foreign.example/")
    page.get_by_role("link").click()
    expect(page).to_have_url(f"{centre.url}/account")
    expect(page.locator("h1")).to_have_text("Llogaria ime")
