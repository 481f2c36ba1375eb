"""The station over a real journal, with a marker and a reader that share one part."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, LinkTimeout
from drivers.protocols import (
    Activity,
    Did,
    Identity,
    MarkerStatus,
    MarkText,
    Outcome,
    Reading,
    Shot,
    Start,
)
from gateway.config import StationConfig
from gateway.contract.record import Intent, Latched, Marked, Record, Verified
from gateway.logbook import NOBODY
from gateway.moves import (
    Phase,
)
from gateway.station import NotNow, Station
from tests.gateway.desk import Site, new_site, plan


@dataclass
class Part:
    """The metal under the marker and before the reader."""

    contents: list[str] = field(default_factory=list)


@dataclass
class BenchMarker:
    """A marker without a wire. `proves`: it keeps its last number and result."""

    part: Part
    proves: bool = False
    cause: str = ""
    silent: bool = False
    loaded: Shot | None = None
    sequence: int = 0
    armed: asyncio.Event = field(default_factory=asyncio.Event)
    single_shot = True
    starts: frozenset[Start] = frozenset({"command", "input"})

    def refuses(self, mark: MarkText) -> str | None:
        return None

    async def connect(self) -> None:
        if self.silent:
            raise LinkTimeout("bench", "connect", "nobody answers")

    async def identify(self) -> Identity:
        return Identity("", "bench", "")

    async def status(self) -> MarkerStatus:
        return MarkerStatus(Activity.READY, "", self.sequence if self.proves else None)

    async def select_job(self, job: str) -> None:
        if job != "7":
            raise DeviceRefused("bench", "select_job", "no such job", "06")

    async def arm(self, shot: Shot) -> None:
        self.loaded = shot
        self.armed.set()

    async def fire(self) -> None:
        assert self.loaded is not None
        self.part.contents += [mark.content for mark in self.loaded.marks]
        self.sequence, self.loaded = self.loaded.sequence or 0, None

    async def outcome(self, timeout: float) -> Outcome:
        if self.loaded is not None:
            await asyncio.sleep(timeout)
        return Outcome(Did.UNKNOWN if self.cause else Did.DONE, self.cause)

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        self.loaded = None
        return None

    async def abort(self) -> None:
        pass

    async def close(self) -> None:
        pass


@dataclass
class BenchReader:
    """A reader without a wire; `says` is what it reads on a part that is marked."""

    part: Part
    says: tuple[str, ...] | None = None

    async def connect(self) -> None:
        pass

    async def identify(self) -> Identity:
        return Identity("", "bench", "")

    async def flush(self) -> None:
        pass

    async def open(self) -> None:
        pass

    async def read(self, timeout: float) -> tuple[Reading, ...]:
        found = self.says if self.says is not None and self.part.contents else self.part.contents
        return tuple(Reading(content, "]d1") for content in found)

    async def close(self) -> None:
        pass

    async def shut(self) -> None:
        pass


@dataclass
class Bench:
    """A station that runs."""

    site: Site
    station: Station
    marker: BenchMarker
    reader: BenchReader
    part: Part
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def comes_to(self, phase: Phase) -> None:
        async with asyncio.timeout(5):
            while self.station.busy or self.station.cycle.phase is not phase:
                self.changed.clear()
                await self.changed.wait()

    @property
    def open(self) -> int:
        """The seq of the intent that is open."""
        assert self.station.cycle.open is not None
        return self.station.cycle.open.seq

    async def marks(self, ends: Phase = Phase.IDLE) -> None:
        await self.comes_to(Phase.IDLE)
        self.station.begin(NOBODY, self.station.order)
        await self.comes_to(ends)

    def records(self, *kinds: type[Record]) -> list[Record]:
        return [each for each in self.site.journal.records() if isinstance(each, kinds)]


def bench(
    site: Site, *, start: str = "operator", reader: bool = True, name: str = "laser"
) -> Bench:
    part = Part()
    marker, seeing = BenchMarker(part), BenchReader(part)
    config = StationConfig.model_validate(
        {
            "name": name,
            "start": start,
            "marker": {"kind": "bench", "url": ""},
            "reader": {"kind": "bench", "url": ""} if reader else None,
        }
    )
    station = Station(config, site.logbook, site.permission, marker, (seeing,) if reader else ())
    made = Bench(site, station, marker, seeing, part)
    station.on_change = made.changed.set
    return made


async def run(made: Bench, story: Callable[[], Awaitable[None]]) -> None:
    """Tell a story while the station runs; what breaks the station breaks the test."""
    running = asyncio.ensure_future(made.station.run())
    telling = asyncio.ensure_future(story())
    try:
        await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        await telling
    finally:
        running.cancel()
        telling.cancel()
        await asyncio.gather(running, telling, return_exceptions=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    made.permission.plan, made.permission.answered = plan(), True
    return made


async def test_a_part_is_marked_read_and_journalled(site: Site) -> None:
    made = bench(site)
    await run(made, made.marks)
    kinds = [type(record).__name__ for record in site.journal.records()]
    assert kinds == ["Opened", "Intent", "Marked", "Verified"]
    (intent,) = made.records(Intent)
    assert isinstance(intent, Intent)
    assert made.part.contents == [intent.marks[0].content]
    assert site.logbook.guard.read().seq == intent.seq


@pytest.mark.parametrize("said", ["A\0B", "\udcffX", "Z" * 7000])
async def test_whatever_a_reader_says_can_be_journalled(site: Site, said: str) -> None:
    made = bench(site)
    made.reader.says = (said,)
    await run(made, lambda: made.marks(Phase.SET_ASIDE))
    (verified,) = made.records(Verified)
    assert isinstance(verified, Verified)
    assert verified.verdict == "mismatch"
    assert verified.content == said[:2000].replace("\0", "\ufffd").replace("\udcff", "\ufffd")


async def test_whatever_a_marker_says_can_be_journalled(site: Site) -> None:
    made = bench(site)
    made.marker.cause = "\0" + "e" * 5000
    await run(made, made.marks)
    (marked,) = made.records(Marked)
    assert isinstance(marked, Marked)
    assert marked.results[0].cause == "\ufffd" + "e" * 1999


async def test_a_rejected_part_is_still_set_aside_after_a_restart(site: Site) -> None:
    made = bench(site)
    made.reader.says = ()
    await run(made, lambda: made.marks(Phase.SET_ASIDE))
    again = bench(site)

    async def restart() -> None:
        await again.comes_to(Phase.SET_ASIDE)
        with pytest.raises(NotNow, match="busy"):
            again.station.begin(NOBODY, again.station.order)
        again.station.acknowledge(NOBODY, again.open)
        await again.comes_to(Phase.IDLE)

    await run(again, restart)


async def test_without_a_reader_an_unknown_is_latched_and_stays_an_eyes_work(site: Site) -> None:
    site.permission.plan = plan(verify={"mode": "eye", "reason": "a curved surface"})
    made = bench(site, reader=False)
    made.marker.cause = "no end report"
    await run(made, lambda: made.marks(Phase.UNKNOWN))
    assert len(made.records(Latched)) == 1
    assert site.logbook.ledger.unknown == {"laser": "no end report"}

    again = bench(site, reader=False)

    async def restart() -> None:
        await again.comes_to(Phase.UNKNOWN)
        with pytest.raises(NotNow, match="no-reader"):
            again.station.read_again(NOBODY, again.open)
        again.station.unlatch(again.open, "seen by both", ("a", "b"))
        await again.comes_to(Phase.IDLE)

    await run(again, restart)
    assert site.logbook.ledger.unknown == {}


async def test_an_eye_judges_after_a_restart_with_the_orders_reason(site: Site) -> None:
    site.permission.plan = plan(verify={"mode": "eye", "reason": "a curved surface"})
    made = bench(site, reader=False)
    await run(made, lambda: made.marks(Phase.JUDGING))
    again = bench(site, reader=False)

    async def judge() -> None:
        await again.comes_to(Phase.JUDGING)
        again.station.judge(NOBODY, again.open, legible=True)
        await again.comes_to(Phase.IDLE)

    await run(again, judge)
    (verified,) = again.records(Verified)
    assert isinstance(verified, Verified)
    assert (verified.entry, verified.verdict, verified.reason) == (
        "eye",
        "good",
        "a curved surface",
    )


async def test_an_armed_device_is_given_up_when_its_own_order_leaves_the_plan(site: Site) -> None:
    made = bench(site, start="pedal")

    async def story() -> None:
        await made.comes_to(Phase.IDLE)
        made.station.begin(NOBODY, made.station.order)
        await made.marker.armed.wait()
        other = plan(version=2)
        orders = (other.orders[0].model_copy(update={"id": "o2"}),)
        blocks = tuple(block.model_copy(update={"order": "o2"}) for block in other.blocks)
        site.permission.plan = other.model_copy(update={"orders": orders, "blocks": blocks})
        await made.comes_to(Phase.UNKNOWN)

    await run(made, story)
    assert made.marker.loaded is None
    (marked,) = made.records(Marked)
    assert isinstance(marked, Marked)
    assert (marked.results[0].did, marked.results[0].cause) == ("unknown", "no-order")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ({"content": "[)>\x1e06\x1d18S7A720000001\x1e\x04"}, "{serial}"),
        ({"content": "[)>\x1e06\x1d18S7A720{serial}\x1e\x04", "lines": ["{serial}" * 25]}, "200"),
        ({"content": "{serial}"}, "[)>"),
    ],
)
async def test_a_template_that_cannot_be_marked_spends_no_number(
    site: Site, template: dict[str, object], why: str
) -> None:
    site.permission.plan = plan(template={"serial_digits": 9, **template})
    made = bench(site)
    with pytest.raises(NotNow) as refused:
        await run(made, made.marks)
    assert refused.value.note.code == "no-uii"
    assert why in refused.value.note.facts[0][1]
    assert made.records(Intent) == []
    assert made.part.contents == []


@pytest.mark.parametrize(
    ("device", "journalled", "expected"),
    [(0, None, 1), (41, None, 42), (41, 42, 43), (65535, 1, 2), (1, 65535, 2), (65534, 65535, 1)],
)
async def test_a_command_number_is_never_the_devices_last_nor_the_last_journalled(
    site: Site, device: int, journalled: int | None, expected: int
) -> None:
    made = bench(site)
    made.marker.proves, made.marker.sequence = True, device
    site.logbook.ledger.station("laser").sequence = journalled
    await run(made, made.marks)
    (intent,) = made.records(Intent)
    assert isinstance(intent, Intent)
    assert intent.sequence == expected


async def test_a_marker_that_is_off_for_a_weekend_is_disarmed_when_it_is_on_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(site)
    made.marker.silent = True
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        pauses.append(seconds)
        made.marker.silent = len(pauses) < 2000
        await sleep(0)

    monkeypatch.setattr("gateway.station.asyncio.sleep", at_once)

    async def story() -> None:
        while made.station.busy:
            await sleep(0)

    await run(made, story)
    assert made.station.cycle.phase is Phase.IDLE
    assert max(pauses) == 3
