"""How far the station gets without the network stands on the page, and how fast it works."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import EN, FITS, PRIMARY, SQ, STATION, at_work, shows
from tests.support.line import Line

pytestmark = ON_A_PAGE

TIRANA = ZoneInfo("Europe/Tirane")


def soon(at: datetime, tomorrow: str) -> str:
    """As a person in Tirana would say it."""
    there, today = at.astimezone(TIRANA), datetime.now(TIRANA).date()
    if there.date() == today:
        return f"{there:%H:%M}"
    if there.date() == today + timedelta(days=1):
        return tomorrow.format(time=f"{there:%H:%M}")
    return f"{there:%d.%m %H:%M}"


async def says(page: Page, kind: str, text: str) -> None:
    await expect(page.locator(f"#foot .{kind}.reach")).to_have_text(text)
    await expect(page.locator("#foot .reach")).to_have_count(1)
    assert await page.evaluate(FITS) == []


def connect(made: Line, *, connected: bool) -> None:
    """What the uplink says of its link; there is no broker here."""
    assert made.desk.uplink is not None
    made.desk.uplink.connected = connected
    made.desk.changed()


async def test_numbers_and_time_without_the_network(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse, uplink=True) as (made, page):
        until = datetime.now(UTC) + timedelta(hours=60)
        made.change_plan(lease_until=until)
        time = soon(until, SQ["when.tomorrow"])
        await says(page, "off", SQ["link.without"].format(n=250, time=time))
        connect(made, connected=True)
        calm = SQ["link.if-gone"].format(n=250, time=time)
        await expect(page.locator("#foot .plain", has_text=calm)).to_be_visible()
        await expect(page.locator("#foot .reach")).to_have_count(0)
        # Little time is left: it stands out, connected or not.
        until = datetime.now(UTC) + timedelta(minutes=90)
        made.change_plan(lease_until=until)
        time = soon(until, SQ["when.tomorrow"])
        await says(page, "low", SQ["link.if-gone"].format(n=250, time=time))
        connect(made, connected=False)
        await says(page, "low", SQ["link.without"].format(n=250, time=time))
        await page.locator("[data-language=en]").click()
        time = soon(until, EN["when.tomorrow"])
        await says(page, "low", EN["link.without"].format(n=250, time=time))
        await page.locator("[data-language=sq]").click()
        made.change_plan(lease_until=datetime.now(UTC) - timedelta(seconds=1))
        await expect(page.locator("#foot .alarm.reach")).to_be_visible()
        # It has ended by the register's time, which the page's clock is behind.
        made.change_plan(lease_until=datetime.now(UTC) + timedelta(hours=60))
        made.logbook.clock.sync(datetime.now(UTC) + timedelta(hours=61))
        made.desk.changed()
        await says(page, "alarm", SQ["link.lease-over"])
        # A blocked gateway marks nothing, with the network or without.
        made.change_plan(lease_until=datetime.now(UTC) + timedelta(hours=60))
        made.latches.set("rolled-back", "the guard knows record 181, the journal ends at 140")
        await expect(page.locator("#foot")).to_contain_text(SQ["link.latched"])
        await expect(page.locator("#foot .reach")).to_have_count(0)
        for key in ("link.if-gone", "link.without"):
            begin = SQ[key].partition("{")[0]
            await expect(page.locator("#foot")).not_to_contain_text(begin)


@pytest.mark.long
async def test_the_last_numbers_stand_out(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse, numbers=2) as (made, page):
        await expect(page.locator("#foot .low.reach")).to_contain_text("2 numra")
        for left, kind in ((1, "low"), (0, "alarm")):
            made.parts.load(STATION)
            await page.locator(PRIMARY).click()
            row = page.locator("#parts li.good")
            await expect(row).to_have_count(2 - left)
            text = "1 numër" if left else "0 numra"
            await expect(page.locator(f"#foot .{kind}.reach")).to_contain_text(text)


async def test_the_pace_is_told_after_some_parts(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        for _ in range(3):
            await expect(page.locator("#order .pace")).to_have_count(0)
            made.parts.load(STATION)
            await page.locator(PRIMARY).click()
            await shows(page, "good", "good")
        pace = page.locator("#order .pace")
        await expect(pace.locator("b")).to_have_text(
            re.compile(SQ["pace.per-hour"].format(n=r"[\d\u202f]+"))
        )
        await expect(pace.locator("span")).to_contain_text(SQ["pace.end"].format(time="").strip())
        assert await page.evaluate(FITS) == []
