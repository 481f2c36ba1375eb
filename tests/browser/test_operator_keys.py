"""Badges, sheets, the pedal and the keys: everything without a mouse, on the real page."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.contract.record import Intent
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import (
    FITS,
    PRIMARY,
    SQ,
    STATION,
    at_work,
    scan,
    shows,
    sign_in,
    type_keys,
)
from tests.support.line import LEAD, OPERATOR, ORDER, Badge, Line, line, order, served, until

pytestmark = ON_A_PAGE

OTHER = f"{ORDER}-B"
BY_HAND_S = 0.15
"""Between two keys of somebody who types fast."""


async def type_pin(page: Page, badge: Badge) -> None:
    """On the page's own keys."""
    for digit in badge.pin:
        await page.locator("#sign-in .key", has_text=digit).click()
    await page.keyboard.press("Enter")


async def begun_by(made: Line, page: Page) -> tuple[str | None, str]:
    """Mark a part; who the journal says began it, and how that was known."""
    begun = len(intents(made))
    made.parts.load(STATION)
    await page.locator(PRIMARY).click()
    await until(lambda: len(intents(made)) > begun)  # the part before is still shown as good
    await shows(page, "good", "good")
    intent = intents(made)[-1]
    return intent.operator, intent.operator_auth


def intents(made: Line) -> list[Intent]:
    return [each for each in made.records() if isinstance(each, Intent)]


