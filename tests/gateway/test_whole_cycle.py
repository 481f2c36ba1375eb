"""The whole cycle through the page's own API, with real drivers on simulated devices and metal.

What is asserted is the metal, the journal's records and what the page shows.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from gateway.contract.plan import Component, PlanOrder, Template, Verify
from gateway.contract.record import (
    Intent,
    Mark,
    Marked,
    Observed,
    Record,
    Repeat,
    Settled,
    Trial,
    Verified,
)
from gateway.moves import Note, Phase
from gateway.screen.app import create_screen_app
from simulators.demo.people import of_order
from tests.support.line import LEAD, OPERATOR, ORDER, QUALITY, Fit, Line, line, order, until

OF_PART = frozenset({"acknowledge", "judge", "read-again", "settle", "type", "unlatch"})
OF_ORDER = frozenset({"begin", "run", "trial"})
PIECES = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dS{serial}\x1d20P{component}\x1e\x04"
PISTOL = order(
    template=Template(content=PIECES, lines=("{serial}",), serial_prefix="GR26"),
    components=tuple(
        Component(name=name, symbol=name[0].upper(), job=job)
        for name, job in (("receiver", "12"), ("barrel", "13"), ("slide", None))
    ),
)
SECONDS = 20.0
pytestmark = pytest.mark.slow  # real wires and simulated devices, some seconds of each


def cartons(tray: int, verify: Verify, **changes: Any) -> PlanOrder:
    return order(kind="package", contents=50, tray=tray, verify=verify, **changes)


@contextlib.asynccontextmanager
async def client(made: Line) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_screen_app(made.desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8091") as web:
        answer = await web.post("/api/sign-in", json=OPERATOR.credentials())
        assert answer.status_code == 200
        yield web


class People:
    """Who stands at one station's page."""

    def __init__(self, made: Line, web: httpx.AsyncClient, station: str) -> None:
        self.made, self.web, self.name = made, web, station
        self.station = made.stations[station]

    async def press(self, action: str, **body: Any) -> str:
        """The code of the refusal; empty where it was done."""
        named = await self.named(action) | body
        answer = await self.web.post(f"/api/stations/{self.name}/{action}", json=named or None)
        return "" if answer.status_code == 200 else str(answer.json()["code"])

    async def named(self, action: str) -> dict[str, Any]:
        """The part or the order of such a request, as the page shows it."""
        view = await self.view()
        if action in OF_PART:
            return {"intent": view["current"]["seq"]}
        if action in OF_ORDER:
            return of_order(view)
        return {}

    async def decide(self, action: str, **body: Any) -> str:
        witnesses = [OPERATOR.credentials(), LEAD.credentials()]
        return await self.press(action, reason="seen by both", witnesses=witnesses, **body)

    async def view(self) -> dict[str, Any]:
        state = (await self.web.get("/api/state")).json()
        (found,) = (each for each in state["stations"] if each["name"] == self.name)
        return dict(found)

    async def reach(self, phase: Phase) -> None:
        await self.made.reach(phase, self.name, SECONDS)

    async def mark(self, ends: Phase = Phase.IDLE, **body: Any) -> None:
        """One part, from the button to rest."""
        assert await self.press("begin", **body) == ""
        await self.reach(ends)

    async def note(self) -> str:
        return str(((await self.view())["note"] or {}).get("code"))


@contextlib.asynccontextmanager
async def play(
    folder: Path, stations: tuple[Fit, ...], orders: tuple[PlanOrder, ...], **more: Any
) -> AsyncIterator[tuple[Line, httpx.AsyncClient]]:
    async with line(folder, stations, orders=orders, **more) as made, client(made) as web:
        yield made, web


def of_type(made: Line, *kinds: type[Record]) -> list[Any]:
    return [each for each in made.records() if isinstance(each, kinds)]


def marks(made: Line) -> list[Mark]:
    return [mark for intent in of_type(made, Intent) for mark in intent.marks]


