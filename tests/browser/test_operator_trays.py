"""The whole cycle on the operator's page: trays, pieces, runs, samples, re-marks, typed codes.

As in `test_operator`: a real browser, real drivers, simulated devices; what is asserted is the
words on the screen, the piece of metal, and the journal.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.contract.plan import Component, PlanOrder, Template, Verify
from gateway.contract.record import Intent, Mark, Marked, Record, Repeat, Settled, Verified
from gateway.contract.uii import serial
from gateway.moves import Phase
from gateway.screen.texts import read_texts
from tests.browser.conftest import ON_A_PAGE, Browse
from tests.browser.test_operator import FITS, PRIMARY, SQ, fill_witness, shows, sign_in
from tests.support.line import LEAD, OPERATOR, Fit, Line, line, order, served

pytestmark = ON_A_PAGE

EN = read_texts("en")
PIECES = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dS{serial}\x1d20P{component}\x1e\x04"
PISTOL = order(
    template=Template(content=PIECES, lines=("{serial}",), serial_prefix="GR26"),
    components=tuple(
        Component(name=name, symbol=name[0].upper()) for name in ("receiver", "barrel", "slide")
    ),
)
CELL = Fit("cell", "modbus-cell", readers=4)
PEDAL = replace(CELL, start="pedal", arm_timeout_s=8)
LASER = Fit("laser")
POST = Fit("post", None)


def cartons(verify: Verify, **changes: Any) -> PlanOrder:
    fields = {"kind": "package", "product": "9x19-carton", "contents": 50, "tray": 4}
    return order(verify=verify, **{**fields, **changes})


@contextlib.asynccontextmanager
async def at_work(
    folder: Path, browse: Browse, stations: tuple[Fit, ...], made_of: PlanOrder
) -> AsyncIterator[tuple[Line, Page]]:
    """Those stations with the page open on the first one and the operator signed in."""
    async with (
        asyncio.timeout(150),
        line(folder, stations, orders=(made_of,)) as made,
        served(made) as url,
        browse() as page,
    ):
        await page.goto(url)
        await sign_in(page)
        await page.locator(PRIMARY).wait_for()
        yield made, page


def of_type(made: Line, kind: type[Record]) -> list[Any]:
    return [each for each in made.records() if isinstance(each, kind)]


def marks(made: Line) -> list[Mark]:
    return [mark for intent in of_type(made, Intent) for mark in intent.marks]


def metal(made: Line) -> dict[tuple[int | None, int], list[str]]:
    """By piece and place, what is engraved there."""
    found: dict[tuple[int | None, int], list[str]] = {}
    for piece in made.parts.dump():
        for each in piece["engravings"]:
            found.setdefault((piece["piece"], each["position"]), []).append(each["content"])
    return found


async def says(page: Page, label: str) -> None:
    """The one button, by its text's code."""
    await expect(page.locator(PRIMARY)).to_have_text(SQ[label])


async def places(page: Page, *words: str) -> None:
    """The tray as it is drawn: each place's word, in order."""
    await expect(page.locator("#places .word")).to_have_text([SQ[word] for word in words])


async def more(page: Page, action: str) -> None:
    await page.locator("[data-action=more]:enabled").click()
    assert await page.evaluate(FITS) == []
    await page.locator(f"#choices [data-action={action}]").click()


async def decide(page: Page, how: str) -> None:
    await page.get_by_text(SQ[f"how-says.{how}"]).click()
    await page.get_by_text(SQ["reason.damaged"], exact=True).click()
    await fill_witness(page, 1, OPERATOR)
    await fill_witness(page, 2, LEAD)
    assert await page.evaluate(FITS) == []
    await page.locator("#decide [type=submit]").click()
    await expect(page.locator("#decide")).to_be_hidden()


