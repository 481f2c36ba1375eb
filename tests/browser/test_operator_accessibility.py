"""axe-core finds nothing on the operator's page, in either language, light, dark, high contrast."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import axe
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.support.line import line, served

pytestmark = ON_A_PAGE


async def find_faults(page: Page, language: str, *, every_rule: bool) -> list[str]:
    """Check colours in each look, and every other rule in one look unless `every_rule`."""
    await page.evaluate(axe.source())
    found = []
    for look, media in axe.LOOKS.items():
        await page.emulate_media(**{"contrast": "no-preference", **media})
        rules = {} if every_rule or look == "light" else {"only": axe.COLOURS}
        told = await page.evaluate(axe.RUN, rules)
        found += [f"{language}, {look}: {fault}" for fault in told]
    return found


@pytest.mark.parametrize("every_rule", axe.SHARES)
async def test_the_operator_s_page(tmp_path: Path, browse: Browse, every_rule: bool) -> None:
    found = []
    async with (
        asyncio.timeout(120),
        line(tmp_path, ("line-1",)) as made,
        served(made) as url,
        browse(reduced_motion="reduce") as page,
    ):
        for language in ("sq", "en"):
            await page.goto(url)
            await page.locator(f'[data-language="{language}"]').click()
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await expect(page.locator("#who button")).to_be_enabled()
            found += await find_faults(page, language, every_rule=every_rule)
            await page.locator("#who button").click()
            await page.locator("dialog[open]").wait_for()
            found += await find_faults(page, f"{language}, sign-in", every_rule=every_rule)
    assert found == []
