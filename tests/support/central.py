"""The whole centre for a test: embedded PostgreSQL, a broker, and central's real programs.

    with Centre.started() as centre:
        centre.standard()                       # entity, licence, product, an order at a gateway
        peer = Peer(centre, "gramsh.line-1")    # tests.support.peer

The state folder is not pytest's: run as root, PostgreSQL's own user has to reach it.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from central import embedded, keys
from central.access.browsing import SESSION
from simulators import broker
from tests.support import clusters, prefork
from tests.support.wait import wait_for

PASSWORD = "a password of this test"
SECOND = "second-officer"
"""Another registry officer: who confirms what the first one proposes."""
PEOPLE = {
    "administrator": "Drita Leka",
    "registry-officer": "Arben Hoxha",
    "inspector": "Teuta Marku",
    "auditor": "Ilir Prifti",
    "operator": "Besnik Kola",
    "shift-lead": "Mira Dervishi",
    "warehouse": "Agim Shehu",
    "producer-officer": "Luan Basha",
    SECOND: "Elira Kola",
}
TEMPLATE = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1d20P{component}\x1e\x04"
PACKAGE = "[)>\x1e06\x1d17VA7G1H\x1d1T{lot}\x1dS{serial}\x1e\x04"


@dataclass
class Centre:
    """Addresses and processes. `programs` are the running ones by name."""

    folder: Path
    broker: broker.Broker
    http_port: int
    anew: bool = False
    programs: dict[str, prefork.Running] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def started(
        cls,
        *programs: str,
        lease_hours: int = 72,
        block_size: int = 200,
        bare: bool = False,
        anew: bool = False,
    ) -> Iterator["Centre"]:
        """Start database, broker, and `programs` (default: serve, plan, ingest-1, ingest-2).

        `bare`: no program, and a database that is empty. `anew`: programs import what they are made
        of, as on a machine, in the place of `tests.support.prefork`.
        """
        folder = clusters.state_folder()
        (embedded if bare else clusters).start(folder / "pg")
        centre = cls(folder, broker.start(folder / "broker"), broker.free_port(), anew)
        try:
            centre.configure(lease_hours=lease_hours, block_size=block_size)
            if not bare:
                keys.ensure(folder / "keys")
                keys.publish(folder / "keys")
                for name in programs or ("plan", "ingest-1", "ingest-2", "serve"):
                    centre.start(name)
            yield centre
        finally:
            centre.end()

    def configure(self, *, lease_hours: int, block_size: int) -> None:
        (self.folder / "central.toml").write_text(
            f'[database]\nurl = "{self.database}"\n'
            f'[broker]\nurl = "{self.broker.url}"\n'
            '[keys]\ndir = "keys"\n'
            f'[http]\nlisten = "127.0.0.1:{self.http_port}"\n'
            "[devices]\nenabled = true\n"
            f"[plan]\nlease_hours = {lease_hours}\nblock_size = {block_size}\n"
        )

    @property
    def database(self) -> str:
        return embedded.url(self.folder / "pg")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    # --- programs ---------------------------------------------------------------------------

    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        """Run a command to its end; returns its standard output."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "central", command, "--state", str(self.folder)),
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def spawn(self, command: str) -> prefork.Running:
        """Start a command and do not wait; its output goes to a log."""
        return self._begin(command, command, "--state", str(self.folder))

    def start(self, name: str) -> prefork.Running:
        """Start a program: serve, plan, watch, scans, or ingest with any suffix (`ingest-2`)."""
        command = name.partition("-")[0]
        extra = ["--setup-file", str(self.folder / "setup")] if command == "serve" else []
        config = str(self.folder / "central.toml")
        self.programs[name] = self._begin(name, command, "--config", config, *extra)
        if command == "serve":
            wait_for("the web server", self._serves, 60)
        return self.programs[name]

    def _begin(self, name: str, *arguments: str) -> prefork.Running:
        with (self.folder / f"{name}.log").open("ab") as log:
            return prefork.start("central", *arguments, anew=self.anew, stdout=log, stderr=log)

    def _serves(self) -> bool:
        """Our own server, and not somebody else's on the same port."""
        assert self.programs["serve"].poll() is None, self.log("serve")
        return broker.answers(self.http_port)

    def setup_file(self) -> Path:
        """Of a first start. Where the database was slow it comes after the server answers."""
        file = self.folder / "setup"
        wait_for("the first administrator's code", file.exists, 60)
        return file

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """End a program and return its exit code."""
        process = self.programs.pop(name)
        process.send_signal(number)
        return process.wait(30)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def end(self) -> None:
        """End everything, and remove the folder."""
        self.halt()
        shutil.rmtree(self.folder)

    def halt(self) -> None:
        """End everything; the folder stays."""
        for process in self.programs.values():
            process.kill()
        for process in self.programs.values():
            process.wait(30)
        self.broker.kill()
        embedded.stop(self.folder / "pg", immediate=True)

    # --- the register -----------------------------------------------------------------------

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the database's owner, committed; returns its rows."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def client(
        self, role: str = "registry-officer", entity: str | None = None, *, token: str = ""
    ) -> httpx.Client:
        """Who asks with a token of that role; its account is opened when it is first needed.
        `token`: with this one."""
        headers = {"Authorization": f"Bearer {token or self.token(role, entity)}"}
        # Reading every certificate authority takes longer than a request, and nothing is encrypted.
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=False)

    def post(self, path: str, body: Any, *, expect: int | None = None) -> Any:
        """An officer's request; returns the decoded answer."""
        with self.client() as officer:
            response = officer.post(path, json=body)
        assert response.status_code in ((200, 201) if expect is None else (expect,)), response.text
        return response.json()

    def look(self, path: str, **query: str) -> httpx.Response:
        """An officer's look, whatever is answered."""
        with self.client() as officer:
            return officer.get(path, params=query or None)

    def decide(self, path: str, body: Any) -> Any:
        """What needs a second person: an officer proposes it, and another confirms that. Returns
        the proposal."""
        return self.confirm(self.post(path, body, expect=202)["number"])

    def confirm(self, number: str) -> Any:
        """The second officer's word on a proposal; returns it."""
        with self.client(token=self.session(name=SECOND)) as second:
            response = second.post(f"/api/v1/proposals/{number}/confirm", json={})
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path: str) -> Any:
        """An officer's look; returns the decoded answer."""
        response = self.look(path)
        assert response.status_code == 200, response.text
        return response.json()

    def token(self, role: str, entity: str | None = None, name: str = "") -> str:
        """A token of that role; the same one when asked again. `name`: of another account than the
        one that the role has."""
        path = self.folder / f"token-{name or role}-{entity or 'registry'}"
        if not path.exists():
            path.write_text(self._new_token(role, entity, name or _name(role, entity)))
        return path.read_text()

    def _new_token(self, role: str, entity: str | None, name: str) -> str:
        with httpx.Client(base_url=self.url + "/api/v1", timeout=30, verify=False) as http:

            def post(path: str, body: dict[str, Any], token: str = "") -> Any:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                response = http.post(path, json=body, headers=headers)
                assert response.status_code == 201, response.text
                return response.json()

            if role == "administrator":
                who = {"name": "administrator", "password": PASSWORD}
                code = self.setup_file().read_text().strip()
                post("/setup", {**who, "person": PEOPLE[role], "code": code})
                asked = {"account": who["name"], "password": who["password"]}
                return str(post("/sessions", asked)["token"])
            administrator = self.token("administrator")
            person = PEOPLE.get(name, PEOPLE[role])
            account = {"name": name, "person": person, "roles": [role], "entity": entity}
            post("/accounts", account, administrator)
            until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            asked = {"account": name, "role": role, "purpose": "test", "until": until}
            return str(post("/tokens", asked, administrator)["token"])

    def session(
        self, role: str = "registry-officer", entity: str | None = None, name: str = ""
    ) -> str:
        """The secret of a session by password in that role; the same one when asked again."""
        path = self.folder / f"session-{name or role}-{entity or 'registry'}"
        if not path.exists():
            self.token(role, entity, name)  # opens the account
            name, password = name or _name(role, entity), PASSWORD
            with self.client("administrator") as administrator:
                if role != "administrator":
                    asked = {"password": password}
                    answer = administrator.post(f"/api/v1/accounts/{name}/password", json=asked)
                    assert answer.status_code == 200, answer.text
                asked = {"account": name, "password": password}
                answer = administrator.post("/api/v1/sessions", json=asked)
            path.write_text(answer.json()["token"])
        return path.read_text()

    def browser(self, role: str = "registry-officer", entity: str | None = None) -> httpx.Client:
        """Who asks for pages, signed in in that role; redirects are not followed."""
        cookies = {SESSION: self.session(role, entity)}
        return httpx.Client(base_url=self.url, cookies=cookies, timeout=30, verify=False)

    def cookie(
        self, role: str = "registry-officer", entity: str | None = None, name: str = ""
    ) -> Any:
        """The same for a real browser: what Playwright's `add_cookies` takes."""
        return {"name": SESSION, "value": self.session(role, entity, name), "url": self.url}

    def invite(self, gateway: str, reason: str = "") -> str:
        """A one-time code."""
        return str(self.post("/api/v1/invitations", {"gateway": gateway, "reason": reason})["code"])

    def reconcile(self, *, balanced: bool = True) -> Any:
        """The mass balance as JSON; asserts what it concludes."""
        told = json.loads(self.run("reconcile", "--json", expect=0 if balanced else 1))
        assert told["balanced"] is balanced, told
        return told

    def standard(
        self,
        gateway: str = "gramsh.line-1",
        *,
        order: str = "G-1",
        quantity: int = 100,
        components: tuple[str, ...] = ("receiver",),
        verify: str = "each",
    ) -> str:
        """One entity, licence, approved product and order at a gateway; returns the licence's
        number."""
        now = datetime.now(UTC)
        self.post("/api/v1/invitations", {"gateway": gateway})  # makes the gateway known
        self.post("/api/v1/entities", {"code": "UMG", "name": "Uzina Mekanike", "ncage": "A7G1H"})
        self.post(
            "/api/v1/licences",
            {
                "number": "L-1",
                "entity": "UMG",
                "valid_from": (now - timedelta(days=1)).isoformat(),
                "valid_until": (now + timedelta(days=365)).isoformat(),
            },
        )
        self.post(
            "/api/v1/products",
            {
                "code": "M70",
                "entity": "UMG",
                "model": "M70",
                "calibre": "9x19",
                "components": [{"name": name, "symbol": name.upper()} for name in components],
                "template": {
                    "content": TEMPLATE,
                    "lines": ["{serial}"],
                    "serial_prefix": "G",
                    "serial_digits": 6,
                },
            },
        )
        self.approve("M70")
        self.add_order(order, gateway, quantity=quantity, verify=verify)
        return "L-1"

    def release_order(self, order: dict[str, Any]) -> None:
        """Enter an order and release it."""
        self.post("/api/v1/orders", order)
        self.post(f"/api/v1/orders/{order['code']}/release", {"reason": "approved"})

    def approve(self, product: str, **more: Any) -> str:
        """A type approval of a product, without an end; returns its number."""
        body = {
            "number": f"TA-{product}",
            "kind": "type-approval",
            "institution": "Qendra e provave",
            "product": product,
            "result": "passed",
            "issued": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
            "document": "0" * 64,
        }
        return str(self.post("/api/v1/certificates", body | more)["number"])

    def add_order(
        self, order: str, *gateways: str, quantity: int = 100, verify: str = "each"
    ) -> None:
        """Another order of the standard product, released."""
        self.release_order(
            {
                "code": order,
                "product": "M70",
                "quantity": quantity,
                "gateways": list(gateways),
                "job": "JOB-1",
                "verify": {"mode": verify, "reason": "no reader" if verify == "eye" else ""},
            },
        )


def _name(role: str, entity: str | None) -> str:
    """The account that a role has."""
    return f"{role}.{entity.lower()}" if entity else role
