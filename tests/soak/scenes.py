"""Scenes that need an officer: a corrupt journal, a cloned gateway, an old register put back.

Two lines of their own play the first two, so that the chaos of the others does not end a gateway
in the middle of a scene; servers and the register's programs fail as for everybody. The third
one meets all lines.
"""

import asyncio
import logging
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from gateway.contract.record import Record
from tests.crash.agreement import records_in
from tests.crash.damage import flip_in_the_file, flip_in_the_log
from tests.crash.site import Site
from tests.e2e.demo import running_in
from tests.soak.account import Word, words
from tests.soak.works import CENTRAL, Works
from tests.support.wait import wait_for

log = logging.getLogger(__name__)
T = TypeVar("T")

SALVAGE, CLONE, RESTORE = "corrupted journal", "cloned gateway", "old register put back"
OFFLINE = 3
"""Parts that a journal holds undelivered when it is damaged."""
FORGOTTEN = 20
"""How many numbers the register takes in between the backup and its return."""
PATIENCE_S = 120.0
PAUSE_S = 1.0
TWIN_PIECES = 1_000_000
"""Added to a twin's pieces, whose own count begins at 1, too."""
TROUBLE = (AssertionError, httpx.HTTPError, psycopg.OperationalError, subprocess.TimeoutExpired)
"""What a register that is away, slow or just back brings about; officers try again."""


