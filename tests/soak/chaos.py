"""What goes wrong, when and to whom: drawn from a seed, then done to the works."""

import asyncio
import logging
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import psycopg

from simulators.control import ask
from tests.soak.works import Works

log = logging.getLogger(__name__)

What = Literal["kill", "forget", "backend", "stop", "cut", "slow", "hush", "fill", "blind", "faint"]

EVERY_S = 1.6
"""The mean time between two acts."""
WEIGHTS: dict[tuple[What, str], float] = {
    ("kill", "gateway"): 9,
    ("kill", "marker"): 3,
    ("kill", "reader"): 2,
    ("kill", "ingest"): 2,
    ("kill", "plan"): 1,
    ("kill", "serve"): 1,
    ("kill", "broker"): 1,
    ("forget", "broker"): 1,
    ("kill", "database"): 0.7,
    ("backend", "database"): 1,
    ("stop", "gateway"): 2,
    ("stop", "marker"): 1,
    ("stop", "reader"): 1,
    ("stop", "ingest"): 1,
    ("stop", "plan"): 0.3,
    ("stop", "serve"): 0.3,
    ("stop", "broker"): 0.5,
    ("stop", "database"): 0.3,
    ("cut", "gateway-way"): 2,
    ("cut", "central-way"): 0.7,
    ("slow", "gateway-way"): 1,
    ("slow", "central-way"): 0.3,
    ("hush", "gateway-way"): 1,
    ("hush", "central-way"): 0.3,
    ("fill", "disk"): 1,
    ("blind", "reader"): 3,
    ("faint", "marker"): 2,
}
"""How often each act comes, against the others, by the kind of what it is done to."""
LASTS_S: dict[What, tuple[float, float]] = {
    "kill": (0.0, 3.0),
    "forget": (0.0, 3.0),
    "backend": (0.0, 0.0),
    "stop": (0.5, 8.0),
    "cut": (0.3, 8.0),
    "slow": (2.0, 10.0),
    "hush": (1.0, 10.0),
    "fill": (2.0, 12.0),
    "blind": (0.0, 0.0),
    "faint": (0.0, 0.0),
}
KILLS = frozenset({"kill", "forget", "backend"})
ANSWER_S = 2.0
DELAY_S = (0.02, 0.6)
BLIND = 10
"""For how many sessions at most a reader sees nothing: enough for every try of a read, twice."""


@dataclass(frozen=True)
class Act:
    """One thing that goes wrong: `after` seconds from the one before, for `seconds`.

    `dice` in 0..1 decides what is only known at that moment.
    """

    after: float
    what: What
    kind: str
    whom: str
    seconds: float
    dice: float


def draw(seed: int, cast: Mapping[str, Sequence[str]]) -> Iterator[Act]:
    """Acts without end; the same seed and cast give the same ones. `cast`: names by kind."""
    dice = random.Random(seed)
    possible = [key for key in WEIGHTS if cast.get(key[1])]
    weights = [WEIGHTS[key] for key in possible]
    while True:
        ((what, kind),) = dice.choices(possible, weights)
        yield Act(
            after=dice.uniform(0, 2 * EVERY_S),
            what=what,
            kind=kind,
            whom=dice.choice(cast[kind]),
            seconds=dice.uniform(*LASTS_S[what]),
            dice=dice.random(),
        )


@dataclass
class Chaos:
    """Does the acts, side by side; what it has begun it brings to an end before it returns."""

    works: Works
    seed: int
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By act and kind, how often it was really done."""

    @property
    def kills(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (what, kind), count in self.done.items():
            if what in KILLS:
                found[f"{kind}-{what}" if what != "kill" else kind] += count
        return dict(sorted(found.items()))

    def count(self, *whats: What) -> int:
        return sum(count for (what, _), count in self.done.items() if what in whats)

    async def reign(self) -> None:
        """Until it is cancelled."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            for act in draw(self.seed, self.works.cast):
                await asyncio.sleep(act.after)
                task = asyncio.create_task(self._do(act))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _do(self, act: Act) -> None:
        log.info("%s %s for %.1f s", act.what, act.whom, act.seconds)
        match act.what:
            case "kill":
                did = self.works.programs[act.whom].kill(act.seconds)
            case "forget":
                self.works.broker_forgets = True
                did = self.works.programs[act.whom].kill(act.seconds)
            case "backend":
                did = await asyncio.to_thread(self._kill_backend, act.dice)
            case "stop":
                did = await self._stop(act)
            case "fill":
                did = await self._fill(act)
            case "blind" | "faint":
                did = await self._misbehave(act)
            case _:
                did = await self._spoil_way(act)
        self.done[act.what, act.kind] += did

    def _kill_backend(self, dice: float) -> bool:
        """SIGKILL of one of the server's processes that work for a program of ours."""
        try:
            rows = self.works.plant.sql(
                "SELECT pid FROM pg_stat_activity WHERE usename = current_user"
                " AND pid <> pg_backend_pid() ORDER BY pid"
            )
        except psycopg.OperationalError:
            return False  # the server is away at this moment
        if not rows:
            return False
        try:
            os.kill(rows[int(dice * len(rows))][0], signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    async def _stop(self, act: Act) -> bool:
        program = self.works.programs[act.whom]
        if not program.send(signal.SIGSTOP):
            return False
        try:
            await asyncio.sleep(act.seconds)
        finally:
            program.send(signal.SIGCONT)
        return True

    async def _misbehave(self, act: Act) -> bool:
        """From its next occasion on a reader sees nothing, or a mark is too faint to be read."""
        count = 1 + int(act.dice * (BLIND if act.what == "blind" else 1))
        request = {"op": "fault", "name": act.what, "count": count}
        try:
            async with asyncio.timeout(ANSWER_S):
                return bool((await ask(self.works.control(act.whom), request)).get("ok"))
        except (OSError, ValueError):  # it is away, or stands still
            return False

    async def _fill(self, act: Act) -> bool:
        disk = self.works.disks[act.whom]
        if disk.full:
            return False
        # In a thread that is waited for, also when this is cancelled: the disk is freed after it.
        filling = asyncio.create_task(asyncio.to_thread(disk.fill))
        try:
            await asyncio.shield(filling)
            await asyncio.sleep(act.seconds)
        finally:
            await filling
            disk.make_room()
        return True

    async def _spoil_way(self, act: Act) -> bool:
        way = self.works.ways[act.whom]
        try:
            match act.what:
                case "cut":
                    way.pull()
                case "slow":
                    way.delay_s = DELAY_S[0] + act.dice * (DELAY_S[1] - DELAY_S[0])
                case "hush":
                    way.hush()
            await asyncio.sleep(act.seconds)
        finally:
            way.clear()
        return True
