"""The end of a shift and its reports, through the page's own API, on simulated devices and metal.

What is asserted is the metal, the journal, and what stands in the files.
"""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest

from gateway.contract.record import Observed, ShiftEnd, Trial
from gateway.moves import Phase
from gateway.screen.texts import read_texts
from tests.gateway.test_whole_cycle import People, of_type, play
from tests.support.line import GATEWAY, LEAD, OPERATOR, ORDER, QUALITY, Fit, Line, order

pytestmark = pytest.mark.slow  # real wires and simulated devices, some seconds of each
OTHER = "UP-2026-015"
REASON = "one fell behind the bench; ë, ç and 🔩"


def counted(order: str, good: int, aside: int, scrapped: int = 0) -> dict[str, Any]:
    return {"order": order, "good": good, "aside": aside, "scrapped": scrapped}


async def ends(people: People, *orders: dict[str, Any], **more: Any) -> str:
    """The code of the refusal; empty where the shift was ended."""
    first = (await people.view())["shift"]["first"]
    asked = {"first": first, "operator": OPERATOR.credentials(), **more}
    return await people.press("shift-end", orders=list(orders), **asked)


async def fetched(web: httpx.AsyncClient, form: str, shift: int, order: str, language: str) -> Any:
    asked: dict[str, str | int] = {"shift": shift, "order": order, "language": language}
    answer = await web.get(f"/api/stations/laser/report.{form}", params=asked)
    if answer.status_code == 200:
        name = f'filename="{GATEWAY}-{shift}-{order}.{form}"'
        assert name in answer.headers["content-disposition"]
    return answer


def shift_ends(made: Line) -> list[tuple[Observed, ShiftEnd]]:
    return [(each, each.shift) for each in of_type(made, Observed) if each.shift is not None]


async def test_a_shift_is_signed_with_its_counts_and_every_order_has_its_report(
    tmp_path: Path,
) -> None:
    async with play(tmp_path, (Fit("laser"),), (order(), order(OTHER))) as (made, web):
        people = People(made, web, "laser")
        assert (await people.view())["shift"]["orders"] == []
        for _ in range(2):
            made.parts.load("laser")
            await people.mark()
        made.parts.load("laser")
        made.readers["laser"].misbehave("blind", 4)
        await people.mark(Phase.SET_ASIDE)
        assert await ends(people, counted(ORDER, 2, 1)) == "busy"
        assert await people.press("acknowledge") == ""
        await people.reach(Phase.IDLE)
        made.parts.load("laser")
        assert await people.press("trial") == ""
        await people.reach(Phase.IDLE)
        assert await people.press("order", order=OTHER) == ""
        made.parts.load("laser")
        await people.mark()

        shift = (await people.view())["shift"]
        assert shift["trials"] == 1
        assert {each["order"]: each["bins"] for each in shift["orders"]} == {
            ORDER: {"good": 2, "aside": 1, "scrapped": 0},
            OTHER: {"good": 1, "aside": 0, "scrapped": 0},
        }
        other = counted(OTHER, 1, 0)
        assert await ends(people, counted(ORDER, 2, 1)) == "not-counted"
        whole = (counted(ORDER, 2, 1), other)
        assert await ends(people, *whole, counted("UP-2026-016", 0, 0)) == "not-of-shift"
        assert await ends(people, *whole, other) == "not-valid", "one is counted twice"
        assert await ends(people, *whole, first=2) == "other-shift"
        few = (counted(ORDER, 1, 1), other)
        assert await ends(people, *few) == "counts-differ"
        lead = {"lead": LEAD.credentials()}
        assert await ends(people, *few, **lead) == "no-reason"
        for who, refused in ((QUALITY, "no-shift-lead"), (OPERATOR, "no-shift-lead")):
            asked = {"lead": who.credentials(), "reason": REASON}
            assert await ends(people, *few, **asked) == refused
        own = {"operator": LEAD.credentials(), **lead, "reason": REASON}
        assert await ends(people, *few, **own) == "two-people"
        assert shift_ends(made) == []
        assert await ends(people, *few, **lead, reason=REASON) == ""

        ((record, end),) = shift_ends(made)
        assert (record.operator, record.operator_auth) == (OPERATOR.id, "pin")
        assert (end.first, end.trials, end.witnesses, end.reason) == (1, 1, (LEAD.id,), REASON)
        assert [(each.order, dict(each.states), each.left) for each in end.orders] == [
            (ORDER, {"good": 2, "rejected": 1}, 247),
            (OTHER, {"good": 1}, 249),
        ]
        assert of_type(made, Trial)
        view = await people.view()
        again = {**lead, "reason": REASON, "first": 1}
        assert await ends(people, *few, **again) == "other-shift", "it is sent once more"
        assert len(shift_ends(made)) == 1
        assert view["shift"] == {"first": record.seq + 1, "trials": 0, "orders": []}
        assert view["shifts"][0]["orders"] == [ORDER, OTHER]
        assert await people.press("begin") == "sign-in-first", "the next shift signs in by itself"

        await web.post("/api/sign-in", json=LEAD.credentials())
        made.parts.load("laser")
        await people.mark()  # it belongs to the next shift
        assert await ends(people, other) == ""
        assert (await fetched(web, "csv", record.seq, ORDER, "sq")).status_code == 409
        await web.post("/api/sign-in", json=LEAD.credentials())
        second, end = shift_ends(made)[1]
        assert (end.first, end.witnesses) == (record.seq + 1, ())
        serials = {
            content.split("\x1d")[-1][1:].rstrip("\x1e\x04")
            for each in made.parts.dump()
            for content in [each["engravings"][-1]["content"]]
            if "\x1d" in content
        }
        head = made.logbook.journal.head_at(record.seq)
        assert head is not None
        for language in ("sq", "en"):
            t = read_texts(language)
            text = (await fetched(web, "csv", record.seq, ORDER, language)).text
            facts, counts, marks = (
                list(csv.reader(io.StringIO(each)))
                for each in text.removeprefix("\ufeff").split("\r\n\r\n")[:3]
            )
            told = dict(facts)
            assert told[t["report.head"]] == head.hex()
            assert told[t["report.record"]] == f"{GATEWAY}/1/{record.seq}"
            assert told[t["report.reason"]] == REASON
            assert told[t["report.signed"]].startswith(OPERATOR.id)
            assert counts[1] == [t["bin.good"], "2", "1", "-1"]
            assert [row[3] for row in marks[1:]] == [t["part.good"]] * 2 + [t["part.rejected"]]
            assert {row[0] for row in marks[1:]} < serials
            assert all(row[1].startswith("D0CVA5PA26GR26") for row in marks[1:])

            answer = await fetched(web, "pdf", record.seq, ORDER, language)
            (page,) = pypdfium2.PdfDocument(answer.content)
            drawn = page.get_textpage().get_text_bounded()
            for part in (t["report.title"], ORDER, head.hex(), OPERATOR.id, *(m[0] for m in marks)):
                assert part in drawn
            assert (
                answer.content == (await fetched(web, "pdf", record.seq, ORDER, language)).content
            )
        for shift_seq, code in ((record.seq - 1, ORDER), (second.seq, ORDER), (99999, OTHER)):
            assert (await fetched(web, "csv", shift_seq, code, "sq")).status_code == 404
