"""What can go wrong at large: the cable, the processes, the licence; by key or by command.

And who works at a line: its operator, or whoever asks for it.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from simulators.demo.cable import Cable
from simulators.demo.factory import Factory
from simulators.demo.shift import Line, must

OUTAGE_S = 2.0
WHY = {"suspend": "kontroll në vend", "reinstate": "kontrolli u mbyll pa gjetje"}
"""As the officer writes it: in Albanian, whoever reads it."""


@dataclass
class Mischief:
    """Faults of the whole demo, each told in one sentence of what was done."""

    factory: Factory
    landed: Counter[str] = field(default_factory=Counter)
    suspended: set[str] = field(default_factory=set)
    """The gateways whose producer's licence is suspended."""

    NAMES: ClassVar[dict[str, str]] = {
        "cut-broker": "pull the cable between the gateways and the broker",
        "restore-broker": "plug it in again",
        "kill-gateway": "SIGKILL of a gateway's process, and a new start",
        "kill-ingest": "SIGKILL of an ingest worker, and a new start",
        "kill-broker": "SIGKILL of the broker, which forgets everything, and a new start",
        "garble": "turn a bit in the marker's next reply",
        "blind-reader": "the readers see nothing of the next piece",
        "silent-marker": "the marker does not answer of the next piece, and nothing is seen of it",
        "swap-part": "lay a blank part in place of the one that is at the station",
        "suspend-licence": "the officer suspends the producer's licence",
        "reinstate-licence": "the officer reinstates it",
        "hand-over": "the operator steps aside: the page is yours, blanks are laid for you",
        "take-back": "the operator works again, and sees to what was left",
    }

    async def look(self) -> None:
        """Find the licences that a former start left suspended."""
        for line in self.factory.lines:
            order = (await line.operator.wait_rest())["order"]
            if order is not None and order["reason"] == "licence-suspended":
                self.suspended.add(line.gateway)

    async def do(self, name: str, target: str = "") -> str:
        """Do it; returns what was done. Raises LookupError for an unknown name or target."""
        match name:
            case "list":
                return "\n".join(f"{name}: {what}" for name, what in self.NAMES.items())
            case "cut-broker":
                return self._cut()
            case "restore-broker":
                self._cable.plug()
                return "the broker's cable is plugged in"
            case "kill-gateway":
                return await self._kill_gateway(self._line(target))
            case "kill-ingest":
                return await self._restart(self._worker(target or "ingest-1"), "kill-ingest")
            case "kill-broker":
                return await self._restart("broker", "kill-broker")
            case "garble":
                line = self._line(target)
                await must(line.marker, {"op": "fault", "name": "flip", "after": 3})
                return f"the next reply of the marker at {line.gateway} loses a bit"
            case "blind-reader":
                return await self._blind(self._line(target))
            case "silent-marker":
                line = self._line(target)
                await must(line.marker, {"op": "fault", "name": "silent", "count": 1})
                await self._blind(line)
                return f"what becomes of the next piece at {line.gateway} nobody will know"
            case "swap-part":
                line = self._line(target)
                piece = line.parts.load(line.station)
                line.trace(piece, "swap-part")
                return f"a blank part, piece {piece}, lies at {line.gateway}"
            case "suspend-licence":
                return await self._licence(self._line(target), "suspend")
            case "reinstate-licence":
                return await self._licence(self._line(target), "reinstate")
            case "hand-over":
                line = self._line(target)
                line.by_hand = True
                return f"{line.gateway} is yours, from the next piece on: {line.operator.base_url}/"
            case "take-back":
                line = self._line(target)
                line.by_hand = False
                return f"the operator works at {line.gateway} again"
        raise LookupError(f"no fault {name!r}; there are {', '.join(self.NAMES)}")

    async def at_random(self, chooser: random.Random, done: asyncio.Event, times: int) -> None:
        """While the lines run: outages of the broker, of an ingest worker, of the licence.

        Each so many times, in an order that the seed decides.
        """
        acts = ["cut-broker", "kill-ingest", "kill-broker", "licence"] * times
        chooser.shuffle(acts)
        for act in acts:
            if done.is_set():
                return
            await self._brief(act, chooser)
            await asyncio.sleep(chooser.uniform(1.5, 3))

    async def _brief(self, act: str, chooser: random.Random) -> None:
        match act:
            case "cut-broker":
                await self.do("cut-broker")
                await asyncio.sleep(OUTAGE_S)
                await self.do("restore-broker")
            case "kill-ingest":
                await self.do("kill-ingest", f"ingest-{chooser.randint(1, 2)}")
            case "kill-broker":
                await self.do("kill-broker")
            case "licence":
                line = chooser.choice(self.factory.lines)
                await self.do("suspend-licence", line.gateway)
                await asyncio.sleep(OUTAGE_S)
                await self.do("reinstate-licence", line.gateway)

    @property
    def _cable(self) -> Cable:
        cable = self.factory.cable
        assert cable is not None
        return cable

    def _cut(self) -> str:
        self._cable.pull()
        self.landed["cut-broker"] += 1
        return "the broker's cable is pulled: the gateways go on, their records wait"

    def _line(self, target: str) -> Line:
        for line in self.factory.lines:
            if not target or target in (line.gateway, line.station):
                return line
        names = ", ".join(line.gateway for line in self.factory.lines)
        raise LookupError(f"no gateway {target!r}; there are {names}")

    async def _kill_gateway(self, line: Line) -> str:
        phase = line.operator.view.get("phase", "unknown")
        line.agent.kill()
        line.agent.start()
        self.landed["kill-gateway"] += 1
        return f"{line.gateway} was killed while {phase}, and started again"

    def _worker(self, target: str) -> str:
        names = [name for name in self.factory.children.by_name if name.startswith("ingest-")]
        if target not in names:
            raise LookupError(f"no ingest worker {target!r}; there are {', '.join(names)}")
        return target

    async def _blind(self, line: Line) -> str:
        for reader in line.readers:
            await must(reader, {"op": "fault", "name": "covered"})
        self.landed["blind-reader"] += 1
        return f"nothing will be seen of the next piece at {line.gateway}"

    async def _restart(self, name: str, kind: str) -> str:
        child = self.factory.children.by_name[name]
        child.kill()
        child.start()
        self.landed[kind] += 1
        return f"{name} was killed and started again"

    async def _licence(self, line: Line, act: str) -> str:
        officer = self.factory.officer
        assert officer is not None
        licence = self.factory.licences[line.gateway]
        await officer.post(f"/licences/{licence}/{act}", {"reason": WHY[act]})
        if act == "reinstate":
            self.suspended.discard(line.gateway)
            return f"the licence for {line.gateway} is in force"
        self.suspended.add(line.gateway)
        self.landed["suspend-licence"] += 1
        return f"the licence for {line.gateway} is suspended"
