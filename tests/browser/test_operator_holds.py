"""A hold leads by the hand: one step at a time to its end, and every latch has its own page."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.contract.plan import Verify
from gateway.contract.record import Settled, Unlatched
from gateway.details import detail
from gateway.latches import Latch
from gateway.screen.holds import HOLDS
from gateway.screen.texts import Texts
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import (
    EN,
    FITS,
    PRIMARY,
    SQ,
    STATION,
    at_work,
    content,
    fill_witness,
    first_row,
    serial,
    shows,
)
from tests.support.line import LEAD, OPERATOR, QUALITY, Badge, line, order, served

pytestmark = ON_A_PAGE


async def step(page: Page, number: int, text: str) -> None:
    """The one step that is to be done now."""
    now = page.locator("#hold li[aria-current=step]")
    await expect(now).to_have_count(1)
    await expect(now.locator("b")).to_have_text(SQ[text])
    await expect(page.locator("#hold .way li").nth(number - 1)).to_have_class("now")
    await expect(page.locator("#hold .way .done")).to_have_count(number - 1)
    assert await page.evaluate(FITS) == []


async def is_page(page: Page, code: str, texts: Texts) -> None:
    """The page of a hold: what it means, who can end it, how, and nothing to mark with."""
    hold = HOLDS[code]
    told = page.locator("#hold dd")
    await expect(told.nth(0)).to_have_text(texts[f"hold-means.{hold.means}"])
    await expect(told.nth(1)).to_have_text(texts[f"hold-who.{hold.who}"])
    steps = [texts[f"hold-how.{each}"] for each in hold.how]
    await expect(told.nth(2).locator("li")).to_have_text(steps)
    await expect(page.locator("#primary button:visible")).to_have_count(0)
    assert await page.evaluate(FITS) == []


async def test_an_unknown_outcome_is_led_to_its_end_by_two_people(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        marker, piece = made.markers[STATION], made.parts.load(STATION)
        marker.moments.hold("marked")
        await page.locator(PRIMARY).click()
        assert await marker.moments.await_held(10)
        made.readers[STATION].misbehave("blind", 6)  # three reads, and three again
        await marker.power(on=False)
        await shows(page, "switch-off")
        await step(page, 1, "hold.key-off")
        await expect(page.locator(PRIMARY)).to_have_count(0)
        await marker.power(on=True)
        await shows(page, "unknown")
        await step(page, 2, "hold.scan")
        await expect(page.locator("#part")).to_have_text(serial(1))
        await expect(page.locator("#hold .now")).to_contain_text(SQ["read.nothing"])
        await page.locator("[data-action=read_again]:enabled").click()
        await step(page, 3, "hold.settle")
        assert not any(isinstance(each, Settled) for each in made.records())
        await page.locator("#primary [data-action=settle]:enabled").click()
        await page.get_by_text(SQ["how-says.accepted"]).click()
        await page.get_by_text(SQ["reason.seen-legible"], exact=True).click()
        await fill_witness(page, 1, LEAD)
        await fill_witness(page, 2, QUALITY)
        await page.locator("#decide [type=submit]").click()
        await shows(page, "settled", "settled")
        await expect(page.locator("#hold")).to_be_hidden()
        settled, freed = made.records()[-2:]
        assert isinstance(settled, Settled)
        assert settled.witnesses == (LEAD.id, QUALITY.id)
        assert isinstance(freed, Unlatched)
        assert made.engraved() == {piece: [content(1)]}


async def test_a_scan_that_matches_goes_on_by_itself(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        made.parts.load(STATION)
        made.markers[STATION].misbehave("silent", 1)
        made.readers[STATION].misbehave("blind", 4)  # the look, and the three reads
        await page.locator(PRIMARY).click()
        await shows(page, "unknown")
        await step(page, 2, "hold.scan")
        await page.locator("[data-action=read_again]:enabled").click()
        await shows(page, "good", "good")
        await expect(page.locator("#hold")).to_be_hidden()
        await expect(page.locator("#serial")).to_have_text(serial(2))
        settled = [each for each in made.records() if isinstance(each, Settled)]
        assert [(each.how, each.witnesses) for each in settled] == [("read", ())]


async def test_the_first_piece_waits_for_the_shift_lead(tmp_path: Path, browse: Browse) -> None:
    """Set aside with a reason, the next is a first piece again; approved, the line goes on."""
    asks = order(verify=Verify(mode="each", first_piece="approved-by-second"))

    async with at_work(tmp_path, browse, orders=(asks,)) as (made, page):

        async def marks(number: int) -> None:
            made.parts.load(STATION)
            await page.locator("[data-action=begin]:enabled").click()
            await shows(page, "first-piece", "first-piece")
            await expect(page.locator("#part")).to_have_text(serial(number))
            await step(page, 2, "hold.first-look")

        async def decides(how: str, person: Badge, reason: str = "") -> None:
            await page.locator("#primary [data-action=first-piece]:enabled").click()
            await page.get_by_text(SQ[f"how-says.{how}"]).click()
            if reason:
                await page.get_by_text(SQ[f"reason.{reason}"], exact=True).click()
            await expect(page.locator("#decide-second")).to_be_hidden()
            assert await page.evaluate(FITS) == []
            await fill_witness(page, 1, person)
            await page.locator("#decide [type=submit]").click()

        await expect(page.locator("#order")).to_contain_text(SQ["order.first-piece"])
        await marks(1)
        await decides("approve", OPERATOR)
        await expect(page.locator("#decide .wrong")).to_have_text(SQ["note.no-shift-lead"])
        await page.locator("#decide [data-close]").click()
        await decides("refuse", LEAD, "wrong-place")
        await shows(page, "settled", "first-refused")
        await expect(page.locator("body")).to_have_attribute("data-tone", "wait")
        await first_row(page, serial(1), "scrapped")
        await marks(2)
        await decides("approve", LEAD)
        await shows(page, "first-approved", "first-approved")
        await expect(page.locator("#order")).not_to_contain_text(SQ["order.first-piece"])
        made.parts.load(STATION)
        await page.locator(PRIMARY).click()
        await shows(page, "good", "good")
        refused, approved = (
            each for each in made.records() if isinstance(each, Settled | Unlatched)
        )
        assert isinstance(refused, Settled)
        assert (refused.how, refused.reason) == ("scrapped", SQ["reason.wrong-place"])
        assert isinstance(approved, Unlatched)
        assert approved.of is not None
        assert {refused.operator, *approved.witnesses} == {LEAD.id}


BEHIND: tuple[str, dict[str, Any]] = ("guard-ahead", {"seq": 181, "end": 140})
JOURNAL = "/var/lib/gjurma/gramsh.line-2/journal/epoch-0003"
CAUSES: tuple[tuple[Latch, tuple[str, dict[str, Any]]], ...] = (
    ("rolled-back", BEHIND),
    ("forked", BEHIND),
    ("two-of-me", BEHIND),
    ("journal-corrupt", ("log-damaged", {"journal": f"{JOURNAL}.db", "end": 140})),
    ("journal-corrupt", ("key-damaged", {"key": f"{JOURNAL}.key", "fault": "it is damaged"})),
)


@pytest.mark.parametrize(("latch", "cause"), CAUSES)
async def test_a_latch_has_a_page_of_its_own(
    tmp_path: Path, browse: Browse, latch: Latch, cause: tuple[str, dict[str, Any]]
) -> None:
    code, facts = cause
    async with (
        asyncio.timeout(90),
        line(tmp_path) as made,
        served(made) as url,
        browse(1024, 768) as page,
    ):
        made.latches.set(latch, detail(code, **facts))
        await page.goto(url)
        for texts, language in ((SQ, "sq"), (EN, "en")):
            await page.locator(f"[data-language={language}]").click()
            await shows(page, "latched", latch, texts)
            await is_page(page, latch, texts)
            await page.set_viewport_size({"width": 1280, "height": 800})
            assert await page.evaluate(FITS) == []
            await page.set_viewport_size({"width": 1024, "height": 768})
            told = texts[f"detail.{code}"].format(**facts)
            await expect(page.locator("#facts")).to_contain_text(told)
        made.latches.causes = {latch: "as an earlier release kept it"}
        made.latches.on_change()
        await expect(page.locator("#facts")).to_contain_text("«as an earlier release kept it»")


async def test_each_obstacle_of_the_plan_has_a_page(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse) as (made, page):
        for reason in (
            "licence-suspended",
            "entity-excluded",
            "product-withdrawn",
            "order-held",
        ):
            made.change_order(state="suspended", reason=reason)
            await shows(page, "stopped", reason)
            await is_page(page, reason, SQ)
        made.change_order(state="released", reason="")
        await expect(page.locator("#hold")).to_be_hidden()
        await expect(page.locator("#plate img")).to_be_visible()