@pytest.mark.long
async def test_a_bad_place_of_a_tray_is_settled_by_itself(tmp_path: Path, browse: Browse) -> None:
    stations, made_of = (CELL,), cartons(Verify(mode="each"))
    async with at_work(tmp_path, browse, stations, made_of) as (made, page):
        await places(page, *["place.waiting"] * 4)
        await says(page, "do.begin-tray")
        tray = made.parts.load("cell")
        for place in ("cell/2", "cell/3"):
            made.readers[place].misbehave("blind", 4)  # the look, and the three reads
        await page.locator(PRIMARY).click()
        await shows(page, "set-aside", "unreadable")
        await places(page, "part.good", "part.rejected", "part.rejected", "part.good")
        await page.locator("[data-action=settle]").click()
        spots = page.locator("#decide-spots .spot")
        await expect(spots).to_have_text(["2", "3"])
        await page.locator("#decide [type=submit]").click()  # nothing is chosen yet
        await expect(page.locator("#decide")).to_be_visible()
        await spots.filter(has_text="3").click()
        await decide(page, "scrapped")
        await places(page, "part.good", "part.rejected", "part.scrapped", "part.good")
        await shows(page, "set-aside", "unreadable")
        await expect(page.locator("#facts")).to_have_text(f"{SQ['fact.positions']} 2")
        (settled,) = of_type(made, Settled)
        assert (settled.position, settled.how) == (3, "scrapped")
        assert settled.witnesses == (OPERATOR.id, LEAD.id)
        await page.locator("[data-action=read_again]").click()  # it can be read by now
        await shows(page, "good", "good")
        await places(page, *["place.waiting"] * 4)  # the next tray's
        verdicts = [(each.position, each.verdict) for each in of_type(made, Verified)]
        assert verdicts[-1] == (2, "good")
        # Read once more from idle: nobody waits for any of them.
        await page.locator("[data-action=check]:enabled").click()
        await shows(page, "not-awaited", "nothing-waits")
        assert metal(made) == {(tray, mark.position): [mark.content] for mark in marks(made)}


async def test_a_run_needs_no_hand_and_says_what_paused_it(tmp_path: Path, browse: Browse) -> None:
    sampled = cartons(Verify(mode="sample", every=6))
    async with at_work(tmp_path, browse, (PEDAL,), sampled) as (made, page):
        await shows(page, "ready")
        made.parts.load("cell")
        await says(page, "do.run")
        await page.locator(PRIMARY).click()
        await shows(page, "pedal")
        assert await made.markers["cell"].pedal()
        # Four of six: marked, and read with the group's last.
        await shows(page, "marked")
        await expect(page.locator("#then")).to_have_text(SQ["state.take-away-tray"])
        await expect(page.locator("#part")).to_have_text("GR26000001 – GR26000004")
        group = SQ["order.group"].format(members=4, every=6)
        await expect(page.locator("#order .wait")).to_have_text(group)
        made.parts.load("cell")
        await shows(page, "pedal")
        await expect(page.locator("#part")).to_contain_text(SQ["part.marked"])
        assert await made.markers["cell"].pedal()
        await shows(page, "good")
        await expect(page.locator("#then")).to_have_text(SQ["state.take-away-tray"])
        assert made.stations["cell"].cycles == 3  # nobody has touched the page since the first
        # Nobody presses the pedal: the run pauses, and one button goes on.
        made.parts.load("cell")
        await shows(page, "paused", "not-started")
        await says(page, "do.go-on")
        assert not await made.markers["cell"].pedal()
        await page.locator(PRIMARY).click()
        await shows(page, "pedal")
        await page.locator("#who button").click()  # stopping needs no badge
        await expect(page.locator("#who .id")).to_have_count(0)
        await says(page, "do.stop")
        await page.locator(PRIMARY).click()
        await shows(page, "paused", "stopped")
        await made.reach(Phase.IDLE, "cell")
        assert len(metal(made)) == 8
        dids = [each.results[0].did for each in of_type(made, Marked)]
        assert dids == ["done", "done", "not_started", "not_started"]


