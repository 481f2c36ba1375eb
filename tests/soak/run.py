"""One soak: everything is started, things go wrong, they end, and all that remains is counted."""

import asyncio
import json
import logging
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from simulators.part import FILE, PartStore
from tests.crash.site import Site
from tests.e2e.demo import command
from tests.soak.account import Account, Item, Metal, compare, words
from tests.soak.chaos import Chaos
from tests.soak.people import People
from tests.soak.scenes import Scenes
from tests.soak.traces import traces
from tests.soak.works import Works

log = logging.getLogger(__name__)

SETTLE_S = 240.0
"""How long after the last fault every line has for one more good part."""
DELIVER_S = 120.0
"""And then every journal to be in the register."""
KILLS_A_MINUTE = 200 / 30


class Ended(Exception):
    """Somebody wants it to end before its time."""


@dataclass
class Soak:
    """`ending` may be set at any moment; then nothing is counted."""

    folder: Path
    minutes: float
    lines: int
    seed: int
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    faults: list[str] = field(default_factory=list)
    """All that was found; empty is good."""
    summary: list[str] = field(default_factory=list)
    """How many of each scene were played and what came of them, in plain words."""

    async def run(self) -> dict[str, Any]:
        """Everything, until nothing of it runs any more; what is printed. Raises `Ended`."""
        began = time.monotonic()
        works = Works(self.folder, self.lines)
        scenes = Scenes(works)
        try:
            line = await self._run(works, scenes)
        finally:
            await scenes.end()
            self.faults += await works.end()
        self.faults += [
            f"{program.name} has ended by itself, {program.ended} times"
            for program in works.programs.values()
            if program.ended
        ]
        self.faults += [f"a trace in {where}" for where in traces(self.folder)]
        line["seconds"] = round(time.monotonic() - began)
        return line

    async def _run(self, works: Works, scenes: Scenes) -> dict[str, Any]:
        if not await works.start(lambda: not self.ending.is_set()):
            raise Ended
        await scenes.prepare()
        for what in works.skipped:
            log.warning("left out: %s", what)
        people = People(works.sites)
        working = asyncio.create_task(people.work())
        chaos = Chaos(works, self.seed)
        reigning = asyncio.create_task(chaos.reign())
        playing = asyncio.create_task(scenes.play())
        try:
            await self._wait({working, reigning, playing}, self.minutes * 60)
            scenes.finish()
            await self._wait({playing})
            reigning.cancel()
            await asyncio.gather(reigning, return_exceptions=True)
            log.warning("the faults are over")
            people.all_is_well(SETTLE_S)
            await self._wait({working})
            self.faults += working.result()
        finally:
            reigning.cancel()
            if not playing.done():
                scenes.break_off()
            people.go_home()
            await asyncio.gather(reigning, playing, working, return_exceptions=True)
        await self._delivered(works, scenes)
        account = await self._count(works, scenes)
        self.summary = [
            *scenes.lines(),
            f"lost: {account.lost} untold, {account.told['lost']} told",
            f"doubled: {account.doubled} untold, {account.told['doubled']} told",
        ]
        if (kills := sum(chaos.kills.values())) < int(self.minutes * KILLS_A_MINUTE):
            self.faults.append(f"only {kills} kills")
        return {
            "minutes": self.minutes,
            "gateways": self.lines,
            "kills": chaos.kills,
            "killed": kills,
            "stops": chaos.count("stop"),
            "cuts": chaos.count("cut", "slow", "hush"),
            "full_disks": chaos.count("fill"),
            "misreads": chaos.count("blind", "faint"),
            "engraved": account.engraved,
            "marked_again": account.marked_again,
            **{
                state: account.states[state]
                for state in ("good", "rejected", "scrapped", "voided", "unknown")
            },
            "settled": people.settled,
            "lost": account.lost,
            "doubled": account.doubled,
            "told": dict(account.told),
            "scenes": dict(scenes.played),
            "unaccounted": account.unaccounted,
            "seed": self.seed,
        }

    async def _wait(self, tasks: "set[asyncio.Task[Any]]", seconds: float | None = None) -> None:
        """Until one of them is done, or the time is up. Raises `Ended`, and what a task raised."""
        ending = asyncio.create_task(self.ending.wait())
        done, _ = await asyncio.wait(
            {*tasks, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        ending.cancel()
        if self.ending.is_set():
            raise Ended
        for task in done:
            task.result()

    async def _delivered(self, works: Works, scenes: Scenes) -> None:
        """Every record of every journal has the register's receipt, and the register answers."""
        deadline = time.monotonic() + DELIVER_S
        while (web := await asyncio.to_thread(_web, works)) and not self.ending.is_set():
            if time.monotonic() > deadline:
                self.faults.append(f"the register's pages are away: {web}")
                break
            await asyncio.sleep(0.2)
        for site in (*works.sites, *scenes.sites):
            while waits := await asyncio.to_thread(_waits, site):
                if self.ending.is_set():
                    raise Ended
                if time.monotonic() > deadline:
                    self.faults.append(f"{site.gateway} is not in the register: {waits}")
                    break
                await asyncio.sleep(0.2)

    async def _count(self, works: Works, scenes: Scenes) -> Account:
        await works.leave_alone()
        account = Account()
        disputed = self._reconcile(works, account)
        for site in (*works.sites, *scenes.sites):
            if site.agent.pid and (code := await asyncio.to_thread(site.stop)):
                self.faults.append(f"{site.gateway} ended with {code}")
            account.add(self._count_site(site, scenes, disputed))
        self.faults += account.faults
        forked = list(scenes.parted)
        for what, statement in (
            (
                "refused",
                """SELECT code, count(*) FROM refusal JOIN stream ON id = stream
                WHERE resolved IS NULL AND gateway <> ALL (%s) GROUP BY code""",
            ),
            (
                "evidence",
                "SELECT reason, count(*) FROM evidence WHERE gateway <> ALL (%s) GROUP BY reason",
            ),
        ):
            rows = await asyncio.to_thread(works.plant.sql, statement, forked)
            self.faults += [f"{what}: {row}" for row in rows]
        return account

    def _count_site(self, site: Site, scenes: Scenes, disputed: dict[str, set[str]]) -> Account:
        """What the parts, the journals and the register say of one site."""
        report = site.verify()
        if not report["good"]:
            self.faults.append(f"{site.gateway}: {report}")
        spent, twice = words(scenes.records(site))
        spent = scenes.twins_spent.get(site.gateway, {}) | spent
        told = self._told(site, scenes, disputed.get(site.order_code, set()))
        rows = site.centre.sql(
            "SELECT uii, component, state, duplicated, quarantined FROM item WHERE order_code = %s",
            site.order_code,
        )
        held = {
            (uii, component): Item(
                state,
                tuple(
                    flag
                    for flag, is_set in (("duplicated", duplicated), ("quarantined", quarantined))
                    if is_set
                ),
            )
            for uii, component, state, duplicated, quarantined in rows
        }
        with closing(PartStore(site.folder / FILE)) as parts:
            metal = Metal.of([*parts.dump(), *scenes.twins.get(site.gateway, [])])
        account = compare(site.gateway, metal, spent, held, told)
        account.faults += [f"{site.gateway}: {each}" for each in twice]
        return account

    def _told(self, site: Site, scenes: Scenes, serials: set[str]) -> set[str]:
        """The UIIs that both the balance and a critical alert name, as those of a fork."""
        announced = scenes.announced(site)
        told = {uii for uii in announced if any(uii.endswith(serial) for serial in serials)}
        parted = scenes.parted.get(site.gateway, set())
        if told != parted or len(serials) != len(parted) or announced != parted:
            self.faults.append(
                f"{site.gateway}: two journals announced {parted}, the balance disputes {serials},"
                f" alerts name {announced}"
            )
        return told & parted

    def _reconcile(self, works: Works, account: Account) -> dict[str, set[str]]:
        """Ask the register's own mass balance; the serials that it disputes, by order."""
        done = command(
            "gjurma-central", "reconcile", "--json", "--config", works.plant.folder / "central.toml"
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            self.faults.append(f"reconcile ended with {done.returncode}: {done.stderr}")
            return {}
        disputed = {each["order"]: set(each["disputed"]) for each in answer["orders"]}
        account.unaccounted = sum(len(each["unaccounted"]) for each in answer["orders"])
        engraved = [each["engraved"] for each in answer["orders"] if each["engraved"]]
        closes = not any(disputed.values())
        if (
            account.unaccounted
            or engraved
            or answer["balanced"] is not closes
            or done.returncode != (0 if closes else 1)
        ):
            self.faults.append(f"the mass balance does not close: {done.stdout}")
        return disputed


def _web(works: Works) -> str:
    """What is wrong with the register's own pages; empty when nothing is."""
    try:
        httpx.get(f"{works.plant.url}/openapi.json", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        return str(error)
    return ""


def _waits(site: Site) -> str:
    """What keeps a site from being wholly in the register; empty when nothing does."""
    try:
        link = site.page.snapshot()["link"]
    except httpx.HTTPError as error:
        return str(error)
    if link["refused"]:
        return f"refused: {link['refused']}"
    return "" if link["connected"] and not link["waiting"] else str(link)
