"""A paper is drawn beside the gateway and not in it: one at a time, and ended with what asked."""

import asyncio
import os
import resource
import time
from pathlib import Path
from typing import cast

import pypdfium2
import pytest

from gateway.screen.press import Press
from gateway.screen.sheet import Sheet
from gateway.station import NotNow
from tests.support.line import until

HEADS = ("number", "UII", "component", "state", "time", "operator", "record")


def of_marks(count: int) -> Sheet:
    return {
        "language": "sq",
        "title": "Raporti i turnit: porosia UP-2026-014",
        "facts": [("Numri", "ë, ç <b>&")],
        "counts_title": "Numërimi",
        "counts": [("", "ditari", "me dorë", "dallimi"), ("të mira", "2", "1", "-1")],
        "marks_title": "Shënjimet",
        "marks": [HEADS, *((f"GR26{n:06d}", "D", "", "", "", "", str(n)) for n in range(count))],
        "foot": "koka: 00ff",
    }


def children() -> set[str]:
    own = os.getpid()
    return set(Path(f"/proc/{own}/task/{own}/children").read_text("ascii").split())


async def test_a_long_paper_costs_this_process_next_to_nothing() -> None:
    own, others = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    drawn = await Press().draw(of_marks(1500))
    own = time.process_time() - own
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - others
    assert others > 5 * own
    pages = list(pypdfium2.PdfDocument(drawn))
    assert len(pages) > 10
    first, last = (pages[at].get_textpage().get_text_bounded() for at in (0, -1))
    for part in ("UP-2026-014", "ë, ç <b>&", "Numërimi", "-1", "koka: 00ff", "GR26000000"):
        assert part in first
    assert "GR26001499" in last


async def test_a_name_is_broken_at_its_hyphens_alone() -> None:
    """And one that has room is not broken."""
    operators = ("gramsh-operator", "gramsh-operator-of-the-night-shift")
    marks = [("G", "D", "", "", "", name, "1") for name in operators]
    drawn = await Press().draw({**of_marks(0), "marks": [HEADS, *marks]})
    (page,) = pypdfium2.PdfDocument(drawn)
    words = page.get_textpage().get_text_bounded().replace("\ufffe", "-").split()
    assert "gramsh-operator" in words
    assert [part for part in ("opera", "operat", "nigh", "shif") if part in words] == []


async def test_papers_are_drawn_one_at_a_time_and_alike() -> None:
    before = children()
    most = 0

    press = Press()
    drawing = asyncio.gather(*(press.draw(of_marks(20)) for _ in range(3)))
    while not drawing.done():
        most = max(most, len(children() - before))
        await asyncio.sleep(0.01)
    one, two, three = await drawing
    assert most == 1
    assert one == two == three


async def test_a_paper_that_nobody_waits_for_is_not_drawn_on() -> None:
    before = children()

    drawing = asyncio.create_task(Press().draw(of_marks(5000)))
    await until(lambda: bool(children() - before))
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    assert children() == before


async def test_what_cannot_be_drawn_is_declined_and_the_next_is_drawn() -> None:
    press = Press()
    with pytest.raises(NotNow) as refused:
        await press.draw(cast("Sheet", {}))
    assert refused.value.note.code == "not-drawn"
    assert (await press.draw(of_marks(1))).startswith(b"%PDF")
