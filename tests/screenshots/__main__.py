"""Takes the pictures: `python -m tests.screenshots [part of a name …]`, all without one."""

import asyncio
import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect
from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.test_operator import sign_in
from tests.needs import find_program
from tests.screenshots import warehouse
from tests.screenshots.pictures import AT_LINE, ON_REGISTRY, AtLine, OnRegistry
from tests.support.central import Centre
from tests.support.line import Fit, line, served
from tests.support.shown import register

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screens"
LARGEST = 150_000
"""Bytes of a file."""


def main(wanted: Sequence[str]) -> None:
    def chosen(name: str) -> bool:
        return not wanted or any(each in name for each in wanted)

    FOLDER.mkdir(exist_ok=True)
    asyncio.run(on_pages(chosen))
    on_phone = [each for each in warehouse.ON_PHONE if chosen(each.name)]
    if on_phone:
        with sync_playwright() as playwright:
            warehouse.take(playwright, on_phone, write)


async def on_pages(chosen: Callable[[str], bool]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_program("chromium-headless-shell"), args=ARGUMENTS
        )
        for each in AT_LINE:
            if chosen(each.name):
                await at_line(browser, each)
        pages = [each for each in ON_REGISTRY if chosen(each.name)]
        if pages:
            with register() as centre:
                for picture in pages:
                    await on_registry(browser, centre, picture)
        await browser.close()


async def at_line(browser: Browser, picture: AtLine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            line(
                Path(folder),
                (Fit("line-1", eye=picture.eye),),
                language=picture.language,
                uplink=True,
                numbers=20_000,
            ) as made,
            served(made) as url,
        ):
            page = await open_page(browser, picture)
            await page.goto(url)
            await sign_in(page)
            await picture.steps(page, made)
            # What a button means has to stand for a moment before it can be pressed.
            await expect(page.locator("#secondary button:disabled")).to_have_count(0)
            await keep(page, picture.name)


async def on_registry(browser: Browser, centre: Centre, picture: OnRegistry) -> None:
    page = await open_page(browser, picture)
    if picture.role is not None:
        await page.context.add_cookies([centre.cookie(picture.role)])
    joined = "&" if "?" in picture.address else "?"
    await page.goto(f"{centre.url}{picture.address}{joined}lang={picture.language}")
    if picture.steps is not None:
        await picture.steps(page)
    await keep(page, picture.name, whole=picture.whole)


async def open_page(browser: Browser, picture: AtLine | OnRegistry) -> Page:
    """Of a fresh profile, with what the reader wishes; nothing moves."""
    width, height = picture.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale="sq-AL" if picture.language == "sq" else "en-GB",
        timezone_id="Europe/Tirane",
        color_scheme=picture.theme,
        contrast=picture.contrast,
        reduced_motion="reduce",
    )
    return await context.new_page()


async def keep(page: Page, name: str, *, whole: bool = False) -> None:
    """Once nothing moves any more."""
    await page.wait_for_load_state()
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(300)  # for what arrives by the stream right after the page
    taken = await page.screenshot(full_page=whole)
    await page.context.close()
    write(taken, name)


def write(taken: bytes, name: str) -> None:
    """In as few colours as it has: screens of flat colour lose nothing by it."""
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    for colours in (256, 128, 64, 32):
        written = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
        if written.tell() <= LARGEST:
            break
    (FOLDER / f"{name}.png").write_bytes(written.getvalue())
    print(f"docs/screens/{name}.png  {written.tell() / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
