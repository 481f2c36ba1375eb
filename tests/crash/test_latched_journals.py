"""A journal that is not what it was stops marking, with the exact latch, until a new epoch."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from simulators.broker import free_port
from tests.crash.agreement import assert_agree, assert_balanced, intents, reconcile
from tests.crash.page import Declined
from tests.crash.site import STATION, Site
from tests.support.wait import wait_for

pytestmark = pytest.mark.slow
MakeSite = Callable[[str], Site]


def put_aside(site: Site, name: str) -> Path:
    """A copy of the stopped gateway's journals and guard, as a backup would make it."""
    assert site.agent.pid is None
    copy = site.folder / name
    shutil.copytree(site.journal_folder, copy / "journal", ignore=shutil.ignore_patterns("*.sock"))
    shutil.copytree(site.guard.parent, copy / "guard")
    return copy


def put_back(site: Site, copy: Path, *, guard: bool) -> None:
    """Yesterday's journal in place of today's; with `guard` also yesterday's guard."""
    shutil.rmtree(site.journal_folder)
    shutil.copytree(copy / "journal", site.journal_folder)
    if guard:
        shutil.rmtree(site.guard.parent)
        shutil.copytree(copy / "guard", site.guard.parent)


def pull_broker(site: Site) -> None:
    """From the next start on, this gateway finds no broker."""
    site.broker_url = f"mqtt://127.0.0.1:{free_port()}"
    site.configure()


def records(site: Site) -> int:
    with closing(sqlite3.connect(f"{site.journal.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM record").fetchone()[0])


def assert_stands_still(site: Site, *latches: str) -> None:
    """Exactly these latches, the button dead for that reason, and no record added."""
    before = records(site)
    page = site.page
    assert page.latches == list(latches)
    site.parts.load(STATION)
    page_says = page.view()
    assert page_says["can"] == []
    assert page_says["why_not"]["code"] == latches[0]
    with pytest.raises(Declined):
        page.press("begin")
    assert records(site) == before
    assert site.parts.seen(STATION) == []
    assert not site.armed


def run_latched(site: Site) -> None:
    """Start a gateway that finds its journal wrong; it lives on when its devices are disarmed."""
    before = site.log.count(f"{STATION}: disarmed")
    site.run()
    wait_for("the device to be disarmed", lambda: site.log.count(f"{STATION}: disarmed") > before)


def assert_cannot_be_opened(site: Site) -> None:
    """Latched as corrupt: the page is there and says so, and offers no station."""
    assert site.page.latches == ["journal-corrupt"]
    assert site.page.snapshot()["stations"] == []
    assert not site.armed


@pytest.mark.long
def test_yesterdays_journal_is_caught_by_the_guard_alone(sites: MakeSite) -> None:
    site = sites("rolled.by-guard")
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    copy = put_aside(site, "yesterday")
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    put_back(site, copy, guard=False)
    pull_broker(site)
    run_latched(site)
    assert_stands_still(site, "rolled-back")
    (cause,) = [each["cause"] for each in site.page.snapshot()["latches"]]
    assert "the guard knows record" in cause


@pytest.mark.long
@pytest.mark.parametrize("plan", ["same-plan", "newer-plan"])
def test_yesterdays_journal_and_guard_are_caught_by_the_receipt_alone(
    sites: MakeSite, plan: str
) -> None:
    site = sites(f"rolled.by-receipt-{plan}")
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    copy = put_aside(site, "yesterday")
    site.run()
    line = site.mark_good()
    if plan == "newer-plan":
        # A retained plan, which yesterday's journal has not accepted, comes before any receipt.
        site.centre.post(f"/api/v1/orders/{site.order_code}/pause", {"reason": "a newer plan"})
        site.page.wait_why_not("order-held")
    site.wait_delivered()
    site.stop()
    put_back(site, copy, guard=True)
    spent = intents(site)
    site.run()
    site.page.wait_why_not("rolled-back")
    assert_stands_still(site, "rolled-back")
    (cause,) = [each["cause"] for each in site.page.snapshot()["latches"]]
    assert "the register holds" in cause
    assert intents(site) == spent
    assert all(line not in content for content in spent)  # it would have been spent again
    ((state,),) = site.centre.sql("SELECT state FROM stream WHERE gateway = %s", site.gateway)
    assert state == "live"  # it has sent nothing that contradicts what the register holds


