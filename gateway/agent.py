"""The composition root: one task, one fault domain, a device."""

import asyncio
import contextlib
import errno
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

from drivers.aside import aside
from drivers.catalog import Kind, find
from drivers.errors import DeviceError
from drivers.options import option_faults
from drivers.protocols import CodeReader, Marker
from gateway.clock import TrustedClock
from gateway.config import DeviceConfig, GatewayConfig, StationConfig
from gateway.contract.errors import ConfigError, JournalCorrupt, JournalFull
from gateway.core import Devices, Proof, assemble, disarm_first, keep_disarmed
from gateway.details import of_error, of_system
from gateway.guard import PATIENCE_S, Guard, GuardFile
from gateway.identity import Identity, KeyDamaged
from gateway.journal import Journal
from gateway.latches import Latches
from gateway.link import MqttLink
from gateway.local import socket_address, socket_path
from gateway.local_api import create_local_app
from gateway.pictures import Pictures
from gateway.screen.app import create_screen_app
from gateway.screen.desk import Desk
from gateway.station import Observer
from gateway.store import NO_ROOM, epoch_of, keep_reserve, newest_journal, open_journal
from gateway.tasks import end
from gateway.uplink import report_latches

log = logging.getLogger(__name__)

ROOM_CHECK_S = 1.0
"""How often a start that found no room looks for it."""


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


def build_marker(station: StationConfig) -> Marker | None:
    """The station's marker, not connected, where there is one. Raises ConfigError."""
    if station.marker is None:
        return None
    return cast("Marker", build_device(station.marker, "marker", f"{station.name}/marker"))


def build_readers(station: StationConfig) -> tuple[CodeReader, ...]:
    """The station's readers, not connected, one a position. Raises ConfigError."""
    return tuple(build_reader(name, device) for name, device in station.named_readers)


def build_reader(name: str, device: DeviceConfig) -> CodeReader:
    """One reader, not connected. Raises ConfigError."""
    return cast("CodeReader", build_device(device, "reader", name))


def build_device(device: DeviceConfig, role: str, name: str) -> Marker | CodeReader:
    """A device of that role, not connected. Raises ConfigError."""
    try:
        kind = find(device.kind)
        if kind.role != role:
            raise ConfigError(f"{name}: kind: {device.kind} is a {kind.role}, not a {role}")
        options = kind.options.model_validate(device.options)
        return kind.build(device.url, options, name)
    except ValidationError as error:
        faults = [f"{name}: {fault}" for fault in option_faults(error)]
        raise ConfigError("\n".join([*_url_fault(kind, device.url, name), *faults])) from error
    except LookupError as error:
        raise ConfigError(f"{name}: kind: {error}") from error
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{name}: url: {error}") from error


def _url_fault(kind: Kind, url: str, name: str) -> list[str]:
    """What is wrong with the URL, when the options are wrong too: all errors at once."""
    try:
        kind.parse_url(url)
    except ValueError as error:
        return [f"{name}: url: {error}"]
    return []


