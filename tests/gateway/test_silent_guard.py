"""A guard's medium that takes no write: nothing new is marked, and everything else goes on."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.protocols import Shot
from gateway.contract.record import Intent, Record, Verified
from gateway.guard import Guard, GuardFile, Mark
from gateway.logbook import NOBODY
from gateway.moves import Note, Phase
from gateway.screen.holds import station_hold
from gateway.station import NotNow, Station
from tests.gateway.desk import Site, new_site, plan
from tests.gateway.records import GATEWAY
from tests.gateway.test_station import Bench, BenchMarker, bench, run


class Stick(GuardFile):
    """A medium that hangs in a write until it is let go."""

    def __init__(self, path: Path, patience: pytest.MonkeyPatch) -> None:
        super().__init__(path)
        self.threads: list[int] = []
        self._answers = threading.Event()
        self._patience = patience
        self.answer()

    def hang(self, patience_s: float = 0.05) -> None:
        self._patience.setattr("gateway.guard.PATIENCE_S", patience_s)
        self._answers.clear()

    def answer(self) -> None:
        """However slow this machine is, no write that is answered is late."""
        self._patience.setattr("gateway.guard.PATIENCE_S", 60.0)
        self._answers.set()

    def write(self, slot: int, content: bytes) -> None:
        self.threads.append(threading.get_ident())
        assert self._answers.wait(60)
        super().write(slot, content)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    made.permission.plan, made.permission.answered = plan(), True
    return made


@pytest.fixture
def stick(site: Site, monkeypatch: pytest.MonkeyPatch) -> Stick:
    guard = site.logbook.guard
    assert isinstance(guard.slots, GuardFile)
    made = Stick(guard.slots.path, monkeypatch)
    guard.slots = made
    return made


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for is a state, not an event
            await asyncio.sleep(0.01)


def mark(seq: int) -> Mark:
    return Mark(GATEWAY, 1, seq, bytes([seq]) * 32)


def place(seq: int) -> Callable[[], Mark]:
    return lambda: mark(seq)


async def test_a_write_that_hangs_is_given_up_and_none_begins_before_it_ends(
    site: Site, stick: Stick
) -> None:
    guard: Guard = site.logbook.guard
    told: list[bool] = []
    guard.on_change = lambda: told.append(guard.silent)
    stick.hang()
    for seq in (2, 3):
        with pytest.raises(OSError, match="timed out"):
            await guard.keep(place(seq))
        assert guard.silent
    assert len(stick.threads) == 1
    stick.answer()
    await until(lambda: not guard.silent)
    assert told == [True, False]
    assert guard.read() == mark(2), "what hung has taken effect"
    await guard.keep(place(4))
    assert guard.read() == mark(4)
    assert threading.get_ident() not in stick.threads


async def test_who_waits_for_another_write_does_not_set_the_guard_back(
    site: Site, stick: Stick
) -> None:
    guard, end = site.logbook.guard, 5
    stick.hang(60.0)
    waiting = [asyncio.ensure_future(guard.keep(lambda: mark(end))) for _ in range(2)]
    await until(lambda: len(stick.threads) == 1)
    end = 9
    stick.answer()
    await asyncio.gather(*waiting, guard.keep(lambda: mark(end)))
    assert guard.read() == mark(9)


async def test_a_medium_that_fails_says_so_at_once(site: Site) -> None:
    guard = site.logbook.guard
    assert isinstance(guard.slots, GuardFile)
    for slot in range(2):
        guard.slots.path.with_name(f"{guard.slots.path.name}.{slot}").unlink()
    with pytest.raises(FileNotFoundError):
        await guard.keep(place(2))
    assert not guard.silent


@dataclass
class _Interrupted(BenchMarker):
    """While it is armed, the medium hangs, and another station begins a part."""

    stick: Stick | None = None
    other: Station | None = None

    async def arm(self, shot: Shot) -> None:
        assert self.stick is not None
        assert self.other is not None
        self.stick.hang()
        self.other.begin(NOBODY, self.other.order)
        await until(lambda: self.other is not None and self.other.logbook.guard.silent)
        await super().arm(shot)


def of(records: list[Record], station: str) -> list[Record]:
    return [each for each in records if each.station == station]


async def test_nothing_new_is_marked_and_what_is_under_way_comes_to_its_end(
    site: Site, stick: Stick
) -> None:
    first = bench(site)
    second = bench(site, name="pin")
    marker = _Interrupted(second.part, stick=stick, other=first.station)
    under_way = Bench(
        site,
        Station(second.station.config, site.logbook, site.permission, marker, (second.reader,)),
        marker,
        second.reader,
        second.part,
    )
    under_way.station.on_change = under_way.changed.set

    async def story() -> None:
        await first.comes_to(Phase.IDLE)
        await under_way.marks()
        await first.comes_to(Phase.IDLE)
        assert len(of(first.records(Verified), "pin")) == len(under_way.part.contents) == 1
        assert first.part.contents == []
        assert first.station.cycle.note == Note("not-started", (("cause", "guard-not-written"),))
        for station in (first.station, under_way.station):
            with pytest.raises(NotNow, match="guard-silent"):
                station.begin(NOBODY, station.order)
            hold = station_hold(station, station.next_work())
            assert hold is not None
            assert hold["code"] == "guard-silent"
        stick.answer()
        await until(lambda: not site.logbook.guard.silent)
        await first.marks()

    beside = asyncio.ensure_future(under_way.station.run())
    try:
        await run(first, story)
    finally:
        stick.answer()
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
    assert len(first.part.contents) == 1
    intents = first.records(Intent)
    assert [each.station for each in intents] == ["pin", "laser", "laser"]
    assert site.logbook.guard.read().seq == intents[-1].seq
