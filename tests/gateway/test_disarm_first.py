"""A start disarms its devices before it reads the journal, however long that takes."""

import asyncio
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import LinkTimeout
from drivers.protocols import Did, Outcome
from gateway import agent, core
from gateway.config import GatewayConfig
from gateway.contract.errors import JournalFull
from gateway.contract.record import Marked
from gateway.core import Devices, disarm_first
from gateway.identity import Identity
from gateway.latches import Latches
from gateway.moves import Phase
from simulators.broker import free_port
from tests.gateway.desk import Site, new_site, plan
from tests.gateway.records import GATEWAY, intent, marked
from tests.gateway.test_station import BenchMarker, Part, bench, run

PROOF = Outcome(Did.NOT_STARTED, "disarmed with its text still loaded")
STATION = "laser"


@dataclass
class LoadedMarker(BenchMarker):
    """A marker that an ended process left armed."""

    events: list[str] = field(default_factory=list)
    asked: list[int | None] = field(default_factory=list)

    async def disarm(self, sequence: int | None = None) -> Outcome | None:
        self.events.append("disarmed")
        self.asked.append(sequence)
        first = len(self.asked) == 1
        return PROOF if first else None

    async def close(self) -> None:
        self.events.append("closed")


def first_disarm(site: Site, marker: BenchMarker) -> dict[str, core.Proof]:
    devices = {STATION: Devices(marker, ()), "post": Devices(None, ())}
    return asyncio.run(disarm_first(site.journal, devices))


def settings(site: Site) -> GatewayConfig:
    return GatewayConfig.model_validate(
        {
            "gateway": GATEWAY,
            "journal": site.folder / "journal",
            "guard": {"path": site.folder / "guard" / "guard"},
            "broker": {"url": "mqtt://127.0.0.1"},
            "central": {"url": "http://127.0.0.1"},
            "screen": {"listen": f"127.0.0.1:{free_port()}"},
            "station": [
                {
                    "name": STATION,
                    "marker": {"kind": "panasonic-lp", "url": "serial:///dev/ttyS0"},
                    "reader": {"kind": "zebra-ssi", "url": "serial:///dev/ttyS1"},
                }
            ],
        }
    )


def test_a_device_proves_what_became_of_the_shot_that_has_no_outcome(site: Site) -> None:
    site.journal.append(lambda seq: intent(seq, 1, sequence=6, station=STATION))
    site.journal.append(lambda seq: marked(seq, 2, "done", station=STATION))
    site.journal.append(lambda seq: intent(seq, 2, sequence=7, station=STATION))
    marker = LoadedMarker(Part())
    assert first_disarm(site, marker) == {STATION: (4, PROOF)}
    assert marker.asked == [7]


def test_without_an_open_shot_a_device_is_disarmed_all_the_same(site: Site) -> None:
    marker = LoadedMarker(Part())
    assert first_disarm(site, marker) == {}
    assert marker.asked == [None]


def test_a_device_that_does_not_answer_holds_no_start(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "DISARM_FIRST_S", 0.01)

    @dataclass
    class Absent(LoadedMarker):
        async def disarm(self, sequence: int | None = None) -> Outcome | None:
            await asyncio.Event().wait()
            raise AssertionError

    absent = Absent(Part())
    assert first_disarm(site, absent) == {}
    assert absent.events == ["closed"], "a late reply answers no later request"

    @dataclass
    class Silent(LoadedMarker):
        async def connect(self) -> None:
            raise LinkTimeout("bench", "connect", "nobody answers")

    assert first_disarm(site, Silent(Part())) == {}


def test_the_proof_is_journalled_as_the_outcome_of_its_shot(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    site.permission.plan = plan()
    site.journal.append(lambda seq: intent(seq, 1, sequence=6, station=STATION))
    made = bench(site)
    marker = LoadedMarker(made.part)
    proofs = first_disarm(site, marker)
    site.logbook.load()
    made.station = replace(made.station, marker=marker, proof=proofs[STATION])
    made.station.on_change = made.changed.set
    asyncio.run(run(made, lambda: made.comes_to(Phase.IDLE)))
    (outcome,) = made.records(Marked)
    assert isinstance(outcome, Marked)
    assert [result.did for result in outcome.results] == ["not_started"]


def test_the_agent_disarms_before_it_reads_the_journal(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = LoadedMarker(Part())
    site.journal.close()

    def assemble(**_: Any) -> None:
        marker.events.append("the journal is read")
        raise JournalFull("no room")

    monkeypatch.setattr(agent, "build_marker", lambda _station: marker)
    monkeypatch.setattr(Identity, "load", lambda _path: None)
    monkeypatch.setattr(agent, "assemble", assemble)
    latches = Latches.beside(site.path)
    with pytest.raises(JournalFull):
        asyncio.run(
            agent._agent(
                settings(site),
                site.path,
                site.logbook.guard,
                0,
                latches,
                agent.Seams(),
            )
        )
    assert marker.events == ["disarmed", "the journal is read", "closed"]


async def test_a_start_whose_guard_does_not_answer_disarms_says_so_and_goes_on_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = LoadedMarker(Part())
    monkeypatch.setattr(agent, "build_marker", lambda _station: marker)
    monkeypatch.setattr(agent, "PATIENCE_S", 0.05)
    slot = site.folder / "guard" / "guard.0"
    word = slot.read_bytes()
    slot.unlink()
    os.mkfifo(slot)  # a read of it hangs until somebody writes
    latched = await agent._begin(settings(site), site.path, agent.Seams())
    assert isinstance(latched, agent._Latched)
    assert list(latched._latches.causes) == ["guard-silent"]
    working = asyncio.create_task(agent._work(latched, asyncio.Event()))
    async with asyncio.timeout(10):
        while not marker.events:  # noqa: ASYNC110 - what is waited for is a state, not an event
            await asyncio.sleep(0.01)
        assert marker.events == ["disarmed"]
        assert not working.done()
        await asyncio.to_thread(slot.write_bytes, word)
        await working
    assert marker.events == ["disarmed", "closed"]
    assert not Latches.beside(site.path)  # it was never kept
