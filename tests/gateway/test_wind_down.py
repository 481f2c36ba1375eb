"""A stop waits for cycles under way, and for no device that does not answer."""

import asyncio
from typing import cast

import pytest

from gateway import core
from gateway.core import Core
from gateway.moves import Cycle, Phase
from gateway.uplink import Uplink
from tests.gateway.desk import Site
from tests.gateway.test_silent_guard import until
from tests.gateway.test_station import Bench, bench, run


async def stop(made: Bench) -> None:
    site = made.site
    whole = Core(
        site.journal,
        site.latches,
        site.logbook,
        site.permission,
        cast("Uplink", None),
        {"laser": made.station},
        "1-0",
    )
    async with asyncio.timeout(5):
        await whole.wind_down()


@pytest.mark.parametrize("phase", [Phase.DISARMING, Phase.SWITCH_OFF])
async def test_a_device_that_has_not_answered_since_the_start_holds_no_stop(
    site: Site, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "WIND_DOWN_S", 60.0)
    monkeypatch.setattr("gateway.apparatus.DISARM_PAUSE_S", 0.01)
    made = bench(site)
    made.marker.silent = True

    async def story() -> None:
        await until(lambda: made.station.cycle.phase is phase and made.station.cycle.tries > 0)
        await stop(made)
        assert made.station.busy

    await run(made, story)


def test_a_device_that_this_process_armed_gets_all_its_tries(site: Site) -> None:
    station = bench(site).station
    station.cycle = Cycle(phase=Phase.DISARMING, tries=3)
    assert not station.unanswered
    station.cycle = Cycle(phase=Phase.DISARMING, tries=0, recovering=True)
    assert not station.unanswered, "it has not been asked yet"