async def test_a_scanned_badge_is_enough_and_a_typed_one_needs_its_pin(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        assert await begun_by(made, page) == (OPERATOR.id, "badge")
        await page.locator("#who button").click()
        await page.locator("[data-action=sign-in]:enabled").wait_for()
        await type_keys(page, OPERATOR.badge, BY_HAND_S)
        pin = page.locator("#sign-in [name=pin]")
        await expect(pin).to_be_focused()
        assert await page.evaluate(FITS) == []
        await type_pin(page, OPERATOR)
        await expect(page.locator("#who .id")).to_contain_text(OPERATOR.id)
        await page.locator(PRIMARY).wait_for()
        assert await begun_by(made, page) == (OPERATOR.id, "pin")
        # Somebody else takes over by the badge alone.
        await scan(page, LEAD.badge)
        await expect(page.locator("#who .id")).to_contain_text(LEAD.id)
        assert await begun_by(made, page) == (LEAD.id, "badge")


async def test_where_the_pin_is_wanted_a_scan_asks_for_it(tmp_path: Path, browse: Browse) -> None:
    async with (
        asyncio.timeout(90),
        line(tmp_path, (STATION,)) as made,
        served(made) as url,
        browse() as page,
    ):
        await page.goto(url)
        await page.locator("#who button").wait_for()
        await scan(page, "B-99999")
        wrong = page.locator("#sign-in .wrong")
        await expect(wrong).to_have_text(SQ["note.badge-not-known"])
        assert await page.evaluate(FITS) == []
        await page.keyboard.press("Escape")
        await expect(page.locator("#sign-in")).to_be_hidden()
        made.desk.needs_pin = True
        await scan(page, LEAD.badge)
        await expect(wrong).to_have_text(SQ["note.pin-too"])
        await type_pin(page, LEAD)
        await expect(page.locator("#who .id")).to_contain_text(LEAD.id)
        assert await begun_by(made, page) == (LEAD.id, "pin")


async def test_a_badge_scanned_right_after_escape_is_whole(tmp_path: Path, browse: Browse) -> None:
    """The event of the closed dialog comes when the next badge has opened it again."""
    async with line(tmp_path, (STATION,)) as made, served(made) as url, browse() as page:
        await page.goto(url)
        await page.locator("#who button").click()
        await page.evaluate(
            """() => new Promise((closed) => {
              const dialog = document.getElementById("sign-in");
              dialog.addEventListener("close", closed, { once: true });
              dialog.close();
              const pressed = new KeyboardEvent("keydown", { key: "B", bubbles: true });
              document.body.dispatchEvent(pressed);
            })"""
        )
        await expect(page.locator("#sign-in [name=badge]")).to_have_value("B")


async def test_an_order_is_chosen_by_its_sheet(tmp_path: Path, browse: Browse) -> None:
    orders = (order(), order(OTHER))
    async with at_work(tmp_path, browse, orders=orders) as (made, page):
        chosen = page.locator("#order .order-id")
        await expect(chosen).to_have_text(ORDER)
        await scan(page, OTHER)
        await expect(chosen).to_have_text(OTHER)
        await page.locator(PRIMARY).wait_for()
        await scan(page, "UP-1999-001")
        notice = page.locator("#notice")
        told = SQ["note.scanned-nothing"].format(code="UP-1999-001")
        await expect(notice).to_have_text(told)
        assert await page.evaluate(FITS) == []
        await expect(chosen).to_have_text(OTHER)
        assert made.stations[STATION].cycles == 0  # no scan has pressed the button
        assert await begun_by(made, page) == (OPERATOR.id, "badge")
        intent = [each for each in made.records() if isinstance(each, Intent)][-1]
        assert intent.marks[0].order == OTHER


async def test_a_shift_by_pedal_and_keys(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse, orders=(order(), order(OTHER))) as (made, page):
        await page.keyboard.press("F1")
        keys = page.locator("#keys")
        await expect(keys).to_be_visible()
        await expect(keys.locator("dd").first).to_have_text(SQ["keys.pedal"])
        assert await page.evaluate(FITS) == []
        await page.keyboard.press("Escape")
        await expect(keys).to_be_hidden()
        made.parts.load(STATION)
        await page.locator(PRIMARY).wait_for()
        await page.locator("[data-language=sq]").focus()
        await page.keyboard.press("F9")  # the pedal, whatever has the focus
        await shows(page, "good", "good")
        await page.locator("[data-action=check]:enabled").wait_for()
        await page.keyboard.press("F2")
        await shows(page, "not-awaited", "nothing-waits")
        await page.keyboard.press("F4")
        await expect(page.locator("#choose")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("F10")
        sound = page.locator("#sound")
        await expect(sound).to_have_attribute("aria-label", SQ["sound.off"])
        made.parts.load(STATION)
        made.readers[STATION].misbehave("blind", 4)
        await page.locator(PRIMARY).wait_for()
        await page.keyboard.press("F9")
        await shows(page, "set-aside", "unreadable")
        await page.locator("[data-action=settle]:enabled").wait_for()
        await page.keyboard.press("F6")
        await expect(page.locator("#decide")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("F9")
        await shows(page, "ready")
        assert made.stations[STATION].cycles == 2


@pytest.mark.parametrize(
    ("width", "height"), [(1024, 768), pytest.param(1280, 800, marks=pytest.mark.long)]
)
async def test_no_dialog_needs_scrolling(
    tmp_path: Path, browse: Browse, width: int, height: int
) -> None:
    async with (
        asyncio.timeout(90),
        line(tmp_path, (STATION,)) as made,
        served(made) as url,
        browse(width, height) as page,
    ):
        await page.goto(url)
        await sign_in(page)
        made.parts.load(STATION)
        made.readers[STATION].misbehave("blind", 4)
        await page.locator(PRIMARY).click()
        await shows(page, "set-aside", "unreadable")
        for language in ("en", "sq"):
            await page.locator(f"[data-language={language}]").click()
            for key, dialog in (("F1", "#keys"), ("F3", "#ask"), ("F6", "#decide")):
                await page.locator("[data-action=settle]:enabled").wait_for()
                await page.keyboard.press(key)
                await expect(page.locator(dialog)).to_be_visible()
                assert await page.evaluate(FITS) == [], (language, dialog)
                await page.keyboard.press("Escape")
                await expect(page.locator(dialog)).to_be_hidden()


@pytest.mark.long
async def test_trials_are_shot_and_counted(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        scrap = made.parts.load(STATION)
        for count in (1, 2):
            await page.locator("[data-action=more]:enabled").click()
            await page.locator("#choices [data-action=trial]").click()
            await page.locator("#choose-yes").click()
            await shows(page, "trial-done")
            told = SQ["order.trials"].format(n=count)
            await expect(page.locator("#order .wait")).to_have_text(told)
            made.parts.load(STATION)
        assert len(made.engraved()[scrap]) == 1
        assert not any(isinstance(each, Intent) for each in made.records())
        # A number is engraved: the counting is over.
        await page.locator(PRIMARY).wait_for()
        assert await begun_by(made, page) == (OPERATOR.id, "badge")
        await expect(page.locator("#order .wait")).to_have_count(0)
