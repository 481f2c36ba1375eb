"""The one public client of Microscan readers (PyPI `microscan` 0.0.2) against the simulated one.

It was written from the manual of the MS-3 and shares nothing with this project. It speaks by a
serial port, point-to-point, and asks for all settings at once. What it cannot do is shown too.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from microscan.config import InvalidConfigString, TriggerMode
from microscan.driver import MS3Driver

from simulators.faults import Faults
from simulators.microscan import build
from simulators.part import PartStore
from tests.drivers.reader_bench import OTHER

STATION = "bench"
CODE = "S786950"


def with_client(
    folder: Path, act: Callable[[Any], None], series: str = "ms-3", on_part: str = CODE
) -> dict[str, Any]:
    """The state of the reader after the client, which is connected, has done its act."""

    async def whole() -> dict[str, Any]:
        parts = PartStore(folder / "parts.db")
        device = build({"series": series, "decode_seconds": "0.02"}, parts, STATION, 1.0)
        url = urlsplit(await device.start("serial", Faults()))
        parts.load(STATION)
        if on_part:
            parts.engrave(STATION, 1, on_part, (), 0.9, "laser")

        def at_client() -> None:
            with MS3Driver(url.path) as client:
                act(client)

        try:
            await asyncio.to_thread(at_client)
            return device.state()
        finally:
            await device.stop()
            parts.close()

    return asyncio.run(whole())


def triggered(client: Any) -> None:
    """Set it to be triggered by serial data, which the client has no command of its own for."""
    client.write(b"<K200,4><K220,0,30><A>")
    client.read_config()


def test_it_reads_all_settings_as_they_are_delivered_and_as_they_were_set(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        assert client.config.trigger.trigger_mode is TriggerMode.ContinuousRead
        assert client.config.trigger.trigger_filter_duration == 244
        assert client.config.end_read_cycle.ready_cycle_timeout == 200
        triggered(client)
        assert client.config.trigger.trigger_mode is TriggerMode.SerialData
        assert client.config.end_read_cycle.ready_cycle_timeout == 30

    with_client(tmp_path, act)


def test_it_triggers_and_reads_what_is_on_the_part(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        triggered(client)
        assert [client.read_barcode() for _ in range(3)] == [CODE] * 3

    assert with_client(tmp_path, act)["sessions"] == 3


def test_what_it_reads_of_a_bare_part_looks_like_a_code(tmp_path: Path) -> None:
    """It gives the message of nothing read back as if it had been engraved."""

    def act(client: Any) -> None:
        triggered(client)
        assert client.read_barcode() == "NOREAD"

    with_client(tmp_path, act, on_part="")


def test_a_symbol_of_15434_comes_whole(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        triggered(client)
        assert client.read_barcode() == OTHER

    with_client(tmp_path, act, on_part=OTHER)


def test_what_it_set_is_what_it_then_reads(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        triggered(client)
        client.config.trigger.trigger_filter_duration = 100
        client.config.serial_trigger.serial_trigger_character = b"!"
        client.write_config()
        assert client.read_barcode() == CODE
        assert client.read_config().trigger.trigger_filter_duration == 100

    assert with_client(tmp_path, act)["settings"][201] == ["!"]


def test_a_later_series_is_strange_to_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigString, match="K200,0,313,313"):
        with_client(tmp_path, lambda client: None, series="microhawk")