def metal(made: Line) -> dict[tuple[int | None, int], list[str]]:
    """By piece and place, what is engraved there."""
    found: dict[tuple[int | None, int], list[str]] = {}
    for piece in made.parts.dump():
        for each in piece["engravings"]:
            found.setdefault((piece["piece"], each["position"]), []).append(each["content"])
    return found


def states(made: Line) -> dict[str, int]:
    """Over all stations and orders, how many marks stand how."""
    found: dict[str, int] = {}
    for station in made.logbook.ledger.stations.values():
        for counts in station.made.values():
            for state, count in counts.items():
                found[state] = found.get(state, 0) + count
    return {state: count for state, count in found.items() if count}


# -- trays


async def test_trays_run_hands_free_and_every_fifth_carton_is_read(tmp_path: Path) -> None:
    """Three trays of four: cartons 5 and 10 are samples; the run ends with a withdrawn shot."""
    cell = Fit("cell", "modbus-cell", readers=4, start="pedal")
    orders = (cartons(4, Verify(mode="sample", every=5)),)

    async with play(tmp_path, (cell,), orders) as (made, web):
        people = People(made, web, "cell")
        made.parts.load("cell")
        assert await people.press("run") == ""
        for tray in range(1, 4):
            await until(lambda: people.station.cycle.phase is Phase.WAITING)
            view = await people.view()
            assert (view["run"]["on"], view["run"]["paused"]) == (True, None)
            assert view["can"] == ["stop"]
            assert await made.markers["cell"].pedal()
            # The next look waits for the tray to be changed.
            await until(lambda: people.station.cycle.note == Note("take-away"))
            assert len(of_type(made, Marked)) == tray
            made.parts.load("cell")
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        assert await people.press("stop") == ""
        await people.reach(Phase.IDLE)
        assert not await made.markers["cell"].pedal()
        paused = (await people.view())["run"]
        assert (paused["on"], paused["paused"]["code"]) == (False, "stopped")

        here = metal(made)
        assert [mark.content for mark in marks(made)[:12]] == [c for (c,) in here.values()]
        assert len({piece for piece, _ in here}) == 3
        assert [(each.position, each.verdict) for each in of_type(made, Verified)] == [
            (1, "good"),
            (2, "good"),
        ]
        assert states(made) == {"good": 10, "marked": 2, "voided": 4}
        (group,) = (await people.view())["groups"]
        assert (group["members"], group["every"], group["sample"]) == (2, 5, None)


async def test_two_cartons_that_changed_places_are_both_mismatches_and_settled_by_place(
    tmp_path: Path,
) -> None:
    cell = Fit("cell", "modbus-cell", readers=3)
    orders = (cartons(3, Verify(mode="each")),)

    async with play(tmp_path, (cell,), orders) as (made, web):
        people = People(made, web, "cell")
        tray = made.parts.load("cell")
        made.readers["cell"].misbehave("blind", 4)  # a look and every try of a read
        made.readers["cell/2"].misbehave("blind", 4)
        made.readers["cell/3"].misbehave("blind", 2)
        await people.mark(Phase.SET_ASIDE)
        current = (await people.view())["current"]
        shown = [(place["verdict"], place["state"]) for place in current["places"]]
        assert shown == [("unreadable", "rejected"), ("unreadable", "rejected"), (None, "good")]
        made.parts.exchange("cell", 1, 2)
        assert await people.press("read-again") == ""
        await until(lambda: not people.station.busy)
        rejected = {each.position: each for each in of_type(made, Verified)[-2:]}
        contents = [mark.content for mark in marks(made)]
        assert {at: (each.verdict, each.content) for at, each in rejected.items()} == {
            1: ("mismatch", contents[1]),
            2: ("mismatch", contents[0]),
        }

        made.parts.exchange("cell", 1, 2)
        assert await people.decide("settle", how="scrapped", positions=[2]) == ""
        await until(lambda: not people.station.busy)
        assert people.station.cycle.phase is Phase.SET_ASIDE
        assert await people.press("type", content=contents[0], position=1) == ""
        await people.reach(Phase.IDLE)
        assert states(made) == {"good": 2, "scrapped": 1}
        keyed = of_type(made, Verified)[-1]
        assert (keyed.entry, keyed.device, keyed.verdict) == ("keyed", "keys", "good")
        (settled,) = of_type(made, Settled)
        assert (settled.position, settled.how, len(settled.witnesses)) == (2, "scrapped", 2)
        assert {piece for piece, _ in metal(made)} == {tray}


