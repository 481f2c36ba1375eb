"""One operator's shift: pieces laid, the button pressed, the verdict obeyed, trouble handled.

A fault that is to meet a piece is chosen before the piece is laid, so that whatever ends other
than good can be traced to it.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from simulators.control import ask
from simulators.demo.people import Began, NotDone, Operator
from simulators.demo.processes import Child
from simulators.part import PartStore

log = logging.getLogger(__name__)

HOLD_S = 10.0
TRIES = 100
"""How often an operator takes up the same piece before giving it up."""
BREATH_S = 0.25
"""What it takes to read the page and press again."""
MARKED_BEFORE = frozenset({"already-marked", "part-before-still-here"})
"""What the page says of a piece that has a number; an operator takes the next one."""
OFFICERS_ACTS = frozenset({"licence-suspended", "order-held"})
"""What keeps a line waiting until an officer lifts it, however long that takes."""


@dataclass
class Line:
    """What one shift works with."""

    gateway: str
    station: str
    operator: Operator
    agent: Child
    marker: Path
    reader: Path
    parts: PartStore
    outcomes: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    traced: dict[int, list[str]] = field(default_factory=dict)
    """By piece, the faults that met it."""
    last_piece: int | None = None

    async def take_over(self) -> None:
        """See to what lies at the station since a former shift that was cut short."""
        while (view := await self.operator.wait_rest())["phase"] != "idle":
            await self._handle(self.parts.present(self.station), view)

    async def mark_one(self, fault: "Fault | None" = None) -> str:
        """Lay a piece and see it through; returns how it ended."""
        piece = self.parts.load(self.station)
        before = await self.landed_on_wires()
        if fault is not None:
            await fault.prepare(self, piece)
        ended = await self._see_through(piece, fault)
        for name, count in (await self.landed_on_wires() - before).items():
            self.trace(piece, name, count)
        self.outcomes[ended] += 1
        self.last_piece = piece
        return ended

    def trace(self, piece: int, name: str, count: int = 1) -> None:
        """Note that a fault met this piece."""
        self.landed[name] += count
        self.traced.setdefault(piece, []).append(name)

    async def landed_on_wires(self) -> Counter[str]:
        """What has really happened on the wires and in the devices of this line, by kind."""
        counts: Counter[str] = Counter()
        for device in (self.marker, self.reader):
            counts.update((await must(device, {"op": "landed"}))["landed"])
        return counts

    async def _see_through(self, piece: int, fault: "Fault | None") -> str:
        for _ in range(TRIES):
            began = await self._press_begin()
            if fault is not None:
                await fault.during(self, piece)
            view = await self.operator.wait_rest(began)
            ended = await self._handle(piece, view)
            if fault is not None:
                await fault.after(self, piece)
                fault = None  # it met this piece once
                if ended in MARKED_BEFORE:
                    ended = None  # the one that is to be marked lies there now
            if ended is not None:
                return ended
            await asyncio.sleep(BREATH_S)
        raise RuntimeError(f"{self.gateway}: piece {piece} could not be marked in {TRIES} tries")

    async def _press_begin(self) -> Began:
        """Press as soon as the page lets it be pressed, whatever keeps it from that just now."""
        while True:
            try:
                await self.operator.wait_permitted()
                return await self.operator.begin()
            except NotDone as refusal:
                log.info("%s: not now: %s", self.gateway, refusal.code)
            except httpx.TransportError:
                pass  # the gateway is being started again
            except TimeoutError:
                why = (self.operator.view.get("why_not") or {}).get("code", "")
                if why not in OFFICERS_ACTS:
                    raise
                log.warning("%s: still waits: %s", self.gateway, why)
            await asyncio.sleep(0.1)

    async def _handle(self, piece: int | None, view: dict[str, Any]) -> str | None:
        """What an operator does at the end of a cycle; None: take the same piece again."""
        phase, note = view["phase"], str((view["note"] or {}).get("code", ""))
        if phase == "idle":
            if note in MARKED_BEFORE:
                return note
            # Another piece may lie there by now; the page speaks of the one that was marked.
            return "good" if note == "good" or self._legible(piece) else None
        if phase == "set-aside":
            await self._do("acknowledge")
            await self.operator.wait_rest(past=phase)
            return "rejected"
        if phase == "read-blocked":
            await self._do("read-again")
            return await self._handle(piece, await self.operator.wait_rest())
        if phase == "unknown":
            return await self._settle(piece, view)
        raise RuntimeError(f"{self.gateway}: nobody here knows what to do in {phase}")

    async def _settle(self, piece: int | None, view: dict[str, Any]) -> str:
        """Two people look at the piece and say what they see."""
        wanted = view["current"]["text"]
        lines = {line for engraving in self.parts.seen(self.station) for line in engraving.lines}
        if any(text in lines for text in wanted):
            how, reason = "accepted", "the number is legible on the piece"
        elif self._legible(piece):
            how, reason = "scrapped", "another number is on the piece"
        else:
            how, reason = "voided", "the piece is blank"
        await self.operator.settle(how, reason)
        await self.operator.wait_rest(past="unknown")
        return f"settled-{how}"

    def _legible(self, piece: int | None) -> bool:
        """Whether anything is engraved on the piece that lies there."""
        return self.parts.present(self.station) == piece and bool(self.parts.seen(self.station))

    async def _do(self, action: str) -> None:
        while True:
            try:
                await self.operator.press(action)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
            else:
                return


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one piece."""

    name: str
    prepare: Callable[[Line, int], Awaitable[None]]
    during: Callable[[Line, int], Awaitable[None]]
    after: Callable[[Line, int], Awaitable[None]]


