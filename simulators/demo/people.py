"""The people of the demo: operators and shift leads at the page."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_S = 60.0
REST = frozenset({"idle", "set-aside", "read-blocked", "unknown", "judging"})
"""The phases in which a station awaits a person."""


@dataclass(frozen=True)
class Person:
    """Someone with a badge and a PIN, known by a pseudonym."""

    code: str
    badge: str
    pin: str
    roles: tuple[str, ...]

    def credentials(self) -> dict[str, str]:
        return {"badge": self.badge, "pin": self.pin}


def make_people(site: str) -> list[Person]:
    """An operator and a shift lead, with fresh badges and PINs."""
    return [
        Person(
            f"{site}-{name}",
            f"{name}-{secrets.token_hex(3)}",
            f"{secrets.randbelow(10**6):06d}",
            roles,
        )
        for name, roles in (("operator", ("operator",)), ("lead", ("operator", "shift-lead")))
    ]


@dataclass(frozen=True)
class Began:
    """A cycle that was begun, by the gateway's boot and its count since then."""

    boot: str
    cycle: int


def of_part(view: dict[str, Any]) -> dict[str, Any]:
    """How a request names the part that the page showed."""
    return {"intent": view["current"]["seq"]}


def of_order(view: dict[str, Any]) -> dict[str, Any]:
    """How a request to begin names the order and the cycles that the page showed."""
    return {"order": view["order"]["id"] if view["order"] else None, "cycles": view["cycles"]}


class NotDone(Exception):
    """The page declined; `code` says why."""

    def __init__(self, code: str, facts: dict[str, str]) -> None:
        super().__init__(f"{code} {facts}")
        self.code = code
        self.facts = facts


@dataclass
class Operator:
    """One operator at one gateway's page, with a shift lead near by."""

    base_url: str
    station: str
    people: list[Person]
    snapshot: dict[str, Any] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _http: httpx.AsyncClient | None = None
    _watch: asyncio.Task[None] | None = None
    connected: bool = False

    async def start(self) -> None:
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=30)
        self._watch = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    # -- what the page shows

    @property
    def view(self) -> dict[str, Any]:
        """The station's part of the page; empty before the first snapshot."""
        for station in self.snapshot.get("stations", ()):
            if station["name"] == self.station:
                return dict(station)
        return {}

    async def _follow(self) -> None:
        """Read the page's stream, again and again: a gateway may be killed at any time."""
        assert self._http is not None
        while True:
            try:
                async for snapshot in self._stream(self._http):
                    await self._show(snapshot, connected=True)
            except httpx.TransportError:
                pass  # the gateway is away; it will be back
            await self._show({}, connected=False)
            await asyncio.sleep(0.1)

    async def _stream(self, http: httpx.AsyncClient) -> AsyncIterator[dict[str, Any]]:
        async with http.stream("GET", "/api/stream", timeout=20) as response:
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    async def _show(self, snapshot: dict[str, Any], *, connected: bool) -> None:
        async with self._changed:
            same = snapshot.get("boot") == self.snapshot.get("boot")
            if same and snapshot.get("change", 0) < self.snapshot.get("change", 0):
                return  # it was overtaken by a newer one
            self.snapshot, self.connected = snapshot, connected
            self._changed.notify_all()

    async def wait_rest(
        self, began: "Began | None" = None, *, past: str = "", seconds: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The station's view once nothing is under way and a person is awaited.

        `began` names the cycle that has to be over (or its process to have been started again),
        `past` a phase that has to be left. Raises TimeoutError.
        """
        async with asyncio.timeout(seconds), self._changed:
            while True:
                view = self.view
                if view and not view["busy"] and view["phase"] in REST and view["phase"] != past:
                    again = began is None or self.snapshot["boot"] != began.boot
                    if again or (began is not None and view["cycles"] >= began.cycle):
                        return view
                await self._changed.wait()

    async def wait_permitted(self, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The view once the big button does something: it marks, or signs for a first piece."""
        async with asyncio.timeout(seconds), self._changed:
            while True:
                view = self.view
                if view and not view["busy"] and {"begin", "first-piece"} & {*view["can"]}:
                    return view
                await self._changed.wait()

    # -- what they press

    async def begin(self, view: dict[str, Any]) -> "Began":
        """Press the one button of that view. Raises `NotDone`."""
        boot = str(self.snapshot.get("boot", ""))
        answer = await self.press("begin", of_order(view))
        return Began(boot, int(answer["cycle"]))

    async def press(self, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Press a button, signing in first where needed. Raises `NotDone`."""
        path = f"/api/stations/{self.station}/{action}"
        try:
            return await self._post(path, body)
        except NotDone as refusal:
            if refusal.code != "sign-in-first":
                raise
            await self.sign_in()
            return await self._post(path, body)

    async def sign_in(self) -> None:
        person = self.people[0]
        await self._post("/api/sign-in", person.credentials())

    async def settle(self, view: dict[str, Any], how: str, reason: str, places: list[int]) -> None:
        """Both people put their names to what became of the parts at those places."""
        body = {"how": how, "reason": reason, "witnesses": self._both(), "positions": places}
        body |= of_part(view)
        await self._post(f"/api/stations/{self.station}/settle", body)

    async def settle_earlier(self, how: str, reason: str, mark: dict[str, Any]) -> None:
        """Both people decide of a part that no cycle has under way."""
        part = {"seq": mark["seq"], "position": mark["position"]}
        body = {"how": how, "reason": reason, "witnesses": self._both(), **part}
        await self._post(f"/api/stations/{self.station}/settle-earlier", body)

    async def approve_first(self, first: dict[str, Any]) -> None:
        """The shift lead approves the first piece that the page shows. Raises `NotDone`."""
        _, lead = self._both()
        body = {"seq": first["seq"], "approves": True, "witness": lead}
        await self._post(f"/api/stations/{self.station}/first-piece", body)

    def _both(self) -> list[dict[str, str]]:
        return [person.credentials() for person in self.people[:2]]

    async def _post(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        assert self._http is not None
        response = await self._http.post(path, json=body)
        if response.status_code >= 400:
            problem: dict[str, Any] = {}
            with contextlib.suppress(ValueError):
                problem = response.json()
            raise NotDone(str(problem.get("code", response.status_code)), problem.get("facts", {}))
        answer: dict[str, Any] = response.json()
        # What the page shows from here on is what it shows after the press.
        await self._show((await self._http.get("/api/state")).json(), connected=True)
        return answer
