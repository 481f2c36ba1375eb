"""The gateway without its machine: what stands between the edges, put together.

The edges come from outside: where bytes lie (`Store`, `Slots`, `Slip`), the way to the broker
(`Link`), devices, clocks and chance. Every wait goes through the event loop's clock and every
time through the injected ones, so that a loop on a time of its own drives all of it.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from drivers.errors import DeviceError
from drivers.protocols import CodeReader, Marker, Outcome
from gateway.clock import TrustedClock
from gateway.config import StationConfig, UplinkConfig
from gateway.contract.errors import ContractError, JournalCorrupt, JournalError, JournalFull
from gateway.contract.plan import Plan
from gateway.contract.record import Intent, Marked, decode_record
from gateway.contract.topics import Boot
from gateway.execution import new_cycle_id
from gateway.guard import Guard
from gateway.identity import Identity, stored_plan
from gateway.journal import Journal
from gateway.latches import Latches, inspect
from gateway.logbook import Logbook, new_salt
from gateway.permission import Permission
from gateway.pictures import Pictures
from gateway.station import Observer, Station
from gateway.uplink import Link, TakenOver, Uplink

log = logging.getLogger(__name__)

RESTART_S = 1.0
DISARM_FIRST_S = 5.0
"""The longest that a start waits for its devices before it reads the whole journal."""
TAIL = 1000
"""How many of the journal's last records are searched for shots without an outcome."""
WIND_DOWN_S = 8.0
"""How long a stop waits for the cycles under way; below what service managers allow."""


@dataclass(frozen=True)
class Chance:
    """Where everything comes from that nobody should foresee."""

    salt: Callable[[], str] = new_salt
    cycle_id: Callable[[], str] = new_cycle_id
    jitter: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True)
class Devices:
    """One station's devices, not connected."""

    marker: Marker | None
    readers: tuple[CodeReader, ...]


Proof: TypeAlias = tuple[int, Outcome]
"""An intent's record, and what its device proved of it when it was disarmed."""