async def test_three_pieces_of_a_weapon_and_one_marked_again(
    tmp_path: Path, browse: Browse
) -> None:
    async with at_work(tmp_path, browse, (LASER,), PISTOL) as (made, page):
        for at, name in enumerate(("receiver", "barrel"), start=1):
            await expect(page.locator("#piece b")).to_have_text(SQ[f"component.{name}"])
            which = SQ["piece.at"].format(n=at, of=3)
            await expect(page.locator("#piece .of")).to_have_text(which)
            made.parts.load("laser")
            await page.locator(PRIMARY).click()
            await shows(page, "good", "good")
        slide = made.parts.load("laser")
        await expect(page.locator("#piece b")).to_have_text(SQ["component.slide"])
        made.readers["laser"].misbehave("blind", 4)
        await page.locator(PRIMARY).click()
        await shows(page, "set-aside", "unreadable")
        await page.locator("[data-action=settle]").click()
        await decide(page, "remark")
        await shows(page, "again")
        await expect(page.locator("#sentence")).to_have_text(
            SQ["say.again"].format(number="GR26000001")
        )
        await expect(page.locator("#piece b")).to_have_text(SQ["component.slide"])
        await says(page, "do.begin-again")
        await page.locator(PRIMARY).click()
        await shows(page, "good", "good")
        await expect(page.locator("#serial")).to_have_text("GR26000002")
        await expect(page.locator("#piece b")).to_have_text(SQ["component.receiver"])
        once, again = marks(made)[2:]
        assert made.engraved()[slide] == [once.content, again.content]
        assert once.content == again.content
        assert isinstance(again.source, Repeat)
        await expect(page.locator("#parts .what")).to_have_text(
            [SQ[f"part.{state}"] for state in ("good", "again", "good", "good")]
        )


@pytest.mark.long
async def test_parts_are_read_back_at_a_post_and_from_idle(tmp_path: Path, browse: Browse) -> None:
    elsewhere = order(verify=Verify(mode="elsewhere"))
    async with at_work(tmp_path, browse, (LASER, POST), elsewhere) as (made, page):
        pieces = []
        for _ in range(2):
            pieces.append(made.parts.load("laser"))
            await page.locator(PRIMARY).click()
            await shows(page, "marked", "marked")
            await page.locator(PRIMARY).wait_for()
        await expect(page.locator("#order .wait")).to_have_text(SQ["order.marked"].format(n=2))
        await page.get_by_role("tab", name="post").click()
        await shows(page, "ready")
        await expect(page.locator("#serial")).to_have_text("2")
        await says(page, "do.run-read")
        await page.locator(PRIMARY).click()
        await shows(page, "place")
        for left, piece in ((1, pieces[0]), (0, pieces[1])):
            made.parts.load_again(piece, "post")
            await expect(page.locator("#serial")).to_have_text(str(left))
            await shows(page, "good")
            await expect(page.locator("#part")).to_have_text(f"GR2600000{2 - left}")
            await expect(page.locator("#then")).to_have_text(SQ["state.place-next"])
        await page.locator(PRIMARY).click()
        await says(page, "do.go-on")
        verdicts = [(each.station, each.verdict) for each in of_type(made, Verified)]
        assert verdicts == [("post", "good")] * 2
        # A part that nobody waits for, at the marking station.
        await page.get_by_role("tab", name="laser").click()
        made.parts.load("laser")
        made.parts.engrave("laser", 1, "[)>\x1e06\x1d18S5X\x1e\x04", (), 1.0, "by hand")
        await page.locator("[data-action=check]:enabled").click()
        await shows(page, "not-awaited", "nothing-waits")
        await page.locator("[data-language=en]").click()
        await shows(page, "not-awaited", "nothing-waits", EN)


@pytest.mark.long
async def test_a_sample_is_read_early_from_idle(tmp_path: Path, browse: Browse) -> None:
    sampled = cartons(Verify(mode="sample", every=6))
    async with at_work(tmp_path, browse, (CELL,), sampled) as (made, page):
        made.parts.load("cell")
        await page.locator(PRIMARY).click()
        await shows(page, "marked", "marked")
        group = SQ["order.group"].format(members=4, every=6)
        await expect(page.locator("#order .wait")).to_have_text(group)
        await page.locator("[data-action=check]:enabled").click()
        await shows(page, "good", "read-back")
        await expect(page.locator("#part")).to_have_text("GR26000004")
        await expect(page.locator("#order .wait")).to_have_count(0)
        await expect(page.locator("#parts .what")).to_have_text([SQ["part.good"]] * 4)


