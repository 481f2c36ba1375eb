"""The composition root: one task, one fault domain, a device."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, cast

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.protocols import CodeReader, Marker
from drivers.transport import parse_url
from gateway.clock import TrustedClock
from gateway.config import DeviceConfig, GatewayConfig, StationConfig, in_words
from gateway.contract.errors import ConfigError, ContractError, JournalCorrupt
from gateway.contract.plan import Plan
from gateway.contract.topics import Boot
from gateway.guard import Guard
from gateway.identity import Identity, stored_plan
from gateway.journal import Journal, newest_journal
from gateway.latches import Latches, inspect
from gateway.local import create_local_app, socket_address, socket_path
from gateway.logbook import Logbook
from gateway.permission import Permission
from gateway.screen.app import create_screen_app
from gateway.screen.desk import Desk
from gateway.station import Observer, Station
from gateway.tasks import end
from gateway.uplink import TakenOverError, Uplink

log = logging.getLogger(__name__)

RESTART_S = 1.0
WIND_DOWN_S = 8.0
"""How long a stop waits for the cycles under way; below what service managers allow."""


class _Quiet(TypedDict):
    log_config: None
    access_log: bool
    lifespan: Literal["off"]
    timeout_graceful_shutdown: int


_QUIET: _Quiet = {
    "log_config": None,
    "access_log": False,
    "lifespan": "off",
    "timeout_graceful_shutdown": 1,
}


@dataclass
class Seams:
    """What the tests put in place of the real thing; a gateway in service uses the defaults."""

    observer: Observer | None = None
    clock: Callable[[bool], TrustedClock] = TrustedClock


def build_marker(station: StationConfig) -> Marker:
    """The station's marker, not connected. Raises ConfigError."""
    return cast("Marker", _build(station.marker, "marker", f"{station.name}/marker"))


def build_reader(station: StationConfig) -> CodeReader | None:
    """The station's reader, not connected, where there is one. Raises ConfigError."""
    if station.reader is None:
        return None
    return cast("CodeReader", _build(station.reader, "reader", f"{station.name}/reader"))


