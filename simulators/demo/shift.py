"""One operator's shift: blanks laid, the button pressed, the verdict obeyed, trouble handled.

People go by what the page says and by what they see on the metal. A fault that is to meet a piece
is chosen before the piece is laid, so that whatever ends other than good can be traced to it.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from simulators.control import ask
from simulators.demo.people import Began, NotDone, Operator, of_part
from simulators.demo.processes import Child
from simulators.part import PartStore

log = logging.getLogger(__name__)

TRIES = 100
"""How often an operator takes up the same piece before giving it up."""
BREATH_S = 0.25
"""What it takes to read the page and press again."""
RACK = 6
"""How many of the last trays stand near by."""
SPARED = 3
"""Of so many pieces that could be saved, one is given up: both ways belong to the picture."""
MARKED_BEFORE = frozenset({"already-marked", "part-before-still-here"})
"""What the page says of a piece that has a number; an operator takes the next one."""
OFFICERS_ACTS = ("licence-", "order-", "entity-", "place-", "product-", "approval-")
"""How the codes begin of what keeps a line waiting until an officer acts, however long it takes."""
REASONS = {
    "accepted": "numri lexohet mbi pjesë",
    "remark": "pjesa është këtu dhe nuk mban numër tjetër",
    "scrapped": "pjesa nuk përdoret, ose nuk është më",
    "voided": "mbi pjesë nuk ka asgjë",
}
"""As the people of the lines write: in Albanian, whoever reads it."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one piece, or with one tray."""

    name: str
    prepare: Callable[["Line", int], Awaitable[None]]
    during: Callable[["Line", int], Awaitable[None]]
    after: Callable[["Line", int], Awaitable[None]]
    needs_read: bool = False
    """It shows only where a part is read back."""