# -- pieces that carry one number


async def test_three_pieces_of_a_pistol_carry_its_number_each_with_its_own_job(
    tmp_path: Path,
) -> None:
    async with play(tmp_path, (Fit("laser"),), (PISTOL,)) as (made, web):
        people = People(made, web, "laser")
        for name, job in (("receiver", "12"), ("barrel", "13"), ("slide", "12")) * 2:
            ahead = (await people.view())["next"]
            assert (ahead["component"], ahead["job"]) == (name, job)
            made.parts.load("laser")
            await people.mark()
        made_marks = marks(made)
        serials = [mark.text[0] for mark in made_marks]
        assert serials == ["GR26000001"] * 3 + ["GR26000002"] * 3
        first, *others = [mark.source for mark in made_marks[:3]]
        assert not isinstance(first, Repeat)
        opening = of_type(made, Intent)[0].seq
        assert [s.of.seq for s in others if isinstance(s, Repeat)] == [opening, opening]
        engraved = list(made.engraved().values())
        assert engraved == [[mark.content] for mark in made_marks]
        assert len({content for (content,) in engraved}) == 6
        assert states(made) == {"good": 6}


async def test_pieces_that_would_not_be_one_item_are_not_marked(tmp_path: Path) -> None:
    """The ledger knows the pieces of a number by their item; a barrel would be marked for ever."""
    content = PIECES.replace("1PPA26", "1PPA26-{component}").replace("\x1d20P{component}", "")
    apart = PISTOL.model_copy(update={"template": Template(content=content)})

    async with play(tmp_path, (Fit("laser"),), (apart,)) as (made, web):
        people = People(made, web, "laser")
        made.parts.load("laser")
        assert (await people.view())["why_not"]["code"] == "no-uii"
        assert await people.press("begin") == "no-uii"
        assert metal(made) == {}


async def test_two_stations_share_the_pieces_and_a_reading_post_reads_what_one_leaves_open(
    tmp_path: Path,
) -> None:
    elsewhere = PISTOL.model_copy(update={"verify": Verify(mode="elsewhere")})
    stations = (
        Fit("one", components=("receiver",), readers=0),
        Fit("two", components=("barrel", "slide")),
        Fit("post", None),
    )

    async with play(tmp_path, stations, (elsewhere,)) as (made, web):
        one, two, post = (People(made, web, fit.name) for fit in stations)

        async def reads(count: int) -> None:
            await until(lambda: len(of_type(made, Verified)) == count)

        assert (await two.view())["why_not"]["code"] == "nothing-due"
        view = await post.view()
        assert (view["marks"], view["can"]) == (False, ["run", "check", "check-typed"])
        assert view["why_not"]["code"] == "reading-post"
        assert await post.press("begin") == "reading-post"

        pieces = [made.parts.load("one")]
        await one.mark()
        for _ in range(2):
            pieces.append(made.parts.load("two"))
            await two.mark()
        assert await two.note() == "marked"
        assert states(made) == {"marked": 3}
        assert (await post.view())["due"]["here"] == 3

        assert await post.press("run") == ""
        for count, piece in enumerate(pieces, start=1):
            made.parts.load_again(piece, "post")
            await reads(count)
            told = (await post.view())["run"]["told"]
            assert (told["code"], told["facts"]["content"]) == (
                "read-back",
                marks(made)[count - 1].content,
            )
        sessions = made.readers["post"].state()["sessions"]
        await until(lambda: made.readers["post"].state()["sessions"] > sessions + 2)
        assert await post.press("stop") == ""
        await post.reach(Phase.IDLE)
        assert [(each.station, each.verdict) for each in of_type(made, Verified)] == [
            ("post", "good")
        ] * 3
        assert states(made) == {"good": 3}
        assert of_type(made, Observed) == []
        assert (await post.view())["due"]["here"] == 0

        made.parts.load("post")
        made.parts.engrave("post", 1, "[)>\x1e06\x1d18S5X\x1e\x04", (), 1.0, "by hand")
        assert await post.press("check") == ""
        await post.reach(Phase.IDLE)
        assert await post.note() == "nothing-waits"
        assert [each.purpose for each in of_type(made, Observed)] == ["readback"]


