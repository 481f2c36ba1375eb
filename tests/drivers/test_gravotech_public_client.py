"""The one public client of a TL07 (PyPI `gravotech-tl07` 1.0.0) against the simulated controller.

It was written from the maker's whole manual and shares nothing with this project. What it gets
wrong is shown here too: it is why a gateway does not use it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from gravotech import Gravotech
from gravotech.actions.actions import LDMode

from simulators.faults import Faults
from simulators.gravotech_tl07 import build
from simulators.part import PartStore

STATION = "line"
BODY = "18S7A72000000001"


def with_client(
    folder: Path, act: Callable[[Any], None], faults: Faults | None = None, seconds: float = 5.0
) -> list[str]:
    """What is on the part after the client has done its act; a mark takes 0.4 s."""

    async def whole() -> list[str]:
        parts = PartStore(folder / "parts.db")
        device = build({"marking": "2", "loading": "0.1"}, parts, STATION, 5.0)
        url = urlsplit(await device.start("tcp://127.0.0.1:0", faults or Faults()))
        parts.load(STATION)

        def at_client() -> None:
            with Gravotech(url.hostname, url.port, timeout=seconds) as client:
                act(client.Actions)

        try:
            await asyncio.to_thread(at_client)
            return [each.content for each in parts.seen(STATION)]
        finally:
            await device.stop()
            parts.close()

    return asyncio.run(whole())


def load(client: Any) -> None:
    assert client.vs(0, BODY) == "VS 1"
    assert client.vg(0) == BODY
    assert client.ld("part.t2l", 1, LDMode.NORMAL) == "LD 1"


def test_it_marks_a_part_once(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        assert client.st() == "ST 2 0 0"
        assert client.gp() == 'GP "MASTER":"1"'
        assert client.ls().split("\n") == ["2", "blank.t2l", "part.t2l"]
        load(client)
        assert client.st() == "ST 4 0 0"
        assert client.go() == "GO F"
        # Once and no more; the client gives the refusal back as if it were an answer.
        assert client.go() == "Context error (invalid state): CCU OK (Alive) (code: 2.2)"

    assert with_client(tmp_path, act) == [f"[)>\x1e06\x1d{BODY}\x1e\x04"]


def test_what_it_sends_wrong_is_refused_as_the_manual_says(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        assert (
            client.ld("none.t2l", 1, LDMode.NORMAL) == "Syntax error: Cannot open file (code: 1.5)"
        )
        assert client.ad() == "Processing error: No fault to acknowledge (code: 3.5)"
        assert client.vs(17, BODY).startswith("Syntax error: Wrong parameter (")

    assert with_client(tmp_path, act) == []


def test_a_mark_that_takes_longer_than_its_timeout_fails_and_is_on_the_part(tmp_path: Path) -> None:
    def act(client: Any) -> None:
        load(client)
        with pytest.raises(TimeoutError):
            client.go()

    assert len(with_client(tmp_path, act, seconds=0.2)) == 1


def test_it_sends_again_what_was_done_already(tmp_path: Path) -> None:
    """After a lost answer it reconnects and repeats: a file would be armed twice."""
    faults = Faults()

    def act(client: Any) -> None:
        assert client.vs(0, BODY) == "VS 1"
        faults.arm("drop")
        assert client.ld("part.t2l", 1, LDMode.NORMAL) == "LD 1"

    assert with_client(tmp_path, act, faults, seconds=0.5) == []
    assert faults.landed == {"drop": 1}