@dataclass
class Core:
    """Everything that marks and publishes in one gateway's process."""

    journal: Journal
    latches: Latches
    logbook: Logbook
    permission: Permission
    uplink: Uplink
    stations: dict[str, Station]
    boot: str
    on_change: list[Callable[[], None]] = field(default_factory=list)
    """Told when something that people see is different."""
    latched: bool = False
    """A latch stood at the start: nothing is journalled by this process's stations."""

    def changed(self) -> None:
        for listener in self.on_change:
            listener()

    def tasks(self) -> Iterator[Coroutine[None, None, None]]:
        """Each task is a fault domain of its own; none ends by itself."""
        yield self._link()
        for station in self.stations.values():
            if self.latched:
                # A journal that is not this gateway's truth must not grow; but nothing may fire.
                if station.marker is not None:
                    yield keep_disarmed(station.marker, station.name)
            else:
                yield _supervise(station)

    async def _link(self) -> None:
        """Whatever breaks the link, no station stops for it."""
        while True:
            try:
                await self.uplink.run()
            except TakenOver:
                log.error("another client has this gateway's name; not connecting again")  # noqa: TRY400
                await asyncio.Event().wait()
            except Exception as error:
                self.uplink.connected = False
                self.uplink.last_error = f"{type(error).__name__}: {error}"
                log.exception("the link was stopped by a fault; starting it again")
                self.changed()
            await asyncio.sleep(RESTART_S)

    async def wind_down(self) -> None:
        """Let every cycle come to its end, so that no device is left armed; begin none.

        A device that does not answer is not waited for: the next start disarms it first.
        """
        self.permission.stopping = True
        deadline = asyncio.get_running_loop().time() + WIND_DOWN_S
        while any(each.busy and not each.unanswered for each in self.stations.values()):
            if asyncio.get_running_loop().time() > deadline:
                log.warning("stopping in the middle of a cycle; the next start recovers it")
                return
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Close the devices and the journal."""
        for station in self.stations.values():
            with contextlib.suppress(DeviceError):
                if station.marker is not None:
                    await station.marker.close()
            for reader in station.readers:
                with contextlib.suppress(DeviceError):
                    await reader.shut()
        self.journal.close()


async def disarm_first(journal: Journal, devices: Mapping[str, Devices]) -> dict[str, Proof]:
    """Disarm every marker before the journal is read, and return what each proves of its shot.

    A process that was killed may have left a device armed. Reading a long journal takes minutes,
    in which a pedal would fire it, whatever has become of the licence and the lease. A device that
    does not answer in time is disarmed by its station, after the journal has been read.
    """
    shots = _shots_without_outcome(journal)
    markers = {name: each.marker for name, each in devices.items() if each.marker is not None}
    proofs = await asyncio.gather(
        *(_disarm(marker, name, shots.get(name)) for name, marker in markers.items())
    )
    return {
        name: (shots[name].seq, proof)
        for name, proof in zip(markers, proofs, strict=True)
        if proof is not None and name in shots
    }


def _shots_without_outcome(journal: Journal) -> dict[str, Intent]:
    """By station, the last intent of which the outcome is not journalled.

    Return none where a record cannot be read: the look at the whole journal names it.
    """
    found: dict[str, Intent] = {}
    try:
        for entry in journal.entries(max(1, journal.end - TAIL + 1)):
            match decode_record(entry.body):
                case Intent(station=str(name)) as intent:
                    found[name] = intent
                case Marked(intent=seq):
                    found = {name: each for name, each in found.items() if each.seq != seq}
    except (JournalError, ContractError):
        return {}
    return found


async def _disarm(marker: Marker, name: str, shot: Intent | None) -> Outcome | None:
    try:
        async with asyncio.timeout(DISARM_FIRST_S):
            await marker.connect()
            return await marker.disarm(None if shot is None else shot.sequence)
    except (DeviceError, TimeoutError) as error:
        log.warning("%s: not disarmed before the journal is read: %s", name, error)
        with contextlib.suppress(DeviceError):
            await marker.close()  # no late reply is taken for that of the next request
        return None


def assemble(
    *,
    journal: Journal,
    guard: Guard,
    latches: Latches,
    clock: TrustedClock,
    identity: Identity,
    link: Link,
    uplink: UplinkConfig,
    stations: Sequence[StationConfig],
    devices: Mapping[str, Devices],
    observer: Observer | None = None,
    chance: Chance | None = None,
    pictures: Pictures | None = None,
    proofs: Mapping[str, Proof] = MappingProxyType({}),
) -> Core:
    """Look the journal over, fold it, count the start, and put everything on it.

    `devices` and `proofs` (of `disarm_first`) are by station. Raises `JournalCorrupt`, which is
    latched then, or `JournalError` where the start cannot be counted, not even in the reserve, and
    has closed the journal; OSError where a latch that was found cannot be kept.
    """
    chance = chance or Chance()
    logbook = Logbook(journal, guard, clock, salt=chance.salt)
    try:
        boot = _start(logbook, latches)
        plan = plan_in_force(logbook, identity)
    except BaseException:
        journal.close()
        raise
    permission = Permission(
        logbook, latches, uplink.start_grace_s, monotonic=clock.monotonic, plan=plan
    )
    sending = Uplink(
        logbook=logbook,
        permission=permission,
        latches=latches,
        link=link,
        patience=uplink,
        boot=boot,
        key=identity.key,
        receipt_key=lambda name: identity.public_key("receipt", permission.plan, name),
        plan_key=lambda name: identity.public_key("plan", permission.plan, name),
        jitter=chance.jitter,
    )
    core = Core(journal, latches, logbook, permission, sending, {}, boot, latched=bool(latches))
    latches.on_change = sending.on_change = guard.on_change = core.changed
    for config in stations:
        core.stations[config.name] = Station(
            config=config,
            logbook=logbook,
            permission=permission,
            marker=devices[config.name].marker,
            readers=devices[config.name].readers,
            on_change=core.changed,
            observer=observer,
            cycle_id=chance.cycle_id,
            pictures=pictures,
            proof=proofs.get(config.name),
        )
    return core


def _start(logbook: Logbook, latches: Latches) -> str:
    """What a start does to its journal before anything stands on it; returns the boot."""
    journal = logbook.journal
    inspect(journal, logbook.guard, latches)
    if "journal-corrupt" in latches.causes:
        raise JournalCorrupt(latches.causes["journal-corrupt"])
    logbook.load()
    logbook.lacks_room()
    try:
        return _count(logbook)
    except JournalFull:
        logbook.full = True
        journal.release_reserve()  # a start may use it, as decisions may: it journals nothing new
        return _count(logbook)


def _count(logbook: Logbook) -> str:
    """Note where the guard lies, and count the start."""
    logbook.journal.set_meta("guard", logbook.guard.name)
    return str(Boot(*logbook.journal.next_boot()))


def plan_in_force(logbook: Logbook, identity: Identity) -> Plan | None:
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


async def keep_disarmed(marker: Marker, name: str) -> None:
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