# -- marked again, scrapped, typed


async def test_what_two_people_allow_is_marked_again_under_its_own_number(tmp_path: Path) -> None:
    async with play(tmp_path, (Fit("laser"),), (order(),)) as (made, web):
        people = People(made, web, "laser")
        piece = made.parts.load("laser")
        made.readers["laser"].misbehave("blind", 4)
        await people.mark(Phase.SET_ASIDE)
        assert await people.decide("settle", how="remark") == ""
        await people.reach(Phase.IDLE)
        view = await people.view()
        number = marks(made)[0].text[0]
        assert [each["text"] for each in view["again"]] == [[number]]
        assert (view["next"]["again"], view["next"]["serial"]) == (True, number)
        assert await people.press("trial") == "again-waits"

        made.parts.load("laser")
        made.parts.engrave("laser", 1, marks(made)[0].content[:-3] + "9\x1e\x04", (), 1, "old")
        await people.mark()
        assert await people.note() == "already-marked"
        made.parts.load_again(piece, "laser")
        await people.mark()
        assert await people.note() == "good"
        once, again = marks(made)
        assert once.content == again.content
        assert made.engraved()[piece] == [once.content] * 2
        assert states(made) == {"again": 1, "good": 1}
        assert (await people.view())["again"] == []


async def test_an_earlier_part_is_scrapped_from_idle_by_two_people(tmp_path: Path) -> None:
    async with play(tmp_path, (Fit("laser"),), (order(),)) as (made, web):
        people = People(made, web, "laser")
        for _ in range(2):
            made.parts.load("laser")
            await people.mark()
        first = of_type(made, Intent)[0].seq
        alone = [OPERATOR.credentials(), OPERATOR.credentials()]
        body: dict[str, Any] = {"seq": first, "how": "scrapped", "reason": "dropped"}
        assert await people.press("settle-earlier", witnesses=alone, **body) == "two-people"
        assert await people.decide("settle-earlier", seq=99, how="voided") == "nothing-to-settle"
        assert await people.decide("settle-earlier", seq=first, how="scrapped") == ""
        assert states(made) == {"good": 1, "scrapped": 1}
        shown = [(part["state"], part["settle"]) for part in (await people.view())["parts"]]
        assert shown == [("good", True), ("scrapped", False)]
        assert await people.decide("settle-earlier", seq=first, how="voided") == ""


async def test_a_typed_code_counts_from_idle_and_never_for_an_unknown_outcome(
    tmp_path: Path,
) -> None:
    sampled = order(verify=Verify(mode="sample", every=3))

    async with play(tmp_path, (Fit("laser"),), (sampled,)) as (made, web):
        people = People(made, web, "laser")
        for _ in range(2):
            made.parts.load("laser")
            await people.mark()
        assert states(made) == {"marked": 2}
        newest = marks(made)[-1].content
        assert await people.press("check", content=newest) == ""
        await people.reach(Phase.IDLE)
        assert await people.note() == "read-back"
        # Typed, it is no sample: the other member of its group is as open as before.
        assert states(made) == {"marked": 1, "good": 1}
        (typed,) = of_type(made, Verified)
        assert (typed.entry, typed.device, typed.operator) == ("keyed", "keys", OPERATOR.id)

        made.parts.load("laser")
        made.markers["laser"].misbehave("silent", 1)
        made.readers["laser"].misbehave("blind", 4)
        await people.mark(Phase.UNKNOWN)
        content = marks(made)[-1].content
        assert await people.press("type", content=content) == "keyed-settles-nothing"
        assert "type" not in (await people.view())["can"]


