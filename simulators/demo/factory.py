"""Starts the demo's programs in their order, and seeds the register through its own API."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from simulators.broker import answers
from simulators.broker import command as broker_command
from simulators.demo.cable import Cable
from simulators.demo.claims import Claims
from simulators.demo.equipment import Equipment
from simulators.demo.officer import Officer, SignIn, open_office, sign_ins
from simulators.demo.people import Operator, Person, make_people
from simulators.demo.processes import Children, failed, program, run_once
from simulators.demo.shift import Line
from simulators.demo.sites import SITES, Site, gateway_toml
from simulators.demo.store import open_store, phone_address
from simulators.part import FILE, PartStore

INGEST_WORKERS = 2
PREFERRED = {"web": 8080, "gramsh.line-1": 8091, "polican.packing-1": 8092}
"""Ports that people remember; replaced when they are taken."""
NEW_LINE = "linjë e re"

Say = Callable[[str], None]


@dataclass
class Factory:
    """Everything that one state folder runs."""

    state: Path
    speed: float
    say: Say
    sites: tuple[Site, ...] = SITES
    children: Children = field(init=False)
    cable: Cable | None = None
    ports: dict[str, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    officer: Officer | None = None
    licences: dict[str, str] = field(default_factory=dict)
    people: dict[str, list[Person]] = field(default_factory=dict)
    sign_ins: list[SignIn] = field(default_factory=list)
    phone: str = ""
    """The address that makes a browser the store's device."""
    claims: Claims = field(default_factory=Claims)

    def __post_init__(self) -> None:
        self.state = self.state.resolve()
        self.children = Children(self.state / "logs", self.write_demo_json)

    # -- what lies where

    @property
    def setup_file(self) -> Path:
        return self.state / "setup.code"

    @property
    def accounts_file(self) -> Path:
        return self.state / "accounts.json"

    @property
    def secrets_file(self) -> Path:
        return self.state / "people.json"

    def gateway_folder(self, site: Site) -> Path:
        return self.state / site.gateway

    def config(self, site: Site) -> Path:
        return self.gateway_folder(site) / "gateway.toml"

    def control(self, site: Site, role: str) -> Path:
        return self.gateway_folder(site) / f"{role}.ctl"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    # -- start and stop

    def steps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """What starts it, in its order: from an empty folder, or from where it left off.

        Each step ends by itself, so that whoever wants to stop waits for one of them at most.
        """
        self._choose_ports()
        self.write_demo_json()  # from here on this is a demo's folder
        yield self._start_broker
        yield self._migrate
        yield self._start_central
        for site in self.sites:
            yield partial(self._start_devices, site)
        yield self._seed
        yield self._open_accounts
        for site in self.sites:
            yield partial(self._start_gateway, site)

    async def stop(self) -> None:
        """Stop everything; leaves no process."""
        for line in self.lines:
            await line.operator.stop()
            line.parts.close()
        await asyncio.to_thread(self.children.stop_all)
        if self.cable is not None:
            await self.cable.stop()
        await self._central("stop-database")
        self.claims.give_back()

    def _choose_ports(self) -> None:
        """The former ports, else those that people remember, else any; one each."""
        path = self.state / "demo.json"
        former = json.loads(path.read_text("utf-8"))["ports"] if path.exists() else {}
        for name in ("broker", "cable", "web", *(site.gateway for site in self.sites)):
            wished = [port for port in (former.get(name), PREFERRED.get(name)) if port]
            self.ports[name] = next(filter(self.claims.take, wished), 0) or self.claims.take_any()
            if wished and self.ports[name] not in wished:
                self.say(f"port {wished[0]} is taken; {name} uses {self.ports[name]}")

    async def _start_broker(self) -> None:
        port = self.ports["broker"]
        child = self.children.start("broker", broker_command(self.state / "broker", port))
        await asyncio.to_thread(child.wait_until, lambda: answers(port))
        self.cable = Cable(port)
        await self.cable.start(self.ports["cable"])

    async def _migrate(self) -> None:
        database = f"postgresql://postgres@/gjurma?host={self.state / 'pg'}"
        config = (
            "# written by the demo\n"
            f'[database]\nurl = "{database}"\n\n'
            f'[broker]\nurl = "mqtt://127.0.0.1:{self.ports["broker"]}"\n\n'
            '[keys]\ndir = "keys"\n\n'
            f'[http]\nlisten = "127.0.0.1:{self.ports["web"]}"\norigin = "{self.web}"\n\n'
            "[devices]\nenabled = true\n\n"
            "[plan]\nlease_hours = 12\nblock_size = 500\n"
        )
        (self.state / "central.toml").write_text(config, "utf-8")
        await self._central("migrate", must=True)

    async def _start_central(self) -> None:
        central = program("gjurma-central")
        where = ["--state", str(self.state)]
        serve = [central, "serve", *where, "--setup-file", str(self.setup_file)]
        for name, command in (
            ("web", serve),
            ("plan", [central, "plan", *where]),
            ("watch", [central, "watch", *where]),
            ("scans", [central, "scans", *where]),
            *((f"ingest-{n}", [central, "ingest", *where]) for n in range(1, INGEST_WORKERS + 1)),
        ):
            self.children.start(name, command)
        web = self.children.by_name["web"]
        # Where the database was slow to answer, the code comes after the pages do.
        await asyncio.to_thread(
            web.wait_until, lambda: answers(self.ports["web"]) and self._has_opened()
        )
        self.officer = await open_office(self.web, self.setup_file, self.accounts_file)

    def _has_opened(self) -> bool:
        return self.accounts_file.exists() or self.setup_file.exists()

    async def _central(self, act: str, *more: str, must: bool = False) -> str:
        log = self.state / "logs" / f"central-{act}.log"
        command = [program("gjurma-central"), act, *more, "--state", str(self.state), "--json"]
        code, output = await run_once(command, log)
        if must and code != 0:
            raise failed(f"gjurma-central {act} ended with {code}", log)
        return output

    async def reconcile(self) -> dict[str, Any]:
        """The mass balance, by the program that anyone can run."""
        answer: dict[str, Any] = json.loads(await self._central("reconcile"))
        return answer

    async def _start_devices(self, site: Site) -> None:
        folder = self.gateway_folder(site)
        folder.mkdir(parents=True, exist_ok=True)
        speed = ["--speed", str(self.speed)]

        async def start(role: str, equipment: Equipment, more: dict[str, str]) -> str:
            serial = equipment.wire == "serial"
            listen = f"serial://{folder / role}" if serial else f"{equipment.wire}://127.0.0.1:0"
            command = [
                *(program("gjurma-sim"), "device", equipment.kind, "--listen", listen),
                *("--state", str(self.state), "--station", site.station),
                *("--control", str(self.control(site, role)), *speed),
                *(
                    part
                    for name, value in {**equipment.simulator, **more}.items()
                    for part in ("--option", f"{name}={value}")
                ),
            ]
            name = f"{site.gateway}/{role}"
            child = self.children.start(name, command, reads_first_line=True)
            return await asyncio.to_thread(child.wait_first_line)

        readers = site.reader_roles
        marker_url, *reader_urls = await asyncio.gather(
            start("marker", site.marker, {}),
            *(
                start(role, site.reader, {"position": str(place)})
                for place, role in enumerate(readers, start=1)
            ),
        )
        text = gateway_toml(
            site,
            folder=folder,
            broker_port=self.ports["cable"],
            web_port=self.ports["web"],
            screen_port=self.ports[site.gateway],
            marker_url=marker_url,
            reader_urls=tuple(reader_urls),
            speed=self.speed,
        )
        self.config(site).write_text(text, "utf-8")

    async def _start_gateway(self, site: Site) -> None:
        command = [program("gjurma-gateway"), "run", "--config", str(self.config(site))]
        agent = self.children.start(site.gateway, command)
        port = self.ports[site.gateway]
        await asyncio.to_thread(agent.wait_until, lambda: answers(port))
        operator = Operator(f"http://127.0.0.1:{port}", site.station, self.people[site.gateway])
        await operator.start()
        self.lines.append(
            Line(
                gateway=site.gateway,
                station=site.station,
                operator=operator,
                agent=agent,
                marker=self.control(site, "marker"),
                readers=tuple(self.control(site, role) for role in site.reader_roles),
                parts=PartStore(self.state / FILE),
                order=site.subject.order["code"],
            )
        )

    # -- the register's subjects

    async def _seed(self) -> None:
        """What a registry has before a line can run; once a state folder."""
        if self.secrets_file.exists():
            self._remember()
            return
        for site in self.sites:
            await self._seed_site(site)
        kept = {
            "licences": self.licences,
            "people": {
                gateway: [asdict(person) for person in people]
                for gateway, people in self.people.items()
            },
        }
        fresh = self.secrets_file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        fresh.rename(self.secrets_file)

    async def _open_accounts(self) -> None:
        entity = self.sites[0].subject.entity["code"]
        self.sign_ins = await sign_ins(self.web, self.accounts_file, entity)
        assert self.officer is not None
        await open_store(self.officer, entity)
        self.phone = await phone_address(self.officer, self.accounts_file)

    def _remember(self) -> None:
        kept = json.loads(self.secrets_file.read_text("utf-8"))
        self.licences = kept["licences"]
        self.people = {
            gateway: [Person(**{**person, "roles": tuple(person["roles"])}) for person in people]
            for gateway, people in kept["people"].items()
        }

    async def _seed_site(self, site: Site) -> None:
        assert self.officer is not None
        subject, post = site.subject, self.officer.post
        await post("/entities", subject.entity)
        now = datetime.now(UTC)
        licence = await post(
            "/licences",
            {
                "number": subject.licence,
                "entity": subject.entity["code"],
                "valid_from": (now - timedelta(days=1)).isoformat(),
                "valid_until": (now + timedelta(days=365)).isoformat(),
            },
        )
        self.licences[site.gateway] = licence["number"]
        await post("/products", {**subject.product, "entity": subject.entity["code"]})
        await post("/certificates", {**subject.approval, "issued": now.isoformat()})
        # The invitation makes the gateway known; the order and the people name it.
        invitation = await post("/invitations", {"gateway": site.gateway, "reason": NEW_LINE})
        order = {**subject.order, "product": subject.product["code"], "gateways": [site.gateway]}
        await post("/orders", order)
        await post(f"/orders/{order['code']}/release", {"reason": "plani i nëntorit"})
        self.people[site.gateway] = make_people(site.gateway.partition(".")[0])
        for person in self.people[site.gateway]:
            await post("/people", {**asdict(person), "gateway": site.gateway})
        log = self.state / "logs" / f"{site.gateway}-enroll.log"
        command = [program("gjurma-gateway"), "enroll", "--config", str(self.config(site))]
        code, _ = await run_once(
            [*command, "--code", invitation["code"], "--reason", NEW_LINE], log
        )
        if code != 0:
            raise failed(f"{site.gateway} could not be enrolled", log)

    # -- for whoever wants to look

    def _journal(self, site: Site) -> Path | None:
        return max((self.gateway_folder(site) / "journal").glob("epoch-*.db"), default=None)

    def ended(self) -> dict[str, str]:
        """Where to look, for each program that was started and has ended by itself."""
        children = self.children.by_name
        ended = {name: f"see {children[name].log}" for name in self.children.ended()}
        for name, pid in self._database_pid().items():
            if not Path(f"/proc/{pid}").exists():
                log = self.state / "pg" / "server.log"
                again = f"gjurma-central reconcile --state {self.state}"
                ended[name] = f"nothing starts it again; see {log}, then run: {again}"
        return ended

    def _database_pid(self) -> dict[str, int]:
        """The server's own process, which its folder names; none before its first start."""
        try:
            first, *_ = (self.state / "pg" / "postmaster.pid").read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return {}
        return {"database": int(first)}

    def write_demo_json(self) -> None:
        """Every address, configuration, journal and process id."""
        value = {
            "addresses": {
                "registry": f"{self.web}/",
                "api": f"{self.web}/openapi.json",
                **{
                    f"operator {site.gateway}": f"http://127.0.0.1:{self.ports[site.gateway]}/"
                    for site in self.sites
                },
            },
            "broker": f"mqtt://127.0.0.1:{self.ports['broker']}",
            "database": f"postgresql://postgres@/gjurma?host={self.state / 'pg'}",
            "central": str(self.state / "central.toml"),
            "configurations": {site.gateway: str(self.config(site)) for site in self.sites},
            "journals": {
                site.gateway: str(newest)
                for site in self.sites
                if (newest := self._journal(site)) is not None
            },
            "devices": {
                name: child.first_line
                for name, child in self.children.by_name.items()
                if child.first_line
            },
            "people": str(self.secrets_file),
            "accounts": str(self.accounts_file),
            "parts": str(self.state / FILE),
            "logs": str(self.state / "logs"),
            "ports": self.ports,
            "equipment": {
                site.gateway: {"marker": site.marker.kind, "reader": site.reader.kind}
                for site in self.sites
            },
            "pids": {"demo": os.getpid(), **self._database_pid(), **self.children.pids()},
        }
        path = self.state / "demo.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
        fresh.rename(path)

    async def drained(self, seconds: float) -> bool:
        """Whether every gateway's records reach the register within `seconds`."""
        deadline = time.monotonic() + seconds
        for line in self.lines:
            async with httpx.AsyncClient(base_url=line.operator.base_url, timeout=5) as http:
                while True:
                    try:
                        link = (await http.get("/api/state")).json()["link"]
                    except httpx.TransportError:
                        link = {"waiting": -1}
                    if link["waiting"] == 0:
                        break
                    if time.monotonic() > deadline:
                        return False
                    await asyncio.sleep(0.1)
        return True
