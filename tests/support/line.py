"""A production line for one test: real stations and drivers on simulated devices, a plan in force.

No broker and no register: `Permission.answered` stands for the receipt that a start waits for.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import uvicorn
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.protocols import CodeReader, Marker
from gateway.clock import TrustedClock
from gateway.config import BrokerConfig, DeviceConfig, StationConfig, UplinkConfig
from gateway.contract.plan import (
    Block,
    Component,
    Person,
    Plan,
    PlanOrder,
    Template,
    Verify,
    encode_plan,
)
from gateway.contract.record import Opened, Record
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot
from gateway.guard import Guard, GuardFile, Mark
from gateway.identity import Identity
from gateway.latches import Latches
from gateway.link import MqttLink
from gateway.logbook import Draft, Logbook
from gateway.moves import (
    RESTING,
    Phase,
)
from gateway.permission import Permission
from gateway.pictures import Pictures
from gateway.screen.app import create_screen_app
from gateway.screen.desk import Desk, badge_hash
from gateway.station import Station
from gateway.store import create, journal_path, open_journal
from gateway.uplink import Uplink
from simulators.control import Device
from simulators.device import build
from simulators.faults import Faults
from simulators.part import FILE, PartStore

GATEWAY = "gramsh.line-2"
ORDER = "UP-2026-014"
CONTENT = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dS{serial}\x1e\x04"
EXPRESS = 50.0
"""How much faster than a real one the simulated laser is by default."""

# Real argon2, at its cheapest: what is proved is that the PIN is checked, not how slow that is.
_HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))


@dataclass(frozen=True)
class Badge:
    """A person with what they hold and know."""

    id: str
    badge: str
    pin: str
    roles: tuple[str, ...]

    def person(self) -> Person:
        return Person.model_validate(
            {
                "id": self.id,
                "badge": badge_hash(self.badge),
                "pin": _HASHER.hash(self.pin),
                "roles": self.roles,
            }
        )

    def credentials(self) -> dict[str, str]:
        """As the page sends them."""
        return {"badge": self.badge, "pin": self.pin}


OPERATOR = Badge("p-0311", "B-70311", "4821", ("operator",))
LEAD = Badge("p-0107", "B-70107", "9035", ("operator", "shift-lead"))
QUALITY = Badge("p-0042", "B-70042", "6174", ("quality",))
PEOPLE = (OPERATOR, LEAD, QUALITY)


def order(order_id: str = ORDER, **changes: Any) -> PlanOrder:
    """An order of pistols for one part at a time; `changes` go over its fields."""
    fields: dict[str, Any] = {
        "id": order_id,
        "product": "PA-26",
        "kind": "serial",
        "quantity": 250,
        "lot": "L26-118",
        "job": "12",
        "template": Template(
            content=CONTENT, lines=("{serial}",), serial_prefix="GR26", serial_digits=6
        ),
        "components": (Component(name="receiver"),),
        "verify": Verify(mode="each"),
        "state": "released",
    }
    return PlanOrder.model_validate({**fields, **changes})


@dataclass
class Line:
    """One gateway with its stations, and the other end of each wire."""

    desk: Desk
    logbook: Logbook
    permission: Permission
    latches: Latches
    parts: PartStore
    key: SigningKey
    markers: dict[str, Device] = field(default_factory=dict)
    readers: dict[str, Device] = field(default_factory=dict)
    marker_faults: dict[str, Faults] = field(default_factory=dict)
    reader_faults: dict[str, Faults] = field(default_factory=dict)

    @property
    def stations(self) -> dict[str, Station]:
        return self.desk.stations

    def put_in_force(self, plan: Plan) -> None:
        """Sign a plan, journal that it is accepted, and work under it."""
        self.logbook.accept(plan, encode_plan(plan, self.key))
        self.permission.plan = plan
        self.desk.changed()

    def change_plan(self, **changes: Any) -> None:
        """The next version of the plan in force."""
        plan = self.permission.plan
        assert plan is not None
        fields = {"version": plan.version + 1, **changes}
        self.put_in_force(plan.model_copy(update=fields))

    def change_order(self, **changes: Any) -> None:
        """The next version of the plan, with its first order changed."""
        plan = self.permission.plan
        assert plan is not None
        first, *others = plan.orders
        self.change_plan(orders=(first.model_copy(update=changes), *others))

    def records(self) -> list[Record]:
        return list(self.logbook.journal.records())

    def engraved(self) -> dict[int | None, list[str]]:
        """By piece, what is engraved on it, oldest first; key None: shots into the air."""
        return {
            piece["piece"]: [each["content"] for each in piece["engravings"]]
            for piece in self.parts.dump()
        }

    async def reach(self, phase: Phase, station: str = "line-1", seconds: float = 20) -> None:
        """Wait until a station stands in `phase`, with nothing left to do where it rests.

        Raises TimeoutError.
        """
        here = self.stations[station]
        resting = phase in RESTING
        await until(lambda: here.cycle.phase is phase and not (resting and here.busy), seconds)


@contextlib.asynccontextmanager
async def served(made: Line, port: int = 0) -> AsyncIterator[str]:
    """The operator's screen of that gateway on a port of this machine; gives its URL."""
    settings = uvicorn.Config(
        create_screen_app(made.desk), log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(settings)
    with socket.create_server(("127.0.0.1", port)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the condition has not come true")
        await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Fit:
    """What a station has: a marker or none, and one reader a place."""

    name: str
    marker: (
        Literal["gravotech-tl07", "keyence-md", "panasonic-lp", "modbus-cell", "telesis"] | None
    ) = "panasonic-lp"
    readers: int = 1
    start: str = "operator"
    components: tuple[str, ...] = ()
    at: str = ""
    """Where its parts lie, if that is another station's place."""
    arm_timeout_s: float = 60
    eye: Literal["zebra-ssi", "camera"] = "zebra-ssi"
    """What its readers are. A camera's pictures are kept."""

    @property
    def places(self) -> range:
        return range(1, self.readers + 1)

    @property
    def lies_at(self) -> str:
        return self.at or self.name


@contextlib.asynccontextmanager
async def line(
    folder: Path,
    stations: Sequence[str | Fit] = ("line-1",),
    *,
    orders: Sequence[PlanOrder] | None = None,
    start: str = "operator",
    speed: float = EXPRESS,
    people: Sequence[Badge] = PEOPLE,
    lease: timedelta = timedelta(hours=36),
    language: str = "sq",
    numbers: int = 250,
    reader: bool = True,
    uplink: bool = False,
) -> AsyncIterator[Line]:
    """A gateway under `folder` with one laser and one reader a station, on pseudo-terminals,
    or with what each station is said to have.

    With `uplink` the desk has one that is never run: the page shows what waits in the outbox.
    A station that breaks ends the test with its error.
    """
    made = _gateway(folder, language)
    orders = (order(),) if orders is None else orders
    blocks = tuple(
        Block(
            id=f"b-{index}",
            space=each.product,
            start=index * 100000 + 1,
            end=index * 100000 + numbers,
            order=each.id,
        )
        for index, each in enumerate(orders)
    )
    plan = Plan(
        gateway=GATEWAY,
        epoch=1,
        incarnation=1790000000,
        version=1,
        lease_until=datetime.now(UTC) + lease,
        orders=tuple(orders),
        blocks=blocks,
        people=tuple(person.person() for person in people),
    )
    made.put_in_force(plan)
    if uplink:
        made.desk.uplink = _uplink(made)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(made.logbook.journal.close)
        stack.callback(made.parts.close)
        for each in stations:
            fit = each if isinstance(each, Fit) else Fit(each, readers=int(reader), start=start)
            await _wire(made, stack, fit, speed)
        tasks = [asyncio.create_task(each.run()) for each in made.stations.values()]
        try:
            for name in made.stations:
                await made.reach(Phase.IDLE, name)
            yield made
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault


def _gateway(folder: Path, language: str) -> Line:
    """A journal of epoch 1 with its first record, and what stands on it."""
    key = SigningKey.new()
    path = journal_path(folder / "journal", 1)
    create(path, GATEWAY, 1)
    Identity(key, ()).save(path)
    journal = open_journal(path, writable=True)
    guard = Guard(GuardFile(folder / "guard" / "guard"))
    guard.create(Mark(GATEWAY, 1, 0, journal.first_head))
    logbook = Logbook(journal, guard, TrustedClock(trust_hardware=True))
    logbook.append(
        Draft(Opened, {"reason": "first", "versions": {}, "devices": {}, "config": "00" * 32})
    )
    logbook.write_guard()
    latches = Latches.beside(path)
    permission = Permission(logbook, latches, start_grace_s=0, answered=True)
    boot = str(Boot(*journal.next_boot()))
    pictures = Pictures(folder / "pictures", 10**7)
    desk = Desk(GATEWAY, 1, boot, language, latches, logbook, permission, pictures=pictures)
    latches.on_change = desk.changed
    return Line(desk, logbook, permission, latches, PartStore(folder / FILE), key)


def _uplink(made: Line) -> Uplink:
    return Uplink(
        logbook=made.logbook,
        permission=made.permission,
        latches=made.latches,
        link=MqttLink(BrokerConfig(url="mqtt://127.0.0.1:1")),
        patience=UplinkConfig(),
        boot=made.desk.boot,
        key=made.key,
        receipt_key=lambda _: None,
        plan_key=lambda _: None,
        on_change=made.desk.changed,
    )


async def _wire(made: Line, stack: contextlib.AsyncExitStack, fit: Fit, speed: float) -> None:
    """Start one station's devices and bind its drivers to them."""
    marker = await _start_marker(made, stack, fit, speed)
    readers = [await _start_reader(made, stack, fit, place) for place in fit.places]
    config = StationConfig.model_validate(
        {
            "name": fit.name,
            "start": fit.start,
            "components": fit.components,
            "look_s": 0.2,
            "read_s": 0.3,
            "arm_timeout_s": fit.arm_timeout_s,
            "mark_timeout_s": 2 + 4 / speed,
            "marker": marker,
            "reader": readers,
        }
    )
    station = Station(
        config=config,
        logbook=made.logbook,
        permission=made.permission,
        marker=cast("Marker", _bind(marker, f"{fit.name}/marker")) if marker else None,
        readers=tuple(
            cast("CodeReader", _bind(device, name)) for name, device in config.named_readers
        ),
        on_change=made.desk.changed,
        pictures=made.desk.pictures,
    )
    made.stations[fit.name] = station
    stack.push_async_callback(_unbind, station)


async def _start_marker(
    made: Line, stack: contextlib.AsyncExitStack, fit: Fit, speed: float
) -> DeviceConfig | None:
    if fit.marker is None:
        return None
    given, wire, options = _MARKERS[fit.marker](fit, speed)
    device = build(fit.marker, given, made.parts, fit.lies_at, speed)
    made.markers[fit.name], made.marker_faults[fit.name] = device, Faults()
    url = await device.start(wire, made.marker_faults[fit.name])
    stack.push_async_callback(device.stop)
    return DeviceConfig(kind=fit.marker, url=url, options=options)


def _laser(fit: Fit, speed: float) -> tuple[dict[str, str], str, dict[str, Any]]:
    """The simulator's options, its wire, and the driver's options."""
    options = {
        "text_wait_seconds": 1 / speed,
        "mark_seconds": 2 + 4 / speed,
        "reply_seconds": 0.5,
        "own_input": fit.start != "operator",
    }
    return {}, "serial", options


def _cell(fit: Fit, speed: float) -> tuple[dict[str, str], str, dict[str, Any]]:
    given = {"positions": str(max(fit.readers, 1)), "jobs": "12,13,14", "mark_seconds": "2"}
    start = "command" if fit.start == "operator" else "input"
    return given, "tcp://127.0.0.1:0", {"start": start, "reply_timeout": 0.5}


def _gravotech(fit: Fit, speed: float) -> tuple[dict[str, str], str, dict[str, Any]]:
    options = {
        "reply_seconds": 0.5,
        "mark_seconds": 2 + 4 / speed,
        "leaves_ready": True,
        "own_input": fit.start != "operator",
    }
    return {"files": "blank.t2l,12,13,14"}, "tcp://127.0.0.1:0", options


def _keyence(fit: Fit, speed: float) -> tuple[dict[str, str], str, dict[str, Any]]:
    options = {
        "counter": "A",
        "raw_gs": True,
        "own_input": fit.start != "operator",
        "reply_seconds": 0.5,
        "quiet_seconds": 0.05,
        "poll_seconds": 0.02,
        "mark_seconds": 2 + 4 / speed,
    }
    return {"jobs": "0,12,13,14", "counter": "A"}, "tcp://127.0.0.1:0", options


def _telesis(fit: Fit, speed: float) -> tuple[dict[str, str], str, dict[str, Any]]:
    options = {
        "raw_gs": True,
        "own_input": fit.start != "operator",
        "reply_seconds": 0.5,
        "quiet_seconds": 0.05,
        "poll_seconds": 0.02,
        "mark_seconds": 2 + 4 / speed,
    }
    return {"patterns": "BLANK,12,13,14"}, "serial", options


_MARKERS = {
    "gravotech-tl07": _gravotech,
    "keyence-md": _keyence,
    "panasonic-lp": _laser,
    "modbus-cell": _cell,
    "telesis": _telesis,
}


_EYES: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "zebra-ssi": (
        {"decode_seconds": "0.05", "response_timeout": "0.5"},
        "serial",
        {"response_timeout": 0.5, "linger": 0.02, "resend_seconds": 0.1},
    ),
    "camera": ({}, "http://127.0.0.1:0", {"latency_seconds": 0.01}),
}
"""The simulator's options, its wire, and the driver's options."""


async def _start_reader(
    made: Line, stack: contextlib.AsyncExitStack, fit: Fit, place: int
) -> DeviceConfig:
    asked, wire, options = _EYES[fit.eye]
    given = dict(asked)
    if fit.readers > 1:
        given["position"] = str(place)
    eye = build(fit.eye, given, made.parts, fit.lies_at, 1)
    name = fit.name if place == 1 else f"{fit.name}/{place}"
    made.readers[name], made.reader_faults[name] = eye, Faults()
    url = await eye.start(wire, made.reader_faults[name])
    stack.push_async_callback(eye.stop)
    return DeviceConfig(kind=fit.eye, url=url, options=options)


def _bind(device: DeviceConfig, name: str) -> Marker | CodeReader:
    kind = find(device.kind)
    return kind.build(device.url, kind.options.model_validate(device.options), name)


async def _unbind(station: Station) -> None:
    with contextlib.suppress(DeviceError):
        if station.marker is not None:
            await station.marker.close()
    for reader in station.readers:
        with contextlib.suppress(DeviceError):
            await reader.shut()
