"""One gateway's real journal, guard and permission on a disk folder, with one station to drive."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.protocols import CodeReader, Marker
from gateway.clock import TrustedClock
from gateway.config import StationConfig
from gateway.contract.plan import Block, Component, Plan, PlanOrder, Template, Verify, encode_plan
from gateway.contract.record import Opened
from gateway.contract.signed import SigningKey
from gateway.contract.topics import Boot
from gateway.guard import Guard, GuardFile, Mark
from gateway.latches import Latches
from gateway.logbook import NOBODY, Draft, Logbook
from gateway.moves import (
    Phase,
)
from gateway.permission import Permission
from gateway.screen.desk import Desk
from gateway.station import Station
from gateway.store import create, journal_path, open_journal

GATEWAY = "bench.line-1"
CONTENT = "[)>\x1e06\x1d17V0CVA5\x1d1PPA26\x1dS{serial}\x1e\x04"
NUMBERS = 999_999


@dataclass
class GatewayCore:
    """What a gateway's process holds, but for its uplink."""

    logbook: Logbook
    permission: Permission
    desk: Desk

    def station(self, config: StationConfig, marker: Marker, reader: CodeReader | None) -> Station:
        made = Station(
            config=config,
            logbook=self.logbook,
            permission=self.permission,
            marker=marker,
            readers=() if reader is None else (reader,),
            on_change=self.desk.changed,
        )
        self.desk.stations[config.name] = made
        return made


def new_core(folder: Path, *, eye: bool) -> GatewayCore:
    """An epoch of its own with a plan of one order in force; `eye`: a person judges each part."""
    path = journal_path(folder / "journal", 1)
    create(path, GATEWAY, 1)
    journal = open_journal(path, writable=True)
    guard = Guard(GuardFile(folder / "guard" / "guard"))
    guard.create(Mark(GATEWAY, 1, 0, journal.first_head))
    logbook = Logbook(journal, guard, TrustedClock(trust_hardware=True))
    logbook.append(Draft(Opened, {"reason": "bench"}))
    logbook.write_guard()
    latches = Latches.beside(path)
    permission = Permission(logbook, latches, start_grace_s=0, answered=True)
    plan = _plan(eye=eye)
    logbook.accept(plan, encode_plan(plan, SigningKey.new()))
    permission.plan = plan
    boot = str(Boot(*journal.next_boot()))
    desk = Desk(GATEWAY, 1, boot, "sq", latches, logbook, permission)
    latches.on_change = desk.changed
    return GatewayCore(logbook, permission, desk)


def _plan(*, eye: bool) -> Plan:
    order = PlanOrder(
        id="B-1",
        product="PA-26",
        kind="serial",
        quantity=NUMBERS,
        job="1",
        template=Template(content=CONTENT, lines=("{serial}",), serial_prefix="B"),
        components=(Component(name="receiver"),),
        verify=Verify(mode="eye", reason="no reader") if eye else Verify(mode="each"),
        state="released",
    )
    return Plan(
        gateway=GATEWAY,
        epoch=1,
        incarnation=1790000000,
        version=1,
        lease_until=datetime.now(UTC) + timedelta(hours=24),
        orders=(order,),
        blocks=(Block(id="b-1", space="PA-26", start=1, end=NUMBERS, order=order.id),),
    )


async def one_cycle(desk: Desk, station: Station, seconds: float = 20) -> None:
    """One part from the button to good. Raises RuntimeError with the note if it is not good."""
    before = _good(station)
    station.begin(NOBODY, station.order)
    await at_rest(desk, station, seconds)
    if station.cycle.phase is Phase.JUDGING and station.cycle.open is not None:
        station.judge(NOBODY, station.cycle.open.seq, legible=True)
        await at_rest(desk, station, seconds)
    if _good(station) != before + 1:
        raise RuntimeError(f"not good: {station.cycle.phase.value}, {station.cycle.note}")


async def at_rest(desk: Desk, station: Station, seconds: float = 20) -> None:
    """Until nothing is under way; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            coming = desk.coming_change
            if not station.busy:
                return
            await coming.wait()


def _good(station: Station) -> int:
    made = station.logbook.ledger.station(station.name).made
    return sum(states.get("good", 0) for states in made.values())