async def run(config: GatewayConfig, seams: Seams | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code; raises ConfigError, JournalError."""
    path = newest_journal(config.journal)
    if path is None:
        raise ConfigError(
            f"{config.journal} holds no journal: ask the registry for a code, then "
            "gjurma-gateway enroll --config FILE --code CODE"
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    while not stop.is_set():
        await _work(await _begin(config, path, seams or Seams()), stop)
    return 0


async def _begin(config: GatewayConfig, path: Path, seams: Seams) -> "_Agent | _Latched":
    """The agent; where its journal cannot be opened, what disarms and says so in its place."""
    latches = Latches.beside(path)
    guard = Guard(GuardFile(config.guard.path))
    known = aside(lambda: guard.seq_of(epoch_of(path)))
    await asyncio.wait({known}, timeout=PATIENCE_S)
    if not known.done():  # read in the event loop, it would hang the start before it disarms
        latches.causes["guard-silent"] = of_system(OSError(errno.ETIMEDOUT, ""))
        return _Latched(config, path, latches, lambda: _until_read(guard, known))
    try:
        try:
            return await _agent(config, path, guard, known.result(), latches, seams)
        except JournalCorrupt as error:
            latches.set("journal-corrupt", of_error(error))
            return _Latched(config, path, latches)
        except KeyDamaged as error:
            # No latch that outlives this process: it ends with the file that is put back.
            latches.causes.setdefault("journal-corrupt", of_error(error))
            return _Latched(config, path, latches)
    except (JournalFull, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_ROOM:
            raise
        # It is no latch that outlives this process: it ends with the room that it lacks.
        told = of_system(error) if isinstance(error, OSError) else of_error(error)
        latches.causes["journal-full"] = told
        return _Latched(config, path, latches, lambda: _until_room(path))


async def _agent(
    config: GatewayConfig, path: Path, guard: Guard, known: int, latches: Latches, seams: Seams
) -> "_Agent":
    """Open the journal, disarm the devices, and only then read what the journal holds.

    `known` is the record that the guard knows of it.
    """
    devices = {
        station.name: Devices(build_marker(station), build_readers(station))
        for station in config.station
    }
    journal = open_journal(path, writable=True, guarded=known)
    try:
        proofs = await disarm_first(journal, devices)
        return _Agent(config, path, journal, guard, devices, proofs, latches, seams)
    except BaseException:
        journal.close()
        for each in devices.values():
            if each.marker is not None:
                with contextlib.suppress(DeviceError):
                    await each.marker.close()  # whoever follows opens the same port
        raise


async def _work(agent: "_Agent | _Latched", stop: asyncio.Event) -> None:
    """Until it is to stop, or one of its tasks ends."""
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


class _Latched:
    """A journal that cannot be opened: nothing marks, and the screen and the register hear why.

    It ends with `until`, where its cause is one that ends by itself.
    """

    def __init__(
        self,
        config: GatewayConfig,
        path: Path,
        latches: Latches,
        until: Callable[[], Coroutine[None, None, None]] | None = None,
    ) -> None:
        self._config = config
        self._path = path
        self._latches = latches
        self._until = until
        self._server = _server(
            create_screen_app(Desk(config.gateway, 0, "", config.screen.language, latches)), config
        )
        self._served = asyncio.Event()
        self._stations = [
            (marker, station.name)
            for station in config.station
            if (marker := build_marker(station)) is not None
        ]

    def tasks(self) -> Iterator[Coroutine[None, None, None]]:
        log.error("marking is latched: %s", self._latches.causes)
        yield self._serve()
        yield report_latches(
            MqttLink(self._config.broker),
            self._config.gateway,
            epoch_of(self._path),
            self._latches,
        )
        if self._until is not None:
            yield self._until()
        for marker, name in self._stations:
            yield keep_disarmed(marker, name)

    async def _serve(self) -> None:
        try:
            await _serve(self._server, self._config)
        finally:
            self._served.set()

    async def wind_down(self) -> None:
        """Nothing is under way; the page makes way for that of an agent that may follow."""
        self._server.should_exit = True
        await self._served.wait()

    async def close(self) -> None:
        for marker, _ in self._stations:
            with contextlib.suppress(DeviceError):
                await marker.close()


async def _until_read(guard: Guard, reading: asyncio.Future[int]) -> None:
    await asyncio.wait({reading})
    log.info("the guard %s answers", guard.name)


async def _until_room(journal: Path) -> None:
    while True:
        if keep_reserve(journal):
            log.info("there is room for the journal")
            return
        await asyncio.sleep(ROOM_CHECK_S)


class _Agent:
    """The core on this machine: its file, its broker, its devices, and the ways in for people."""

    def __init__(
        self,
        config: GatewayConfig,
        path: Path,
        journal: Journal,
        guard: Guard,
        devices: dict[str, Devices],
        proofs: dict[str, Proof],
        latches: Latches,
        seams: Seams,
    ) -> None:
        self._config = config
        self._path = path
        identity = Identity.load(path)
        pictures = Pictures(config.picture_folder, config.pictures.quota_mb * 10**6)
        self._core = core = assemble(
            journal=journal,
            guard=guard,
            latches=latches,
            clock=seams.clock(config.clock.trust_hardware),
            identity=identity,
            link=MqttLink(config.broker),
            uplink=config.uplink,
            stations=config.station,
            devices=devices,
            observer=seams.observer,
            pictures=pictures,
            proofs=proofs,
        )
        self._desk = Desk(
            config.gateway,
            core.journal.epoch,
            core.boot,
            config.screen.language,
            latches,
            core.logbook,
            core.permission,
            core.uplink,
            core.stations,
            needs_pin=config.screen.sign_in == "badge-and-pin",
            pictures=pictures,
        )
        core.on_change.append(self._desk.changed)

    def tasks(self) -> Iterator[Coroutine[None, None, None]]:
        """Each task is a fault domain of its own."""
        yield _serve(_server(create_screen_app(self._desk), self._config), self._config)
        yield _serve_locally(create_local_app(self._desk, self._core.journal), self._path)
        yield from self._core.tasks()

    async def wind_down(self) -> None:
        await self._core.wind_down()

    async def close(self) -> None:
        await self._core.close()


class _Server(uvicorn.Server):
    """Signals belong to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: FastAPI, config: GatewayConfig) -> _Server:
    return _Server(uvicorn.Config(app, host=config.screen.host, port=config.screen.port, **_QUIET))


async def _serve(server: _Server, config: GatewayConfig) -> None:
    log.info("the operator's screen: http://%s/", config.screen.listen)
    try:
        await server.serve()
    except SystemExit as error:  # how uvicorn says that it cannot listen
        raise ConfigError(f"cannot listen on {config.screen.listen}; is it taken?") from error


async def _serve_locally(app: FastAPI, journal: Path) -> None:
    with await _listener(socket_path(journal)) as listener:
        await _Server(uvicorn.Config(app, **_QUIET)).serve(sockets=[listener])


async def _listener(path: Path) -> socket.socket:
    """Listens at the path, as soon as its disk has room for one more name."""
    told = False
    while True:
        try:
            return _listen(path)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            if not told:  # marking does not need it
                log.warning("%s: %s; the commands that ask a running gateway wait", path, error)
                told = True
        await asyncio.sleep(ROOM_CHECK_S)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    everybody = os.umask(0o177)  # whoever may talk to it may settle numbers: the owner alone
    try:
        listener.bind(socket_address(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(everybody)
    return listener
