"""A wire laid between a driver and a device, simulated or real, where faults can be let in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from drivers.errors import DeviceError
from drivers.transport import open_stream
from simulators.faults import Direction, Faults, Piece
from simulators.pipe import Wire, serve

NOISE = b"\xff\x00~#"


@dataclass
class _Strike:
    kind: str
    direction: Direction
    pieces: int
    seconds: float


class Tap(Faults):
    """Faults by the piece: what one write or read brought, a frame as a rule.

    As `Faults` has them, and two more: `short` (the piece is lost from its middle on) and `noise`
    (bytes of no frame before and after it).
    """

    def __init__(self) -> None:
        super().__init__()
        self.passed: dict[Direction, int] = {"to_host": 0, "to_device": 0}
        self._strike: _Strike | None = None

    def strike(self, kind: str, direction: Direction, pieces: int, seconds: float) -> None:
        """After so many pieces more, let the next one meet it. Forgets an earlier one."""
        self.clear()
        self._strike = _Strike(kind, direction, pieces, seconds)

    def clear(self) -> None:
        super().clear()
        self._strike = None

    def meet(self, direction: Direction, data: bytes) -> list[Piece]:
        self.passed[direction] += 1
        strike = self._strike
        if strike is None or strike.direction != direction:
            return super().meet(direction, data)
        if strike.pieces:
            strike.pieces -= 1
            return super().meet(direction, data)
        self._strike = None
        if strike.kind == "noise":
            self.landed["noise"] += 1
            return [Piece(NOISE + data + NOISE)]
        kind = "drop" if strike.kind == "short" else strike.kind
        within = len(data) // 2 if strike.kind in ("flip", "cut", "split", "short") else 0
        self.arm(kind, direction, after=within, seconds=strike.seconds)
        met = super().meet(direction, data)
        self.landed[strike.kind] += strike.kind != kind
        return met


def wire_to(url: str) -> str:
    """The bytes' own way to a device: of HTTP its TCP connection. Raises ValueError."""
    asked = urlsplit(url)
    if asked.scheme == "http" and asked.hostname:
        return f"tcp://{asked.hostname}:{asked.port or 80}"
    if asked.scheme not in ("tcp", "serial", "rfc2217"):
        raise ValueError(f"{url!r}: no wire for faults; there is one to tcp, serial, rfc2217, http")
    return url


@asynccontextmanager
async def between(url: str, tap: Tap) -> AsyncIterator[str]:
    """A wire of the same sort before the device at `url`; yields the URL that a driver opens, which
    of HTTP keeps the path. Raises ValueError for what has no wire.
    """
    upstream = wire_to(url)
    listen = "tcp://127.0.0.1:0" if upstream.startswith("tcp:") else "serial"

    async def forward(wire: Wire) -> None:
        # A pseudo-terminal has one peer for all who open it; the device's line ends with each.
        while first := await wire.read():
            if not await _joined(wire, upstream, first) or listen != "serial":
                return

    listener = await serve(listen, forward, tap)
    try:
        at = urlsplit(listener.url).netloc
        yield listener.url if upstream == url else urlsplit(url)._replace(netloc=at).geturl()
    finally:
        await listener.close()


async def _joined(wire: Wire, url: str, first: bytes) -> bool:
    """Pass bytes both ways until one end is gone; whether the driver's is still there."""
    try:
        stream = await open_stream(url, "wire")
    except DeviceError:
        return True  # nobody answers, as the driver will see

    async def up() -> None:
        data = first
        while data:
            await stream.write(data)
            data = await wire.read()

    async def down() -> None:
        while True:
            await wire.write(await stream.read())

    rising, falling = asyncio.create_task(up()), asyncio.create_task(down())
    try:
        await asyncio.wait({rising, falling}, return_when=asyncio.FIRST_COMPLETED)
        return not (rising.done() and rising.exception() is None)
    finally:
        for way in (rising, falling):
            way.cancel()
        await asyncio.gather(rising, falling, return_exceptions=True)
        with contextlib.suppress(DeviceError):
            await stream.close()
