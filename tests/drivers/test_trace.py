"""The trace of the wires: every byte once and in order, bounded, and no hindrance."""

import json
import logging
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.catalog import find
from drivers.errors import LinkClosed
from drivers.protocols import Marker
from drivers.trace import Seen, TraceFile, traced, watching
from drivers.transport import open_stream
from simulators.device import build
from simulators.faults import Direction, Faults, Piece
from simulators.part import FILE, PartStore
from simulators.pipe import Wire, serve


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def _twice(wire: Wire) -> None:
    while data := await wire.read():
        await wire.write(data + data)


async def test_a_connection_from_its_opening_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "trace"

    async def run() -> str:
        listener = await serve("tcp://127.0.0.1:0", _twice, Faults())
        stream = await open_stream(listener.url, "reader")
        await stream.write(b"\x02AB\r")
        assert await stream.read() == b"\x02AB\r\x02AB\r"
        await stream.close()
        await listener.close()
        with pytest.raises(LinkClosed):
            await open_stream(listener.url, "reader")
        return listener.url

    file = TraceFile(path)
    with watching(file):
        url = await run()
    file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    told = lines(path)
    assert [(each["device"], each["way"]) for each in told] == [
        ("reader", "opened"),
        ("reader", "sent"),
        ("reader", "received"),
        ("reader", "closed"),
        ("reader", "failed"),
    ]
    assert told[0]["detail"] == url
    assert (told[1]["hex"], told[1]["text"]) == ("02 41 42 0d", ".AB.")
    assert told[2]["hex"] == "02 41 42 0d 02 41 42 0d"
    assert "refused" in told[4]["detail"] or "Connect call failed" in told[4]["detail"]
    assert all(each["at"].endswith("Z") for each in told)
    assert [each["mono"] for each in told] == sorted(each["mono"] for each in told)


def test_nothing_is_told_outside(tmp_path: Path) -> None:
    seen: list[Seen] = []
    with watching(seen.append):
        assert traced("reader") is not None
    assert traced("reader") is None


def test_the_file_is_bounded_and_the_older_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    file = TraceFile(path, size=2000, kept=2)
    for number in range(200):
        file(Seen("reader", "sent", b"%03d" % number))
    file.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["trace", "trace.1", "trace.2"]
    assert all(each.stat().st_size <= 2000 for each in tmp_path.iterdir())
    kept = [each for name in ("trace.2", "trace.1", "trace") for each in lines(tmp_path / name)]
    numbers = [int(each["text"]) for each in kept]
    assert numbers == list(range(numbers[0], 200))
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in tmp_path.iterdir())


def test_a_disk_that_takes_nothing_is_told_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = TraceFile(Path("/dev/full"))
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            file(Seen("reader", "sent", b"x"))
    assert [each.getMessage() for each in caplog.records] == [
        "the trace /dev/full lacks what follows: [Errno 28] No space left on device"
    ]
    file.close()


class Heard(Faults):
    """What went over the wire, as the simulated end has it."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes: dict[Direction, bytes] = {"to_host": b"", "to_device": b""}

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        self.bytes[direction] += data
        return super().meet(direction, data)


@pytest.mark.parametrize("listen", ["serial", "tcp://127.0.0.1:0"])
async def test_a_modbus_cell_is_traced_byte_for_byte_though_replies_come_in_pieces(
    tmp_path: Path, listen: str
) -> None:
    seen: list[Seen] = []

    async def run(heard: Heard) -> None:
        parts = PartStore(tmp_path / FILE)
        cell = build("modbus-cell", {}, parts, "line", 10.0)
        url = await cell.start(listen, heard)
        heard.arm("split", count=1000, seconds=0.02)
        kind = find("modbus-cell")
        with watching(seen.append):
            marker = cast("Marker", kind.build(url, kind.options(), "cell"))
            await marker.connect()
            await marker.identify()
            await marker.status()
            await marker.close()
        await cell.stop()
        parts.close()

    heard = Heard()
    await run(heard)
    assert [seen[0].way, seen[-1].way] == ["opened", "closed"]
    for way, octets in (("sent", heard.bytes["to_device"]), ("received", heard.bytes["to_host"])):
        assert b"".join(each.data for each in seen if each.way == way) == octets
    assert heard.landed["split"] >= 3
