"""The end of a shift on the page: what is counted, what differs, who signs, and the reports."""

import re
from pathlib import Path

import pypdfium2
from playwright.async_api import expect

from gateway.contract.record import Observed
from tests.browser import axe
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import (
    EN,
    FITS,
    PRIMARY,
    SQ,
    STATION,
    at_work,
    fill_witness,
    serial,
    shows,
)
from tests.support.line import LEAD, OPERATOR, ORDER

pytestmark = ON_A_PAGE


async def test_a_shift_is_counted_signed_and_printed(tmp_path: Path, browse: Browse) -> None:
    """One piece too few: the difference is said, and the shift lead signs too."""

    async with at_work(tmp_path, browse) as (made, page):
        for _ in range(2):
            made.parts.load(STATION)
            await page.locator(PRIMARY).click()
            await shows(page, "good", "good")

        await page.locator("[data-action=more]:enabled").click()
        await page.locator("#choose [data-action=shift]").click()
        await expect(page.locator(".tally h3")).to_have_text(ORDER)
        await expect(page.locator("[data-bin=good] small")).to_have_text(
            SQ["shift.journal"].format(n=2)
        )
        assert await page.evaluate(FITS) == []
        for name, value in (("good", "1"), ("aside", "0"), ("scrapped", "0")):
            await page.locator(f"[name={name}-0]").fill(value)
        says = page.locator("[data-bin=good] .apart")
        await expect(says).to_have_text(SQ["shift.differs"].format(n="-1"))
        await expect(page.locator("#shift-says")).to_have_text(SQ["dialog.shift-differs"])
        assert await page.evaluate(FITS) == []
        await page.evaluate(axe.source())
        assert await page.evaluate(axe.RUN, []) == []
        await page.locator("[name=good-0]").fill("2")
        await expect(page.locator("#shift-second")).to_be_hidden()
        await page.locator("[name=good-0]").fill("1")
        await page.get_by_text(SQ["reason.not-found"], exact=True).click()
        await fill_witness(page, 1, OPERATOR)
        await fill_witness(page, 2, LEAD)
        await page.locator("#shift [type=submit]").click()

        report = page.locator(".report")
        await expect(report).to_contain_text(ORDER)
        assert await page.evaluate(FITS) == []
        async with page.expect_download() as coming:
            await report.locator("text=PDF").click()
        paper = await (await coming.value).path()
        (drawn,) = pypdfium2.PdfDocument(paper)
        text = drawn.get_textpage().get_text_bounded()
        assert re.search(rf"{SQ['report.title']}\s+{ORDER}", text)
        for part in (serial(1), serial(2), SQ["reason.not-found"], LEAD.id):
            assert part in text
        refused = {"code": "report-differs", "facts": {"order": ORDER}}
        await page.route("**/report.csv?*", lambda route: route.fulfill(status=409, json=refused))
        await report.locator("text=CSV").click()
        await expect(page.locator("#choose .wrong")).to_have_text(SQ["note.report-differs"])
        await page.locator("#choose [data-close]").click()
        await shows(page, "shift-ended", "shift-ended")
        await page.locator("[data-language=en]").click()
        await shows(page, "shift-ended", "shift-ended", EN)
        await expect(page.locator("#who .id")).to_have_count(0)

        ended = made.records()[-1]
        assert isinstance(ended, Observed)
        assert ended.shift is not None
        (tally,) = ended.shift.orders
        assert (ended.operator, ended.shift.witnesses) == (OPERATOR.id, (LEAD.id,))
        assert (tally.states, tally.counted.good) == ({"good": 2}, 1)
