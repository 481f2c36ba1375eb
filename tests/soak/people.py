"""The people at all the lines at once: they lay parts, press the button, and see to trouble.

They work in a thread of their own: the parts' file may keep them waiting while a device stands
still, and nothing else may wait with them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import httpx

from simulators.demo.people import NotDone, Operator
from simulators.demo.shift import Line
from simulators.part import FILE, PartStore
from tests.crash.page import LEAD, OPERATOR
from tests.crash.site import STATION, Site
from tests.soak.hands_free import HandsFree

log = logging.getLogger(__name__)

BREATH_S = 0.2
WELL = frozenset({"good", "marked"})
"""How a part may end that has its number; `marked` waits for the sample of its group."""
TROUBLE = (TimeoutError, NotDone, httpx.HTTPError, OSError, RuntimeError)
"""What a page or a device away, stopped or just back brings about; people try again."""


@dataclass
class People:
    """An operator and a shift lead at each site's page."""

    sites: Sequence[Site]
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    """By gateway, how often a part ended in which way, as the people saw it."""
    settle_s: float = 0.0
    _loop: asyncio.AbstractEventLoop | None = None
    _all_well: asyncio.Event | None = None
    _tasks: list[asyncio.Task[str]] = field(default_factory=list)
    _gone: bool = False

    async def work(self) -> list[str]:
        """Mark until `all_is_well`, then one more part at each line; what could not be done."""
        return await asyncio.to_thread(asyncio.run, self._work())

    def all_is_well(self, seconds: float) -> None:
        """No more faults: everybody sees to what is open, and marks one more good part in time."""
        self.settle_s = seconds
        if self._loop is not None and self._all_well is not None:
            self._loop.call_soon_threadsafe(self._all_well.set)

    def go_home(self) -> None:
        """Leave everything as it is, also before they have come."""
        self._gone = True
        if self._loop is not None:
            for task in self._tasks:
                self._loop.call_soon_threadsafe(task.cancel)

    async def _work(self) -> list[str]:
        self._loop, self._all_well = asyncio.get_running_loop(), asyncio.Event()
        self._tasks = [asyncio.create_task(self._shift(site)) for site in self.sites]
        if self._gone:
            for task in self._tasks:
                task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._loop = None
        for each in ended:
            if isinstance(each, Exception):
                raise each
        return [each for each in ended if isinstance(each, str) and each]

    async def _shift(self, site: Site) -> str:
        """One line's shift; what was not well at its end."""
        assert self._all_well is not None
        operator = Operator(f"http://127.0.0.1:{site.port}", STATION, [OPERATOR, LEAD])
        with closing(PartStore(site.folder / FILE)) as parts:
            line = (HandsFree if site.start == "pedal" else Line)(
                gateway=site.gateway,
                station=STATION,
                operator=operator,
                agent=site.agent,
                marker=site.folder / "marker.ctl",
                readers=tuple(site.folder / f"{role}.ctl" for role in site.readers),
                parts=parts,
                order=site.order_code,
            )
            self.outcomes[site.gateway] = line.outcomes
            await operator.start()
            try:
                while not self._all_well.is_set():
                    await self._try(line)
                return await self._last_part(line)
            finally:
                await operator.stop()

    async def _last_part(self, line: Line) -> str:
        try:
            async with asyncio.timeout(self.settle_s):
                while not await self._rounded_off(line):
                    if line.operator.snapshot.get("latches"):
                        break
        except TimeoutError:
            view = line.operator.view
            why = {key: view.get(key) for key in ("phase", "busy", "broken", "note", "why_not")}
            return f"{line.gateway} marks no part {self.settle_s:.0f} s after the last fault: {why}"
        latches = line.operator.snapshot.get("latches")
        return f"{line.gateway} is latched: {latches}" if latches else ""

    async def _rounded_off(self, line: Line) -> bool:
        """One more good part; then no number waits for a piece, and no group for its sample."""
        if await self._try(line) not in WELL:
            return False
        try:
            if isinstance(line, HandsFree):
                await line.stop()
                return True
            if await line.begun():
                return False
            await line.read_back(at_end=True)
        except TROUBLE as error:
            log.info("%s: %s: %s", line.gateway, type(error).__name__, error)
            return False
        return not line.operator.view["groups"]

    @property
    def settled(self) -> dict[str, int]:
        """What two people decided, over all lines."""
        total = sum(self.outcomes.values(), Counter[str]())
        return {how: total[how] for how in ("accepted", "remark", "scrapped", "voided")}

    async def _try(self, line: Line) -> str:
        """See to what is open, then one part; how it ended, or nothing if something came between.

        Every piece that is laid is looked at before the next one: `take_over` comes first.
        """
        try:
            await line.take_over()
            return await line.mark_one()
        except TROUBLE as error:
            log.info("%s: %s: %s", line.gateway, type(error).__name__, error)
            line.outcomes["interrupted"] += 1
            await asyncio.sleep(BREATH_S)
            return ""
