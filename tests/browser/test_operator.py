"""The operator's page in a real browser, on real drivers and simulated devices.

What is asserted is the words on the screen, the piece of metal, and the journal.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from gateway.contract.record import Intent, Latched, Marked, Record, Settled, Verified
from gateway.screen.texts import Texts, read_texts
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.support.line import CONTENT, LEAD, OPERATOR, ORDER, Badge, Line, line, order, served

pytestmark = ON_A_PAGE

SQ, EN = read_texts("sq"), read_texts("en")
PRIMARY = "#primary button:enabled"
STATION = "line-1"

FITS = """() => {
  const faults = [];
  if (document.documentElement.scrollHeight > innerHeight) faults.push("the page scrolls");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls sideways");
  const scope = document.querySelector("dialog[open]") ?? document.body;
  const boxed = ".state, .work, .hold, .way li, .side, .card, .number, .places li, form";
  const inner = scope.querySelectorAll(boxed);
  const boxes = [scope, ...inner];
  for (const box of boxes) {
    if (box.scrollHeight > box.clientHeight + 1) faults.push(`${box.className} overflows`);
  }
  const words = document.querySelector(".words").getBoundingClientRect();
  const state = document.querySelector(".state").getBoundingClientRect();
  if (words.top < state.top || words.bottom > state.bottom) faults.push("words leave the state");
  for (const button of scope.querySelectorAll("button, .spot")) {
    const { width, height } = button.getBoundingClientRect();
    if (width && Math.min(width, height) < 64) faults.push(`${button.textContent} is small`);
  }
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = numbers(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  for (const element of scope.querySelectorAll("*")) {
    const text = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!text || !element.checkVisibility() || element.closest("svg, dialog:not([open])")) continue;
    const pair = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) faults.push(`${element.textContent}: contrast ${contrast.toFixed(2)}`);
  }
  return faults;
}"""
"""What leaves its box, needs scrolling, is too small for a glove, or too pale (WCAG AA)."""


async def shows(page: Page, state: str, note: str | None = None, texts: Texts = SQ) -> None:
    """The page stands in a state, says what its note says, and is legible."""
    await expect(page.locator("#word")).to_have_text(texts[f"state.{state}"])
    if note is not None:
        await expect(page.locator("#sentence")).to_have_text(texts[f"note.{note}"])
    assert await page.evaluate(FITS) == []


async def scan(page: Page, text: str) -> None:
    """As a scanner at the keyboard."""
    await type_keys(page, text, 0.01)


async def type_keys(page: Page, text: str, apart: float) -> None:
    """Keys so many seconds apart, by the browser's own clock, and Enter; however busy this machine
    is."""
    session = await page.context.new_cdp_session(page)
    begun = time.time() - apart * (len(text) + 1)
    for index, key in enumerate([*text, "Enter"]):
        pressed = {"key": key, "timestamp": begun + apart * index}
        more = {"code": "Enter", "windowsVirtualKeyCode": 13} if key == "Enter" else {}
        typed = {"text": "\r" if key == "Enter" else key, **more}
        await session.send("Input.dispatchKeyEvent", {"type": "keyDown", **pressed, **typed})
        await session.send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed, **more})
    await session.detach()


async def sign_in(page: Page, badge: Badge = OPERATOR) -> None:
    """By a badge that is scanned."""
    await page.locator("#who button").wait_for()
    await scan(page, badge.badge)
    await expect(page.locator("#who .id")).to_contain_text(badge.id)


@contextlib.asynccontextmanager
async def at_work(
    folder: Path, browse: Browse, **options: object
) -> AsyncIterator[tuple[Line, Page]]:
    """One station with its page open and the operator signed in."""
    async with (
        asyncio.timeout(150),
        line(folder, (STATION,), **options) as made,  # type: ignore[arg-type]
        served(made) as url,
        browse() as page,
    ):
        await page.goto(url)
        await shows(page, "ready")
        await sign_in(page)
        yield made, page


def content(number: int) -> str:
    return CONTENT.format(serial=serial(number))


def serial(number: int) -> str:
    return f"GR26{number:06}"


def after(made: Line, seq: int) -> list[Record]:
    return [each for each in made.records() if each.seq > seq]


async def first_row(page: Page, text: str, state: str) -> None:
    row = page.locator("#parts li").first
    await expect(row).to_contain_text(text)
    await expect(row).to_contain_text(SQ[f"part.{state}"])


async def fill_witness(page: Page, which: int, person: Badge, pin: str | None = None) -> None:
    await page.fill(f"dialog[open] [name=badge-{which}]", person.badge)
    await page.fill(f"dialog[open] [name=pin-{which}]", person.pin if pin is None else pin)


async def test_an_operators_shift(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        await a_good_part(made, page)
        await a_part_set_aside(made, page)
        await an_unknown_outcome(made, page)
        await a_suspended_licence(made, page)


async def a_good_part(made: Line, page: Page) -> None:
    await expect(page.locator("#serial")).to_have_text(serial(1))
    seq, piece = made.logbook.journal.end, made.parts.load(STATION)
    await page.locator(PRIMARY).wait_for()
    await page.keyboard.press("Enter")
    await shows(page, "good", "good")
    await expect(page.locator("#part")).to_have_text(serial(1))
    await expect(page.locator("#serial")).to_have_text(serial(2))
    await expect(page.locator("#steps .next")).to_have_count(3)  # the next one's, none done yet
    await first_row(page, serial(1), "good")
    assert made.engraved() == {piece: [content(1)]}
    intent, marked, verified = after(made, seq)
    assert isinstance(intent, Intent)
    assert (intent.operator, intent.operator_auth) == (OPERATOR.id, "badge")
    assert [each.content for each in intent.marks] == [content(1)]
    assert isinstance(marked, Marked)
    assert [each.did for each in marked.results] == ["done"]
    assert isinstance(verified, Verified)
    assert (verified.verdict, verified.content) == ("good", content(1))


async def a_part_set_aside(made: Line, page: Page) -> None:
    seq, piece = made.logbook.journal.end, made.parts.load(STATION)
    made.readers[STATION].misbehave("blind", 4)  # the look, and the three reads
    await page.locator(PRIMARY).click()
    await shows(page, "set-aside", "unreadable")
    await expect(page.locator("#serial")).to_have_text(serial(2))
    await first_row(page, serial(2), "rejected")
    assert made.engraved()[piece] == [content(2)]
    verified = after(made, seq)[-1]
    assert isinstance(verified, Verified)
    assert (verified.verdict, verified.content) == ("unreadable", None)
    await page.locator(PRIMARY).click()
    await shows(page, "ready")
    assert after(made, seq)[-1] == verified


async def an_unknown_outcome(made: Line, page: Page) -> None:
    seq, piece = made.logbook.journal.end, made.parts.load(STATION)
    made.markers[STATION].misbehave("silent", 1)
    made.markers[STATION].misbehave("faint", 1)
    await page.locator(PRIMARY).click()
    await shows(page, "unknown", "unknown-outcome")
    await first_row(page, serial(3), "unknown")
    await page.locator("[data-action=settle]").click()
    await page.get_by_text(SQ["how-says.accepted"]).click()
    await page.get_by_text(SQ["reason.seen-legible"], exact=True).click()
    await fill_witness(page, 1, OPERATOR)
    await fill_witness(page, 2, LEAD, pin="0000")
    await page.locator("#decide [type=submit]").click()
    await expect(page.locator("#decide .wrong")).to_have_text(SQ["note.not-known"])
    await expect(page.locator("#decide [name=pin-1]")).to_be_focused()
    assert await page.evaluate(FITS) == []
    assert not any(isinstance(each, Settled) for each in after(made, seq))
    assert await page.input_value("#decide [name=pin-1]") == ""  # no PIN waits on the screen
    await fill_witness(page, 1, OPERATOR)
    await fill_witness(page, 2, LEAD)
    await page.locator("#decide [type=submit]").click()
    await shows(page, "settled", "settled")
    await first_row(page, serial(3), "good")
    assert made.engraved()[piece] == [content(3)]
    found = after(made, seq)
    assert [each.type for each in found[-2:]] == ["settled", "unlatched"]
    (settled,) = (each for each in found if isinstance(each, Settled))
    assert (settled.how, settled.witnesses) == ("accepted", (OPERATOR.id, LEAD.id))
    assert settled.reason == SQ["reason.seen-legible"]
    assert any(isinstance(each, Latched) for each in found)


async def a_suspended_licence(made: Line, page: Page) -> None:
    made.parts.load(STATION)
    await page.locator(PRIMARY).wait_for()
    made.change_order(state="suspended", reason="licence-suspended")
    seq = made.logbook.journal.end
    await shows(page, "stopped", "licence-suspended")
    await page.locator("[data-language=en]").click()
    await shows(page, "stopped", "licence-suspended", EN)
    assert await page.evaluate("document.documentElement.lang") == "en"
    await expect(page.locator("#primary button")).to_be_disabled()
    await page.keyboard.press("Enter")
    cookies = {each["name"]: each["value"] for each in await page.context.cookies()}
    async with httpx.AsyncClient(base_url=page.url, cookies=cookies) as web:
        station = made.stations[STATION]
        named = {"order": station.order, "cycles": station.cycles}
        answer = await web.post(f"/api/stations/{STATION}/begin", json=named)
    assert (answer.status_code, answer.json()["code"]) == (409, "licence-suspended")
    assert after(made, seq) == []
    await page.reload()  # the choice of language is kept
    await shows(page, "stopped", "licence-suspended", EN)
    made.change_order(state="released", reason="")
    await expect(page.locator("#serial")).to_have_text(serial(4))


@pytest.mark.long
async def test_a_device_that_does_not_say_that_it_is_safe(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        marker, piece = made.markers[STATION], made.parts.load(STATION)
        marker.moments.hold("marked")
        await page.locator(PRIMARY).click()
        assert await marker.moments.await_held(10)
        await shows(page, "marking")
        await marker.power(on=False)
        await shows(page, "switch-off", "switch-off")
        await marker.power(on=True)
        await shows(page, "unknown", "unknown-outcome")
        assert made.engraved() == {piece: [content(1)]}


async def test_an_eye_in_place_of_a_reader(tmp_path: Path, browse: Browse) -> None:
    eye = order(verify={"mode": "eye", "reason": "the reader is being repaired"})
    async with at_work(tmp_path, browse, orders=(eye,), reader=False) as (made, page):
        for number, button, state in ((1, "legible", "good"), (2, "illegible", "set-aside")):
            made.parts.load(STATION)
            await page.locator(PRIMARY).click()
            await shows(page, "judging")
            await expect(page.locator("#serial")).to_have_text(serial(number))
            await page.locator(f"[data-action={button}]:enabled").click()
            await shows(page, state)
        verdicts = [each for each in made.records() if isinstance(each, Verified)]
        assert [each.verdict for each in verdicts] == ["good", "unreadable"]
        assert {each.entry for each in verdicts} == {"eye"}


async def test_a_press_that_comes_late_shows_the_part_that_is_there_now(
    tmp_path: Path, browse: Browse
) -> None:
    eye = order(verify={"mode": "eye", "reason": "the reader is being repaired"})
    async with at_work(tmp_path, browse, orders=(eye,), reader=False) as (made, page):
        bodies: list[Any] = []

        async def as_of_the_first(route: Route) -> None:
            bodies.append(route.request.post_data_json)
            await route.continue_(post_data=json.dumps(bodies[0]))

        await page.route("**/judge", as_of_the_first)
        for number in (1, 2):
            made.parts.load(STATION)
            await page.locator(PRIMARY).click()
            await shows(page, "judging")
            await expect(page.locator("#serial")).to_have_text(serial(number))
            seq = made.logbook.journal.end
            await page.locator("[data-action=legible]:enabled").click()
            if number == 1:
                await shows(page, "good")
        await expect(page.locator("#notice")).to_have_text(SQ["note.other-part"])
        await shows(page, "judging")
        await expect(page.locator("#serial")).to_have_text(serial(2))
        assert after(made, seq) == []
        assert bodies[0]["intent"] < bodies[1]["intent"]
        await page.unroute("**/judge")
        await page.locator("[data-action=legible]:enabled").click()
        await shows(page, "good")


async def test_the_gateway_is_lost_and_comes_back(tmp_path: Path, browse: Browse) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with asyncio.timeout(90), line(tmp_path, (STATION,)) as made, browse() as page:
        async with served(made, port) as url:
            await page.goto(url)
            await shows(page, "ready")
            await expect(page.locator("#foot")).to_contain_text(SQ["link.away"])
        await expect(page.locator("#word")).to_have_text(SQ["state.lost"], timeout=2000)
        await expect(page.locator("#sentence")).to_have_text(SQ["say.lost"])
        await expect(page.locator("#primary button")).to_be_disabled()
        for texts, language in ((EN, "en"), (SQ, "sq")):
            await page.locator(f"[data-language={language}]").click()
            await shows(page, "lost", texts=texts)
            await expect(page.locator("#foot")).to_have_text(texts["link.unknown"])
        async with served(made, port):
            await shows(page, "ready")
            await sign_in(page)
            await shows(page, "ready")
        await expect(page.locator("#word")).to_have_text(SQ["state.lost"], timeout=2000)
        async with served(made, port):
            await shows(page, "ready")
            await expect(page.locator("#who .id")).to_contain_text(OPERATOR.id)
            await expect(page.locator(PRIMARY)).to_have_count(1)


async def test_a_package_order_of_many(tmp_path: Path, browse: Browse) -> None:
    """Long names and large quantities stay in the card, each label on one line."""

    many = order(
        kind="package", product="9x19-fmj-carton", lot="KMP26L001-012", contents=1000,
        quantity=100_000,
    )  # fmt: skip
    async with at_work(tmp_path, browse, orders=(many,)) as (_, page):
        await expect(page.locator("#order .count")).to_have_text("0 / 100\u202f000")
        for language in ("en", "sq"):
            await page.locator(f"[data-language={language}]").click()
            labels = await page.locator("#order dt").all()
            assert len(labels) == 3
            for label in labels:
                box = await label.bounding_box()
                assert box is not None
                assert box["height"] < 25
            assert await page.evaluate(FITS) == []


async def test_a_latched_gateway_says_why_and_offers_nothing(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        made.latches.set("rolled-back", "the guard knows record 181, the journal ends at 140")
        await shows(page, "latched", "rolled-back")
        await expect(page.locator("#facts")).to_contain_text("181")
        await expect(page.locator("#primary button")).to_have_count(0)
        await page.locator("[data-language=en]").click()
        await shows(page, "latched", "rolled-back", EN)


async def test_a_scanned_code_starts_nothing(tmp_path: Path, browse: Browse) -> None:
    """A scanner at the keyboard types a code and Enter; that is no press of the button."""

    async with at_work(tmp_path, browse) as (made, page):
        made.parts.load(STATION)
        await page.locator(PRIMARY).wait_for()
        await scan(page, "[)>0617V0CVA5")
        await expect(page.locator("#notice")).to_have_text(SQ["note.scanned-part"])
        await page.wait_for_timeout(600)
        assert made.stations[STATION].cycles == 0
        await page.keyboard.press("Space")
        await shows(page, "good", "good")
        assert made.stations[STATION].cycles == 1


async def test_a_foreign_page_cannot_press_the_button(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        made.parts.load(STATION)
        target = f"{page.url}api/stations/{STATION}/begin"
        foreign = await page.context.new_page()
        await foreign.route(
            "http://foreign.example/",
            lambda route: route.fulfill(
                content_type="text/html",
                body=f'<form method="post" action="{target}"><button>win</button></form>',
            ),
        )
        await foreign.goto("http://foreign.example/")
        async with foreign.expect_response(target) as pressed:
            await foreign.get_by_role("button").click()
        answer = await pressed.value
        assert (answer.status, await answer.json()) == (
            403,
            {"code": "foreign-origin", "facts": {}},
        )
        assert made.stations[STATION].cycles == 0
        assert made.engraved() == {1: []}


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (1024, 768),
        *(pytest.param(*size, marks=pytest.mark.long) for size in ((1280, 800), (800, 1280))),
    ],
)
async def test_every_state_fits_the_screen(
    tmp_path: Path, browse: Browse, width: int, height: int
) -> None:
    """Each note that may stop a station, in both languages, on each size of screen."""

    orders = (order(), order(ORDER + "-B"))
    async with (
        asyncio.timeout(150),
        line(tmp_path, ("line-1", "line-2"), orders=orders) as made,
        served(made) as url,
        browse(width, height) as page,
    ):
        made.stations["line-1"].choose_order(ORDER)
        await page.goto(url)
        await sign_in(page)
        await page.locator(PRIMARY).wait_for()
        reasons = [each.partition(".")[2] for each in SQ if each.startswith("note.licence-")]
        for texts, language in ((SQ, "sq"), (EN, "en")):
            await page.locator(f"[data-language={language}]").click()
            for reason in [*reasons, "entity-excluded", "order-held"]:
                made.change_order(state="suspended", reason=reason)
                await shows(page, "stopped", reason, texts)
            made.change_order(state="released", reason="")
            await shows(page, "ready", texts=texts)
            await page.locator("#order button").click()
            await page.get_by_role("button", name=ORDER + "-B").wait_for()
            assert await page.evaluate(FITS) == []
            await page.locator("#choose [data-close]").click()
        tab = page.get_by_role("tab", name="line-2")
        await tab.click()
        await expect(tab).to_have_attribute("aria-selected", "true")
