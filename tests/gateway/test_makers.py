"""A station with each maker's marker: what button and pedal put on the metal and on record.

What is asserted is the metal and the journal's records.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import httpx
import pytest

from gateway.contract.record import Marked, Verified
from gateway.moves import Phase
from tests.gateway.test_whole_cycle import People, client, marks, metal, of_type, states
from tests.support.line import Fit, Line, line, until

pytestmark = pytest.mark.slow  # real wires and simulated devices, some seconds of each
Maker = Literal["gravotech-tl07", "keyence-md", "telesis"]
MAKERS = pytest.mark.parametrize("maker", ["gravotech-tl07", "keyence-md", "telesis"])


def play(folder: Path, fit: Fit, story: Callable[[Line, People], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with line(folder, (fit,)) as made, client(made) as web:
            assert isinstance(web, httpx.AsyncClient)
            await story(made, People(made, web, fit.name))

    asyncio.run(whole())


@MAKERS
def test_each_press_of_the_button_is_one_mark_that_is_read_back(
    tmp_path: Path, maker: Maker
) -> None:
    async def story(made: Line, people: People) -> None:
        for _ in range(3):
            made.parts.load("post")
            await people.mark()
            assert await made.markers["post"].pedal() is False
        assert [[mark.content] for mark in marks(made)] == list(metal(made).values())
        assert [each.verdict for each in of_type(made, Verified)] == ["good"] * 3
        assert states(made) == {"good": 3}

    play(tmp_path, Fit("post", maker), story)


@MAKERS
def test_an_end_that_is_not_told_is_settled_by_reading_the_part(
    tmp_path: Path, maker: Maker
) -> None:
    async def story(made: Line, people: People) -> None:
        made.parts.load("post")
        made.markers["post"].misbehave("silent", 1)
        assert await people.press("begin") == ""
        await until(lambda: made.markers["post"].misdeeds() == {"silent": 1})
        await people.reach(Phase.IDLE)
        assert [[mark.content] for mark in marks(made)] == list(metal(made).values())
        assert states(made) == {"good": 1}

    play(tmp_path, Fit("post", maker), story)


@MAKERS
def test_a_refused_start_voids_its_number_and_leaves_the_part_blank(
    tmp_path: Path, maker: Maker
) -> None:
    async def story(made: Line, people: People) -> None:
        made.parts.load("post")
        made.markers["post"].misbehave("refuse", 1)
        assert await people.press("begin") == ""
        await until(lambda: states(made) == {"voided": 1})
        await people.reach(Phase.IDLE)
        assert metal(made) == {}
        await people.mark()
        first, second = marks(made)
        assert list(metal(made).values()) == [[second.content]]
        assert first.content != second.content
        assert states(made) == {"voided": 1, "good": 1}

    play(tmp_path, Fit("post", maker), story)


def test_a_pedal_starts_a_gravotech_once_for_each_part(tmp_path: Path) -> None:
    async def story(made: Line, people: People) -> None:
        made.parts.load("post")
        assert await people.press("run") == ""
        for part in range(1, 3):
            await until(lambda: people.station.cycle.phase is Phase.WAITING)
            assert await made.markers["post"].pedal()
            await until(lambda: len(of_type(made, Marked)) == part)  # noqa: B023
            await until(lambda: len(of_type(made, Verified)) == part)  # noqa: B023
            assert not await made.markers["post"].pedal()
            made.parts.load("post")
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        assert await people.press("stop") == ""
        await people.reach(Phase.IDLE)
        assert not await made.markers["post"].pedal()
        first, second, unused = marks(made)
        assert list(metal(made).values()) == [[first.content], [second.content]]
        assert states(made) == {"good": 2, "voided": 1}
        assert unused.content not in (first.content, second.content)

    play(tmp_path, Fit("post", "gravotech-tl07", start="pedal"), story)