@pytest.mark.long
async def test_a_typed_code_is_told_apart(tmp_path: Path, browse: Browse) -> None:
    async with at_work(tmp_path, browse, (LASER,), order()) as (made, page):
        made.parts.load("laser")
        made.readers["laser"].misbehave("blind", 4)
        await page.locator(PRIMARY).click()
        await shows(page, "set-aside", "unreadable")
        await page.locator("[data-action=type]").click()
        says_so = page.locator("#ask-says")
        await expect(says_so).to_have_text(SQ["dialog.type-says"])
        # A scanner at the keyboard drops the control characters and ends with Enter.
        await page.keyboard.type("[)>0617V0CVA51PPA26SGR26000001")
        assert await page.evaluate(FITS) == []
        await page.keyboard.press("Enter")
        await shows(page, "good", "good")
        await expect(page.locator("#part")).to_contain_text(SQ["part.typed"])
        await expect(page.locator("#parts .what")).to_have_text([SQ["part.typed"]])
        typed = of_type(made, Verified)[-1]
        assert (typed.entry, typed.verdict) == ("keyed", "good")
        assert [typed.content] == [mark.content for mark in marks(made)]


async def test_a_package_that_is_not_full_and_one_that_is_scrapped(
    tmp_path: Path, browse: Browse
) -> None:
    single = cartons(Verify(mode="each"), tray=None)
    async with at_work(tmp_path, browse, (LASER,), single) as (made, page):
        made.parts.load("laser")
        await expect(page.locator("#line")).to_contain_text(SQ["number.holds"].format(n=50))
        await more(page, "quantity")
        for number, accepted in (("51", False), ("12", True)):
            await page.fill("#ask [name=value]", "")
            for digit in number:
                await page.locator("#ask .key", has_text=digit).click()
            await page.locator("#ask [type=submit]").click()
            if not accepted:
                wrong = page.locator("#ask .wrong")
                await expect(wrong).to_have_text(SQ["note.wrong-quantity"])
                assert await page.evaluate(FITS) == []
        await shows(page, "good", "good")
        assert [mark.quantity for mark in marks(made)] == [12]
        await more(page, "earlier")
        (mark,) = of_type(made, Intent)[0].marks
        part = f"{SQ[f'component.{mark.component}']} {serial(mark.item.elements)}"
        await expect(page.locator("#choices button")).to_contain_text(part)
        await page.locator("#choices button").click()
        await expect(page.locator("#decide-title")).to_contain_text(part)
        await page.get_by_text(SQ["how-says.scrapped"]).click()
        over = SQ["over.scrapped"].format(part=part)
        await expect(page.locator("#decide-says")).to_have_text(over)
        await decide(page, "scrapped")
        await expect(page.locator("#parts .what")).to_have_text([SQ["part.scrapped"]])
        (settled,) = of_type(made, Settled)
        assert (settled.how, settled.of.seq) == ("scrapped", of_type(made, Intent)[0].seq)


@pytest.mark.parametrize(("tray", "width"), [(8, 1280), (24, 1024), (40, 1280)])
async def test_a_tray_fits_the_screen(
    tmp_path: Path, browse: Browse, tray: int, width: int
) -> None:
    eye = cartons(Verify(mode="eye", reason="no reader for a tray"), tray=tray)
    blind = replace(CELL, readers=0)
    async with (
        asyncio.timeout(90),
        line(tmp_path, (blind,), orders=(eye,)) as made,
        served(made) as url,
        browse(width, 800) as page,
    ):
        await page.goto(url)
        await shows(page, "ready")
        await expect(page.locator("#places li")).to_have_count(tray)
