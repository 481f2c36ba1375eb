"""The people at the line: an operator a station, and two who settle what no reader can.

They do what the screen says and judge by what lies before them; mischief (a swap, a blank in the
place of a marked part, a lie) is done to them or by them only where a fault says so, and is told.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.protocols import Did
from gateway.contract.errors import JournalError
from gateway.contract.record import Mark
from gateway.logbook import Author
from gateway.moves import Open, Phase
from gateway.plan import Permit
from gateway.station import NotNow, Station
from tests.simulation.bench import Bench
from tests.simulation.chance import Chance
from tests.simulation.loop import ProcessEnded, SimLoop
from tests.simulation.machine import Machine
from tests.simulation.metal import MarkRef, Metal, Part
from tests.simulation.story import Story

OPERATORS = ("O-1", "O-2", "O-3")
WITNESSES = ("L-1", "Q-1")
LONGEST_WAIT_S = 4.0


@dataclass(frozen=True)
class Decision:
    """What people said of a mark, and whether it was so."""

    mark: MarkRef
    content: str
    how: str
    true: bool
    at: float


@dataclass(eq=False)
class Operator:
    """One person at one station."""

    machine: Machine
    bench: Bench
    metal: Metal
    chance: Chance
    story: Story
    loop: SimLoop
    decisions: list[Decision]
    keen: Callable[[], bool] = lambda: True
    """Whether another part is to be marked."""
    person: str = OPERATORS[0]
    lies: int = 0
    """So many of the next decisions are wrong."""
    careless: bool = False
    """Begins without looking at what lies there."""
    taken: list[Part] = field(default_factory=list)
    """Parts that left this station, the newest last."""
    why_not: str = ""
    """The last answer to a wish to begin."""
    dead_since: float | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.bench.config.name

    def wake(self) -> None:
        self._woken.set()

    async def work(self) -> None:
        """For ever: wait for something to do, take a moment, do it."""
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT_S):
                    await self._woken.wait()
            await asyncio.sleep(self.chance.uniform(0.1, 0.8))
            with contextlib.suppress(ProcessEnded):
                await self._act()

    async def _act(self) -> None:
        self._look_after_device()
        station = self.machine.station(self.name)
        if station is None or self.machine.core is None or self.machine.core.latched:
            return
        phase = station.cycle.phase
        if phase is Phase.WAITING and self.bench.by_input:
            self.bench.pedal()
        if phase is Phase.SWITCH_OFF:
            self._key()
        if station.busy:
            return
        try:
            self._serve(station, phase)
        except NotNow as reason:
            self.why_not = reason.note.code
        except JournalError as error:
            self.why_not = error.code  # nothing was journalled; they try again

    def _look_after_device(self) -> None:
        if self.bench.device.powered:
            self.dead_since = None
        elif self.dead_since is None:
            self.dead_since = self.loop.now
        elif self.loop.now - self.dead_since > 5:
            self.bench.device.switch(on=True)

    def _key(self) -> None:
        """Switched off by its key, as the screen asks; and on again a little later."""
        self.bench.device.switch(on=False)
        self.loop.call_later(2.0, lambda: self.bench.device.switch(on=True))

    def _serve(self, station: Station, phase: Phase) -> None:
        author = Author(self.person, "pin")
        match phase:
            case Phase.IDLE:
                self._begin(station, author)
            case Phase.JUDGING:
                self._judge(station, author)
            case Phase.SET_ASIDE:
                self._set_aside(station, author)
            case Phase.READ_BLOCKED:
                station.read_again(author)
            case Phase.UNKNOWN:
                self._unknown(station, author)

    def _begin(self, station: Station, author: Author) -> None:
        if not self.keen():
            return
        found = station.permission.ask(station.order)
        if not isinstance(found, Permit):
            self.why_not = found.code
            return
        if not self.careless:
            self.lay_blanks(found.order.components[0].name)
        self.why_not = ""
        station.begin(author)

    def lay_blanks(self, kind: str) -> None:
        """Take what is marked away, and lay blank parts of that kind where there are none."""
        place = self.bench.place
        for position in range(1, place.positions + 1):
            part = place.at(position)
            if part is not None and part.blank and part.kind == kind:
                continue
            self._lift(position)
            place.lay(position, self.metal.blank(kind))

    def _judge(self, station: Station, author: Author) -> None:
        opened = station.cycle.open
        assert opened is not None
        legible = all(self._carried(mark) for mark in opened.marks)
        if self._lie():
            legible = not legible
        for mark in opened.marks:
            if legible:
                self._note(station, opened, mark, "judged", true=self._carried(mark))
        station.judge(author, legible=legible)

    def _set_aside(self, station: Station, author: Author) -> None:
        choice = self.chance.weighted({"aside": 0.6, "again": 0.2, "settle": 0.2})
        if choice == "again" and station.readers:
            station.read_again(author)
        elif choice == "settle":
            self._settle(station)
        else:
            self._take_away()
            station.acknowledge(author)

    def _unknown(self, station: Station, author: Author) -> None:
        choice = self.chance.weighted({"again": 0.4, "settle": 0.55, "leave": 0.05})
        opened = station.cycle.open
        if choice == "again" and station.readers and not (opened and opened.eye):
            station.read_again(author)
        elif choice == "leave":
            self.story.tell(self.bench.name, "two people leave the number open")
            station.unlatch("left for later", WITNESSES)
            self._take_away()
        else:
            self._settle(station)

    def _settle(self, station: Station) -> None:
        opened = station.cycle.open
        assert opened is not None
        how = self.chance.pick(self._honest(opened))
        if self._lie():
            how = self.chance.pick(["accepted", "voided", "scrapped"])
        self.story.tell(self.bench.name, f"two people settle record {opened.seq}: {how}")
        for mark in opened.marks:
            self._note(station, opened, mark, how, true=self._true(mark, how))
        station.settle(how, "seen by both", WITNESSES)
        self._take_away()

    def _honest(self, opened: Open) -> list[str]:
        """What honest people may say of what lies before them."""
        if all(self._carried(mark) for mark in opened.marks):
            return ["accepted"]
        parts = [self.bench.place.at(mark.position) for mark in opened.marks]
        unknown = opened.outcome is not None and opened.outcome.did is Did.UNKNOWN
        if unknown and all(part is not None and part.blank for part in parts):
            return ["voided", "scrapped"]
        return ["scrapped"]

    def _true(self, mark: Mark, how: str) -> bool:
        if how == "accepted":
            return self._carried(mark)
        if how == "voided":
            return not self.metal.carriers(mark.content)
        if how == "scrapped":
            part = self.bench.place.at(mark.position)
            return all(carrier is part for carrier in self.metal.carriers(mark.content))
        return True

    def _carried(self, mark: Mark) -> bool:
        part = self.bench.place.at(mark.position)
        return part is not None and part.carries(mark.content)

    def _note(self, station: Station, opened: Open, mark: Mark, how: str, *, true: bool) -> None:
        journal = station.logbook.journal
        ref = MarkRef(journal.gateway, journal.epoch, opened.seq, mark.position)
        self.decisions.append(Decision(ref, mark.content, how, true, self.loop.now))
        if not true:
            self.story.tell(self.bench.name, f"people say {how} of {mark.content}; it is not so")

    def _lie(self) -> bool:
        if self.lies:
            self.lies -= 1
            return True
        return False

    def _take_away(self) -> None:
        for position in range(1, self.bench.place.positions + 1):
            self._lift(position)

    def _lift(self, position: int) -> None:
        part = self.bench.place.lay(position, None)
        if part is not None:
            self.taken.append(part)