@dataclass
class Scenes:
    """Plays the scenes in turn. Its sites live in one thread: their parts' files belong to it."""

    works: Works
    played: Counter[str] = field(default_factory=Counter)
    salvaged: int = 0
    """Undelivered parts that a salvage brought."""
    forgotten: int = 0
    """Items that an old register had forgotten, and that came again."""
    sites: list[Site] = field(default_factory=list)
    twins: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By gateway, the pieces of its twins, in the form of `PartStore.dump`."""
    twins_spent: dict[str, dict[str, Word]] = field(default_factory=dict)
    """By gateway and content, what the journals of its twins spent."""
    parted: dict[str, set[str]] = field(default_factory=dict)
    """By gateway, each UII that one branch of a forked journal has announced."""
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: bool = False
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def prepare(self) -> None:
        """Enrol the two lines and start their gateways."""
        await self._in_thread(self._prepare)

    def finish(self) -> None:
        """Begin no further scene."""
        self._over.set()

    async def play(self) -> None:
        """Play one scene after another until `finish`; the one that has begun is played out."""
        while True:
            for name, scene in (
                (RESTORE, self._restore),
                (SALVAGE, lambda: self._in_thread(self._salvage)),
                (CLONE, lambda: self._in_thread(self._clone)),
            ):
                if self._over.is_set():
                    return
                log.warning("scene: %s", name)
                await scene()
                self.played[name] += 1

    def break_off(self) -> None:
        """Let the scene that is played end by itself, soon: what it does in threads cannot be
        cancelled."""
        self._over.set()
        self._ending = True
        for site in self.sites:
            site.kill()

    async def end(self) -> None:
        """End the two lines."""
        await self._in_thread(self._end_sites)
        self._thread.shutdown()

    def lines(self) -> list[str]:
        """What was played and what was not, in plain words."""
        came = {
            SALVAGE: f"undelivered parts that came by salvage: {self.salvaged}",
            CLONE: f"numbers that two journals announced: {sum(map(len, self.parted.values()))}",
            RESTORE: f"items that it had forgotten and that came again: {self.forgotten}",
        }
        return [
            f"{name}: played {self.played[name]}; {what}"
            if self.played[name]
            else f"{name}: not played, the time was over"
            for name, what in came.items()
        ]

    def records(self, site: Site) -> Iterator[Record]:
        """Every record of every journal; of a damaged journal as it was before."""
        for path in site.readable_journals():
            whole = _whole(site) / path.name
            yield from records_in(whole if whole.exists() else path)

    async def _in_thread(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _prepare(self) -> None:
        home = self.works.folder / "scenes"
        home.mkdir()
        for name in ("soak.salvage", "soak.clone"):
            site = Site(self.works.plant, name, within=home, cabled=True)
            self.sites.append(site)
            _whole(site).mkdir()
            site.prepare()
            site.run()

    def _end_sites(self) -> None:
        for site in self.sites:
            site.end()

    # -- a corrupted journal

    def _salvage(self) -> None:
        """Damage a journal with undelivered parts; an officer brings what it still proves."""
        site = self.sites[0]
        self._deliver_one(site)
        site.cable.pull()
        for _ in range(OFFLINE):
            site.mark_good()
        if self.played[SALVAGE] % 2:
            site.stop()
            damage = flip_in_the_file
        else:
            site.kill()
            damage = flip_in_the_log
        old = site.journal
        for file in site.journals.glob(f"{old.name}*"):
            shutil.copy2(file, _whole(site))
        damage(site)
        site.run()
        assert site.page.latches == ["journal-corrupt"]
        site.stop()
        self._enrol(site, "a byte of the journal was flipped")
        file = site.folder / f"salvage-{old.stem}"
        done = site.command("journal", "salvage", "--journal", str(old), str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        self._retry(
            "the salvage",
            lambda: site.centre.run("salvage", str(file), "--reason", "a byte was flipped"),
        )
        self.salvaged += OFFLINE
        site.cable.plug()
        site.run()
        self._deliver_one(site)

    # -- a cloned gateway

    def _clone(self) -> None:
        """Run a copy of the data folder beside the original, until the register sees two."""
        site = self.sites[1]
        self._deliver_one(site)
        site.stop()
        before, _ = words(self.records(site))
        with site.cloned() as twin:
            site.run()
            site.page.wait_permitted()
            site.wait_delivered()
            site.cable.pull()
            site.mark_good()
            twin.run()
            self._deliver_one(twin)
            site.cable.plug()
            self._until("the register sees two", lambda: self._forked(site))
            for each in (site, twin):
                self._until(f"{each.gateway} is latched", partial(_latches, each))
                each.stop()
            number = self.played[CLONE] + 1
            pieces = self.twins.setdefault(site.gateway, [])
            pieces += [
                piece | {"piece": piece["piece"] and piece["piece"] + number * TWIN_PIECES}
                for piece in twin.parts.dump()
            ]
            spent, _ = words(self.records(twin))
            self.twins_spent.setdefault(site.gateway, {}).update(spent)
            both = spent | words(self.records(site))[0]
            parted = self.parted.setdefault(site.gateway, set())
            parted.update(both[content].uii for content in both.keys() - before.keys())
        self._until("an alert about the fork", lambda: parted <= self.announced(site))
        self._enrol(site, "the gateway was cloned")
        site.run()
        self._deliver_one(site)

    def _forked(self, site: Site) -> bool:
        return bool(
            site.centre.sql(
                "SELECT 1 FROM stream WHERE gateway = %s AND state = 'two-of-me'"
                " AND epoch = (SELECT max(epoch) FROM stream WHERE gateway = %s)",
                site.gateway,
                site.gateway,
            )
        )

    def announced(self, site: Site) -> set[str]:
        """Each UII that a critical alert about this gateway's forked journal names."""
        rows = site.centre.sql(
            "SELECT facts -> 'uiis' FROM alert WHERE rule = 'journal-forked'"
            " AND severity = 'critical' AND subject = %s",
            site.gateway,
        )
        return {uii for (uiis,) in rows for uii in uiis}

    # -- an old register

    async def _restore(self) -> None:
        """Put an old copy of the database back and tell nobody, until the register proves it."""
        plant = self.works.plant
        assert plant.server is not None
        database, backup = plant.server.folder, self.works.folder / "backup"
        await self._while_stopped(lambda: _copy(database, backup))
        held = await asyncio.to_thread(self._grows_by, FORGOTTEN)
        await self._while_stopped(lambda: _copy(backup, database))
        await asyncio.to_thread(self._told_and_declared, held)

    async def _while_stopped(self, act: Callable[[], None]) -> None:
        """End the database and the register's programs, as a power cut; start them after it."""
        programs = [self.works.programs[name] for name in (*CENTRAL, "database")]
        for program in programs:
            await program.leave()
            program.send(signal.SIGKILL)
        assert self.works.plant.server is not None
        folder = self.works.plant.server.folder
        await asyncio.to_thread(
            wait_for,
            "all of them to end",
            lambda: not any(program.find() for program in programs) and not running_in(folder),
        )
        try:
            await asyncio.to_thread(act)
        finally:
            for program in reversed(programs):
                program.keep()

    def _grows_by(self, count: int) -> int:
        """Wait until the register holds so many more items; how many it holds."""
        before = self._retry("a count", self._items)

        def grown() -> int:
            found = self._items()
            return found if found >= before + count else 0

        return self._until("more items", grown)

    def _items(self) -> int:
        ((count,),) = self.works.plant.sql("SELECT count(*) FROM item")
        return int(count)

    def _told_and_declared(self, held: int) -> None:
        plant = self.works.plant
        forgotten = held - self._retry("a count", self._items)
        assert forgotten > 0, "the backup forgot nothing"
        self._until(
            "an alert about the old register",
            lambda: plant.sql(
                "SELECT 1 FROM alert WHERE rule = 'register-older' AND severity = 'critical'"
                " AND state <> 'resolved'"
            ),
        )
        self._until("serve holds", lambda: self._answer() == 503)
        self._retry("a balance that counts nothing", lambda: plant.run("reconcile", expect=1))
        self._until("a declared restore", self._declared)
        self._until("serve goes on", lambda: self._answer() != 503)
        self._until("all items again", lambda: self._items() >= held)
        self.forgotten += forgotten

    def _answer(self) -> int:
        with self.works.plant.http() as http:
            return http.get("/api/v1/orders").status_code

    def _declared(self) -> bool:
        plant = self.works.plant
        if plant.sql("SELECT 1 FROM setting WHERE name = 'older'"):
            plant.run("declare-restore")
        return True

    # -- what people do again while the register fails

    def _deliver_one(self, site: Site) -> None:
        assert not self._ending
        site.mark_good()
        site.wait_delivered()

    def _enrol(self, site: Site, reason: str) -> None:
        self._retry("a new epoch", lambda: site.enrol(reason))

    def _retry(self, what: str, act: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return act()
            except TROUBLE as error:
                if self._ending or time.monotonic() > deadline:
                    raise AssertionError(f"no {what} in {PATIENCE_S:.0f} s: {error}") from error
                log.info("%s: %s: %s", what, type(error).__name__, error)
            time.sleep(PAUSE_S)

    def _until(self, what: str, ready: Callable[[], T]) -> T:
        """Wait until that is true, whoever is away meanwhile."""

        def check() -> T:
            answer = ready()
            assert answer, f"not yet: {answer!r}"
            return answer

        return self._retry(what, check)


def _latches(site: Site) -> list[str]:
    return site.page.latches


def _whole(site: Site) -> Path:
    """Where damaged journals lie as they were before."""
    return site.folder / "whole"


def _copy(source: Path, target: Path) -> None:
    """A copy of a stopped database's folder, owners and all, in place of what is there."""
    if target.exists():
        shutil.rmtree(target)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    (target / "postmaster.pid").unlink(missing_ok=True)
