"""Requests to a register in each role, and the orders that tests need; by whichever transport.

`Centre` (tests.support.central) sends them to real programs, `Register` (tests.support.register) to
the interface in the test's own process.
"""

import json
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from central.access.browsing import SESSION
from tests.support.link import Link, Receive

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


class Registry(ABC):
    """Whoever sends requests. `folder` keeps its tokens; the subclass reaches the programs."""

    folder: Path

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the interface."""

    @property
    @abstractmethod
    def database(self) -> str:
        """The database's URL, as its owner."""

    def http(self, **options: Any) -> httpx.Client:
        """A client whose addresses begin at the register's; `options` are those of httpx."""
        # Reading every certificate authority takes longer than a request, and nothing is encrypted.
        return httpx.Client(base_url=self.url, timeout=60, verify=False, **options)

    @abstractmethod
    def start(self, name: str) -> object:
        """Start a program (serve, plan, watch, scans, ingest-n), or serve anew as configured."""

    @abstractmethod
    def stop(self, name: str) -> object:
        """End a program."""

    @abstractmethod
    def log(self, name: str = "") -> str:
        """What a program has logged; without a name, all of them."""

    @abstractmethod
    def run(self, command: str, *arguments: str, expect: int = 0) -> str:
        """Run a command of central to its end; return its standard output."""

    @abstractmethod
    def setup_code(self) -> str:
        """The code that opens the first account."""

    @abstractmethod
    def link(self, gateway: str, receive: Receive) -> Link:
        """A gateway's session; `receive` is called with a topic and a payload."""

    def settle(self) -> None:  # noqa: B027 - started programs run by themselves
        """Let the programs catch up; those that run by themselves need no call."""

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the database's owner, committed; returns its rows."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            rows = cursor.fetchall() if cursor.description else []
        self.settle()
        return rows

    def client(
        self, role: str = "registry-officer", entity: str | None = None, *, token: str = ""
    ) -> httpx.Client:
        """Who asks with a token of that role; its account is opened when it is first needed.
        `token`: with this one."""
        headers = {"Authorization": f"Bearer {token or self.token(role, entity)}"}
        return self.http(headers=headers)

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
        with self.http() as http:

            def post(path: str, body: dict[str, Any], token: str = "") -> Any:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                response = http.post("/api/v1" + path, json=body, headers=headers)
                assert response.status_code == 201, response.text
                return response.json()

            if role == "administrator":
                who = {"name": "administrator", "password": PASSWORD}
                code = self.setup_code()
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
        return self.http(cookies={SESSION: self.session(role, entity)})

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
        self.post("/api/v1/invitations", {"gateway": gateway})  # makes the gateway known
        self.post("/api/v1/entities", {"code": "UMG", "name": "Uzina Mekanike", "ncage": "A7G1H"})
        self.add_licence("L-1", "UMG")
        named = [{"name": name, "symbol": name.upper()} for name in components]
        self.add_product("M70", "UMG", TEMPLATE, model="M70", serial="G", components=named)
        self.add_order(order, gateway, quantity=quantity, verify=verify)
        return "L-1"

    def add_licence(
        self, number: str, entity: str, *, expect: int | None = None, **more: Any
    ) -> Any:
        """A licence from yesterday to a year from now, unless `more` says otherwise."""
        now = datetime.now(UTC)
        times = {"valid_from": now - timedelta(days=1), "valid_until": now + timedelta(days=365)}
        body = {"number": number, "entity": entity}
        body |= {name: when.isoformat() for name, when in times.items()}
        return self.post("/api/v1/licences", body | more, expect=expect)

    def add_product(
        self,
        code: str,
        entity: str,
        content: str,
        *,
        serial: str,
        line: str = "{serial}",
        **more: Any,
    ) -> None:
        """An approved product of one piece, unless `more` names several; `serial` begins its
        numbers."""
        body = {
            "code": code,
            "entity": entity,
            "calibre": "9x19",
            "components": [{"name": "receiver", "symbol": ""}],
            "template": {
                "content": content,
                "lines": [line],
                "serial_prefix": serial,
                "serial_digits": 6,
            },
        }
        self.post("/api/v1/products", body | more)
        self.approve(code)

    def release_order(self, order: dict[str, Any]) -> None:
        """Enter an order and release it."""
        self.post("/api/v1/orders", order)
        self.post(f"/api/v1/orders/{order['code']}/release", {"reason": "approved"})

    def add_order_of_pairs(self, code: str, *gateways: object, **more: object) -> None:
        """An order of three receivers with their barrels, released: each a piece of its own."""
        if not self.sql("SELECT 1 FROM product WHERE code = 'PAIR'"):
            pieces = [
                {"name": "receiver", "symbol": "R"},
                {"name": "barrel", "symbol": "B", "job": "BARREL"},
            ]
            template = TEMPLATE.replace("PM70", "PPAIR")
            self.add_product("PAIR", "UMG", template, model="PAIR", serial="", components=pieces)
        order = {"code": code, "product": "PAIR", "gateways": gateways, "job": "J"}
        self.release_order({"quantity": 3} | order | more)

    def doubts(self, order: str) -> list[tuple[int, str, int]]:
        """Number, component and epoch of what journals that ended left in doubt."""
        told = self.get(f"/api/v1/orders/{order}/doubts")
        return [(doubt["number"], doubt["component"], doubt["epoch"]) for doubt in told]

    def salvage(self, content: bytes) -> Any:
        """What `gjurma-gateway journal salvage` wrote, taken in."""
        with self.client() as client:
            response = client.post(
                "/api/v1/salvages?reason=disk",
                content=content,
                headers={"Content-Type": "application/octet-stream"},
            )
        assert response.status_code == 201, response.text
        return response.json()

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
