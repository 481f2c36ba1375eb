"""What a visitor does, in a browser whose scripts are turned off: checks, searches, reads; and what
a telephone sees of a printed licence."""

import csv
import io
import re
from collections.abc import Iterator

import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import fresh
from tests.support import shown
from tests.support.central import Centre

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    """As one where somebody configured how browsers reach it."""
    with shown.register() as found:
        found.stop("serve")
        file = found.folder / "central.toml"
        listen = f'listen = "127.0.0.1:{found.http_port}"\n'
        file.write_text(file.read_text().replace(listen, f'{listen}origin = "{found.url}"\n'))
        found.start("serve")
        yield found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Nobody's, without scripts; at the end it holds no cookie."""
    with fresh(chromium, java_script_enabled=False, locale="sq-AL") as found:
        yield found
        assert found.context.cookies() == []


def test_a_licence_is_checked_by_its_number(centre: Centre, page: Page) -> None:
    page.goto(centre.url + "/public")
    expect(page.get_by_role("heading", level=1)).to_have_text("A është e vërtetë kjo licencë?")
    number = page.get_by_label("Numri i licencës")
    number.fill(" aim-2026 - 0007")
    page.get_by_role("button", name="Kontrolloni").click()
    expect(page.locator(".verdict h1")).to_have_text("Kjo licencë është në fuqi")
    expect(page.locator(".verdict .number")).to_have_text("AIM-2026-0007")
    expect(page.locator(".g-facts")).to_contain_text("ML8 · Lëndë energjetike")
    page.get_by_role("link", name="English").click()
    expect(page.locator(".verdict h1")).to_have_text("This licence is in force")
    page.get_by_role("link", name="Check another licence").click()
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".g-error")).to_contain_text("Write the number of the licence.")
    page.get_by_label("Licence number").fill(shown.REVOKED)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.g-bad h1")).to_have_text("This licence was revoked")
    expect(page.locator(".verdict")).to_contain_text(re.compile(r"on \d\d\.\d\d\.20\d\d \d\d:\d\d"))


def test_an_unknown_number_says_what_to_do(centre: Centre, page: Page) -> None:
    page.goto(centre.url + "/public/check")
    page.get_by_label("Numri i licencës").fill("AIM-2O26-OOO7")
    page.get_by_role("button", name="Kontrolloni").click()
    expect(page.locator(".verdict h1")).to_have_text("Në regjistër nuk ka licencë të tillë")
    page.locator(".alike").get_by_role("link", name="AIM-2026-0007").click()
    expect(page.locator(".verdict h1")).to_have_text("Kjo licencë është në fuqi")
    page.get_by_role("link", name="Kombinati Mekanik i Poliçanit").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").nth(1)).to_contain_text("e pezulluar")


def test_whoever_is_licensed_is_found_and_saved(centre: Centre, page: Page) -> None:
    page.goto(centre.url + "/public")
    page.get_by_role("link", name="Subjektet e licencuara").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(5)
    page.locator("summary").click()
    page.get_by_label("Lloji").select_option("prodhues")
    page.get_by_label("Emri, kodi").fill("policanit")
    page.get_by_role("button", name="Kërkoni").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Lloji")).to_be_visible()
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    saved = begun.value.path().read_text("utf-8-sig")
    assert [row["code"] for row in csv.DictReader(io.StringIO(saved))] == ["KMP"]
    page.get_by_role("link", name="Shfaqni të gjitha").click()
    expect(rows).to_have_count(5)
    page.get_by_role("link", name="Emri").click()
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_contain_text("Uzina Mekanike")
    page.get_by_label("Emri, kodi").fill("askush")
    page.keyboard.press("Enter")
    expect(page.locator(".none")).to_contain_text("Në regjistër nuk ka asgjë të tillë.")


def test_exclusions_and_statistics_are_read(centre: Centre, page: Page) -> None:
    page.goto(centre.url + "/public")
    page.get_by_role("link", name="Subjektet e përjashtuara").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Tregtia e Jugut sh.p.k.")
    page.get_by_role("link", name="Regjistri publik").first.click()
    page.get_by_role("link", name="Statistika").click()
    expect(page.locator(".figures dd").first).to_have_text("4")
    for name in ("inspections", "sanctions"):
        section = page.locator("section", has=page.locator(f"#{name}"))
        expect(section).to_contain_text("Nuk ka përfunduar ende asnjë vit")
    exclusions = page.locator("section", has=page.locator("#exclusions")).locator("tbody tr")
    expect(exclusions).to_have_count(2)
    expect(exclusions.first.locator("td").last).to_contain_text("nuk tregohet")


def test_the_registers_own_people_come_from_the_sign_in_and_go_back(
    centre: Centre, chromium: Browser
) -> None:
    with fresh(chromium, java_script_enabled=False) as page:
        page.goto(centre.url + "/sign-in")
        page.get_by_role("link", name="Regjistri publik").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("A është e vërtetë kjo licencë?")
        page.get_by_role("link", name="Hyrja për ata që punojnë me regjistrin").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hyr")


@pytest.mark.parametrize(
    ("language", "words"), [("sq", "Kjo licencë është në fuqi"), ("en", "This licence is in force")]
)
def test_a_telephone_reads_the_printed_licence_and_opens_the_register(
    centre: Centre, page: Page, language: str, words: str
) -> None:
    with centre.browser() as officer:
        printed = officer.get(f"/licences/AIM-2026-0007?do=print&lang={language}")
    assert printed.headers["content-type"] == "application/pdf"
    (sheet,) = pypdfium2.PdfDocument(printed.content)
    codes = {
        each.format: each.text for each in zxingcpp.read_barcodes(sheet.render(scale=3).to_pil())
    }
    assert codes[zxingcpp.BarcodeFormat.DataMatrix] == "AIM-2026-0007"
    address = codes[zxingcpp.BarcodeFormat.QRCode]
    assert address in sheet.get_textpage().get_text_bounded().replace("\r\n", "")
    page.goto(address)
    expect(page.locator(".verdict h1")).to_have_text(words)
    expect(page.locator(".verdict .number")).to_have_text("AIM-2026-0007")
