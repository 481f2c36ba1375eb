"""What will be engraved is drawn before it is, and how a part ended is heard as well as seen.

A decoder reads the browser's own pixels: what stands on the screen is what the laser is given.
"""

import io
import re
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import (
    FITS,
    PRIMARY,
    SQ,
    STATION,
    at_work,
    content,
    serial,
    shows,
)
from tests.browser.test_operator_trays import LASER, PIECES, PISTOL
from tests.browser.test_operator_trays import at_work as at_stations
from tests.support.line import Line

pytestmark = ON_A_PAGE

HEARD = """
window.heard = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  if (this.context.state === "running") window.heard.push(this.frequency.value);
  return start.apply(this, when);
};
"""
"""Notes each tone that a running audio context is given."""


async def on_screen(page: Page) -> list[bytes]:
    """What a reader that is held before the screen would find."""
    picture = Image.open(io.BytesIO(await page.screenshot()))
    wide, high = picture.size
    return [each.bytes for each in zxingcpp.read_barcodes(picture.resize((wide * 2, high * 2)))]


async def drawn(page: Page, line: str) -> bytes:
    """The drawing's content, once it is of this line."""
    image = page.locator("#plate img")
    await expect(image).to_have_attribute("alt", re.compile(re.escape(line)))
    await image.evaluate("image => image.decode()")
    (found,) = await on_screen(page)
    return found


async def mark(made: Line, page: Page, state: str, *, blind: int = 0) -> int:
    piece = made.parts.load(STATION)
    if blind:
        made.readers[STATION].misbehave("blind", blind)
    await page.locator(PRIMARY).click()
    await shows(page, state)
    return piece


async def test_what_is_drawn_is_what_gets_engraved(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        seen = await drawn(page, serial(1))
        marker, piece = made.markers[STATION], made.parts.load(STATION)
        marker.moments.hold("marked")
        await page.locator(PRIMARY).click()
        assert await marker.moments.await_held(10)
        await shows(page, "marking")
        assert await drawn(page, serial(1)) == seen
        await expect(page.locator("#steps .now")).to_have_text(SQ["step.mark"])
        await expect(page.locator("#progress progress")).to_be_visible()
        marker.moments.release()
        await shows(page, "good", "good")
        assert made.engraved() == {piece: [seen.decode()]}
        # What was read stands beside the word, and the next number is drawn already.
        read = page.locator("#facts")
        await expect(read).to_contain_text(serial(1))
        assert await drawn(page, serial(2)) == content(2).encode()


async def test_a_reader_finds_no_mark_on_the_screen_that_it_should_find_on_the_part(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        await mark(made, page, "set-aside", blind=4)
        await expect(page.locator("#plate .code")).to_have_text(SQ["read.nothing"])
        assert await on_screen(page) == []
        await page.locator(PRIMARY).click()
        await shows(page, "ready")
        made.markers[STATION].misbehave("silent", 1)
        made.markers[STATION].misbehave("faint", 1)
        await mark(made, page, "unknown")
        assert await on_screen(page) == []


@pytest.mark.long
async def test_each_piece_of_a_weapon_is_drawn_with_its_own_code(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_stations(tmp_path, browse, (LASER,), PISTOL) as (made, page):
        for symbol in ("R", "B"):
            await page.locator(PRIMARY).wait_for()
            wanted = PIECES.format(serial="GR26000001", component=symbol)
            assert (await drawn(page, "GR26000001")).decode() == wanted
            made.parts.load("laser")
            await page.locator(PRIMARY).click()
            await shows(page, "good", "good")


@pytest.mark.long
async def test_an_end_is_heard_unless_it_is_muted(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        await page.add_init_script(HEARD)
        await page.reload()
        await page.locator(PRIMARY).wait_for()
        assert await tones(page) == []  # nothing of what was so before
        await mark(made, page, "good")
        rising = await tones(page)
        assert rising
        assert rising == sorted(rising)
        await mark(made, page, "set-aside", blind=4)
        low = (await tones(page))[len(rising) :]
        assert low
        assert max(low) < min(rising)  # told apart by ear
        await page.locator("#sound").click()
        await expect(page.locator("#sound")).to_have_attribute("aria-label", SQ["sound.off"])
        await page.locator(PRIMARY).click()
        await shows(page, "ready")
        heard = await tones(page)
        await page.reload()  # the choice is kept
        await expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
        await mark(made, page, "good")
        assert await tones(page) == []
        await page.locator("#sound").click()
        assert await tones(page) == rising  # so that one hears what it will be like
        assert heard == [*rising, *low]
        assert await page.evaluate(FITS) == []


async def tones(page: Page) -> list[float]:
    found: list[float] = await page.evaluate("window.heard")
    return found
