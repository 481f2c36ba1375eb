"""A line without a button: a person starts a run at the page, and the device's own pedal fires."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from simulators.demo.people import of_order
from simulators.demo.shift import Fault, Line, must

PATIENCE_S = 60.0
LOOK_S = 0.1
TAKE_AWAY = "take-away"
"""What the page says while the part before lies there."""


class HandsFree(Line):
    """The run goes on from part to part; whoever works there looks at the page when it stops."""

    _trodden: tuple[str, int] | None = None
    """The last cycle, by boot and count, for which somebody trod: what lies there is its part."""

    async def take_over(self) -> None:
        """See to what is open; while a run goes on, nothing is."""
        if not _runs(self.operator.view):
            await super().take_over()

    async def mark_one(self, fault: Fault | None = None) -> str:
        """Lay a blank, tread on the pedal until it fires; how the part ended, or why it did not."""
        assert fault is None
        if not _runs(self.operator.view):
            view = await self._permitted()
            self._lay(view, None)
            await self.operator.press("run", of_order(view))
        view = await self._until(_awaits_part)
        if _runs(view) and self._now(view) != self._trodden:
            if self.parts.present(self.station) is None or self.parts.seen(self.station):
                self.parts.load(self.station)
            view = await self._until(lambda view: _awaits_pedal(view) or not _runs(view))
            if _runs(view):
                self._trodden = self._now(view)
        if _runs(view):
            view = await self._until(
                lambda view: self._now(view) != self._trodden or not _runs(view), pedal=True
            )
        if not _runs(view):
            return await self._stopped()
        ended = str((view["run"]["told"] or {}).get("code", ""))
        self.outcomes[ended] += 1
        return ended

    async def stop(self) -> None:
        """End the run, and see to what it leaves."""
        await self.operator.press("stop")
        await self.take_over()

    def _now(self, view: dict[str, Any]) -> tuple[str, int]:
        """The cycle under way."""
        return str(self.operator.snapshot["boot"]), int(view["cycles"])

    async def _stopped(self) -> str:
        """The run has ended, by itself or with its gateway: the page is obeyed as at any line."""
        piece = self.parts.present(self.station)
        if piece is None:
            piece = self.parts.load(self.station)
        view = await self.operator.wait_rest()
        ended = await self._handle(piece, view) or "again"
        self.outcomes[f"run stopped: {ended}"] += 1
        return ""

    async def _until(
        self, reached: Callable[[dict[str, Any]], bool], *, pedal: bool = False
    ) -> dict[str, Any]:
        """The page once it shows that; `pedal`: treading on it meanwhile. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            view = self.operator.view
            if view and reached(view):
                return view
            if pedal:
                await self._tread()
            await asyncio.sleep(LOOK_S)
        raise TimeoutError(f"{self.gateway}: {self.operator.view.get('phase')}")

    async def _tread(self) -> None:
        """As long as only a blank lies there, whoever is away just now."""
        if self.parts.present(self.station) is not None and not self.parts.seen(self.station):
            await must(self.marker, {"op": "pedal"})


def _runs(view: dict[str, Any]) -> bool:
    return bool(view) and bool(view["run"]["on"])


def _awaits_pedal(view: dict[str, Any]) -> bool:
    return bool(view["phase"] == "waiting")


def _awaits_part(view: dict[str, Any]) -> bool:
    """The part before is in the way, or was not seen; or the run has ended."""
    note = (view["note"] or {}).get("code")
    return note == TAKE_AWAY or _awaits_pedal(view) or not _runs(view)
