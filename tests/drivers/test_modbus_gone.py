"""A cell that is switched off between two requests, and on again."""

import asyncio
from pathlib import Path

import pytest

from drivers.errors import LinkError
from simulators.faults import Faults
from simulators.modbus_cell import build
from tests.drivers.modbus_bench import STATION, bench, until


async def test_a_cell_that_went_while_nobody_asked_is_found_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        marker = it.cell()
        await marker.connect()
        await it.device.stop()
        await until(lambda: not any(t.get_name() == "peer" for t in asyncio.all_tasks()))
        with pytest.raises(LinkError):
            await marker.status()
        with pytest.raises(LinkError):
            await marker.connect()
        again = build({}, it.parts, STATION, 200.0)
        await again.start(it.url, Faults())
        try:
            await marker.connect()
            assert (await marker.status()).alarm == ""
            await marker.close()
        finally:
            await again.stop()