def _build(device: DeviceConfig, role: str, name: str) -> Marker | CodeReader:
    try:
        kind = find(device.kind)
        if kind.role != role:
            raise ConfigError(f"{name}: kind: {device.kind} is a {kind.role}, not a {role}")
        options = kind.options.model_validate(device.options)
        return kind.build(device.url, options, name)
    except ValidationError as error:
        faults = [
            f"{name}: options.{'.'.join(str(part) for part in fault['loc'])}: "
            f"{in_words(fault['type'], fault['msg'])}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError("\n".join([*_url_fault(device.url, name), *faults])) from error
    except LookupError as error:
        raise ConfigError(f"{name}: kind: {error}") from error
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{name}: url: {error}") from error


def _url_fault(url: str, name: str) -> list[str]:
    """What is wrong with the URL, when the options are wrong too: all errors at once."""
    try:
        parse_url(url)
    except ValueError as error:
        return [f"{name}: url: {error}"]
    return []


async def run(config: GatewayConfig, seams: Seams | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code; raises ConfigError, JournalError."""
    seams = seams or Seams()
    path = newest_journal(config.journal)
    if path is None:
        raise ConfigError(
            f"{config.journal} holds no journal: ask the registry for a code, then "
            "gjurma-gateway enroll --config FILE --code CODE"
        )
    latches = Latches.beside(path)
    agent: _Agent | _Latched
    try:
        agent = _Agent(config, path, latches, seams)
    except JournalCorrupt as error:
        latches.set("journal-corrupt", str(error))
        agent = _Latched(config, latches)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(work) for work in agent.tasks()]
    stopping = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()  # a screen that cannot listen ends the process with its reason
        await agent.wind_down()
    finally:
        await end([stopping, *tasks])
        await agent.close()
    return 0


class _Latched:
    """A journal that cannot be opened: nothing marks, and the screen says why."""

    def __init__(self, config: GatewayConfig, latches: Latches) -> None:
        self._config = config
        self._desk = Desk(config.gateway, 0, "", config.screen.language, latches)
        self._stations = [(build_marker(station), station.name) for station in config.station]

    def tasks(self) -> Iterator[Coroutine[None, None, None]]:
        log.error("marking is latched: %s", self._desk.latches.causes)
        yield _serve(create_screen_app(self._desk), self._config)
        for marker, name in self._stations:
            yield _keep_disarmed(marker, name)

    async def wind_down(self) -> None:
        """Nothing is under way."""

    async def close(self) -> None:
        for marker, _ in self._stations:
            await marker.close()


class _Agent:
    """Everything that runs in one gateway's process."""

    def __init__(self, config: GatewayConfig, path: Path, latches: Latches, seams: Seams) -> None:
        self._config = config
        identity = Identity.load(path)
        self._journal = Journal(path, writable=True)
        guard = Guard(config.guard.path)
        inspect(self._journal, guard, latches)
        self._logbook = Logbook(self._journal, guard, seams.clock(config.clock.trust_hardware))
        if "journal-corrupt" in latches.causes:
            self._journal.close()
            raise JournalCorrupt(latches.causes["journal-corrupt"])
        self._logbook.load()
        self._journal.set_meta("guard", str(config.guard.path.resolve()))
        boot = Boot(*self._journal.next_boot())
        self._permission = permission = Permission(
            self._logbook, latches, config.uplink.start_grace_s
        )
        permission.plan = _plan_in_force(self._logbook, identity)
        self._desk = Desk(
            config.gateway,
            self._journal.epoch,
            str(boot),
            config.screen.language,
            latches,
            self._logbook,
            permission,
        )
        latches.on_change = self._desk.changed
        self._uplink = Uplink(
            logbook=self._logbook,
            permission=permission,
            latches=latches,
            broker=config.broker,
            patience=config.uplink,
            boot=str(boot),
            key=identity.key,
            receipt_key=lambda name: identity.public_key("receipt", permission.plan, name),
            plan_key=lambda name: identity.public_key("plan", permission.plan, name),
            on_change=self._desk.changed,
        )
        self._desk.uplink = self._uplink
        for station in config.station:
            self._desk.stations[station.name] = Station(
                config=station,
                logbook=self._logbook,
                permission=permission,
                marker=build_marker(station),
                reader=build_reader(station),
                on_change=self._desk.changed,
                observer=seams.observer,
            )
        self._latched = bool(latches)

    def tasks(self) -> Iterator[Coroutine[None, None, None]]:
        """Each task is a fault domain of its own."""
        yield _serve(create_screen_app(self._desk), self._config)
        yield _serve_locally(create_local_app(self._desk, self._journal), self._journal.path)
        yield self._link()
        for station in self._desk.stations.values():
            if self._latched:
                # A journal that is not this gateway's truth must not grow; but nothing may fire.
                yield _keep_disarmed(station.marker, station.name)
            else:
                yield _supervise(station)

    async def _link(self) -> None:
        """Whatever breaks the link, no station stops for it."""
        while True:
            try:
                await self._uplink.run()
            except TakenOverError:
                log.error("another client has this gateway's name; not connecting again")  # noqa: TRY400
                await asyncio.Event().wait()
            except Exception as error:
                self._uplink.connected = False
                self._uplink.last_error = f"{type(error).__name__}: {error}"
                log.exception("the link was stopped by a fault; starting it again")
                self._desk.changed()
            await asyncio.sleep(RESTART_S)

    async def wind_down(self) -> None:
        """Let every cycle come to its end, so that no device is left armed; begin none."""
        self._permission.stopping = True
        deadline = asyncio.get_running_loop().time() + WIND_DOWN_S
        while any(station.busy for station in self._desk.stations.values()):
            if asyncio.get_running_loop().time() > deadline:
                log.warning("stopping in the middle of a cycle; the next start recovers it")
                return
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for station in self._desk.stations.values():
            with contextlib.suppress(DeviceError):
                await station.marker.close()
            if station.reader is not None:
                with contextlib.suppress(DeviceError):
                    await station.reader.shut()
        self._journal.close()


def _plan_in_force(logbook: Logbook, identity: Identity) -> Plan | None:
    """The last accepted plan; it was checked when it was accepted, and is checked again."""
    try:
        plan = stored_plan(logbook.journal, identity)
    except ContractError as error:
        log.warning("the stored plan is not used: %s", error)
        return None
    return plan if plan is not None and plan.which.key() == logbook.ledger.accepted else None


async def _supervise(station: Station) -> None:
    """Keep one station running: whatever breaks it, it starts again as after a restart."""
    while True:
        try:
            await station.run()
        except Exception as error:
            station.broken = f"{type(error).__name__}: {error}"
            log.exception("%s: stopped by a fault; recovering", station.name)
            station.on_change()
        await asyncio.sleep(RESTART_S)
        station.broken = ""


async def _keep_disarmed(marker: Marker, name: str) -> None:
    """Withdraw permission once the device answers; nothing is journalled."""
    told = False
    while True:
        try:
            await marker.connect()
            await marker.disarm()
        except DeviceError as error:
            if not told:  # one line a change, not one a failure
                log.warning("%s: cannot confirm that it is disarmed: %s", name, error)
            told = True
            await asyncio.sleep(RESTART_S)
        else:
            log.info("%s: disarmed", name)
            await asyncio.Event().wait()  # the page stays and says why; a task's end ends them all


class _Server(uvicorn.Server):
    """Signals belong to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(app: FastAPI, config: GatewayConfig) -> None:
    screen = config.screen
    log.info("the operator's screen: http://%s/", screen.listen)
    server = _Server(uvicorn.Config(app, host=screen.host, port=screen.port, **_QUIET))
    try:
        await server.serve()
    except SystemExit as error:  # how uvicorn says that it cannot listen
        raise ConfigError(f"cannot listen on {screen.listen}; is it taken?") from error


async def _serve_locally(app: FastAPI, journal: Path) -> None:
    path = socket_path(journal)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    everybody = os.umask(0o177)  # whoever may talk to it may settle numbers: the owner alone
    try:
        listener.bind(socket_address(path))
    finally:
        os.umask(everybody)
    with listener:
        await _Server(uvicorn.Config(app, **_QUIET)).serve(sockets=[listener])
