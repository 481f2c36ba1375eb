"""The registry's desks in a real browser: a licence is suspended, and its line stops."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, PATIENCE_MS
from tests.needs import find_program
from tests.support.central import Centre
from tests.support.peer import Peer

AGAIN = """async ([path, body]) => {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return (await fetch(path, { method: "POST", headers, body })).status;
}"""
pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with Centre.started("plan", "ingest-1", "serve") as found:
        found.standard()
        found.post("/api/v1/entities", {"code": "DEP", "name": "Depoja Qendrore"})
        yield found


@contextmanager
def signed_in(centre: Centre, role: str, entity: str | None = None) -> Iterator[Page]:
    """A page of a fresh profile. What its scripts or its policy find wrong fails the test."""
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"), args=ARGUMENTS
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([centre.cookie(role, entity)])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security" in said.text else None,
        )
        yield page
        browser.close()
    assert faults == []


def acts(centre: Centre, subject: str, key: str) -> list[tuple[Any, ...]]:
    query = "SELECT what, reason FROM act WHERE subject = %s AND key = %s ORDER BY id"
    return centre.sql(query, subject, key)


def test_an_officer_suspends_a_licence_and_its_line_stops(
    centre: Centre,
) -> None:
    line = Peer(centre, "gramsh.line-1")
    line.enroll()
    line.accept("G-1")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/licences")
        page.get_by_label("Gjendja").select_option("active")
        page.get_by_role("button", name="Filtro").click()
        page.get_by_role("link", name="L-1").click()
        page.get_by_role("link", name="Pezullo").click()
        expect(page.get_by_text("brenda dy sekondash")).to_be_visible()

        # Without a reason nothing happens, and the page says where one is missing.
        page.get_by_role("button", name="Pezullo").click()
        reason = page.get_by_label("Arsyeja")
        expect(reason).to_have_attribute("aria-invalid", "true")
        page.get_by_role("link", name="Arsyeja: Plotësojeni këtë.").click()
        expect(reason).to_be_focused()
        reason.fill("defekt në magazinë")
        sent = page.evaluate(
            'new URLSearchParams(new FormData(document.querySelector("main form"))).toString()'
        )
        page.get_by_role("button", name="Pezullo").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("e pezulluar")
        done = page.get_by_role("listitem").filter(has_text="U pezullua")
        expect(done).to_contain_text("defekt në magazinë")
        expect(page.get_by_role("link", name="Rikthe")).to_be_visible()

        # The same form once more, as a second press sends it: it was done, and is not done again.
        again = page.evaluate(AGAIN, ["/licences/L-1?do=suspend", sent])
        assert again == 200
    assert acts(centre, "licence", "L-1") == [("issued", ""), ("suspended", "defekt në magazinë")]
    line.wait_plan("G-1", "suspended")
    line.disconnect()


def test_what_changed_meanwhile_is_not_written_over(centre: Centre) -> None:
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/entities/DEP?do=amend&lang=en")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Depoja Qendrore")
        body = {"name": "Depoja e Re", "reason": "it moved"}
        centre.post("/api/v1/entities/DEP/amend", body)
        page.get_by_label("Name", exact=True).fill("Depoja Tjetër")
        page.get_by_label("Reason").fill("a mistake")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("alert")).to_contain_text("It has changed since")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Depoja Tjetër")
    assert centre.get("/api/v1/entities/DEP")["name"] == "Depoja e Re"


def test_a_form_sends_what_was_changed_in_it_and_nothing_else(centre: Centre) -> None:
    """The product has an order, which fixes what is marked: whoever amends it leaves that alone."""
    before = centre.get("/api/v1/products/M70")
    with signed_in(centre, "registry-officer") as page:
        page.goto(centre.url + "/products/M70?do=amend&lang=en")
        page.get_by_label("Reason").fill("looked through")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("alert")).to_contain_text("name what is to change")
        page.get_by_label("NSN").fill("1005-25-131-3034")
        page.get_by_role("button", name="Amend").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("active")
    after = centre.get("/api/v1/products/M70")
    assert {name for name in after if after[name] != before[name]} == {"version", "nsn"}


def test_each_sees_what_is_theirs_and_may_do_what_is_theirs(
    centre: Centre,
) -> None:
    with signed_in(centre, "auditor") as page:
        page.goto(centre.url + "/licences/L-1")
        expect(page.get_by_role("heading", level=1)).to_contain_text("L-1")
        expect(page.get_by_role("navigation", name="Çfarë mund të bëhet")).to_have_count(0)
        response = page.goto(centre.url + "/licences/L-1?do=revoke")
        assert response is not None
        expect(page.get_by_label("Arsyeja")).to_have_count(0)
    with signed_in(centre, "producer-officer", "DEP") as page:
        page.goto(centre.url + "/licences")
        expect(page.get_by_text("Këtu nuk ka ende asgjë.")).to_be_visible()
        response = page.goto(centre.url + "/licences/L-1")
        assert response is not None
        assert response.status == 404
