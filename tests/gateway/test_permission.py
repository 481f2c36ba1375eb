"""Permission: latches first, then the start's gate, trusted time and the plan."""

import errno
import os
from datetime import timedelta

import pytest

from gateway.latches import Latch
from gateway.moves import (
    Note,
)
from gateway.permission import Permission
from gateway.plan import Permit
from tests.gateway.desk import OPENED, Site, plan


@pytest.fixture
def open_site(site: Site) -> Site:
    site.permission.plan, site.permission.answered = plan(), True
    return site


def code(permission: Permission) -> str:
    found = permission.ask("o1")
    return "permitted" if isinstance(found, Permit) else found.code


def test_a_start_waits_for_a_receipt_and_then_for_the_guard_alone(site: Site) -> None:
    site.permission.plan = plan()
    assert code(site.permission) == "awaiting-receipt"
    site.time.pass_by(4.9)
    assert code(site.permission) == "awaiting-receipt"
    site.permission.answered = True
    assert code(site.permission) == "permitted"
    site.permission.answered = False
    site.time.pass_by(0.2)
    assert code(site.permission) == "permitted"


@pytest.mark.parametrize("latch", ["rolled-back", "forked", "two-of-me", "journal-corrupt"])
def test_a_latch_comes_before_everything(open_site: Site, latch: Latch) -> None:
    open_site.latches.set(latch, "because")
    assert open_site.permission.ask("o1") == Note(latch, (("cause", "because"),))


def test_without_trusted_time_nothing_is_marked(open_site: Site) -> None:
    open_site.logbook.clock = open_site.time.clock(synchronised=False)
    assert code(open_site.permission) == "no-trusted-time"
    open_site.logbook.clock.sync(open_site.time.wall)
    assert code(open_site.permission) == "permitted"


def test_a_lease_ends_although_the_wall_clock_was_put_back(open_site: Site) -> None:
    open_site.logbook.clock.sync(open_site.time.wall)
    open_site.time.pass_by(8 * 3600 - 1)
    assert code(open_site.permission) == "permitted"
    open_site.time.pass_by(1)
    open_site.time.wall -= timedelta(days=3)
    assert code(open_site.permission) == "lease-ended"


def test_a_plan_that_could_not_be_kept_holds_marking(open_site: Site) -> None:
    open_site.permission.held = Note("journal-full")
    assert code(open_site.permission) == "journal-full"


def test_a_full_journal_is_looked_at_again(
    open_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", no_room)
        assert open_site.logbook.lacks_room()
        assert code(open_site.permission) == "journal-full"
    assert code(open_site.permission) == "permitted"


def test_a_clock_that_ran_ahead_and_was_corrected_stops_nobody(open_site: Site) -> None:
    time, clock = open_site.time, open_site.logbook.clock
    time.synchronised = False
    time.wall += timedelta(days=730)
    open_site.logbook.append(OPENED)
    time.wall -= timedelta(days=730)
    assert code(open_site.permission) == "no-trusted-time"
    clock.sync(time.wall)
    assert code(open_site.permission) == "permitted"


def test_a_synchronised_clock_that_contradicts_the_register_is_named(open_site: Site) -> None:
    open_site.logbook.clock.sync(open_site.time.wall)
    open_site.time.wall += timedelta(hours=9)
    assert code(open_site.permission) == "clock-ahead"
    open_site.time.synchronised = False
    assert code(open_site.permission) == "permitted"
