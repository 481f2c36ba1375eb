"""What the log says of a Modbus connection that comes and goes: a line a change of state."""

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest

from drivers.errors import DeviceError
from drivers.modbus_cell import link as links
from drivers.modbus_cell.link import CellLink
from drivers.transport import TcpTarget, parse_url
from tests.drivers.modbus_bench import bench, until


async def connected_again(link: CellLink) -> None:
    """A read connects again, once the line is whole."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(DeviceError):
                await link.snapshot()
                return
            await asyncio.sleep(0.01)


async def test_a_cell_that_comes_and_goes_is_told_once_until_it_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(links, "STEADY_SECONDS", 0.2)
    caplog.set_level(logging.INFO, links.__name__)

    async def scenario() -> None:
        async with bench(tmp_path) as it:
            target = parse_url(it.url)
            assert isinstance(target, TcpTarget)
            link = CellLink(target, "cell", 1, 0.3)
            await link.open()
            for loss in range(1, 4):
                it.faults.arm("cut", "to_device", after=1, seconds=0.02)
                with pytest.raises(DeviceError):
                    await link.write(1, 0x30)
                assert it.faults.landed["cut"] == loss
                await connected_again(link)
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert "cell" in caplog.messages[0]
            await until(lambda: len(caplog.records) == 2)
            assert caplog.messages[1] == "cell: connected again"
            await link.close()

    await scenario()
    assert len(caplog.records) == 2