def test_a_deleted_guard_latches_and_only_a_new_epoch_ends_it(sites: MakeSite) -> None:
    site = sites("rolled.no-guard")
    site.run()
    site.mark_good()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    copy = put_aside(site, "whole")
    site.lose_guard()
    run_latched(site)
    assert_stands_still(site, "rolled-back")
    report = site.verify()
    assert not report["good"]
    assert "cannot be read" in report["faults"][0]

    # The guard is found again, and the journal is whole: the latch stays all the same.
    site.stop()
    shutil.copytree(copy / "guard", site.guard.parent, dirs_exist_ok=True)
    run_latched(site)
    assert_stands_still(site, "rolled-back")
    site.stop()

    first_epoch = intents(site)
    issued = spans(site)
    site.enrol("the guard was lost")
    site.run()
    assert site.page.snapshot()["epoch"] == 2
    site.mark_good()
    site.wait_delivered()
    states = assert_agree(site)
    assert states == {"good": 3}
    line = assert_balanced(site, states, reconcile(site.centre))
    old = sum(end - start for start, end in issued)
    assert line["lost"] == old - len(first_epoch)
    new = [
        number
        for (number,) in site.centre.sql(
            "SELECT c.number FROM claim c JOIN stream s ON s.id = c.stream"
            " WHERE s.gateway = %s AND s.epoch = 2",
            site.gateway,
        )
    ]
    assert len(new) == 1
    assert not any(start <= number < end for number in new for start, end in issued)


def spans(site: Site) -> list[tuple[int, int]]:
    """The half-open runs of numbers that were issued to the site's gateway so far."""
    return [
        (int(start), int(end))
        for start, end in site.centre.sql(
            "SELECT lower(b.span), upper(b.span) FROM block b JOIN stream s ON s.id = b.stream"
            " WHERE s.gateway = %s",
            site.gateway,
        )
    ]


@pytest.mark.long
def test_a_truncated_journal_is_corrupt(sites: MakeSite) -> None:
    site = sites("corrupt.truncated")
    site.run()
    for _ in range(3):
        site.mark_good()
    site.wait_delivered()
    site.stop()
    whole = site.journal.read_bytes()
    site.journal.write_bytes(whole[: len(whole) * 2 // 3])
    run_latched(site)
    assert_cannot_be_opened(site)
    verified = site.command("journal", "verify", "--json", str(site.journal))
    assert verified.returncode == 1

    # Whole again, from a copy: the latch stays until a new epoch.
    site.stop()
    site.journal.write_bytes(whole)
    run_latched(site)
    assert_cannot_be_opened(site)
    site.stop()
    site.enrol("the disk was torn")
    site.run()
    site.mark_good()
    site.wait_delivered()
    states = assert_agree(site)
    assert states == {"good": 4}
    assert_balanced(site, states, reconcile(site.centre))


def test_one_changed_byte_is_corrupt_and_named(sites: MakeSite) -> None:
    site = sites("corrupt.byte")
    site.run()
    site.mark_good()
    site.wait_delivered()
    site.stop()
    with closing(sqlite3.connect(site.journal)) as db:
        db.execute("DROP TRIGGER record_is_final")
        (body,) = db.execute("SELECT body FROM record WHERE seq = 3").fetchone()
        changed = bytes(body).replace(b'"K00', b'"K10', 1)
        assert changed != body
        db.execute("UPDATE record SET body = ? WHERE seq = 3", (changed,))
        db.commit()
    # A start that ended without a word counts for two minutes before what comes after it.
    site.centre.sql(
        "UPDATE gateway_state SET at = at - interval '3 minutes' WHERE gateway = %s", site.gateway
    )
    run_latched(site)
    assert_cannot_be_opened(site)
    (cause,) = [each["cause"] for each in site.page.snapshot()["latches"]]
    assert "record 3 does not hash to its head" in cause
    assert not site.verify()["good"]
    wait_for("the register to hear it", lambda: reported(site) == ["journal-corrupt"])


def reported(site: Site) -> list[str]:
    """The latches in the gateway's last word to the register."""
    ((latches,),) = site.centre.sql(
        "SELECT latches FROM gateway_state WHERE gateway = %s", site.gateway
    )
    return list(latches)
