"""What the camera saw of the part in hand, with its verdict, and what no reader can read there."""

import io
import re
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from drivers.camera.codec import decode
from gateway.contract.record import Verified
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import EN, FITS, PRIMARY, SQ, STATION, shows, sign_in
from tests.support.line import Fit, Line, line, served

pytestmark = ON_A_PAGE


def on_screen(shot: bytes) -> list[str]:
    """What a reader that is held before the screen would find, and one that tries hard."""
    picture = Image.open(io.BytesIO(shot))
    found = []
    for times in (1, 2, 3):
        larger = io.BytesIO()
        picture.resize((picture.width * times, picture.height * times)).save(larger, "PNG")
        found += [code.content for code in decode(larger.getvalue()).codes]
    return found


async def in_hand(page: Page, verdict: str) -> str:
    """The picture's name, once it stands there with that verdict."""
    taken = page.locator("#plate .taken")
    await expect(taken.locator("figcaption")).to_have_text(SQ[f"picture.{verdict}"])
    image = taken.locator("img")
    said = SQ["picture.says"].format(verdict=SQ[f"picture.{verdict}"])
    await expect(image).to_have_attribute("alt", said)
    await image.evaluate("image => image.decode()")
    assert await image.evaluate("image => image.naturalWidth") > 100
    found = re.search(r"api/pictures/([0-9a-f]{64})$", await image.get_attribute("src") or "")
    assert found is not None
    return found[1]


def last_read(made: Line) -> Verified:
    return [each for each in made.records() if isinstance(each, Verified)][-1]


async def test_the_part_that_is_set_aside_is_shown_and_cannot_be_read_from_the_screen(
    tmp_path: Path, browse: Browse
) -> None:
    fit = Fit(STATION, eye="camera")
    async with line(tmp_path, (fit,)) as made, served(made) as url, browse() as page:
        await page.goto(url)
        await shows(page, "ready")
        await sign_in(page)
        made.parts.load(STATION)
        made.markers[STATION].misbehave("faint", 1)
        await page.locator(PRIMARY).click()
        await shows(page, "set-aside")
        assert await in_hand(page, "unreadable") == last_read(made).picture
        assert await page.evaluate(FITS) == []
        plate, code = page.locator("#plate"), page.locator("#plate .code")
        whole, taken = await plate.bounding_box(), await plate.locator("img").bounding_box()
        assert whole is not None
        assert taken is not None
        assert taken["width"] < whole["width"] / 2  # what was read has its place beside it
        assert taken["height"] > 100
        await expect(code).to_have_text(SQ["read.nothing"])
        await page.locator(PRIMARY).click()
        await shows(page, "ready")

        # A good mark that is not this part's: a reader would find it, were it not covered.
        marker = made.markers[STATION]
        made.parts.load(STATION)
        marker.moments.hold("marked")
        await page.locator(PRIMARY).click()
        assert await marker.moments.await_held(20)
        made.parts.load(STATION)
        stranger = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dSGR26777777\x1e\x04"
        made.parts.engrave(STATION, 1, stranger, (), 0.9, "hand")
        marker.moments.release()
        await shows(page, "set-aside")
        name = await in_hand(page, "mismatch")
        assert name == last_read(made).picture
        assert made.desk.pictures is not None
        kept = made.desk.pictures.read(name)
        assert kept is not None
        assert [code.content for code in decode(kept).codes] == [stranger]
        assert on_screen(await page.locator("#plate").screenshot()) == []
        assert on_screen(await page.screenshot()) == []
        await page.locator('[data-language="en"]').click()
        caption = page.locator("#plate .taken figcaption")
        await expect(caption).to_have_text(EN["picture.mismatch"])
        assert await page.evaluate(FITS) == []
