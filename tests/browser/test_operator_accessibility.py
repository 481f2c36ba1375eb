"""axe-core finds nothing on the operator's page, in either language, light, dark, high contrast."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import axe
from tests.browser.axe import LOOKS
from tests.browser.conftest import Browse
from tests.support.line import line, served

pytestmark = [pytest.mark.slow, pytest.mark.needs_browser]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("language", ["sq", "en"])
def test_the_operator_s_page(tmp_path: Path, browse: Browse, language: str, look: str) -> None:
    async def faults(page: Page) -> list[str]:
        await page.evaluate(axe.source())
        found: list[str] = await page.evaluate(axe.RUN, {})
        return found

    async def whole() -> None:
        async with (
            asyncio.timeout(120),
            line(tmp_path, ("line-1",)) as made,
            served(made) as url,
            browse(**LOOKS[look]) as page,
        ):
            await page.goto(url)
            await page.locator(f'[data-language="{language}"]').click()
            await expect(page.locator("#who button")).to_be_enabled()
            assert await faults(page) == []
            await page.locator("#who button").click()
            await page.locator("dialog[open]").wait_for()
            assert await faults(page) == []

    asyncio.run(whole())
