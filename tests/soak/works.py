"""Everything that runs in a soak: servers, the register's programs, gateways, devices, ways."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from operator import attrgetter
from pathlib import Path

from simulators.broker import free_port
from simulators.demo.processes import spawn
from tests.crash.site import Site, SmallDisk, seed
from tests.e2e.demo import running_in
from tests.e2e.plant import Plant
from tests.e2e.servers import Mosquitto, PostgreSQL
from tests.soak.lines import make_products, post
from tests.soak.network import Way
from tests.soak.program import Program, working_in

CENTRAL = ("serve", "plan", "ingest-1", "ingest-2", "watch")
SMALL_DISKS = 2
DISK_SIZE = 48 * 1024 * 1024
RECOVERY_S = 20.0
_pid = attrgetter("pid")
BLOCK_SIZE = 25
"""Small, so that every line needs new numbers again and again."""


class RoutedMosquitto(Mosquitto):
    """The register's programs reach it by a way of ours."""

    central_way = 0

    @property
    def central_url(self) -> str:
        return f"mqtts://127.0.0.1:{self.central_way}"


@dataclass
class Works:
    """One soak's folder and all that works in it. `skipped` says what this user cannot have."""

    folder: Path
    lines: int
    plant: Plant = field(init=False)
    sites: list[Site] = field(default_factory=list)
    programs: dict[str, Program] = field(default_factory=dict)
    ways: dict[str, Way] = field(default_factory=dict)
    disks: dict[str, SmallDisk] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    broker_forgets: bool = False
    _began: bool = False

    @property
    def cast(self) -> dict[str, list[str]]:
        """Names by kind, of all that something can go wrong with."""
        found: dict[str, list[str]] = {}
        for name, program in self.programs.items():
            found.setdefault(program.kind, []).append(name)
        for name in self.ways:
            found.setdefault("central-way" if name == "central" else "gateway-way", []).append(name)
        found["disk"] = list(self.disks)
        return found

    def control(self, name: str) -> Path:
        """A device's back door; its name is `gateway/role`."""
        gateway, _, role = name.partition("/")
        (site,) = (site for site in self.sites if site.gateway == gateway)
        return site.folder / f"{role}.ctl"

    # -- start

    async def start(self, go_on: Callable[[], bool]) -> bool:
        """Start everything, step by step, while `go_on`; whether it came to the end."""
        for step in (
            self._start_servers,
            self._start_central,
            self._make_sites,
            self._start_sites,
        ):
            if not go_on():
                return False
            await step()
        for program in self.programs.values():
            program.keep()
        return True

    async def _start_servers(self) -> None:
        self.folder.chmod(0o711)  # the servers work under users of their own
        own = self.folder / "plant"
        own.mkdir(mode=0o711)
        broker = await asyncio.to_thread(RoutedMosquitto, self.folder / "mosquitto")
        await asyncio.to_thread(broker.run)
        self.plant = Plant(own, broker, free_port(), spawn)
        self._began = True
        broker.central_way = await self._open_way("central", broker.central_port)
        self.plant.server = await asyncio.to_thread(PostgreSQL.started, self.folder / "database")
        self._add("broker", "broker", self._launch_broker, partial(_pid, broker))
        self._add("database", "database", self._launch_database, self._database)

    async def _start_central(self) -> None:
        plant = self.plant
        plant.configure(block_size=BLOCK_SIZE)
        await asyncio.to_thread(plant.run, "migrate")
        for name in CENTRAL:
            child = await asyncio.to_thread(plant.start, name)
            kind = name.partition("-")[0]
            self._add(name, kind, partial(plant.start, name), partial(_pid, child))
        await asyncio.to_thread(seed, plant)
        await asyncio.to_thread(make_products, plant)

    async def _make_sites(self) -> None:
        home = self.folder / "lines"
        home.mkdir()
        for index in range(self.lines):
            gateway, made = f"soak.line-{index + 1}", post(index)
            site = Site(self.plant, gateway, made.kind, made.start, made.tray, within=home)
            self.sites.append(site)
            site.broker_url = f"mqtts://127.0.0.1:{await self._open_way(gateway, self._port)}"
            if index < SMALL_DISKS:
                self._give_small_disk(site)

    async def _start_sites(self) -> None:
        await asyncio.gather(
            *(
                asyncio.to_thread(site.prepare, product=made.product, **made.order)
                for site, made in zip(self.sites, map(post, count()), strict=False)
            )
        )
        for site in self.sites:
            for role in ("marker", *site.readers):
                self._add(
                    f"{site.gateway}/{role}",
                    role.partition("-")[0],
                    partial(site.restart_device, role),
                    partial(_pid, site.devices[role]),
                    # A pseudo-terminal's number is soon another one's: a gateway that opened it
                    # by this name would fire somebody else's laser. A real port's name goes too.
                    vacate=partial((site.folder / role).unlink, missing_ok=True),
                )
            self._add(site.gateway, "gateway", site.launch, partial(_pid, site.agent))

    def _give_small_disk(self, site: Site) -> None:
        try:
            site.small_disk = SmallDisk(site.journal_folder, DISK_SIZE)
        except (AssertionError, OSError) as error:
            site.small_disk = None
            with contextlib.suppress(OSError):
                site.journal_folder.rmdir()
            self.skipped.append(f"a full disk at {site.gateway}: {error}")
        else:
            self.disks[site.gateway] = site.small_disk

    async def _open_way(self, name: str, port: int) -> int:
        way = self.ways[name] = Way(port)
        await way.start(free_port())
        return way.port

    @property
    def _port(self) -> int:
        return self.plant.broker.port

    def _add(
        self,
        name: str,
        kind: str,
        launch: Callable[[], object],
        find: Callable[[], int | None],
        vacate: Callable[[], object] = lambda: None,
    ) -> None:
        self.programs[name] = Program(name, kind, launch, find, vacate)

    def _launch_broker(self) -> None:
        if self.broker_forgets:
            self.plant.mosquitto.forget()
            self.broker_forgets = False
        self.plant.mosquitto.run()

    def _launch_database(self) -> None:
        """Start it again once the last process of a killed one is gone."""
        assert self.plant.server is not None
        deadline = time.monotonic() + RECOVERY_S
        while True:
            try:
                self.plant.server.start()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _database(self) -> int | None:
        assert self.plant.server is not None
        with contextlib.suppress(OSError, ValueError, IndexError):
            return working_in(self.plant.server.folder, self.plant.server.pid)
        return None

    # -- end

    async def leave_alone(self) -> None:
        """Nothing that ends is started any more."""
        await asyncio.gather(*(program.leave() for program in self.programs.values()))

    async def end(self) -> list[str]:
        """End everything, whatever state it is in; what did not end as it should."""
        await self.leave_alone()
        faults = []
        for name, end in self._endings():
            try:
                end()  # in this thread, as a site's parts belong to it
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                faults.append(f"{name} did not end: {error}")
        for way in self.ways.values():
            await way.stop()
        left = running_in(self.folder)
        for pid, command in left.items():
            faults.append(f"left running: {command}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        return faults

    def _endings(self) -> list[tuple[str, Callable[[], object]]]:
        found: list[tuple[str, Callable[[], object]]] = [
            (site.gateway, site.end) for site in self.sites
        ]
        if self._began:
            server = self.plant.server
            if server is not None and self._database() is None:
                self.plant.server = None  # it ended by itself, and Plant would ask it to
            found.append(("the plant", self.plant.halt))
        return found
