"""A gateway's real parts on a temporary disk: journal, guard, logbook, plan, permission."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.clock import TrustedClock
from gateway.contract.plan import Plan
from gateway.contract.record import Opened
from gateway.guard import Guard, GuardFile, Mark
from gateway.journal import Journal
from gateway.latches import Latches
from gateway.logbook import Draft, Logbook
from gateway.permission import Permission
from gateway.store import create, journal_path, open_journal
from tests.gateway.records import GATEWAY, NOON

OPENED = Draft(Opened, {"reason": "new gateway"})


class Time:
    """A wall clock and a monotonic one, set by hand."""

    def __init__(self) -> None:
        self.wall = NOON
        self.monotonic = 1000.0
        self.synchronised = True
        """By the kernel's word."""

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds

    def clock(self, *, synchronised: bool = True, hardware: bool = False) -> TrustedClock:
        self.synchronised = synchronised
        return TrustedClock(
            trust_hardware=hardware,
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
            synchronised=lambda: self.synchronised,
        )


@dataclass
class Site:
    """What one gateway keeps, and the time it lives in."""

    folder: Path
    path: Path
    """The journal's file."""
    time: Time
    logbook: Logbook
    permission: Permission

    @property
    def journal(self) -> Journal:
        return self.logbook.journal

    @property
    def latches(self) -> Latches:
        return self.permission.latches


def new_journal(folder: Path, epoch: int = 1) -> Path:
    path = journal_path(folder / "journal", epoch)
    create(path, GATEWAY, epoch)
    return path


def new_site(folder: Path) -> Site:
    """As after enrolment: one record, and the guard knows of it."""
    path = new_journal(folder)
    journal = open_journal(path, writable=True)
    guard = Guard(GuardFile(folder / "guard" / "guard"))
    guard.create(Mark(GATEWAY, 1, 0, journal.first_head))
    journal.set_meta("guard", guard.name)
    time = Time()
    logbook = Logbook(journal, guard, time.clock())
    logbook.append(OPENED)
    logbook.write_guard()
    permission = Permission(
        logbook, Latches.beside(path), start_grace_s=5, monotonic=lambda: time.monotonic
    )
    return Site(folder, path, time, logbook, permission)


def plan(
    *, version: int = 1, lease_until: datetime = NOON + timedelta(hours=8), **order: Any
) -> Plan:
    """One order, `o1`, with numbers 1 to 3 and 7 to 8; `order` replaces fields of the order."""
    fields: dict[str, Any] = {
        "id": "o1",
        "product": "umgs-g9",
        "kind": "serial",
        "quantity": 5,
        "job": "7",
        "template": {"content": "[)>\x1e06\x1d18S7A720{serial}\x1e\x04", "lines": ["{serial}"]},
        "components": [{"name": "receiver"}],
        "verify": {"mode": "each"},
        "state": "released",
    }
    return Plan.model_validate(
        {
            "gateway": GATEWAY,
            "epoch": 1,
            "incarnation": 1,
            "version": version,
            "lease_until": lease_until,
            "orders": [fields | order],
            "blocks": [
                {"id": "b1", "space": "s1", "start": 1, "end": 3, "order": "o1"},
                {"id": "b2", "space": "s1", "start": 7, "end": 8, "order": "o1"},
            ],
        }
    )