async def nothing(_: Line, __: int) -> None:
    """A fault that has nothing to do at this moment."""


def _on_wire(kind: str, side: str, reach: int, **more: Any) -> Fault:
    """One fault on the way from the marker or the reader, within the next `reach` bytes."""

    async def prepare(line: Line, piece: int) -> None:
        after = random.Random(piece).randrange(reach)  # noqa: S311 -- repeatable, not a secret
        request = {"op": "fault", "name": kind, "after": after, **more}
        await must(line.marker if side == "marker" else line.reader, request)

    return Fault(f"{kind}-{side}", prepare, nothing, nothing)


def _misbehaviour(name: str, side: str, count: int = 1) -> Fault:
    async def prepare(line: Line, _: int) -> None:
        request = {"op": "fault", "name": name, "count": count}
        await must(line.marker if side == "marker" else line.reader, request)

    return Fault(f"{name}-{side}", prepare, nothing, nothing)


def _kill_at(moment: str) -> Fault:
    """SIGKILL of the gateway's process while the device stands still at that moment."""

    async def prepare(line: Line, _: int) -> None:
        await must(line.marker, {"op": "hold", "moment": moment})

    async def during(line: Line, piece: int) -> None:
        held = await must(line.marker, {"op": "await_held", "timeout": HOLD_S})
        if held["held"]:
            await line.agent.kill()
            line.trace(piece, f"kill-{moment}")
        await must(line.marker, {"op": "release"})
        if held["held"]:
            await line.agent.start()

    return Fault(f"kill-{moment}", prepare, during, nothing)


def _swap() -> Fault:
    """The marked piece is taken away before it is read, and a blank one lies in its place."""

    async def prepare(line: Line, _: int) -> None:
        await must(line.marker, {"op": "hold", "moment": "marked"})

    async def during(line: Line, piece: int) -> None:
        held = await must(line.marker, {"op": "await_held", "timeout": HOLD_S})
        if held["held"]:
            line.parts.load(line.station)
            line.trace(piece, "swap")
        await must(line.marker, {"op": "release"})

    return Fault("swap", prepare, during, nothing)


def _old_piece() -> Fault:
    """A piece that is marked already is laid in place of a blank one."""

    async def prepare(line: Line, piece: int) -> None:
        if line.last_piece is not None:
            line.parts.load_again(line.last_piece, line.station)
            line.trace(piece, "old-piece")

    async def after(line: Line, piece: int) -> None:
        line.parts.load_again(piece, line.station)

    return Fault("old-piece", prepare, nothing, after)


FAULTS: dict[str, Callable[[], Fault]] = {
    "kill-armed": lambda: _kill_at("armed"),
    "kill-marked": lambda: _kill_at("marked"),
    "swap": _swap,
    "old-piece": _old_piece,
    "faint-marker": lambda: _misbehaviour("faint", "marker"),
    # Blind in the look and in the first read after it: the second read has to find the mark.
    "blind-reader": lambda: _misbehaviour("blind", "reader", 2),
    "stale-reader": lambda: _misbehaviour("stale", "reader"),
    "flip-marker": lambda: _on_wire("flip", "marker", 120),
    "drop-marker": lambda: _on_wire("drop", "marker", 120),
    "delay-marker": lambda: _on_wire("delay", "marker", 120, seconds=0.3),
    "cut-marker": lambda: _on_wire("cut", "marker", 120),
    "flip-reader": lambda: _on_wire("flip", "reader", 60),
    "double-reader": lambda: _on_wire("double", "reader", 60),
    "split-reader": lambda: _on_wire("split", "reader", 60),
}
RARE = frozenset({"swap", "faint-marker"})
"""They cost a good part each."""


async def must(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Ask a device by its back door. Raises RuntimeError with its own words."""
    reply = await ask(path, request)
    if not reply.get("ok"):
        raise RuntimeError(f"{path.name}: {request}: {reply.get('error')}")
    return reply


def schedule(count: int, seed: int, *, first: bool) -> dict[int, str]:
    """Which piece of a shift meets which fault: every kind twice, a kill while ARMED six times.

    Deterministic in `seed`. What costs a good part comes twice at the first line, once elsewhere.
    """
    chooser = random.Random(seed)  # noqa: S311 -- repeatable, not a secret
    names = ["kill-armed"] * 6
    for name in FAULTS:
        if name != "kill-armed":
            names += [name] * (1 if name in RARE and not first else 2)
    chooser.shuffle(names)
    places = chooser.sample(range(2, count), len(names))
    return dict(zip(places, names, strict=True))
