"""A camera over a station: an HTTP snapshot, or pictures that it lays into a folder, live.

What it shows is what lies there: the empty fixture, bare metal, or the metal with its marks, as
`simulators.optics` renders them. Options: `style` (laser, dot-peen), `seed`, `position` (that of a
tray alone); each effect by its name, a strength of 0 to 1 (`wear=0.3`); `spoil`, the share of
engravings that one effect spoils, of all or of those named in `spoil_by` (`wear,missed`);
`period_seconds`, how often a picture is laid into the folder.

What it does wrong, one `fault` each, with `count` pictures: `blind` (of a mark, the lens is
covered), `stale` (of another part, it shows what lay there before), `half` (a picture is cut off,
and the rest never comes), `gone` (it has no picture; into a folder it lays none). `covered`: the
lens is, over so many of the next pieces.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulators.faults import Faults
from simulators.misdeeds import Misdeeds
from simulators.optics import EFFECTS, STYLES, Optics, see, see_nothing, spoiled
from simulators.options import Given
from simulators.part import Engraving, PartStore
from simulators.pipe import Wire
from simulators.wired import WiredDevice

MISDEEDS = ("blind", "stale", "half", "gone", "covered")
KEPT = 20
"""Pictures that lie in the folder; the oldest goes first."""
_LONGEST_QUESTION = 65_536


class Camera(WiredDevice):
    """One camera. `position` None: it sees all that is engraved on the piece."""

    def __init__(
        self,
        parts: PartStore,
        station: str,
        optics: Optics,
        *,
        position: int | None,
        spoil: float,
        spoil_by: Sequence[str],
        period: float,
    ) -> None:
        super().__init__()
        self._parts = parts
        self._station = station
        self._optics = optics
        self._position = position
        self._spoil, self._spoil_by = spoil, spoil_by
        self._period = period
        self._powered = True
        self._misdeeds = Misdeeds(MISDEEDS)
        self._taken = 0
        self._last: tuple[tuple[Engraving, ...] | None, bytes] | None = None
        self._piece: int | None = None
        self._covered = False
        self._folder: asyncio.Task[None] | None = None
        self._laid: list[Path] = []

    async def start(self, listen: str, faults: Faults) -> str:
        """`http://host:port` (port 0: any), or `folder:///path`, where faults do nothing."""
        parts = urlsplit(listen)
        if parts.scheme == "folder" and not parts.netloc and parts.path:
            folder = Path(parts.path)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            self._folder = asyncio.create_task(self._fill(folder), name="camera")
            return listen
        if parts.scheme != "http" or not parts.hostname or parts.port is None:
            raise ValueError(f"{listen!r}: write http://host:port or folder:///path")
        url = await super().start(f"tcp://{parts.netloc}", faults)
        return f"http://{urlsplit(url).netloc}/snapshot"

    async def stop(self) -> None:
        if self._folder is not None:
            self._folder.cancel()
            await asyncio.gather(self._folder, return_exceptions=True)
        await super().stop()

    async def broken(self) -> BaseException:
        if self._folder is None:
            return await super().broken()
        await asyncio.wait([self._folder])
        fault = self._folder.exception()
        assert fault is not None  # it has no other end
        return fault

    def state(self) -> dict[str, Any]:
        return {"powered": self._powered, "taken": self._taken}

    async def power(self, on: bool) -> None:
        self._powered = on

    def misbehave(self, name: str, count: int) -> None:
        if count < 1:
            raise ValueError("count is at least 1")
        self._misdeeds.plan(name, count)

    def misdeeds(self) -> dict[str, int]:
        return dict(self._misdeeds.done)

    async def talk(self, wire: Wire) -> None:
        """HTTP/1.1, one question after another; whatever is asked for, the picture is answered."""
        heard = b""
        while data := await wire.read():
            heard += data
            while b"\r\n\r\n" in heard:
                question, _, heard = heard.partition(b"\r\n\r\n")
                if not self._powered:
                    continue
                if not question.startswith(b"GET "):
                    await wire.write(_answer("405 Method Not Allowed", b""))
                elif self._misdeeds.take("gone"):
                    await wire.write(_answer("503 Service Unavailable", b""))
                else:
                    picture = await self.take_picture()
                    answer = _answer("200 OK", picture)
                    half = self._misdeeds.take("half")
                    await wire.write(answer[: -len(picture) // 2] if half else answer)
            if len(heard) > _LONGEST_QUESTION:
                return

    async def take_picture(self) -> bytes:
        """What lies at the station now, a JPEG file."""
        self._taken += 1
        piece = self._parts.present(self._station)
        another = piece is not None and piece != self._piece
        if another:
            self._piece = piece
            self._covered = self._misdeeds.take("covered")
        shown = tuple(
            engraving
            for engraving in self._parts.seen(self._station)
            if self._position in (None, engraving.position)
        )
        if self._covered or (shown and self._misdeeds.take("blind")):
            return await asyncio.to_thread(see_nothing, self._optics)
        if another and self._last is not None and self._misdeeds.take("stale"):
            return self._last[1]
        there = None if piece is None else shown
        if self._last is None or self._last[0] != there:
            self._last = (there, await asyncio.to_thread(self._render, there))
        return self._last[1]

    def _render(self, shown: tuple[Engraving, ...] | None) -> bytes:
        if shown is None:
            return see_nothing(self._optics)
        optics = self._optics
        if shown and self._spoil:
            optics = spoiled(shown[-1], optics, self._spoil, self._spoil_by)
        return see(shown, optics)

    async def _fill(self, folder: Path) -> None:
        while True:
            await asyncio.sleep(self._period)
            if not self._powered or self._misdeeds.take("gone"):
                continue
            picture = await self.take_picture()
            half = self._misdeeds.take("half")
            await asyncio.to_thread(self._lay, folder, picture, half)

    def _lay(self, folder: Path, picture: bytes, half: bool) -> None:
        """As a careful camera does it: under another name first; half a picture has none."""
        path = folder / f"{self._taken:09d}.jpg"
        if half:
            path.write_bytes(picture[: len(picture) // 2])
        else:
            growing = path.with_suffix(".part")
            growing.write_bytes(picture)
            growing.rename(path)
        self._laid.append(path)
        while len(self._laid) > KEPT:
            self._laid.pop(0).unlink(missing_ok=True)


def _answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nServer: gjurma-sim camera\r\nContent-Type: image/jpeg\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> Camera:
    """Raises ValueError for options that it does not know, and strengths beyond 0 to 1."""
    given = Given(options)
    by = given.text("spoil_by", ",".join(EFFECTS)).split(",")
    if not set(by) <= set(EFFECTS):
        raise ValueError(f"spoil_by is of {', '.join(EFFECTS)}")
    strengths = {name: given.number(name, 0, 0, 1) for name in EFFECTS}
    camera = Camera(
        parts,
        station,
        Optics(given.one_of("style", STYLES), strengths, given.whole("seed", 0)),
        position=given.whole_or_none("position"),
        spoil=given.number("spoil", 0, 0, 1),
        spoil_by=by,
        period=given.number("period_seconds", 0.2) / speed,
    )
    given.end()
    return camera