async def test_what_two_people_signed_for_one_part_is_not_written_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with play(tmp_path, (Fit("laser"),), (order(),)) as (made, web):
        people = People(made, web, "laser")
        made.parts.load("laser")
        made.markers["laser"].misbehave("silent", 1)
        made.readers["laser"].misbehave("blind", 4)
        await people.mark(Phase.UNKNOWN)

        async def meanwhile(_witnesses: object) -> tuple[str, str]:
            cycle = people.station.cycle
            assert cycle.open is not None
            another = replace(cycle.open, seq=cycle.open.seq + 100)
            people.station.cycle = replace(cycle, open=another)
            return OPERATOR.id, LEAD.id

        monkeypatch.setattr(made.desk, "_two_people", meanwhile)
        named = await people.named("settle")
        assert await people.decide("settle", how="accepted", **named) == "other-part"
        assert await people.decide("unlatch", **named) == "other-part"
        assert of_type(made, Settled) == []


# -- runs


async def test_a_run_is_only_for_what_a_pedal_fires(tmp_path: Path) -> None:
    async with play(tmp_path, (Fit("laser"),), (order(),)) as (made, web):
        people = People(made, web, "laser")
        made.parts.load("laser")
        assert await people.press("run") == "no-run-here"
        assert "run" not in (await people.view())["can"]
        assert metal(made) == {}


async def one_by_pedal(made: Line, people: People) -> None:
    """A run's first part, good; the next look waits for it to be taken away."""
    made.parts.load(people.name)
    assert await people.press("run") == ""
    await until(lambda: people.station.cycle.phase is Phase.WAITING)
    assert await made.markers[people.name].pedal()
    await until(lambda: people.station.cycle.note == Note("take-away"))


@pytest.mark.parametrize(
    ("what", "why"),
    [("suspend", "licence-suspended"), ("leave", "operator-left"), ("latch", "forked")],
)
async def test_an_armed_run_is_withdrawn_with_what_permitted_it(
    tmp_path: Path, what: str, why: str
) -> None:
    cell = Fit("cell", "modbus-cell", start="pedal")
    async with play(tmp_path, (cell,), (order(),)) as (made, web):
        people = People(made, web, "cell")
        await one_by_pedal(made, people)  # a cell that never ran proves nothing
        made.parts.load("cell")
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        if what == "suspend":
            made.change_order(state="suspended", reason="licence-suspended")
        elif what == "leave":
            made.change_plan(people=(LEAD.person(), QUALITY.person()))
        else:
            made.latches.set("forked", "the register says so")
        await people.reach(Phase.IDLE)
        assert not await made.markers["cell"].pedal()
        assert len(metal(made)) == 1
        marked = of_type(made, Marked)[-1]
        assert (marked.results[0].did, people.station.running) == ("not_started", None)
        assert people.station.paused is not None
        assert people.station.paused.code == "not-started"
        refused = people.station.next_work()
        if what != "leave":
            assert getattr(refused, "code", "") == why
        assert states(made) == {"good": 1, "voided": 1}


async def test_a_run_does_not_go_over_to_an_order_that_nobody_chose(tmp_path: Path) -> None:
    other = order("ORDER-B", template=PISTOL.template.model_copy(update={"serial_prefix": "BR26"}))
    cell = Fit("cell", "modbus-cell", start="pedal")
    async with play(tmp_path, (cell,), (order(), other)) as (made, web):
        people = People(made, web, "cell")
        people.station.choose_order(ORDER)
        made.parts.load("cell")
        assert await people.press("run") == ""
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        assert await made.markers["cell"].pedal()
        made.change_plan(orders=(other,))  # the part under way comes to its end
        await until(lambda: people.station.running is None)
        await people.reach(Phase.IDLE)
        assert people.station.paused == Note("no-order", (("order", ORDER),))
        assert {each.order for each in marks(made)} == {ORDER}
        assert states(made) == {"good": 1}


