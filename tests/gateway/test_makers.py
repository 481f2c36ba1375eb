"""A station with each maker's marker: what button and pedal put on the metal and on record.

What is asserted is the metal and the journal's records.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from gateway.contract.record import Marked, Verified
from gateway.moves import Phase
from tests.gateway.test_whole_cycle import People, client, marks, metal, of_type, states
from tests.support.line import Fit, Line, line, until

pytestmark = pytest.mark.slow  # real wires and simulated devices, some seconds of each
Maker = Literal["gravotech-tl07", "keyence-md", "telesis"]
MAKERS = pytest.mark.parametrize("maker", ["gravotech-tl07", "keyence-md", "telesis"])


@asynccontextmanager
async def play(folder: Path, fit: Fit) -> AsyncIterator[tuple[Line, People]]:
    async with line(folder, (fit,)) as made, client(made) as web:
        yield made, People(made, web, fit.name)


@MAKERS
async def test_each_press_of_the_button_is_one_mark_that_is_read_back(
    tmp_path: Path, maker: Maker
) -> None:
    async with play(tmp_path, Fit("post", maker)) as (made, people):
        for _ in range(3):
            made.parts.load("post")
            await people.mark()
            assert await made.markers["post"].pedal() is False
        assert [[mark.content] for mark in marks(made)] == list(metal(made).values())
        assert [each.verdict for each in of_type(made, Verified)] == ["good"] * 3
        assert states(made) == {"good": 3}


@MAKERS
async def test_an_end_that_is_not_told_is_settled_by_reading_the_part(
    tmp_path: Path, maker: Maker
) -> None:
    async with play(tmp_path, Fit("post", maker)) as (made, people):
        made.parts.load("post")
        made.markers["post"].misbehave("silent", 1)
        assert await people.press("begin") == ""
        await until(lambda: made.markers["post"].misdeeds() == {"silent": 1})
        await people.reach(Phase.IDLE)
        assert [[mark.content] for mark in marks(made)] == list(metal(made).values())
        assert states(made) == {"good": 1}


@MAKERS
async def test_a_refused_start_voids_its_number_and_leaves_the_part_blank(
    tmp_path: Path, maker: Maker
) -> None:
    async with play(tmp_path, Fit("post", maker)) as (made, people):
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


async def test_a_pedal_starts_a_gravotech_once_for_each_part(tmp_path: Path) -> None:
    async with play(tmp_path, Fit("post", "gravotech-tl07", start="pedal")) as (made, people):
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