@dataclass
class Line:
    """What one shift works with."""

    gateway: str
    station: str
    operator: Operator
    agent: Child
    marker: Path
    readers: tuple[Path, ...]
    parts: PartStore
    order: str
    """Which is the operator's to work on."""
    outcomes: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    traced: dict[int, list[str]] = field(default_factory=dict)
    """By piece, the faults that met it."""
    laid: dict[int, str] = field(default_factory=dict)
    """By piece, what it is a blank of, by the component's name."""
    last_piece: int | None = None
    by_hand: bool = False
    """Somebody else works at the page; the operator only lays what is to be marked."""
    _rack: deque[tuple[int, frozenset[str]]] = field(default_factory=lambda: deque(maxlen=RACK))
    """The last trays that were marked, and the legible lines on each."""
    _given_up: set[str] = field(default_factory=set)
    """The lines of cartons that cannot be read, on whatever tray."""
    _chances: Counter[str] = field(default_factory=Counter)

    @property
    def tray(self) -> int:
        """How many parts lie at the station at a time: there is a reader a place."""
        return len(self.readers)

    # -- one piece after the other

    async def take_over(self) -> None:
        """See to what a former shift, cut short, has left: at the station, and half done."""
        while (view := await self.operator.wait_rest())["phase"] != "idle":
            piece = self.parts.present(self.station)
            if piece is None:  # it was taken away; whatever lies there is not it
                piece = self.parts.load(self.station)
            await self._handle(piece, view)
        await self._sign_for_first()
        if self.tray > 1 and not self._rack:
            for tray in self.parts.dump():
                if tray["station"] == self.station:
                    lines = {line for each in tray["engravings"] for line in each["lines"]}
                    self._rack.append((tray["piece"], frozenset(lines)))
        await self.read_back()

    async def choose_own_order(self) -> None:
        """Whoever worked here before may have chosen another one."""
        view = await self.operator.wait_rest()
        if view["order"] is None or view["order"]["id"] != self.order:
            await self.operator.press("order", {"order": self.order})

    async def begun(self) -> bool:
        """Whether a number waits for its next piece, or for a second mark on the same piece."""
        view = await self._permitted()
        return bool(view["next"]["again"] or view["next"]["component"] != _first(view))

    async def mark_one(self, fault: Fault | None = None) -> str:
        """Lay the blank that comes next and see it through; returns how it ended."""
        piece = self._lay(await self._permitted(), None)
        before = await self.landed_on_wires()
        if fault is not None:
            await fault.prepare(self, piece)
        ended, piece = await self._see_through(piece, fault)
        for name, count in (await self.landed_on_wires() - before).items():
            self.trace(piece, name, count)
        self.outcomes[ended] += 1
        self.last_piece = piece
        self._rack_up()
        await self.read_back()
        return ended

    def lay_for_another(self) -> None:
        """A fresh blank of what comes next, once what lies there is marked and done with."""
        view = self.operator.view
        if not view or view["busy"] or view["phase"] != "idle" or view["again"]:
            return
        there = self.parts.present(self.station)
        wanted = view["next"]["component"] if "begin" in view["can"] else ""
        if wanted and (
            there is None or self.parts.seen(self.station) or self.laid.get(there) != wanted
        ):
            self.traced.setdefault(self._lay(view, None), []).append("by-hand")

    def trace(self, piece: int, name: str, count: int = 1) -> None:
        """Note that a fault met this piece."""
        self.landed[name] += count
        self.traced.setdefault(piece, []).append(name)

    async def landed_on_wires(self) -> Counter[str]:
        """What has really happened on the wires and in the devices of this line, by kind."""
        counts: Counter[str] = Counter()
        for device in (self.marker, *self.readers):
            counts.update((await must(device, {"op": "landed"}))["landed"])
        return counts

    def sample(self) -> int | None:
        """The place of the tray that lies there which will be read back; None if none will."""
        view = self.operator.view
        order = view.get("order")
        if order is None or order["verify"] != "sample":
            return 1
        growing = [
            group["members"]
            for group in view["groups"]
            if group["sample"] is None and group["order"] == order["id"]
        ]
        place = int(order["every"]) - sum(growing)
        return place if place <= self.tray else None

    def _lay(self, view: dict[str, Any], piece: int | None) -> int:
        """What the next mark goes onto: the piece that lies there, or a blank of the right kind."""
        coming = view["next"]
        if coming["again"] and (there := self.parts.present(self.station)) is not None:
            return there  # two people have allowed a second mark on this very piece
        if piece is None or self.laid.get(piece, coming["component"]) != coming["component"]:
            piece = self.parts.load(self.station)
            self.laid[piece] = coming["component"]
        return piece

    async def _see_through(self, piece: int, fault: Fault | None) -> tuple[str, int]:
        for _ in range(TRIES):
            piece, began = await self._press_begin(piece)
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
                return ended, piece
            await asyncio.sleep(BREATH_S)
        raise RuntimeError(f"{self.gateway}: piece {piece} could not be marked in {TRIES} tries")

    async def _press_begin(self, piece: int) -> tuple[int, Began | None]:
        """Press as soon as the page lets it be pressed, whatever keeps it from that just now.

        None where a press was not answered and has begun a cycle all the same.
        """
        while True:
            view = await self._permitted()
            piece = self._lay(view, piece)
            try:
                return piece, await self.operator.begin(view)
            except NotDone as refusal:
                log.info("%s: not now: %s", self.gateway, refusal.code)
            except httpx.TransportError:
                pass  # the gateway is being started again
            await asyncio.sleep(0.1)
            if (await self.operator.wait_rest())["phase"] != "idle":
                return piece, None

    async def _permitted(self) -> dict[str, Any]:
        """What the page shows once a part may be marked; a first piece is signed for before."""
        while True:
            try:
                view = await self.operator.wait_permitted()
            except TimeoutError:
                view = self.operator.view
                why = (view.get("why_not") or {}).get("code", "")
                if not why.startswith(OFFICERS_ACTS):
                    shown = {key: view.get(key) for key in ("phase", "busy", "note", "why_not")}
                    raise RuntimeError(f"{self.gateway}: nothing may be marked: {shown}") from None
                log.warning("%s: still waits: %s", self.gateway, why)
            else:
                if view["first"] is None:
                    return view
                await self._sign_for_first()

    async def _sign_for_first(self) -> None:
        """The shift lead approves a first piece that waits.

        Where they had it marked themselves nobody else here may: both decide that it is scrap.
        """
        refused = ""
        for _ in range(TRIES):
            first = (await self.operator.wait_rest())["first"]
            if first is None:
                return
            try:
                if refused == "second-person":
                    await self.operator.settle_earlier("scrapped", REASONS["scrapped"], first)
                else:
                    await self.operator.approve_first(first)
            except NotDone as refusal:
                refused = refusal.code
                log.info("%s: not now: %s", self.gateway, refused)
            except httpx.TransportError:
                pass  # the gateway is being started again
            await asyncio.sleep(BREATH_S)
        raise RuntimeError(f"{self.gateway}: nobody signs for the first piece: {refused}")

    # -- what comes of a cycle

    async def _handle(self, piece: int, view: dict[str, Any]) -> str | None:
        """What people do at the end of a cycle; None: take the same piece again."""
        for _ in range(TRIES):
            try:
                return await self._respond(piece, view)
            except NotDone as refusal:
                log.info("%s: not now: %s", self.gateway, refusal.code)
            except httpx.TransportError:
                pass  # the gateway is being started again; it says anew where it stands
            await asyncio.sleep(BREATH_S)
            view = await self.operator.wait_rest()
        raise RuntimeError(f"{self.gateway}: piece {piece}: nothing helps in {view['phase']}")

    async def _respond(self, piece: int, view: dict[str, Any]) -> str | None:
        phase, note = view["phase"], str((view["note"] or {}).get("code", ""))
        match phase:
            case "idle":
                if view["again"]:
                    return None
                if note in MARKED_BEFORE:
                    return note
                # Another piece may lie there by now; the page speaks of the one that was marked.
                done = note in ("good", "marked") or self._legible(piece)
                return (note if note == "marked" else "good") if done else None
            case "read-blocked":
                await self.operator.press("read-again", of_part(view))
                return await self._respond(piece, await self.operator.wait_rest())
            case "set-aside" | "unknown":
                self._put_right(piece, view)
                await self.operator.press("read-again", of_part(view))
                view = await self.operator.wait_rest()
                if view["phase"] != phase:
                    return await self._respond(piece, view)
                return await (self._set_aside if phase == "set-aside" else self._settle)(
                    piece, view
                )
        raise RuntimeError(f"{self.gateway}: nobody here knows what to do in {phase}")

    async def _set_aside(self, piece: int, view: dict[str, Any]) -> str | None:
        """What was read once more and is still bad is decided by place."""
        if self.tray == 1 and view["current"]["component"] == _first(view):
            # No other piece waits for this number.
            await self.operator.press("acknowledge", of_part(view))
            await self.operator.wait_rest(past="set-aside")
            return "rejected"
        found = self._lines_by_place()
        decisions: dict[str, list[int]] = {}
        for place in view["current"]["places"]:
            if place["due"]:
                own = found.get(place["position"], set()) & set(place["text"])
                saved = own and self._chance("remark")
                decisions.setdefault("remark" if saved else "scrapped", []).append(
                    place["position"]
                )
        return await self._decide(piece, view, decisions)

    def _put_right(self, piece: int, view: dict[str, Any]) -> None:
        """The piece that was marked is looked for; cartons in each other's place change back."""
        wanted = {p["position"]: set(p["text"]) for p in view["current"]["places"] if p["due"]}
        found = self._lines_by_place()
        if any(found.get(at, set()) & text for at, text in wanted.items()):
            pass  # it is this one
        elif self.parts.present(self.station) != piece and (
            self.tray > 1 or view["phase"] == "unknown" or self._chance("looked for")
        ):
            self.parts.load_again(piece, self.station)
        for at, text in wanted.items():
            found = self._lines_by_place()
            other = next((place for place, lines in found.items() if lines & text), at)
            if other != at:
                self.parts.exchange(self.station, at, other)

    async def _settle(self, piece: int, view: dict[str, Any]) -> str | None:
        """Two people look at each part of which nobody knows, and say what they see."""
        found = self._lines_by_place()
        is_first = view["current"]["component"] == _first(view)
        decisions: dict[str, list[int]] = {}
        for place in view["current"]["places"]:
            if not place["unknown"]:
                continue
            lines = found.get(place["position"], set())
            if lines & set(place["text"]):
                how = "accepted"
            elif lines:
                how = "scrapped"
            elif is_first or self.parts.present(self.station) != piece:
                how = "voided"
            else:
                how = "remark"  # the other pieces of this number are good
            decisions.setdefault(how, []).append(place["position"])
        return await self._decide(piece, view, decisions)

    async def _decide(
        self, piece: int, view: dict[str, Any], decisions: dict[str, list[int]]
    ) -> str | None:
        for how, places in decisions.items():
            await self.operator.settle(view, how, REASONS[how], places)
            self.outcomes[how] += 1
        view = await self.operator.wait_rest()
        if view["phase"] != "idle":
            return await self._respond(piece, view)
        return None if view["again"] else f"settled-{'-'.join(decisions)}"

    # -- trays that were marked before

    async def read_back(self, *, at_end: bool = False) -> None:
        """Read the cartons that a bad sample has rejected; at a shift's end, the last group too."""
        tried: set[str] = set()
        for piece, lines in reversed(self._rack):
            view = await self.operator.wait_rest()
            if view["phase"] != "idle" or view["again"]:
                return  # what lies there comes first
            rejected = {part["text"] for part in view["parts"] if part["state"] == "rejected"}
            tried |= rejected
            wanted = lines & rejected - self._given_up
            if wanted or (at_end and view["groups"]):
                self.parts.load_again(piece, self.station)
                await self._check()
        self._given_up |= tried

    async def _check(self) -> None:
        """Read what lies there."""
        for _ in range(TRIES):
            try:
                await self.operator.press("check")
                await self.operator.wait_rest()
            except (NotDone, httpx.TransportError) as error:
                log.info("%s: not now: %s", self.gateway, error)
                await self.operator.wait_rest()
                await asyncio.sleep(BREATH_S)
            else:
                self.outcomes["read back"] += 1
                return

    def _rack_up(self) -> None:
        """What lies at the station now has been marked."""
        piece = self.parts.present(self.station)
        if self.tray > 1 and piece is not None:
            lines = frozenset(line for each in self._lines_by_place().values() for line in each)
            self._rack.append((piece, lines))

    # -- what they see

    def _lines_by_place(self) -> dict[int, set[str]]:
        """The legible lines on what lies there, by place."""
        found: dict[int, set[str]] = {}
        for engraving in self.parts.seen(self.station):
            found.setdefault(engraving.position, set()).update(engraving.lines)
        return found

    def _legible(self, piece: int) -> bool:
        """Whether anything is engraved on the piece that lies there."""
        return self.parts.present(self.station) == piece and bool(self.parts.seen(self.station))

    def _chance(self, name: str) -> bool:
        self._chances[name] += 1
        return self._chances[name] % SPARED != 0


def _first(view: dict[str, Any]) -> str:
    """The component that opens a number."""
    return str(view["order"]["components"][0])


async def must(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Ask a device by its back door. Raises RuntimeError with its own words."""
    reply = await ask(path, request)
    if not reply.get("ok"):
        raise RuntimeError(f"{path.name}: {request}: {reply.get('error')}")
    return reply