async def test_a_bad_part_pauses_the_run_until_a_person_has_acted(tmp_path: Path) -> None:
    cell = Fit("cell", "modbus-cell", start="plc")
    async with play(tmp_path, (cell,), (order(),)) as (made, web):
        people = People(made, web, "cell")
        made.parts.load("cell")
        assert await people.press("run") == ""
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        made.readers["cell"].misbehave("blind", 3)
        assert await made.markers["cell"].pedal()
        await people.reach(Phase.SET_ASIDE)
        run = (await people.view())["run"]
        assert (run["on"], run["paused"]["code"]) == (False, "unreadable")
        made.parts.load("cell")
        assert await people.press("run") == "busy"
        assert await people.press("acknowledge") == ""
        await people.reach(Phase.IDLE)
        assert await people.press("run") == ""
        await until(lambda: people.station.cycle.phase is Phase.WAITING)
        assert await made.markers["cell"].pedal()
        await until(lambda: states(made) == {"rejected": 1, "good": 1})
        assert await people.press("stop") == ""
        await people.reach(Phase.IDLE)


async def test_a_reading_post_whose_reader_is_gone_ends_its_run(tmp_path: Path) -> None:
    async with play(tmp_path, (Fit("post", None),), (order(),)) as (made, web):
        people = People(made, web, "post")
        assert await people.press("run") == ""
        await made.readers["post"].power(False)
        await until(lambda: people.station.running is None)
        assert people.station.paused is not None
        assert people.station.paused.code == "link-timeout"


# -- packages and orders


async def test_a_package_may_hold_less_than_its_order_says_and_never_more(tmp_path: Path) -> None:
    async with play(tmp_path, (Fit("laser"),), (cartons(1, Verify(mode="each")),)) as (made, web):
        people = People(made, web, "laser")
        made.parts.load("laser")
        for wrong in (51, 10**6):
            assert await people.press("begin", quantity=wrong) == "wrong-quantity"
        await people.mark(quantity=49)
        made.parts.load("laser")
        await people.mark()
        assert [mark.quantity for mark in marks(made)] == [49, 50]


async def test_order_job_and_operator_change_between_two_parts(tmp_path: Path) -> None:
    other = order("UP-2026-015", job="13", product="PA-27")

    async with play(tmp_path, (Fit("laser"),), (order(), other)) as (made, web):
        people = People(made, web, "laser")
        made.parts.load("laser")
        await people.mark()
        await web.post("/api/sign-out")
        assert await people.press("begin") == "sign-in-first"
        await web.post("/api/sign-in", json=LEAD.credentials())
        assert await people.press("order", order="UP-2026-015") == ""
        made.parts.load("laser")
        await people.mark()
        intents = of_type(made, Intent)
        assert [(each.operator, each.marks[0].order, each.marks[0].job) for each in intents] == [
            (OPERATOR.id, ORDER, "12"),
            (LEAD.id, "UP-2026-015", "13"),
        ]
        assert states(made) == {"good": 2}
        assert of_type(made, Trial) == []


# -- two stations


@pytest.mark.parametrize("dies", ["gone", "silent"])
async def test_a_dead_device_slows_no_other_station(
    tmp_path: Path, dies: Literal["gone", "silent"]
) -> None:
    """The same five parts, beside a station that works and beside one whose device is dead."""
    count = 5
    loop = asyncio.get_running_loop()  # its clock does not count what a busy machine takes

    async def five(people: People) -> float:
        started = loop.time()
        for _ in range(count):
            people.made.parts.load("line-1")
            await people.mark()
        return loop.time() - started

    other = Fit("line-2", "modbus-cell" if dies == "gone" else "panasonic-lp")
    async with play(tmp_path, (Fit("line-1"), other), (order(),)) as (made, web):
        well = People(made, web, "line-1")
        alone = await five(well)
        ill = People(made, web, "line-2")
        made.parts.load("line-2")
        if dies == "gone":
            await made.markers["line-2"].stop()
        else:
            await made.markers["line-2"].power(False)
        assert await ill.press("begin") == ""
        beside = await five(well)
        assert [len(contents) for contents in made.engraved().values()].count(1) == 2 * count
        # One wait for the dead device in each part would be 0.5 s and more, several times over.
        assert beside < 2 * alone + 2, f"{beside:.2f} s in place of {alone:.2f} s"
        await until(lambda: not ill.station.busy)
        assert await ill.note() in ("link-timeout", "link-closed")
